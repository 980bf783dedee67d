package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

// refusing is a store that commits nothing, and may note nothing either. It
// counts its Record calls.
type refusing struct {
	*billing
	mu      sync.Mutex
	calls   int // of failures
	entries int
	note    func(pipeline.StreamKey) error // nil: notes are taken
}

func (s *refusing) Commit(ctx context.Context, sealed []pipeline.Sealed) []pipeline.Result {
	results := make([]pipeline.Result, len(sealed))
	for i, w := range sealed {
		_ = w.Stage.Abort()
		results[i] = pipeline.Result{Outcome: pipeline.Failed, Err: &pipeline.Error{
			Op: "commit", Stream: w.Key.Stream, Window: w.Entry.Window.Span, Kind: pipeline.SinkFailed, Err: errors.New("the shelf is full"), Hint: "clear it"}}
	}
	return results
}

func (s *refusing) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	if entries[0].Kind != pipeline.EntryFail {
		return s.billing.Record(ctx, k, entries...)
	}
	s.mu.Lock()
	s.calls++
	s.entries += len(entries)
	s.mu.Unlock()
	if s.note != nil {
		return s.note(k)
	}
	return s.billing.Record(ctx, k, entries...)
}

// refuse runs two streams of three windows each, every window an extraction of its own.
func refuse(t *testing.T, note func(pipeline.StreamKey) error) (*refusing, pipeline.Summary) {
	t.Helper()
	_, sources := bothTables()
	e, on := newBilling(t, pipeline.Grouping{}, sources...)
	store := &refusing{billing: on, note: note}
	e.Store = store
	return store, runPromptly(t, t.Context(), e)
}

func TestWindowsThatOneCommitLeavesOpenAreNotedByOneCallForEachStream(t *testing.T) {
	store, sum := refuse(t, nil)
	if sum.Exit != pipeline.ExitFailed || store.calls != 2 || store.entries != 6 {
		t.Fatalf("%d calls with %d entries: %+v", store.calls, store.entries, sum)
	}
	for _, s := range sum.Streams {
		l, err := store.Ledger(t.Context(), pipeline.StreamKey{Account: s.Account, Stream: s.Stream})
		if err != nil || s.Failed != 3 || len(s.Errors) != 3 || s.Errors[0].Message != "commit: sink failed: the shelf is full (clear it)" {
			t.Fatalf("%v: %+v", err, s)
		}
		for _, w := range s.Errors {
			if e, ok := l.Failed(pipeline.Span{Start: w.WindowStart, End: w.WindowEnd}); !ok || e.Note != w.Message {
				t.Errorf("the ledger says %q of %s, the summary %q", e.Note, w.WindowStart, w.Message)
			}
		}
	}
}

func TestAFailureThatCannotBeNotedForTheSameReasonIsToldOnce(t *testing.T) {
	for says, tt := range map[string]struct {
		note error
		also string // in the message
	}{
		"the same": {&pipeline.Error{Op: "write the ledger", Kind: pipeline.SinkFailed, Err: errors.New("the shelf is full"), Hint: "clear it"}, ""},
		"another":  {&pipeline.Error{Op: "write the ledger", Kind: pipeline.SinkFailed, Err: errors.New("the pen is dry")}, "the pen is dry"},
	} {
		t.Run(says, func(t *testing.T) {
			_, sum := refuse(t, func(pipeline.StreamKey) error { return tt.note })
			for _, s := range sum.Streams {
				if s.Failed != 3 || len(s.Errors) != 3 {
					t.Fatalf("%+v", s)
				}
				for _, w := range s.Errors {
					if strings.Count(w.Message, "the shelf is full") != 1 || !strings.Contains(w.Message, tt.also) || strings.Contains(w.Message, "write the ledger") != (tt.also != "") {
						t.Errorf("it says %q", w.Message)
					}
				}
			}
		})
	}
}

func TestASinkThatPanicsWhileItNotesFailuresHoldsNobodyUp(t *testing.T) {
	_, sum := refuse(t, func(pipeline.StreamKey) error { panic("at the disco") })
	for _, s := range sum.Streams {
		if s.Failed != 3 || s.Errors[0].Remedy != pipeline.Correct || !strings.Contains(s.Errors[0].Message, "at the disco") {
			t.Errorf("%+v", s)
		}
	}
}

func TestASummaryTellsVendorsFailuresFromThoseOfTheSink(t *testing.T) {
	for kind, remedy := range map[pipeline.Kind]pipeline.Remedy{
		pipeline.Refused: pipeline.GiveUp, pipeline.Malformed: pipeline.GiveUp, pipeline.Mismatch: pipeline.GiveUp, pipeline.TooManyRejects: pipeline.GiveUp,
		pipeline.TooHeavy: pipeline.GiveUp, pipeline.Unavailable: pipeline.Wait, pipeline.Throttled: pipeline.Wait,
		pipeline.Invalid: pipeline.Correct, pipeline.SinkFailed: pipeline.Correct, pipeline.Internal: pipeline.Correct,
	} {
		err := &pipeline.Error{Op: "ask", Kind: kind, Err: errors.New("no")}
		e, _ := newEngine(t, newScripted(func(context.Context, pipeline.Request, func(string) error) error { return err }))
		sum, syncErr := e.Sync(t.Context())
		if syncErr != nil || len(sum.Streams[0].Errors) == 0 || sum.Streams[0].Errors[0].Remedy != remedy {
			t.Errorf("%s: %v, %+v", kind, syncErr, sum.Streams)
		}
	}
	_, sum := refuse(t, nil)
	if sum.Streams[0].Errors[0].Remedy != pipeline.Correct {
		t.Errorf("a commit that failed: %+v", sum.Streams[0])
	}
}

