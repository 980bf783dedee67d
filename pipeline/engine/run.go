package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/conc"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// run is one sync under way.
type run struct {
	*Engine
	id            pipeline.SyncID
	command       pipeline.Command
	reader        *reader
	prefetchSlots chan struct{} // holds one for each body that was opened before its turn
	held          atomic.Int64  // bytes of rows that wait in memory for their row group
	committer     *committer

	mu           sync.Mutex
	streams      map[pipeline.StreamKey]*pipeline.StreamSummary
	unauthorized map[pipeline.StreamKey]error
	ended        error // what ended the run before its windows: a wrong clock, a sink that takes no entry; nil while it goes on
	cancel       context.CancelFunc
	days         map[pipeline.StreamKey]*unnotedDays
	masks        map[pipeline.StreamKey]pipeline.Mask
	committed    map[pipeline.StreamKey][]plan.Reading
	news         map[pipeline.StreamKey]*streamNews
	rejectBytes  int  // that failed windows have in the summary
	replays      bool // it reads what was kept: what fails is no more open than before, and nothing is noted of it
	tenants      Tenants
	owners       map[pipeline.TenantKey]pipeline.Owner // as far as what was read tells
}

// Sync plans, reads and commits. Its error is what kept the run from its
// windows, or from all windows of a stream; what befell single windows stands in the Summary.
func (e *Engine) Sync(ctx context.Context) (pipeline.Summary, error) {
	r := e.newRun()
	started := calendar.InstantOf(e.Now())
	plans, tenants, damaged, err := e.plans(ctx, true)
	if err != nil {
		return pipeline.Summary{SyncID: r.id}, err
	}
	r.tenants = tenants
	var jobs []job
	for _, p := range plans {
		r.streams[p.Stream.Key] = &pipeline.StreamSummary{Stream: p.Stream.Key.Stream, Account: p.Stream.Key.Account, Errors: []pipeline.WindowError{}}
		r.masks[p.Stream.Key] = p.Stream.Mask
		r.days[p.Stream.Key] = &unnotedDays{entries: p.days(r.id, started)}
		r.warn(p.StreamPlan)
		r.observe(Event{Kind: EventPlanned, Stream: p.Stream.Key, Total: len(p.Windows)})
		jobs = append(jobs, p.jobs()...)
	}
	if err := r.begin(ctx, pipeline.CommandSync, started); err != nil {
		return pipeline.Summary{SyncID: r.id}, err
	}
	if len(jobs) == 0 {
		r.compareClock(ctx, plans)
	}
	r.work(ctx, jobs)
	return r.finish(ctx, plans, damaged, started)
}

func (e *Engine) newRun() *run {
	r := &run{
		Engine: e, id: e.runID(), reader: newReader(e.Concurrency),
		prefetchSlots: make(chan struct{}, max(e.Concurrency, 1)),
		committer:     newCommitter(e.Store, e.Group),
		streams:       make(map[pipeline.StreamKey]*pipeline.StreamSummary),
		unauthorized:  make(map[pipeline.StreamKey]error),
		days:          make(map[pipeline.StreamKey]*unnotedDays),
		masks:         make(map[pipeline.StreamKey]pipeline.Mask),
		committed:     make(map[pipeline.StreamKey][]plan.Reading),
		owners:        make(map[pipeline.TenantKey]pipeline.Owner),
		news:          make(map[pipeline.StreamKey]*streamNews),
	}
	r.committer.failed = r.noteFailed
	r.reader.maxBody = e.MaxBody
	return r
}

func (e *Engine) runID() pipeline.SyncID {
	if e.ID != "" {
		return e.ID
	}
	return pipeline.NewSyncID(e.Now())
}

// days are the entries for the days that the ledger lacks: the origin, the first day.
func (p plannedStream) days(id pipeline.SyncID, started calendar.Instant) (list []pipeline.Entry) {
	add := func(kind pipeline.EntryKind, day calendar.Instant) {
		list = append(list, pipeline.Entry{Kind: kind, Window: calendar.Window{Span: calendar.Span{Start: day, End: day}, Zone: p.Stream.Calendar.Zone.String()}, SyncID: id, CommittedAt: started})
	}
	if p.Origin != calendar.NoInstant {
		add(pipeline.EntryOrigin, p.Origin)
	}
	if p.Moved {
		add(pipeline.EntryFirst, p.First)
	}
	return list
}

