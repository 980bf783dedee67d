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
	s := &sequencer{ahead: min(most, prefetchTurns)}
	if ordered {
		s.ended, s.near, s.answered = channels(n), channels(n), make([]bool, n)
	}
	return s
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
func (s *sequencer) waitNear(ctx context.Context, i int) error {
	s.mu.Lock()
	s.answered[i] = true
	s.call()
	s.mu.Unlock()
	return waitFor(ctx, s.near[i])
}

// call closes near for those whose turn is not far any more. mu is held.
func (s *sequencer) call() {
	for s.called < len(s.near) && s.called <= s.over+s.ahead && (s.called == 0 || s.answered[s.called-1]) {
		close(s.near[s.called])
		s.called++
	}
}

// wait returns when every request before i is done.
func (s *sequencer) wait(ctx context.Context, i int) error {
	if s.ended == nil || i == 0 {
		return nil
	}
	return waitFor(ctx, s.ended[i-1])
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
func (s *sequencer) done(i int) {
	if s.ended == nil {
		return
	}
	close(s.ended[i])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = max(s.over, i+1) // the next one's end may have come first
	s.call()
}
