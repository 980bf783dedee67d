package bigquery

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// A policy that hides rows would have the count find none and a replacement delete none. BigQuery refuses DML then, so
// that no row is doubled, and check says what is missing before a sync does.
func TestARowAccessPolicyDoublesNoRowAndIsNamedByCheck(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob"))
	note := pipeline.Note{Tenant: pipeline.TenantKey{Source: "dialpad", Account: "default"}, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post"}
	if err := s.Add(ctx, note); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryFail, Window: dayWindow(9), SyncID: "run-1", ReadAt: readAt(1), ErrorKind: "cut_short"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"activity", "events", statement.LedgerTable, statement.RejectsTable, statement.JournalTable, statement.RunsTable, statement.HistoryTable, statement.FenceTable} {
		if err := p.server.FilterRows("test-project", "contact_centre", name, true); err != nil {
			t.Fatal(err)
		}
		err := p.open(t, p.options()).Check(ctx)
		if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "check table "+name) ||
			!strings.Contains(err.Error(), "CREATE ROW ACCESS POLICY windrow ON `test-project.contact_centre."+name+"` GRANT TO (…) FILTER USING (TRUE)") {
			t.Errorf("%s: %v", name, err)
		}
		if name != statement.JournalTable && name != statement.RunsTable && name != statement.HistoryTable && name != "events" {
			s := p.open(t, p.options())
			for _, r := range mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 1, "new"), seal(t, s, dayWindow(1), 2, 0, "eva")) {
				if pipeline.KindOf(r.Err) != pipeline.Unauthorized {
					t.Errorf("%s: %v", name, r.Err)
				}
			}
		}
		s := p.open(t, p.options())
		if _, err := s.Ledger(ctx, agents); (name == statement.LedgerTable) != (err != nil) || err != nil && !hides(err, name) {
			t.Errorf("%s: the ledger reads %v", name, err)
		}
		if _, err := s.Streams(ctx); (name == statement.LedgerTable) != (err != nil) || err != nil && !hides(err, name) {
			t.Errorf("%s: the streams read %v", name, err)
		}
		if _, err := s.Since(ctx, note.Tenant, note.At); (name == statement.JournalTable) != (err != nil) || err != nil && !hides(err, name) {
			t.Errorf("%s: the journal reads %v", name, err)
		}
		var last error
		for _, last = range s.History(ctx, nil, dayWindow(0).Span) { //nolint:revive // only how it ends counts
		}
		if (name == statement.HistoryTable) != (last != nil) || last != nil && !hides(last, name) {
			t.Errorf("%s: the history reads %v", name, last)
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

// hides reports whether err names the table whose rows a policy hides, and the command that ends it.
func hides(err error, name string) bool {
	return pipeline.KindOf(err) == pipeline.Unauthorized && strings.Contains(err.Error(), "read table "+name) && strings.Contains(err.Error(), "row access policies hide") &&
		strings.Contains(err.Error(), "DROP ALL ROW ACCESS POLICIES ON `test-project.contact_centre."+name+"`")
}

// Asking costs no job, and one call for the life of a store.
func TestWhetherRowsAreHiddenIsAskedOnceAndIsNoJob(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	s = p.open(t, p.options())
	jobs, calls := len(p.server.Jobs()), len(p.server.Calls())
	for range 3 {
		if _, err := s.Ledger(ctx, agents); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.kinds(jobs); got != "select select select" {
		t.Errorf("three readings took the jobs %s", got)
	}
	asked := 0
	for _, c := range p.server.Calls()[calls:] {
		if c.Method == "jobs.insert" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("BigQuery was asked %d times", asked)
	}
}

// Whoever may read and not write still reads the ledger: nothing is hidden.
func TestAReaderWithoutTheRightToWriteReadsTheLedger(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	s = p.open(t, p.options())
	p.server.Inject(bigquerytest.Rule{Match: func(c bigquerytest.Call) bool { return c.Method == "jobs.insert" }, Times: -1, Fault: bigquerytest.Forbidden})
	if l, err := s.Ledger(ctx, agents); err != nil || len(l.Entries()) != 1 {
		t.Errorf("%v, %v", l, err)
	}
}

func TestTheRightThatIsMissingIsNamed(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"))
	refused := func(table, right string) {
		t.Helper()
		err := p.open(t, p.options()).Check(ctx)
		if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "check table "+table) || !strings.Contains(err.Error(), right) {
			t.Errorf("%s: %v", table, err)
		}
		s := p.open(t, p.options())
		if r := mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 1, "eva"))[0]; pipeline.KindOf(r.Err) != pipeline.Unauthorized || !strings.Contains(r.Err.Error(), right) {
			t.Errorf("%s: %v", table, r.Err)
		}
	}
	for _, name := range []string{"activity", statement.LedgerTable, statement.RejectsTable} {
		if err := p.server.TagColumn("test-project", "contact_centre", name, "account"); err != nil {
			t.Fatal(err)
		}
		refused(name, "the role Fine-Grained Reader (roles/datacatalog.categoryFineGrainedReader) on the policy tag")
		if err := p.server.TagColumn("test-project", "contact_centre", name, ""); err != nil {
			t.Fatal(err)
		}
		if err := p.server.LockKey("test-project", "contact_centre", name, true); err != nil {
			t.Fatal(err)
		}
		refused(name, "the role Cloud KMS CryptoKey Encrypter/Decrypter on the key")
		if err := p.server.LockKey("test-project", "contact_centre", name, false); err != nil {
			t.Fatal(err)
		}
	}
	// A tag on what a sync writes and does not read is in nobody's way.
	if err := p.server.TagColumn("test-project", "contact_centre", "activity", "resource_id"); err != nil {
		t.Fatal(err)
	}
	s = p.open(t, p.options())
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 3, 0, "bob"))
}

// requireFilters has every partitioned table ask for a filter of its partitions.
func (p place) requireFilters(t testing.TB) {
	t.Helper()
	list, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if l.partition == "" {
			continue
		}
		if _, err := p.client(t).Table(l.name).Update(context.Background(), bigquery.TableMetadataToUpdate{RequirePartitionFilter: true}, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTablesThatAskForAPartitionFilterWork(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	if err := s.dataset.ensure(ctx); err != nil {
		t.Fatal(err)
	}
	p.requireFilters(t)
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
