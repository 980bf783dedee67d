package parquet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/verdict"
)

// pending is one window on its way through a commit.
type pending struct {
	pipeline.Sealed
	verdict.Verdict
	stage  *stage
	strays []string // files of unknown windows that overlap it
	result *pipeline.Result
}

func (p *pending) fail(op string, err error) {
	*p.result = pipeline.Result{Outcome: pipeline.Failed, Err: windowFault(op, p.Key, p.Sealed.Entry.Window.Span, err)}
}

// Commit implements [pipeline.Sink].
func (s *Store) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	results := make([]pipeline.Result, len(windows))
	groups := make(map[pipeline.StreamKey][]*pending)
	for i, w := range windows {
		p := &pending{Sealed: w, result: &results[i]}
		if err := p.check(s, groups[w.Key]); err != nil {
			p.fail("commit", &pipeline.Error{Op: "commit", Kind: pipeline.Internal, Err: err})
			continue
		}
		groups[w.Key] = append(groups[w.Key], p)
	}
	s.commitGroups(ctx, groups)
	for _, w := range windows {
		if w.Stage != nil {
			_ = w.Stage.Abort() // what was placed is gone from it; a stray goes with the run's folder
		}
	}
	return results
}

// check refuses what the engine must not ask for.
func (p *pending) check(s *Store, others []*pending) error {
	st, ok := p.Stage.(*stage)
	if !ok || st.store != s || st.key != p.Key || st.table != p.Table {
		return errors.New("the stage belongs to another store, stream or table")
	}
	p.stage = st
	for _, o := range others {
		if o.Sealed.Entry.Window.Overlaps(p.Sealed.Entry.Window.Span) {
			return fmt.Errorf("another window of the same commit overlaps it: %s", o.Sealed.Entry.Window.Span)
		}
	}
	return st.ready(p.Sealed.Entry)
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
		p.fail(op, err)
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
			p.fail("place the window", err)
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
		p.Verdict = verdict.Of(l.ledger, p.Sealed.Entry)
		p.claimStrays(l)
		*p.result = pipeline.Result{Outcome: p.Outcome}
		switch p.Outcome {
		case pipeline.Committed:
			e := &p.Verdict.Entry
			e.HasData = e.Counts.Rows > 0
			if !e.HasData && p.MayHold {
				var err error
				if e.HasData, err = s.holds(ctx, p); err != nil {
					p.fail("list the files", err)
					continue
				}
			}
			replace = append(replace, p)
		case pipeline.Unchanged:
			write = append(write, p)
		case pipeline.Failed:
			p.fail("commit", verdict.ErrInterrupted)
		}
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
	if err := p.stage.placeData(ctx, p.Verdict.Entry.HasData); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.data-renamed")
	if err := p.stage.placeRejects(ctx, p.Verdict.Entry); err != nil {
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
		p.result.Entry = entries[i]
	}
	if err := l.append(ctx, entries); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.committed")
	return nil
}
