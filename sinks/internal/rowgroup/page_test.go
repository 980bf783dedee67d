package rowgroup

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Arrow's writer looks at a page's size after each 1,024 rows. A delta-encoded
// column that had just filled a page, and then had nothing but nulls, once made
// it end that page again, past the end of its memory.
func TestNumbersThatEndInNullsAreEncodedWhereverTheyEnd(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	}, nil)
	random := rand.New(rand.NewPCG(1, 2))
	for rows := 12 << 10; rows <= 40<<10; rows += 1 << 10 {
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		for range rows {
			b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(random.Int64N(1 << 40)))
			b.Field(1).(*array.Int64Builder).Append(random.Int64())
			b.Field(2).(*array.Date32Builder).Append(arrow.Date32(random.Int32()))
		}
		for _, f := range b.Fields() {
			f.AppendNulls(2 << 10)
		}
		rec := b.NewRecord()
		var file bytes.Buffer
		f, err := NewFile(&file, schema)
		if err != nil {
			t.Fatal(err)
		}
		group, err := Encode(rec)
		if err != nil {
			t.Errorf("%d numbers and 2,048 nulls: %v", rows, err)
			continue
		}
		if err := f.Add(0, group); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		got := readTable(t, file.Bytes())
		for i := range schema.NumFields() {
			column, err := array.Concatenate(got.Column(i).Data().Chunks(), memory.NewGoAllocator())
			if err != nil {
				t.Fatal(err)
			}
			if !array.Equal(column, rec.Column(i)) {
				t.Errorf("%d numbers and 2,048 nulls: column %s differs after the round trip", rows, schema.Field(i).Name)
			}
		}
	}
}
