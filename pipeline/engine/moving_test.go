package engine_test

import (
	"context"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/memory"
)

const (
	manyWindows = 200 // of the stream with a long past
	mostAtOnce  = 64
)

// longPast has the stream begin many days ago.
func longPast(s *pipeline.Stream) { s.From = noon.AddDate(0, 0, -manyWindows).Format("2006-01-02") }

// gatekeeper lets no answer by before it has opened, and knows how many have waited at once.
type gatekeeper struct {
	mu           sync.Mutex
	inside, most int
	full         chan struct{} // closed once mostAtOnce are inside
	open         chan struct{}
}

func (g *gatekeeper) answer(ctx context.Context, r pipeline.Request, yield func(string) error) error {
	g.mu.Lock()
	g.inside++
	if g.most = max(g.most, g.inside); g.inside == mostAtOnce && g.full != nil {
		close(g.full)
		g.full = nil
	}
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.inside--
		g.mu.Unlock()
	}()
	select {
	case <-g.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	return daily(ctx, r, yield)
}

// A stream with a long past holds no more extractions than one of two months, and keeps no other waiting.
func TestOfEachStreamABoundedNumberOfExtractionsMoves(t *testing.T) {
	gate := &gatekeeper{full: make(chan struct{}), open: make(chan struct{})}
	full := gate.full
	events, sources := bothTables()
	events.answer = gate.answer
	sources[0] = shaped{events, longPast}
	store := memory.New(memory.Options{})
	defer store.Close()
	e := engineOn(store, nil)
	e.Sources = sources
	other := make(chan struct{}, manyWindows)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventCommitted && ev.Stream != events.key {
			other <- struct{}{}
		}
	}
	go func() {
		<-full
		for range 3 { // the other stream's windows, behind a stream of which nothing moves
			<-other
		}
		close(gate.open)
	}()
	sum := runPromptly(t, t.Context(), e)
	if sum.Exit != pipeline.ExitDone || sum.Streams[0].Committed+sum.Streams[1].Committed != manyWindows+3 {
		t.Errorf("%+v", sum)
	}
	if gate.most != mostAtOnce {
		t.Errorf("%d extractions were on their way at once", gate.most)
	}
}

// What waits for a group of the sink gives its place to the next: groups are as large as the sink wishes.
func TestWhatWaitsForAGroupMovesNoMore(t *testing.T) {
	events := newScripted(daily)
	events.apart = true
	e, store := newBilling(t, pipeline.Grouping{}, shaped{events, longPast})
	sum := runPromptly(t, t.Context(), e)
	if sum.Exit != pipeline.ExitDone || len(store.commits) != 1 || len(store.commits[0]) != manyWindows {
		t.Errorf("%d commits; %+v", len(store.commits), sum)
	}
}
