package rows

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/transforms"
)

// Source is the bytes of a document. Each call of Open begins at its first byte.
type Source struct {
	Name string // for messages: the file's name
	Open func() (io.ReadCloser, error)
}

// RawColumn is the column that a row has which cannot be split into cells: its text.
const RawColumn = "_raw"

// CSV reads a CSV document whose first record names the columns. Cells are separated as in the header: by commas,
// semicolons or tabs. Quoting that is not RFC 4180 is read leniently, as reports are.
type CSV struct {
	source  Source
	comma   byte
	lenient bool
	columns []string
	raw     int // position of [RawColumn]; 0: there is none
}

// NewCSV looks at the whole document once. An error is a *[pipeline.Error] of kind Invalid.
func NewCSV(ctx context.Context, s Source) (*CSV, error) {
	c := &CSV{source: s}
	err := c.scan(ctx, func(push.Row) error { return nil })
	if errors.Is(err, pipeline.ErrIrregular) {
		c.lenient = true
		err = c.scan(ctx, func(push.Row) error { return nil })
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Comma is what stands between cells.
func (c *CSV) Comma() rune { return rune(c.comma) }

// Columns implements [push.Rows].
func (c *CSV) Columns() []string { return c.columns }

// Close implements [push.Rows].
func (c *CSV) Close() error { return nil }

// Read implements [push.Rows].
func (c *CSV) Read(ctx context.Context, each func(push.Row) error) error { return c.scan(ctx, each) }

// scan reads the document once.
func (c *CSV) scan(ctx context.Context, each func(push.Row) error) error {
	body, err := c.source.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	text := bufio.NewReaderSize(body, 64<<10)
	if c.comma == 0 {
		if c.comma, err = separator(text); err != nil {
			return c.source.unreadable(err)
		}
	}
	var called error
	var cells []push.Cell
	err = transforms.EachRecord(exchange(text, c.comma), c.lenient, c.header, func(r transforms.Record) error {
		var row push.Row
		if row, cells = c.row(r, cells[:0]); ctx.Err() != nil {
			called = ctx.Err()
		} else {
			called = each(row)
		}
		return called
	})
	switch {
	case err == nil || called != nil || errors.Is(err, pipeline.ErrIrregular):
		return err
	}
	return c.source.broken(err, "save it as CSV in UTF-8, with a header that names the columns")
}

func (c *CSV) header(names []string) error {
	if c.columns == nil {
		c.columns = make([]string, len(names), len(names)+1)
		for i, name := range names {
			c.columns[i] = c.exchanged(name)
		}
	}
	return nil
}

// row makes a row of a record.
func (c *CSV) row(r transforms.Record, cells []push.Cell) (push.Row, []push.Cell) {
	width := len(c.columns)
	if c.raw > 0 {
		width = c.raw
	}
	row := push.Row{Number: int(r.Number), Problem: r.Reason}
	switch {
	case r.Reason == "":
	case len(r.Cells) == 0:
		row.Remedy = "quote the whole cell, and double the quotes inside of it"
		if c.raw == 0 {
			c.raw, c.columns = width, append(c.columns, RawColumn)
		}
	case len(r.Cells) < width:
		row.Remedy = "give it as many cells as the header has"
	default:
		row.Remedy = "quote the cell that holds a " + c.name()
		last := strings.Join(r.Cells[width-1:], ",")
		r.Cells = append(r.Cells[:width-1], last)
	}
	for _, text := range r.Cells {
		cells = append(cells, push.TextOf(c.exchanged(text)))
	}
	for len(cells) < width {
		cells = append(cells, push.Cell{})
	}
	if c.raw > 0 {
		cell := push.Cell{}
		if len(r.Cells) == 0 {
			cell = push.TextOf(c.exchanged(r.Raw))
		}
		cells = append(cells, cell)
	}
	row.Cells = cells
	return row, cells
}

func (c *CSV) name() string {
	switch c.comma {
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	}
	return "comma"
}

// separator finds what separates the cells of a header: the one of the three that is there most often outside quotes.
func separator(r *bufio.Reader) (byte, error) {
	head, err := r.Peek(r.Size())
	if err != nil && err != io.EOF {
		return 0, err
	}
	var commas, semicolons, tabs int
	quoted := false
	for _, b := range head {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == ',':
			commas++
		case b == ';':
			semicolons++
		case b == '\t':
			tabs++
		}
		if b == '\n' && !quoted {
			break
		}
	}
	switch {
	case semicolons > commas && semicolons >= tabs:
		return ';', nil
	case tabs > commas:
		return '\t', nil
	}
	return ',', nil
}

// exchange swaps commas and another separator, for the tokenizer knows commas alone. Both are one byte in UTF-8, so that
// swapping the cells again gives what was written.
func exchange(r io.Reader, comma byte) io.Reader {
	if comma == ',' {
		return r
	}
	return &exchanger{r, comma}
}

type exchanger struct {
	io.Reader
	comma byte
}

func (e *exchanger) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	for i, b := range p[:n] {
		switch b {
		case ',':
			p[i] = e.comma
		case e.comma:
			p[i] = ','
		}
	}
	return n, err
}

// exchanged is a text as it was written.
func (c *CSV) exchanged(text string) string {
	if c.comma == ',' || strings.IndexByte(text, ',') < 0 && strings.IndexByte(text, c.comma) < 0 {
		return text
	}
	b := []byte(text)
	for i := range b {
		switch b[i] {
		case ',':
			b[i] = c.comma
		case c.comma:
			b[i] = ','
		}
	}
	return string(b)
}

// unreadable is the error of a document whose bytes cannot be had.
func (s Source) unreadable(err error) error {
	return &pipeline.Error{Op: "read " + s.Name, Kind: pipeline.Invalid, Err: err}
}

// broken is the error of a document that is not what it should be.
func (s Source) broken(err error, hint string) error {
	out := &pipeline.Error{Op: "read " + s.Name, Kind: pipeline.Invalid, Hint: hint, Err: err}
	var e *pipeline.Error
	if errors.As(err, &e) {
		if out.Err = e.Err; e.Kind != pipeline.Malformed {
			return s.unreadable(err)
		}
		switch e.Cause {
		case pipeline.CutShort:
			out.Hint = "its end is missing; export it again. Nothing of it was sent"
		case pipeline.HeaderAgain:
			out.Hint = "it may be two files in one; take the second header out. Nothing of it was sent"
		}
	}
	return out
}

// wrong is the error of a document that is not what it should be, in words.
func (s Source) wrong(hint, format string, args ...any) error {
	return s.broken(fmt.Errorf(format, args...), hint)
}
