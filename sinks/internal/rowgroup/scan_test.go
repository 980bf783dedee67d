package rowgroup

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
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
// is an error or the end, never a panic, and never nothing for ever. Records are read by a scan.
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
		rows, last := int64(0), error(nil)
		for rec, err := range Records(context.Background(), bytes.NewReader(flipped)) {
			if last = err; err == nil {
				rows += rec.NumRows()
			}
		}
		if last == nil && rows != 100 {
			t.Fatalf("with bit %d of byte %d flipped, %d of 100 rows are read as if nothing were", i%8, i, rows)
		}
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
	whole := fileOf(t, groupSchema, groupRecord(memory.DefaultAllocator, 0, 12))
	var s Scanner
	nothing := func(Values) error { return nil }
	scan := func() {
		if err := s.Scan(context.Background(), bytes.NewReader(whole), int64(len(whole)), func(int) error { return nil }, nothing); err != nil {
			t.Fatal(err)
		}
	}
	scan()
	perColumn := testing.AllocsPerRun(20, scan) / float64(groupSchema.NumFields())
	if perColumn > 2 {
		t.Errorf("a column costs %.0f pieces of memory", perColumn)
	}
}

// sameAsArrow compares, value by value, what a scan reads of a file with what Arrow's reader does.
func sameAsArrow(t *testing.T, s *Scanner, whole []byte) {
	t.Helper()
	want := map[string][]string{}
	for rec, err := range Records(context.Background(), bytes.NewReader(whole)) {
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range rec.Schema().Fields() {
			for row := range int(rec.NumRows()) {
				want[f.Name] = append(want[f.Name], arrowText(rec.Column(i), row))
			}
		}
	}
	got := map[string][]string{}
	err := s.Scan(context.Background(), bytes.NewReader(whole), int64(len(whole)), func(int) error { return nil }, func(v Values) error {
		got[v.Column] = append(got[v.Column], valueTexts(v)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		texts := got[name]
		if name == "tags" { // a line an item, joined to the row's
			texts = joinedLists(texts)
		}
		if !slices.Equal(texts, want[name]) {
			for i := range want[name] {
				if i >= len(texts) || texts[i] != want[name][i] {
					t.Fatalf("column %s: %d values, want %d; number %d differs: %q, want %q", name, len(texts), len(want[name]), i, texts[min(i, len(texts)-1)], want[name][i])
				}
			}
		}
	}
}

func arrowText(values arrow.Array, row int) string {
	if values.IsNull(row) {
		return "null"
	}
	switch v := values.(type) {
	case *array.String:
		return v.Value(row)
	case *array.Int64:
		return fmt.Sprint(v.Value(row))
	case *array.Timestamp:
		return fmt.Sprint(int64(v.Value(row)))
	case *array.Date32:
		return fmt.Sprint(int32(v.Value(row)))
	case *array.Float64:
		return fmt.Sprint(v.Value(row))
	case *array.Boolean:
		return fmt.Sprint(v.Value(row))
	case *array.List:
		text := "list"
		for i := v.Offsets()[row+v.Offset()]; i < v.Offsets()[row+v.Offset()+1]; i++ {
			text += "+" + v.ListValues().(*array.String).Value(int(i))
		}
		return text
	}
	return fmt.Sprintf("a %T", values)
}

// valueTexts has a text for each level of a piece: null, a value, or of a list what it adds.
func valueTexts(v Values) (texts []string) {
	var all []string
	for _, x := range v.Int64s {
		all = append(all, fmt.Sprint(x))
	}
	for _, x := range v.Int32s {
		all = append(all, fmt.Sprint(x))
	}
	for _, x := range v.Floats {
		all = append(all, fmt.Sprint(x))
	}
	for _, x := range v.Bools {
		all = append(all, fmt.Sprint(x))
	}
	for _, x := range v.Texts {
		all = append(all, string(x))
	}
	if v.Defs == nil {
		return all
	}
	at := 0
	for i, def := range v.Defs {
		text := "null"
		if def == v.MaxDef {
			text = all[at]
			at++
		}
		if v.Reps != nil {
			text = []string{"null", "list", "", "+" + text}[def]
			if v.Reps[i] == 0 && def > 1 {
				text = "list" + text
			}
		}
		texts = append(texts, text)
	}
	return texts
}

func joinedLists(parts []string) (rows []string) {
	for _, part := range parts {
		if !strings.HasPrefix(part, "+") {
			rows = append(rows, part)
			continue
		}
		rows[len(rows)-1] += part
	}
	return rows
}

func TestAScannerReadsTheValuesThatArrowReads(t *testing.T) {
	var s Scanner
	sameAsArrow(t, &s, groupFile(t, 0, 7))
	sameAsArrow(t, &s, fileOf(t, groupSchema, groupRecord(memory.DefaultAllocator, 0, 30_000)))
	for _, n := range []int{0, 1, 2, 3} { // columns of nulls alone among them
		sameAsArrow(t, &s, fileOf(t, groupSchema, groupRecord(memory.DefaultAllocator, 2, n)))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []int64{1, 2, 100, 1 << 20, 1 << 40, math.MaxInt64} { // widths of differences
		for _, rows := range []int{1, 31, 32, 33, 129, 5000, 40_000} {
			b := array.NewRecordBuilder(memory.NewGoAllocator(), numberSchema)
			for i := range rows {
				if i%7 == 3 {
					b.Field(1).AppendNull()
				} else {
					b.Field(1).(*array.Int64Builder).Append(random.Int64N(spread) - spread/2)
				}
				b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(random.Int64N(spread) - spread/3))
				b.Field(2).(*array.Date32Builder).Append(arrow.Date32(random.Int64N(spread)))
				b.Field(3).(*array.Float64Builder).Append(float64(random.Int64N(spread)))
			}
			sameAsArrow(t, &s, fileOf(t, numberSchema, b.NewRecord()))
		}
	}
}

var numberSchema = arrow.NewSchema([]arrow.Field{
	{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us},
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64},
}, nil)

// fileOf is a file of one row group.
func fileOf(t *testing.T, schema *arrow.Schema, rec arrow.Record) []byte {
	t.Helper()
	var buf bytes.Buffer
	f, err := NewFile(&buf, schema)
	if err == nil {
		err = f.Add(0, mustEncode(t, rec))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
