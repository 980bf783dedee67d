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

// groupAttempts bounds how often a group is tried, and halfAttempts how often the half of a group that failed. Of the
// transactions of several processes at once all but one are cancelled, so a process may need as many attempts as there
// are processes. What BigQuery refuses for a while is repeated within an attempt already, and counts double.
const groupAttempts, halfAttempts = 12, 2

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
		s.commitGroup(groupCtx, group, groupAttempts)
		cancel()
	}
	return results
}

// commitGroup is the protocol: judge the windows, load their rows, commit in one transaction, and read in the ledger
// what was committed. Windows that were not committed are judged anew by what the ledger says then. Where they are
// several groups then, each group goes on by itself. A group that fails for good is halved until the bad window stands
// alone.
func (s *Store) commitGroup(ctx context.Context, group []*pending, patience int) {
	var at stageTables
	defer func() { s.dropTables(ctx, &at) }()
	var used job.Usage
	ctx = job.WithUsage(ctx, &used)
	pause := s.jobs.Pauses()
	for n := 1; ; n++ {
		groups := groupsOf(s.judge(ctx, group))
		if len(groups) == 0 {
			return
		}
		if group = groups[0]; len(groups) > 1 {
			s.dropTables(ctx, &at)
			for _, g := range groups {
				s.commitGroup(ctx, g, patience)
			}
			return
		}
		id, err := s.attempt(ctx, group, &at)
		tried, replaces := group, tableOf(group) != nil
		if group = s.confirm(ctx, group, id, err); len(group) < len(tried) && replaces {
			s.receipts.deferReceipt(id, spanOf(tried), used.Take())
		}
		if len(group) == 0 {
			return
		}
		switch next, err := nextStep(ctx, err, n, patience, len(group)); next {
		case split:
			s.dropTables(ctx, &at)
			s.commitGroup(ctx, group[:len(group)/2], halfAttempts)
			s.commitGroup(ctx, group[len(group)/2:], halfAttempts)
			return
		case giveUp:
			failAll(group, "commit", err)
			return
		}
		if err := pipeline.Sleep(ctx, pause.NextBackOff()); err != nil {
			failAll(group, "commit", err)
			return
		}
	}
}

// step is what follows an attempt that left windows uncommitted.
type step uint8

const (
	tryAgain step = iota
	split         // the group, and try its halves
	giveUp
)

// nextStep decides what follows the n-th attempt of a group, which ended with failed. patience bounds the attempts. The
// error says why the windows are given up.
func nextStep(ctx context.Context, failed error, n, patience, windows int) (step, error) {
	kind, times := pipeline.KindOf(apierror.Classify("", failed)), n
	if kind != pipeline.SinkFailed {
		times = 2 * n // what is refused for a while was repeated within the attempt
	}
	switch {
	case ctx.Err() != nil:
		return giveUp, ctx.Err()
	case failed != nil && kind == pipeline.SinkFailed && windows > 1 && (splittable(failed) || times >= patience):
		return split, nil
	case failed != nil && (times >= patience || splittable(failed) || kind == pipeline.Unauthorized || kind == pipeline.Invalid):
		return giveUp, failed
	case n >= 3*patience:
		return giveUp, errors.New("other runs kept committing the same windows")
	}
	return tryAgain, nil
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
		p.seen, p.owned, p.owner = l.seen, l.owned, l.folded.Owner()
		p.known = p.Replaced(l.folded)
		l.mu.Unlock()
		if undecided {
			open = append(open, p)
		}
	}
	if len(open) > 0 {
		if err := s.dataset.ensure(ctx); err != nil {
			failAll(open, "commit", err)
			return nil
		}
	}
	open = s.refuseExpired(s.checkUnchanged(ctx, open))
	for _, p := range open {
		e := &p.Verdict.Entry
		p.replaces = p.Outcome == pipeline.Committed
		if p.replaces {
			e.HasData = e.Counts.Rows > 0 || e.Counts.Rejected > 0 || p.MayHold
			p.replaces = e.HasData || len(p.Replaces) > 0 // else nothing is there and nothing comes
		}
	}
	return open
}

// attempt runs one transaction for the windows. The ledger says whether they are committed; the error does not.
func (s *Store) attempt(ctx context.Context, group []*pending, at *stageTables) (id string, err error) {
	if err := s.describe(ctx, group); err != nil {
		return "", s.missing(err)
	}
	full := s.nameTables(ctx, group, at)
	tx, err := s.batchOf(group, at)
	if err != nil {
		return "", err
	}
	script, err := s.sql.Commit(tx)
	if err != nil {
		return "", err // before anything is loaded for it
	}
	if !full {
		if err := s.loadGroup(ctx, group, at); err != nil {
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

// confirm reads in the ledger which windows a transaction has committed, and returns the others. failed is what the
// transaction said.
func (s *Store) confirm(ctx context.Context, group []*pending, id string, failed error) (open []*pending) {
	err := ctx.Err()
	var found map[windowKey]pipeline.Entry
	if err == nil {
		found, err = s.logs.read(ctx, keysOf(group), id)
	}
	if err != nil {
		// The windows may be committed or not; the next run finds out.
		failAll(group, "commit", errors.Join(failed, err))
		return nil
	}
	for _, p := range group {
		e, ok := found[windowKey{p.Key, p.Verdict.Entry.Window.Span}]
		if !ok {
			p.held = nil // another process may have written meanwhile
			open = append(open, p)
			continue
		}
		p.Done(e)
	}
	return open
}

// splittable reports whether half of a batch may succeed where repeating the whole batch would not help.
func splittable(err error) bool {
	switch apierror.Reason(err) {
	case "resourcesExceeded", "bytesBilledLimitExceeded", "responseTooLarge", "invalid":
		return true
	}
	return errors.Is(err, statement.ErrTooLong)
}
