package engine

import (
	"context"
	"errors"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// ListedReject is a rejected row that [Engine.Rejects] found.
type ListedReject struct {
	pipeline.WindowReject
	Key pipeline.StreamKey
	// Failed: the window's last reading failed, and this is one of the first rows that it rejected. What is committed of
	// the window, and its own rejects, are as they were.
	Failed bool
	// Entry is the commit of the window, or the failure.
	Entry pipeline.Entry
}

// ErrNoRejects says that a store cannot show what was rejected.
var ErrNoRejects = errors.New("this kind of sink cannot show rejected rows")

// longestRun is how long a run may last: the record of a failure's run began at most so long before it.
const longestRun = 8 * 24 * time.Hour

// Rejects tells the rejected rows of committed windows, and the first ones of each window whose last reading failed, of every
// stream that the store has; the engine's Streams and Select narrow it. It goes stream by stream, the committed windows
// before the failed ones. No source is asked.
func (e *Engine) Rejects(ctx context.Context, tell func(ListedReject) error) error {
	reader, ok := e.Store.(pipeline.RejectReader)
	runs, ok2 := e.Store.(pipeline.RunReader)
	if !ok || !ok2 {
		return &pipeline.Error{Op: "list the rejects", Kind: pipeline.Invalid, Err: ErrNoRejects}
	}
	wants, err := e.Select.Wants()
	if err != nil {
		return err
	}
	keys, err := e.Store.Streams(ctx)
	if err != nil {
		return err
	}
	if keys, err = e.chosen(keys); err != nil {
		return err
	}
	l := rejectListing{Engine: e, reader: reader, runs: runs, wants: wants, tell: tell}
	var damaged []error
	for _, k := range keys {
		err := l.stream(ctx, k)
		if pipeline.KindOf(err) == pipeline.Damaged {
			damaged = append(damaged, err) // the other streams are told
			continue
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(damaged...)
}

// rejectListing is one listing under way.
type rejectListing struct {
	*Engine
	reader pipeline.RejectReader
	runs   pipeline.RunReader
	wants  func(calendar.Window) bool
	tell   func(ListedReject) error

	since  calendar.Instant // of the runs that were read
	failed map[failedWindow][]pipeline.Reject
}

// failedWindow is a window that failed in a run.
type failedWindow struct {
	run pipeline.SyncID
	key pipeline.StreamKey
	calendar.Span
}

// stream tells the rejects of one stream.
func (l *rejectListing) stream(ctx context.Context, k pipeline.StreamKey) error {
	ledger, err := l.Store.Ledger(ctx, k)
	if err != nil {
		return err
	}
	var windows []calendar.Window
	commits := make(map[calendar.Window]pipeline.Entry)
	doubt := ledger.InDoubt()
	for e := range ledger.Windows(calendar.NoInstant) {
		if e.Counts.Rejected > 0 && l.wants(e.Window) && !calendar.Touches(doubt, e.Window.Span) {
			windows, commits[e.Window] = append(windows, e.Window), e
		}
	}
	if len(windows) > 0 {
		for r, err := range l.reader.WindowRejects(ctx, k, windows) {
			if err == nil {
				err = l.tell(ListedReject{WindowReject: r, Key: k, Entry: commits[r.Window]})
			}
			if err != nil {
				return err
			}
		}
	}
	var failures []pipeline.Entry
	for e := range ledger.Failures() {
		if l.wants(e.Window) {
			failures = append(failures, e)
		}
	}
	return l.ofFailures(ctx, k, failures)
}

// ofFailures tells what the records of the runs keep of windows that failed. A run that was killed has none.
func (l *rejectListing) ofFailures(ctx context.Context, k pipeline.StreamKey, failures []pipeline.Entry) error {
	if len(failures) == 0 {
		return nil
	}
	earliest := failures[0].ReadAt
	for _, e := range failures {
		earliest = min(earliest, e.ReadAt)
	}
	if err := l.readRuns(ctx, earliest.Add(-longestRun)); err != nil {
		return err
	}
	for _, e := range failures {
		for _, r := range l.failed[failedWindow{e.SyncID, k, e.Window.Span}] {
			if err := l.tell(ListedReject{WindowReject: pipeline.WindowReject{Window: e.Window, Reject: r}, Key: k, Failed: true, Entry: e}); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRuns makes sure that the records of the runs that started at from or later are read.
func (l *rejectListing) readRuns(ctx context.Context, from calendar.Instant) error {
	if l.failed != nil && l.since <= from {
		return nil
	}
	l.since, l.failed = from, make(map[failedWindow][]pipeline.Reject)
	for run, err := range l.runs.Runs(ctx, from, 0) {
		if err != nil {
			return err
		}
		for _, s := range run.Streams {
			for _, f := range s.Errors {
				if len(f.Rejects) > 0 {
					key := failedWindow{run.SyncID, pipeline.StreamKey{Account: s.Account, Stream: s.Stream}, calendar.Span{Start: f.WindowStart, End: f.WindowEnd}}
					l.failed[key] = f.Rejects
				}
			}
		}
	}
	return nil
}

// ErrNoHistory says that a store keeps no history.
var ErrNoHistory = errors.New("this kind of sink keeps no history")

// History tells what reading again has changed, and what has failed, in the order of [pipeline.CompareHistory]; the
// engine's Streams and Select narrow it. A row comes with its window in the zone that the ledger has of it, or of the
// stream's last window. No source is asked.
func (e *Engine) History(ctx context.Context, tell func(pipeline.HistoryRow, calendar.Window) error) error {
	const op = "read the history"
	reader, ok := e.Store.(pipeline.HistoryReader)
	if !ok {
		return &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: ErrNoHistory}
	}
	wants, err := e.Select.Wants()
	if err != nil {
		return err
	}
	over, err := e.Select.Around()
	if err != nil {
		return err
	}
	var keys []pipeline.StreamKey // nil: also those whose ledger is gone
	if len(e.Streams) > 0 {
		if keys, err = e.Store.Streams(ctx); err != nil {
			return err
		}
		if keys, err = e.chosen(keys); err != nil {
			return err
		}
	}
	zones := zoneFinder{store: e.Store}
	for r, err := range reader.History(ctx, keys, over) {
		if err != nil {
			return errors.Join(zones.damaged, err)
		}
		zone, err := zones.of(ctx, r.Key, r.Window)
		if err != nil {
			return err
		}
		if w := (calendar.Window{Span: r.Window, Zone: zone}); wants(w) {
			if err := tell(r, w); err != nil {
				return err
			}
		}
	}
	return zones.damaged
}

// zoneFinder finds the zones of windows in the ledgers, one stream after the other.
type zoneFinder struct {
	store   pipeline.Store
	key     pipeline.StreamKey
	ledger  *pipeline.Ledger
	last    string // the zone of the stream's last window
	damaged error  // of ledgers that cannot be read: their windows are told in UTC
}

func (f *zoneFinder) of(ctx context.Context, k pipeline.StreamKey, s calendar.Span) (string, error) {
	if f.ledger == nil || k != f.key {
		l, err := f.store.Ledger(ctx, k)
		if pipeline.KindOf(err) == pipeline.Damaged && err != nil {
			f.damaged, l = errors.Join(f.damaged, err), pipeline.NewLedger()
		} else if err != nil {
			return "", err
		}
		f.key, f.ledger, f.last = k, l, "UTC"
		for e := range l.Windows(calendar.NoInstant) {
			f.last = e.Window.Zone
		}
	}
	for e := range f.ledger.WindowsOver(s) {
		return e.Window.Zone, nil
	}
	return f.last, nil
}
