package transforms

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/windrow-data/windrow/pipeline"
)

// wantsRoom is a reader that fails the test when it is asked for nothing.
type wantsRoom struct {
	t *testing.T
	io.Reader
}

func (r wantsRoom) Read(b []byte) (int, error) {
	if len(b) == 0 {
		r.t.Error("a read without room for a byte")
	}
	return r.Reader.Read(b)
}

func TestEveryReadHasRoom(t *testing.T) {
	rows := func(n int) string { return "[" + strings.Repeat(`{"resource":"A"},`, n) + `{"resource":"A"}]` }
	csv := func(n int) string { return minimal + strings.Repeat("1,2025-09-08 10:00:00,Call,UTC,\n", n) }
	for name, c := range map[string]struct {
		format pipeline.Format
		doc    func(rows int) string
		few    int // rows, more than the first buffer holds
	}{
		"JSON":        {NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}), rows, 5_000},
		"an envelope": {NewJSON(jsonMapping, JSONOptions{Rows: "operators"}, pipeline.Policy{}), func(n int) string { return `{"operators":` + rows(n) + `}` }, 5_000},
		"CSV":         {NewCSV(testMapping(), pipeline.Policy{}), csv, 9_000},
		"lenient CSV": {NewCSV(testMapping(), pipeline.Policy{}).Lenient(), csv, 9_000},
	} {
		// A row of JSON takes 17 bytes. Ranges of a row or less cost a copy of what is buffered each, and so get fewer rows.
		for size, n := range map[int]int{1: c.few, 17: c.few, 1700: 20_000, 100 << 10: 20_000} {
			doc := c.doc(n)
			for form, r := range map[string]io.Reader{"whole": strings.NewReader(doc), "half": iotest.HalfReader(strings.NewReader(doc))} {
				t.Run(fmt.Sprintf("%s in ranges of %d, %s reads", name, size, form), func(t *testing.T) {
					chunks := 0
					for chunk, err := range c.format.Split(wantsRoom{t, r}, size) {
						if err != nil {
							t.Fatal(err)
						}
						if chunks++; chunk.Free != nil {
							chunk.Free()
						}
					}
					if chunks < 2 && name != "an envelope" {
						t.Errorf("%d chunk; the test needs cuts", chunks)
					}
				})
			}
		}
	}
}
