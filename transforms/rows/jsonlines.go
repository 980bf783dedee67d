package rows

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/transforms"
)

// JSONLines reads a document of JSON objects, one a line. The members' names are the columns, in the order in which they
// come first.
type JSONLines struct {
	source  Source
	columns []string
	index   map[string]int // by the name of a column
	cells   []push.Cell
	in      *jsontext.Decoder
	line    bytes.Reader
}

const (
	// longestLine bounds a line: a contact is no longer, and a document without line ends is none of this kind.
	longestLine = 4 << 20
	// mostColumns bounds the columns, as for CSV.
	mostColumns = 4096
)

// NewJSONLines looks at the whole document once. An error is a *[pipeline.Error] of kind Invalid.
func NewJSONLines(ctx context.Context, s Source) (*JSONLines, error) {
	j := &JSONLines{source: s, index: make(map[string]int)}
	j.in = jsontext.NewDecoder(&j.line)
	if err := j.Read(ctx, func(push.Row) error { return nil }); err != nil {
		return nil, err
	}
	return j, nil
}

// Columns implements [push.Rows].
func (j *JSONLines) Columns() []string { return j.columns }

// Close implements [push.Rows].
func (j *JSONLines) Close() error { return nil }

// Read implements [push.Rows].
func (j *JSONLines) Read(ctx context.Context, each func(push.Row) error) error {
	body, err := j.source.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	in := bufio.NewReaderSize(body, 64<<10)
	if err := j.opening(in); err != nil {
		return err
	}
	var long []byte
	for n := 0; ; {
		line, err := nextLine(in, long[:0])
		if err != nil && err != io.EOF {
			if errors.Is(err, bufio.ErrBufferFull) {
				return j.source.wrong("write one JSON object a line", "line %d is longer than %d MiB", n+1, longestLine>>20)
			}
			return j.source.unreadable(err)
		}
		long = line
		if text := bytes.TrimSpace(line); len(text) > 0 {
			n++
			row, broken := j.row(n, text)
			if broken && err == io.EOF {
				return j.source.wrong("its end is missing; export it again. Nothing of it was sent", "row %d is cut short", n)
			}
			if len(j.columns) > mostColumns {
				return j.source.wrong("write contacts with the same members", "its rows have more than %d members", mostColumns)
			}
			if err := errors.Join(ctx.Err()); err != nil {
				return err
			}
			if err := each(row); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// opening checks what the document begins with, and passes a byte order mark.
func (j *JSONLines) opening(in *bufio.Reader) error {
	const one = "write one JSON object a line, in UTF-8"
	if mark, _ := in.Peek(3); string(mark) == "\uFEFF" { // an error comes again with the lines
		_, _ = in.Discard(3)
	}
	head, _ := in.Peek(1 << 10)
	text := bytes.TrimLeft(head, " \t\r\n")
	if what := transforms.NotText(head); what != "" {
		return j.source.wrong(one, "it is %s", what)
	}
	switch {
	case len(text) == 0:
	case text[0] == '[':
		return j.source.wrong(one+", without the array around them", "it is a JSON array, not JSON Lines")
	case text[0] == '{':
		if first, _, ended := bytes.Cut(text, []byte("\n")); ended && bytes.IndexByte(first, '"') < 0 && bytes.IndexByte(first, '}') < 0 {
			return j.source.wrong(one, "its objects take several lines each")
		}
	default:
		return j.source.wrong(one, "it does not begin with a JSON object")
	}
	return nil
}

// nextLine reads a line with its end. The error is io.EOF behind the last one, and bufio.ErrBufferFull where it is too long.
func nextLine(in *bufio.Reader, long []byte) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		long = append(long, part...)
		if err == nil || err != bufio.ErrBufferFull || len(long) > longestLine {
			return long, err
		}
	}
}

// row makes a row of a line. broken says that the line ends before its object does.
func (j *JSONLines) row(n int, line []byte) (row push.Row, broken bool) {
	j.cells = j.cells[:0]
	for range j.columns {
		j.cells = append(j.cells, push.Cell{})
	}
	j.line.Reset(line)
	j.in.Reset(&j.line)
	err := j.members()
	row = push.Row{Number: n}
	if err != nil {
		clear(j.cells)
		*j.cell(RawColumn) = push.Cell{Kind: push.Text, Text: string(line)}
		row.Problem, row.Remedy = "is no JSON object", "write it as one JSON object in UTF-8, on a line of its own"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			row.Problem, row.Remedy = "has a member twice", "leave one of them"
		}
	}
	row.Cells = j.cells
	return row, errors.Is(err, io.ErrUnexpectedEOF)
}

var errNoObject = errors.New("no object")

// members reads the members of the line's object into cells.
func (j *JSONLines) members() error {
	begin, err := j.in.ReadToken()
	if err != nil {
		return err
	}
	if begin.Kind() != '{' {
		return errNoObject
	}
	for j.in.PeekKind() != '}' {
		name, err := j.in.ReadToken()
		if err != nil {
			return err
		}
		cell := j.cell(name.String())
		value, err := j.in.ReadValue()
		if err != nil {
			return err
		}
		if *cell, err = push.CellOf(value); err != nil {
			return err
		}
	}
	if _, err := j.in.ReadToken(); err != nil {
		return err
	}
	if _, err := j.in.ReadToken(); err != io.EOF { // something follows
		return errNoObject
	}
	return nil
}

// cell is the cell of a column, which may be new.
func (j *JSONLines) cell(name string) *push.Cell {
	i, known := j.index[name]
	if !known {
		i = len(j.columns)
		j.index[name], j.columns = i, append(j.columns, name)
	}
	for len(j.cells) <= i {
		j.cells = append(j.cells, push.Cell{})
	}
	return &j.cells[i]
}
