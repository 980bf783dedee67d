package pipeline

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// gatherer collects rows of one window from batches, in the columns of the
// table's StageSchema, and fills the columns that only the engine knows.
type gatherer struct {
	table   *Table
	window  Window
	clock   *ZoneClock
	syncID  SyncID
	columns []*column // by the table's column index; nil for the path columns
	rows    int
	bytes   int // of the values held
}

func newGatherer(t *Table, w Window, loc *time.Location, id SyncID) *gatherer {
	g := &gatherer{table: t, window: w, syncID: id, clock: NewZoneClock(loc), columns: make([]*column, len(t.Columns))}
	for i := PathColumns; i < len(t.Columns); i++ {
		g.columns[i] = newColumn(t.Columns[i])
	}
	return g
}

// add copies rows of a finished batch.
func (g *gatherer) add(m *Meta, b *Batch, rows []stretch) {
	l := lineage{m, g.window, g.clock, g.syncID}
	g.bytes = 0
	for i, c := range g.columns {
		if c == nil {
			continue
		}
		for _, r := range rows {
			if src := b.columns[i]; src != nil {
				c.addRange(src, r.from, r.to)
			} else {
				l.fill(c, g.table.Columns[i].Name, b.Times[r.from:r.to])
			}
		}
		g.bytes += c.size()
	}
	for _, r := range rows {
		g.rows += r.to - r.from
	}
}

// record is a view of what was gathered, of the StageSchema, good while no more is added.
func (g *gatherer) record(schema *arrow.Schema) arrow.Record {
	cols := make([]arrow.Array, 0, len(g.columns)-PathColumns)
	for _, c := range g.columns[PathColumns:] {
		cols = append(cols, c.array())
	}
	rec := array.NewRecord(schema, cols, int64(g.rows))
	for _, c := range cols {
		c.Release()
	}
	return rec
}
