package transforms

import (
	"bytes"
	"io"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// repeated reads a beginning, then a piece over and over up to a size.
func repeated(first, piece []byte, size int) io.Reader {
	times := 0
	if len(piece) > 0 {
		times = max(size-len(first), 0) / len(piece)
	}
	return io.MultiReader(bytes.NewReader(first), bytes.NewReader(bytes.Repeat(piece, times)))
}

// FuzzBroken feeds documents of which a piece comes very often: whatever the piece, all that the readings of CSV and
// JSON allocate, garbage included, is in proportion to the document's size, and the time with it. An error is of a kind
// that the engine knows.
func FuzzBroken(f *testing.F) {
	const size = 256 << 10
	for _, s := range [][2]string{
		{minimal, "a\n"}, {minimal, row1}, {"", ","}, {"id", ",a"}, {"id", ",a_2"}, {minimal + "\"", "x"}, {minimal, "\"a\n"}, {minimal, "\"\"\"\n"},
		{minimal, ",\""}, {minimal, "\"a\"\"\n"}, {minimal, "1,2025-09-08 10:00:00,\x01,UTC\n"}, {minimal, "\xff,"}, {"", "\n"}, {minimal, "\r"},
		{"[", "1,"}, {`[{"resource":"A"`, `,"m":1`}, {"[", `{"resource":"A"},`}, {"[", "["}, {`[{"a":`, `{"a":`}, {`[{"resource":"`, `\"`}, {`[{"resource":"`, `\\`},
		{`{"operators":[`, `{"resource":"A"},`}, {`{"operators":[]`, `,"a":1`}, {`{"a":"xxxxxxxxxxxxxxxxxxxxxxxx","operators":[{}`, `,{"a":1}`}, {`[{"resource":"`, `\ud800`},
	} {
		f.Add([]byte(s[0]), []byte(s[1]))
	}
	formats := []pipeline.Format{
		NewCSV(testMapping(), pipeline.Policy{}), NewCSV(testMapping(), pipeline.Policy{}).Lenient(),
		NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}), NewJSON(jsonMapping, JSONOptions{Rows: "operators"}, pipeline.Policy{}),
	}
	f.Fuzz(func(t *testing.T, first, piece []byte) {
		if len(first) > size/4 {
			t.Skip("the piece is what matters")
		}
		for i, format := range formats {
			var err error
			used := allocated(func() { _, _, err = parse(format, repeated(first, piece, size), size/4) })
			if err != nil && err != pipeline.ErrIrregular && pipeline.KindOf(err) != pipeline.Malformed {
				t.Fatalf("%q, %q, format %d: %v", first, piece, i, err)
			}
			if most := uint64(200 * size); used > most {
				t.Fatalf("%q, %q, format %d: %d MiB were allocated for %d KiB", first, piece, i, used>>20, size>>10)
			}
		}
	})
}