// cracked is a store in which the ledger of one stream is damaged.
type cracked struct {
	*memory.Store
	stream pipeline.StreamID
}

func (s cracked) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	if k.Stream == s.stream {
		return nil, &pipeline.Error{Op: "read the ledger", Stream: k.Stream, Kind: pipeline.Damaged, Err: errors.New("it is cut short")}
	}
	return s.Store.Ledger(ctx, k)
}

// crumbling is a store that finds a ledger damaged when it commits.
type crumbling struct{ *memory.Store }

func (c crumbling) Commit(_ context.Context, windows []pipeline.Sealed) []pipeline.Result {
	results := make([]pipeline.Result, len(windows))
	for i, w := range windows {
		_ = w.Stage.Abort()
		results[i] = pipeline.Result{Outcome: pipeline.Failed, Err: &pipeline.Error{Op: "read the ledger", Stream: w.Key.Stream, Kind: pipeline.Damaged, Err: errors.New("it is cut short")}}
	}
	return results
}

func TestDamageThatACommitFindsEndsTheRunLikeDamageThatAPlanFinds(t *testing.T) {
	s := newClocked(0)
	sum, err := s.engine(crumbling{memory.New(memory.Options{Now: s.now})}).Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitInternal || sum.Streams[0].Failed == 0 {
		t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestADamagedLedgerStopsItsStreamAlone(t *testing.T) {
	asked := false
	broken := newScripted(func(context.Context, pipeline.Request, func(string) error) error {
		asked = true
		return errRefused
	})
	broken.key.Stream = "dialpad.texts"
	good := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, good)
	e.Store, e.Sources = cracked{store, broken.key.Stream}, []pipeline.Source{broken, good}
	sum, err := e.Sync(t.Context())
	if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "dialpad.texts") || sum.Exit != pipeline.ExitInternal {
		t.Errorf("exit %d, %v", sum.Exit, err)
	}
	if asked || len(sum.Streams) != 1 || sum.Streams[0].Committed != 3 {
		t.Errorf("asked %v, %+v", asked, sum.Streams)
	}
	if plans, err := e.Plan(t.Context()); pipeline.KindOf(err) != pipeline.Damaged || len(plans) != 1 || plans[0].Stream.Key != good.key {
		t.Errorf("planned %+v, %v", plans, err)
	}
	if states, err := e.Status(t.Context()); pipeline.KindOf(err) != pipeline.Damaged || len(states) != 1 || states[0].Stream != good.key.Stream || states[0].Settled != 3 {
		t.Errorf("status %+v, %v", states, err)
	}
}

// A settled window is read again in vain, far behind the lookback. It stays due, night after night, until it is read.
func TestAFailedReReadStaysDueUntilAReadingSucceeds(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-07T10:00:00Z a\n"}))
	s.apart = true
	e, _ := newEngine(t, s)
	mustSync(t, e)
	answer := s.answer
	s.answer = func(context.Context, pipeline.Request, func(string) error) error { return errRefused }
	e.Select.Refetch, e.Select.From, e.Select.To = true, "2025-09-07", "2025-09-07"
	if sum, err := e.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed {
		t.Fatal(sum, err)
	}
	e.Select = plan.Selection{}
	for range 2 {
		status, err := e.Status(t.Context())
		if err != nil || status[0].Open != 1 || status[0].Watermark == nil || status[0].Watermark.String() != "2025-09-10T00:00:00Z" {
			t.Errorf("%+v, %v", status, err)
		}
		if sum, err := e.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
	}
	s.answer = answer
	if sum := mustSync(t, e); sum.Unchanged != 1 {
		t.Errorf("%+v", sum)
	}
	if status, err := e.Status(t.Context()); err != nil || status[0].Open != 0 {
		t.Errorf("%+v, %v", status, err)
	}
}

// full is a store that takes no rows.
type full struct{ *memory.Store }

func (s full) Stage(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	st, err := s.Store.Stage(ctx, k, t, w)
	return fullStage{st}, err
}

type fullStage struct{ pipeline.Stage }

func (fullStage) Append(context.Context, int, arrow.Record) error {
	return &pipeline.Error{Op: "stage rows", Kind: pipeline.Unwritable, Err: syscall.ENOSPC, Hint: "the disk is full"}
}

func TestASinkThatTakesNothingMoreEndsTheRunWithThatWord(t *testing.T) {
	var first atomic.Bool
	s := newScripted(func(ctx context.Context, _ pipeline.Request, yield func(string) error) error {
		if first.CompareAndSwap(false, true) {
			return yield("2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z a\n2025-09-09T10:00:00Z a\n")
		}
		<-ctx.Done() // a vendor that takes its time is not waited for
		return ctx.Err()
	})
	s.apart = true
	e, store := newEngine(t, s)
	e.Store = full{store}
	sum, err := e.Sync(t.Context())
	if sum.Exit != pipeline.ExitInternal || pipeline.KindOf(err) != pipeline.Unwritable || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("exit %d, %v", sum.Exit, err)
	}
	if got := sum.Streams[0]; got.Failed != 1 || len(got.Errors) != 1 || got.Committed != 0 {
		t.Errorf("%+v", got)
	}
}
