package engine

import (
	"context"
	"io"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// prefetchedFor is how long a body may stay open before it is read: a server does
// not wait for ever for its reader.
const prefetchedFor = 10 * time.Second

// prefetch opens the body of request i shortly before its turn, so that the
// way to the vendor is not waited for in every turn. No row is read yet. Where
// order does not matter, or enough are open, it leaves the body as it was.
// drop is called when the body was read or is not wanted any more.
func (r *run) prefetch(ctx context.Context, s *sequencer, i int, b pipeline.Body) (_ pipeline.Body, drop func(), err error) {
	drop = func() {}
	if s.ended == nil {
		return b, drop, nil
	}
	if err := s.waitNear(ctx, i); err != nil || i == 0 {
		return b, drop, err
	}
	select {
	case <-ctx.Done():
		return b, drop, ctx.Err()
	case <-s.ended[i-1]: // it is its turn
		return b, drop, nil
	case r.prefetchSlots <- struct{}{}:
	}
	ctx, cancel := context.WithCancel(ctx)
	body, err := b.Open(ctx)
	if err != nil {
		cancel()
		<-r.prefetchSlots
		return b, drop, &brokenBody{err}
	}
	o := &prefetched{body: body, at: r.Now(), now: r.Now, again: b.Open, cancel: cancel}
	b.Open = o.open
	return b, func() { o.close(); cancel(); <-r.prefetchSlots }, nil
}

// prefetched is a body that was opened before its turn. It belongs to one goroutine.
type prefetched struct {
	body  io.ReadCloser // nil once it was taken
	at    time.Time
	now   func() time.Time
	again func(context.Context) (io.ReadCloser, error)
	// cancel ends the context that the body was opened with.
	cancel context.CancelFunc
}

// open hands the body over, or asks again when it has waited for too long.
func (o *prefetched) open(ctx context.Context) (io.ReadCloser, error) {
	if body := o.body; body != nil && o.now().Sub(o.at) <= prefetchedFor {
		o.body = nil
		context.AfterFunc(ctx, o.cancel)
		return body, nil
	}
	o.close()
	return o.again(ctx)
}

// close drops a body that nobody took.
func (o *prefetched) close() {
	if o.body != nil {
		o.body.Close() //nolint:errcheck // nothing of it was read
		o.body = nil
	}
}
