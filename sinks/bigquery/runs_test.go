package bigquery

import (
	"context"
	"slices"
	"testing"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// A table of runs that an earlier version made has no column that tells when a run was recorded, until a sync adds it.
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
	earlier := slices.DeleteFunc(slices.Clone(runsSchema), func(f *bigquery.FieldSchema) bool { return f.Name == "recorded_at" })
	if err := dataset.Table(statement.RunsTable).Create(ctx, &bigquery.TableMetadata{Schema: earlier}); err != nil {
		t.Fatal(err)
	}
	p.spoil(t, `INSERT INTO "test-project.contact_centre"."_windrow_runs" VALUES ('run-0', TIMESTAMPTZ '2025-10-01 00:01:00+00', TIMESTAMPTZ '2025-10-01 00:02:00+00', 3, '{"sync_id":"run-0","streams":[],"exit":3}')`)
	for _, from := range []pipeline.Instant{pipeline.NoInstant, readAt(1)} {
		var got []string
		for r, err := range p.open(t, p.options()).Runs(ctx, from) {
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
	n := 0
	for _, err := range s.Runs(ctx, pipeline.NoInstant) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Errorf("%d runs", n)
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
