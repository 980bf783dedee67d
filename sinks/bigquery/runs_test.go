package bigquery

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// earlierRuns is the schema of the runs of an earlier version.
var earlierRuns = bigquery.Schema{
	required("sync_id", bigquery.StringFieldType, "the run"), field("started_at", bigquery.TimestampFieldType, "when it began"),
	field("finished_at", bigquery.TimestampFieldType, "when it ended"), required("exit", bigquery.IntegerFieldType, "its exit code"),
	required("summary", bigquery.StringFieldType, "its summary as JSON"), field("recorded_at", bigquery.TimestampFieldType, "when BigQuery took the row"),
}

// A table of runs that an earlier version made has no column that tells when a run was recorded, until a sync adds it, and
// none for what a run did. A run that has no exit code yet finds room in it.
func TestRunsOfAnEarlierVersionAreRead(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	run := pipeline.Summary{SyncID: "run-1", StartedAt: readAt(1), FinishedAt: readAt(2), Streams: []pipeline.StreamSummary{}}
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	dataset := p.client(t)
	if err := dataset.Table(statement.RunsTable).Delete(ctx); err != nil {
		t.Fatal(err)
	}
	earlier := slices.DeleteFunc(slices.Clone(earlierRuns), func(f *bigquery.FieldSchema) bool { return f.Name == "recorded_at" })
	if err := dataset.Table(statement.RunsTable).Create(ctx, &bigquery.TableMetadata{Schema: earlier}); err != nil {
		t.Fatal(err)
	}
	p.spoil(t, `INSERT INTO "test-project.contact_centre"."_windrow_runs" VALUES ('run-0', TIMESTAMPTZ '2025-10-01 00:01:00+00', TIMESTAMPTZ '2025-10-01 00:02:00+00', 3, '{"sync_id":"run-0","streams":[],"exit":3}')`)
	for _, from := range []pipeline.Instant{pipeline.NoInstant, readAt(1)} {
		var got []string
		for r, err := range p.open(t, p.options()).Runs(ctx, from, 0) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(r.SyncID)+" "+r.StartedAt.String())
		}
		if !slices.Equal(got, []string{"run-0 2025-10-01T00:01:00Z"}) {
			t.Errorf("from %s the runs are %q", from, got)
		}
	}
	run.SyncID = "run-2"
	s = p.open(t, p.options()) // a write adds the column
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendRun(ctx, pipeline.Begun("run-3", pipeline.CommandReplay, readAt(3))); err != nil {
		t.Fatal(err)
	}
	var ids []pipeline.SyncID
	for r, err := range s.Runs(ctx, pipeline.NoInstant, 0) {
		if ids = append(ids, r.SyncID); err != nil || r.Finished() != (r.SyncID != "run-3") {
			t.Fatal(err, r)
		}
	}
	if !slices.Equal(ids, []pipeline.SyncID{"run-0", "run-2", "run-3"}) {
		t.Errorf("the runs are %v", ids)
	}
}

// Each run is one row, which tells in columns what the run did, and of a killed one no more than that it began.
func TestTheTableOfRunsHasARowARun(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	run := pipeline.Begun("run-1", pipeline.CommandSync, readAt(1))
	err := errors.Join(s.AppendRun(ctx, run), s.AppendRun(ctx, pipeline.Begun("run-2", pipeline.CommandReplay, readAt(1))))
	before := s.Receipt()
	if err = errors.Join(err, s.AppendRun(ctx, pipeline.Begun("run-3", pipeline.CommandWaive, readAt(2)))); err != nil {
		t.Fatal(err)
	}
	if used := s.Receipt(); used.BytesBilled != before.BytesBilled || used.QueryJobs != before.QueryJobs+1 || used.LoadJobs != before.LoadJobs {
		t.Errorf("a beginning took %+v, after %+v", used, before)
	}
	run.FinishedAt, run.Exit = readAt(9), 3
	run.Streams = []pipeline.StreamSummary{{Committed: 1, Unchanged: 2, Failed: 3, Rows: 4, Rejected: 5}, {Committed: 10, Rows: 40}}
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	rows := p.query(t, statement.RunsTable, "SELECT sync_id, command, started_at, finished_at, `exit`, committed, unchanged, failed, `rows`, rejected FROM contact_centre._windrow_runs ORDER BY sync_id")
	want := [][]any{
		{"run-1", "sync", readAt(1), readAt(9), int64(3), int64(11), int64(2), int64(3), int64(44), int64(5)},
		{"run-2", "replay", readAt(1), nil, nil, nil, nil, nil, nil, nil},
		{"run-3", "waive", readAt(2), nil, nil, nil, nil, nil, nil, nil},
	}
	if len(rows) != len(want) {
		t.Fatalf("the rows are %v", rows)
	}
	for i, row := range rows {
		for c, value := range row {
			if at, ok := value.(time.Time); ok {
				value = pipeline.InstantOf(at)
			}
			if value != want[i][c] {
				t.Errorf("column %d of %v: %v, want %v", c, row[0], value, want[i][c])
			}
		}
	}
}

func TestNoWindowIsAskedForInVain(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 3, "ana"))
	before := len(p.server.Calls())
	for range s.WindowRejects(context.Background(), agents, nil) { //nolint:errcheck // there is none
		t.Error("no window has a reject")
	}
	if after := len(p.server.Calls()); after != before {
		t.Errorf("no window was asked for, and BigQuery was, %d times", after-before)
	}
}
