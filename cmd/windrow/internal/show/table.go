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
	"slices"
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
	paint map[string]func(cell string) colour // by heading
}

// NewTable begins a table with these headings. On a terminal with colours the columns "state", "result" and "failed" tell
// by theirs what is good and what is not.
func NewTable(heads ...string) *Table {
	t := &Table{
		heads: make([]string, len(heads)), right: make([]bool, len(heads)),
		paint: map[string]func(string) colour{"state": ofState, "result": ofState, "failed": ofTrouble},
	}
	for i, h := range heads {
		t.heads[i], t.right[i] = strings.CutPrefix(h, ">")
	}
	return t
}

// Row adds a row; it has as many cells as there are headings.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// tableWidth is what a line of a table has room for, and leastText what a column of text is given at least before it
// moves below.
const (
	tableWidth = 80
	leastText  = 16
)

// Print writes the table, two spaces between columns and none at line ends. What is too wide for 80 columns has one space
// between columns, or a last column of several lines; else the columns that have no room stand below, beside the first one.
func (t *Table) Print(w io.Writer) error {
	out := bufio.NewWriter(w)
	if _, ok := w.(Coloured); !ok {
		t.paint = nil
	}
	widths := t.widths()
	whole := make([]int, len(widths))
	for i := range whole {
		whole[i] = i
	}
	switch n := len(whole) - 1; {
	case total(widths, 2) <= tableWidth:
		t.print(out, whole, widths, "  ")
	case total(widths, 1) <= tableWidth:
		t.print(out, whole, widths, " ")
	case !t.right[n] && total(widths[:n], 2)+2+leastText <= tableWidth:
		widths[n] = tableWidth - total(widths[:n], 2) - 2
		t.print(out, whole, widths, "  ")
	default:
		t.printBelow(out, widths)
	}
	return out.Flush()
}

// printBelow prints the columns block by block, each beside the first column.
func (t *Table) printBelow(out *bufio.Writer, widths []int) {
	for i, blocks := 1, 0; i < len(widths); blocks++ {
		columns, room := []int{0}, tableWidth-widths[0]
		for i < len(widths) && (len(columns) == 1 || widths[i]+2 <= room || i == len(widths)-1 && !t.right[i] && room >= leastText+2) {
			widths[i] = min(widths[i], max(room-2, leastText))
			columns, room = append(columns, i), room-2-widths[i]
			i++
		}
		if blocks > 0 {
			out.WriteByte('\n')
		}
		t.print(out, columns, widths, "  ")
	}
}

// widths are those of the columns; the last ones are left out of the table where they hold nothing.
func (t *Table) widths() []int {
	widths := make([]int, len(t.heads))
	for _, row := range append([][]string{t.heads}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if widths[0] > widestName { // a path; the other rows need not stand as far apart
		widths[0] = 0
		for _, row := range append([][]string{t.heads}, t.rows...) {
			if n := utf8.RuneCountInString(row[0]); n <= widestName {
				widths[0] = max(widths[0], n)
			}
		}
	}
	for n := len(widths); n > 1 && widths[n-1] == 0; n-- {
		widths = widths[:n-1]
	}
	return widths
}

// widestName is how wide the first column becomes. A longer cell, as of a path, which is one word, pushes the rest of its
// own row to the right.
const widestName = 56

// total is the width of columns with so many spaces between.
func total(widths []int, gap int) int {
	n := -gap
	for _, w := range widths {
		n += gap + w
	}
	return n
}

// print writes some of the columns. A cell that is wider than its column goes on below.
func (t *Table) print(out *bufio.Writer, columns, widths []int, gap string) {
	for of, row := range append([][]string{t.heads}, t.rows...) {
		rest := make([][]string, len(columns))
		for k, i := range columns {
			rest[k] = inLines(row[i], widths[i])
			if i == 0 {
				rest[k] = []string{row[i]}
			}
		}
		for n := 0; n == 0 || slices.ContainsFunc(rest, func(lines []string) bool { return len(lines) > n }); n++ {
			var line strings.Builder
			for k, i := range columns {
				cell := ""
				if n < len(rest[k]) {
					cell = rest[k][n]
				}
				pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
				if as := t.paint[t.heads[i]]; as != nil && of > 0 {
					cell = as(row[i]).of(cell)
				}
				if t.right[i] {
					cell = pad + cell
				} else {
					cell += pad
				}
				if k > 0 {
					line.WriteString(gap)
				}
				line.WriteString(cell)
			}
			out.WriteString(strings.TrimRight(line.String(), " "))
			out.WriteByte('\n')
		}
	}
}

// inLines cuts a text into lines of so many columns, between words where it can.
func inLines(text string, width int) (lines []string) {
	if utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	var line []rune
	for _, word := range strings.Fields(text) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > width {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for line = append(line, w...); len(line) > width; line = line[width:] {
			lines = append(lines, string(line[:width]))
		}
	}
	return append(lines, string(line))
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
