package engine_test

import (
	"context"
	"errors"
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
	w.note("run")
	return w.Store.AppendRun(ctx, s)
}

func TestAWrongClockEndsTheRunBeforeAnythingIsWritten(t *testing.T) {
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
	if len(store.calls) > 0 || failed > 0 || sum.Streams[0].Failed > 0 {
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
	if got := strings.Join(store.calls, " "); got != "record commit run" {
		t.Errorf("written: %s", got)
	}
}

// The days that a ledger lacks come of this machine's clock: they are noted behind the first answer.
func TestDaysAreNotedBehindTheFirstAnswer(t *testing.T) {
	store := &writes{Store: memory.New(memory.Options{})}
	s := newScripted(func(_ context.Context, _ pipeline.Request, yield func(string) error) error {
		if len(store.calls) > 0 {
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
		if slices.Contains(store.calls, "commit") || slices.Contains(store.calls, "run") {
			t.Errorf("%s: written %v", kind, store.calls)
		}
	}
}
