package httpclient

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// queue lets requests out at a rate. Whenever a request may go, the queue takes the
// one whose work began first, not the one that came first. So the oldest work is
// finished first, and does not wait behind a younger request that may be in vain.
type queue struct {
	limiter *rate.Limiter

	mu      sync.Mutex
	waiting []*waiter         // by age
	slot    *rate.Reservation // the next one's; nil when nobody waits
	timer   *time.Timer       // of slot
}

type waiter struct {
	since time.Time
	out   chan struct{}
}

func newQueue(perSecond float64) *queue {
	return &queue{limiter: rate.NewLimiter(rate.Limit(perSecond), 1)}
}

// wait returns when a request that is as old as since may be sent. Requests of
// one age keep the order in which they came.
func (q *queue) wait(ctx context.Context, since time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiter{since: since, out: make(chan struct{})}
	q.mu.Lock()
	at, _ := slices.BinarySearchFunc(q.waiting, since, func(w *waiter, since time.Time) int {
		if w.since.After(since) {
			return 1
		}
		return -1
	})
	q.waiting = slices.Insert(q.waiting, at, w)
	q.reserve()
	q.mu.Unlock()
	select {
	case <-w.out:
		return nil
	case <-ctx.Done():
		q.leave(w)
		return ctx.Err()
	}
}

// reserve takes the next slot for whoever will then be the oldest. Only one is
// reserved at a time. mu is held.
func (q *queue) reserve() {
	if q.slot == nil && len(q.waiting) > 0 {
		q.slot = q.limiter.Reserve()
		q.timer = time.AfterFunc(q.slot.Delay(), q.next)
	}
}

// next lets the oldest out.
func (q *queue) next() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		close(q.waiting[0].out)
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
	q.slot = nil
	q.reserve()
}

// leave gives up waiting, and the last one also gives the slot back.
func (q *queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(other *waiter) bool { return other == w })
	if q.slot != nil && len(q.waiting) == 0 && q.timer.Stop() {
		q.slot.Cancel()
		q.slot = nil
	}
}
