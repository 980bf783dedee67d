package bigquery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

const notesOfANight = 30

// afterNights is a dataset into which so many nights have written notes and runs, where earlier is set into a table as
// versions made it that had neither a clustering nor partitions. The last night was yesterday.
func afterNights(t *testing.T, nights int, now time.Time, earlier bool) place {
	t.Helper()
	p := newPlace(t)
	p.server.SetNow(func() time.Time { return now })
	dataset := p.client(t)
	if err := dataset.Create(context.Background(), &bigquery.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	if earlier {
		if err := dataset.Table(statement.RunsTable).Create(context.Background(), &bigquery.TableMetadata{Schema: earlierRuns}); err != nil {
			t.Fatal(err)
		}
	}
	s := p.openAt(t, now)
	if err := s.dataset.ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("TIMESTAMPTZ '%s' - INTERVAL (n) DAY", now.Format("2006-01-02 15:04:05+00"))
	p.spoil(t, fmt.Sprintf("INSERT INTO %%s._windrow_journal (source, account, \"at\", kind, text) SELECT 'dialpad', 'default', %s + INTERVAL (m) SECOND, 'post', 'days_ago=1' FROM range(1, %d) AS a(n), range(%d) AS b(m)", at, nights+1, notesOfANight))
	p.spoil(t, fmt.Sprintf(`INSERT INTO %%s._windrow_runs (sync_id, started_at, finished_at, exit, summary, recorded_at) SELECT 'night ' || n, %[1]s, %[1]s, 0, '{"sync_id":"night ' || n || '","streams":[]}', %[1]s FROM range(1, %[2]d) AS a(n)`, at, nights+1))
	return p
}

func (p place) openAt(t *testing.T, now time.Time) *Store {
	o := p.options()
	o.Now = func() time.Time { return now }
	return p.open(t, o)
}

// readAtNight are the bytes that jobs have read of the journal and the runs, and that readers of last week's runs have, and
// the bytes that were billed for it.
func (p place) readAtNight(t *testing.T, now time.Time) (bytes, billed int64) {
	t.Helper()
	ctx := context.Background()
	tenant := pipeline.TenantKey{Source: "dialpad", Account: "default"}
	s := p.openAt(t, now)
	before := len(p.server.Jobs())
	run := pipeline.Begun(pipeline.SyncID("night of "+now.Format(time.DateOnly)), pipeline.CommandSync, pipeline.InstantOf(now))
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	for i := range notesOfANight {
		if _, err := s.Since(ctx, tenant, now.Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.Add(ctx, pipeline.Note{Tenant: tenant, At: now.Add(time.Duration(i) * time.Second), Kind: "post", Text: "days_ago=1"}); err != nil {
			t.Fatal(err)
		}
	}
	run.FinishedAt = pipeline.InstantOf(now.Add(time.Minute))
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	runs := 0
	for _, err := range s.Runs(ctx, pipeline.InstantOf(now.Add(-7*24*time.Hour)), 0) {
		if runs++; err != nil {
			t.Fatal(err)
		}
	}
	if runs != 8 {
		t.Errorf("%d runs in a week and a night", runs)
	}
	for _, j := range p.server.Jobs()[before:] {
		if j.Failed() {
			t.Errorf("%s: %s", j.SQL, j.Message)
		}
		if slices.ContainsFunc(slices.Concat(j.Reads, j.Writes), func(name string) bool {
			return strings.HasSuffix(name, statement.JournalTable) || strings.HasSuffix(name, statement.RunsTable)
		}) {
			bytes += j.BytesProcessed
			billed += j.BytesBilled
		}
	}
	return bytes, billed
}

func TestWhatANightReadsOfRunsAndJournalDoesNotGrowWithTheYears(t *testing.T) {
	now := time.Date(2025, 10, 1, 2, 0, 0, 0, time.UTC)
	for name, earlier := range map[string]bool{"this version's tables": false, "an earlier version's": true} {
		t.Run(name, func(t *testing.T) {
			var read, billed []int64
			for _, nights := range []int{32, 1825} {
				p := afterNights(t, nights, now, earlier)
				p.readAtNight(t, now) // removes what earlier versions have left
				p.server.SetNow(func() time.Time { return now.Add(24 * time.Hour) })
				bytes, bill := p.readAtNight(t, now.Add(24*time.Hour))
				read, billed = append(read, bytes), append(billed, bill)
				left := p.query(t, statement.JournalTable, "SELECT count(*), min(`at`) FROM contact_centre._windrow_journal")[0]
				if n, first := left[0].(int64), left[1].(time.Time); n > mostNotes+notesOfANight || first.Before(now.Add(-notesKept)) {
					t.Errorf("after %d nights %d notes are left, the first of %s", nights, n, first)
				}
				if rows := p.query(t, statement.RunsTable, "SELECT count(*) FROM contact_centre._windrow_runs"); rows[0][0].(int64) != int64(nights)+2 {
					t.Errorf("%d runs are left of %d", rows[0][0], nights+2)
				}
			}
			// A table without partitions is read when a run ends. For ten years it stays below what is billed at least.
			if billed[0] != billed[1] || !earlier && read[0] != read[1] {
				t.Errorf("a night reads %d bytes after 32 nights, and %d after 1,825; %d and %d are billed", read[0], read[1], billed[0], billed[1])
			}
		})
	}
}

// Notes that may count are never removed: not by a clock that is ahead, and not by a run that is to end at once.
func TestNotesThatMayCountAreNeverForgotten(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2025, 10, 1, 2, 0, 0, 0, time.UTC)
	p := afterNights(t, 40, now, false)
	count := func() int64 {
		return p.query(t, statement.JournalTable, "SELECT count(*) FROM contact_centre._windrow_journal")[0][0].(int64)
	}
	run := func(at time.Time, exit int) {
		t.Helper()
		id := pipeline.SyncID(fmt.Sprint(at, exit))
		if err := p.openAt(t, at).AppendRun(ctx, pipeline.Summary{SyncID: id, StartedAt: pipeline.InstantOf(at), FinishedAt: pipeline.InstantOf(at), Exit: exit}); err != nil {
			t.Fatal(err)
		}
	}
	run(now, pipeline.ExitStopped)
	if n := count(); n != 40*notesOfANight {
		t.Errorf("a run that was stopped left %d notes", n)
	}
	run(now.Add(-300*24*time.Hour), 0)
	if n := count(); n != 40*notesOfANight {
		t.Errorf("a clock that is behind left %d notes", n)
	}
	run(now.Add(300*24*time.Hour), 0)
	if n := count(); n != 7*notesOfANight {
		t.Errorf("a clock that is ahead left %d notes, and %d are of the last week", n, 7*notesOfANight)
	}
	before := len(p.server.Jobs())
	run(now.Add(time.Hour), 0)
	if got := p.kinds(before); strings.Contains(got, string(bigquerytest.DML)+" "+string(bigquerytest.DML)) {
		t.Errorf("a short journal took the jobs %s", got)
	}
}
