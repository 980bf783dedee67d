package engine

import (
	"cmp"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// directRows is how many rows of one window a batch must have for them to
// become a row group of their own; fewer are buffered over several batches.
const directRows = 2048

// longRow is how many bytes a row has on average where rows are not buffered however few they are: a copy of them would
// stand beside them.
const longRow = 1 << 20

// partitioned is a batch that its worker has hashed and partitioned by window. Many rows of one window are staged
// already: encoding is the costly part, and the workers do it side by side.
type partitioned struct {
	batch   *pipeline.Batch // nil once nothing of it is needed
	hashes  []pipeline.Hash // of its rows
	meta    *pipeline.Meta
	number  int   // of the batch among those of the extraction
	bytes   int64 // of the document that the batch was made of
	read    int64
	rejects pipeline.Rejects
	damage  pipeline.Damage // as in the batch
	tail    pipeline.Damage
	outside int64
	units   []string // as in the batch
	windows []*windowRows
	days    dayCounts
}

// windowRows is the rows of a batch that belong to one window, in order.
type windowRows struct {
	window      *openWindow
	ranges      []pipeline.RowRange
	rows        int
	fingerprint pipeline.Hash // the sum of the rows' hashes
	fields      *pipeline.FieldTally
	staged      bool
}

// partitionedOf is what a batch tells before its rows are sorted by window.
func partitionedOf(m *pipeline.Meta, b *pipeline.Batch, number int) *partitioned {
	p := &partitioned{batch: b, meta: m, number: number, read: b.Read(), rejects: b.Rejects, damage: b.Damage, tail: b.Tail, units: b.Units,
		days: dayCounts{asked: m.Days, zone: b.OtherZone, stray: b.Stray}}
	p.days.count(b.Times)
	return p
}

// partition hashes a batch, partitions its rows by window and stages many rows of one window. Workers call it
// concurrently. It owns the batch, which it releases as soon as it can.
func (c *cutter) partition(m *pipeline.Meta, b *pipeline.Batch, number int) (*partitioned, error) {
	if err := b.Finish(); err != nil {
		b.Release()
		return nil, err
	}
	p := partitionedOf(m, b, number)
	p.hashes = b.HashRows()
	c.cut(p, m, b.Times)
	c.seeNames(b, p)
	for _, r := range p.windows {
		if !c.overlap { // else it is not known yet which of the rows count
			r.fields = b.Tally(r.ranges)
		}
		if !c.direct(p, r) {
			continue
		}
		if err := c.stageDirectly(p, r); err != nil {
			b.Release()
			return nil, err
		}
	}
	if !c.overlap && !slices.ContainsFunc(p.windows, func(r *windowRows) bool { return !r.staged }) {
		p.release()
	}
	return p, nil
}

// cut says of the rows of a batch to which window they belong.
func (c *cutter) cut(p *partitioned, m *pipeline.Meta, times []pipeline.Instant) {
	of := make(map[*openWindow]int) // the places of windows: rows may scatter over very many
	for from := 0; from < len(times); {
		w := c.windowOf(m, times[from])
		to := from + 1
		for to < len(times) && c.windowOf(m, times[to]) == w {
			to++
		}
		if w == nil {
			p.outside += int64(to - from)
		} else {
			p.add(w, pipeline.RowRange{From: from, To: to}, of)
		}
		from = to
	}
}

// seeNames notes the names of the rows of windows that are watched.
func (c *cutter) seeNames(b *pipeline.Batch, p *partitioned) {
	for _, r := range p.windows {
		if !c.names.Watches(r.window.window) {
			continue
		}
		for _, rows := range r.ranges {
			c.names.See(b.Texts(c.stream.Table.Index("resource_id"), rows))
		}
	}
}

// add notes a range of rows as the window's. of says where each window stands.
func (p *partitioned) add(w *openWindow, rows pipeline.RowRange, of map[*openWindow]int) {
	i, known := of[w]
	if !known {
		i = len(p.windows)
		of[w] = i
		p.windows = append(p.windows, &windowRows{window: w})
	}
	r := p.windows[i]
	r.ranges = append(r.ranges, rows)
	r.rows += rows.To - rows.From
	if p.hashes == nil { // source rows of a reduction
		return
	}
	for _, h := range p.hashes[rows.From:rows.To] {
		r.fingerprint = r.fingerprint.Add(h)
	}
}

// release gives the batch's memory back.
func (p *partitioned) release() {
	if p.batch != nil {
		p.batch.Release()
		p.batch = nil
	}
}

// direct reports whether a window's rows become a row group of their own: they
// are many or long, stand together, and none was brought before.
func (c *cutter) direct(p *partitioned, r *windowRows) bool {
	if len(r.ranges) > 1 || r.rows < directRows && p.batch.Bytes() < longRow*p.batch.Rows() {
		return false
	}
	// The rows of earlier requests are complete: a request is read only after its turn has come.
	all := r.ranges[0]
	return !c.overlap || !slices.ContainsFunc(p.hashes[all.From:all.To], c.seen.has)
}

// stageDirectly encodes a window's rows, which stand together, as a row group.
func (c *cutter) stageDirectly(p *partitioned, r *windowRows) error {
	rec, release := p.batch.Record(r.ranges[0], r.window.lineage(p.meta, c.id, calendar.NewZoneClock(r.window.zone)))
	defer release()
	r.staged = true
	return r.window.stage.Append(c.ctx, rowOrder{batch: p.number}.seq(), rec)
}

// largest is the window that holds the most, or nearly: of very many the greater half is sorted once, and written out
// before it is looked at the others again.
func (c *cutter) largest() *openWindow {
	bySize := func(a, b *openWindow) int { return cmp.Compare(a.size(), b.size()) }
	if len(c.windows) <= fewWindows {
		return slices.MaxFunc(c.windows, bySize)
	}
	for {
		for n := len(c.sorted); n > 0; n = len(c.sorted) {
			w := c.sorted[n-1]
			if c.sorted = c.sorted[:n-1]; w.size() > 0 {
				return w
			}
		}
		for _, w := range c.windows {
			if w.size() > 0 {
				c.sorted = append(c.sorted, w)
			}
		}
		if len(c.sorted) == 0 {
			return c.windows[0]
		}
		slices.SortFunc(c.sorted, bySize)
		c.sorted = slices.Delete(c.sorted, 0, len(c.sorted)/2)
	}
}

// fewWindows are so few that the largest is searched anew each time.
const fewWindows = 64

// nextNumber is the number of the next batch.
func (c *cutter) nextNumber() int { return int(c.batches.Add(1)) }

// rowOrder orders the row groups of a window: first the one that a batch became,
// then what was buffered up to that batch.
type rowOrder struct {
	batch    int // the number of the last batch that has rows in the group
	buffered int // counts the groups that were buffered since that batch; 0: the batch itself
}

// after is the order of what is buffered next, when the rows came with the batch of that number.
func (o rowOrder) after(batch int) rowOrder {
	if batch > o.batch {
		return rowOrder{batch: batch, buffered: 1}
	}
	return rowOrder{batch: o.batch, buffered: o.buffered + 1}
}

// seq is the order as a [Stage] takes it.
func (o rowOrder) seq() int { return o.batch<<16 | o.buffered }
