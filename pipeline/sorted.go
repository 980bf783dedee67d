package pipeline

import (
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// directRows is how many rows of one window a batch must have for them to
// become a row group of their own; fewer are gathered over several batches.
const directRows = 2048

// sorted is a batch that its worker has hashed and cut into runs of one
// window. Large runs are staged already: encoding is the costly part, and the
// workers do it side by side.
type sorted struct {
	batch  *Batch
	meta   *Meta
	place  int // of the batch among those of the extraction
	hashes []Hash
	runs   []stretch
	rows   tally
}

// stretch is rows [from, to) of a batch, all of one window; part is nil outside of every window.
type stretch struct {
	part     *part
	from, to int
	staged   bool
}

// sort hashes a batch, cuts it into runs and stages the large ones.
// Workers call it concurrently.
func (c *cutter) sort(m *Meta, b *Batch, place int) (*sorted, error) {
	if err := b.finish(); err != nil {
		return nil, err
	}
	s := &sorted{batch: b, meta: m, place: place, hashes: c.hasher.rows(b), rows: tally{days: m.Days}}
	s.rows.count(b.Times)
	for from := 0; from < len(b.Times); {
		p := c.partOf(m, b.Times[from])
		to := from + 1
		for to < len(b.Times) && c.partOf(m, b.Times[to]) == p {
			to++
		}
		s.runs = append(s.runs, stretch{part: p, from: from, to: to})
		from = to
	}
	for i := range s.runs {
		if !c.direct(s, i) {
			continue
		}
		if err := c.stageRun(s, &s.runs[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// direct reports whether a run becomes a row group of its own: it is large, the
// only one of its window in the batch, and no row of it was brought before.
func (c *cutter) direct(s *sorted, i int) bool {
	r := s.runs[i]
	if r.part == nil || r.to-r.from < directRows {
		return false
	}
	for j, other := range s.runs {
		if j != i && other.part == r.part {
			return false
		}
	}
	// The rows of earlier requests are complete: a request is read only after its turn has come.
	return !c.overlap || !slices.ContainsFunc(s.hashes[r.from:r.to], c.seen.has)
}

// stageRun encodes a run as a row group of its window.
func (c *cutter) stageRun(s *sorted, r *stretch) error {
	e := engineColumns.Get().(*engineSet)
	defer e.release()
	cols := make([]arrow.Array, 0, len(s.batch.columns)-PathColumns)
	for i, col := range s.batch.columns[PathColumns:] {
		if col != nil {
			whole := col.array()
			cols = append(cols, array.NewSlice(whole, int64(r.from), int64(r.to)))
			whole.Release()
			continue
		}
		column := c.stream.Table.Columns[PathColumns+i]
		cols = append(cols, e.fill(column, lineage{s.meta, r.part.window, NewZoneClock(r.part.zone), c.id}, s.batch.Times[r.from:r.to]))
	}
	rec := array.NewRecord(c.schema, cols, int64(r.to-r.from))
	defer rec.Release()
	for _, col := range cols {
		col.Release()
	}
	r.staged = true
	return r.part.stage.Append(c.ctx, placeOf(s.place, 0), rec)
}

// nextPlace is the place of the next batch.
func (c *cutter) nextPlace() int { return int(c.places.Add(1)) }

// placeOf orders the row groups of a window: first the one that the batch at a
// place became, then what was gathered up to it.
func placeOf(place, gathered int) int { return place<<16 | gathered }

// engineColumns keeps the memory of columns that the engine fills.
var engineColumns = sync.Pool{New: func() any { return &engineSet{byName: make(map[string]*column)} }}

type engineSet struct{ byName map[string]*column }

// fill returns a column for rows with the given times, good until release.
func (e *engineSet) fill(c Column, l lineage, times []Instant) arrow.Array {
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
