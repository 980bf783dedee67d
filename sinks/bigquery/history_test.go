package bigquery

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	cloud "cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// told reads the whole history, as a new process does.
func (p place) told(t testing.TB) (rows []pipeline.HistoryRow) {
	t.Helper()
	for r, err := range p.open(t, p.options()).History(context.Background(), nil, pipeline.Span{Start: statement.FirstInstant, End: statement.LastInstant}) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// BigQuery adds up as Go does, so that sums are equal where the rows are, and every sink tells the same.
func TestBigQueryAddsUpAsGoDoes(t *testing.T) {
	values := []float64{0.1, 0.2, 1.0 / 3, 12.3456789995, 0.0000000005, 74.07406800000001, -2.75, 1e6 + 0.5, -0.9999999999, math.NaN(), math.Inf(1), 1e300}
	p := newPlace(t)
	s := p.open(t, p.options())
	ids := make([]string, len(values))
	for i := range ids {
		ids[i] = fmt.Sprint("agent ", i)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, ids...), seal(t, s, dayWindow(1), 1, 0, "ana"))
	var want pipeline.Total
	for i, v := range values {
		text := fmt.Sprintf("'%v'::DOUBLE", v)
		p.meddle(t, "UPDATE %s SET talk_seconds = "+text+", answered = 7, csat = 3, missed = 9000000000000000000 WHERE resource_id = '"+ids[i]+"'")
		if math.Abs(v) < 1e30 { // what no INT64 holds counts for nothing
			want.Add(v)
		}
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 2, 0, "bob"))
	rows := p.told(t)
	if len(rows) != 1 {
		t.Fatalf("%+v", rows)
	}
	if got := rows[0].Measures; len(got) != 3 || got["talk_seconds"] != [2]float64{want.Value(), 0} || got["answered"] != [2]float64{float64(7 * len(values)), 0} ||
		got["missed"] != [2]float64{math.MaxInt64, 0} {
		t.Errorf("the measures are %v, want talk_seconds %v", got, want.Value())
	}
}

// The history follows what the guard lets through: a commit by an old ledger is told as what it was in the end.
func TestTheHistoryFollowsTheLedger(t *testing.T) {
	p := newPlace(t)
	s, other := p.open(t, p.options()), p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	if _, err := other.Ledger(context.Background(), agents); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 2, 0, "ana", "bob"))
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: bigquerytest.LostAfter})
	mustCommit(t, other, pipeline.Committed, seal(t, other, dayWindow(0), 3, 0, "cy", "dan", "eva"))
	var got []string
	for _, r := range p.told(t) {
		got = append(got, fmt.Sprint(r.SyncID, " ", r.RowsBefore, " → ", r.RowsAfter, " since ", r.PreviousReadAt == readAt(int(r.RowsBefore))))
	}
	if want := "run-2 1 → 2 since true, run-3 2 → 3 since true"; strings.Join(got, ", ") != want {
		t.Errorf("the history tells %q, want %q", got, want)
	}
	for _, j := range p.server.Jobs() {
		if len(j.FullScans) > 0 {
			t.Errorf("job %s scans all of %s:\n%s", j.ID, j.FullScans, j.SQL)
		}
	}
}

// A policy tag on a measure is in nobody's way: its sums are not known.
func TestSumsThatMayNotBeReadAreNotTold(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	if err := p.server.TagColumn("test-project", "contact_centre", "activity", "talk_seconds"); err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 4; n++ {
		mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), n, 0, "ana", fmt.Sprint("agent ", n)))
	}
	if rows := p.told(t); len(rows) != 2 || rows[0].Measures != nil || rows[1].Measures != nil || rows[1].RowsBefore != 2 {
		t.Errorf("the history tells %+v", rows)
	}
}

func TestAFailureIsToldWithItsEntryOrNotAtAll(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	fail := pipeline.Entry{Kind: pipeline.EntryFail, Window: dayWindow(0), SyncID: "run-1", ReadAt: readAt(1), ErrorKind: "cut_short", Note: "what the vendor said"}
	if err := s.dataset.ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: bigquerytest.Forbidden})
	if err := s.Record(context.Background(), agents, fail); err == nil {
		t.Error("a failure that was not noted is no error")
	}
	if rows := p.told(t); len(rows) != 0 {
		t.Errorf("the history tells %+v", rows)
	}
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: bigquerytest.LostAfter})
	if err := s.Record(context.Background(), agents, fail); err != nil {
		t.Fatal(err)
	}
	if rows := p.told(t); len(rows) != 1 || rows[0].ErrorKind != "cut_short" || rows[0].Hint == "" || rows[0].Measures != nil {
		t.Errorf("the history tells %+v", rows)
	}
	noted := p.query(t, statement.HistoryTable, "SELECT previous_read_at, after_settle, rows_before, rows_after, measures FROM contact_centre._windrow_history")
	for _, v := range noted[0] {
		if v != nil {
			t.Errorf("a failure has %v", noted[0])
		}
	}
}

// A history that an earlier version made has no columns of what could not be read and of warnings, until a sync adds them.
func TestAHistoryOfAnEarlierVersionIsReadAndAddedTo(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	table := p.client(t).Table(statement.HistoryTable)
	if err := table.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	earlier := historySchema[:len(historySchema)-2]
	if err := table.Create(ctx, &cloud.TableMetadata{Schema: earlier, TimePartitioning: &cloud.TimePartitioning{Field: "window_start"}}); err != nil {
		t.Fatal(err)
	}
	p.spoil(t, `INSERT INTO "test-project.contact_centre"."_windrow_history" VALUES ('failed', 'run-0', 'ucontact', 'default', 'ucontact.agents', TIMESTAMPTZ '2025-09-08 05:00:00+00', TIMESTAMPTZ '2025-09-09 05:00:00+00', TIMESTAMPTZ '2025-09-09 06:00:00+00', NULL, NULL, NULL, NULL, NULL, 'cut_short', NULL)`)
	if rows := p.told(t); len(rows) != 1 || rows[0].ErrorKind != "cut_short" || rows[0].Unreadable != nil || rows[0].Warning != "" {
		t.Errorf("the history tells %+v", rows)
	}
	s = p.open(t, p.options())
	warned := pipeline.HistoryRow{Kind: pipeline.HistoryWarned, SyncID: "run-2", Key: agents, Window: dayWindow(0).Span, ReadAt: readAt(2), Warning: pipeline.WarnFew, Hint: "few"}
	if err := s.Warn(ctx, warned); err != nil {
		t.Fatal(err)
	}
	if rows := p.told(t); len(rows) != 2 || rows[1].Warning+rows[0].Warning != pipeline.WarnFew {
		t.Errorf("the history tells %+v", rows)
	}
}
