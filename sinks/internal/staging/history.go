package staging

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// LongestWindow is a year, and another year where a window grows over a seam.
const LongestWindow = 2 * 366 * 24 * time.Hour

// Replaced lists, by window, the commits whose rows go with the window's commit, from what the ledger knows: of the window
// itself, and of those that it supersedes.
func (v *Verdict) Replaced(l *pipeline.Ledger) []pipeline.Entry {
	return slices.Collect(l.WindowsOver(v.Entry.Window.Span))
}

// Change is the row of history of a commit, complete but for Measures. It is nil where the rows and rejects that come are
// those that go, and where there is nothing to replace and all values that come could be read.
func Change(k pipeline.StreamKey, e *pipeline.Entry, replaced []pipeline.Entry) *pipeline.HistoryRow {
	row := &pipeline.HistoryRow{
		Kind: pipeline.HistoryUnreadable, SyncID: e.SyncID, Key: k, Window: e.Window.Span, ReadAt: e.ReadAt, RowsAfter: e.Counts.Rows,
		Unreadable: e.Unreadable,
	}
	if len(replaced) == 0 {
		if len(e.Unreadable) == 0 {
			return nil
		}
		return row
	}
	row.Kind, row.PreviousReadAt = pipeline.HistoryChanged, pipeline.NoInstant
	var gone pipeline.Entry
	for i := range replaced {
		old := &replaced[i]
		gone.Counts = gone.Counts.Add(old.Counts)
		gone.Fingerprint, gone.RejectsHash = gone.Fingerprint.Add(old.Fingerprint), gone.RejectsHash.Add(old.RejectsHash)
		row.PreviousReadAt = max(row.PreviousReadAt, old.ReadAt)
		row.AfterSettle = row.AfterSettle || old.Settled
	}
	if sameRows(gone, *e) {
		return nil
	}
	row.RowsBefore = gone.Counts.Rows
	if len(replaced) == 1 && replaced[0].Window == e.Window && pipeline.Shrank(row.AfterSettle, row.RowsBefore, row.RowsAfter) {
		row.Warning = pipeline.WarnShrunk
	}
	return row
}

// Claims are the commits of one stream that a group of windows replaces, by window. Where two windows of the group
// replace the same one, the history tells of it with the first.
type Claims map[pipeline.Span]bool

// Take returns those that nobody has taken yet.
func (c Claims) Take(replaced []pipeline.Entry) (free []pipeline.Entry) {
	for _, e := range replaced {
		if !c[e.Window.Span] {
			free = append(free, e)
			c[e.Window.Span] = true
		}
	}
	return free
}

// SumRows adds up the additive columns of a Parquet file of size bytes, and tells its rows.
func SumRows(ctx context.Context, t *pipeline.Table, r io.ReaderAt, size int64) (sums pipeline.Sums, rows int64, err error) {
	totals := make(map[string]*pipeline.Total)
	for _, name := range t.Additive() {
		totals[name] = new(pipeline.Total)
	}
	var scan rowgroup.Scanner
	if rows, err = scan.Count(r, size); err != nil {
		return nil, 0, err
	}
	wanted := func(column string) bool { return totals[column] != nil }
	err = scan.ScanOnly(ctx, r, size, wanted, func(v rowgroup.Values) error {
		total := totals[v.Column]
		for _, n := range v.Int64s {
			total.AddInt(n)
		}
		for _, f := range v.Floats {
			total.Add(f)
		}
		return ctx.Err()
	})
	return pipeline.SumsOf(totals), rows, err
}

// Failures are the rows of history of those entries that are failures.
func Failures(k pipeline.StreamKey, entries []pipeline.Entry) (rows []pipeline.HistoryRow) {
	for i := range entries {
		if entries[i].Kind == pipeline.EntryFail {
			rows = append(rows, pipeline.FailureRow(k, &entries[i]))
		}
	}
	return rows
}

// HistoryOver chooses the rows of these streams (nil: of all) whose windows overlap the span, in their order.
func HistoryOver(rows []pipeline.HistoryRow, keys []pipeline.StreamKey, over pipeline.Span) []pipeline.HistoryRow {
	chosen := slices.DeleteFunc(slices.Clone(rows), func(r pipeline.HistoryRow) bool {
		return !r.Window.Overlaps(over) || keys != nil && !slices.Contains(keys, r.Key)
	})
	slices.SortFunc(chosen, func(a, b pipeline.HistoryRow) int { return pipeline.CompareHistory(&a, &b) })
	return chosen
}
