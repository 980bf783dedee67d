package pipeline

import (
	"fmt"
	"iter"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Batch collects the rows of one [Chunk], column by column. A format sets the
// columns of a row in any order and ends it with EndRow; a column that it
// leaves out is null in that row. Columns marked Engine are not the format's
// to set. A row that cannot be loaded is given to Reject before any of its
// columns is set.
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
	Rejects Rejects
	// Damage is the first row that condemns the document, whatever the share of rejects.
	Damage Damage
	// Tail is the last row where it is not shaped like one, so that the document may end too early: it condemns the
	// document if no row follows in a later chunk. Zero where the last row is shaped like one.
	Tail Damage
	// Units are the vendor's units (see [Owner]) that rows name, two of them at most: more would tell nothing more.
	Units []string
	// OtherZone is a zone, other than the asked one, in which a row names an asked day that is not that day; empty where none does.
	OtherZone string
	// Stray is the first row whose time is not of the days that were asked for (see [AskedDays]).
	Stray Stray

	fields  fieldNotes
	rows    int
	columns []*column // nil where the engine fills the column
}

// Reject is a source row that could not be loaded.
type Reject struct {
	// Row is the number of the row from 1 on: within the chunk when a format reports it, within the body when a sink
	// stores it.
	Row    int64
	At     Instant // the row's time if it could be read, else NoInstant
	Reason string  // which field and what is wrong, without the value
	Raw    string  // the row as the vendor sent it
	Scope  string  // filled by the engine
	// Field is the source field that is wrong, empty where it is the row as a whole; Shape is its value's [Shape].
	Field, Shape string
}

// Damage is a source row that condemns its document. The zero Damage is none.
type Damage struct {
	Row   int64  // as in [Reject]
	What  string // behind the row's number: "is the header again"; without a value
	Hint  string // as in [Error]
	Kind  Kind   // as in [Error]
	Cause Cause  // as in [Error]
}

// Stray is a row of another time than the asked ones. The zero Stray is none.
type Stray struct {
	Row          int64 // as in [Reject]
	Field, Shape string
}

// Hash is the reject's part in a window's hash of rejects. It leaves out the position: a row before the reject may have
// come or gone.
func (r Reject) Hash() Hash {
	return FieldHash(NameSeed("reason"), []byte(r.Reason)).
		Add(FieldHash(NameSeed("raw"), []byte(r.Raw))).
		Add(FieldHash(NameSeed("scope"), []byte(r.Scope))).mix()
}

// keptBatches bounds the released batches whose memory is kept, of each table:
// what the workers of one process use at once.
const keptBatches = 16

// batches keeps the memory of released batches. A sync.Pool would lose it with
// each garbage collection, and those are frequent under a memory limit.
var batches = func() map[*Table]chan *Batch {
	kept := make(map[*Table]chan *Batch)
	for _, t := range Tables() {
		kept[t] = make(chan *Batch, keptBatches)
	}
	return kept
}()

// NewBatch returns an empty batch of t. Release it: its memory is used again.
func NewBatch(t *Table) *Batch {
	select {
	case b := <-batches[t]:
		return b
	default:
	}
	b := &Batch{Table: t, columns: make([]*column, len(t.Columns))}
	for i, c := range t.Columns {
		if !c.Engine {
			b.columns[i] = newColumn(c)
		}
	}
	return b
}

// Release ends the use of the batch and of every array that it gave out.
func (b *Batch) Release() {
	for _, c := range b.columns {
		if c != nil {
			c.reset()
		}
	}
	b.rows, b.Times, b.ExtrasHash, b.Rejects = 0, b.Times[:0], b.ExtrasHash[:0], Rejects{}
	b.Damage, b.Tail, b.Units, b.OtherZone, b.Stray = Damage{}, Damage{}, nil, "", Stray{}
	b.fields.reset()
	b.trim()
	select {
	case batches[b.Table] <- b:
	default:
	}
}

// keptColumn is how many bytes of text a column of a released batch keeps.
const keptColumn = 8 << 20

// trim lets go of what rows of unusual size took.
func (b *Batch) trim() {
	for _, c := range b.columns {
		if c != nil {
			c.trim(keptColumn)
		}
	}
}

// Rows is the number of rows ended so far; Read adds the rejected ones.
func (b *Batch) Rows() int { return b.rows }

// Read is the number of source rows that the batch accounts for.
func (b *Batch) Read() int64 { return int64(b.rows) + int64(b.Rejects.Len()) }

// Bytes is about the memory that the rows take.
func (b *Batch) Bytes() (n int) {
	for _, c := range b.columns {
		if c != nil { // the engine's are not there
			n += c.size()
		}
	}
	return n
}

// column returns col, padded with nulls up to the current row.
func (b *Batch) column(col int) *column {
	c := b.columns[col]
	if n := b.rows - c.rows; n > 0 {
		c.addNulls(n)
	}
	return c
}

// Text sets a string column. The bytes are copied.
func (b *Batch) Text(col int, v []byte) { b.column(col).addText(v) }

// Open lends the memory of a string column that does not repeat: what the
// caller appends to it becomes the row's value with Close, or is forgotten.
func (b *Batch) Open(col int) []byte { return b.column(col).text }

// Close sets a string column from the memory that Open lent.
func (b *Batch) Close(col int, text []byte) {
	c := b.columns[col]
	c.text = text
	c.offsets = append(c.offsets, int32(len(text)))
	c.mark()
}

// String sets a string column.
func (b *Batch) String(col int, v string) { b.column(col).addString(v) }

