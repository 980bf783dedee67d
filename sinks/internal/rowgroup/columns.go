package rowgroup

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// cells are how a column's values lie among its rows and nulls, as Parquet has it, and its values without the nulls. Its
// memory serves one column after the other.
type cells struct {
	defs, reps []int16

	words  []int64
	days   []int32
	floats []float64
	bits   []bool
	texts  []parquet.ByteArray
}

var cellsPool = sync.Pool{New: func() any { return new(cells) }}

// mostCells keeps an unusually long column from holding on to its memory.
const mostCells = 1 << 18

func (l *cells) reset() {
	clear(l.texts) // they are views of a record
	l.defs, l.reps = l.defs[:0], l.reps[:0]
	l.words, l.days, l.floats, l.bits, l.texts = l.words[:0], l.days[:0], l.floats[:0], l.bits[:0], l.texts[:0]
}

// writeFile writes a file of one row group.
func writeFile(w io.Writer, rec arrow.Record, props *parquet.WriterProperties) error {
	schema, err := parquetSchema(rec.Schema(), props)
	if err != nil {
		return err
	}
	out := file.NewParquetWriter(w, schema.Root(), file.WithWriterProps(props))
	group := out.AppendRowGroup()
	l := cellsPool.Get().(*cells)
	defer func() {
		if l.reset(); max(cap(l.defs), cap(l.words), cap(l.texts)) <= mostCells {
			cellsPool.Put(l)
		}
	}()
	for i, f := range rec.Schema().Fields() {
		to, err := group.NextColumn()
		if err == nil && rec.NumRows() > 0 {
			l.reset()
			err = l.write(to, rec.Column(i), f.Nullable)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("column %s: %w", f.Name, err), out.Close())
		}
	}
	return out.Close()
}

// write writes a column.
func (l *cells) write(to file.ColumnChunkWriter, column arrow.Array, nullable bool) error {
	if list, is := column.(*array.List); is {
		texts, is := list.ListValues().(*array.String)
		if !is {
			return fmt.Errorf("a list of %s", list.ListValues().DataType())
		}
		l.list(list, texts, nullable)
		return l.writeTexts(to)
	}
	if nullable {
		l.defs = slices.Grow(l.defs, column.Len())
		for i := range column.Len() {
			l.defs = append(l.defs, level(column.IsValid(i)))
		}
	} else if column.NullN() > 0 {
		return errors.New("a null where none may be")
	}
	var err error
	switch c := column.(type) {
	case *array.Dictionary:
		return l.dictionary(to, c)
	case *array.String:
		l.texts = slices.Grow(l.texts, c.Len())
		for i := range c.Len() {
			if c.IsValid(i) {
				l.texts = append(l.texts, view(c.Value(i)))
			}
		}
		return l.writeTexts(to)
	case *array.Int64:
		l.words = present(l.words, c.Int64Values(), c)
		_, err = to.(*file.Int64ColumnChunkWriter).WriteBatch(l.words, l.definitions(), nil)
	case *array.Timestamp:
		values := c.TimestampValues()
		l.words = present(l.words, unsafe.Slice((*int64)(unsafe.SliceData(values)), len(values)), c)
		_, err = to.(*file.Int64ColumnChunkWriter).WriteBatch(l.words, l.definitions(), nil)
	case *array.Date32:
		values := c.Date32Values()
		l.days = present(l.days, unsafe.Slice((*int32)(unsafe.SliceData(values)), len(values)), c)
		_, err = to.(*file.Int32ColumnChunkWriter).WriteBatch(l.days, l.definitions(), nil)
	case *array.Float64:
		l.floats = present(l.floats, c.Float64Values(), c)
		_, err = to.(*file.Float64ColumnChunkWriter).WriteBatch(l.floats, l.definitions(), nil)
	case *array.Boolean:
		for i := range c.Len() {
			if c.IsValid(i) {
				l.bits = append(l.bits, c.Value(i))
			}
		}
		_, err = to.(*file.BooleanColumnChunkWriter).WriteBatch(l.bits, l.definitions(), nil)
	default:
		err = fmt.Errorf("the type %s", column.DataType())
	}
	return err
}

// level is that of a value of a column that may have nulls, or of a null.
func level(there bool) int16 {
	if there {
		return 1
	}
	return 0
}

// definitions are nil where every row has a value by the schema.
func (l *cells) definitions() []int16 {
	if len(l.defs) == 0 {
		return nil
	}
	return l.defs
}

// present appends the values that are no nulls.
func present[T any](to, values []T, of arrow.Array) []T {
	if of.NullN() == 0 {
		return append(to, values...)
	}
	to = slices.Grow(to, len(values)-of.NullN())
	for i, v := range values {
		if of.IsValid(i) {
			to = append(to, v)
		}
	}
	return to
}

// view is a text without a copy.
func view(s string) parquet.ByteArray { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// writeTexts writes the texts.
func (l *cells) writeTexts(to file.ColumnChunkWriter) error {
	reps := l.reps
	if len(reps) == 0 {
		reps = nil
	}
	_, err := to.(*file.ByteArrayColumnChunkWriter).WriteBatch(l.texts, l.definitions(), reps)
	return err
}

// list notes the texts of lists: a level for each of them, for each null among them, and for each list that is null or empty.
func (l *cells) list(lists *array.List, texts *array.String, nullable bool) {
	empty := level(nullable) // the level of a list without texts
	for row := range lists.Len() {
		from, to := lists.ValueOffsets(row)
		if lists.IsNull(row) || from == to {
			there := empty
			if lists.IsNull(row) {
				there = 0
			}
			l.defs, l.reps = append(l.defs, there), append(l.reps, 0)
			continue
		}
		for i := from; i < to; i++ {
			there := empty + 1
			if texts.IsValid(int(i)) {
				l.texts = append(l.texts, view(texts.Value(int(i))))
				there++
			}
			l.defs, l.reps = append(l.defs, there), append(l.reps, level(i > from))
		}
	}
}

// dictionary writes a column whose texts are entries of a dictionary, entry by entry, without looking for them again.
func (l *cells) dictionary(to file.ColumnChunkWriter, c *array.Dictionary) error {
	encoder, is := to.CurrentEncoder().(interface {
		PutDictionary(arrow.Array) error
		NumEntries() int
	})
	if !is {
		return errors.New("a dictionary where none is written")
	}
	if err := encoder.PutDictionary(c.Dictionary()); err != nil {
		return err
	}
	if encoder.NumEntries() != c.Dictionary().Len() {
		return errors.New("a dictionary with an entry twice")
	}
	return to.(*file.ByteArrayColumnChunkWriter).WriteDictIndices(c.Indices(), l.definitions(), nil)
}
