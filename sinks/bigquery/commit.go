package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/verdict"
)

// patience is how often a group is tried, retries the half of one that failed.
// Of the transactions of several processes at once all but one are cancelled,
// so each process may need as many attempts as there are of them. What BigQuery
// refuses for a while is repeated within an attempt already; half as many do.
const patience, retries = 12, 2

// pending is one window on its way through a commit.
type pending struct {
	pipeline.Sealed
	verdict.Verdict
	stage    *stage
	seen     int64 // of the ledger that the verdict knew
	replaces bool
	result   *pipeline.Result
}

func (p *pending) fail(op string, err error) {
	*p.result = pipeline.Result{Outcome: pipeline.Failed, Err: windowFault(op, p.Key, p.Sealed.Entry.Window.Span, err)}
}

func failAll(group []*pending, op string, err error) {
	for _, p := range group {
		p.fail(op, err)
	}
}

// Commit implements [pipeline.Sink].
func (s *Store) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	results := make([]pipeline.Result, len(windows))
	var all []*pending
	for i, w := range windows {
		p := &pending{Sealed: w, result: &results[i]}
		if err := p.check(s, all); err != nil {
			p.fail("commit", &pipeline.Error{Op: "commit", Kind: pipeline.Internal, Err: err})
			continue
		}
		all = append(all, p)
	}
	defer func() {
		for _, w := range windows {
			if w.Stage != nil {
				_ = w.Stage.Abort() // a stray goes with the store's folder
			}
		}
	}()
	judging, cancel := context.WithTimeout(ctx, callTime)
	all = s.judge(judging, all)
	cancel()
	for _, group := range groupsOf(all) {
		groupCtx, cancel := context.WithTimeout(ctx, groupTime)
		s.commitGroup(groupCtx, group, patience)
		cancel()
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
		if o.Key == p.Key && o.Sealed.Entry.Window.Overlaps(p.Sealed.Entry.Window.Span) {
			return fmt.Errorf("another window of the same commit overlaps it: %s", o.Sealed.Entry.Window.Span)
		}
	}
	return st.ready(p.Sealed.Entry)
}

// commitGroup is the protocol: judge, load, commit in one transaction, and
// read in the ledger what came of it. What has come to nothing is judged anew
// by what the ledger says then; should the windows be of several groups then,
// each goes on by itself. A group that fails for good is halved until the bad
// window stands alone.
func (s *Store) commitGroup(ctx context.Context, group []*pending, patience int) {
	var at staged
	defer func() { s.drop(ctx, &at) }()
	var used bill
	ctx = withBill(ctx, &used)
	pause := s.waits()
	for n := 1; ; n++ {
		groups := groupsOf(s.judge(ctx, group))
		if len(groups) == 0 {
			return
		}
		if group = groups[0]; len(groups) > 1 {
			s.drop(ctx, &at)
			for _, g := range groups {
				s.commitGroup(ctx, g, patience)
			}
			return
		}
		id, err := s.attempt(ctx, group, &at)
		tried, replaces := group, tableOf(group) != nil
		if group = s.book(ctx, group, id, err); len(group) < len(tried) && replaces {
			s.owe(tried, id, used.take())
		}
		if len(group) == 0 {
			return
		}
		kind, times := pipeline.KindOf(fault("", err)), n
		if kind != pipeline.SinkFailed {
			times = 2 * n
		}
		switch {
		case ctx.Err() != nil:
			failAll(group, "commit", ctx.Err())
			return
		case err != nil && kind == pipeline.SinkFailed && len(group) > 1 && (halvable(err) || times >= patience):
			s.drop(ctx, &at)
			s.commitGroup(ctx, group[:len(group)/2], retries)
			s.commitGroup(ctx, group[len(group)/2:], retries)
			return
		case err != nil && (times >= patience || halvable(err) || kind == pipeline.Unauthorized || kind == pipeline.Invalid):
			failAll(group, "commit", err)
			return
		case n >= 3*patience:
			failAll(group, "commit", errors.New("other runs kept committing the same windows"))
			return
		}
		if err := pipeline.Sleep(ctx, pause.NextBackOff()); err != nil {
			failAll(group, "commit", err)
			return
		}
	}
}

// judge settles the windows that need no commit, and returns those that do.
func (s *Store) judge(ctx context.Context, group []*pending) (open []*pending) {
	err := ctx.Err()
	if err == nil {
		err = s.known(ctx, keysOf(group))
	}
	if err != nil {
		failAll(group, "read the ledger", err)
		return nil
	}
	for _, p := range group {
		l := s.log(p.Key)
		l.mu.Lock()
		p.Verdict, p.seen = verdict.Of(l.folded, p.Sealed.Entry), l.seen
		l.mu.Unlock()
		switch p.Outcome {
		case pipeline.Yielded:
			*p.result = pipeline.Result{Outcome: pipeline.Yielded}
		case pipeline.Failed:
			p.fail("commit", verdict.ErrInterrupted)
		default:
			e := &p.Verdict.Entry
			p.replaces = p.Outcome == pipeline.Committed
			if p.replaces {
				e.HasData = e.Counts.Rows > 0 || e.Counts.Rejected > 0 || p.MayHold
				p.replaces = e.HasData || len(p.Replaces) > 0 // else nothing is there and nothing comes
			}
			open = append(open, p)
		}
	}
	return open
}

func keysOf(group []*pending) (keys []pipeline.StreamKey) {
	for _, p := range group {
		if !slices.Contains(keys, p.Key) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// attempt runs one transaction for the windows. Its error says nothing about
// whether they are committed: the ledger does.
func (s *Store) attempt(ctx context.Context, group []*pending, at *staged) (id string, err error) {
	if err := s.ensure(ctx); err != nil {
		return "", err
	}
	full := s.plan(ctx, group, at)
	b, err := s.batchOf(group, at)
	if err != nil {
		return "", err
	}
	script, err := s.names.commit(b)
	if err != nil {
		return "", err // before anything is loaded for it
	}
	if !full {
		if err := s.load(ctx, group, at); err != nil {
			return "", err
		}
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := s.write(ctx, "windrow_commit_"+b.tableName()+"_"+b.id, script); err != nil {
		if absent(err) {
			s.forget()
			at.lost = true
		}
		return b.id, err
	}
	pipeline.Point(ctx, "bigquery.committed")
	return b.id, nil
}

// book reads in the ledger which windows a transaction has committed, and
// returns the others. failed is what the transaction said.
func (s *Store) book(ctx context.Context, group []*pending, id string, failed error) (open []*pending) {
	err := ctx.Err()
	var found map[windowKey]pipeline.Entry
	if err == nil {
		found, err = s.readLogs(ctx, keysOf(group), id)
	}
	if err != nil {
		// They may be committed or not; the next run finds out.
		failAll(group, "commit", errors.Join(failed, err))
		return nil
	}
	for _, p := range group {
		e, ok := found[windowKey{p.Key, p.Verdict.Entry.Window.Span}]
		if !ok {
			open = append(open, p)
			continue
		}
		*p.result = pipeline.Result{Outcome: pipeline.Committed, Entry: e}
		if e.Unchanged {
			p.result.Outcome = pipeline.Unchanged
		}
	}
	return open
}