// jobs are the extractions of a planned stream.
func (p plannedStream) jobs() []job {
	planned := make(map[calendar.Window]pipeline.PlannedWindow, len(p.Windows))
	for _, w := range p.Windows {
		planned[w.Window] = w
	}
	byTime := slices.SortedStableFunc(slices.Values(p.extractions), func(a, b pipeline.Extraction) int {
		return cmp.Compare(a.Windows[0].Start, b.Windows[0].Start)
	})
	jobs := make([]job, 0, len(p.extractions))
	for turn, x := range byTime {
		jobs = append(jobs, job{source: p.source, stream: p.Stream, extraction: x, planned: planned, order: p.Order, first: p.First, names: p.names, fields: p.fields, turn: turn})
	}
	return jobs
}

// mostMoving is how many extractions of a stream are on their way at once: a backfill of ten years holds what two months do.
// So many wait for their vendor together. Where the sink holds groups open, those that wait for one count no more.
const mostMoving = 64

// work moves all jobs. They wait for their vendors together; what they may do
// at once is bounded where it costs: extractions by their number, requests by the connector's rate, bodies
// by the reader's slots.
//
// A sink that takes nothing more ends the work: vendors would be asked in vain.
func (r *run) work(ctx context.Context, jobs []job) {
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	defer r.committer.start(ctx, len(jobs))()
	moving.Add(1)
	defer moving.Add(-1)
	all := conc.NewWaitGroup()
	first, waiting := lineUp(jobs)
	var begin func(*job)
	begin = func(next *job) {
		j := *next
		*next = job{}                // its requests go when it ends
		begun := make(chan struct{}) // in their order: what the oldest window has is known of those behind it
		all.Go(func() {
			close(begun)
			defer r.committer.jobDone()
			pass := sync.OnceFunc(func() {
				if next := waiting.next(j.stream.Key); next != nil {
					begin(next)
				}
			})
			defer pass()
			defer j.fields.end(j.turn)
			if ctx.Err() != nil {
				return
			}
			if err := r.refused(j.stream.Key); err != nil {
				r.bookFailure(ctx, j, j.windows(), err, nil)
				return
			}
			r.move(ctx, j, pass)
		})
		<-begun
	}
	for _, j := range first {
		begin(j)
	}
	all.Wait()
}

// line is the jobs that wait for their turn to move, of each stream in their order.
type line struct {
	mu     sync.Mutex
	queues map[pipeline.StreamKey][]*job
}

// lineUp parts the jobs that begin at once from those that wait.
func lineUp(jobs []job) (first []*job, l *line) {
	l = &line{queues: make(map[pipeline.StreamKey][]*job)}
	moving := make(map[pipeline.StreamKey]int)
	for i := range jobs {
		j, k := &jobs[i], jobs[i].stream.Key
		if moving[k] == mostMoving {
			l.queues[k] = append(l.queues[k], j)
			continue
		}
		moving[k]++
		first = append(first, j)
	}
	return first, l
}

// next is the job of the stream that is to begin where another needs its place no more; nil: none is left.
func (l *line) next(k pipeline.StreamKey) *job {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queues[k]
	if len(queue) == 0 {
		return nil
	}
	l.queues[k] = queue[1:]
	return queue[0]
}

// refused returns the refusal of credentials that an earlier window of the stream met.
func (r *run) refused(k pipeline.StreamKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unauthorized[k]
}

func (r *run) env(j job, turn *pipeline.Turn) pipeline.Env {
	return pipeline.Env{Journal: r.Store, Sync: r.id, Order: j.order, Memory: streamMemory{r, j}, Turn: turn, Notify: func(n pipeline.Notice) {
		r.observe(Event{Kind: EventWaiting, Stream: j.stream.Key, Window: j.extraction.Windows[0], Text: n.Text, Until: n.Until})
	}}
}

// streamMemory is the [pipeline.Memory] of a job's stream.
type streamMemory struct {
	run *run
	job job
}

func (m streamMemory) First() calendar.Instant { return m.job.first }

func (m streamMemory) Ledger(ctx context.Context) (*pipeline.Ledger, error) {
	return m.run.Store.Ledger(ctx, m.job.stream.Key)
}

func (m streamMemory) Record(ctx context.Context, entries ...pipeline.Entry) error {
	if err := m.run.noteDays(ctx, m.job.stream.Key); err != nil {
		return err
	}
	for i := range entries {
		entries[i].SyncID, entries[i].Note = m.run.id, m.job.mask(entries[i].Note)
	}
	return m.run.Store.Record(ctx, m.job.stream.Key, entries...)
}

