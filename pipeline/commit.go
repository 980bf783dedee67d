package pipeline

import (
	"context"
	"sync"
	"time"
)

// stopGrace is how long a commit that has begun may go on after a signal.
const stopGrace = 5 * time.Second

// committer makes the sealed windows of one table durable, one group at a
// time. What arrives while a group is being committed forms the next one, so
// a slow sink gets large groups and a fast one keeps windows moving.
type committer struct {
	sink Sink

	mu     sync.Mutex
	queue  []*delivery
	active bool
}

// delivery is what one extraction hands in: its windows travel together.
type delivery struct {
	sealed  []Sealed
	results chan []Result
}

// commit hands in sealed windows and waits for their results. It ends every stage.
func (c *committer) commit(ctx context.Context, sealed []Sealed) []Result {
	d := &delivery{sealed: sealed, results: make(chan []Result, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, d)
	lead := !c.active
	c.active = true
	c.mu.Unlock()
	if lead {
		// Whoever finds no commit under way leads until the queue is empty; every
		// goroutine here is owned by the extraction that waits for it.
		c.drain(ctx)
	}
	return <-d.results
}

func (c *committer) drain(ctx context.Context) {
	for {
		c.mu.Lock()
		var group []*delivery
		n := 0
		for len(c.queue) > 0 && (n == 0 || n+len(c.queue[0].sealed) <= groupWindows) {
			group = append(group, c.queue[0])
			n += len(c.queue[0].sealed)
			c.queue = c.queue[1:]
		}
		if len(group) == 0 {
			c.active = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.commitGroup(ctx, group, n)
	}
}

func (c *committer) commitGroup(ctx context.Context, group []*delivery, n int) {
	all := make([]Sealed, 0, n)
	for _, d := range group {
		all = append(all, d.sealed...)
	}
	results := c.commitUnlessStopped(ctx, all)
	for _, d := range group {
		d.results <- results[:len(d.sealed):len(d.sealed)]
		results = results[len(d.sealed):]
	}
}

func (c *committer) commitUnlessStopped(ctx context.Context, all []Sealed) []Result {
	if err := ctx.Err(); err != nil {
		results := make([]Result, len(all))
		for i, s := range all {
			_ = s.Stage.Abort() // nothing of it is visible; a stray is cleaned up by the next run
			results[i] = Result{Outcome: Failed, Err: err}
		}
		return results
	}
	ctx, cancel := withGrace(ctx)
	defer cancel()
	return c.sink.Commit(ctx, all)
}

// withGrace returns a context that outlives the end of ctx by stopGrace, so
// that a signal lets a commit that has begun come to its end.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	return out, func() { stop(); cancel() }
}
