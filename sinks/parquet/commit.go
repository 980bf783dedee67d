package parquet

import (
	"context"
	"maps"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// pending is one window on its way through a commit.
type pending struct {
	staging.Pending[*stage]
	strays []string // files of unknown windows that overlap it
}

// Commit implements [pipeline.Sink].
func (s *Store) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	defer staging.Release(windows)
	results, admitted := staging.Admit[*stage](s, fault, windows)
	groups := make(map[pipeline.StreamKey][]*pending)
	for _, p := range admitted {
		groups[p.Key] = append(groups[p.Key], &pending{Pending: *p})
	}
	s.commitGroups(ctx, groups)
	return results
}

// commitGroups commits the windows of each stream, all under one lock.
func (s *Store) commitGroups(ctx context.Context, groups map[pipeline.StreamKey][]*pending) {
	if len(groups) == 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b pipeline.StreamKey) int {
		return slices.Compare([]string{string(a.Stream), string(a.Account)}, []string{string(b.Stream), string(b.Account)})
	})
	release, err := s.site.Lock(ctx)
	if err != nil {
		for _, k := range keys {
			failAll(groups[k], "lock the sink", err)
		}
		return
	}
	defer release()
	pipeline.Point(ctx, "parquet.locked")
	for _, k := range keys {
		s.commitStream(ctx, k, groups[k])
	}
}

func failAll(group []*pending, op string, err error) {
	for _, p := range group {
		p.Fail(op, err)
	}
}

// commitStream is the protocol: judge, begin, place, commit. What it leaves at
// any point, the next commit of the same windows finds as begun and repairs.
func (s *Store) commitStream(ctx context.Context, k pipeline.StreamKey, group []*pending) {
	l, err := s.log(k)
	if err != nil {
		failAll(group, "commit", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		failAll(group, "read the ledger", err)
		return
	}
	if err := s.findStrays(ctx, l, group[0].Table, k, group); err != nil {
		failAll(group, "list the files", err)
		return
	}
	replace, write := s.judge(ctx, l, group)
	// A window that has begun is brought to its end: stopping would leave it
	// open. Between two windows there is time to stop.
	stop := ctx
	ctx = context.WithoutCancel(ctx)
	if err := s.begin(ctx, l, replace); err != nil {
		failAll(replace, "begin the commit", err)
		replace = nil
	}
	for _, p := range replace {
		err := stop.Err()
		if err == nil {
			err = s.place(ctx, p)
		}
		if err != nil {
			p.Fail("place the window", err)
			continue
		}
		for _, name := range p.strays {
			delete(l.strays.files, name)
		}
		write = append(write, p)
	}
	if err := s.end(ctx, l, write); err != nil {
		failAll(write, "end the commit", err)
		return
	}
	l.compact(ctx)
}

// judge tells the windows whose files are to be replaced from those of which
// only the ledger is to be told. Windows that yield are in neither.
func (s *Store) judge(ctx context.Context, l *ledgerLog, group []*pending) (replace, write []*pending) {
	for _, p := range group {
		if !p.Judge(l.ledger) {
			continue
		}
		p.claimStrays(l)
		if p.Outcome == pipeline.Unchanged {
			write = append(write, p)
			continue
		}
		e := &p.Verdict.Entry
		e.HasData = e.Counts.Rows > 0
		if !e.HasData && p.MayHold {
			var err error
			if e.HasData, err = s.holds(ctx, p); err != nil {
				p.Fail("list the files", err)
				continue
			}
		}
		replace = append(replace, p)
	}
	return replace, write
}

// begin marks the windows, and those that they supersede, as open.
func (s *Store) begin(ctx context.Context, l *ledgerLog, group []*pending) error {
	if len(group) == 0 {
		return nil
	}
	entries := make([]pipeline.Entry, len(group))
	for i, p := range group {
		e := p.Verdict.Entry
		entries[i] = pipeline.Entry{
			Kind: pipeline.EntryBegin, Window: e.Window, SyncID: e.SyncID, ExtractedAt: e.ExtractedAt, ReadAt: e.ReadAt,
			Fingerprint: e.Fingerprint, RejectsHash: e.RejectsHash, Supersedes: e.Supersedes, HasData: e.HasData,
		}
	}
	if err := l.append(ctx, entries); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.begun")
	return nil
}

// place makes the directory hold the window and nothing that it replaces. New
// rows come before old ones go, so that no crash leaves neither.
func (s *Store) place(ctx context.Context, p *pending) error {
	if err := p.Stage.placeData(ctx, p.Verdict.Entry.HasData); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.data-renamed")
	if err := p.Stage.placeRejects(ctx, p.Verdict.Entry); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.rejects-placed")
	if err := s.removeReplaced(ctx, p); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.superseded-removed")
	return nil
}

// removeReplaced removes the files of windows of other bounds, or of the same
// bounds cut in another zone.
func (s *Store) removeReplaced(ctx context.Context, p *pending) error {
	names := slices.Clone(p.strays)
	for _, w := range p.Replaces {
		for _, parent := range []string{p.Table.Name, rejectsDir} {
			name, err := windowFile(parent, p.Key, w)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
	}
	var own [2]string
	for i, parent := range []string{p.Table.Name, rejectsDir} {
		name, err := windowFile(parent, p.Key, p.Verdict.Entry.Window)
		if err != nil {
			return err
		}
		own[i] = name
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(own[:], name) })
	if len(names) == 0 {
		return nil
	}
	return s.files.Remove(ctx, names...)
}

// end writes the commit entries and completes the results.
func (s *Store) end(ctx context.Context, l *ledgerLog, group []*pending) error {
	if len(group) == 0 {
		return nil
	}
	entries := make([]pipeline.Entry, len(group))
	for i, p := range group {
		entries[i] = p.Verdict.Entry
		entries[i].CommittedAt = pipeline.InstantOf(s.now())
	}
	if err := l.append(ctx, entries); err != nil {
		return err
	}
	for i, p := range group {
		p.Done(entries[i])
	}
	pipeline.Point(ctx, "parquet.committed")
	return nil
}
