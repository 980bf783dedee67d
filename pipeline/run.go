package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/conc/pool"
)

// Exit codes of a run, as the command line returns them.
const (
	ExitDone         = 0
	ExitInternal     = 1
	ExitInvalid      = 2
	ExitFailed       = 3
	ExitUnauthorized = 4
	ExitStopped      = 130
)

// run is one sync under way.
type run struct {
	*Engine
	id        SyncID
	reader    *reader
	ahead     chan struct{} // holds one for each body that was opened before its turn
	held      atomic.Int64  // bytes of rows that wait in memory for their row group
	committer *committer

	mu           sync.Mutex
	streams      map[StreamKey]*StreamSummary
	unauthorized map[StreamKey]error
}

// Sync plans, reads and commits. Its error is what kept the run from its
// windows; what befell single windows stands in the Summary.
func (e *Engine) Sync(ctx context.Context) (Summary, error) {
	r := e.newRun()
	started := InstantOf(e.Now())
	plans, err := e.plans(ctx)
	if err != nil {
		return Summary{SyncID: r.id}, err
	}
	var jobs []job
	for _, p := range plans {
		r.streams[p.Stream.Key] = &StreamSummary{Stream: p.Stream.Key.Stream, Account: p.Stream.Key.Account, Errors: []WindowError{}}
		if days := p.days(r.id, started); len(days) > 0 {
			if err := e.Store.Record(ctx, p.Stream.Key, days...); err != nil {
				return Summary{SyncID: r.id}, err
			}
		}
		r.warn(p.StreamPlan)
		r.observe(Event{Kind: EventPlanned, Stream: p.Stream.Key, Total: len(p.Windows)})
		jobs = append(jobs, p.jobs()...)
	}
	r.work(ctx, jobs)
	return r.finish(ctx, plans, started)
}

func (e *Engine) newRun() *run {
	r := &run{
		Engine: e, id: newSyncID(e), reader: newReader(e.Concurrency),
		ahead:        make(chan struct{}, max(e.Concurrency, 1)),
		committer:    newCommitter(e.Store, e.Group),
		streams:      make(map[StreamKey]*StreamSummary),
		unauthorized: make(map[StreamKey]error),
	}
	r.committer.failed = r.noteFailed
	return r
}

// newSyncID sorts by the real time and is unique among runs.
func newSyncID(e *Engine) SyncID {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return SyncID(fmt.Sprintf("%s-%x", e.Now().UTC().Format("20060102T150405Z"), b))
}

// days are the entries for the days that the ledger lacks: the origin, the first day.
func (p plannedStream) days(id SyncID, started Instant) (list []Entry) {
	add := func(kind EntryKind, day Instant) {
		list = append(list, Entry{Kind: kind, Window: Window{Span{day, day}, p.Stream.Calendar.Zone.String()}, SyncID: id, CommittedAt: started})
	}
	if p.Origin != NoInstant {
		add(EntryOrigin, p.Origin)
	}
	if p.Moved {
		add(EntryFirst, p.First)
	}
	return list
}

// jobs are the extractions of a planned stream.
func (p plannedStream) jobs() []job {
	planned := make(map[Window]PlannedWindow, len(p.Windows))
	for _, w := range p.Windows {
		planned[w.Window] = w
	}
	jobs := make([]job, 0, len(p.extractions))
	for _, x := range p.extractions {
		jobs = append(jobs, job{source: p.source, stream: p.Stream, extraction: x, planned: planned})
	}
	return jobs
}

// work moves all jobs. They wait for their vendors together; what they may do
// at once is bounded where it costs: requests by the connector's rate, bodies
// by the reader's slots.
func (r *run) work(ctx context.Context, jobs []job) {
	defer r.committer.start(ctx, len(jobs))()
	all := pool.New()
	for _, j := range jobs {
		all.Go(func() {
			defer r.committer.leave()
			if ctx.Err() != nil {
				return
			}
			if err := r.refused(j.stream.Key); err != nil {
				r.bookFailure(ctx, j, err)
				return
			}
			r.move(ctx, j)
		})
	}
	all.Wait()
}

// refused returns the refusal of credentials that an earlier window of the stream met.
func (r *run) refused(k StreamKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unauthorized[k]
}

func (r *run) env(j job) Env {
	return Env{Journal: r.Store, Notify: func(n Notice) {
		r.observe(Event{Kind: EventWaiting, Stream: j.stream.Key, Window: j.extraction.Windows[0], Text: n.Text, Until: n.Until})
	}}
}

