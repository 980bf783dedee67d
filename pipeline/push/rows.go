package push

import (
	"bytes"
	"context"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Rows is a table that somebody wants to push, before anybody looks at what its cells mean. It is read once, from one
// goroutine.
type Rows interface {
	// Columns are the names of the columns in their order, each once. While rows are read, columns may be added behind:
	// those of what is no row.
	Columns() []string
	// Read hands over each row in its order. A row and its cells are the callback's until it returns. An error of the
	// callback ends the reading and comes back as it is. Other errors are *[pipeline.Error], of kind Invalid where the
	// table is not what it should be: then none of its rows is to be used. It obeys ctx.
	Read(ctx context.Context, each func(Row) error) error
	// Close lets go of the table. It is idempotent.
	Close() error
}

// Row is a row of a table.
type Row struct {
	Number  int    // counted from 1
	Cells   []Cell // one for each of the columns that are known by now
	Problem string // why it is no row: "has 3 of 5 cells"; empty where it is one. Holds no value
	Remedy  string
}

// Cell is a value of a row.
type Cell struct {
	Kind CellKind
	Text string // by the kind; empty where Blank
}

// CellKind says what a cell is.
type CellKind uint8

const (
	Blank    CellKind = iota // nothing, null, or a text without any
	Text                     // text as it is; it may be no UTF-8
	Number                   // as JSON writes numbers
	Bool                     // true or false
	WallTime                 // what a clock on the wall shows: 2025-11-03 11:54:00, with a fraction where there is one
	Nested                   // a JSON array or object in the form of [Canonical]
)

// TextOf is the cell of a text.
func TextOf(text string) Cell {
	if strings.TrimSpace(text) == "" {
		return Cell{}
	}
	return Cell{Kind: Text, Text: text}
}

// NumberOf is the cell of a floating-point number of so many bits. What is no number is blank, as programs that know no null
// write it.
func NumberOf(v float64, bits int) Cell {
	text := strconv.FormatFloat(v, 'g', -1, bits)
	switch {
	case math.IsNaN(v):
		return Cell{}
	case math.IsInf(v, 0):
		return Cell{Kind: Text, Text: text}
	}
	return Cell{Kind: Number, Text: text}
}

// CellOf is the cell of a JSON value. It fails where v is no JSON, is no UTF-8 or has a member twice.
func CellOf(v jsontext.Value) (Cell, error) {
	switch v.Kind() {
	case 'n':
		return Cell{}, nil
	case 't', 'f':
		return Cell{Kind: Bool, Text: string(v)}, nil
	case '0':
		return Cell{Kind: Number, Text: string(v)}, nil
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		return TextOf(string(text)), err
	}
	canonical, err := Canonical(v)
	return Cell{Kind: Nested, Text: string(canonical)}, err
}

// AppendJSON appends the cell as a JSON value. A text that is no UTF-8 stands as it is, so that the whole is no JSON.
func (c Cell) AppendJSON(dst []byte) []byte {
	switch c.Kind {
	case Blank:
		return append(dst, "null"...)
	case Number, Bool, Nested:
		return append(dst, c.Text...)
	}
	out, err := jsontext.AppendQuote(dst, c.Text)
	if err != nil {
		return append(dst, c.Text...)
	}
	return out
}

// Canonical is the one form of a JSON value: without white space and members that are null, members sorted, numbers
// shortest. Integers stay as they are, however long. It fails where v is no JSON, is no UTF-8 or has a member twice.
func Canonical(v []byte) (jsontext.Value, error) {
	value := jsontext.Value(bytes.Clone(v))
	if bytes.Contains(v, []byte("null")) {
		var err error
		if value, err = withoutNulls(v); err != nil {
			return nil, err
		}
	}
	return value, value.Canonicalize(jsontext.CanonicalizeRawInts(false))
}

// withoutNulls leaves the members out that are null.
func withoutNulls(v []byte) (jsontext.Value, error) {
	var out bytes.Buffer
	in, to := jsontext.NewDecoder(bytes.NewReader(v)), jsontext.NewEncoder(&out)
	for {
		t, err := in.ReadToken()
		if err == io.EOF {
			return jsontext.Value(bytes.TrimSpace(out.Bytes())), nil
		}
		if kind, n := in.StackIndex(in.StackDepth()); err == nil && kind == '{' && n%2 == 1 && t.Kind() == '"' {
			name := t.Clone()
			if in.PeekKind() == 'n' {
				_, err = in.ReadToken()
			} else {
				err = to.WriteToken(name)
			}
		} else if err == nil {
			err = to.WriteToken(t)
		}
		if err != nil {
			return nil, err
		}
	}
}
