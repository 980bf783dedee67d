package rowgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/windrow-data/windrow/pipeline"
)

// groupSchema has every type that the two tables use, nullable and not.
var groupSchema = func() *arrow.Schema {
	t := pipeline.Events
	var fields []arrow.Field
	for _, name := range []string{"event_id", "channel", "tags", "started_at", "local_date", "talk_seconds", "is_entry", "extras"} {
		fields = append(fields, t.Schema().Field(t.Index(name)))
	}
	fields = append(fields, pipeline.Activity.Schema().Field(pipeline.Activity.Index("interactions_in")))
	return arrow.NewSchema(fields, nil)
}()

// groupRecord has rows numbered from..from+n-1; each third row is full of
// nulls, which may make a column of a small record null throughout.
func groupRecord(mem memory.Allocator, from, n int) arrow.Record {
	b := array.NewRecordBuilder(mem, groupSchema)
	defer b.Release()
	for i := from; i < from+n; i++ {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("9007199254740993%d", i))
		b.Field(4).(*array.Date32Builder).Append(arrow.Date32(20339 + i%3))
		if i%3 == 2 {
			for _, col := range []int{1, 2, 3, 5, 6, 7, 8} {
				b.Field(col).AppendNull()
			}
			continue
		}
		b.Field(1).(*array.StringBuilder).Append([]string{"voice", "Ñandú 日本 🎉"}[i%2])
		tags := b.Field(2).(*array.ListBuilder)
		tags.Append(true)
		for j := range i % 4 {
			tags.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprintf("tag é %d", j))
		}
		b.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(1757310000_000000 + int64(i)*1_500_000))
		b.Field(5).(*array.Float64Builder).Append(float64(i) * 0.1)
		b.Field(6).(*array.BooleanBuilder).Append(i%2 == 0)
		b.Field(7).(*array.StringBuilder).Append(fmt.Sprintf(`{"n":%d,"s":"\u0000 ß"}`, i))
		b.Field(8).(*array.Int64Builder).Append(int64(i) - 5)
	}
	return b.NewRecord()
}