func (e *Engine) observe(ev Event) {
	if e.Observe != nil {
		e.Observe(ev)
	}
}

// warn tells what the run does not do although somebody may expect it.
func (r *run) warn(p pipeline.StreamPlan) {
	if len(p.Changed) > 0 {
		r.observe(Event{Kind: EventChanged, Stream: p.Stream.Key, Changed: p.Changed})
	}
	if len(p.Dated) > 0 {
		r.observe(Event{Kind: EventDated, Stream: p.Stream.Key, Dated: p.Dated})
	}
	if n := len(p.Expired); n > 0 {
		r.observe(Event{Kind: EventExpired, Stream: p.Stream.Key, Total: n})
	}
	for _, h := range p.Holes {
		r.observe(Event{Kind: EventHole, Stream: p.Stream.Key, Hole: h})
	}
}

// warnOfUnusual tells what of the committed windows nobody would expect.
func (r *run) warnOfUnusual(p plannedStream, s *pipeline.StreamSummary) {
	if p.history == nil {
		return
	}
	committed := r.committed[p.Stream.Key]
	drifts, uncatalogued := r.tellNews(p.Stream.Key)
	s.Uncatalogued = uncatalogued
	s.Warnings = slices.Concat(drifts, p.history.Unusual(committed), p.names.Unheard(committed))
	for _, w := range s.Warnings {
		r.observe(Event{Kind: EventUnusual, Stream: p.Stream.Key, Warning: w})
	}
}

