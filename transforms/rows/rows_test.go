package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// textSource is a document in memory.
func textSource(text string) Source {
	return Source{Name: "contacts", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// shown is a table for comparison: its columns, then each row with its number and its cells. A cell of another kind than
// text says so.
func shown(t *testing.T, rows push.Rows, err error) string {
	t.Helper()
	if err != nil {
		if pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("of kind %s: %v", pipeline.KindOf(err), err)
		}
		return err.Error()
	}
	var lines []string
	err = rows.Read(t.Context(), func(r push.Row) error {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, []string{push.Blank: "", push.Text: "", push.Number: "number:", push.Bool: "bool:", push.WallTime: "time:", push.Nested: "json:"}[c.Kind]+c.Text)
			if c.Kind == push.Blank && c.Text != "" {
				t.Errorf("row %d has a blank with a text", r.Number)
			}
		}
		line := fmt.Sprintf("%d %s", r.Number, strings.Join(cells, "|"))
		if r.Problem != "" {
			line += " (" + r.Problem + "; " + r.Remedy + ")"
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return strings.Join(append([]string{strings.Join(rows.Columns(), "|")}, lines...), "\n")
}

func TestACSVIsReadAsItsHeaderIsWritten(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"commas", "clientIds,name\n+1;+2,\"a, b\"\n", "clientIds|name\n1 +1;+2|a, b"},
		{"semicolons", "clientIds;name\r\n\"+1;+2\";a, b\r\n3;\"c\"\"d\"\r\n", "clientIds|name\n1 +1;+2|a, b\n2 3|c\"d"},
		{"tabs", "clientIds\tname\n+1;+2\ta, b\n", "clientIds|name\n1 +1;+2|a, b"},
		{"one column", "clientIds\n+1;+2\n", "clientIds\n1 +1;+2"},
		{"a byte order mark", "\uFEFFclientIds,a\n1,2\n", "clientIds|a\n1 1|2"},
		{"no end of the last line", "clientIds,a\n1,2\n3,4", "clientIds|a\n1 1|2\n2 3|4"},
		{"blank lines and cells", "\nclientIds,a\n\n1, \n\n,\n", "clientIds|a\n1 1|\n2 |"},
		{"lines inside of a cell", "a,b\n1,\"x\ny\"\n", "a|b\n1 1|x\ny"},
		{"a separator in a quoted name", "\"a,b,c\";d\n1;2\n", "a,b,c|d\n1 1|2"},
		{"a column twice", "a,a\n1,2\n", "a|a_2\n1 1|2"},
		{"a header alone", "a,b\n", "a|b"},
		{"stray quotes", "a,b\n1,x \"y\" z\n2,3\n", "a|b\n1 1|x \"y\" z\n2 2|3"},
		{"a row with too few cells", "a,b\n1\n2,3\n", "a|b\n1 1| (has 1 of 2 cells; give it as many cells as the header has)\n2 2|3"},
		{"a row with too many cells", "a;b\n1;2;3\n4;5\n", "a|b\n1 1|2;3 (has 3 cells, the header has 2; quote the cell that holds a semicolon)\n2 4|5"},
		{"a row that cannot be split", "a,b\n1,\"x\"y\n2,3\n", "a|b|_raw\n1 ||1,\"x\"y (has a stray quote; quote the whole cell, and double the quotes inside of it)\n2 2|3|"},
		{"the last row cut", "a,b\n1,2\n3", "read contacts: invalid: row 2 has 1 of 2 cells (its end is missing; export it again. Nothing of it was sent)"},
		{"the last row cut inside quotes", "a,b\n1,\"2\n", "read contacts: invalid: the document ends inside quotes, which row 1 opens (its end is missing; export it again. Nothing of it was sent)"},
		{"the header again", "a,b\n1,2\na,b\n3,4\n", "read contacts: invalid: row 2 is the header again (it may be two files in one; take the second header out. Nothing of it was sent)"},
		{"nothing", "", "read contacts: invalid: the document is blank (save it as CSV in UTF-8, with a header that names the columns)"},
		{"another document", "<html>", "read contacts: invalid: the document is HTML or XML, not CSV (save it as CSV in UTF-8, with a header that names the columns)"},
		{"UTF-16", "\xff\xfea\x00\n\x00", "read contacts: invalid: the document is UTF-16 (save it as CSV in UTF-8, with a header that names the columns)"},
	} {
		rows, err := NewCSV(t.Context(), textSource(c.text))
		if got := shown(t, rows, err); got != c.want {
			t.Errorf("%s:\n%q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestJSONLinesAreReadAsTheyAreTyped(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"values of each kind", `{"a":"x","b":5.0,"c":true,"d":null,"e":" ","f":["a",1],"g":{"z":1, "y":null}}` + "\n", `a|b|c|d|e|f|g` + "\n" + `1 x|number:5.0|bool:true|||json:["a",1]|json:{"z":1}`},
		{"members in any order", `{"a":1,"b":2}` + "\n\n" + `{"c":3,"a":4}`, "a|b|c\n1 number:1|number:2|\n2 number:4||number:3"},
		{"escapes", `{"\u0061":"\ud83d\ude00\n"}` + "\r\n", "a\n1 \U0001F600\n"},
		{"a byte order mark", "\uFEFF{\"a\":1}\n", "a\n1 number:1"},
		{"nothing", "", ""},
		{"blank lines", "\n \n", ""},
		{"a line that is no object", `{"a":1}` + "\nx\n" + `{"a":2}` + "\n", "a|_raw\n1 number:1|\n2 |x (is no JSON object; write it as one JSON object in UTF-8, on a line of its own)\n3 number:2|"},
		{"two objects in a line", `{"a":1}{"a":2}` + "\n", "a|_raw\n1 |{\"a\":1}{\"a\":2} (is no JSON object; write it as one JSON object in UTF-8, on a line of its own)"},
		{"a member twice", `{"a":1,"a":2}` + "\n", "a|_raw\n1 |{\"a\":1,\"a\":2} (has a member twice; leave one of them)"},
		{"the last line cut", `{"a":1}` + "\n" + `{"a":"x`, "read contacts: invalid: row 2 is cut short (its end is missing; export it again. Nothing of it was sent)"},
		{"an array", `[{"a":1}]`, "read contacts: invalid: it is a JSON array, not JSON Lines (write one JSON object a line, in UTF-8, without the array around them)"},
		{"objects of several lines", "{\n  \"a\": 1\n}\n", "read contacts: invalid: its objects take several lines each (write one JSON object a line, in UTF-8)"},
		{"a CSV", "a,b\n1,2\n", "read contacts: invalid: it does not begin with a JSON object (write one JSON object a line, in UTF-8)"},
		{"UTF-16", "\xff\xfe{\x00", "read contacts: invalid: it is UTF-16 (write one JSON object a line, in UTF-8)"},
		{"zstd", "\x28\xb5\x2f\xfd\x04\x00", "read contacts: invalid: it is compressed (zstd) (write one JSON object a line, in UTF-8)"},
		{"a PDF", "%PDF-1.7\n", "read contacts: invalid: it is a PDF (write one JSON object a line, in UTF-8)"},
		{"a NUL byte", "{\"a\":\"\x00\"}", "read contacts: invalid: it is binary (write one JSON object a line, in UTF-8)"},
		{"a line without an end", `{"a":"` + strings.Repeat("x", longestLine+1<<17), "read contacts: invalid: line 1 is longer than 4 MiB (write one JSON object a line)"},
	} {
		rows, err := NewJSONLines(t.Context(), textSource(c.text))
		if got := shown(t, rows, err); got != c.want {
			t.Errorf("%s:\n%q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestWhatACallbackSaysEndsTheReading(t *testing.T) {
	ours := errors.New("enough")
	csv, err := NewCSV(t.Context(), textSource("a\n1\n2\n"))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := NewJSONLines(t.Context(), textSource("{}\n{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []push.Rows{csv, lines} {
		n := 0
		if err := rows.Read(t.Context(), func(push.Row) error { n++; return ours }); err != ours || n != 1 {
			t.Errorf("%T: %v after %d rows", rows, err, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n = 0
		if err := rows.Read(ctx, func(push.Row) error { n++; cancel(); return nil }); !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("%T: %v after %d rows", rows, err, n)
		}
	}
}

// failing is a document whose reading fails.
type failing struct{ io.Reader }

func (failing) Read([]byte) (int, error) { return 0, errDisk }

var errDisk = errors.New("the disk is gone")

func TestADocumentThatCannotBeReadIsNotOneThatIsWrong(t *testing.T) {
	broken := Source{Name: "contacts", Open: func() (io.ReadCloser, error) { return io.NopCloser(failing{}), nil }}
	_, err := NewCSV(t.Context(), broken)
	if !errors.Is(err, errDisk) || err.Error() != "read contacts: invalid: the disk is gone" {
		t.Error(err)
	}
	if _, err := NewJSONLines(t.Context(), broken); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}
