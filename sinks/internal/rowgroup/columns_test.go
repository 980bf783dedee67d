package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/windrow-data/windrow/pipeline"
)

// byArrow is the file that Arrow's own pqarrow makes of a record, with the same properties.
func byArrow(t *testing.T, rec arrow.Record) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(rec.Schema(), &out, writerProperties(rec.Schema(), rec.NumRows(), memory.DefaultAllocator), pqarrow.NewArrowWriterProperties())
	if err == nil {
		err = w.Write(rec)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &out
}

// randomRecord has rows of a schema, of which so many of a hundred values are null where they may be, and so many texts.
func randomRecord(r *rand.Rand, s *arrow.Schema, rows, nulls, texts int) arrow.Record {
	columns := make([]arrow.Array, s.NumFields())
	for i, f := range s.Fields() {
		null := func() bool { return f.Nullable && r.IntN(100) < nulls }
		b := array.NewBuilder(memory.DefaultAllocator, f.Type)
		for range rows {
			if null() {
				b.AppendNull()
				continue
			}
			n := r.IntN(texts)
			text := fmt.Sprintf("Ñ%d%s", n, strings.Repeat("x", n%500))
			if n == 0 {
				text = ""
			}
			switch b := b.(type) {
			case *array.StringBuilder:
				b.Append(text)
			case *array.BinaryDictionaryBuilder:
				_ = b.AppendString(text)
			case *array.Int64Builder:
				b.Append(r.Int64())
			case *array.TimestampBuilder:
				b.Append(arrow.Timestamp(r.Int64N(1 << 50)))
			case *array.Date32Builder:
				b.Append(arrow.Date32(r.Int32N(30000)))
			case *array.Float64Builder:
				b.Append(float64(r.IntN(1000)) / 2)
			case *array.BooleanBuilder:
				b.Append(r.IntN(2) == 0)
			case *array.ListBuilder:
				b.Append(true)
				for range r.IntN(4) {
					if r.IntN(100) < nulls {
						b.ValueBuilder().AppendNull()
					} else {
						b.ValueBuilder().(*array.StringBuilder).Append(text)
					}
				}
			}
		}
		columns[i] = b.NewArray()
	}
	return array.NewRecord(s, columns, int64(rows))
}

// inOrder sorts what Arrow lists in the order of a map, which is another each time.
func inOrder[T any](list []T) {
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// Whoever reads the files finds no difference: each byte of a page is the one that Arrow's pqarrow would write.
func TestAGroupIsByteForByteThatOfPqarrow(t *testing.T) {
	schemas := []*arrow.Schema{groupSchema}
	for _, table := range pipeline.Tables() {
		schemas = append(schemas, table.Schema(), table.StageSchema())
	}
	for n, s := range schemas {
		for _, c := range []struct{ rows, nulls, texts int }{
			{0, 0, 1}, {1, 0, 1}, {1, 100, 1}, {700, 0, 30}, {1024, 30, 30}, {1025, 100, 30}, {6000, 10, 1 << 30}, // the last fill pages, and more than a dictionary
		} {
			if c.texts > 1000 && n > 0 {
				continue
			}
			r := rand.New(rand.NewPCG(uint64(n), uint64(c.rows)))
			rec := randomRecord(r, s, c.rows, c.nulls, c.texts)
			for _, rec := range []arrow.Record{rec, rec.NewSlice(int64(c.rows/3), int64(c.rows-c.rows/4))} {
				var out bytes.Buffer
				if err := writeFile(&out, rec, writerProperties(s, rec.NumRows(), memory.DefaultAllocator)); err != nil {
					t.Fatalf("schema %d, %+v: %v", n, c, err)
				}
				want := byArrow(t, rec)
				got, err := readFooter(&out)
				wanted, err2 := readFooter(want)
				if err = errors.Join(err, err2); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), want.Bytes()) {
					t.Errorf("schema %d, %+v: pages of %d bytes are not the %d of pqarrow", n, c, out.Len(), want.Len())
				}
				for _, footer := range []*metadata.FileMetaData{got, wanted} {
					for _, group := range footer.RowGroups {
						for _, column := range group.Columns {
							inOrder(column.MetaData.EncodingStats)
						}
					}
				}
				if !reflect.DeepEqual(got.RowGroups, wanted.RowGroups) || !got.Schema.Equals(wanted.Schema) {
					t.Errorf("schema %d, %+v: the footer says otherwise than pqarrow's", n, c)
				}
			}
		}
	}
}

func TestASchemaIsThatOfPqarrowThereAndBack(t *testing.T) {
	for _, table := range pipeline.Tables() {
		for _, s := range []*arrow.Schema{table.Schema(), table.StageSchema()} {
			props := writerProperties(s, 0, memory.DefaultAllocator)
			got, err := parquetSchema(s, props)
			if err != nil {
				t.Fatal(err)
			}
			want, err := pqarrow.ToParquet(s, props, pqarrow.DefaultWriterProps())
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equals(want) {
				t.Errorf("%s is stored as\n%s\nwant\n%s", table.Name, got, want)
			}
			back, err := arrowSchema(want)
			if err != nil {
				t.Fatal(err)
			}
			wantBack, err := pqarrow.FromParquet(want, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range wantBack.Fields() {
				if b := back.Field(i); b.Name != f.Name || b.Nullable != f.Nullable || !arrow.TypeEqual(b.Type, f.Type) {
					t.Errorf("%s is read as %s, want %s", f.Name, b, f)
				}
			}
		}
	}
}
