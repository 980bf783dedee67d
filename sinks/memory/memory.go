// Package memory is a [pipeline.Store] in memory: for tests of the engine, and as the plain truth that other sinks are
// compared with.
//
// It keeps the promises of a sink in the simplest way, with one mutex around everything, and it forgets everything when
// it is closed. It is no sink to sync into.
//
// Start at Commit.
package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// Options of a Store.
type Options struct {
	// Now is the real clock, for CommittedAt; nil means time.Now.
	Now func() time.Time
}

// Store keeps windows, ledgers, notes and runs. See [pipeline.Store].
type Store struct {
	now func() time.Time

	mu      sync.Mutex
	streams map[pipeline.StreamKey]*stream
	notes   []pipeline.Note
	runs    []pipeline.Summary
	history []pipeline.HistoryRow
	writes  int
}

var (
	_ pipeline.Store          = (*Store)(nil)
	_ pipeline.RunReader      = (*Store)(nil)
	_ pipeline.RejectReader   = (*Store)(nil)
	_ pipeline.HoldingsReader = (*Store)(nil)
	_ pipeline.Verifier       = (*Store)(nil)
	_ pipeline.HistoryReader  = (*Store)(nil)
)

// stream is what is kept of one stream.
type stream struct {
	ledger  *pipeline.Ledger
	windows map[pipeline.Span]contents
}

// contents is what one window holds.
type contents struct {
	window  pipeline.Window
	records []arrow.Record
	rejects []pipeline.Reject
	rows    int64
	size    int64 // bytes of the records and rejects
}

func (c contents) release() {
	for _, r := range c.records {
		r.Release()
	}
}

// New returns an empty store. Close it to give its records back.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{now: o.Now, streams: make(map[pipeline.StreamKey]*stream)}
}

// stream returns what is kept of k; the caller holds the mutex.
func (s *Store) stream(k pipeline.StreamKey) *stream {
	kept := s.streams[k]
	if kept == nil {
		kept = &stream{ledger: pipeline.NewLedger(), windows: make(map[pipeline.Span]contents)}
		s.streams[k] = kept
	}
	return kept
}

// Ledger implements [pipeline.Sink].
func (s *Store) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.streams[k]; kept != nil {
		return kept.ledger.Clone(), nil
	}
	return pipeline.NewLedger(), nil
}

// Record implements [pipeline.Sink].
func (s *Store) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	if err := ctx.Err(); err != nil || len(entries) == 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.stream(k)
	for _, e := range entries {
		kept.ledger.Apply(e)
	}
	s.history = append(s.history, staging.Failures(k, entries)...)
	return nil
}

// Commit implements [pipeline.Sink].
func (s *Store) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	defer staging.Release(windows)
	results, admitted := staging.Admit[*stage](s, classify, windows)
	s.mu.Lock()
	defer s.mu.Unlock()
	pipeline.Point(ctx, "memory.locked")
	for _, p := range admitted {
		if err := ctx.Err(); err != nil {
			p.Fail("commit", err)
			continue
		}
		s.commit(p)
	}
	pipeline.Point(ctx, "memory.committed")
	return results
}

// classify gives an error its kind: nothing in memory fails but the program.
func classify(op string, err error) error {
	var known *pipeline.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	kind := pipeline.Internal
	if errors.Is(err, context.Canceled) {
		kind = pipeline.Stopped
	}
	return &pipeline.Error{Op: op, Kind: kind, Err: err}
}

// commit replaces one window in one step, which cannot fail halfway. The caller holds the mutex.
func (s *Store) commit(p *staging.Pending[*stage]) {
	kept := s.stream(p.Key)
	if !p.Judge(kept.ledger) {
		return
	}
	if c := kept.windows[p.Verdict.Entry.Window.Span]; p.Outcome == pipeline.Unchanged && !c.fits(p.Verdict.Entry.Counts) {
		p.Rewrite()
	}
	e := p.Verdict.Entry
	e.CommittedAt = pipeline.InstantOf(s.now())
	if p.Outcome == pipeline.Committed {
		e.HasData = p.MayHold || e.Counts.Rows > 0
		if row := kept.change(p); row != nil {
			s.history = append(s.history, *row)
		}
		for _, old := range p.Replaces {
			kept.drop(old.Span)
		}
		kept.drop(e.Window.Span)
		kept.windows[e.Window.Span] = p.Stage.take()
		s.writes++
	}
	known := kept.ledger.Owner()
	for _, note := range append(p.NoteOwner(nil, &known), e) {
		kept.ledger.Apply(note)
	}
	p.Done(e)
}

// fits reports whether the contents are what the ledger counted.
func (c contents) fits(counts pipeline.Counts) bool {
	return c.rows == counts.Rows && int64(len(c.rejects)) == counts.Rejected
}

// Lose drops what the store holds for a window, while the ledger says that it is there: what a store in memory cannot
// suffer by itself.
func (s *Store) Lose(k pipeline.StreamKey, w pipeline.Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream(k).drop(w.Span)
}

