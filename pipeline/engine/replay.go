package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Shelf finds what was kept of the answers that windows were made of.
type Shelf interface {
	// Find says how committed windows of a stream are read again, and which cannot be. failed tells of which the last
	// reading failed. It asks no vendor.
	Find(ctx context.Context, k pipeline.StreamKey, committed []pipeline.Entry, failed func(calendar.Window) bool) ([]pipeline.Rereading, []pipeline.Unkept, error)
}

// Replay reads committed windows again from what was kept of their answers, as Sync reads those that are due. The engine's
// Streams and Select narrow them, and so does wanted, by account. No source is asked. What fails stays as it is and is not
// noted in the ledger: the window is no more open than before. The Summary tells it.
func (e *Engine) Replay(ctx context.Context, shelf Shelf, wanted func(pipeline.AccountID) bool) (pipeline.Summary, error) {
	r := e.newRun()
	r.replays = true
	started := calendar.InstantOf(e.Now())
	keys, err := e.Store.Streams(ctx)
	if err == nil {
		keys, err = e.chosen(slices.DeleteFunc(keys, func(k pipeline.StreamKey) bool { return !wanted(k.Account) }))
	}
	if err != nil {
		return pipeline.Summary{SyncID: r.id}, err
	}
	var plans []plannedStream
	var jobs []job
	var damaged []error
	for _, k := range keys {
		p, of, err := r.replayOf(ctx, shelf, k)
		switch {
		case pipeline.KindOf(err) == pipeline.Damaged:
			damaged = append(damaged, err)
			continue
		case err != nil:
			return pipeline.Summary{SyncID: r.id}, err
		}
		plans, jobs = append(plans, p), append(jobs, of...)
	}
	if err := r.begin(ctx, pipeline.CommandReplay, started); err != nil {
		return pipeline.Summary{SyncID: r.id}, err
	}
	r.work(ctx, jobs)
	return r.finish(ctx, plans, errors.Join(damaged...), started)
}

// replayOf plans the replay of one stream, and books the windows that cannot be replayed.
func (r *run) replayOf(ctx context.Context, shelf Shelf, k pipeline.StreamKey) (p plannedStream, jobs []job, err error) {
	p.Stream.Key = k
	l, err := r.Store.Ledger(ctx, k)
	if err != nil {
		return p, nil, err
	}
	wants, err := r.Select.Wants()
	if err != nil {
		return p, nil, err
	}
	var committed []pipeline.Entry
	for e := range l.Windows(calendar.NoInstant) {
		if wants(e.Window) {
			committed = append(committed, e)
		}
	}
	failed := func(w calendar.Window) bool { _, is := l.Failed(w.Span); return is }
	again, unkept, err := shelf.Find(ctx, k, committed, failed)
	if err != nil {
		return p, nil, err
	}
	r.streams[k] = &pipeline.StreamSummary{Stream: k.Stream, Account: k.Account, Errors: []pipeline.WindowError{}}
	r.days[k] = &unnotedDays{}
	r.observe(Event{Kind: EventPlanned, Stream: k, Total: len(committed)})
	for _, u := range unkept {
		r.bookFailed(ctx, k, []calendar.Window{u.Window}, windowFailure{err: u.Err, remedy: pipeline.RemedyOf(u.Err)})
	}
	for _, of := range again {
		jobs = append(jobs, jobOf(of))
	}
	return p, jobs, nil
}

// jobOf is the job of a rereading. Its windows are held against nothing that was read later.
func jobOf(of pipeline.Rereading) job {
	j := job{source: rereader{fetch: of.Fetch}, stream: of.Stream, extraction: of.Extraction, planned: make(map[calendar.Window]pipeline.PlannedWindow),
		fields: knownOf(pipeline.NewLedger(), "", 1), commits: make(map[calendar.Window]pipeline.Entry)}
	for _, e := range of.Commits {
		j.planned[e.Window] = pipeline.PlannedWindow{Window: e.Window, Fingerprint: e.Fingerprint, Fields: e.Fields}
		j.commits[e.Window] = e
	}
	return j
}

// rereader is the source of a rereading: all that the engine asks of it is Fetch.
type rereader struct {
	pipeline.Source
	fetch func(context.Context, pipeline.Request, func(pipeline.Body) error) error
}

func (s rereader) Fetch(ctx context.Context, q pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	return s.fetch(ctx, q, yield)
}

// windows are those of the job that are to be committed.
func (j job) windows() []calendar.Window {
	if j.commits == nil {
		return j.extraction.Windows
	}
	var list []calendar.Window
	for _, w := range j.extraction.Windows {
		if _, ok := j.commits[w]; ok {
			list = append(list, w)
		}
	}
	return list
}

// keepWanted drops the windows of a rereading that are not to be committed: the report serves them too, and its rows count
// for them. The others are committed as the reading that they are of.
func (j job) keepWanted(x extracted) (out extracted, err error) {
	if j.commits == nil {
		return x, nil
	}
	out.rejects = x.rejects
	var errs []error
	for i, s := range x.sealed {
		e, wanted := j.commits[s.Entry.Window]
		if !wanted {
			errs = append(errs, s.Stage.Abort())
			continue
		}
		s.Entry.Order, s.Entry.Settled = e.Order, e.Settled
		out.sealed, out.news = append(out.sealed, s), append(out.news, x.news[i])
	}
	for _, o := range x.open {
		if _, wanted := j.commits[o.window]; wanted {
			out.open = append(out.open, o)
		}
	}
	return out, errors.Join(errs...)
}
