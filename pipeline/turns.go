package pipeline

import "context"

// turns lets the requests of one extraction be read in their configured
// order, where rows of an earlier one decide about rows of a later one.
type turns struct {
	ended []chan struct{} // by request; nil when order does not matter
}

func newTurns(n int, ordered bool) *turns {
	t := &turns{}
	if ordered {
		t.ended = make([]chan struct{}, n)
		for i := range t.ended {
			t.ended[i] = make(chan struct{})
		}
	}
	return t
}

// wait returns when every request before i is done.
func (t *turns) wait(ctx context.Context, i int) error {
	if t.ended == nil || i == 0 {
		return nil
	}
	select {
	case <-t.ended[i-1]:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done ends the turn of i, which has waited for its own.
func (t *turns) done(i int) {
	if t.ended != nil {
		close(t.ended[i])
	}
}
