package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sourcegraph/conc/pool"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// job is one extraction on its way through a run.
type job struct {
	source     pipeline.Source
	stream     pipeline.Stream
	extraction pipeline.Extraction
	planned    map[calendar.Window]pipeline.PlannedWindow
	order      uint64           // of the reading
	first      calendar.Instant // start of the stream's first day
	names      *plan.Names
	fields     *knownFields // of the stream
	turn       int          // of the extraction, among the stream's by time
	// commits are the windows that are to be committed, as the reading has them, where it is one of long ago; nil: all
	// windows, as they are read.
	commits map[calendar.Window]pipeline.Entry
}

// move carries one extraction from the vendor to the sink. This is the life of
// its windows: fetch every request, cut the rows by window into stages out of
// sight, check the whole, seal, and commit windows and ledger together. On the
// way nothing is visible, so a crash before the commit leaves no trace, and
// one inside it is the sink's to survive. pass is called where the extraction needs its place among those that move no
// more, unless that is at the end.
func (r *run) move(ctx context.Context, j job, pass func()) {
	for _, w := range j.windows() {
		r.observe(Event{Kind: EventBegun, Stream: j.stream.Key, Window: w})
	}
	x, err := r.extractAgainIfBroken(r.followed(ctx, j), j)
	j.fields.end(j.turn)
	if err != nil {
		r.bookFailure(ctx, j, j.windows(), masked(err, j.stream.Mask), x.rejects)
		return
	}
	r.bookFailures(ctx, j, x.open, x.rejects)
	if len(x.sealed) == 0 {
		return
	}
	pipeline.Point(ctx, "engine.sealed")
	if r.Group.After > 0 {
		pass()
	}
	began := r.Now()
	for i, result := range r.committer.commit(ctx, x.sealed, j.planned) {
		r.spent(j, x.sealed[i].Entry.Window, pipeline.StretchCommit, began, result.Err)
		r.book(ctx, j, x.sealed[i].Entry.Window, result, x.rejects)
		if result.Outcome == pipeline.Committed || result.Outcome == pipeline.Unchanged {
			r.noteNews(j.stream.Key, x.sealed[i].Entry.Window, x.news[i], result.Outcome == pipeline.Committed)
		}
	}
}

// extractAgainIfBroken extracts, and does so again when a document broke off on
// the way or needs the lenient reading. Each attempt starts from empty stages.
func (r *run) extractAgainIfBroken(ctx context.Context, j job) (x extracted, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &pipeline.Error{Op: "read", Kind: pipeline.Internal, Err: fmt.Errorf("%v\n%s", p, debug.Stack())}
		}
	}()
	const attempts = 3
	format := j.stream.Format
	wait := backoff.NewExponentialBackOff()
	for n := 1; ; n++ {
		x, err = r.extract(ctx, j, format)
		var broken *brokenBody
		switch {
		case err == nil || n == attempts || !errors.As(err, &broken) || ctx.Err() != nil:
			return x, err
		case errors.Is(err, pipeline.ErrIrregular):
			format = format.Lenient()
			continue
		case !pipeline.Retryable(err) || errors.Is(err, errBodyTooLong):
			return x, err
		}
		pause := wait.NextBackOff()
		r.observe(Event{Kind: EventWaiting, Stream: j.stream.Key, Window: j.extraction.Windows[0],
			Text: "the answer broke off, asking again", Until: r.Now().Add(pause)})
		began := r.Now()
		slept := pipeline.Sleep(ctx, pause)
		pipeline.TellWait(ctx, pipeline.WaitBroken, began, r.Now())
		if slept != nil {
			return x, slept
		}
	}
}

// errNoDocument: silence is not an empty document.
var errNoDocument = &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Cause: pipeline.NoDocument, Err: errors.New("the vendor's answer had no document")}

// extract reads every request of the job and seals its windows.
func (r *run) extract(ctx context.Context, j job, format pipeline.Format) (x extracted, err error) {
	cut, err := r.newCutter(ctx, j)
	if err != nil {
		return x, err
	}
	defer cut.close()
	defer func() {
		x.rejects = cut.firstRejects()
		if err != nil {
			err = errors.Join(err, cut.abort())
		}
	}()

	var held heldAnswers
	var refused error // why nothing will be committed of answers that were all accepted
	if err = r.readAll(ctx, j, format, cut, &held); err == nil {
		x, err = r.seal(ctx, j, cut)
		if refused = err; err == nil && len(x.sealed) == 0 && len(x.open) > 0 {
			refused = x.open[0].why // where only some windows are refused the answers serve the others
		}
	}
	if left := held.end(ctx, refused); left != nil {
		err = errors.Join(err, left)
	}
	if err != nil {
		return x, err
	}
	return j.keepWanted(x)
}

