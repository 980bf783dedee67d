package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
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
	ctx    context.Context
	stream Stream
	hasher *rowHasher
	schema *arrow.Schema
	parts  []*part       // by window, in order
	held   *atomic.Int64 // bytes of rows in memory, of all cutters of the run
	id     SyncID
	places atomic.Int64 // of batches, handed out in the order in which they were read

	mu      sync.Mutex
	outside int64 // rows outside every window; they count for the first
	// when the earliest document was read, by the real and the planning clock
	readAt      Instant
	extractedAt Instant
	// seen holds the rows of the requests before the current one, where
	// requests overlap; fresh those of the current one.
	overlap bool
	seen    hashSet
	fresh   []Hash
}

// part is one window in the making.
type part struct {
	window  Window
	zone    *time.Location
	stage   Stage
	rows    *gatherer // nil while no row is held: a backfill plans thousands of windows
	place   int       // of what is gathered among the window's row groups
	counts  Counts
	print   Hash
	rejects Hash
}

func (r *run) newCutter(ctx context.Context, j job) (*cutter, error) {
	c := &cutter{
		ctx: ctx, stream: j.stream, hasher: newRowHasher(j.stream.Table), schema: j.stream.Table.recordSchema(),
		held: &r.held, id: r.id,
		readAt: NoInstant, extractedAt: NoInstant, overlap: j.stream.Overlap && len(j.extraction.Requests) > 1,
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
		c.parts = append(c.parts, &part{window: w, zone: zone, stage: stage})
	}
	return c, nil
}

// add books one batch, in order. before is the number of rows of the body that
// came earlier, so that a reject's position counts from the body's first row.
func (c *cutter) add(s *sorted, before int64, t *tally) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteReading(s.meta)
	t.add(s.rows)
	c.outside += s.outside
	for _, r := range s.shares {
		if err := c.addShare(s, r); err != nil {
			return err
		}
	}
	return c.addRejects(s.meta, s.rejects, before, t)
}

// addShare books a window's rows of a batch, and gathers them if they are not
// staged, without those that an earlier request has already brought.
func (c *cutter) addShare(s *sorted, r *share) error {
	p := r.part
	p.counts.Read += int64(r.rows)
	if c.overlap {
		c.dropSeen(s, r)
	}
	p.counts.Rows += int64(r.rows)
	p.print = p.print.Add(r.print)
	if r.staged || r.rows == 0 {
		return nil
	}
	c.gather(p, s, r.stretches)
	switch {
	case p.rows.rows >= groupRows || p.rows.bytes >= groupBytes:
		return c.flush(p)
	case c.held.Load() >= heldBytes:
		return c.flush(slices.MaxFunc(c.parts, func(a, b *part) int { return cmp.Compare(a.size(), b.size()) }))
	}
	return nil
}

// dropSeen takes the rows that an earlier request has brought out of a share,
// and notes the others.
func (c *cutter) dropSeen(s *sorted, r *share) {
	var fresh []stretch
	hashes := s.batch.hashes()
	r.rows, r.print = 0, Hash{}
	for _, all := range r.stretches {
		next := all.from
		for i := all.from; i < all.to; i++ {
			if c.seen.has(hashes[i]) {
				if next < i {
					fresh = append(fresh, stretch{next, i})
				}
				next = i + 1
				r.part.counts.Duplicate++
				continue
			}
			c.fresh = append(c.fresh, hashes[i])
			r.rows++
			r.print = r.print.Add(hashes[i])
		}
		if next < all.to {
			fresh = append(fresh, stretch{next, all.to})
		}
	}
	r.stretches = fresh
}

func (c *cutter) gather(p *part, s *sorted, rows []stretch) {
	if p.rows == nil {
		p.rows = newGatherer(c.stream.Table, p.window, p.zone, c.id)
	}
	before := p.rows.bytes
	p.rows.add(s.meta, s.batch, rows)
	p.place = max(p.place+1, placeOf(s.place, 1))
	c.held.Add(int64(p.rows.bytes - before))
}

// size is the bytes of rows that the window holds in memory.
func (p *part) size() int {
	if p.rows == nil {
		return 0
	}
	return p.rows.bytes
}

// flush writes the rows that a window holds in memory to its stage.
func (c *cutter) flush(p *part) error {
	if p.rows == nil || p.rows.rows == 0 {
		return nil
	}
	c.held.Add(-int64(p.rows.bytes))
	rec := p.rows.record(c.schema)
	err := p.stage.Append(c.ctx, p.place, rec)
	rec.Release()
	p.rows = nil
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
	for _, p := range c.parts {
		if err := c.flush(p); err != nil {
			return err
		}
	}
	return nil
}

