package parquet

import (
	"context"
	"path"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// findStrays lists, once, the files of windows that the ledger does not know.
// No crash leaves such files, for a begin is on stable storage before its
// data; a ledger that somebody deleted does, and rows of windows of other
// bounds must not stand beside new ones. The caller holds the lock.
func (s *Store) findStrays(ctx context.Context, l *ledgerLog, t *pipeline.Table, k pipeline.StreamKey) error {
	if l.stray != nil {
		return nil
	}
	stray := make(map[string]pipeline.Span)
	for _, parent := range []string{t.Name, rejectsDir} {
		names, err := s.files.List(ctx, streamDir(parent, k))
		if err != nil {
			return err
		}
		for _, name := range names {
			span, ok := spanOf(name)
			if ok && !owned(l.ledger, parent, k, name, span) {
				stray[name] = span
			}
		}
	}
	l.stray = stray
	return nil
}

// owned reports whether name is the file of a window that the ledger knows.
func owned(l *pipeline.Ledger, parent string, k pipeline.StreamKey, name string, span pipeline.Span) bool {
	return slices.ContainsFunc(l.Overlapping(span), func(e pipeline.Entry) bool {
		own, err := windowFile(parent, k, e.Window)
		return err == nil && own == name
	})
}

// claimStrays makes the window's commit remove the strays that overlap it.
func (p *pending) claimStrays(l *ledgerLog) {
	for name, span := range l.stray {
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
