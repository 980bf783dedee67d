package pipeline

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// gatherer collects the rows of one window from many batches, in the columns
// of the table's StageSchema, and fills the columns that only the engine knows.
type gatherer struct {
	table    *Table
	window   Window
	syncID   SyncID
	clock    *ZoneClock
	builders []array.Builder // by the table's column index; nil for the path columns
	rows     int
	bytes    int // of the values held
}

func newGatherer(t *Table, w Window, loc *time.Location, id SyncID, mem memory.Allocator) *gatherer {
	g := &gatherer{table: t, window: w, syncID: id, clock: NewZoneClock(loc), builders: make([]array.Builder, len(t.Columns))}
	for i := PathColumns; i < len(t.Columns); i++ {
		g.builders[i] = array.NewBuilder(mem, t.Columns[i].Type)
	}
	return g
}

// add copies rows [from, to) of a batch.
func (g *gatherer) add(m *Meta, cols []arrow.Array, times []Instant, from, to int) {
	for i := PathColumns; i < len(g.builders); i++ {
		if col := cols[i]; col != nil {
			g.bytes += copyRange(g.builders[i], col, from, to)
			continue
		}
		g.fill(i, m, times[from:to])
	}
	g.rows += to - from
}

// fill appends an engine column for rows with the given times.
func (g *gatherer) fill(col int, m *Meta, times []Instant) {
	n := len(times)
	switch g.table.Columns[col].Name {
	case "scope":
		if m.Request.Scope == "" {
			g.builders[col].AppendNulls(n)
			return
		}
		g.repeatText(col, m.Request.Scope, n)
	case "sync_id":
		g.repeatText(col, string(g.syncID), n)
	case "local_date":
		dates := g.builders[col].(*array.Date32Builder)
		for _, t := range times {
			if t == NoInstant {
				t = g.window.Start
			}
			dates.Append(arrow.Date32(g.clock.Day(t)))
		}
	case "window_start":
		g.repeatInstant(col, g.window.Start, n)
	case "window_end":
		g.repeatInstant(col, g.window.End, n)
	case "extracted_at":
		g.repeatInstant(col, m.ExtractedAt, n)
	}
}

func (g *gatherer) repeatText(col int, v string, n int) {
	b := g.builders[col].(*array.StringBuilder)
	for range n {
		b.Append(v)
	}
	g.bytes += n * len(v)
}

func (g *gatherer) repeatInstant(col int, v Instant, n int) {
	b := g.builders[col].(*array.TimestampBuilder)
	for range n {
		b.Append(arrow.Timestamp(v))
	}
	g.bytes += 8 * n
}

// take hands over what was gathered as a record of the StageSchema and starts anew.
func (g *gatherer) take(schema *arrow.Schema) arrow.Record {
	cols := make([]arrow.Array, 0, len(g.builders)-PathColumns)
	for _, b := range g.builders[PathColumns:] {
		cols = append(cols, b.NewArray())
	}
	rec := array.NewRecord(schema, cols, int64(g.rows))
	for _, c := range cols {
		c.Release()
	}
	g.rows, g.bytes = 0, 0
	return rec
}

func (g *gatherer) release() {
	for _, b := range g.builders[PathColumns:] {
		b.Release()
	}
}

// copyRange appends rows [from, to) of col to b and returns the bytes of the values.
func copyRange(b array.Builder, col arrow.Array, from, to int) int {
	n := to - from
	if col.NullN() == col.Len() {
		b.AppendNulls(n)
		return 0
	}
	b.Reserve(n)
	size := 8 * n
	for i := from; i < to; i++ {
		if col.IsNull(i) {
			b.AppendNull()
			continue
		}
		switch a := col.(type) {
		case *array.String:
			v := stringBytes(a, i)
			b.(*array.StringBuilder).BinaryBuilder.Append(v)
			size += len(v)
		case *array.Int64:
			b.(*array.Int64Builder).UnsafeAppend(a.Value(i))
		case *array.Float64:
			b.(*array.Float64Builder).UnsafeAppend(a.Value(i))
		case *array.Timestamp:
			b.(*array.TimestampBuilder).UnsafeAppend(a.Value(i))
		case *array.Boolean:
			b.(*array.BooleanBuilder).UnsafeAppend(a.Value(i))
		case *array.List:
			size += copyList(b.(*array.ListBuilder), a, i)
		}
	}
	return size
}

func copyList(b *array.ListBuilder, a *array.List, i int) int {
	b.Append(true)
	items, out, size := a.ListValues().(*array.String), b.ValueBuilder().(*array.StringBuilder), 0
	start, end := a.ValueOffsets(i)
	for j := start; j < end; j++ {
		v := items.Value(int(j))
		out.Append(v)
		size += len(v)
	}
	return size
}
