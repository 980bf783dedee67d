package bigquery

import (
	"context"
	"fmt"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// ledgerRow is about how many bytes the guard reads of a row of the ledger.
const ledgerRow = 100

// Estimate implements [pipeline.Meter]. Every planned window is taken for changed. The estimate is thus an upper bound
// of a nightly run, where most windows have not changed; the query that counts the rows of such windows is added.
//
// Jobs: a load job, a script and a read of the ledger for each group of each table; a read for each stream's plan; an
// INSERT for each stream that is seen for the first time; where the ledger has windows of the plan, a count of rows for
// each group, and the sums of the rows that go for each group of each table; two jobs for the record of the run, and one
// for the receipts of its groups. Groups are counted by [Grouping]'s windows and bytes, although a run that takes hours
// also closes a group every 5 minutes. Not counted: a second load job for the rejects of a group, INSERTs into the journal
// (the plan does not tell which streams have a quota of reports), noted failures, and making the tables, once.
//
// Bytes: each statement of a script is billed 10 MB for every table that the statement names, or more where the
// statement scans more. A DELETE scans the partitions of its group's days, and an INSERT scans what is staged for those
// days: both are taken for the table's bytes a day times the days, and so are a count of rows and their sums, which read
// less. The days of a table are those of the windows in the ledger, as far as the ledger has been read; where the ledger
// has no windows, a DELETE counts as reading the whole table.
func (s *Store) Estimate(ctx context.Context, plan []pipeline.PlannedStream) (pipeline.Estimate, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	e := estimate{store: s, bill: pipeline.Estimate{Warnings: []string{}}, warned: make(map[string]bool)}
	ledger, err := s.dataset.metadata(ctx, statement.LedgerTable)
	if err != nil {
		return e.bill, apierror.Classify("estimate", err)
	}
	e.ledger = int64(ledger.NumRows) * ledgerRow
	e.bill.QueryJobs = len(plan) + 1
	e.bill.BytesBilled = max(ledger.NumBytes, int64(len(plan))*leastBilled)
	e.query(leastBilled) // the end of the run takes the place of its beginning
	for _, p := range plan {
		if p.Origin != pipeline.NoInstant || p.Moved {
			e.query(max(e.ledger, leastBilled))
		}
	}
	commits := e.commits(plan)
	if commits > 0 {
		e.query(0)
	}
	if e.counts = e.again(plan); e.counts {
		e.bill.QueryJobs += commits
	}
	for _, t := range pipeline.Tables() {
		if err := e.table(ctx, t, plan, commits); err != nil {
			return e.bill, apierror.Classify("estimate", err)
		}
	}
	e.warn(float64(e.bill.LoadJobs), 100_000, "load jobs of a project and day", "split the span by --from and --to over several days")
	return e.bill, nil
}

// estimate is one estimate on its way.
type estimate struct {
	store  *Store
	ledger int64 // bytes that a guard reads
	bill   pipeline.Estimate
	counts bool            // rows of windows that may turn out unchanged
	warned map[string]bool // quotas; several groups may come near the same
}

func (e *estimate) query(billed int64) {
	e.bill.QueryJobs++
	e.bill.BytesBilled += billed
}

// warn tells of a quota of which the plan uses four fifths or more, once.
func (e *estimate) warn(used, limit float64, what, remedy string) {
	if used >= 0.8*limit && !e.warned[what] {
		e.warned[what] = true
		e.bill.Warnings = append(e.bill.Warnings, fmt.Sprintf("the plan comes to %.0f of %.0f %s; %s", used, limit, what, remedy))
	}
}

// commits is how many groups the engine makes of the plan.
func (e *estimate) commits(plan []pipeline.PlannedStream) int {
	windows, bytes := 0, int64(0)
	for _, p := range plan {
		windows += len(p.Windows)
		bytes += e.stagedBefore(p.Stream.Key) * int64(len(p.Windows))
	}
	return max((windows+groupWindows-1)/groupWindows, int((bytes+groupBytes-1)/groupBytes))
}

// again reports whether the ledger has windows of the plan, which may turn out unchanged.
func (e *estimate) again(plan []pipeline.PlannedStream) bool {
	for _, p := range plan {
		known := make(map[pipeline.Span]bool)
		for _, live := range e.store.logs.live(p.Stream.Key) {
			known[live.Window.Span] = true
		}
		if slices.ContainsFunc(p.Windows, func(w pipeline.PlannedWindow) bool { return known[w.Window.Span] }) {
			return true
		}
	}
	return false
}

// stagedBefore is how many bytes a window of the stream took on average.
func (e *estimate) stagedBefore(k pipeline.StreamKey) int64 {
	n, bytes := int64(0), int64(0)
	for _, live := range e.store.logs.live(k) {
		if live.Staged > 0 {
			n, bytes = n+1, bytes+live.Staged
		}
	}
	return bytes / max(n, 1)
}

// table adds what the windows of one table take. The windows are spread over all groups, as far as they suffice.
func (e *estimate) table(ctx context.Context, t *pipeline.Table, plan []pipeline.PlannedStream, commits int) error {
	var windows []*pending
	var there statement.Extent // of what has rows, or may have
	for _, p := range plan {
		if p.Stream.Table != t {
			continue
		}
		for _, w := range p.Windows {
			one := &pending{replaces: true}
			one.Stage, one.Table, one.Key, one.Verdict.Entry.Window, one.Replaces = &stage{}, t, p.Stream.Key, w.Window, w.Supersedes
			windows = append(windows, one)
		}
		for _, live := range e.store.logs.live(p.Stream.Key) {
			if err := there.Add(p.Stream.Key, live.Window); err != nil {
				return err
			}
		}
	}
	if len(windows) == 0 {
		return nil
	}
	md, err := e.store.dataset.metadata(ctx, t.Name)
	if err != nil {
		return err
	}
	daily := md.NumBytes / max(there.Days(), 1)
	each := (len(windows) + min(commits, len(windows)) - 1) / min(commits, len(windows))
	for start := 0; start < len(windows); start += each {
		for _, group := range groupsOf(windows[start:min(start+each, len(windows))]) {
			if err := e.group(t, group, &there, daily, md.NumBytes); err != nil {
				return err
			}
		}
	}
	e.warn(float64(there.Days()), 10_000, "partitions, which are days, of table "+t.Name,
		"begin with a later day: --from, or WINDROW_FROM")
	return nil
}

// group adds one group of a table. daily and whole are what the table has a day and in all, in bytes.
func (e *estimate) group(t *pipeline.Table, group []*pending, there *statement.Extent, daily, whole int64) error {
	var replaced statement.Extent
	for _, p := range group {
		if err := replaced.Add(p.Key, p.replaced()...); err != nil {
			return err
		}
	}
	there.Join(replaced)
	touched := replaced.Days()
	rows := max(leastBilled, daily*touched)
	guard := max(leastBilled, e.ledger)
	script := int64(leastBilled) + // the fence
		guard + // the ledger's entries
		max(leastBilled, min(daily*touched, whole)) + guard + // DELETE of rows
		rows + guard + // INSERT of rows
		leastBilled + guard // DELETE of rejects
	if e.counts {
		script += guard // INSERT of the history
	}
	e.bill.LoadJobs++
	e.query(script)
	e.query(leastBilled)
	if e.counts { // what is counted as unchanged, and what is summed up for the history
		held := max(leastBilled, min(daily*touched, whole))
		e.query(held)
		e.bill.BytesBilled += held
	}
	const split = "split the span by --from and --to"
	e.warn(float64(touched), 4000, "partitions that one job of table "+t.Name+" may modify", split)
	e.warn(float64(4*touched), 100_000, "partition modifications of one transaction on table "+t.Name, split)
	e.warn(float64(script), float64(e.store.jobs.MaxBilled()), "bytes that one commit to table "+t.Name+" may be billed for",
		split+", or raise WINDROW_BIGQUERY_MAX_BYTES_BILLED")
	return nil
}
