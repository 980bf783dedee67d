package parquet

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

const (
	// patience is how often a commit meets other writers before it gives up, where nobody can be kept out.
	patience = 30
	// longestPause bounds the pause before the next attempt. Pauses begin at shortestPause and are random, so that two
	// writers do not meet again and again.
	shortestPause, longestPause = 5 * time.Millisecond, 2 * time.Second
)

var errContended = errors.New("other writers kept changing the same windows")

// pause waits before the attempt after the n-th.
func pause(ctx context.Context, n int) error {
	longest := min(longestPause, shortestPause<<min(n, 20))
	return pipeline.Sleep(ctx, rand.N(longest))
}

// pending is one window on its way through a commit.
type pending struct {
	staging.Pending[*stage]
	orphans []string // files of unknown windows that overlap it
	seen    map[string]volume.Version
	// disputed are the windows, this one or some that it replaces, of which another writer has begun a commit and not
	// ended it. It is empty where the commit is alone: then no such writer lives.
	disputed map[pipeline.Span]bool
	told     told
}

// Commit implements [pipeline.Sink].
func (s *Store) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	defer staging.Release(windows)
	results, admitted := staging.Admit[*stage](s, classify, windows)
	groups := make(map[pipeline.StreamKey][]*pending)
	for _, p := range admitted {
		groups[p.Key] = append(groups[p.Key], &pending{Pending: *p})
	}
	s.commitGroups(ctx, groups)
	return results
}

// commitGroups commits the windows of each stream, all in one update of the volume.
func (s *Store) commitGroups(ctx context.Context, groups map[pipeline.StreamKey][]*pending) {
	if len(groups) == 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b pipeline.StreamKey) int {
		return slices.Compare([]string{string(a.Stream), string(a.Account)}, []string{string(b.Stream), string(b.Account)})
	})
	err := s.volume.Update(ctx, func(ctx context.Context, alone bool) error {
		pipeline.Point(ctx, "parquet.locked")
		for _, k := range keys {
			s.commitStream(ctx, k, groups[k], alone)
		}
		return nil
	})
	if err != nil {
		for _, k := range keys {
			failAll(groups[k], "lock the sink", err)
		}
	}
}

func failAll(group []*pending, op string, err error) {
	for _, p := range group {
		p.Fail(op, err)
	}
}