func (c *cutter) addRejects(m *Meta, rejects []Reject, before int64, t *tally) error {
	for _, r := range rejects {
		r.Row += before
		r.Scope = m.Request.Scope
		p := c.parts[0]
		if r.At != NoInstant {
			t.count([]Instant{r.At})
			if p = c.partOf(m, r.At); p == nil {
				c.outside++
				continue
			}
		} else {
			t.undated++
		}
		p.counts.Read++
		p.counts.Rejected++
		p.rejects = p.rejects.Add(rejectHash(r))
		if err := p.stage.Reject(c.ctx, []Reject{r}); err != nil {
			return err
		}
	}
	return nil
}

// rejectHash leaves out the position: a row before it may have come or gone.
func rejectHash(r Reject) Hash {
	return FieldHash(NameSeed("reason"), []byte(r.Reason)).
		Add(FieldHash(NameSeed("raw"), []byte(r.Raw))).
		Add(FieldHash(NameSeed("scope"), []byte(r.Scope))).mix()
}

// partOf finds the window that holds t, or nil. What lies outside the span that
// the body was asked for is outside, even where a window reaches further:
// the request that asks for the rest brings it.
func (c *cutter) partOf(m *Meta, t Instant) *part {
	if t == NoInstant {
		return c.parts[0]
	}
	if !m.Span.Has(t) {
		return nil
	}
	i, found := slices.BinarySearchFunc(c.parts, t, func(p *part, t Instant) int {
		switch {
		case p.window.End <= t:
			return -1
		case p.window.Start > t:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return c.parts[i]
}

// noteReading keeps the earliest reading: nothing in the windows is older than that.
func (c *cutter) noteReading(m *Meta) {
	if c.readAt == NoInstant || m.ReadAt < c.readAt {
		c.readAt = m.ReadAt
	}
	if c.extractedAt == NoInstant || m.ExtractedAt < c.extractedAt {
		c.extractedAt = m.ExtractedAt
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
func (c *cutter) seal(maxRejects float64, planned map[Window]PlannedWindow) ([]Sealed, error) {
	c.parts[0].counts.Read += c.outside
	c.parts[0].counts.Outside += c.outside
	var total Counts
	for _, p := range c.parts {
		total = total.Add(p.counts)
	}
	if err := checkRejects(total.Read, total.Rejected, maxRejects); err != nil {
		return nil, err
	}
	if c.extractedAt == NoInstant {
		return nil, errNoDocument
	}
	sealed := make([]Sealed, 0, len(c.parts))
	for _, p := range c.parts {
		if err := c.flush(p); err != nil {
			return nil, err
		}
		staged, err := p.stage.Seal(c.ctx)
		if err != nil {
			return nil, err
		}
		sealed = append(sealed, Sealed{Stage: p.stage, Key: c.stream.Key, Table: c.stream.Table, Entry: Entry{
			Kind: EntryCommit, Window: p.window, SyncID: c.id, ExtractedAt: c.extractedAt, ReadAt: c.readAt,
			Settled: c.extractedAt >= p.window.End.Add(c.stream.Settle), Counts: p.counts,
			Fingerprint: p.print, RejectsHash: p.rejects, Settings: c.stream.Settings, Staged: staged, Supersedes: planned[p.window].Supersedes,
		}})
	}
	return sealed, nil
}

// checkRejects fails a reading of which more than the allowed share was rejected.
func checkRejects(read, rejected int64, maxShare float64) error {
	if rejected == 0 || float64(rejected) <= maxShare*float64(read) {
		return nil
	}
	return &Error{
		Op: "read", Kind: TooManyRejects,
		Err:  fmt.Errorf("%d of %d rows were rejected, more than the share of %g that WINDROW_MAX_REJECTS allows", rejected, read, maxShare),
		Hint: "the vendor's format may have changed; nothing was committed and what was there stays",
	}
}

// close frees the memory of the rows; the stages live on if they are sealed.
func (c *cutter) close() {
	for _, p := range c.parts {
		c.held.Add(-int64(p.size()))
		p.rows = nil
	}
}

// abort drops every stage.
func (c *cutter) abort() error {
	var errs []error
	for _, p := range c.parts {
		errs = append(errs, p.stage.Abort())
	}
	return errors.Join(errs...)
}
