package sinktest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/sinktest"
)

// shelf is where the sink keeps things: one mutex around maps. Processes share it.
type shelf struct {
	mu      sync.Mutex
	ledgers map[pipeline.StreamKey]*pipeline.Ledger
	windows map[pipeline.StreamKey]map[pipeline.Span]box
	notes   []pipeline.Note
}

// box is what one window holds: here only what the suite looks at.
type box struct {
	rows    map[int][]sinktest.Row // by the seq of their record
	rejects []sinktest.Rejected
	size    int64 // rows
}

// sink is a process's view of the shelf.
type sink struct{ *shelf }

func (s sink) ledger(k pipeline.StreamKey) *pipeline.Ledger {
	if s.ledgers[k] == nil {
		s.ledgers[k], s.windows[k] = pipeline.NewLedger(), make(map[pipeline.Span]box)
	}
	return s.ledgers[k]
}

func (s sink) Ledger(_ context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.ledgers[k]; l != nil {
		return l.Clone(), nil
	}
	return pipeline.NewLedger(), nil
}

func (s sink) Record(_ context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		s.ledger(k).Apply(e)
	}
	return nil
}

// stage collects a window. What all stages have in common it takes from package staging.
type stage struct {
	*staging.Stage
	box  box
	rows int64
}

func (s sink) Stage(_ context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	shared, err := staging.New(s, classify, k, t, w)
	return &stage{Stage: shared, box: box{rows: make(map[int][]sinktest.Row)}}, err
}

// classify gives what the storage says a kind. A real storage tells more: refused credentials, a full disk.
func classify(op string, err error) error {
	var known *pipeline.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return &pipeline.Error{Op: op, Kind: pipeline.Stopped, Err: err}
	}
	return &pipeline.Error{Op: op, Kind: pipeline.SinkFailed, Err: err}
}

func (st *stage) Append(_ context.Context, seq int, rec arrow.Record) error {
	return st.Collect("stage rows", func() error {
		st.box.rows[seq] = rowsOf(st.Table, rec)
		st.rows += rec.NumRows()
		return nil
	})
}

func (st *stage) Reject(_ context.Context, rejects []pipeline.Reject) error {
	return st.Collect("stage rejects", func() error {
		for _, r := range rejects {
			st.box.rejects = append(st.box.rejects, sinktest.Rejected{Row: r.Row, Reason: r.Reason, Raw: r.Raw})
		}
		return nil
	})
}

func (st *stage) Seal(context.Context) (staged int64, err error) {
	return 100 * st.rows, st.Close(func() error { return nil })
}

func (st *stage) Abort() error                   { return st.Drop(func() error { return nil }) }
func (st *stage) Counts() (rows, rejected int64) { return st.rows, int64(len(st.box.rejects)) }

// Commit is the same in every sink: admit, judge by the ledger, replace, and tell the ledger.
func (s sink) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	defer staging.Release(windows)
	results, admitted := staging.Admit[*stage](s, classify, windows)
	s.mu.Lock()
	defer s.mu.Unlock()
	pipeline.Point(ctx, "shelf.locked") // where the suite lets the process die
	for _, p := range admitted {
		l := s.ledger(p.Key)
		if err := ctx.Err(); err != nil {
			p.Fail("commit", err)
		} else if p.Judge(l) {
			if held := s.windows[p.Key][p.Sealed.Entry.Window.Span]; p.Outcome == pipeline.Unchanged && held.size != p.Stage.rows {
				p.Rewrite() // the ledger says that the rows are there, and they are not
			}
			e := p.Verdict.Entry
			e.CommittedAt = pipeline.InstantOf(time.Now())
			if p.Outcome == pipeline.Committed {
				e.HasData = p.MayHold || e.Counts.Rows > 0
				for _, w := range p.Replaces {
					delete(s.windows[p.Key], w.Span)
				}
				p.Stage.box.size = p.Stage.rows
				s.windows[p.Key][e.Window.Span] = p.Stage.box
			}
			known := l.Owner()
			for _, note := range p.NoteOwner(nil, &known) {
				l.Apply(note)
			}
			l.Apply(e)
			p.Done(e)
		}
	}
	return results
}

func (s sink) Add(_ context.Context, n pipeline.Note) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, n)
	return nil
}

func (s sink) Since(_ context.Context, k pipeline.TenantKey, t time.Time) (notes []pipeline.Note, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notes {
		if n.Tenant == k && !n.At.Before(t) {
			notes = append(notes, n)
		}
	}
	return notes, nil
}

func (s sink) Streams(context.Context) ([]pipeline.StreamKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.ledgers)), nil
}

