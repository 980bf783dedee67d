package rows

import (
	"errors"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// fuzzed holds a document against what every table promises: read twice it is the same, its rows are numbered from 1
// without a gap, no row has more cells than there are columns, and what is wrong with the document is of kind Invalid.
func fuzzed(t *testing.T, rows push.Rows, err error) {
	if err != nil {
		if pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%v", err)
		}
		return
	}
	var counts [2]int
	for i := range counts {
		err := rows.Read(t.Context(), func(r push.Row) error {
			if counts[i]++; r.Number != counts[i] {
				t.Errorf("row %d is the %d.", r.Number, counts[i])
			}
			if len(r.Cells) > len(rows.Columns()) {
				t.Errorf("row %d has %d cells, and there are %d columns", r.Number, len(r.Cells), len(rows.Columns()))
			}
			if r.Problem != "" && r.Remedy == "" {
				t.Errorf("row %d %s: without a remedy", r.Number, r.Problem)
			}
			for _, c := range r.Cells {
				if _, err := push.CellOf([]byte(c.Text)); c.Kind == push.Nested && err != nil {
					t.Errorf("row %d has JSON that is none: %v", r.Number, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err) // the first look has taken the whole document
		}
	}
	if counts[0] != counts[1] {
		t.Errorf("%d rows, then %d", counts[0], counts[1])
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a;b\r\n\"1;2\";3\r\n", "a\tb\n1\t2", "a,b\n1,\"x\"y\n2,3\n", "\uFEFFa\n\n1\n", "a,b\n1\n2,3,4\n5,6\n", "a\n\xff\x00\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := NewCSV(t.Context(), textSource(text))
		if errors.Is(err, pipeline.ErrIrregular) {
			t.Error(err)
		}
		fuzzed(t, rows, err)
	})
}

func FuzzJSONLines(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":"x"}` + "\n" + `{"b":null,"c":[{"d":1.50,"e":null}]}`, "\uFEFF{}\n\n{\"\":{}}\n", `{"a":1}x` + "\n", `{"a":"\ud83d"}` + "\n", `{"a":1,"a":2}` + "\n", `{"a":1e400,"b":-0,"c":[null]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := NewJSONLines(t.Context(), textSource(text))
		fuzzed(t, rows, err)
	})
}
