package engine

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// stopGrace is how long a commit that has begun may go on after a signal.
const stopGrace = 5 * time.Second

// committer makes the sealed windows of a run durable, of all its streams and
// tables, one group at a time. What arrives while a group is being committed
// forms the next one, so a slow sink gets large groups and a fast one keeps
// windows moving.
//
// Where the [Grouping] holds groups open (After), windows wait in two queues:
//
//   - busy: windows that bring data. A group of them closes at a bound, at the
//     latest when After has passed since its first window came.
//   - quiet: windows read again whose rows are those that are committed. Only
//     the ledger waits for them, so they have no deadline: they go along with
//     the last group, or when their bytes reach the bound. A run that changes
//     no data so makes a single Commit call.
//
// Neither queue waits once no job is under way: nothing more can come.
type committer struct {
	sink    pipeline.Sink
	group   pipeline.Grouping
	changed chan struct{}                                               // holds an element when serve is to look again
	failed  func(context.Context, []pipeline.Sealed, []pipeline.Result) // notes what a group left open; nil: nobody does

	mu          sync.Mutex
	underway    int // jobs that have not left and do not wait here
	busy, quiet commitQueue
}

func newCommitter(sink pipeline.Sink, g pipeline.Grouping) *committer {
	return &committer{sink: sink, group: g, changed: make(chan struct{}, 1)}
}

// start begins to commit the windows of n jobs. Each job calls jobDone exactly once, also when it failed. wait
// returns when all jobs are done.
func (c *committer) start(ctx context.Context, n int) (wait func()) {
	c.underway = n
	var wg sync.WaitGroup
	wg.Go(func() { c.serve(ctx) })
	return wg.Wait
}

// jobDone ends a job.
func (c *committer) jobDone() { c.count(-1) }

func (c *committer) count(jobs int) {
	c.mu.Lock()
	c.underway += jobs
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// commit hands in the sealed windows of a job, once, and waits for their
// results, which stand in the same order. It ends every stage.
func (c *committer) commit(ctx context.Context, sealed []pipeline.Sealed, planned map[calendar.Window]pipeline.PlannedWindow) []pipeline.Result {
	now := time.Now() // the deadline is a duration: it follows no clock that a caller sets
	busy := &commitRequest{since: now, results: make(chan []pipeline.Result, 1)}
	quiet := &commitRequest{since: now, results: make(chan []pipeline.Result, 1)}
	for i, s := range sealed {
		if c.group.After > 0 && likelyUnchanged(s, planned[s.Entry.Window]) {
			quiet.add(i, s)
		} else {
			busy.add(i, s)
		}
	}
	c.mu.Lock()
	c.busy.put(busy)
	c.quiet.put(quiet)
	c.mu.Unlock()
	c.count(-1) // who waits here keeps no group open
	defer c.count(+1)
	results := make([]pipeline.Result, len(sealed))
	for _, p := range []*commitRequest{busy, quiet} {
		if len(p.sealed) == 0 {
			continue
		}
		for i, r := range c.await(ctx, p) {
			results[p.positions[i]] = r
		}
	}
	return results
}

// await returns the results of a request. A stop takes it back unless its
// commit has begun.
func (c *committer) await(ctx context.Context, p *commitRequest) []pipeline.Result {
	select {
	case results := <-p.results:
		return results
	case <-ctx.Done():
	}
	c.mu.Lock()
	begun := p.taken
	p.taken = true
	c.mu.Unlock()
	if begun {
		return <-p.results
	}
	return abortAll(p.sealed, ctx.Err())
}

// serve commits the groups as they close, until every job has left.
func (c *committer) serve(ctx context.Context) {
	for {
		group, deadline, over := c.next()
		switch {
		case len(group) > 0:
			c.commitGroup(ctx, group)
		case over:
			return
		default:
			select {
			case <-c.changed:
			case <-deadline:
			}
		}
	}
}

// next takes the next group, if one has closed. Otherwise deadline tells when
// one will, and over that none is to come.
func (c *committer) next() (group []*commitRequest, deadline <-chan time.Time, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	over = c.underway == 0
	quiet := c.group.Full(c.quiet.bytes)
	if over || quiet || c.busy.due(c.group) {
		group = c.busy.take(c.group)
	}
	waiting := len(c.busy.requests) > 0
	if quiet || over && !waiting {
		group = append(group, c.quiet.take(pipeline.Grouping{Windows: math.MaxInt})...)
	}
	if waiting {
		deadline = time.After(time.Until(c.busy.deadline(c.group)))
	}
	return group, deadline, over && !waiting
}

func (c *committer) commitGroup(ctx context.Context, group []*commitRequest) {
	var all []pipeline.Sealed
	for _, p := range group {
		all = append(all, p.sealed...)
	}
	results := c.commitUnlessStopped(ctx, all)
	if c.failed != nil {
		c.failed(ctx, all, results)
	}
	for _, p := range group {
		n := len(p.sealed)
		p.results <- results[:n:n]
		results = results[n:]
	}
}

// commitUnlessStopped answers also where the sink panics: others wait.
func (c *committer) commitUnlessStopped(ctx context.Context, all []pipeline.Sealed) (results []pipeline.Result) {
	defer func() {
		if p := recover(); p != nil {
			results = abortAll(all, &pipeline.Error{Op: "commit", Kind: pipeline.Internal, Err: fmt.Errorf("%v\n%s", p, debug.Stack())})
		}
	}()
	if err := ctx.Err(); err != nil {
		return abortAll(all, err)
	}
	ctx, cancel := withGrace(ctx)
	defer cancel()
	return c.sink.Commit(ctx, all)
}

// abortAll drops windows that are not to be committed, or no further.
func abortAll(all []pipeline.Sealed, err error) []pipeline.Result {
	results := make([]pipeline.Result, len(all))
	for i, s := range all {
		_ = s.Stage.Abort() // nothing of it is visible; what is left is removed by the next run
		results[i] = pipeline.Result{Outcome: pipeline.Failed, Err: err}
	}
	return results
}

// withGrace returns a context that outlives the end of ctx by stopGrace, so
// that a signal lets a commit that has begun come to its end.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	return out, func() { stop(); cancel() }
}
