package engine

import (
	"context"
	"sync"
)

// prefetchTurns is how many turns before its own a body is opened at the earliest.
// Where two turns outlast the round trip to the vendor, that is not waited for;
// a body opened earlier waits for longer, and after prefetchedFor is opened anew.
const prefetchTurns = 2

// sequencer lets the requests of one extraction be read in their configured
// order, where rows of an earlier one decide about rows of a later one.
type sequencer struct {
	ended []chan struct{} // by request; nil when order does not matter
	near  []chan struct{} // by request: closed when its turn is not far
	ahead int             // turns from now that are not far

	mu       sync.Mutex
	answered []bool // by request
	over     int    // how many are done
	called   int    // how many of near are closed
}

// newSequencer is for n requests. most bounds the bodies that a run opens ahead.
func newSequencer(n int, ordered bool, most int) *sequencer {
	t := &sequencer{ahead: min(most, prefetchTurns)}
	if ordered {
		t.ended, t.near, t.answered = channels(n), channels(n), make([]bool, n)
	}
	return t
}

func channels(n int) []chan struct{} {
	all := make([]chan struct{}, n)
	for i := range all {
		all[i] = make(chan struct{})
	}
	return all
}

// waitNear tells that request i has an answer, and returns when its turn is
// near: few turns away, and not behind a request without an answer, which may
// still take long.
func (t *sequencer) waitNear(ctx context.Context, i int) error {
	t.mu.Lock()
	t.answered[i] = true
	t.call()
	t.mu.Unlock()
	return waitFor(ctx, t.near[i])
}

// call closes near for those whose turn is not far any more. mu is held.
func (t *sequencer) call() {
	for t.called < len(t.near) && t.called <= t.over+t.ahead && (t.called == 0 || t.answered[t.called-1]) {
		close(t.near[t.called])
		t.called++
	}
}

// wait returns when every request before i is done.
func (t *sequencer) wait(ctx context.Context, i int) error {
	if t.ended == nil || i == 0 {
		return nil
	}
	return waitFor(ctx, t.ended[i-1])
}

func waitFor(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done ends the turn of i, which has waited for its own.
func (t *sequencer) done(i int) {
	if t.ended == nil {
		return
	}
	close(t.ended[i])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = max(t.over, i+1) // the next one's end may have come first
	t.call()
}