// Int sets an int64 column.
func (b *Batch) Int(col int, v int64) { b.column(col).addWord(uint64(v)) }

// Float sets a float64 column.
func (b *Batch) Float(col int, v float64) { b.column(col).addWord(math.Float64bits(v)) }

// Bool sets a boolean column.
func (b *Batch) Bool(col int, v bool) { b.column(col).addBool(v) }

// Instant sets a timestamp column.
func (b *Batch) Instant(col int, v Instant) { b.column(col).addWord(uint64(v)) }

// Tags begins a list of strings in col; Tag adds its items.
func (b *Batch) Tags(col int) {
	b.column(col).addList()
}

// Tag adds an item to the list of the current row in col. The bytes are copied.
func (b *Batch) Tag(col int, v []byte) { b.columns[col].items.addText(v) }

// IsSet reports whether the current row already has a value in col.
func (b *Batch) IsSet(col int) bool { return b.columns[col].rows > b.rows }

// EndRow ends the current row.
func (b *Batch) EndRow(at Instant, extras Hash) {
	b.Times = append(b.Times, at)
	b.ExtrasHash = append(b.ExtrasHash, extras)
	b.rows++
}

// Unit notes the unit that a row names.
func (b *Batch) Unit(unit []byte) {
	for _, known := range b.Units {
		if known == string(unit) {
			return
		}
	}
	if len(b.Units) < 2 {
		b.Units = append(b.Units, string(unit))
	}
}

// Null leaves column col of the next row without a value, where a batch is filled column by column: EndRow is not called
// then, and the values of a column follow one another.
func (b *Batch) Null(col int) { b.columns[col].addNulls(1) }

// Texts are the values of a string column in a range of the rows of a finished batch, good until Release. Nulls are left
// out, and so are values that stand behind an equal one.
func (b *Batch) Texts(col int, rows RowRange) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c := b.columns[col]
		if c == nil {
			return
		}
		for i, last := rows.From, int32(-1); i < rows.To; i++ {
			if !c.isValid(i) {
				continue
			}
			if c.dictionary == nil {
				if !yield(c.textAt(i)) {
					return
				}
				continue
			}
			if n := c.index[i]; n != last {
				last = n
				if !yield(c.dictionary.values.textAt(int(n))) {
					return
				}
			}
		}
	}
}

// Engine reports whether the engine fills the column, and a batch does not hold it.
func (b *Batch) Engine(col int) bool { return b.columns[col] == nil }

// Load adds the rows of a record as a table has it, column by column, to a batch that is filled so. Columns are found by
// name; one that the record lacks is null, one that the table lacks is left out.
func (b *Batch) Load(rec arrow.Record) error {
	for i, f := range rec.Schema().Fields() {
		col, ok := b.Table.index[f.Name]
		if !ok || b.Engine(col) {
			continue
		}
		for row := range int(rec.NumRows()) {
			if err := b.load(col, rec.Column(i), row); err != nil {
				return fmt.Errorf("column %s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// load adds one value of an array.
func (b *Batch) load(col int, values arrow.Array, row int) error {
	if values.IsNull(row) {
		b.Null(col)
		return nil
	}
	if want, got := b.Table.Columns[col].Type.ID(), values.DataType().ID(); want != got && got != arrow.DICTIONARY {
		return fmt.Errorf("it is of the type %s, not %s", got, want)
	}
	switch v := values.(type) {
	case *array.String:
		b.String(col, v.Value(row))
	case *array.Dictionary:
		return b.load(col, v.Dictionary(), v.GetValueIndex(row))
	case *array.Int64:
		b.Int(col, v.Value(row))
	case *array.Float64:
		b.Float(col, v.Value(row))
	case *array.Boolean:
		b.Bool(col, v.Value(row))
	case *array.Timestamp:
		b.Instant(col, Instant(v.Value(row)))
	case *array.List:
		b.Tags(col)
		items, from, to := v.ListValues().(*array.String), v.Offsets()[row+v.Offset()], v.Offsets()[row+v.Offset()+1]
		for i := from; i < to; i++ {
			b.Tag(col, []byte(items.Value(int(i))))
		}
	default:
		return fmt.Errorf("it is of the type %s", values.DataType())
	}
	return nil
}

// Reject records a row that cannot be loaded.
func (b *Batch) Reject(r Reject) { b.Rejects.Add(r) }

// Finish ends the batch: it makes every column as long as the batch and checks that no key is missing. A batch that is
// finished may be finished again.
func (b *Batch) Finish() error {
	for i, c := range b.columns {
		if c == nil {
			continue
		}
		b.column(i).endLists()
		if !b.Table.Columns[i].Nullable && c.nulls > 0 || c.rows != b.rows {
			return fmt.Errorf("pipeline: the format left column %s.%s without a value", b.Table.Name, b.Table.Columns[i].Name)
		}
	}
	return nil
}

// Columns returns the columns built so far, nil where the engine fills them.
// They are views, good until Release.
func (b *Batch) Columns() ([]arrow.Array, error) {
	if err := b.Finish(); err != nil {
		return nil, err
	}
	cols := make([]arrow.Array, len(b.columns))
	for i, c := range b.columns {
		if c != nil {
			cols[i] = c.array()
		}
	}
	return cols, nil
}

// TextAt is the string of a finished batch in a string column, good until Release; nil where the row has none.
func (b *Batch) TextAt(col, row int) []byte {
	c := b.columns[col]
	if !c.isValid(row) {
		return nil
	}
	return c.textAt(row)
}
