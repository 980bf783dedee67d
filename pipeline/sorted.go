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

// sorted is a batch that its worker has hashed and cut by window. Large shares
// are staged already: encoding is the costly part, and the
// workers do it side by side.
type sorted struct {
	batch   *Batch // nil once nothing of it is needed
	meta    *Meta
	place   int // of the batch among those of the extraction
	read    int64
	rejects []Reject
	outside int64
	shares  []*share
	rows    tally
}

// share is the rows of a batch that belong to one window, in order.
type share struct {
	part      *part
	stretches []stretch
	rows      int
	print     Hash // the sum of the rows' hashes
	staged    bool
}

// stretch is rows [from, to) of a batch.
type stretch struct{ from, to int }

// sort hashes a batch, sorts its rows by window and stages the large shares.
// Workers call it concurrently. It releases the batch as soon as it can.
func (c *cutter) sort(m *Meta, b *Batch, place int) (*sorted, error) {
	if err := b.finish(); err != nil {
		b.Release()
		return nil, err
	}
	c.hasher.rows(b)
	s := &sorted{batch: b, meta: m, place: place, read: b.Read(), rejects: b.Rejects, rows: tally{days: m.Days}}
	s.rows.count(b.Times)
	for from := 0; from < len(b.Times); {
		p := c.partOf(m, b.Times[from])
		to := from + 1
		for to < len(b.Times) && c.partOf(m, b.Times[to]) == p {
			to++
		}
		if p == nil {
			s.outside += int64(to - from)
		} else {
			s.add(p, from, to)
		}
		from = to
	}
	for _, r := range s.shares {
		if !c.direct(s, r) {
			continue
		}
		if err := c.stageShare(s, r); err != nil {
			b.Release()
			return nil, err
		}
	}
	if !c.overlap && !slices.ContainsFunc(s.shares, func(r *share) bool { return !r.staged }) {
		s.release()
	}
	return s, nil
}

// add notes rows [from, to) as the window's.
func (s *sorted) add(p *part, from, to int) {
	i := slices.IndexFunc(s.shares, func(r *share) bool { return r.part == p })
	if i < 0 {
		i = len(s.shares)
		s.shares = append(s.shares, &share{part: p})
	}
	r := s.shares[i]
	r.stretches = append(r.stretches, stretch{from, to})
	r.rows += to - from
	for _, h := range s.batch.hashes()[from:to] {
		r.print = r.print.Add(h)
	}
}

// release gives the batch's memory back.
func (s *sorted) release() {
	if s.batch != nil {
		s.batch.Release()
		s.batch = nil
	}
}

// direct reports whether a window's rows become a row group of their own: they
// are many, stand together, and none was brought before.
func (c *cutter) direct(s *sorted, r *share) bool {
	if r.rows < directRows || len(r.stretches) > 1 {
		return false
	}
	// The rows of earlier requests are complete: a request is read only after its turn has come.
	all := r.stretches[0]
	return !c.overlap || !slices.ContainsFunc(s.batch.hashes()[all.from:all.to], c.seen.has)
}

// stageShare encodes a window's rows, which stand together, as a row group.
func (c *cutter) stageShare(s *sorted, r *share) error {
	e := engineColumns.Get().(*engineSet)
	defer e.release()
	from, to := r.stretches[0].from, r.stretches[0].to
	l := lineage{s.meta, r.part.window, NewZoneClock(r.part.zone), c.id}
	cols := make([]arrow.Array, 0, len(s.batch.columns)-PathColumns)
	for i, col := range s.batch.columns[PathColumns:] {
		if col == nil {
			cols = append(cols, e.fill(c.stream.Table.Columns[PathColumns+i], l, s.batch.Times[from:to]))
			continue
		}
		whole := col.array()
		cols = append(cols, array.NewSlice(whole, int64(from), int64(to)))
		whole.Release()
	}
	rec := array.NewRecord(c.schema, cols, int64(r.rows))
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
