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
	rows := "[" + strings.Repeat(`{"resource":"A"},`, 20_000) + `{"resource":"A"}]`
	csv := minimal + strings.Repeat("1,2025-09-08 10:00:00,Call,UTC,\n", 20_000)
	for name, c := range map[string]struct {
		format pipeline.Format
		doc    string
	}{
		"JSON":        {NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}), rows},
		"an envelope": {NewJSON(jsonMapping, JSONOptions{Rows: "operators"}, pipeline.Policy{}), `{"operators":` + rows + `}`},
		"CSV":         {NewCSV(testMapping(), pipeline.Policy{}), csv},
		"lenient CSV": {NewCSV(testMapping(), pipeline.Policy{}).Lenient(), csv},
	} {
		for _, size := range []int{1, 17, 1700, 100 << 10} { // a row of JSON takes 17 bytes
			for form, r := range map[string]io.Reader{"whole": strings.NewReader(c.doc), "half": iotest.HalfReader(strings.NewReader(c.doc))} {
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