func (k *stream) drop(s pipeline.Span) {
	k.windows[s].release()
	delete(k.windows, s)
}

// Add implements [pipeline.Journal].
func (s *Store) Add(ctx context.Context, n pipeline.Note) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, n)
	return nil
}

// Since implements [pipeline.Journal].
func (s *Store) Since(_ context.Context, k pipeline.TenantKey, t time.Time) ([]pipeline.Note, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var notes []pipeline.Note
	for _, n := range s.notes {
		if n.Tenant == k && !n.At.Before(t) {
			notes = append(notes, n)
		}
	}
	slices.SortStableFunc(notes, func(a, b pipeline.Note) int { return a.At.Compare(b.At) })
	return notes, nil
}

// AppendRun implements [pipeline.Store].
func (s *Store) AppendRun(_ context.Context, run pipeline.Summary) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, run)
	return nil
}

// Check implements [pipeline.Store].
func (s *Store) Check(ctx context.Context) error { return ctx.Err() }

// Streams implements [pipeline.Store].
func (s *Store) Streams(context.Context) ([]pipeline.StreamKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.streams), func(a, b pipeline.StreamKey) int {
		return slices.Compare([]string{string(a.Stream), string(a.Account)}, []string{string(b.Stream), string(b.Account)})
	}), nil
}

// Close forgets everything.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.streams {
		for _, c := range kept.windows {
			c.release()
		}
	}
	s.streams = make(map[pipeline.StreamKey]*stream)
	return nil
}

// stage collects one window.
type stage struct {
	*staging.Stage

	records map[int]arrow.Record
	rejects []pipeline.Reject
	rows    int64
	size    int64
}

// Stage implements [pipeline.Sink].
func (s *Store) Stage(_ context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	shared, err := staging.New(s, classify, k, t, w)
	if err != nil {
		return nil, err
	}
	return &stage{Stage: shared, records: make(map[int]arrow.Record)}, nil
}

// Append implements [pipeline.Stage].
func (st *stage) Append(_ context.Context, seq int, rec arrow.Record) error {
	return st.Collect("stage rows", func() error {
		if rec.NumRows() == 0 {
			return nil
		}
		if _, taken := st.records[seq]; taken {
			return fmt.Errorf("memory: two records have number %d", seq)
		}
		kept, err := st.copyOf(rec)
		if err != nil {
			return err
		}
		for _, col := range kept.Columns() {
			st.size += int64(col.Data().SizeInBytes())
		}
		st.records[seq] = kept
		st.rows += rec.NumRows()
		return nil
	})
}

// copyOf copies a record, whose memory is the caller's, in the plain StageSchema.
func (st *stage) copyOf(rec arrow.Record) (arrow.Record, error) {
	schema := st.Table.StageSchema()
	cols := make([]arrow.Array, rec.NumCols())
	for i, col := range rec.Columns() {
		var err error
		if cols[i], err = array.Concatenate([]arrow.Array{plain(col)}, memory.DefaultAllocator); err != nil {
			return nil, err
		}
		if i >= schema.NumFields() || !arrow.TypeEqual(cols[i].DataType(), schema.Field(i).Type) {
			return nil, fmt.Errorf("memory: the record has another schema than %s", st.Table.Name)
		}
	}
	return array.NewRecord(schema, cols, rec.NumRows()), nil
}

// plain is the column without a dictionary.
func plain(col arrow.Array) arrow.Array {
	d, ok := col.(*array.Dictionary)
	if !ok {
		return col
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for i := range d.Len() {
		if d.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(d.Dictionary().(*array.String).Value(d.GetValueIndex(i)))
		}
	}
	return b.NewArray()
}

// Reject implements [pipeline.Stage].
func (st *stage) Reject(_ context.Context, rejects []pipeline.Reject) error {
	return st.Collect("stage rejects", func() error {
		st.rejects = append(st.rejects, rejects...)
		for _, r := range rejects {
			st.size += int64(len(r.Reason) + len(r.Raw) + len(r.Scope) + len(r.Field) + len(r.Shape))
		}
		return nil
	})
}

// Seal implements [pipeline.Stage].
func (st *stage) Seal(context.Context) (staged int64, err error) {
	err = st.Close(func() error {
		staged = st.size
		return nil
	})
	return staged, err
}

// Abort implements [pipeline.Stage].
func (st *stage) Abort() error {
	return st.Drop(func() error {
		for _, r := range st.records {
			r.Release()
		}
		st.records, st.rejects = nil, nil
		return nil
	})
}

// Counts implements [staging.Staged].
func (st *stage) Counts() (rows, rejected int64) { return st.rows, int64(len(st.rejects)) }

// take hands over what was collected, in order.
func (st *stage) take() (c contents) {
	st.Locked(func() {
		for _, seq := range slices.Sorted(maps.Keys(st.records)) {
			c.records = append(c.records, st.records[seq])
		}
		c.window, c.rejects, c.rows, c.size = st.Window, st.rejects, st.rows, st.size
		st.records, st.rejects = nil, nil
	})
	return c
}
