package bigquery

import (
	"context"
	"errors"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// patience is how often a group is tried, retries the half of one that failed.
// Of the transactions of several processes at once all but one are cancelled,
// so each process may need as many attempts as there are of them. What BigQuery
// refuses for a while is repeated within an attempt already; half as many do.
const patience, retries = 12, 2

// Commit implements [pipeline.Sink].
func (s *Store) Commit(ctx context.Context, windows []pipeline.Sealed) []pipeline.Result {
	defer staging.Release(windows)
	results, admitted := staging.Admit[*stage](s, apierror.Classify, windows)
	all := make([]*pending, len(admitted))
	for i, p := range admitted {
		all[i] = &pending{Pending: *p}
	}
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

// commitGroup is the protocol: judge, load, commit in one transaction, and
// read in the ledger what came of it. What has come to nothing is judged anew
// by what the ledger says then; should the windows be of several groups then,
// each goes on by itself. A group that fails for good is halved until the bad
// window stands alone.
func (s *Store) commitGroup(ctx context.Context, group []*pending, patience int) {
	var at staged
	defer func() { s.drop(ctx, &at) }()
	var used job.Usage
	ctx = job.WithUsage(ctx, &used)
	pause := s.jobs.Pauses()
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
			s.receipts.deferReceipt(id, spanOf(tried), used.Take())
		}
		if len(group) == 0 {
			return
		}
		kind, times := pipeline.KindOf(apierror.Classify("", err)), n
		if kind != pipeline.SinkFailed {
			times = 2 * n
		}
		switch {
		case ctx.Err() != nil:
			failAll(group, "commit", ctx.Err())
			return
		case err != nil && kind == pipeline.SinkFailed && len(group) > 1 && (splittable(err) || times >= patience):
			s.drop(ctx, &at)
			s.commitGroup(ctx, group[:len(group)/2], retries)
			s.commitGroup(ctx, group[len(group)/2:], retries)
			return
		case err != nil && (times >= patience || splittable(err) || kind == pipeline.Unauthorized || kind == pipeline.Invalid):
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
		err = s.logs.known(ctx, keysOf(group))
	}
	if err != nil {
		failAll(group, "read the ledger", err)
		return nil
	}
	for _, p := range group {
		l := s.logs.of(p.Key)
		l.mu.Lock()
		undecided := p.Judge(l.folded)
		p.seen = l.seen
		l.mu.Unlock()
		if !undecided {
			continue
		}
		e := &p.Verdict.Entry
		p.replaces = p.Outcome == pipeline.Committed
		if p.replaces {
			e.HasData = e.Counts.Rows > 0 || e.Counts.Rejected > 0 || p.MayHold
			p.replaces = e.HasData || len(p.Replaces) > 0 // else nothing is there and nothing comes
		}
		open = append(open, p)
	}
	return open
}

// attempt runs one transaction for the windows. Its error says nothing about
// whether they are committed: the ledger does.
func (s *Store) attempt(ctx context.Context, group []*pending, at *staged) (id string, err error) {
	if err := s.dataset.ensure(ctx); err != nil {
		return "", err
	}
	full := s.plan(ctx, group, at)
	tx, err := s.batchOf(group, at)
	if err != nil {
		return "", err
	}
	script, err := s.sql.Commit(tx)
	if err != nil {
		return "", err // before anything is loaded for it
	}
	if !full {
		if err := s.load(ctx, group, at); err != nil {
			return "", err
		}
	}
	select {
	case s.fence <- struct{}{}:
		defer func() { <-s.fence }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := s.jobs.Write(ctx, "windrow_commit_"+batchName(tx.Table)+"_"+tx.ID, script); err != nil {
		at.lost = at.lost || apierror.Absent(err)
		return tx.ID, s.missing(err)
	}
	pipeline.Point(ctx, "bigquery.committed")
	return tx.ID, nil
}

// book reads in the ledger which windows a transaction has committed, and
// returns the others. failed is what the transaction said.
func (s *Store) book(ctx context.Context, group []*pending, id string, failed error) (open []*pending) {
	err := ctx.Err()
	var found map[windowKey]pipeline.Entry
	if err == nil {
		found, err = s.logs.read(ctx, keysOf(group), id)
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
		p.Done(e)
	}
	return open
}

// splittable reports whether half of a batch may succeed where the whole failed
// for good: repeating the same would not help.
func splittable(err error) bool {
	switch apierror.Reason(err) {
	case "resourcesExceeded", "bytesBilledLimitExceeded", "responseTooLarge", "invalid":
		return true
	}
	return errors.Is(err, statement.ErrTooLong)
}