// readAll reads every request of the job into the windows.
func (r *run) readAll(ctx context.Context, j job, format pipeline.Format, cut *cutter, held *heldAnswers) error {
	order := newSequencer(len(j.extraction.Requests), cut.overlap, cap(r.prefetchSlots))
	turns := pipeline.Turns(len(j.extraction.Requests))
	all := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for i, request := range j.extraction.Requests {
		all.Go(func(ctx context.Context) error {
			defer turns[i].Over()
			if err := ctx.Err(); err != nil {
				return err
			}
			bodies := 0
			err := j.source.Fetch(ctx, request, held.env(r.env(j, turns[i])), func(b pipeline.Body) error {
				bodies++
				b, drop, err := r.prefetch(ctx, order, i, b)
				if err != nil {
					return err
				}
				defer drop()
				if err := order.wait(ctx, i); err != nil {
					return err
				}
				return r.readBody(ctx, j, b, format, cut)
			})
			if err == nil && bodies == 0 {
				err = errNoDocument
			}
			if err != nil {
				return err
			}
			if err := order.wait(ctx, i); err != nil {
				return err
			}
			cut.endRequest()
			order.done(i)
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// seal ends the stages of a job of which every request has been read.
func (r *run) seal(ctx context.Context, j job, cut *cutter) (x extracted, err error) {
	if cut.owner, err = r.ownerOf(j, cut.units); err != nil {
		return x, err
	}
	if err := r.noteDays(ctx, j.stream.Key); err != nil {
		return x, err
	}
	return cut.seal(r.MaxRejects, r.Health, j)
}

// heldAnswers are those of an extraction that were accepted, and that somebody holds until it is known what becomes of them.
type heldAnswers struct {
	mu   sync.Mutex
	ends []func(context.Context, error) error
}

func (h *heldAnswers) env(e pipeline.Env) pipeline.Env {
	e.Ended = func(end func(context.Context, error) error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ends = append(h.ends, end)
	}
	return e
}

// end tells whoever holds them why all of them are refused; nil: they are not.
func (h *heldAnswers) end(ctx context.Context, refused error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, end := range h.ends {
		errs = append(errs, end(ctx, refused))
	}
	return errors.Join(errs...)
}

// readBody takes a slot and reads one document into the windows.
func (r *run) readBody(ctx context.Context, j job, b pipeline.Body, format pipeline.Format, cut *cutter) (err error) {
	if err := r.reader.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.reader.slots.Release(1)
	r.observe(Event{Kind: EventReading, Stream: j.stream.Key, Window: j.extraction.Windows[0]})
	began := r.Now()
	defer func() { r.spent(j, j.extraction.Windows[0], pipeline.StretchRead, began, err) }()

	body := &bodyCutter{cutter: cut, meta: &b.Meta, days: dayCounts{asked: b.Meta.Days}, maxRejects: r.MaxRejects, maxBody: r.MaxBody}
	if err := r.reader.read(ctx, b, format, j.stream.Decoded(), body); err != nil {
		return &brokenBody{err}
	}
	if err := body.checkTail(); err != nil {
		return err
	}
	if err := body.days.verify(j.stream.StaleHint, j.stream.ZoneHint); err != nil {
		return err
	}
	// One report that serves several windows stands or falls as a whole.
	if len(j.extraction.Windows) > 1 || b.Meta.Portion != nil {
		if err := checkRejects(body.read, body.rejected, r.MaxRejects, body.first); err != nil {
			return err
		}
	}
	return cut.endBody()
}

// followed returns a context in which what the job's requests take is told, of the first of its windows.
func (r *run) followed(ctx context.Context, j job) context.Context {
	if r.Observe == nil {
		return ctx
	}
	return pipeline.WithStretches(ctx, func(s pipeline.Stretch) {
		r.observe(Event{Kind: EventSpent, Stream: j.stream.Key, Window: j.extraction.Windows[0], Stretch: s})
	})
}

// spent tells of a stretch that is over.
func (r *run) spent(j job, w calendar.Window, kind pipeline.StretchKind, began time.Time, err error) {
	s := pipeline.Stretch{Kind: kind, Began: began, Ended: r.Now()}
	if err != nil {
		s.Failed = pipeline.ErrorKind(err)
	}
	r.observe(Event{Kind: EventSpent, Stream: j.stream.Key, Window: w, Stretch: s})
}

// brokenBody marks an error met while a document was read, after the request
// itself had succeeded: only then is asking again of use here, for the
// connector has already retried the request.
type brokenBody struct{ err error }

func (e *brokenBody) Error() string { return e.err.Error() }
func (e *brokenBody) Unwrap() error { return e.err }
