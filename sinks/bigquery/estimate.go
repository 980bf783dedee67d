package bigquery

import (
	"context"
	"fmt"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// leastBilled is what a query is billed at least for each table that it names:
	// "BigQuery pricing", on-demand compute.
	leastBilled = 10 << 20
	// ledgerRow is about what the guard reads of a row of the ledger.
	ledgerRow = 100
)

// Estimate implements [pipeline.Meter]. It takes every planned window as one
// that has changed, so it is an upper bound of a nightly run, where most have not.
//
// Jobs: a load job, a script and a read of the ledger for each group of each
// table, a read for each stream's plan, an INSERT for each stream seen for the
// first time, and one job for the record of the run. Groups are counted by
// [Grouping]'s windows and bytes; a run that takes hours also closes one every 5
// minutes. Not counted: a second load job for a group's rejects, INSERTs into
// the journal (one for each report asked of a vendor that has a quota of them:
// the plan does not tell which), failures noted, and making the tables, once.
//
// Bytes: of each statement of a script 10 MB for every table that it names, or
// more where what it scans is more. A DELETE scans the partitions of its
// group's days, and an INSERT what is staged for them: both are taken as the
// table's bytes a day times those days. The days of a table are those of the
// windows that the ledger has, as far as it has been read; where none has, a
// DELETE counts as reading the whole table.
func (s *Store) Estimate(ctx context.Context, plan []pipeline.PlannedStream) (pipeline.Estimate, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	e := estimate{store: s, bill: pipeline.Estimate{Warnings: []string{}}, warned: make(map[string]bool)}
	ledger, err := s.metadata(ctx, ledgerTable)
	if err != nil {
		return e.bill, fault("estimate", err)
	}
	e.ledger = int64(ledger.NumRows) * ledgerRow
	e.bill.QueryJobs = len(plan) + 1
	e.bill.BytesBilled = max(ledger.NumBytes, int64(len(plan))*leastBilled)
	for _, p := range plan {
		if p.Origin != pipeline.NoInstant || p.Moved {
			e.query(max(e.ledger, leastBilled))
		}
	}
	commits := e.commits(plan)
	for _, t := range pipeline.Tables() {
		if err := e.table(ctx, t, plan, commits); err != nil {
			return e.bill, fault("estimate", err)
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
	warned map[string]bool // quotas; several groups may come near the same
}

func (e *estimate) query(billed int64) {
	e.bill.QueryJobs++
	e.bill.BytesBilled += billed
}

// warn tells of a quota of which the plan uses four fifths.
func (e *estimate) warn(used, limit float64, what, remedy string) {
	if used >= 0.8*limit && !e.warned[what] {
		e.warned[what] = true
		e.bill.Warnings = append(e.bill.Warnings, fmt.Sprintf("the plan comes to %.0f of %.0f %s; %s", used, limit, what, remedy))
	}
}

// metadata is a table's; that of a missing one is empty.
func (s *Store) metadata(ctx context.Context, name string) (md *bigquery.TableMetadata, err error) {
	err = s.again(ctx, func() error {
		md, err = s.dataset().Table(name).Metadata(ctx)
		return err
	})
	if absent(err) {
		return &bigquery.TableMetadata{}, nil
	}
	return md, err
}

// commits is how many groups the engine makes of the plan.
func (e *estimate) commits(plan []pipeline.PlannedStream) int {
	windows, bytes := 0, int64(0)
	for _, p := range plan {
		windows += len(p.Windows)
		bytes += e.store.stagedBefore(p.Stream.Key) * int64(len(p.Windows))
	}
	return max((windows+groupWindows-1)/groupWindows, int((bytes+groupBytes-1)/groupBytes))
}

// stagedBefore is how many bytes a window of the stream took on average.
func (s *Store) stagedBefore(k pipeline.StreamKey) int64 {
	n, bytes := int64(0), int64(0)
	for _, e := range s.live(k) {
		if e.Staged > 0 {
			n, bytes = n+1, bytes+e.Staged
		}
	}
	return bytes / max(n, 1)
}

// live lists the committed windows of a stream, as far as its log was read.
func (s *Store) live(k pipeline.StreamKey) []pipeline.Entry {
	l := s.log(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.folded.Overlapping(pipeline.Span{Start: firstInstant, End: lastInstant})
}

// table adds what the windows of one table take: they stand in each of the
// groups, as far as they suffice.
func (e *estimate) table(ctx context.Context, t *pipeline.Table, plan []pipeline.PlannedStream, commits int) error {
	var windows []*pending
	var there batch // every day that has rows, or may have
	for _, p := range plan {
		if p.Stream.Table != t {
			continue
		}
		for _, w := range p.Windows {
			one := &pending{replaces: true}
			one.Stage, one.Table, one.Key, one.Verdict.Entry.Window, one.Replaces = &stage{}, t, p.Stream.Key, w.Window, w.Supersedes
			windows = append(windows, one)
		}
		for _, live := range e.store.live(p.Stream.Key) {
			one := &pending{}
			one.Verdict.Entry = live
			if err := there.bound(one); err != nil {
				return err
			}
		}
	}
	if len(windows) == 0 {
		return nil
	}
	md, err := e.store.metadata(ctx, t.Name)
	if err != nil {
		return err
	}
	daily := md.NumBytes / max(days(there.dates), 1)
	each := (len(windows) + min(commits, len(windows)) - 1) / min(commits, len(windows))
	for start := 0; start < len(windows); start += each {
		for _, group := range groupsOf(windows[start:min(start+each, len(windows))]) {
			if err := e.group(t, group, &there, daily, md.NumBytes); err != nil {
				return err
			}
		}
	}
	e.warn(float64(days(there.dates)), 10_000, "partitions, which are days, of table "+t.Name,
		"begin with a later day: --from, or WINDROW_FROM")
	return nil
}

// group adds one group of a table. daily is what the table has a day, in bytes.
func (e *estimate) group(t *pipeline.Table, group []*pending, there *batch, daily, whole int64) error {
	var b batch
	for _, p := range group {
		if err := b.bound(p); err != nil {
			return err
		}
	}
	there.dates = append(there.dates, b.dates...)
	touched := days(b.dates)
	rows := max(leastBilled, daily*touched)
	guard := max(leastBilled, e.ledger)
	script := int64(leastBilled) + // the turn
		guard + // the ledger's entries
		max(leastBilled, min(daily*touched, whole)) + guard + // DELETE of rows
		rows + guard + // INSERT of rows
		leastBilled + guard // DELETE of rejects
	e.bill.LoadJobs++
	e.query(script)
	e.query(leastBilled)
	const split = "split the span by --from and --to"
	e.warn(float64(touched), 4000, "partitions that one job of table "+t.Name+" may modify", split)
	e.warn(float64(4*touched), 100_000, "partition modifications of one transaction on table "+t.Name, split)
	e.warn(float64(script), float64(e.store.maxBill), "bytes that one commit to table "+t.Name+" may be billed for",
		split+", or raise WINDROW_BIGQUERY_MAX_BYTES_BILLED")
	return nil
}

// days counts the days of ranges that may overlap.
func days(list []dateRange) (n int64) {
	for _, r := range mergeDates(list) {
		n += int64(r.last-r.first) + 1
	}
	return n
}
