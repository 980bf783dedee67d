package parquet

import (
	"context"
	"path"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// strays are the files of windows that the ledger does not know, on the days
// that were looked at.
type strays struct {
	first, last time.Time                // UTC midnights; zero: nothing was looked at
	files       map[string]pipeline.Span // by name
}

const (
	day = 24 * time.Hour
	// reach is the length of the longest window: a year, and another where one
	// grows over a seam. A file that overlaps a window lies in the folder of a
	// day at most so long before the window's start.
	reach = 2 * 366 * day
	// ahead is looked at too, for the commits that follow, in whichever direction.
	ahead = 32 * day
)

// findStrays lists, once for each day, the files of windows that the ledger
// does not know and that may overlap the group. No crash leaves such files, for
// a begin is on stable storage before its data; a ledger that somebody deleted,
// or took back to an older copy, does, and rows of windows of other bounds must
// not stand beside new ones. The caller holds the lock.
func (s *Store) findStrays(ctx context.Context, l *ledgerLog, t *pipeline.Table, k pipeline.StreamKey, group []*pending) error {
	first, last := daysOf(group)
	known := &l.strays
	if known.first.IsZero() {
		known.first, known.last = last.Add(ahead+day), last.Add(ahead)
	}
	if first.Before(known.first) {
		first = first.Add(-ahead)
		if err := s.listStrays(ctx, l, t, k, first, known.first.Add(-day)); err != nil {
			return err
		}
		known.first = first
	}
	if last.After(known.last) {
		last = last.Add(ahead)
		if err := s.listStrays(ctx, l, t, k, known.last.Add(day), last); err != nil {
			return err
		}
		known.last = last
	}
	return nil
}

// daysOf are the days whose folders may hold a file that overlaps the group,
// wherever on earth it was cut.
func daysOf(group []*pending) (first, last time.Time) {
	start, end := group[0].Sealed.Entry.Window.Start, group[0].Sealed.Entry.Window.End
	for _, p := range group[1:] {
		start, end = min(start, p.Sealed.Entry.Window.Start), max(end, p.Sealed.Entry.Window.End)
	}
	return start.Time().Add(-reach - day).Truncate(day), end.Time().Add(day).Truncate(day)
}

func (s *Store) listStrays(ctx context.Context, l *ledgerLog, t *pipeline.Table, k pipeline.StreamKey, first, last time.Time) error {
	found := map[string]pipeline.Span{}
	for _, parent := range []string{t.Name, rejectsDir} {
		names, err := s.files.Between(ctx, streamDir(parent, k), dateFolder(first), dateFolder(last))
		if err != nil {
			return err
		}
		for _, name := range names {
			if span, ok := spanOf(name); ok && !owned(l.ledger, name, span) {
				found[name] = span
			}
		}
	}
	if l.strays.files == nil {
		l.strays.files = found
		return nil
	}
	for name, span := range found {
		l.strays.files[name] = span
	}
	return nil
}

// owned reports whether name is the file of a window that the ledger knows.
func owned(l *pipeline.Ledger, name string, span pipeline.Span) bool {
	folder := path.Base(path.Dir(name))
	return slices.ContainsFunc(l.Overlapping(span), func(e pipeline.Entry) bool {
		if e.Window.Span != span {
			return false
		}
		loc, err := e.Window.Location()
		return err == nil && dateFolder(span.Start.In(loc)) == folder
	})
}

// claimStrays makes the window's commit remove the strays that overlap it.
func (p *pending) claimStrays(l *ledgerLog) {
	for name, span := range l.strays.files {
		if span.Overlaps(p.Sealed.Entry.Window.Span) {
			p.strays = append(p.strays, name)
		}
	}
	if len(p.strays) > 0 && p.Outcome == pipeline.Unchanged {
		p.Outcome, p.Verdict.Entry.Unchanged = pipeline.Committed, false
	}
	if len(p.strays) > 0 {
		p.MayHold = true
	}
}

// holds reports whether there is a file for the window itself.
func (s *Store) holds(ctx context.Context, p *pending) (bool, error) {
	name, err := windowFile(p.Table.Name, p.Key, p.Verdict.Entry.Window)
	if err != nil {
		return false, err
	}
	names, err := s.files.List(ctx, path.Dir(name))
	return slices.Contains(names, name), err
}
