package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/memory"
)

func TestRefusedCredentialsAreToldAlsoWhereASignalCame(t *testing.T) {
	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	s := newScripted(nil)
	s.apart = true
	s.answer = func(ctx context.Context, r pipeline.Request, _ func(string) error) error {
		if r.Span.Start.Time().Day() == 7 {
			return &pipeline.Error{Op: "ask", Kind: pipeline.Unauthorized, Err: errors.New("no")}
		}
		<-ctx.Done()
		return ctx.Err()
	}
	e, _ := newEngine(t, s)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventFailed {
			signal()
		}
	}
	if sum, err := e.Sync(ctx); err != nil || sum.Exit != pipeline.ExitUnauthorized || sum.Streams[0].Failed != 1 {
		t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestPromise07_ACommitOfTheMomentInWhichARunBeganExcusesItsFailure(t *testing.T) {
	still := func() time.Time { return noon }
	store := memory.New(memory.Options{Now: still})
	defer store.Close() //nolint:errcheck // it is memory
	good := engineOn(store, newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"})))
	late := engineOn(store, newScripted(func(context.Context, pipeline.Request, func(string) error) error {
		mustSync(t, good)
		return errRefused
	}))
	good.Now, late.Now = still, still
	if sum := mustSync(t, late); sum.Failed != 0 || sum.Yielded != 3 {
		t.Errorf("%+v", sum)
	}
}

// illegible is a store whose ledger can be read once.
type illegible struct {
	*memory.Store
	read bool
}

var errIllegible = &pipeline.Error{Op: "read the ledger", Kind: pipeline.SinkFailed, Err: errors.New("illegible")}

func (s *illegible) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	if s.read {
		return nil, errIllegible
	}
	s.read = true
	return s.Store.Ledger(ctx, k)
}

func TestALedgerThatCannotBeReadAfterAFailureIsTold(t *testing.T) {
	s := newScripted(func(context.Context, pipeline.Request, func(string) error) error { return errRefused })
	_, store := newEngine(t, s)
	sum, err := engineOn(&illegible{Store: store}, s).Sync(t.Context())
	if !errors.Is(err, errIllegible) || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 {
		t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestFailedWindowsAreListedByTheirTime(t *testing.T) {
	s := newScripted(nil)
	s.apart = true
	failed := map[int]chan struct{}{7: make(chan struct{}), 8: make(chan struct{}), 9: make(chan struct{})}
	s.answer = func(_ context.Context, r pipeline.Request, _ func(string) error) error {
		if later := failed[r.Span.Start.Time().Day()+1]; later != nil {
			<-later // the last day fails first
		}
		return errRefused
	}
	e, _ := newEngine(t, s)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventFailed {
			close(failed[ev.Window.Start.Time().Day()])
		}
	}
	sum, err := e.Sync(t.Context())
	if err != nil || len(sum.Streams[0].Errors) != 3 {
		t.Fatalf("%v: %+v", err, sum.Streams)
	}
	if !slices.IsSortedFunc(sum.Streams[0].Errors, func(a, b pipeline.WindowError) int { return int(a.WindowStart - b.WindowStart) }) {
		t.Errorf("%+v", sum.Streams[0].Errors)
	}
}

func TestAStreamThatLacksASettingIsNotServed(t *testing.T) {
	s := newScripted(func(context.Context, pipeline.Request, func(string) error) error {
		t.Error("it is asked for")
		return errRefused
	})
	e, _ := newEngine(t, s)
	e.Sources = []pipeline.Source{shaped{s, func(s *pipeline.Stream) { s.Missing = []string{"WINDROW_DIALPAD_TARGETS"} }}}
	if sum, err := e.Sync(t.Context()); err != nil || len(sum.Streams) != 0 || sum.Exit != pipeline.ExitDone {
		t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
	e.Streams = []pipeline.StreamID{s.key.Stream}
	if _, err := e.Sync(t.Context()); pipeline.KindOf(err) != pipeline.Invalid {
		t.Errorf("asked for by name: %v", err)
	}
}
