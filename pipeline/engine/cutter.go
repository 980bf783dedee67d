package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

const (
	// A window's rows leave memory as a row group at either bound.
	groupRows  = 128 << 10
	groupBytes = 12 << 20
	// heldBytes bounds the rows that the windows of all extractions hold in
	// memory together. Whoever adds a row past it writes its largest window out.
	heldBytes = 32 << 20
)

// cutter cuts the rows of one extraction into its windows. It counts,
// fingerprints and stages them. Batches of several bodies may arrive at once.
type cutter struct {
	ctx     context.Context
	stream  pipeline.Stream
	windows []*openWindow // in order
	sorted  []*openWindow // of very many those that held the most, by size; see largest
	held    *atomic.Int64 // bytes of rows in memory, of all cutters of the run
	id      pipeline.SyncID
	names   *plan.Names  // that the stream's first windows show; nil: nobody asks
	batches atomic.Int64 // numbered in the order in which they were read

	mu      sync.Mutex
	outside int64 // rows outside every window; they count for the first
	undated int64 // rejects without a time
	first   []pipeline.Reject
	units   []string       // of the vendor's, that the rows name; two of them at most
	owner   pipeline.Owner // of the rows, once all are read
	// when the earliest document was read, by the real and the planning clock
	readAt      calendar.Instant
	extractedAt calendar.Instant
	// seen holds the rows of the requests before the current one, where
	// requests overlap; fresh those of the current one.
	overlap bool
	seen    hashSet
	fresh   []pipeline.Hash
	// reduction makes the rows once every source row is there; nil where each source row is a row.
	reduction *reduction
}

// extracted is what became of an extraction whose documents were read.
type extracted struct {
	sealed  []pipeline.Sealed
	news    []fieldNews   // of those that are sealed
	open    []leftOpen    // that stay open although the report's others do not
	rejects windowRejects // also of an extraction that failed
}

// leftOpen is a window that stays open.
type leftOpen struct {
	window calendar.Window
	why    error
}

// windowRejects are the first rejects of windows.
type windowRejects map[calendar.Window][]pipeline.Reject

// openWindow is one window in the making.
type openWindow struct {
	window      calendar.Window
	zone        *time.Location
	clock       *calendar.ZoneClock // of the rows that are buffered; nil while none was
	stage       pipeline.Stage
	buffer      *pipeline.WindowBuffer // nil while no row is held: a backfill plans thousands of windows
	order       rowOrder               // of what is buffered among the window's row groups
	counts      pipeline.Counts
	fingerprint pipeline.Hash
	rejects     pipeline.Hash
	fields      pipeline.FieldTally
	first       []pipeline.Reject
}

func (r *run) newCutter(ctx context.Context, j job) (*cutter, error) {
	c := &cutter{
		ctx: ctx, stream: j.stream, held: &r.held, id: r.id, names: j.names,
		readAt: calendar.NoInstant, extractedAt: calendar.NoInstant, overlap: j.stream.Overlap && len(j.extraction.Requests) > 1,
	}
	if j.stream.Reduction != nil {
		c.reduction, c.overlap = newReduction(j, &r.held), false
	}
	for _, w := range j.extraction.Windows {
		zone, err := w.Location()
		if err != nil {
			return nil, errors.Join(err, c.abort())
		}
		stage, err := r.Store.Stage(ctx, j.stream.Key, j.stream.Table, w)
		if err != nil {
			return nil, errors.Join(err, c.abort())
		}
		c.windows = append(c.windows, &openWindow{window: w, zone: zone, stage: stage})
	}
	return c, nil
}

// lineage is that of rows which a document brings to the window.
func (w *openWindow) lineage(m *pipeline.Meta, id pipeline.SyncID, clock *calendar.ZoneClock) *pipeline.RowLineage {
	return &pipeline.RowLineage{Scope: m.Request.Scope, Window: w.window, ExtractedAt: m.ExtractedAt, SyncID: id, Clock: clock}
}

// bodyCutter cuts one body. It is the [bodySink] of the reader.
type bodyCutter struct {
	*cutter
	meta           *pipeline.Meta
	days           dayCounts
	read, rejected int64
	bytes          int64             // of the document that were added
	first          []pipeline.Reject // of the document
	tail           pipeline.Damage   // of the rows that were added
	maxRejects     RejectLimit
	maxBody        BodyLimit
}

