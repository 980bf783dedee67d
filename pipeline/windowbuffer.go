package pipeline

import (
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// RowLineage is what the engine knows of the rows that a document brings to a window. A format does not know it.
// RowLineage fills the columns marked Engine.
type RowLineage struct {
	Scope       string // what the document was asked for; empty: null
	Window      Window
	ExtractedAt Instant
	SyncID      SyncID
	// Clock is of the zone that the window was cut in. A clock belongs to one goroutine.
	Clock *ZoneClock
}

// fill appends the column called name for rows with the given times.
func (l *RowLineage) fill(c *column, name string, times []Instant) {
	switch name {
	case "scope":
		if l.Scope == "" {
			c.addNulls(len(times))
			return
		}
		repeatText(c, l.Scope, len(times))
	case "sync_id":
		repeatText(c, string(l.SyncID), len(times))
	case "local_date":
		for _, t := range times {
			if t == NoInstant {
				t = l.Window.Start
			}
			c.addDay(l.Clock.Day(t))
		}
	case "window_start":
		repeatInstant(c, l.Window.Start, len(times))
	case "window_end":
		repeatInstant(c, l.Window.End, len(times))
	case "extracted_at":
		repeatInstant(c, l.ExtractedAt, len(times))
	}
}

func repeatText(c *column, v string, n int) {
	for range n {
		c.addString(v)
	}
}

func repeatInstant(c *column, v Instant, n int) {
	for range n {
		c.addWord(uint64(v))
	}
}

// RowRange is rows [From, To) of a batch.
type RowRange struct{ From, To int }

// WindowBuffer collects rows of one window from several batches. It has every column of the table's StageSchema, those
// marked Engine included. A WindowBuffer belongs to one goroutine at a time.
type WindowBuffer struct {
	table   *Table
	columns []*column // by the table's column index; nil for the path columns
	rows    int
	bytes   int // of the values held
}

// NewWindowBuffer returns an empty buffer for rows of t.
func NewWindowBuffer(t *Table) *WindowBuffer {
	w := &WindowBuffer{table: t, columns: make([]*column, len(t.Columns))}
	for i := PathColumns; i < len(t.Columns); i++ {
		w.columns[i] = newColumn(t.Columns[i])
	}
	return w
}

// Add copies rows of a finished batch. The lineage fills the columns that the batch lacks.
func (w *WindowBuffer) Add(b *Batch, rows []RowRange, l *RowLineage) {
	w.bytes = 0
	for i, c := range w.columns {
		if c == nil {
			continue
		}
		for _, r := range rows {
			if src := b.columns[i]; src != nil {
				c.addRange(src, r.From, r.To)
			} else {
				l.fill(c, w.table.Columns[i].Name, b.Times[r.From:r.To])
			}
		}
		w.bytes += c.size()
	}
	for _, r := range rows {
		w.rows += r.To - r.From
	}
}

// Rows is the number of rows held.
func (w *WindowBuffer) Rows() int { return w.rows }

// Bytes is about the bytes of the values held.
func (w *WindowBuffer) Bytes() int { return w.bytes }

// Record is a view of what is held, as a [Stage] takes it: the StageSchema, where strings that repeat are a dictionary.
// The view is good while no more is added. The caller releases it.
func (w *WindowBuffer) Record() arrow.Record {
	cols := make([]arrow.Array, 0, len(w.columns)-PathColumns)
	for _, c := range w.columns[PathColumns:] {
		cols = append(cols, c.array())
	}
	return newRecord(w.table, cols, w.rows)
}

// Record is a view of rows of a finished batch, as a [Stage] takes them. The lineage fills the columns that the batch
// lacks. The view is good until release is called, which the caller owes; release leaves the batch as it is.
func (b *Batch) Record(rows RowRange, l *RowLineage) (rec arrow.Record, release func()) {
	lent := engineColumns.Get().(*engineSet)
	cols := make([]arrow.Array, 0, len(b.columns)-PathColumns)
	for i, col := range b.columns[PathColumns:] {
		if col == nil {
			cols = append(cols, lent.fill(b.Table.Columns[PathColumns+i], l, b.Times[rows.From:rows.To]))
			continue
		}
		whole := col.array()
		cols = append(cols, array.NewSlice(whole, int64(rows.From), int64(rows.To)))
		whole.Release()
	}
	rec = newRecord(b.Table, cols, rows.To-rows.From)
	return rec, func() {
		rec.Release()
		lent.release()
	}
}

// newRecord makes a record of columns that it takes over.
func newRecord(t *Table, cols []arrow.Array, rows int) arrow.Record {
	rec := array.NewRecord(t.records, cols, int64(rows))
	for _, c := range cols {
		c.Release()
	}
	return rec
}

// engineColumns keeps the memory of columns that the engine fills.
var engineColumns = sync.Pool{New: func() any { return &engineSet{byName: make(map[string]*column)} }}

type engineSet struct{ byName map[string]*column }

// fill returns a column for rows with the given times, good until release.
func (e *engineSet) fill(c Column, l *RowLineage, times []Instant) arrow.Array {
	col := e.byName[c.Name]
	if col == nil {
		col = newColumn(c)
		e.byName[c.Name] = col
	}
	l.fill(col, c.Name, times)
	return col.array()
}

func (e *engineSet) release() {
	for _, c := range e.byName {
		c.reset()
	}
	engineColumns.Put(e)
}
