package transforms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// recordsOf reads a document record by record, over several ranges where it is long.
func recordsOf(doc string, lenient bool) (out []string, err error) {
	err = EachRecord(strings.NewReader(doc), lenient, func(names []string) error {
		out = append(out, strings.Join(names, "|"))
		return nil
	}, func(r Record) error {
		line := fmt.Sprintf("%d %s", r.Number, strings.Join(r.Cells, "|"))
		if r.Reason != "" {
			line += " (" + r.Reason + ": " + r.Raw + ")"
		}
		out = append(out, line)
		return nil
	})
	return out, err
}

func TestRecordsAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		lenient   bool
		want      []string
	}{
		{"quotes, blanks and lines", "a,b\r\n\" x \",\"1\"\"2\"\r\n,\r\n\"y\nz\",\r\n", false, []string{"a|b", "1  x |1\"2", "2 |", "3 y\nz|"}},
		{"no last line end", "a,b\n1,2", false, []string{"a|b", "1 1|2"}},
		{"a miscounted row between others", "a,b\n1,2,3\n4,5\n", false, []string{"a|b", "1 1|2|3 (has 3 cells, the header has 2: 1,2,3)", "2 4|5"}},
		{"a stray quote", "a,b\n\"1\"x,2\n4,5\n", true, []string{"a|b", "1  (has a stray quote: \"1\"x,2)", "2 4|5"}},
	} {
		got, err := recordsOf(c.doc, c.lenient)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v\nwant %q", c.name, got, err, c.want)
		}
	}
	if _, err := recordsOf("a,b\n\"1\"x,2\n4,5\n", false); !errors.Is(err, pipeline.ErrIrregular) {
		t.Error(err)
	}
}

func TestRecordsAreNumberedOverRanges(t *testing.T) {
	const rows = 100_000 // several ranges
	got, err := recordsOf("a\n"+strings.Repeat("0123456789\n", rows), false)
	if err != nil || len(got) != rows+1 || got[rows] != fmt.Sprint(rows, " 0123456789") {
		t.Error(len(got), got[len(got)-1], err)
	}
	_, err = recordsOf("a,b\n"+strings.Repeat("0123456789,0\n", rows)+"x", false)
	if err == nil || !strings.Contains(err.Error(), "row 100001 has 1 of 2 cells") {
		t.Error(err)
	}
}
