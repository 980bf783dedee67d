package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
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
		if s.Failed != 3 || s.Errors[0].Vendor || !strings.Contains(s.Errors[0].Message, "at the disco") {
			t.Errorf("%+v", s)
		}
	}
}

func TestASummaryTellsVendorsFailuresFromThoseOfTheSink(t *testing.T) {
	for kind, vendor := range map[pipeline.Kind]bool{
		pipeline.Refused: true, pipeline.Malformed: true, pipeline.Mismatch: true, pipeline.TooManyRejects: true, pipeline.Unavailable: true,
		pipeline.TooHeavy: true, pipeline.Invalid: false, pipeline.SinkFailed: false, pipeline.Internal: false, pipeline.Throttled: false,
	} {
		err := &pipeline.Error{Op: "ask", Kind: kind, Err: errors.New("no")}
		e, _ := newEngine(t, newScripted(func(context.Context, pipeline.Request, func(string) error) error { return err }))
		sum, syncErr := e.Sync(t.Context())
		if syncErr != nil || len(sum.Streams[0].Errors) == 0 || sum.Streams[0].Errors[0].Vendor != vendor {
			t.Errorf("%s: %v, %+v", kind, syncErr, sum.Streams)
		}
	}
	_, sum := refuse(t, nil)
	if sum.Streams[0].Errors[0].Vendor {
		t.Errorf("a commit that failed: %+v", sum.Streams[0])
	}
}
