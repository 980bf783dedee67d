package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/memory"
)

var errClock = &pipeline.Error{Op: "ask", Kind: pipeline.ClockWrong, Err: errors.New("here it is 2025-09-20, there 2025-09-10")}

// writes counts what a run writes into its store.
type writes struct {
	pipeline.Store
	mu    sync.Mutex
	calls []string
}

func (w *writes) note(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
}

func (w *writes) Record(ctx context.Context, k pipeline.StreamKey, e ...pipeline.Entry) error {
	w.note("record")
	return w.Store.Record(ctx, k, e...)
}

func (w *writes) Commit(ctx context.Context, s []pipeline.Sealed) []pipeline.Result {
	w.note("commit")
	return w.Store.Commit(ctx, s)
}

func (w *writes) AppendRun(ctx context.Context, s pipeline.Summary) error {
	w.note(map[bool]string{false: "begin", true: "end"}[s.Finished()])
	return w.Store.AppendRun(ctx, s)
}

func TestAWrongClockEndsTheRunBeforeAnythingButItsRecordIsWritten(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	s := newScripted(func(ctx context.Context, _ pipeline.Request, _ func(string) error) error {
		mu.Lock()
		asked++
		first := asked == 1
		mu.Unlock()
		if first {
			return errClock
		}
		<-ctx.Done() // what waits for its vendor is called off
		return ctx.Err()
	})
	s.apart = true
	store := &writes{Store: memory.New(memory.Options{})}
	failed := 0
	e := engineOn(store, s)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventFailed {
			failed++
		}
	}
	sum, err := e.Sync(t.Context())
	if sum.Exit != pipeline.ExitInternal || pipeline.KindOf(err) != pipeline.ClockWrong || !strings.Contains(err.Error(), "there 2025-09-10") {
		t.Errorf("exit %d, %v", sum.Exit, err)
	}
	if strings.Join(store.calls, " ") != "begin end" || failed > 0 || sum.Streams[0].Failed > 0 {
		t.Errorf("%v were written; %d windows failed", store.calls, sum.Streams[0].Failed)
	}
}

func TestWhatWasCommittedBeforeAWrongClockIsOnRecord(t *testing.T) {
	store := &writes{Store: memory.New(memory.Options{})}
	committed := make(chan struct{})
	s := newScripted(nil)
	s.apart = true
	s.answer = func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		if r.Span.Start.Time().Day() == 7 {
			return yield("2025-09-07T10:00:00Z a\n")
		}
		<-committed
		return errClock
	}
	e := engineOn(store, s)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventCommitted {
			close(committed)
		}
	}
	sum, err := e.Sync(t.Context())
	if sum.Exit != pipeline.ExitInternal || pipeline.KindOf(err) != pipeline.ClockWrong || sum.Streams[0].Committed != 1 {
		t.Errorf("exit %d, %v, %+v", sum.Exit, err, sum.Streams)
	}
	if got := strings.Join(store.calls, " "); got != "begin record commit end" {
		t.Errorf("written: %s", got)
	}
}