// commitStream attempts the commit until no window has met another writer.
func (s *Store) commitStream(ctx context.Context, k pipeline.StreamKey, group []*pending, alone bool) {
	l, err := s.log(k)
	if err != nil {
		failAll(group, "commit", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.unwatch()
	for n := 1; ; n++ {
		var whole bool
		if group, whole = s.attempt(ctx, l, group, alone); !whole {
			return
		}
		if len(group) == 0 {
			l.compact(ctx, alone)
			return
		}
		if n == patience {
			failAll(group, "commit", errContended)
			return
		}
		if err := pause(ctx, n); err != nil {
			failAll(group, "commit", err)
			return
		}
	}
}

// attempt is the protocol: judge, look, begin, publish, tell the history, commit. What it leaves at any point, the next commit of the
// same windows finds as begun and repairs.
//
// It needs no lock. A begin is an object of the ledger with the next number, so it can only follow from all that others
// have added. Files are replaced if they are of the versions that were seen before the begin, so a writer whose begin
// is older can no longer replace what a writer with a newer begin has published. And a commit is added only if nobody
// has begun anything that touches its windows after their own begin. Whoever meets another writer at one of the three
// starts anew.
//
// again are the windows that met another writer; the others have their results. whole is false when the ledger could
// not be read or written.
func (s *Store) attempt(ctx context.Context, l *ledgerLog, group []*pending, alone bool) (again []*pending, whole bool) {
	if err := l.refresh(ctx); err != nil {
		failAll(group, "read the ledger", err)
		return nil, false
	}
	l.watch()
	if err := s.findOrphans(ctx, l, group); err != nil {
		failAll(group, "list the files", err)
		return nil, false
	}
	replace, write := s.judge(ctx, l, group, alone)
	if err := s.look(ctx, replace); err != nil {
		failAll(replace, "list the files", err)
		replace = nil
	}
	replace = s.compare(ctx, l, replace)
	// A window that has begun is brought to its end, since stopping would leave it open. The commit stops between windows.
	stop := ctx
	ctx = context.WithoutCancel(ctx)
	if err := s.begin(ctx, l, replace, alone); errors.Is(err, volume.ErrChanged) {
		return slices.Concat(replace, write), true
	} else if err != nil {
		failAll(replace, "begin the commit", err)
		replace = nil
	}
	for _, p := range replace {
		err := stop.Err()
		if err == nil {
			err = s.publish(ctx, p)
		}
		switch {
		case err == nil:
			l.orphans.forget(p.orphans)
			write = append(write, p)
		case errors.Is(err, volume.ErrChanged) && !alone:
			again = append(again, p)
		default:
			p.Fail("place the window", err)
		}
	}
	write, met := s.tell(ctx, l, write, alone)
	again = append(again, met...)
	met, err := s.end(ctx, l, write, alone)
	again = append(again, met...)
	if err != nil {
		failAll(again, "end the commit", err)
		return nil, false
	}
	return again, true
}

// judge tells the windows whose files are to be replaced from those of which only the ledger is to be told. Windows
// that yield are in neither, nor are those whose files could not be looked at, which have failed.
func (s *Store) judge(ctx context.Context, l *ledgerLog, group []*pending, alone bool) (replace, write []*pending) {
	for _, p := range group {
		p.told = told{}
		if !p.Judge(l.ledger) {
			continue
		}
		p.claimOrphans(l)
		if err := s.checkUnchanged(ctx, p); err != nil {
			p.Fail("look at the window's files", err)
			continue
		}
		if p.Outcome == pipeline.Unchanged {
			write = append(write, p)
			continue
		}
		p.disputed = make(map[pipeline.Span]bool)
		if !alone {
			for _, begun := range l.ledger.BegunOver(p.Verdict.Entry.Window.Span) {
				p.disputed[begun.Window.Span] = begun.Kind == pipeline.EntryBegin
			}
		}
		replace = append(replace, p)
	}
	return replace, write
}

// look notes the versions of all files that the windows replace, before they begin.
func (s *Store) look(ctx context.Context, group []*pending) error {
	var names []string
	for _, p := range group {
		files, err := p.files()
		if err != nil {
			return err
		}
		names = append(names, files...)
	}
	if len(names) == 0 {
		return nil
	}
	versions, err := s.volume.Versions(ctx, names...)
	if err != nil {
		return err
	}
	seen := make(map[string]volume.Version, len(names))
	for i, name := range names {
		seen[name] = versions[i]
	}
	for _, p := range group {
		p.seen = seen
		e := &p.Verdict.Entry
		e.HasData = e.Counts.Rows > 0 || p.MayHold && (p.disputed[e.Window.Span] || seen[p.dataFile()] != volume.Absent)
	}
	return nil
}

// begin marks the windows, and those that they supersede, as open.
func (s *Store) begin(ctx context.Context, l *ledgerLog, group []*pending, alone bool) error {
	if len(group) == 0 {
		return nil
	}
	entries := noteOwner(l, group)
	for _, p := range group {
		e := p.Verdict.Entry
		entries = append(entries, pipeline.Entry{
			Kind: pipeline.EntryBegin, Window: e.Window, SyncID: e.SyncID, Order: e.Order, ExtractedAt: e.ExtractedAt, ReadAt: e.ReadAt,
			Fingerprint: e.Fingerprint, RejectsHash: e.RejectsHash, Supersedes: e.Supersedes, HasData: e.HasData, Before: p.told.before,
		})
	}
	if err := l.append(ctx, entries, alone); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.begun")
	return nil
}

// noteOwner is what the ledger is to be told of the windows' owner before it is told of them.
func noteOwner(l *ledgerLog, group []*pending) (entries []pipeline.Entry) {
	known := l.ledger.Owner()
	for _, p := range group {
		entries = p.NoteOwner(entries, &known)
	}
	return entries
}

// end adds the commit entries and completes the results. met are the windows that another writer touches since they
// were judged.
func (s *Store) end(ctx context.Context, l *ledgerLog, group []*pending, alone bool) (met []*pending, err error) {
	for len(group) > 0 {
		entries := make([]pipeline.Entry, len(group))
		for i, p := range group {
			entries[i] = p.Verdict.Entry
			entries[i].CommittedAt = pipeline.InstantOf(s.now())
		}
		err := l.append(ctx, append(noteOwner(l, group), entries...), alone)
		if err == nil {
			pipeline.Point(ctx, "parquet.committed")
			for i, p := range group {
				p.Done(entries[i])
			}
			return met, nil
		}
		if errors.Is(err, volume.ErrChanged) {
			err = l.refresh(ctx)
		}
		if err != nil {
			failAll(group, "end the commit", err)
			return met, err
		}
		free, touched := l.others.part(group)
		met, group = append(met, touched...), free
	}
	return met, nil
}

// part tells the windows that no other writer touches from those that one does.
func (o *others) part(group []*pending) (free, touched []*pending) {
	for _, p := range group {
		if o.touch(p) {
			touched = append(touched, p)
		} else {
			free = append(free, p)
		}
	}
	return free, touched
}

// touch reports whether another writer has begun, reopened or committed anything that touches the window, or a window that it
// replaces, or has noted another owner.
func (o *others) touch(p *pending) bool {
	mine := append(slices.Clone(p.Replaces), p.Verdict.Entry.Window)
	return o.unknown || slices.ContainsFunc(o.entries, func(e pipeline.Entry) bool {
		if e.Kind == pipeline.EntryOwner || e.Kind == pipeline.EntryAdopt {
			return pipeline.Owner(e.Note).Contradicts(p.Owner)
		}
		if e.Kind != pipeline.EntryBegin && e.Kind != pipeline.EntryReopen && e.Kind != pipeline.EntryCommit {
			return false
		}
		return slices.ContainsFunc(append(slices.Clone(e.Supersedes), e.Window), func(theirs pipeline.Window) bool {
			return slices.ContainsFunc(mine, func(w pipeline.Window) bool { return w.Overlaps(theirs.Span) })
		})
	})
}
