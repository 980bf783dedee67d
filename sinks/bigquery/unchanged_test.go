package bigquery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// meddle changes the rows of activity as somebody else does; the text has %s for the table.
func (p place) meddle(t testing.TB, text string) {
	t.Helper()
	if err := p.server.ExecDuckDB(context.Background(), fmt.Sprintf(text, `"test-project.contact_centre"."activity"`)); err != nil {
		t.Fatal(err)
	}
}

func TestAWindowWhoseRowsAreNotThereIsWrittenAgain(t *testing.T) {
	only := "window_start = TIMESTAMPTZ '" + dayWindow(1).Start.Time().Format("2006-01-02 15:04:05+00") + "'"
	for name, harm := range map[string]string{
		"rows of a day deleted": "DELETE FROM %s WHERE " + only,
		"one row deleted":       "DELETE FROM %s WHERE resource_id = 'bob'",
		"rows doubled":          "INSERT INTO %[1]s SELECT * FROM %[1]s WHERE " + only,
		"rows of other bounds":  "INSERT INTO %[1]s SELECT * REPLACE (window_end - INTERVAL 1 HOUR AS window_end) FROM %[1]s WHERE " + only,
		"the table emptied":     "DELETE FROM %s",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := p.open(t, p.options())
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob", "cy"))
			p.meddle(t, harm)
			want := []pipeline.Outcome{pipeline.Unchanged, pipeline.Committed}
			if name == "the table emptied" {
				want[0] = pipeline.Committed
			}
			s = p.open(t, p.options())
			got := s.Commit(context.Background(), []pipeline.Sealed{seal(t, s, dayWindow(0), 2, 1, "ana"), seal(t, s, dayWindow(1), 2, 0, "bob", "cy")})
			for i, r := range got {
				if r.Outcome != want[i] || r.Err != nil || r.Entry.Unchanged != (want[i] == pipeline.Unchanged) || !r.Entry.HasData {
					t.Errorf("window %d: outcome %d, want %d: %+v, %v", i, r.Outcome, want[i], r.Entry, r.Err)
				}
			}
			p.holds(t, "ana", "bob", "cy")
			mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 3, 1, "ana"), seal(t, s, dayWindow(1), 3, 0, "bob", "cy"))
		})
	}
}

func TestAnEmptyWindowThatGotRowsIsClearedAgain(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"), seal(t, s, dayWindow(1), 1, 0))
	p.meddle(t, "INSERT INTO %[1]s SELECT * REPLACE (window_start + INTERVAL 1 DAY AS window_start, window_end + INTERVAL 1 DAY AS window_end, local_date + 1 AS local_date) FROM %[1]s")
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 2, 0))
	p.holds(t, "ana")
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(1), 3, 0), seal(t, s, dayWindow(0), 3, 0, "ana"))
}

func TestTheTablesAreAskedOnceForAllWindowsOfACommit(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	var first, again []pipeline.Sealed
	for d := range 40 {
		first = append(first, seal(t, s, dayWindow(2*d), 1, 0, "ana"), sealOf(t, s, calls, dayWindow(d), 1, 0, "c"))
	}
	mustCommit(t, s, pipeline.Committed, first...)
	p.meddle(t, "DELETE FROM %s WHERE local_date < DATE '2025-09-10'")
	before := len(p.server.Jobs())
	for d := range 40 {
		again = append(again, seal(t, s, dayWindow(2*d), 2, 0, "ana"), sealOf(t, s, calls, dayWindow(d), 2, 0, "c"))
	}
	for i, r := range s.Commit(context.Background(), again) {
		if want := map[bool]pipeline.Outcome{true: pipeline.Committed, false: pipeline.Unchanged}[i == 0]; r.Outcome != want {
			t.Errorf("window %d: outcome %d, want %d (%v)", i, r.Outcome, want, r.Err)
		}
	}
	var counts []bigquerytest.Job
	for _, j := range p.server.Jobs()[before:] {
		if j.Kind == bigquerytest.Select && strings.Contains(j.SQL, "COUNT(*) AS `held`") {
			counts = append(counts, j)
		}
	}
	if len(counts) != 1 || len(counts[0].FullScans) != 0 || counts[0].MaxBytesBilled != 100<<30 || counts[0].BytesBilled != 20*MiB ||
		!slices.Equal(counts[0].Reads, []string{"contact_centre.activity", "contact_centre.events"}) {
		t.Errorf("the rows were counted by %+v", counts)
	}
	if got := p.kinds(before); got != "select load script select" {
		t.Errorf("the commit took the jobs %s", got)
	}
	before = len(p.server.Jobs())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 3, 0, "new"))
	if got := p.kinds(before); got != "select load script select" || !strings.Contains(p.server.Jobs()[before].SQL, "SUM(") {
		t.Errorf("a commit without unchanged windows took the jobs %s", got)
	}
}

// What cannot be counted is not taken for unchanged, and other windows go on.
func TestAWindowThatCannotBeAskedAboutFails(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Select), Fault: bigquerytest.Forbidden})
	got := s.Commit(context.Background(), []pipeline.Sealed{seal(t, s, dayWindow(0), 2, 0, "ana"), seal(t, s, dayWindow(1), 2, 0, "bob")})
	if got[0].Outcome != pipeline.Failed || pipeline.KindOf(got[0].Err) != pipeline.Unauthorized || !strings.Contains(got[0].Err.Error(), "count the rows") {
		t.Errorf("outcome %d, %v", got[0].Outcome, got[0].Err)
	}
	if got[1].Outcome != pipeline.Committed {
		t.Errorf("outcome %d, %v", got[1].Outcome, got[1].Err)
	}
}

func TestATableThatVanishedHoldsNoUnchangedWindow(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"), seal(t, s, dayWindow(1), 1, 0))
	if err := p.client(t).Table("activity").Delete(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, p.open(t, p.options())} {
		for _, r := range mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 0, "ana"), seal(t, s, dayWindow(1), 2, 0)) {
			if pipeline.KindOf(r.Err) != pipeline.Invalid || !strings.Contains(r.Err.Error(), "restore table contact_centre.activity") {
				t.Errorf("%v", r.Err)
			}
		}
	}
}