// tellHistory tells the history what comes with no entry of the ledger: what the streams were warned of, and the windows that
// a replay has failed to make again, which are no more open than before. What a commit has told is not told again. A drift is
// told of each window, since each was taken in without what it lacks, and once: of a reading that changed the rows.
func (r *run) tellHistory(ctx context.Context, sum *pipeline.Summary, failures bool) error {
	keeper, ok := r.Store.(pipeline.HistoryReader)
	if !ok {
		return nil
	}
	var rows []pipeline.HistoryRow
	for _, s := range sum.Streams {
		of := pipeline.HistoryRow{SyncID: r.id, Key: pipeline.StreamKey{Account: s.Account, Stream: s.Stream}, ReadAt: calendar.InstantOf(r.Now())}
		warnings := slices.DeleteFunc(slices.Clone(s.Warnings), func(w pipeline.Warning) bool { return w.Kind == pipeline.WarnShrunk || w.Kind == pipeline.WarnDrift })
		if news := r.news[of.Key]; news != nil {
			warnings = append(warnings, news.lacking...)
		}
		for _, w := range warnings {
			of.Kind, of.Window, of.Warning, of.Hint = pipeline.HistoryWarned, calendar.Span{Start: w.WindowStart, End: w.WindowEnd}, w.Kind, w.Message
			rows = append(rows, of)
		}
		if !failures {
			continue
		}
		of.Kind, of.Warning = pipeline.HistoryFailed, ""
		of.Hint = "a replay could not make the window again: it stays as it is; reading it again from its vendor renews it"
		for _, w := range s.Errors {
			of.Window, of.ErrorKind = calendar.Span{Start: w.WindowStart, End: w.WindowEnd}, w.ErrorKind
			rows = append(rows, of)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return keeper.Warn(ctx, rows...)
}

// book enters the result of a commit in the summary.
func (r *run) book(ctx context.Context, j job, w calendar.Window, result pipeline.Result, rejects windowRejects) {
	if result.Outcome == pipeline.Failed {
		r.bookFailed(ctx, j.stream.Key, []calendar.Window{w}, windowFailure{err: result.Err, rejects: rejects}) // the committer has noted it
		return
	}
	r.mu.Lock()
	s := r.streams[j.stream.Key]
	kind := EventCommitted
	switch result.Outcome {
	case pipeline.Committed:
		s.Committed++
	case pipeline.Unchanged:
		s.Unchanged++
		s.Kept += result.Entry.Counts.Rows
		kind = EventUnchanged
	default:
		s.Yielded++ // another run has committed a newer reading
		kind = EventYielded
	}
	if result.Outcome != pipeline.Yielded {
		s.Add(&result.Entry)
		r.committed[j.stream.Key] = append(r.committed[j.stream.Key], plan.ReadingOf(&result.Entry))
	}
	r.mu.Unlock()
	r.observe(Event{Kind: kind, Stream: j.stream.Key, Window: w, Counts: result.Entry.Counts})
	if why := j.planned[w].Reason; kind == EventCommitted && (why == pipeline.ReasonLookback || why == pipeline.ReasonRefetch) {
		r.observe(Event{Kind: EventRestated, Stream: j.stream.Key, Window: w})
	}
}

// finish forgives windows that another run committed meanwhile, decides the
// exit code and records the run.
func (r *run) finish(ctx context.Context, plans []plannedStream, damaged error, started calendar.Instant) (pipeline.Summary, error) {
	sum := pipeline.Summary{SyncID: r.id, Command: r.command, StartedAt: started, Streams: make([]pipeline.StreamSummary, 0, len(plans))}
	graceful, cancel := withGrace(ctx)
	defer cancel()
	errs := []error{damaged}
	for _, p := range plans {
		s := r.streams[p.Stream.Key]
		if s.Failed > 0 && !r.replays {
			errs = append(errs, r.forgive(graceful, p.Stream.Key, s, p.Order))
		}
		r.warnOfUnusual(p, s)
		slices.SortFunc(s.Errors, func(a, b pipeline.WindowError) int { return int(min(max(a.WindowStart-b.WindowStart, -1), 1)) })
		sum.Streams = append(sum.Streams, *s)
		if r.ended == nil {
			r.noteDays(graceful, p.Stream.Key) //nolint:errcheck // what went wrong ends the run
		}
	}
	if r.ended == nil {
		errs = append(errs, r.tellHistory(graceful, &sum, r.replays && ctx.Err() == nil))
	}
	if r.ended == nil && ctx.Err() == nil && !r.replays {
		errs = append(errs, r.sweep(graceful, plans))
	}
	sum.Exit = pipeline.Ending{
		Unauthorized: len(r.unauthorized) > 0, Stopped: ctx.Err() != nil, Damaged: damaged != nil || slices.ContainsFunc(sum.Streams, foundDamaged),
		Failed: slices.ContainsFunc(sum.Streams, func(s pipeline.StreamSummary) bool { return s.Failed > 0 }),
	}.Exit()
	sum.FinishedAt = calendar.InstantOf(r.Now())
	if r.ended != nil {
		sum.Exit = pipeline.ExitOf(pipeline.KindOf(r.ended))
		errs = append(errs, r.ended)
	}
	if err := r.record(graceful, &sum); r.ended == nil { // what has ended the run is told, and may keep its record too
		errs = append(errs, err)
	}
	return sum, errors.Join(errs...)
}

// foundDamaged reports whether a window failed since what the sink keeps of the stream cannot be read: that came to light
// after the plan was made.
func foundDamaged(s pipeline.StreamSummary) bool {
	return slices.ContainsFunc(s.Errors, func(e pipeline.WindowError) bool { return e.ErrorKind == pipeline.Damaged.String() })
}

// begin records that a run has begun.
func (r *run) begin(ctx context.Context, command pipeline.Command, started calendar.Instant) error {
	r.command = command
	return r.Store.AppendRun(ctx, pipeline.Begun(r.id, command, started))
}

// record appends a run's summary to the sink's record of runs. The receipt in
// the record lacks what recording uses; the one that is returned does not.
func (e *Engine) record(ctx context.Context, sum *pipeline.Summary) error {
	sum.Receipt = e.receipt()
	err := e.Store.AppendRun(ctx, *sum)
	sum.Receipt = e.receipt()
	return err
}

// receipt is nil where the sink does not bill.
func (e *Engine) receipt() *pipeline.Receipt {
	m, ok := e.Store.(pipeline.Meter)
	if !ok {
		return nil
	}
	r := m.Receipt()
	return &r
}

// forgive takes back the failure of windows that a simultaneous run has
// committed since this one was planned: the tables hold what they should. The ledger's order says so; no clock does.
func (r *run) forgive(ctx context.Context, k pipeline.StreamKey, s *pipeline.StreamSummary, order uint64) error {
	l, err := r.Store.Ledger(ctx, k)
	if err != nil {
		return err
	}
	s.Errors = slices.DeleteFunc(s.Errors, func(e pipeline.WindowError) bool {
		live, ok := l.Live(calendar.Span{Start: e.WindowStart, End: e.WindowEnd})
		done := ok && live.Order >= order && live.SyncID != r.id
		if done {
			s.Failed--
			s.Yielded++
		}
		return done
	})
	return nil
}