func (c *bodyCutter) partition(b *pipeline.Batch, number int) (*partitioned, error) {
	if c.reduction != nil {
		return c.reduction.prepare(c.meta, b, number)
	}
	return c.cutter.partition(c.meta, b, number)
}

// add books one batch, in order. before is the number of rows of the body that
// came earlier, so that a reject's position counts from the body's first row.
func (c *bodyCutter) add(p *partitioned, before int64) error {
	c.read += p.read
	c.rejected += int64(p.rejects.Len())
	c.bytes += p.bytes
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteReading(p.meta)
	c.noteUnits(p.units)
	c.days.add(p.days, before)
	if p.meta.Portion == nil {
		c.outside += p.outside
	}
	if c.reduction != nil {
		c.noteFields(p, before)
		if err := c.reduction.add(p); err != nil {
			return err
		}
	}
	for _, r := range p.windows {
		if err := c.addRows(p, r, before); err != nil {
			return err
		}
	}
	if err := c.addRejects(p.meta, &p.rejects, before); err != nil {
		return err
	}
	if err := c.noteDamage(p, before); err != nil {
		return err
	}
	return c.checkHope(c.maxRejects, c.maxBody)
}

// addRows books a window's rows of a batch, and buffers them if they are not
// staged, without those that an earlier request has already brought. before is as in add.
func (c *cutter) addRows(p *partitioned, r *windowRows, before int64) error {
	w := r.window
	w.counts.Read += int64(r.rows)
	if c.overlap {
		c.dropSeen(p, r)
		r.fields = p.batch.Tally(r.ranges)
	}
	w.fields.Add(r.fields, before)
	w.counts.Rows += int64(r.rows)
	w.fingerprint = w.fingerprint.Add(r.fingerprint)
	if r.staged || r.rows == 0 {
		return nil
	}
	c.hold(w, p, r.ranges)
	switch {
	case w.buffer.Rows() >= groupRows || w.buffer.Bytes() >= groupBytes:
		return c.flush(w)
	case c.held.Load() >= heldBytes:
		return c.flush(c.largest())
	}
	return nil
}

// dropSeen takes the rows that an earlier request has brought out of a window's rows, and notes the others.
func (c *cutter) dropSeen(p *partitioned, r *windowRows) {
	var fresh []pipeline.RowRange
	r.rows, r.fingerprint = 0, pipeline.Hash{}
	for _, all := range r.ranges {
		next := all.From
		for i := all.From; i < all.To; i++ {
			if c.seen.has(p.hashes[i]) {
				if next < i {
					fresh = append(fresh, pipeline.RowRange{From: next, To: i})
				}
				next = i + 1
				r.window.counts.Duplicate++
				continue
			}
			c.fresh = append(c.fresh, p.hashes[i])
			r.rows++
			r.fingerprint = r.fingerprint.Add(p.hashes[i])
		}
		if next < all.To {
			fresh = append(fresh, pipeline.RowRange{From: next, To: all.To})
		}
	}
	r.ranges = fresh
}

// hold copies rows of a batch to the window's buffer.
func (c *cutter) hold(w *openWindow, p *partitioned, rows []pipeline.RowRange) {
	before := w.size()
	if w.buffer == nil {
		w.buffer = pipeline.NewWindowBuffer(c.stream.Table)
	}
	if w.clock == nil {
		w.clock = calendar.NewZoneClock(w.zone)
	}
	w.buffer.Add(p.batch, rows, w.lineage(p.meta, c.id, w.clock))
	w.order = w.order.after(p.number)
	c.held.Add(int64(w.size() - before))
}

// size is the bytes of rows that the window holds in memory.
func (w *openWindow) size() int {
	if w.buffer == nil {
		return 0
	}
	return w.buffer.Bytes()
}

// flush writes the rows that a window holds in memory to its stage.
func (c *cutter) flush(w *openWindow) error {
	if w.buffer == nil || w.buffer.Rows() == 0 {
		return nil
	}
	c.held.Add(-int64(w.size()))
	rec := w.buffer.Record()
	err := w.stage.Append(c.ctx, w.order.seq(), rec)
	rec.Release()
	w.buffer = nil
	return err
}

// endBody writes out what the extraction holds when memory is half full: it may
// now wait long for its next body, and others need the room.
func (c *cutter) endBody() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held.Load() < heldBytes/2 {
		return nil
	}
	for _, w := range c.windows {
		if err := c.flush(w); err != nil {
			return err
		}
	}
	return nil
}

