package pipeline

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Batch collects the rows of one [Chunk], column by column, in typed Arrow
// builders. A format sets the columns of a row in any order and ends it with
// EndRow; a column that it leaves out is null in that row. Columns marked
// Engine are not the format's to set. A row that cannot be loaded is given to
// Reject before any of its columns is set.
//
// A Batch belongs to one goroutine.
type Batch struct {
	Table *Table
	// Times holds each row's time: the start of its interval or event.
	// NoInstant in a stream without row times: the row belongs to the window asked.
	Times []Instant
	// ExtrasHash holds each row's sum of [FieldHash] over the extras that count
	// towards the fingerprint (snapshot keys do not). It is a sum so that the
	// order of the source's fields does not matter.
	ExtrasHash []Hash
	// Rejects lists the rows that could not be loaded.
	Rejects []Reject

	rows     int
	builders []array.Builder // nil where the engine fills the column
}

// Reject is a source row that could not be loaded.
type Reject struct {
	Row    int64   // 1-based number of the row: within the chunk when a format reports it, within the body when a sink stores it
	At     Instant // the row's time if it could be read, else NoInstant
	Reason string  // which field and what is wrong, without the value
	Raw    string  // the row as the vendor sent it
	Scope  string  // filled by the engine
}

// NewBatch returns an empty batch of t whose memory comes from mem. Release it.
func NewBatch(t *Table, mem memory.Allocator) *Batch {
	b := &Batch{Table: t, builders: make([]array.Builder, len(t.Columns))}
	for i, c := range t.Columns {
		if !c.Engine {
			b.builders[i] = array.NewBuilder(mem, c.Type)
		}
	}
	return b
}

// Rows is the number of rows ended so far; Read adds the rejected ones.
func (b *Batch) Rows() int { return b.rows }

// Read is the number of source rows that the batch accounts for.
func (b *Batch) Read() int64 { return int64(b.rows) + int64(len(b.Rejects)) }

// column returns the builder of col, padded with nulls up to the current row.
func (b *Batch) column(col int) array.Builder {
	bl := b.builders[col]
	if n := b.rows - bl.Len(); n > 0 {
		bl.AppendNulls(n)
	}
	return bl
}

// Text sets a string column. The bytes are copied.
func (b *Batch) Text(col int, v []byte) {
	b.column(col).(*array.StringBuilder).BinaryBuilder.Append(v)
}

// String sets a string column.
func (b *Batch) String(col int, v string) { b.column(col).(*array.StringBuilder).Append(v) }

// Int sets an int64 column.
func (b *Batch) Int(col int, v int64) { b.column(col).(*array.Int64Builder).Append(v) }

// Float sets a float64 column.
func (b *Batch) Float(col int, v float64) { b.column(col).(*array.Float64Builder).Append(v) }

// Bool sets a boolean column.
func (b *Batch) Bool(col int, v bool) { b.column(col).(*array.BooleanBuilder).Append(v) }

// Instant sets a timestamp column.
func (b *Batch) Instant(col int, v Instant) {
	b.column(col).(*array.TimestampBuilder).Append(arrow.Timestamp(v))
}

// Tags begins a list of strings in col and returns the builder of its items.
func (b *Batch) Tags(col int) *array.StringBuilder {
	l := b.column(col).(*array.ListBuilder)
	l.Append(true)
	return l.ValueBuilder().(*array.StringBuilder)
}

// IsSet reports whether the current row already has a value in col.
func (b *Batch) IsSet(col int) bool { return b.builders[col].Len() > b.rows }

// EndRow ends the current row.
func (b *Batch) EndRow(at Instant, extras Hash) {
	b.Times = append(b.Times, at)
	b.ExtrasHash = append(b.ExtrasHash, extras)
	b.rows++
}

// Reject records a row that cannot be loaded.
func (b *Batch) Reject(r Reject) { b.Rejects = append(b.Rejects, r) }

// Columns hands over the columns built so far, nil where the engine fills
// them, and leaves the batch without rows. The caller releases the arrays.
func (b *Batch) Columns() ([]arrow.Array, error) {
	cols := make([]arrow.Array, len(b.builders))
	for i, bl := range b.builders {
		if bl == nil {
			continue
		}
		if n := b.rows - bl.Len(); n > 0 {
			bl.AppendNulls(n)
		}
		cols[i] = bl.NewArray()
		if c := b.Table.Columns[i]; !c.Nullable && cols[i].NullN() > 0 || cols[i].Len() != b.rows {
			name := c.Name
			for _, a := range cols {
				if a != nil {
					a.Release()
				}
			}
			return nil, fmt.Errorf("pipeline: the format left column %s.%s without a value", b.Table.Name, name)
		}
	}
	return cols, nil
}

// Release frees the builders.
func (b *Batch) Release() {
	for _, bl := range b.builders {
		if bl != nil {
			bl.Release()
		}
	}
}
