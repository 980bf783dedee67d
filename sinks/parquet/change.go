package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// What a commit tells the history. The sums of the rows that go are read before the commit begins, and the begin notes
// them: when a crash has left it open, the next commit of the window takes them from there, since the rows may be gone.
// The rows of history come before the commit's entry. One that a crash leaves without a commit is known by the run that
// the begin notes, and the next commit of the window drops it.

// told is what the history is told of one window.
type told struct {
	tells    bool             // there is a row to write
	replaced []pipeline.Entry // empty: nothing, or by the same rows
	before   []pipeline.Before
	untold   []untold
	row      *pipeline.HistoryRow // nil: none
}

// compare finds out what the windows change, and what is there yet. It returns those that may begin; the others have failed.
func (s *Store) compare(ctx context.Context, l *ledgerLog, group []*pending) (ready []*pending) {
	for _, p := range group {
		if err := s.compareOne(ctx, l.ledger, p); err != nil {
			p.Fail("sum the rows up that are to be replaced", err)
			continue
		}
		ready = append(ready, p)
	}
	return ready
}

func (s *Store) compareOne(ctx context.Context, l *pipeline.Ledger, p *pending) error {
	own := p.Verdict.Entry.Window.Span
	for _, begun := range l.BegunOver(own) {
		for _, b := range begun.Before {
			if len(b.By) > 0 {
				p.told.untold = append(p.told.untold, untold{b.Window, b.By})
			}
		}
	}
	replaced := p.Replaced(l)
	if staging.Change(p.Key, &p.Verdict.Entry, replaced) == nil {
		return nil
	}
	p.told.tells, p.told.replaced = true, replaced
	mine := pipeline.Before{Window: own, By: []pipeline.SyncID{p.Verdict.Entry.SyncID}}
	for _, old := range replaced {
		sums, err := s.sumsBefore(ctx, l, p, old)
		if err != nil {
			return err
		}
		if old.Window.Span == own {
			mine.Of, mine.Sums = old.SyncID, sums
		} else {
			p.told.before = append(p.told.before, pipeline.Before{Window: old.Window.Span, Of: old.SyncID, Sums: sums})
		}
	}
	p.told.before = append(p.told.before, mine)
	return nil
}

// sumsBefore are the sums of a committed reading: as a begin has noted them, else of its file while that is the ledger's.
func (s *Store) sumsBefore(ctx context.Context, l *pipeline.Ledger, p *pending, old pipeline.Entry) (pipeline.Sums, error) {
	for _, begun := range l.BegunOver(old.Window.Span) {
		if b := begun.BeforeOf(old.Window.Span); b != nil && b.Of == old.SyncID && b.Sums != nil {
			return b.Sums, nil
		}
	}
	switch {
	case l.Dirty(old.Window.Span):
		return nil, nil
	case old.Counts.Rows == 0:
		return pipeline.Sums{}, nil
	}
	name, err := windowFile(p.Table.Name, p.Key, old.Window)
	if err != nil {
		return nil, err
	}
	return s.sums(ctx, p.Table, name, old.Counts.Rows, old.Bytes)
}

// sums adds up the additive columns of a file of so many rows and bytes (0: any). Another file, or one that cannot be
// understood, has none, which is no error.
func (s *Store) sums(ctx context.Context, t *pipeline.Table, name string, rows, size int64) (pipeline.Sums, error) {
	content, err := s.volume.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // it was read
	watched := &watchedContent{Content: content}
	sums, found, err := staging.SumRows(ctx, t, watched, content.Size())
	switch failed := watched.err(); {
	case errors.Is(failed, volume.ErrChanged): // it is another file by now
		return nil, nil
	case failed != nil:
		return nil, failed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil || found != rows || size != 0 && size != content.Size():
		return nil, nil
	}
	return sums, nil
}

// tell writes the history of windows whose files are in place. met are those that another writer touches meanwhile; what
// is in neither list has failed.
//
// Where others write at the same time, the files of the history are read before the ledger is looked at. So whoever has
// begun before that look is seen, and whoever begins after it finds what is written here and drops it.
func (s *Store) tell(ctx context.Context, l *ledgerLog, group []*pending, alone bool) (free, met []*pending) {
	for n := 1; ; n++ {
		if err := s.describe(ctx, group, alone); err != nil {
			return s.untellable(group, err), met
		}
		es := editsOf(group)
		if len(es) == 0 {
			return group, met
		}
		list, err := s.readEdits(ctx, es)
		if err == nil && !alone {
			if err = l.refresh(ctx); err == nil {
				var touched []*pending
				group, touched = l.others.part(group)
				if met = append(met, touched...); len(touched) > 0 {
					continue
				}
			}
		}
		if err == nil {
			err = s.publishHistory(ctx, list)
		}
		if errors.Is(err, volume.ErrChanged) && n < patience {
			err = pause(ctx, n)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return s.untellable(group, err), met
		}
		return group, met
	}
}

// untellable fails the windows that have a history to tell, and returns the others.
func (s *Store) untellable(group []*pending, err error) (free []*pending) {
	for _, p := range group {
		if !p.told.tells && len(p.told.untold) == 0 {
			free = append(free, p)
			continue
		}
		p.Fail("write the history", err)
	}
	return free
}

// describe makes the rows of history of windows whose files are in place: what they replaced, and the sums of both.
func (s *Store) describe(ctx context.Context, group []*pending, alone bool) error {
	claims := make(staging.Claims)
	for _, p := range group {
		if !p.told.tells {
			continue
		}
		replaced := claims.Take(p.told.replaced)
		p.told.row = staging.Change(p.Key, &p.Verdict.Entry, replaced)
		if p.told.row == nil || p.told.row.Kind != pipeline.HistoryChanged {
			continue
		}
		before, after := pipeline.Sums{}, pipeline.Sums{}
		for _, old := range replaced {
			before = before.Add(p.told.sumsOf(old.Window.Span))
		}
		if e := &p.Verdict.Entry; e.Counts.Rows > 0 && before != nil {
			var err error
			if after, err = s.sums(ctx, p.Table, p.dataFile(), e.Counts.Rows, e.Bytes); err != nil {
				return err
			}
			if after == nil && alone { // who is not alone may have met another writer
				return fmt.Errorf("%s is not what was put there", p.dataFile())
			}
		}
		p.told.row.Measures = before.Changed(after)
	}
	return nil
}

// sumsOf are those of a window that is replaced.
func (t *told) sumsOf(w pipeline.Span) pipeline.Sums {
	for _, b := range t.before {
		if b.Window == w {
			return b.Sums
		}
	}
	return nil
}

func editsOf(group []*pending) edits {
	es := make(edits)
	for _, p := range group {
		for _, u := range p.told.untold {
			es.drop(p.Key, u)
		}
		if p.told.row != nil {
			es.add(*p.told.row)
		}
	}
	return es
}

// noteFailures writes the history of entries that are failures.
func (s *Store) noteFailures(ctx context.Context, k pipeline.StreamKey, entries []pipeline.Entry) error {
	es := make(edits)
	for _, r := range staging.Failures(k, entries) {
		es.add(r)
	}
	if len(es) == 0 {
		return nil
	}
	return s.noteHistory(ctx, es)
}
