package rowgroup

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// scanned is what a scan hands over, as text: a line for each column of each row group.
func scanned(s *Scanner, b []byte) (lines []string, err error) {
	last := ""
	err = s.Scan(context.Background(), bytes.NewReader(b), int64(len(b)), func(rows int) error {
		lines, last = append(lines, fmt.Sprint(rows, " rows")), ""
		return nil
	}, func(v Values) error {
		piece := fmt.Sprint(v.Defs, v.Reps, v.Int64s, v.Int32s, v.Floats, v.Bools)
		for _, text := range v.Texts {
			piece += fmt.Sprintf(" %q", text)
		}
		if v.Column != last {
			lines, last = append(lines, v.Column), v.Column
		}
		lines[len(lines)-1] += " " + piece
		return nil
	})
	return lines, err
}

func TestAScannerReadsWhatItsFootersAndPagesSay(t *testing.T) {
	var s Scanner
	for _, groups := range []int{3, 0, 1, 200} { // the footer of 200 is longer than what is read of it at first
		whole := groupFile(t, 0, groups)
		meta, _, err := readTail(bytes.NewReader(whole), int64(len(whole)))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Count(bytes.NewReader(whole), int64(len(whole))); err != nil || n != meta.NumRows {
			t.Fatalf("%d rows are counted, %v; the footer says %d", n, err, meta.NumRows)
		}
		lines, err := scanned(&s, whole)
		if err != nil {
			t.Fatal(err)
		}
		if n := groups * (1 + groupSchema.NumFields()); len(lines) != n {
			t.Fatalf("%d lines, want %d", len(lines), n)
		}
		sameFooter(t, &s.footer, meta)
		for i, line := range lines[:min(len(lines), 1)] { // the first column is the number of the row
			if want := fmt.Sprintf("%d rows", meta.RowGroups[i].NumRows); line != want {
				t.Errorf("the group says %q, want %q", line, want)
			}
			want := "event_id [] [] [] [] [] []"
			for row := range meta.RowGroups[i].NumRows {
				want += fmt.Sprintf(" %q", fmt.Sprintf("9007199254740993%d", row))
			}
			if lines[i+1] != want {
				t.Errorf("the first column is %s, want %s", lines[i+1], want)
			}
		}
	}
}

// sameFooter compares what a scan understood of a footer with what Thrift's compiler made of it.
func sameFooter(t *testing.T, f *footer, meta *metadata.FileMetaData) {
	t.Helper()
	if f.rows != meta.NumRows || len(f.groups) != len(meta.RowGroups) || !f.schema.Equals(meta.Schema) {
		t.Fatalf("%d rows in %d groups, want %d in %d", f.rows, len(f.groups), meta.NumRows, len(meta.RowGroups))
	}
	for i, g := range f.groups {
		for j, c := range f.chunks[g.from:g.to] {
			m := meta.RowGroups[i].Columns[j].MetaData
			want := chunkMeta{codec: int64(m.Codec), values: m.NumValues, compressed: m.TotalCompressedSize, uncompressed: m.TotalUncompressedSize,
				dataPage: m.DataPageOffset, dictPage: m.GetDictionaryPageOffset()}
			if g.rows != meta.RowGroups[i].NumRows || c != want {
				t.Fatalf("column %d of group %d is %+v, want %+v", j, i, c, want)
			}
		}
	}
}

// Every bit of a file that flips is found, or changes nothing that is read, or gives other values: what a scan says of it
// is an error or the end, never a panic, and never nothing for ever.
func TestAScanEndsWhateverIsDamaged(t *testing.T) {
	whole := groupFile(t, 0, 1)
	var s Scanner
	good, err := scanned(&s, whole)
	if err != nil {
		t.Fatal(err)
	}
	refused, other := 0, 0
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		switch lines, err := scanned(&s, flipped); {
		case err != nil:
			refused++
		case !slices.Equal(lines, good):
			other++
		}
		if _, err := scanned(&s, whole[:i]); err == nil {
			t.Fatalf("a file cut to %d of %d bytes was read", i, len(whole))
		}
		_, _ = s.Count(bytes.NewReader(flipped), int64(len(flipped)))
	}
	if refused < len(whole)/4 || other == 0 {
		t.Errorf("of %d flips %d were refused, and %d gave other values", len(whole), refused, other)
	}
	if lines, err := scanned(&s, whole); err != nil || !slices.Equal(lines, good) {
		t.Errorf("after all that the whole file reads otherwise: %v", err)
	}
}

// A scan of a small file makes less garbage than the file has bytes: a history has a hundred thousand of them.
func TestScansOfSmallFilesNeedLittleMemory(t *testing.T) {
	var buf bytes.Buffer
	f, err := NewFile(&buf, groupSchema)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Add(0, mustEncode(t, groupRecord(memory.DefaultAllocator, 0, 12))); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var s Scanner
	nothing := func(Values) error { return nil }
	scan := func() {
		if err := s.Scan(context.Background(), bytes.NewReader(buf.Bytes()), int64(buf.Len()), func(int) error { return nil }, nothing); err != nil {
			t.Fatal(err)
		}
	}
	scan()
	perColumn := testing.AllocsPerRun(20, scan) / float64(groupSchema.NumFields())
	if perColumn > 16 {
		t.Errorf("a column costs %.0f pieces of memory", perColumn)
	}
}
