package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	// A window's rows leave memory as a row group at either bound.
	groupRows  = 128 << 10
	groupBytes = 24 << 20
	// pendingBytes bounds the rows that all windows of one extraction hold in
	// memory together; past it the largest is written out.
	pendingBytes = 32 << 20
)

// cutter cuts the rows of one extraction into its windows. It counts,
// fingerprints and stages them. Batches of several bodies may arrive at once.
type cutter struct {
	ctx    context.Context
	stream Stream
	hasher *rowHasher
	schema *arrow.Schema
	parts  []*part // by window, in order

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
	stage   Stage
	rows    *gatherer
	groups  int
	counts  Counts
	print   Hash
	rejects Hash
}

func newCutter(ctx context.Context, store Sink, s Stream, x Extraction, id SyncID, mem memory.Allocator) (*cutter, error) {
	c := &cutter{
		ctx: ctx, stream: s, hasher: newRowHasher(s.Table), schema: s.Table.StageSchema(),
		readAt: NoInstant, extractedAt: NoInstant, overlap: s.Overlap && len(x.Requests) > 1,
	}
	for _, w := range x.Windows {
		loc, err := w.Location()
		if err != nil {
			return nil, errors.Join(err, c.abort())
		}
		stage, err := store.Stage(ctx, s.Key, s.Table, w)
		if err != nil {
			return nil, errors.Join(err, c.abort())
		}
		c.parts = append(c.parts, &part{window: w, stage: stage, rows: newGatherer(s.Table, w, loc, id, mem)})
	}
	return c, nil
}

// add cuts one batch. before is the number of rows of the body that came
// earlier, so that a reject's position counts from the body's first row.
func (c *cutter) add(m *Meta, b *Batch, before int64, t *tally) error {
	cols, err := b.Columns()
	if err != nil {
		return err
	}
	defer releaseAll(cols)
	hashes := c.hasher.rows(cols, b.ExtrasHash)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteReading(m)
	for from := 0; from < len(b.Times); {
		p := c.partOf(m, b.Times[from])
		to := from + 1
		for to < len(b.Times) && c.partOf(m, b.Times[to]) == p {
			to++
		}
		t.count(b.Times[from:to])
		if p == nil {
			c.outside += int64(to - from)
		} else if err := c.addRun(p, m, cols, b.Times, hashes, from, to); err != nil {
			return err
		}
		from = to
	}
	return c.addRejects(m, b.Rejects, before, t)
}

// addRun loads rows [from, to), all of one window, without those that an
// earlier request has already brought.
func (c *cutter) addRun(p *part, m *Meta, cols []arrow.Array, times []Instant, hashes []Hash, from, to int) error {
	p.counts.Read += int64(to - from)
	load := func(from, to int) {
		if from == to {
			return
		}
		p.rows.add(m, cols, times, from, to)
		p.counts.Rows += int64(to - from)
		for _, h := range hashes[from:to] {
			p.print = p.print.Add(h)
		}
	}
	next := from
	if c.overlap {
		for i := from; i < to; i++ {
			if c.seen.has(hashes[i]) {
				load(next, i)
				next = i + 1
				p.counts.Duplicate++
				continue
			}
			c.fresh = append(c.fresh, hashes[i])
		}
	}
	load(next, to)
	if p.rows.rows >= groupRows || p.rows.bytes >= groupBytes {
		return c.flush(p)
	}
	return c.shrink()
}

// shrink writes out the largest window when all of them hold too much.
func (c *cutter) shrink() error {
	total := 0
	largest := c.parts[0]
	for _, p := range c.parts {
		total += p.rows.bytes
		if p.rows.bytes > largest.rows.bytes {
			largest = p
		}
	}
	if total < pendingBytes {
		return nil
	}
	return c.flush(largest)
}

func (c *cutter) flush(p *part) error {
	if p.rows.rows == 0 {
		return nil
	}
	rec := p.rows.take(c.schema)
	defer rec.Release()
	p.groups++
	return p.stage.Append(c.ctx, p.groups, rec)
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
func (c *cutter) seal(id SyncID, maxRejects float64, supersedes map[Window][]Window) ([]Sealed, error) {
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
		return nil, &Error{Op: "read", Kind: Malformed, Err: errors.New("the vendor's answer had no document")}
	}
	sealed := make([]Sealed, 0, len(c.parts))
	for _, p := range c.parts {
		if err := c.flush(p); err != nil {
			return nil, err
		}
		if err := p.stage.Seal(c.ctx); err != nil {
			return nil, err
		}
		sealed = append(sealed, Sealed{Stage: p.stage, Key: c.stream.Key, Table: c.stream.Table, Entry: Entry{
			Kind: EntryCommit, Window: p.window, SyncID: id, ExtractedAt: c.extractedAt, ReadAt: c.readAt,
			Settled: c.extractedAt >= p.window.End.Add(c.stream.Settle), Counts: p.counts,
			Fingerprint: p.print, RejectsHash: p.rejects, Settings: c.stream.Settings, Supersedes: supersedes[p.window],
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
		p.rows.release()
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

func releaseAll(cols []arrow.Array) {
	for _, a := range cols {
		if a != nil {
			a.Release()
		}
	}
}