// The days that a ledger lacks come of this machine's clock: they are noted behind the first answer.
func TestDaysAreNotedBehindTheFirstAnswer(t *testing.T) {
	store := &writes{Store: memory.New(memory.Options{})}
	s := newScripted(func(_ context.Context, _ pipeline.Request, yield func(string) error) error {
		if !slices.Equal(store.calls, []string{"begin"}) {
			t.Errorf("written before the answer: %v", store.calls)
		}
		return yield("2025-09-08T10:00:00Z a\n")
	})
	if sum, err := engineOn(store, s).Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitDone {
		t.Fatalf("exit %d, %v", sum.Exit, err)
	}
	l, err := store.Ledger(t.Context(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	if origin, ok := l.Origin(); !ok || origin.Time().After(noon.Add(-30*24*time.Hour)) {
		t.Errorf("the origin is %s, %v", origin, ok)
	}
}

// closedLedger takes no entry.
type closedLedger struct {
	pipeline.Store
	err error
}

func (r closedLedger) Record(context.Context, pipeline.StreamKey, ...pipeline.Entry) error {
	return r.err
}

func TestASinkThatTakesNoEntryEndsTheRun(t *testing.T) {
	for kind, exit := range map[pipeline.Kind]int{
		pipeline.Invalid: pipeline.ExitInvalid, pipeline.SinkFailed: pipeline.ExitInternal, pipeline.Unauthorized: pipeline.ExitUnauthorized,
	} {
		store := &writes{Store: closedLedger{memory.New(memory.Options{}), &pipeline.Error{Op: "record", Kind: kind, Err: errors.New("no")}}}
		s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
		s.apart = true
		sum, err := engineOn(store, s).Sync(t.Context())
		if sum.Exit != exit || pipeline.KindOf(err) != kind || strings.Count(err.Error(), "record") != 1 {
			t.Errorf("%s: exit %d, %v", kind, sum.Exit, err)
		}
		if slices.Contains(store.calls, "commit") || store.calls[len(store.calls)-1] != "end" {
			t.Errorf("%s: written %v", kind, store.calls)
		}
	}
}

// closedRuns takes no record of a run, or none of its end.
type closedRuns struct {
	pipeline.Store
	takesBeginnings bool
}

var errFull = &pipeline.Error{Op: "record the run", Kind: pipeline.SinkFailed, Err: errors.New("no space left")}

func (c closedRuns) AppendRun(ctx context.Context, s pipeline.Summary) error {
	if c.takesBeginnings && !s.Finished() {
		return c.Store.AppendRun(ctx, s)
	}
	return errFull
}

// A run that cannot be recorded asks no vendor, replays nothing and waives nothing.
func TestARunWhoseBeginningCannotBeRecordedDoesNothing(t *testing.T) {
	store := &writes{Store: closedRuns{Store: memory.New(memory.Options{})}}
	s := newScripted(func(context.Context, pipeline.Request, func(string) error) error {
		t.Error("a vendor was asked")
		return nil
	})
	e := engineOn(store, s)
	e.Select.From, e.Select.To = "2025-09-07", "2025-09-08"
	for name, do := range map[string]func() (pipeline.Summary, error){
		"sync":  func() (pipeline.Summary, error) { return e.Sync(t.Context()) },
		"waive": func() (pipeline.Summary, error) { return e.Waive(t.Context(), "lost") },
		"replay": func() (pipeline.Summary, error) {
			return e.Replay(t.Context(), nil, func(pipeline.AccountID) bool { return true })
		},
	} {
		store.calls = nil
		if sum, err := do(); !errors.Is(err, errFull) || sum.FinishedAt != 0 || strings.Join(store.calls, " ") != "begin" {
			t.Errorf("%s: %+v, %v; written: %v", name, sum, err, store.calls)
		}
	}
}

// What a run has done is told although its end cannot be recorded.
func TestARunWhoseEndCannotBeRecordedTellsWhatItDid(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	sum, err := engineOn(closedRuns{memory.New(memory.Options{}), true}, s).Sync(t.Context())
	if !errors.Is(err, errFull) || sum.FinishedAt == 0 || sum.Streams[0].Committed != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// What each command leaves on record: its name, and an end with its exit code, also where it failed.
func TestEachCommandRecordsItsBeginningAndItsEnd(t *testing.T) {
	kept := memory.New(memory.Options{})
	store := &writes{Store: kept}
	e := engineOn(store, newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"})))
	if _, err := e.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Replay(t.Context(), nothingKept{}, func(pipeline.AccountID) bool { return true }); err != nil {
		t.Fatal(err)
	}
	e.Select.From, e.Select.To = "2025-08-01", "2025-08-02"
	if _, err := e.Waive(t.Context(), "lost"); err != nil {
		t.Fatal(err)
	}
	e.Store = closedLedger{store, &pipeline.Error{Op: "record", Kind: pipeline.Unauthorized, Err: errors.New("no")}}
	e.Select.From, e.Select.To = "2025-08-03", "2025-08-04"
	if _, err := e.Waive(t.Context(), "lost"); pipeline.KindOf(err) != pipeline.Unauthorized {
		t.Errorf("%v", err)
	}
	var got []string
	for r, err := range kept.Runs(t.Context(), pipeline.NoInstant, 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r.Command, " ", r.Finished(), " ", r.Exit))
	}
	slices.Sort(got) // they began at the same instant
	if want := []string{"replay true 0", "sync true 0", "waive true 0", "waive true 4"}; !slices.Equal(got, want) {
		t.Errorf("on record are %q", got)
	}
}

// nothingKept is a shelf without an answer.
type nothingKept struct{}

func (nothingKept) Find(context.Context, pipeline.StreamKey, []pipeline.Entry, func(pipeline.Window) bool) ([]pipeline.Rereading, []pipeline.Unkept, error) {
	return nil, nil, nil
}
