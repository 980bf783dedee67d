package parquet

import (
	"context"
	"errors"
	"iter"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sourcegraph/conc"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// verifyGroup is how many windows are looked at before the next differences are told. Memory is theirs.
const verifyGroup = 512

// Verify implements [pipeline.Verifier].
func (s *Store) Verify(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, l *pipeline.Ledger, how pipeline.Verification) iter.Seq2[pipeline.Difference, error] {
	v := &verifier{store: s, key: k, table: t, how: how, snapshot: how.Snapshot, lookers: make([]looker, runtime.GOMAXPROCS(0))}
	return func(yield func(pipeline.Difference, error) bool) {
		tell := func(d pipeline.Difference) error {
			if !yield(d, nil) {
				return errLeft
			}
			return nil
		}
		err := v.windows(ctx, l, tell)
		if err == nil {
			err = s.extras(ctx, k, t, nil, func(d pipeline.Difference) error {
				if how.Wants != nil && !how.Wants(d.Window) {
					return nil
				}
				return tell(d)
			})
		}
		if err != nil && !errors.Is(err, errLeft) {
			yield(pipeline.Difference{}, inStream("verify", k, err))
		}
	}
}

// verifier compares the windows of one stream.
type verifier struct {
	store    *Store
	key      pipeline.StreamKey
	table    *pipeline.Table
	how      pipeline.Verification
	snapshot func(name []byte) bool
	lookers  []looker
}

// finding is a window and how its files differ.
type finding struct {
	entry   pipeline.Entry
	differs []pipeline.Difference
	err     error
}

// windows compares all windows of a ledger, group by group.
func (v *verifier) windows(ctx context.Context, l *pipeline.Ledger, tell func(pipeline.Difference) error) error {
	var group []finding
	flush := func() error {
		err := v.group(ctx, group)
		for _, f := range group {
			if err == nil {
				err = f.err
			}
			for _, d := range f.differs {
				if err == nil {
					err = tell(d)
				}
			}
		}
		group = group[:0]
		return err
	}
	doubt := l.InDoubt()
	for e := range l.Windows(pipeline.NoInstant) {
		if calendar.Touches(doubt, e.Window.Span) || v.how.Wants != nil && !v.how.Wants(e.Window) {
			continue
		}
		if group = append(group, finding{entry: e}); len(group) == verifyGroup {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// group compares some windows, and those that differ once more with the ledger as it is then. Whoever replaces a file has
// told the ledger before: a window of which the ledger still says the same did differ.
func (v *verifier) group(ctx context.Context, group []finding) error {
	open := make([]*finding, len(group))
	for i := range group {
		open[i] = &group[i]
	}
	for len(open) > 0 {
		v.look(ctx, open)
		if err := ctx.Err(); err != nil {
			return err
		}
		suspects := open[:0]
		for _, f := range open {
			if len(f.differs) > 0 || f.err != nil {
				suspects = append(suspects, f)
			}
		}
		var err error
		if open, err = v.anew(ctx, suspects); err != nil {
			return err
		}
	}
	return nil
}

// look compares windows, several at once.
func (v *verifier) look(ctx context.Context, list []*finding) {
	var next atomic.Int64
	var all conc.WaitGroup
	for i := range min(len(v.lookers), len(list)) {
		all.Go(func() {
			for at := int(next.Add(1)) - 1; at < len(list) && ctx.Err() == nil; at = int(next.Add(1)) - 1 {
				f := list[at]
				f.differs, f.err = v.compare(ctx, &v.lookers[i], f.entry)
			}
		})
	}
	all.Wait()
}

// anew returns the windows of which the ledger says something else by now, with what it says. A window that has gone, or
// whose commit is under way, differs from nothing.
func (v *verifier) anew(ctx context.Context, suspects []*finding) (changed []*finding, err error) {
	if len(suspects) == 0 {
		return nil, nil
	}
	log, err := v.store.log(v.key)
	if err != nil {
		return nil, err
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if err := log.refresh(ctx); err != nil {
		return nil, err
	}
	for _, f := range suspects {
		var now pipeline.Entry
		known := false
		for e := range log.ledger.WindowsOver(f.entry.Window.Span) {
			if e.Window == f.entry.Window {
				now, known = e, true
			}
		}
		switch {
		case !known || log.ledger.Dirty(now.Window.Span):
			f.differs, f.err = nil, nil
		case now.Order != f.entry.Order || now.ReadAt != f.entry.ReadAt || now.SyncID != f.entry.SyncID || now.CommittedAt != f.entry.CommittedAt:
			f.entry, f.differs, f.err = now, nil, nil
			changed = append(changed, f)
		}
	}
	return changed, nil
}

// extras tells the files that are named as a window's of the stream and belong to no window of the ledger as it is then. Of
// the tables it looks at what has been seen, if anybody has looked.
func (s *Store) extras(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, seen *sighting, tell func(pipeline.Difference) error) error {
	log, err := s.log(k)
	if err != nil {
		return err
	}
	var suspects []string
	flush := func() error {
		names, zone, err := s.ownerless(ctx, log, k, t, suspects)
		suspects = suspects[:0]
		for _, name := range names {
			if err == nil {
				span, _ := spanOf(name)
				err = tell(pipeline.Difference{Kind: pipeline.DiffExtra, Window: pipeline.Window{Span: span, Zone: zone}, Object: name,
					Expected: "no file", Found: "a file of no window"})
			}
		}
		return err
	}
	log.mu.Lock()
	err = log.refresh(ctx)
	known := log.ledger.Clone()
	log.mu.Unlock()
	if err != nil {
		return err
	}
	for _, parent := range parents() {
		visit := func(name string, link bool) error {
			span, ok := spanOf(name)
			if link || !ok || !isWindowFile(parent, name) || ownedIn(known, k, t, name, span) {
				return ctx.Err()
			}
			if suspects = append(suspects, name); len(suspects) == verifyGroup {
				return flush()
			}
			return ctx.Err()
		}
		if err := s.visit(ctx, layout.StreamDir(parent, k), t, seen, visit); err != nil {
			return err
		}
	}
	return flush()
}

// visit visits the files of a stream's folder that may belong to no window: all of them, but of tables what has been seen.
func (s *Store) visit(ctx context.Context, dir string, t *pipeline.Table, seen *sighting, visit func(name string, link bool) error) error {
	table, _, _ := strings.Cut(dir, "/")
	switch {
	case seen == nil || table == private:
		return s.walk(ctx, dir, visit)
	case table != t.Name && slices.Contains(seen.tables, table): // where all are suspect
		return s.walk(ctx, dir, visit)
	}
	for _, name := range seen.suspect {
		if strings.HasPrefix(name, table+"/") {
			if err := visit(name, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// parents are the folders in which windows have files.
func parents() []string {
	names := []string{rejectsDir}
	for _, t := range pipeline.Tables() {
		names = append(names, t.Name)
	}
	return names
}

// ownerless returns those of the files that no window of the ledger owns now, and the zone of the stream's windows. Every
// file was seen before: had a commit made it, the ledger would know the commit.
func (s *Store) ownerless(ctx context.Context, log *ledgerLog, k pipeline.StreamKey, t *pipeline.Table, names []string) (gone []string, zone string, err error) {
	if len(names) == 0 {
		return nil, "", nil
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if err := log.refresh(ctx); err != nil {
		return nil, "", err
	}
	for e := range log.ledger.Windows(pipeline.NoInstant) {
		zone = e.Window.Zone
		break
	}
	for _, name := range names {
		if span, _ := spanOf(name); !ownedIn(log.ledger, k, t, name, span) {
			gone = append(gone, name)
		}
	}
	return gone, zone, nil
}

// ownedIn reports whether name is the file of a window of the stream, whose rows lie in the table t.
func ownedIn(l *pipeline.Ledger, k pipeline.StreamKey, t *pipeline.Table, name string, span pipeline.Span) bool {
	parent := path.Dir(path.Dir(name))
	return (t != nil && parent == layout.StreamDir(t.Name, k) || parent == layout.StreamDir(rejectsDir, k)) && owned(l, name, span)
}

// Holders implements [pipeline.Sweeper].
func (s *Store) Holders(ctx context.Context) ([]pipeline.StreamKey, error) {
	found, err := s.holdersIn(ctx, parents())
	return byName(found), classify("list the files", err)
}

// Sweep implements [pipeline.Sweeper].
func (s *Store) Sweep(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table) (removed []string, err error) {
	const op = "remove files of no window"
	var names []string
	err = s.extras(ctx, k, t, s.sighted(k), func(d pipeline.Difference) error {
		names = append(names, d.Object)
		return nil
	})
	if err != nil || len(names) == 0 {
		return nil, inStream(op, k, err)
	}
	err = s.volume.Update(ctx, func(ctx context.Context, _ bool) error {
		removed, err = s.removeOwnerless(ctx, k, t, names)
		return err
	})
	return removed, inStream(op, k, err)
}

// removeOwnerless removes the files that still belong to no window, as they are now. The caller holds the volume.
func (s *Store) removeOwnerless(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, names []string) (removed []string, err error) {
	log, err := s.log(k)
	if err != nil {
		return nil, err
	}
	versions, err := s.volume.Versions(ctx, names...)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]volume.Version, len(names))
	for i, name := range names {
		seen[name] = versions[i]
	}
	if names, _, err = s.ownerless(ctx, log, k, t, names); err != nil {
		return nil, err
	}
	for _, name := range names {
		err := s.volume.Remove(ctx, volume.Object{Name: name, Version: seen[name]})
		if errors.Is(err, volume.ErrChanged) {
			continue // somebody is writing it
		}
		if err != nil {
			return removed, err
		}
		removed = append(removed, name)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	log.orphans.forget(removed)
	return removed, nil
}