func mustEncode(t testing.TB, rec arrow.Record) Group {
	t.Helper()
	g, err := Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func readTable(t *testing.T, data []byte) arrow.Table {
	t.Helper()
	tab, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(data),
		parquet.NewReaderProperties(nil), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestGroupsAddedOutOfOrderReadBackInOrder(t *testing.T) {
	var buf bytes.Buffer
	f, err := NewFile(&buf, groupSchema)
	if err != nil {
		t.Fatal(err)
	}
	// seq 40 holds rows 0..999, seq 41 one row, seq 70 the rest, seq 50 none.
	for _, g := range []struct{ seq, from, n int }{{70, 1001, 700}, {40, 0, 1000}, {50, 0, 0}, {41, 1000, 1}} {
		rec := groupRecord(memory.DefaultAllocator, g.from, g.n)
		if err := f.Add(g.seq, mustEncode(t, rec)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Rows() != 1701 || f.Size() != int64(buf.Len()) {
		t.Errorf("the file says %d rows in %d bytes; want 1701 in %d", f.Rows(), f.Size(), buf.Len())
	}
	got := readTable(t, buf.Bytes())
	want := array.NewTableFromRecords(groupSchema, []arrow.Record{groupRecord(memory.DefaultAllocator, 0, 1701)})
	for i := range groupSchema.NumFields() {
		g, err := array.Concatenate(got.Column(i).Data().Chunks(), memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		if w := want.Column(i).Data().Chunk(0); !array.Equal(g, w) {
			t.Errorf("column %s differs after the round trip", groupSchema.Field(i).Name)
		}
	}

	r, err := file.NewParquetReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	md := r.MetaData()
	if r.NumRowGroups() != 3 || md.RowGroup(0).NumRows() != 1000 || md.RowGroup(1).NumRows() != 1 {
		t.Errorf("%d groups, the first of %d rows; want 3 of 1000, 1, 700", r.NumRowGroups(), md.RowGroup(0).NumRows())
	}
	if rep := md.Schema.Root().RepetitionType(); rep != parquet.Repetitions.Required {
		t.Errorf("the root's repetition is %s, which several readers refuse", rep)
	}
	if c := md.KeyValueMetadata().FindValue("windrow.columns"); c == nil || !strings.Contains(*c, `"talk_seconds":{"aggregation":"sum"`) {
		t.Errorf("the columns' aggregation is missing from the file's metadata: %v", c)
	}
	if path := md.Schema.Column(2).Path(); path != "tags.list.element" {
		t.Errorf("the list is stored as %s, not as the standard's tags.list.element", path)
	}
	col, err := md.RowGroup(2).ColumnChunk(0)
	if err != nil {
		t.Fatal(err)
	}
	if col.HasDictionaryPage() {
		t.Error("the unique event_id has a dictionary")
	}
}

func TestAFileWithoutRowsCarriesTheSchema(t *testing.T) {
	for _, table := range pipeline.Tables() {
		var buf bytes.Buffer
		f, err := NewFile(&buf, table.StageSchema())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
		got := readTable(t, buf.Bytes())
		if got.NumRows() != 0 || int(got.NumCols()) != table.StageSchema().NumFields() {
			t.Errorf("%s: %d rows, %d columns; want none, %d", table.Name, got.NumRows(), got.NumCols(), table.StageSchema().NumFields())
		}
	}
}

func TestWorkersMayAddAtOnce(t *testing.T) {
	var buf bytes.Buffer
	f, err := NewFile(&buf, groupSchema)
	if err != nil {
		t.Fatal(err)
	}
	const groups, rows = 24, 50
	var wg sync.WaitGroup
	for i := range groups {
		wg.Go(func() {
			rec := groupRecord(memory.DefaultAllocator, i*rows, rows)
			g, err := Encode(rec)
			if err == nil {
				err = f.Add(i, g)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	got := readTable(t, buf.Bytes())
	n := 0
	for _, c := range got.Column(0).Data().Chunks() {
		for i := range c.Len() {
			if want := fmt.Sprintf("9007199254740993%d", n); c.(*array.String).Value(i) != want {
				t.Fatalf("row %d holds event %s, want %s", n, c.(*array.String).Value(i), want)
			}
			n++
		}
	}
	if n != groups*rows {
		t.Errorf("%d rows, want %d", n, groups*rows)
	}
}

// brittle fails once more than left bytes were written.
type brittle struct{ left int }

var errFull = errors.New("disk full")

func (w *brittle) Write(b []byte) (int, error) {
	if len(b) > w.left {
		n := w.left
		w.left = 0
		return n, errFull
	}
	w.left -= len(b)
	return len(b), nil
}

func TestAFailingWriterIsAnErrorWhereverItFails(t *testing.T) {
	build := func(w io.Writer) error {
		f, err := NewFile(w, groupSchema)
		if err != nil {
			return err
		}
		rec := groupRecord(memory.DefaultAllocator, 0, 10)
		addErr := f.Add(0, mustEncode(t, rec))
		closeErr := f.Close()
		if addErr != nil && !errors.Is(closeErr, errFull) {
			t.Errorf("Add failed and Close said %v", closeErr)
		}
		return closeErr
	}
	var whole bytes.Buffer
	if err := build(&whole); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < whole.Len(); n += 7 {
		if err := build(&brittle{left: n}); !errors.Is(err, errFull) {
			t.Fatalf("the disk was full after %d of %d bytes and the file said %v", n, whole.Len(), err)
		}
	}
	if err := build(&brittle{left: whole.Len()}); err != nil {
		t.Fatal(err)
	}
}

func TestMisuseOfAGroupFileIsAnError(t *testing.T) {
	other := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)
	rec := groupRecord(memory.DefaultAllocator, 0, 3)
	tests := []struct {
		name   string
		schema *arrow.Schema
		use    func(*File) error
		want   string
	}{
		{"a group of another schema", other, func(f *File) error { return f.Add(0, mustEncode(t, rec)) }, "another schema"},
		{"a group used before", groupSchema, func(f *File) error { return f.Add(0, Group{}) }, "used before"},
		{"two groups of one number", groupSchema, func(f *File) error {
			return errors.Join(f.Add(4, mustEncode(t, rec)), f.Add(4, mustEncode(t, rec)), f.Close())
		}, "number 4"},
		{"a group after the end", groupSchema, func(f *File) error {
			return errors.Join(f.Close(), f.Add(4, mustEncode(t, rec)))
		}, "after the end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := NewFile(io.Discard, tt.schema)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.use(f); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err := f.Close(); err == nil {
				t.Error("Close forgot the error")
			}
		})
	}
}

func TestARecordThatCannotBeEncodedIsAnError(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: &arrow.DurationType{Unit: arrow.Second}}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.DurationBuilder).Append(1)
	if _, err := Encode(b.NewRecord()); err == nil {
		t.Error("Parquet has no durations, and nobody said so")
	}
}

func TestEncodingGivesBackAllMemory(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	rec := groupRecord(mem, 0, 500)
	defer rec.Release()
	g, err := encode(rec, mem)
	if err != nil {
		t.Fatal(err)
	}
	if g.Rows() != 500 || g.Size() == 0 {
		t.Errorf("the group says %d rows in %d bytes", g.Rows(), g.Size())
	}
	g.Discard()
}

func TestFilesAreAFunctionOfTheirRows(t *testing.T) {
	build := func() []byte {
		var buf bytes.Buffer
		f, err := NewFile(&buf, groupSchema)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Add(0, mustEncode(t, groupRecord(memory.DefaultAllocator, 0, 300))), f.Close()); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	if !bytes.Equal(build(), build()) {
		t.Error("the same rows made two different files")
	}
}

func BenchmarkEncode(b *testing.B) {
	rec := groupRecord(memory.DefaultAllocator, 0, 10_000)
	var size int64
	for b.Loop() {
		g := mustEncode(b, rec)
		size = g.Size()
		g.Discard()
	}
	b.ReportMetric(float64(size), "bytes")
}

// dayOfTexts has so many rows of a text as unknown fields of a report are.
func dayOfTexts(n int) (rec arrow.Record, text []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{groupSchema.Field(groupSchema.FieldIndices("extras")[0])}, nil))
	defer b.Release()
	for range n {
		from := len(text)
		for _, field := range []string{"agentHoldTime", "averageSpeedOfAnswer", "callsOffered", "serviceLevel"} {
			text = fmt.Appendf(text, `%q:%d.%02d,`, field, r.IntN(5000), r.IntN(100))
		}
		b.Field(0).(*array.StringBuilder).Append(string(text[from:]))
	}
	return b.NewRecord(), text
}

func TestTheTextsOfADayAreCompressedTightly(t *testing.T) {
	for _, c := range []struct {
		rows  int
		tight bool
	}{{100, false}, {4000, true}, {20_000, false}} {
		rec, text := dayOfTexts(c.rows)
		g := mustEncode(t, rec)
		tight := float64(g.meta.RowGroups[0].Columns[0].MetaData.TotalCompressedSize)
		loose := float64(len(pooledZstd{}.EncodeLevel(nil, text, 1)))
		if got := tight < 0.97*loose; got != c.tight {
			t.Errorf("%d bytes of text take %.0f, and %.0f compressed in haste", len(text), tight, loose)
		}
		g.Discard()
		rec.Release()
	}
}