// windowOf finds the window that holds t, or nil. What lies outside the span that
// the body was asked for is outside, even where a window reaches further:
// the request that asks for the rest brings it.
func (c *cutter) windowOf(m *pipeline.Meta, t calendar.Instant) *openWindow {
	if t == calendar.NoInstant {
		return c.windows[0]
	}
	if !m.Span.Has(t) {
		return nil
	}
	i, found := slices.BinarySearchFunc(c.windows, t, func(w *openWindow, t calendar.Instant) int {
		switch {
		case w.window.End <= t:
			return -1
		case w.window.Start > t:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return c.windows[i]
}

// noteReading keeps the earliest reading: nothing in the windows is older than that.
func (c *cutter) noteReading(m *pipeline.Meta) {
	if c.readAt == calendar.NoInstant || m.ReadAt < c.readAt {
		c.readAt = m.ReadAt
	}
	if c.extractedAt == calendar.NoInstant || m.ExtractedAt < c.extractedAt {
		c.extractedAt = m.ExtractedAt
	}
}

// noteUnits keeps the units that rows name, two at most.
func (c *cutter) noteUnits(units []string) {
	for _, unit := range units {
		if len(c.units) < 2 && !slices.Contains(c.units, unit) {
			c.units = append(c.units, unit)
		}
	}
}

// endRequest makes the rows of the request just read known to those that follow.
func (c *cutter) endRequest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.fresh {
		c.seen.add(h)
	}
	c.fresh = c.fresh[:0]
}

// seal checks the thresholds and seals every window. Nothing is visible yet.
func (c *cutter) seal(maxRejects RejectLimit, health Health, j job) (x extracted, err error) {
	if c.reduction != nil {
		if err := c.reduce(); err != nil {
			return x, err
		}
	}
	c.windows[0].counts.Read += c.outside
	c.windows[0].counts.Outside += c.outside
	var total pipeline.Counts
	for _, w := range c.windows {
		total = total.Add(w.counts)
	}
	if err := checkRejects(total.Read, total.Rejected, maxRejects, c.first); err != nil {
		return x, err
	}
	if c.extractedAt == calendar.NoInstant {
		return x, errNoDocument
	}
	if slices.ContainsFunc(c.windows, (*openWindow).lacks) {
		if err := j.fields.await(c.ctx, j.turn); err != nil {
			return x, err
		}
	}
	x.sealed = make([]pipeline.Sealed, 0, len(c.windows))
	for _, w := range c.windows {
		news, why := health.judge(w, j, c.readAt)
		if c.undated > 0 && w.counts.Rows+w.counts.Duplicate == 0 {
			why = c.undatedRejects()
		}
		if why != nil {
			x.open = append(x.open, leftOpen{w.window, why})
			if err := w.stage.Abort(); err != nil {
				return x, err
			}
			continue
		}
		if err := c.flush(w); err != nil {
			return x, err
		}
		staged, err := w.stage.Seal(c.ctx)
		if err != nil {
			return x, err
		}
		j.fields.add(news.fields, w.window.Start)
		x.news = append(x.news, news)
		x.sealed = append(x.sealed, pipeline.Sealed{Stage: w.stage, Key: c.stream.Key, Table: c.stream.Table, Owner: c.owner, Entry: pipeline.Entry{
			Kind: pipeline.EntryCommit, Window: w.window, SyncID: c.id, Order: j.order, ExtractedAt: c.extractedAt, ReadAt: c.readAt,
			Settled: c.settled(w.window), Counts: w.counts, Unreadable: w.fields.Unreadable(), Fields: news.fields,
			Fingerprint: w.fingerprint, RejectsHash: w.rejects, Settings: c.stream.Settings, Staged: staged, Supersedes: j.planned[w.window].Supersedes,
		}})
	}
	return x, nil
}

// settled reports whether the vendor had stopped restating the window when it was read: by the clock that plans and by
// the real one alike, for either may be ahead.
func (c *cutter) settled(w calendar.Window) bool {
	return min(c.extractedAt, c.readAt) >= w.End.Add(c.stream.Settle)
}

// close frees the memory of the rows; the stages live on if they are sealed.
func (c *cutter) close() {
	for _, w := range c.windows {
		c.held.Add(-int64(w.size()))
		w.buffer = nil
	}
	if c.reduction != nil {
		c.reduction.close()
	}
}

// abort drops every stage.
func (c *cutter) abort() error {
	var errs []error
	for _, w := range c.windows {
		errs = append(errs, w.stage.Abort())
	}
	return errors.Join(errs...)
}
