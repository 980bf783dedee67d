package staging

import (
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// Change is what a commit does to what was committed, for the history.
type Change struct {
	// Row is complete but for Measures.
	Row pipeline.HistoryRow
	// Replaced are the commits whose rows go, by window: of the window itself, and of those that it supersedes.
	Replaced []pipeline.Entry
}

// Change tells what the window's commit changes, from what the ledger knows. It is nil where no committed rows go, and
// where the rows and rejects that come are those that go.
func (v *Verdict) Change(l *pipeline.Ledger, k pipeline.StreamKey) *Change {
	e := &v.Entry
	c := &Change{Row: pipeline.HistoryRow{
		Kind: pipeline.HistoryChanged, SyncID: e.SyncID, Key: k, Window: e.Window.Span, ReadAt: e.ReadAt, RowsAfter: e.Counts.Rows,
		PreviousReadAt: pipeline.NoInstant,
	}}
	var gone pipeline.Entry
	for old := range l.WindowsOver(e.Window.Span) {
		c.Replaced = append(c.Replaced, old)
		gone.Counts = gone.Counts.Add(old.Counts)
		gone.Fingerprint, gone.RejectsHash = gone.Fingerprint.Add(old.Fingerprint), gone.RejectsHash.Add(old.RejectsHash)
		c.Row.PreviousReadAt = max(c.Row.PreviousReadAt, old.ReadAt)
		c.Row.AfterSettle = c.Row.AfterSettle || old.Settled
	}
	if len(c.Replaced) == 0 || sameRows(gone, *e) {
		return nil
	}
	c.Row.RowsBefore = gone.Counts.Rows
	return c
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
