// Package show turns what a run found out into text for people: aligned
// tables, progress on a terminal, log lines elsewhere, and JSON.
//
// It decides nothing and calls nobody: a verb hands it values of package
// pipeline and a writer. Start at [Table]; [Summary] is what sync prints and
// [Progress] what it shows on the way.
package show

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// Table is text in columns. A heading that begins with ">" is of a column of
// numbers, which stand at the right.
type Table struct {
	heads []string
	right []bool
	rows  [][]string
}

// NewTable begins a table with these headings.
func NewTable(heads ...string) *Table {
	t := &Table{heads: make([]string, len(heads)), right: make([]bool, len(heads))}
	for i, h := range heads {
		t.heads[i], t.right[i] = strings.CutPrefix(h, ">")
	}
	return t
}

// Row adds a row; it has as many cells as there are headings.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Print writes the table, two spaces between columns and none at line ends.
func (t *Table) Print(w io.Writer) error {
	widths := make([]int, len(t.heads))
	for _, row := range append([][]string{t.heads}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	out := bufio.NewWriter(w)
	for _, row := range append([][]string{t.heads}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(cell)
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	return out.Flush()
}

// Document writes v as JSON, indented, alone on w.
func Document(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// array writes the items of one JSON array as they come.
type array struct {
	w     io.Writer
	items int
}

func (a *array) add(v any) error {
	before := ",\n  "
	if a.items == 0 {
		before = "[\n  "
	}
	a.items++
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("  ", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := fmt.Fprint(a.w, before, strings.TrimRight(text.String(), "\n"))
	return err
}

func (a *array) end() error {
	after := "\n]\n"
	if a.items == 0 {
		after = "[]\n"
	}
	_, err := io.WriteString(a.w, after)
	return err
}

// inColumns is the beginning of a text that may hold anything, in one line of so many columns.
func inColumns(text string, columns int) string {
	var b strings.Builder
	n := 0
	for _, c := range text {
		if n == columns {
			return string([]rune(b.String())[:columns-1]) + "…"
		}
		if !unicode.IsPrint(c) {
			c = ' '
		}
		b.WriteRune(c)
		n++
	}
	return b.String()
}

// Sink prints where the tables are.
func Sink(w io.Writer, place string) error {
	_, err := fmt.Fprintf(w, "\nSink: %s\n", place)
	return err
}

// Archive prints where the answers are kept; nothing where they are not.
func Archive(w io.Writer, place string) error {
	if place == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "Archive: %s\n", place)
	return err
}

// thousands writes 1234567 as 1,234,567.
func thousands[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// plural writes "1 window", "2 windows".
func plural[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// name is a stream, with its account where that says something.
func name(stream pipeline.StreamID, account pipeline.AccountID) string {
	return pipeline.StreamKey{Account: account, Stream: stream}.Label()
}
