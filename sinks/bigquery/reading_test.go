package bigquery

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

var (
	agents = pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"} // in activity
	calls  = pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}   // in events
)

// dayWindow is the n-th local day of the tests' time.
func dayWindow(n int) pipeline.Window {
	start := time.Date(2025, 9, 8+n, 6, 0, 0, 0, time.UTC)
	return pipeline.Window{Span: pipeline.Span{Start: pipeline.InstantOf(start), End: pipeline.InstantOf(start.AddDate(0, 0, 1))}, Zone: "America/Mexico_City"}
}

// readAt is the instant of the n-th reading.
func readAt(n int) pipeline.Instant {
	return pipeline.InstantOf(time.Date(2025, 10, 1, 0, n, 0, 0, time.UTC))
}

// seal stages the n-th reading of a window of ucontact.agents.
func seal(t testing.TB, s *Store, w pipeline.Window, n int, rejects int, ids ...string) pipeline.Sealed {
	t.Helper()
	return sealOf(t, s, agents, w, n, rejects, ids...)
}

// sealOf stages the n-th reading of a window of a stream.
func sealOf(t testing.TB, s *Store, k pipeline.StreamKey, w pipeline.Window, n int, rejects int, ids ...string) pipeline.Sealed {
	t.Helper()
	ctx, table := context.Background(), pipeline.Activity
	if k.Stream.Source() == calls.Stream.Source() {
		table = pipeline.Events
	}
	st, err := s.Stage(ctx, k, table, w)
	if err != nil {
		t.Fatal(err)
	}
	e := pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: w, SyncID: pipeline.SyncID(fmt.Sprint("run-", n)), ExtractedAt: readAt(n), ReadAt: readAt(n), Settled: true,
		Counts: pipeline.Counts{Read: int64(len(ids) + rejects), Rows: int64(len(ids)), Rejected: int64(rejects)}, Settings: "settings",
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.StageSchema())
	defer b.Release()
	for i, id := range ids {
		when := w.Start.Add(time.Duration(i) * time.Minute)
		for j, c := range table.Columns[pipeline.PathColumns:] {
			switch f := b.Field(j).(type) {
			case *array.StringBuilder:
				if c.Name == "extras" {
					f.AppendNull()
					continue
				}
				f.Append(map[string]string{"resource_id": id, "sync_id": string(e.SyncID)}[c.Name])
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(map[string]pipeline.Instant{
					table.TimeColumn: when, "window_start": w.Start, "window_end": w.End, "extracted_at": e.ExtractedAt,
				}[c.Name]))
			case *array.Date32Builder:
				f.Append(arrow.Date32FromTime(when.Time()))
			default:
				f.AppendNull()
			}
		}
	}
	if len(ids) > 0 {
		rec := b.NewRecord()
		defer rec.Release()
		e.Fingerprint = fingerprint(t, table, rec)
		if err := st.Append(ctx, 1, rec); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rejects {
		reject := pipeline.Reject{Row: int64(i + 1), At: pipeline.NoInstant, Reason: "odd", Raw: "raw\xff"}
		e.RejectsHash = e.RejectsHash.Add(reject.Hash())
		if err := st.Reject(ctx, []pipeline.Reject{reject}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	return pipeline.Sealed{Stage: st, Key: k, Table: table, Entry: e}
}

// fingerprint is that of the rows, as whoever reads them hashes them.
func fingerprint(t testing.TB, table *pipeline.Table, rec arrow.Record) (sum pipeline.Hash) {
	t.Helper()
	b := pipeline.NewBatch(table)
	defer b.Release()
	if err := b.Load(rec); err != nil {
		t.Fatal(err)
	}
	for range rec.NumRows() {
		b.EndRow(pipeline.NoInstant, pipeline.Hash{})
	}
	for _, h := range b.HashRows() {
		sum = sum.Add(h)
	}
	return sum
}

// mustCommit commits the windows, all of which must have the outcome.
func mustCommit(t testing.TB, s *Store, want pipeline.Outcome, windows ...pipeline.Sealed) []pipeline.Result {
	t.Helper()
	results := s.Commit(context.Background(), windows)
	for i, r := range results {
		if r.Outcome != want {
			t.Errorf("window %s: outcome %d, want %d (%v)", windows[i].Entry.Window.Span, r.Outcome, want, r.Err)
		}
	}
	return results
}

// holds checks the ids of ucontact.agents in the table.
func (p place) holds(t testing.TB, want ...string) {
	t.Helper()
	got := p.ids(t)
	if !slices.Equal(got, want) {
		t.Errorf("the table holds %q, want %q", got, want)
	}
}

// ids are those in the table, by window.
func (p place) ids(t testing.TB) []string {
	t.Helper()
	got := []string{}
	for _, r := range p.query(t, "activity", "SELECT resource_id FROM contact_centre.activity ORDER BY window_start, resource_id") {
		got = append(got, r[0].(string))
	}
	return got
}

// logged counts the commits in the log.
func (p place) logged(t testing.TB) int {
	t.Helper()
	return len(p.query(t, statement.LedgerTable, "SELECT seq FROM contact_centre._windrow_ledger WHERE kind = 'commit'"))
}
