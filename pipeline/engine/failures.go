package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/sourcegraph/conc/pool"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// bookFailure enters windows that could not be read, all of them for the same error.
func (r *run) bookFailure(ctx context.Context, j job, windows []calendar.Window, err error, rejects windowRejects) {
	failed := make([]leftOpen, len(windows))
	for i, w := range windows {
		failed[i] = leftOpen{w, err}
	}
	r.bookFailures(ctx, j, failed, rejects)
}

// bookFailures enters windows that could not be read: in the ledger, so that the
// next plan says why it reads them, and in the summary.
func (r *run) bookFailures(ctx context.Context, j job, failed []leftOpen, rejects windowRejects) {
	if ctx.Err() != nil || len(failed) == 0 {
		return // a stopped run has not failed; the exit code tells
	}
	switch err := failed[0].why; pipeline.KindOf(err) {
	case pipeline.Awaited: // neither failed nor read
		r.await(j, failed)
		return
	case pipeline.ClockWrong, pipeline.OtherTenant: // nothing is noted of what is not read
		r.end(err)
		return
	}
	entries := make([]pipeline.Entry, 0, len(failed))
	for _, f := range failed {
		entries = append(entries, r.failEntry(f.window, f.why))
	}
	recordErr := r.recordFailures(ctx, j.stream.Key, entries)
	for _, f := range failed {
		r.bookFailed(ctx, j.stream.Key, []calendar.Window{f.window}, windowFailure{beside(f.why, recordErr), pipeline.RemedyOf(f.why), rejects})
	}
}

// await tells of windows that stay as they are until something comes for them.
func (r *run) await(j job, left []leftOpen) {
	r.mu.Lock()
	r.streams[j.stream.Key].Awaited += len(left)
	r.mu.Unlock()
	for _, f := range left {
		r.observe(Event{Kind: EventAwaited, Stream: j.stream.Key, Window: f.window, Text: reasonOf(f.why, f.window.Span)})
	}
}

// noteFailed enters in the ledger the windows that a group of commits left
// open: one Record call for each stream, since a call may cost a job.
func (r *run) noteFailed(ctx context.Context, sealed []pipeline.Sealed, results []pipeline.Result) {
	if ctx.Err() != nil {
		return
	}
	failed := make(map[pipeline.StreamKey][]int)
	for i, s := range sealed {
		switch {
		case pipeline.KindOf(results[i].Err) == pipeline.OtherTenant: // nor in the ledger of another tenant
			r.end(advised(results[i].Err, pipeline.TenantKey{Source: s.Key.Stream.Source(), Account: s.Key.Account}, r.TenantRemedy))
		case results[i].Outcome == pipeline.Failed:
			failed[s.Key] = append(failed[s.Key], i)
		}
	}
	all := pool.New()
	for k, at := range failed {
		all.Go(func() {
			entries := make([]pipeline.Entry, 0, len(at))
			for _, i := range at {
				results[i].Err = masked(results[i].Err, r.masks[k])
				entries = append(entries, r.failEntry(sealed[i].Entry.Window, results[i].Err))
			}
			err := r.recordFailures(ctx, k, entries)
			for _, i := range at {
				results[i].Err = beside(results[i].Err, err)
			}
		})
	}
	all.Wait()
}

func (r *run) failEntry(w calendar.Window, err error) pipeline.Entry {
	return pipeline.Entry{Kind: pipeline.EntryFail, Window: w, SyncID: r.id, ReadAt: calendar.InstantOf(r.Now()),
		ErrorKind: pipeline.ErrorKind(err), Note: reasonOf(err, w.Span)}
}

// recordFailures answers also where the sink panics: others wait.
func (r *run) recordFailures(ctx context.Context, k pipeline.StreamKey, entries []pipeline.Entry) (err error) {
	if r.replays {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = &pipeline.Error{Op: "record", Kind: pipeline.Internal, Err: fmt.Errorf("%v\n%s", p, debug.Stack())}
		}
	}()
	ctx, cancel := withGrace(ctx)
	defer cancel()
	if err := r.noteDays(ctx, k); err != nil {
		return err
	}
	return r.Store.Record(ctx, k, entries...)
}

// beside joins to a window's error that of noting it: the window is open with
// or without the note. Where both tell the same, it is told once.
func beside(err, recordErr error) error {
	var a, b *pipeline.Error
	if recordErr == nil {
		return err
	}
	if errors.As(err, &a) && errors.As(recordErr, &b) && a.Kind == b.Kind && a.Hint == b.Hint && fmt.Sprint(a.Err) == fmt.Sprint(b.Err) {
		return err
	}
	return errors.Join(err, recordErr)
}

// windowFailure is why windows stay open.
type windowFailure struct {
	err     error
	remedy  pipeline.Remedy
	rejects windowRejects
}

// bookFailed enters windows that stay open in the summary.
func (r *run) bookFailed(ctx context.Context, k pipeline.StreamKey, windows []calendar.Window, f windowFailure) {
	if ctx.Err() != nil {
		return
	}
	err := f.err
	kind := pipeline.KindOf(err)
	r.mu.Lock()
	s := r.streams[k]
	s.Failed += len(windows)
	for _, w := range windows {
		s.Errors = append(s.Errors, pipeline.WindowError{
			WindowStart: w.Start, WindowEnd: w.End, Zone: w.Zone, ErrorKind: pipeline.ErrorKind(err), Message: reasonOf(err, w.Span), Remedy: f.remedy,
			Rejects: r.recordable(f.rejects[w]),
		})
	}
	if kind == pipeline.Unauthorized {
		r.unauthorized[k] = err
	}
	r.mu.Unlock()
	if kind == pipeline.Unwritable { // vendors would be asked in vain
		r.end(err)
	}
	for _, w := range windows {
		r.observe(Event{Kind: EventFailed, Stream: k, Window: w, Err: err})
	}
}

const (
	// recordedRaw bounds the bytes of the text of a reject in a run's record.
	recordedRaw = 1 << 10
	// recordedBytes bounds those of all rejects in it, and from half of them on a window has fewRejects at most: the record
	// of a run in which everything failed is still one statement.
	recordedBytes = 128 << 10
	fewRejects    = 3
)

// recordable are rejects of a failed window as the run's record keeps them. The caller holds the mutex.
func (r *run) recordable(rejects []pipeline.Reject) (list []pipeline.Reject) {
	for _, one := range rejects {
		one.Raw, one.Reason = cutRaw(one.Raw, recordedRaw), cutRaw(one.Reason, recordedRaw)
		const around = 200 // the other members
		size := len(one.Raw) + len(one.Reason) + len(one.Scope) + len(one.Field) + around
		if r.rejectBytes+size > recordedBytes || r.rejectBytes > recordedBytes/2 && len(list) == fewRejects {
			break
		}
		r.rejectBytes += size
		list = append(list, one)
	}
	return list
}

// reasonOf is the text of a window's error without what stands beside it, so
// that windows which failed of the same have the same reason. The span of a
// part of the window stays.
func reasonOf(err error, window calendar.Span) string {
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Error() != err.Error() {
		return err.Error() // more was joined to it
	}
	bare := *e
	bare.Stream = ""
	if bare.Window == window {
		bare.Window = calendar.Span{}
	}
	return bare.Error()
}
