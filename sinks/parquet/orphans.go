package parquet

import (
	"context"
	"path"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// orphans are the files of windows that the ledger does not know, on the days that were looked at.
type orphans struct {
	first, last time.Time                // UTC midnights; zero: nothing was looked at
	files       map[string]pipeline.Span // by name
}

// forget is told that files are gone.
func (o *orphans) forget(names []string) {
	for _, name := range names {
		delete(o.files, name)
	}
}

const (
	day = 24 * time.Hour
	// reach: a file that overlaps a window lies in the folder of a day at most so long before the window's start.
	reach = staging.LongestWindow
	// beyond is looked at too, for the commits that follow, in whichever direction.
	beyond = 32 * day
)

// findOrphans lists, once for each day, the files of windows that the ledger does not know and that may overlap the
// group. No crash leaves such files, since a begin is on stable storage before its data. A ledger that somebody
// deleted, or replaced by an older copy, leaves them, and rows of windows of other bounds must not stand beside new
// ones.
func (s *Store) findOrphans(ctx context.Context, l *ledgerLog, group []*pending) error {
	t, k := group[0].Table, group[0].Key
	first, last := daysOf(group)
	known := &l.orphans
	if known.first.IsZero() {
		known.first, known.last = last.Add(beyond+day), last.Add(beyond)
	}
	if first.Before(known.first) {
		first = first.Add(-beyond)
		if err := s.listOrphans(ctx, l, t, k, first, known.first.Add(-day)); err != nil {
			return err
		}
		known.first = first
	}
	if last.After(known.last) {
		last = last.Add(beyond)
		if err := s.listOrphans(ctx, l, t, k, known.last.Add(day), last); err != nil {
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

func (s *Store) listOrphans(ctx context.Context, l *ledgerLog, t *pipeline.Table, k pipeline.StreamKey, first, last time.Time) error {
	found := map[string]pipeline.Span{}
	for _, parent := range []string{t.Name, rejectsDir} {
		names, err := s.volume.Between(ctx, layout.StreamDir(parent, k), layout.DateFolder(first), layout.DateFolder(last))
		if err != nil {
			return err
		}
		for _, name := range names {
			if span, ok := spanOf(name); ok && !owned(l.ledger, name, span) {
				found[name] = span
			}
		}
	}
	if l.orphans.files == nil {
		l.orphans.files = found
		return nil
	}
	for name, span := range found {
		l.orphans.files[name] = span
	}
	return nil
}

// owned reports whether name is the file of a window that the ledger knows.
func owned(l *pipeline.Ledger, name string, span pipeline.Span) bool {
	w, ok := l.Held(span)
	if !ok {
		return false
	}
	loc, err := w.Location()
	return err == nil && layout.DateFolder(span.Start.In(loc)) == path.Base(path.Dir(name))
}

// claimOrphans makes the window's commit remove the orphans that overlap it. A file that was found before its window
// came into the ledger is none.
func (p *pending) claimOrphans(l *ledgerLog) {
	p.orphans = nil
	for name, span := range l.orphans.files {
		if span.Overlaps(p.Sealed.Entry.Window.Span) && !owned(l.ledger, name, span) {
			p.orphans = append(p.orphans, name)
		}
	}
	if len(p.orphans) == 0 {
		return
	}
	p.Rewrite()
}
