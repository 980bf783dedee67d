package rowgroup

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Rows is the number of rows of a closed [File] of size bytes, as its footer says. It reads the footer alone.
func Rows(r io.ReaderAt, size int64) (int64, error) {
	meta, _, err := readTail(r, size)
	if err != nil {
		return 0, err
	}
	return meta.NumRows, nil
}

// Count is [Rows] for those who look at very many files: of the footer it reads no more than the number, at a tenth of the
// cost, and so finds less damage.
func (s *Scanner) Count(r io.ReaderAt, size int64) (rows int64, err error) {
	text, _, err := readFooterOf(&s.footer.buf, r, size)
	if err != nil {
		return 0, err
	}
	rows = -1
	c := compact{b: text}
	for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) {
		if id == 3 { // FileMetaData.num_rows of parquet.thrift
			rows = c.int(kind)
			break
		}
		c.skip(kind)
	}
	if c.bad || rows < 0 {
		return 0, errFooter
	}
	return rows, nil
}

// source is what a file is read from.
type source interface {
	io.ReaderAt
	Size() int64
}

// Records is [Scanner.Records] for who reads one file.
func Records(ctx context.Context, r source) iter.Seq2[arrow.Record, error] {
	return new(Scanner).Records(ctx, r)
}

// Records iterates over the rows of a closed [File] in their order, one record a row group. A record is good until the next
// one. The first error is the last pair. r stays the caller's.
func (s *Scanner) Records(ctx context.Context, r source) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		end, b, err := s.beginRecords(r)
		if err == nil {
			defer b.Release()
			for _, g := range s.footer.groups {
				var rec arrow.Record
				if rec, err = s.readRecord(ctx, r, g, end, b); err != nil {
					break
				}
				more := yield(rec, nil)
				rec.Release()
				if !more {
					return
				}
			}
		}
		if err != nil {
			yield(nil, fmt.Errorf("read parquet: %w", err))
		}
	}
}

// beginRecords reads the footer. The builder is for its columns.
func (s *Scanner) beginRecords(r source) (end int64, b *array.RecordBuilder, err error) {
	defer recovered(&err)
	if end, err = s.begin(r, r.Size()); err != nil {
		return 0, nil, err
	}
	schema, err := arrowSchema(s.footer.schema)
	if err != nil {
		return 0, nil, err
	}
	return end, array.NewRecordBuilder(memory.DefaultAllocator, schema), nil
}

// readRecord reads a row group.
func (s *Scanner) readRecord(ctx context.Context, r source, g groupMeta, end int64, b *array.RecordBuilder) (rec arrow.Record, err error) {
	defer recovered(&err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	columns := make(map[string]array.Builder)
	for i, f := range b.Schema().Fields() {
		columns[f.Name] = b.Field(i)
	}
	if err := s.group(r, g, end, nil, func(v Values) error { return appendValues(columns[v.Column], v) }); err != nil {
		return nil, err
	}
	for _, column := range columns {
		if int64(column.Len()) != g.rows {
			return nil, errDamaged
		}
	}
	return b.NewRecord(), nil
}

// appendValues appends a piece of a column, as its levels say.
func appendValues(column array.Builder, v Values) error {
	list, isList := column.(*array.ListBuilder)
	values := column
	if isList {
		values = list.ValueBuilder()
	}
	levels, at := v.levels(), 0
	for i := range levels {
		there := v.Defs == nil || v.Defs[i] == v.MaxDef
		if isList && v.Reps[i] == 0 {
			list.Append(v.Defs == nil || v.Defs[i] > 0)
		}
		switch {
		case there:
			if err := appendValue(values, v, at); err != nil {
				return err
			}
			at++
		case !isList:
			column.AppendNull()
		}
	}
	return nil
}

// levels is the number of values and nulls.
func (v *Values) levels() int {
	if v.Defs != nil {
		return len(v.Defs)
	}
	return max(len(v.Int64s), len(v.Int32s), len(v.Floats), len(v.Bools), len(v.Texts))
}

// appendValue appends the value at a place. What the piece does not have makes it panic, which is an error to the reader.
func appendValue(b array.Builder, v Values, at int) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(string(v.Texts[at]))
	case *array.Int64Builder:
		b.Append(v.Int64s[at])
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Int64s[at]))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.Int32s[at]))
	case *array.Float64Builder:
		b.Append(v.Floats[at])
	case *array.BooleanBuilder:
		b.Append(v.Bools[at])
	default:
		return fmt.Errorf("it has a column of the type %s", b.Type())
	}
	return nil
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged: %v", p)
	}
}