func (s sink) AppendRun(context.Context, pipeline.Summary) error { return nil }
func (s sink) Check(context.Context) error                       { return nil }
func (s sink) Close() error                                      { return nil }

// rowsOf copies what the suite looks at out of a record, whose memory is the caller's.
func rowsOf(t *pipeline.Table, rec arrow.Record) []sinktest.Row {
	text := func(col string, i int) string { return rec.Column(t.Index(col) - pipeline.PathColumns).ValueStr(i) }
	at := func(col string, i int) pipeline.Instant {
		return pipeline.Instant(rec.Column(t.Index(col) - pipeline.PathColumns).(*array.Timestamp).Value(i))
	}
	value := map[*pipeline.Table]string{pipeline.Activity: "answered", pipeline.Events: "talk_seconds"}[t]
	rows := make([]sinktest.Row, rec.NumRows())
	for i := range rows {
		rows[i] = sinktest.Row{ID: text("resource_id", i), At: at(t.TimeColumn, i), Sync: pipeline.SyncID(text("sync_id", i)),
			Window: pipeline.Span{Start: at("window_start", i), End: at("window_end", i)}}
		_, _ = fmt.Sscan(text(value, i), &rows[i].Value)
	}
	return rows
}

// A sink's test needs a place to store in, which can be opened as another process has it, and read as users read it.

func (s *shelf) Open(testing.TB) pipeline.Store { return sink{s} }

func (s *shelf) Rows(_ testing.TB, _ *pipeline.Table, k pipeline.StreamKey) (rows []sinktest.Row) {
	for _, b := range s.boxes(k) {
		for _, seq := range slices.Sorted(maps.Keys(b.rows)) {
			rows = append(rows, b.rows[seq]...)
		}
	}
	return rows
}

func (s *shelf) Rejects(_ testing.TB, k pipeline.StreamKey) (rejects []sinktest.Rejected) {
	for _, b := range s.boxes(k) {
		rejects = append(rejects, b.rejects...)
	}
	return rejects
}

func (s *shelf) Lose(_ testing.TB, _ *pipeline.Table, k pipeline.StreamKey, w pipeline.Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.windows[k], w.Span)
}

func (s *shelf) boxes(k pipeline.StreamKey) (boxes []box) {
	s.mu.Lock()
	defer s.mu.Unlock()
	spans := slices.SortedFunc(maps.Keys(s.windows[k]), func(a, b pipeline.Span) int { return int((a.Start - b.Start) / 1e6) })
	for _, span := range spans {
		boxes = append(boxes, s.windows[k][span])
	}
	return boxes
}

// driver hands the sink to the suite: func TestSink(t *testing.T) { sinktest.Run(t, driver) }
var driver = sinktest.Driver{
	New: func(testing.TB) sinktest.Place {
		return &shelf{ledgers: make(map[pipeline.StreamKey]*pipeline.Ledger), windows: make(map[pipeline.StreamKey]map[pipeline.Span]box)}
	},
	Without: map[sinktest.Ability]string{
		sinktest.Stamps: "the shelf does not tell when it was written", sinktest.Faults: "memory does not fail",
		sinktest.Leaves: "nothing outlives the process", sinktest.ReadsRuns: "runs are not kept",
		sinktest.ReadsRejects: "nobody asked for it", sinktest.ReadsHoldings: "nobody asked for it", sinktest.Verifies: "nobody asked for it",
		sinktest.ReadsHistory: "nobody asked for it",
	},
}

// A whole sink, and how it is handed to the suite.
func Example() {
	place := driver.New(nil)
	store := place.Open(nil)
	k := pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}
	w := pipeline.Window{Span: pipeline.Span{Start: 0, End: 3_600_000_000}, Zone: "UTC"}
	ctx := context.Background()
	st, err := store.Stage(ctx, k, pipeline.Activity, w)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = st.Reject(ctx, []pipeline.Reject{{Row: 1, Reason: "no key", Raw: ";;"}})
	_, _ = st.Seal(ctx)
	entry := pipeline.Entry{Kind: pipeline.EntryCommit, Window: w, Counts: pipeline.Counts{Read: 1, Rejected: 1}}
	for _, r := range store.Commit(ctx, []pipeline.Sealed{{Stage: st, Key: k, Table: pipeline.Activity, Entry: entry}}) {
		fmt.Println(r.Outcome == pipeline.Committed, r.Err)
	}
	fmt.Println(place.Rejects(nil, k))
	// Output:
	// true <nil>
	// [{1 no key ;;}]
}
