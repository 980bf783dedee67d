package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
)

// longRecord has rows with long texts of every kind among short ones and nulls: a column with repeating strings, one
// without, and lists.
func longRecord(rows int) arrow.Record {
	schema := pipeline.Events.StageSchema()
	var fields []arrow.Field
	for _, name := range []string{"event_id", "resource_name", "tags", "talk_seconds", "extras"} {
		fields = append(fields, schema.Field(schema.FieldIndices(name)[0]))
	}
	schema = arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	text := func(i int) string {
		if i%4 == 1 {
			return string(noise(longText + i%3))
		}
		return fmt.Sprintf("short %d", i%5)
	}
	for i := range rows {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(i))
		b.Field(3).(*array.Float64Builder).Append(float64(i))
		if i%7 == 3 {
			for _, col := range []int{1, 2, 4} {
				b.Field(col).AppendNull()
			}
			continue
		}
		switch name := b.Field(1).(type) {
		case *array.BinaryDictionaryBuilder:
			if err := name.AppendString(text(i)); err != nil {
				panic(err)
			}
		default:
			name.(*array.StringBuilder).Append(text(i))
		}
		tags := b.Field(2).(*array.ListBuilder)
		tags.Append(true)
		for j := range i % 3 {
			tags.ValueBuilder().(*array.StringBuilder).Append(text(i + j))
		}
		b.Field(4).(*array.StringBuilder).Append(`{"x":"` + text(i) + `"}`)
	}
	return b.NewRecord()
}

// written is a file of these groups.
func written(t *testing.T, schema *arrow.Schema, groups ...arrow.Record) []byte {
	t.Helper()
	var buf bytes.Buffer
	f, err := NewFile(&buf, schema)
	if err != nil {
		t.Fatal(err)
	}
	for i, rec := range groups {
		g := mustEncode(t, rec)
		before, size := f.Size(), g.Size()
		if err := f.Add(i, g); err != nil {
			t.Fatal(err)
		}
		if f.Size()-before != size {
			t.Errorf("group %d has %d bytes and says %d", i, f.Size()-before, size)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestLongTextsAreReadBackAmongShortOnes(t *testing.T) {
	whole := longRecord(30)
	parts := []arrow.Record{whole.NewSlice(0, 2), whole.NewSlice(2, 11), whole.NewSlice(11, 12), whole.NewSlice(12, 30)}
	data := written(t, whole.Schema(), parts...)
	got := readTable(t, data)
	for i, f := range whole.Schema().Fields() {
		column, err := array.Concatenate(got.Column(i).Data().Chunks(), memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		want := whole.Column(i)
		for row := range want.Len() {
			if g, w := column.ValueStr(row), want.ValueStr(row); g != w || column.IsNull(row) != want.IsNull(row) {
				t.Fatalf("%s of row %d has %d bytes, want %d", f.Name, row, len(g), len(w))
			}
		}
	}
	var s Scanner
	scanned := make(map[string]int)
	if err := s.Scan(t.Context(), bytes.NewReader(data), int64(len(data)), func(int) error { return nil }, func(v Values) error {
		for _, text := range v.Texts {
			scanned[v.Column] += len(text)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{1: "resource_name", 4: "extras"} {
		want := 0
		for row := range whole.NumRows() {
			if !whole.Column(i).IsNull(int(row)) {
				want += len(whole.Column(i).ValueStr(int(row)))
			}
		}
		if name != "" && scanned[name] != want {
			t.Errorf("%d bytes of %s were scanned, want %d", scanned[name], name, want)
		}
	}
	// What is joined is moved as it is.
	var joined bytes.Buffer
	f, err := NewFile(&joined, whole.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.AddFile(0, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close()); err != nil || !bytes.Equal(joined.Bytes(), data) {
		t.Errorf("the joined file has %d bytes, the one it is made of %d: %v", joined.Len(), len(data), err)
	}
}

func TestPromise12_ALongTextIsInMemoryOnceMoreOnItsWayToAPage(t *testing.T) {
	const size = 24 << 20
	for name, rec := range map[string]arrow.Record{
		"noise":          oneText(string(noise(size))),
		"what is packed": oneText(strings.Repeat("x", size)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g := mustEncode(t, rec)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > size+size/4 {
			t.Errorf("%s: encoding %d MiB allocated %d MiB", name, size>>20, took>>20)
		}
		g.Discard()
	}
}

// oneText is a record of one row with one text.
func oneText(s string) arrow.Record {
	schema := pipeline.Events.StageSchema()
	schema = arrow.NewSchema([]arrow.Field{schema.Field(schema.FieldIndices("extras")[0])}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.StringBuilder).Append(s)
	return b.NewRecord()
}
