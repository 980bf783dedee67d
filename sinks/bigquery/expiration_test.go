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

const day = 24 * time.Hour

// dated makes a place where it is the given time, for BigQuery and for the stores that it opens.
func dated(t testing.TB, now *time.Time) (p place, open func() *Store) {
	p = newPlace(t)
	p.server.SetNow(func() time.Time { return *now })
	return p, func() *Store {
		o := p.options()
		o.Now = func() time.Time { return *now }
		return p.open(t, o)
	}
}

func TestTablesAreMadeWithoutWhatTheDatasetWouldHaveThemInherit(t *testing.T) {
	ctx := context.Background()
	for name, defaults := range map[string]bigquery.DatasetMetadata{
		"tables":                {DefaultTableExpiration: 2 * time.Hour},
		"partitions":            {DefaultPartitionExpiration: 60 * day},
		"tables and partitions": {DefaultTableExpiration: 2 * time.Hour, DefaultPartitionExpiration: 60 * day},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
			p, open := dated(t, &now)
			dataset := p.client(t)
			md := defaults
			md.Location = "EU"
			if err := dataset.Create(ctx, &md); err != nil {
				t.Fatal(err)
			}
			s := open()
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c"))
			list, err := layouts()
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range append(list, layout{name: statement.WatermarksView}) {
				md, err := dataset.Table(l.name).Metadata(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if !md.ExpirationTime.IsZero() {
					t.Errorf("%s expires at %s", l.name, md.ExpirationTime)
				}
				kept := time.Duration(0)
				if l.retained { // the owner's wish for retention
					kept = defaults.DefaultPartitionExpiration
				}
				if part := md.TimePartitioning; part != nil && part.Expiration != kept {
					t.Errorf("%s: partitions expire after %s, want %s", l.name, part.Expiration, kept)
				}
			}
			now = now.Add(3 * time.Hour)
			s = open()
			if err := s.Check(ctx); err != nil {
				t.Error(err)
			}
			mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 2, 1, "ana"), sealOf(t, s, calls, dayWindow(0), 2, 0, "c"))
			p.holds(t, "ana")
		})
	}
}

// A process that is killed between making a table and taking its expiration off leaves an empty table that expires.
func TestANewTableThatStillExpiresIsMended(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	p, open := dated(t, &now)
	dataset := p.client(t)
	if err := dataset.Create(ctx, &bigquery.DatasetMetadata{Location: "EU", DefaultTableExpiration: 2 * time.Hour, DefaultPartitionExpiration: 60 * day}); err != nil {
		t.Fatal(err)
	}
	list, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if err := dataset.Table(l.name).Create(ctx, l.metadata()); err != nil {
			t.Fatal(err)
		}
	}
	s := open()
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	for _, l := range list {
		md, err := dataset.Table(l.name).Metadata(ctx)
		if err != nil || len(l.expirations(md)) > 0 {
			t.Errorf("%s: %+v, %v", l.name, l.expirations(md), err)
		}
	}
}

func TestATableThatExpiresIsRefusedWithTheCommandThatTakesItOff(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	p, open := dated(t, &now)
	s := open()
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c"))
	dataset := p.client(t)
	refused := func(name, what, option string) {
		t.Helper()
		s := open()
		for _, err := range []error{s.Check(ctx), mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(1), 1, 0, "bob"))[0].Err} {
			if pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "check table "+name+": invalid: it expires: it "+what) ||
				!strings.Contains(err.Error(), "ALTER TABLE `test-project.contact_centre."+name+"` SET OPTIONS ("+option+" = NULL)") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	change := func(name string, u bigquery.TableMetadataToUpdate) {
		t.Helper()
		if _, err := dataset.Table(name).Update(ctx, u, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"activity", "events", statement.LedgerTable, statement.RejectsTable, statement.JournalTable, statement.RunsTable, statement.FenceTable} {
		change(name, bigquery.TableMetadataToUpdate{ExpirationTime: now.Add(day)})
		refused(name, "is deleted at 2025-10-02T12:00:00Z", "expiration_timestamp")
		change(name, bigquery.TableMetadataToUpdate{ExpirationTime: bigquery.NeverExpire})
	}
	journal := &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "at", Expiration: 30 * day}
	change(statement.JournalTable, bigquery.TableMetadataToUpdate{TimePartitioning: journal})
	refused(statement.JournalTable, "loses its partitions after 30 days", "partition_expiration_days")
	journal.Expiration = 0
	change(statement.JournalTable, bigquery.TableMetadataToUpdate{TimePartitioning: journal})
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 1, 0, "bob"))
}

// keep has the partitions of a table expire; 0 ends that.
func (p place) keep(t testing.TB, table, column string, after time.Duration) {
	t.Helper()
	u := bigquery.TableMetadataToUpdate{TimePartitioning: &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: column, Expiration: after}}
	if _, err := p.client(t).Table(table).Update(context.Background(), u, ""); err != nil {
		t.Fatal(err)
	}
}

func TestPartitionsThatExpireAreTheOwnersWish(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	p, open := dated(t, &now)
	s := open()
	if kept, err := s.Retention(ctx, pipeline.Activity); err != nil || kept != 0 {
		t.Errorf("without a dataset the retention is %v, %v", kept, err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob"), seal(t, s, dayWindow(20), 1, 0, "cy"))
	p.keep(t, "activity", "local_date", 30*day)
	now = time.Date(2025, 10, 12, 12, 0, 0, 0, time.UTC) // the 8th and the 9th of September are past it, the 28th is not
	p.holds(t, "cy")
	s = open()
	if kept, err := s.Retention(ctx, pipeline.Activity); err != nil || kept != pipeline.Retention(30*day) {
		t.Errorf("the retention is %v, %v", kept, err)
	}
	if kept, err := s.Retention(ctx, pipeline.Events); err != nil || kept != 0 {
		t.Errorf("of events the retention is %v, %v", kept, err)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	before := len(p.server.Jobs())
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 2, 0, "ana"), seal(t, s, dayWindow(1), 2, 0, "bob"))
	if got := p.kinds(before); got != "script select" { // the ledger, and no count
		t.Errorf("expired windows took the jobs %s", got)
	}
	got := s.Commit(ctx, []pipeline.Sealed{seal(t, s, dayWindow(0), 3, 0, "new"), seal(t, s, dayWindow(1), 3, 0), seal(t, s, dayWindow(-9), 3, 0, "older"), seal(t, s, dayWindow(21), 3, 0, "dan")})
	for i, want := range []pipeline.Outcome{pipeline.Failed, pipeline.Committed, pipeline.Failed, pipeline.Committed} {
		if got[i].Outcome != want {
			t.Errorf("window %d: outcome %d, want %d (%v)", i, got[i].Outcome, want, got[i].Err)
		}
		if want == pipeline.Failed && (pipeline.KindOf(got[i].Err) != pipeline.Invalid || !strings.Contains(got[i].Err.Error(), "the window has expired: table activity drops the rows of a day after 30 days") ||
			!strings.Contains(got[i].Err.Error(), "WINDROW_FROM")) {
			t.Errorf("%v", got[i].Err)
		}
	}
	p.holds(t, "cy", "dan")
	p.meddle(t, "DELETE FROM %s WHERE resource_id = 'cy'") // what is within the retention is looked after
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(20), 4, 0, "cy"))

	p.keep(t, "activity", "local_date", 0)
	s = open()
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 5, 0, "ana")) // missing again, and written again
	if got := p.ids(t); !slices.Equal(got, []string{"ana", "cy", "dan"}) {
		t.Errorf("the table holds %q", got)
	}
}
