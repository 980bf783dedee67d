package bigquery

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// A policy that hides rows would have the count find none and a replacement delete none. BigQuery refuses DML then, so
// that no row is doubled, and check says what is missing before a sync does.
func TestARowAccessPolicyDoublesNoRowAndIsNamedByCheck(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob"))
	for _, name := range []string{"activity", "events", statement.LedgerTable, statement.RejectsTable, statement.JournalTable, statement.RunsTable, statement.FenceTable} {
		if err := p.server.FilterRows("test-project", "contact_centre", name, true); err != nil {
			t.Fatal(err)
		}
		err := p.open(t, p.options()).Check(ctx)
		if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "check table "+name) ||
			!strings.Contains(err.Error(), "CREATE ROW ACCESS POLICY windrow ON `test-project.contact_centre."+name+"` GRANT TO (…) FILTER USING (TRUE)") {
			t.Errorf("%s: %v", name, err)
		}
		if name != statement.JournalTable && name != statement.RunsTable && name != "events" {
			s := p.open(t, p.options())
			for _, r := range mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 1, "new"), seal(t, s, dayWindow(1), 2, 0, "eva")) {
				if pipeline.KindOf(r.Err) != pipeline.Unauthorized {
					t.Errorf("%s: %v", name, r.Err)
				}
			}
		}
		p.holds(t, "ana", "bob")
		if err := p.server.FilterRows("test-project", "contact_centre", name, false); err != nil {
			t.Fatal(err)
		}
	}
	s = p.open(t, p.options())
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := p.server.FilterRows("test-project", "contact_centre", "activity", true); err != nil {
		t.Fatal(err)
	}
	if r := mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 3, 1, "ana"))[0]; pipeline.KindOf(r.Err) != pipeline.Unauthorized {
		t.Errorf("a window that reads as before: %v", r.Err)
	}
	p.holds(t, "ana", "bob")
}

func TestTablesThatAskForAPartitionFilterWork(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	if err := s.dataset.ensure(ctx); err != nil {
		t.Fatal(err)
	}
	list, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if l.partition == "" {
			continue
		}
		if _, err := p.client(t).Table(l.name).Update(ctx, bigquery.TableMetadataToUpdate{RequirePartitionFilter: true}, ""); err != nil {
			t.Fatal(err)
		}
	}
	s = p.open(t, p.options())
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c"))
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 2, 1, "ana"), sealOf(t, s, calls, dayWindow(0), 2, 0, "c"))
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 3, 0, "bob"))
	at := time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)
	note := pipeline.Note{Tenant: pipeline.TenantKey{Source: "dialpad", Account: "default"}, At: at, Kind: "post"}
	if err := s.Add(ctx, note); err != nil {
		t.Error(err)
	}
	if notes, err := s.Since(ctx, note.Tenant, at.Add(-time.Hour)); err != nil || !slices.Equal(notes, []pipeline.Note{note}) {
		t.Errorf("%v, %v", notes, err)
	}
	if err := s.AppendRun(ctx, pipeline.Summary{SyncID: "run"}); err != nil {
		t.Error(err)
	}
	p.holds(t, "bob")
}
