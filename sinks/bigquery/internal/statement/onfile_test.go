package statement

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement/statementtest"
)

var agents, calls = pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}, pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}

// dayWindow is the n-th local day of the tests' time.
func dayWindow(n int) pipeline.Window {
	start := time.Date(2025, 9, 8+n, 6, 0, 0, 0, time.UTC)
	return pipeline.Window{Span: pipeline.Span{Start: pipeline.InstantOf(start), End: pipeline.InstantOf(start.AddDate(0, 0, 1))}, Zone: "America/Mexico_City"}
}

// readAt is the instant of the n-th reading.
func readAt(n int) pipeline.Instant {
	return pipeline.InstantOf(time.Date(2025, 10, 1, 0, n, 0, 0, time.UTC))
}

// Staging tables on file: of activity, of events, and of rejects.
const (
	activityStage = StagePrefix + "000000000000000000000001"
	eventsStage   = StagePrefix + "000000000000000000000002"
	rejectsStage  = StagePrefix + "000000000000000000000003_rejects"
)

// statements has every statement that the sink can send, each with every part
// that it can have.
func statements(t *testing.T) string {
	t.Helper()
	commit := pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: dayWindow(0), SyncID: "run", ExtractedAt: readAt(1), ReadAt: readAt(1), CommittedAt: readAt(2), Settled: true,
		Counts: pipeline.Counts{Read: 5, Rows: 1, Rejected: 1, Outside: 2, Duplicate: 1}, Settings: "settings",
	}
	fail := pipeline.Entry{Kind: pipeline.EntryFail, Window: dayWindow(1), ErrorKind: "cut_short", Note: "it's \\ broken\n"}
	line := func(e pipeline.Entry) Line {
		l, err := NewLine(agents, e)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	changed := func(w pipeline.Window, measures map[string][2]float64) pipeline.HistoryRow {
		return pipeline.HistoryRow{Kind: pipeline.HistoryChanged, SyncID: "run", Key: agents, Window: w.Span, ReadAt: readAt(2), PreviousReadAt: readAt(1),
			AfterSettle: true, RowsBefore: 3, RowsAfter: 2, Measures: measures}
	}
	script := func(table *pipeline.Table, rows, rejects string, replaces bool) string {
		tx := Transaction{ID: "0123456789abcdef01234567", Table: table, Rows: rows, Rejects: rejects,
			RejectColumns: []string{"source", "account", "stream", "window_start", "window_end", "scope", "position", "reason", "raw", "row_time", "field", "shape"}}
		owner := line(pipeline.Entry{Kind: pipeline.EntryOwner, SyncID: "run", Note: "api.vendor.example/acme"})
		owner.Owned = 2
		tx.Lines = append(tx.Lines, owner)
		for i, w := range []pipeline.Window{dayWindow(0), dayWindow(3)} {
			e := commit
			e.Window = w
			l := line(e)
			if table == pipeline.Events {
				tx.History = append(tx.History, changed(w, nil))
			} else if rows != "" {
				tx.History = append(tx.History, changed(w, map[string][2]float64{"talk_seconds": {620, 655.5}}))
			}
			l.Seen, l.Replaces = int64(i), replaces
			tx.Lines = append(tx.Lines, l)
			if !replaces {
				continue
			}
			if err := tx.Replaced.Add(agents, w); err != nil {
				t.Fatal(err)
			}
		}
		text, err := testDataset.Commit(tx)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	tenant := pipeline.TenantKey{Source: "dialpad", Account: "default"}
	run := pipeline.Summary{SyncID: "run", Command: pipeline.CommandSync, StartedAt: readAt(1), FinishedAt: readAt(2), Exit: 3,
		Streams: []pipeline.StreamSummary{{Committed: 1, Unchanged: 2, Failed: 3, Rows: 4, Rejected: 5}, {Committed: 10}}}
	unbegun := run
	unbegun.StartedAt = pipeline.NoInstant
	var counted Extent
	if err := counted.Add(agents, dayWindow(0), dayWindow(3)); err != nil {
		t.Fatal(err)
	}
	inActivity, inEvents := TableExtent{pipeline.Activity, counted}, TableExtent{pipeline.Events, counted}
	pushed, err := testDataset.AppendPush("terms", 7, "0123456789abcdef01234567", []PushLine{{"{}", `{"note":"it's \\"}`, 7}, {"{}", "{}", 8}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range []struct{ name, text string }{
		{"check", Check},
		{"read a ledger", testDataset.ReadLedger([]LogFloor{{agents, 0}})},
		{"read ledgers", testDataset.ReadLedger([]LogFloor{{agents, 7}, {calls, 0}})},
		{"list the streams", testDataset.Streams()},
		{"read the journal", testDataset.Notes(tenant, readAt(1))},
		{"add a note", testDataset.AddNote(pipeline.Note{Tenant: tenant, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post", Text: "days_ago=1"})},
		{"add a note without text", testDataset.AddNote(pipeline.Note{Tenant: tenant, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post"})},
		{"forget notes", testDataset.ForgetNotes(readAt(1))},
		{"begin a run", testDataset.BeginRun(pipeline.Begun("run", pipeline.CommandSync, readAt(1)), "{}")},
		{"end a run", testDataset.EndRun(run, "{}")},
		{"end a run that tells no start", testDataset.EndRun(unbegun, "{}")},
		{"add the receipts of a run", testDataset.AddReceipts(run, []BatchReceipt{{"0123456789abcdef01234567", dayWindow(0).Span, pipeline.Receipt{LoadJobs: 1, QueryJobs: 2, BytesBilled: 80 << 20, SlotMillis: 1234}}})},
		{"record entries", testDataset.AddEntries([]Line{line(fail), line(commit)})},
		{"record failures", testDataset.RecordWithHistory([]Line{line(fail)}, []pipeline.HistoryRow{pipeline.FailureRow(agents, &fail)})},
		{"read the history", testDataset.History(nil, dayWindow(0).Span, true)},
		{"read the history of streams", testDataset.History([]pipeline.StreamKey{agents, calls}, dayWindow(0).Span, true)},
		{"read the history of an earlier version", testDataset.History(nil, dayWindow(0).Span, false)},
		{"warn", testDataset.AddHistory([]pipeline.HistoryRow{{Kind: pipeline.HistoryWarned, SyncID: "run", Key: agents, Window: dayWindow(0).Span, ReadAt: readAt(2), Warning: pipeline.WarnFew, Hint: "3 rows, less than a tenth of the 40 that are usual on a Monday"}})},
		{"sum rows of activity up", testDataset.SumRows(pipeline.Activity, counted)},
		{"sum rows of events up", testDataset.SumRows(pipeline.Events, counted)},
		{"try to delete rows by what is summed up", testDataset.TryDelete("activity", "local_date", pipeline.Activity.Additive()...)},
		{"try to delete events by what is summed up", testDataset.TryDelete("events", "local_date", pipeline.Events.Additive()...)},
		{"try to delete the history", testDataset.TryDelete(HistoryTable, "window_start")},
		{"count the history", testDataset.CountAll(HistoryTable, "window_start")},
		{"make the fence", testDataset.FenceRow("none")},
		{"make the fence of a send ledger", testDataset.PushFenceRow("none")},
		{"read a send ledger", testDataset.ReadPush("terms", 7)},
		{"list the logs of a send ledger", testDataset.PushLogs()},
		{"read the writer of a send ledger", testDataset.PushWriter("terms", 7)},
		{"add to a send ledger", pushed},
		{"commit rows and rejects of activity", script(pipeline.Activity, activityStage, rejectsStage, true)},
		{"commit rows of events", script(pipeline.Events, eventsStage, "", true)},
		{"clear windows", script(pipeline.Activity, "", "", true)},
		{"commit unchanged windows", script(pipeline.Activity, "", "", false)},
		{"count the rows of activity", testDataset.CountRows([]TableExtent{inActivity}, Extent{})},
		{"count rows and rejects", testDataset.CountRows([]TableExtent{inActivity, inEvents}, counted)},
		{"count rows of activity and rejects", testDataset.CountRows([]TableExtent{inActivity}, counted)},
		{"count rows of events and rejects", testDataset.CountRows([]TableExtent{inEvents}, counted)},
		{"count what is held of a stream of activity", testDataset.CountStream(agents, "activity", RejectsTable)},
		{"count what is held of a stream of events", testDataset.CountStream(calls, "events", RejectsTable)},
		{"list the holders", testDataset.Holders("activity", "events", RejectsTable)},
		{"read rows of activity", testDataset.ReadRows(pipeline.Activity, counted, HashedColumns(pipeline.Activity))},
		{"read rows of events", testDataset.ReadRows(pipeline.Events, counted, HashedColumns(pipeline.Events))},
		{"read rejects", testDataset.ReadRejects(counted)},
		{"list rejects", testDataset.ListRejects(counted, true)},
		{"list rejects of an earlier version", testDataset.ListRejects(counted, false)},
		{"read all runs", testDataset.Runs(pipeline.NoInstant, true)},
		{"read all runs of an earlier version", testDataset.Runs(pipeline.NoInstant, false)},
		{"read the runs of an earlier version since", testDataset.Runs(readAt(1), false)},
		{"read the runs since", testDataset.Runs(readAt(1), true)},
		{"sweep windows of activity", testDataset.Sweep("0123456789abcdef01234567", agents, 7, []pipeline.Span{dayWindow(0).Span, dayWindow(3).Span}, "activity", RejectsTable)},
		{"sweep windows of events", testDataset.Sweep("0123456789abcdef01234567", calls, 7, []pipeline.Span{dayWindow(0).Span}, "events", RejectsTable)},
		{"count rows to be trusted", testDataset.CountAll("activity", "local_date")},
		{"count rejects to be trusted", testDataset.CountAll(RejectsTable, "window_start")},
		{"count the rows of events", testDataset.CountRows([]TableExtent{inEvents}, Extent{})},
		{"count the rows of both tables", testDataset.CountRows([]TableExtent{inActivity, inEvents}, Extent{})},
		{"try to delete rows", testDataset.TryDelete("activity", "local_date")},
		{"try to delete events", testDataset.TryDelete("events", "local_date")},
		{"try to delete rejects", testDataset.TryDelete(RejectsTable, "window_start")},
		{"try to delete rows by what is hashed", testDataset.TryDelete("activity", "local_date", HashedColumns(pipeline.Activity)...)},
		{"try to delete events by what is hashed", testDataset.TryDelete("events", "local_date", HashedColumns(pipeline.Events)...)},
		{"try to delete rejects by what is hashed", testDataset.TryDelete(RejectsTable, "window_start", RejectColumns...)},
		{"try to delete notes", testDataset.TryDelete(JournalTable, "at")},
		{"try to delete entries", testDataset.TryDelete(LedgerTable, "")},
		{"try to delete runs", testDataset.TryDelete(RunsTable, "started_at")},
		{"try to delete the fence", testDataset.TryDelete(FenceTable, "")},
		{"count the entries", testDataset.CountAll(LedgerTable, "")},
		{"count the notes", testDataset.CountAll(JournalTable, "at")},
		{"count the runs", testDataset.CountAll(RunsTable, "started_at")},
		{"view " + WatermarksView, testDataset.Watermarks()},
	} {
		b.WriteString("-- " + s.name + "\n" + strings.TrimSuffix(s.text, ";") + ";\n\n")
	}
	return b.String()
}

// See what changed before it is written with -update, and let .ci/run googlesql
// judge it.
func TestTheStatementsAreThoseOnFile(t *testing.T) {
	statementtest.OnFile(t, filepath.Join("testdata", "statements.sql"), statements(t))
}

func TestAScriptThatBigQueryWouldRefuseIsNotBuilt(t *testing.T) {
	l, err := NewLine(agents, pipeline.Entry{Kind: pipeline.EntryCommit, Window: dayWindow(0), Note: strings.Repeat("x", MaxBytes)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testDataset.Commit(Transaction{ID: "x", Table: pipeline.Activity, Lines: []Line{l}}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a script of more than a megabyte: %v", err)
	}
}