func (e *Engine) observe(ev Event) {
	if e.Observe != nil {
		e.Observe(ev)
	}
}

func (r *run) warn(p StreamPlan) {
	say := func(text string) {
		r.observe(Event{Kind: EventWarning, Stream: p.Stream.Key, Text: text})
	}
	if n := len(p.Changed); n > 0 {
		say(fmt.Sprintf("%d settled windows were read under other settings; to read them again: %s", n, p.RefetchCommand()))
	}
	for _, h := range p.Holes {
		say(fmt.Sprintf("%s is covered by no window and cannot be asked for; to let the watermark pass: %s", h, p.WaiveCommand(h)))
	}
}

// book enters the result of a commit in the summary.
func (r *run) book(ctx context.Context, j job, w Window, result Result) {
	if result.Outcome == Failed {
		r.bookFailed(ctx, j.stream.Key, []Window{w}, result.Err, false) // the committer has noted it
		return
	}
	r.mu.Lock()
	s := r.streams[j.stream.Key]
	kind := EventCommitted
	switch result.Outcome {
	case Committed:
		s.Committed++
	case Unchanged:
		s.Unchanged++
		kind = EventUnchanged
	default:
		s.Unchanged++ // another run has committed a newer reading
		kind = EventYielded
	}
	if result.Outcome != Yielded {
		s.add(result.Entry.Counts)
	}
	r.mu.Unlock()
	r.observe(Event{Kind: kind, Stream: j.stream.Key, Window: w, Counts: result.Entry.Counts})
}

func (s *StreamSummary) add(c Counts) {
	s.Read += c.Read
	s.Rows += c.Rows
	s.Rejected += c.Rejected
	s.Outside += c.Outside
	s.Duplicate += c.Duplicate
}

// finish forgives windows that another run committed meanwhile, decides the
// exit code and records the run.
func (r *run) finish(ctx context.Context, plans []plannedStream, started Instant) (Summary, error) {
	sum := Summary{SyncID: r.id, StartedAt: started, Streams: make([]StreamSummary, 0, len(plans))}
	graceful, cancel := withGrace(ctx)
	defer cancel()
	var errs []error
	for _, p := range plans {
		s := r.streams[p.Stream.Key]
		if s.Failed > 0 {
			errs = append(errs, r.forgive(graceful, p.Stream.Key, s, started))
		}
		slices.SortFunc(s.Errors, func(a, b WindowError) int { return int(min(max(a.WindowStart-b.WindowStart, -1), 1)) })
		sum.Streams = append(sum.Streams, *s)
	}
	switch {
	case len(r.unauthorized) > 0:
		sum.Exit = ExitUnauthorized
	case ctx.Err() != nil:
		sum.Exit = ExitStopped
	case slices.ContainsFunc(sum.Streams, func(s StreamSummary) bool { return s.Failed > 0 }):
		sum.Exit = ExitFailed
	}
	sum.FinishedAt = InstantOf(r.Now())
	errs = append(errs, r.record(graceful, &sum))
	return sum, errors.Join(errs...)
}

// record appends a run's summary to the sink's record of runs. The receipt in
// the record lacks what recording uses; the one that is returned does not.
func (e *Engine) record(ctx context.Context, sum *Summary) error {
	sum.Receipt = e.receipt()
	err := e.Store.AppendRun(ctx, *sum)
	sum.Receipt = e.receipt()
	return err
}

// receipt is nil where the sink does not bill.
func (e *Engine) receipt() *Receipt {
	m, ok := e.Store.(Meter)
	if !ok {
		return nil
	}
	r := m.Receipt()
	return &r
}

// forgive takes back the failure of windows that a simultaneous run has
// committed since this one began: the tables hold what they should.
func (r *run) forgive(ctx context.Context, k StreamKey, s *StreamSummary, started Instant) error {
	l, err := r.Store.Ledger(ctx, k)
	if err != nil {
		return err
	}
	s.Errors = slices.DeleteFunc(s.Errors, func(e WindowError) bool {
		live, ok := l.Live(Span{e.WindowStart, e.WindowEnd})
		done := ok && live.CommittedAt >= started && live.SyncID != r.id
		if done {
			s.Failed--
			s.Unchanged++
		}
		return done
	})
	return nil
}
