package bigquery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// kinds are the kinds of the jobs from the n-th on.
func (p place) kinds(n int) string {
	var list []string
	for _, j := range p.server.Jobs()[n:] {
		list = append(list, string(j.Kind))
	}
	return strings.Join(list, " ")
}

func TestWindowsOfAllTablesThatReplaceNothingTakeOneCountAndOneTransaction(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	again := func(n int) []pipeline.Sealed {
		return []pipeline.Sealed{
			sealOf(t, s, agents, dayWindow(0), n, 1, "ana"), sealOf(t, s, calls, dayWindow(0), n, 0, "c1", "c2"),
			sealOf(t, s, agents, dayWindow(1), n, 0), sealOf(t, s, calls, dayWindow(1), n, 0),
		}
	}
	mustCommit(t, s, pipeline.Committed, again(1)...)
	before := len(p.server.Jobs())
	mustCommit(t, s, pipeline.Unchanged, again(2)...)
	for _, j := range p.server.Jobs()[before:] {
		touched := j.Writes
		if j.Kind == bigquerytest.Script {
			touched = slices.Concat(j.Writes, j.Reads)
		}
		for _, name := range touched {
			if slices.Contains([]string{"contact_centre.activity", "contact_centre.events", "contact_centre._windrow_rejects"}, name) {
				t.Errorf("job %s touches %s:\n%s", j.ID, name, j.SQL)
			}
		}
	}
	if got := p.kinds(before); got != "select script select" {
		t.Errorf("windows of two tables that are unchanged took the jobs %s", got)
	}
	if n := p.logged(t); n != 8 {
		t.Errorf("the log has %d commits, want 8", n)
	}
}

func TestWindowsThatReplaceNothingRideAlong(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, sealOf(t, s, agents, dayWindow(0), 1, 0, "ana"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c1"))
	before := len(p.server.Jobs())
	results := s.Commit(context.Background(), []pipeline.Sealed{
		sealOf(t, s, calls, dayWindow(0), 2, 0, "c1"), sealOf(t, s, agents, dayWindow(0), 2, 0, "bob"), sealOf(t, s, calls, dayWindow(3), 2, 0),
	})
	for i, want := range []pipeline.Outcome{pipeline.Unchanged, pipeline.Committed, pipeline.Committed} {
		if results[i].Outcome != want {
			t.Errorf("window %d: outcome %d, want %d (%v)", i, results[i].Outcome, want, results[i].Err)
		}
	}
	if got := p.kinds(before); got != "select select load script select" { // counts what is unchanged, sums what goes
		t.Errorf("one window with data and two without took the jobs %s", got)
	}
	before = len(p.server.Jobs())
	mustCommit(t, s, pipeline.Committed, sealOf(t, s, calls, dayWindow(0), 3, 0, "c2"), sealOf(t, s, agents, dayWindow(0), 3, 0, "cy"))
	if got := p.kinds(before); got != "select load script select select load script select" {
		t.Errorf("data of two tables took the jobs %s", got)
	}
	p.holds(t, "cy")
}

// The verdict of the quiet window rests on an old ledger: judged anew it
// replaces rows of another table than its group's.
func TestAQuietWindowThatTurnsOutToReplaceGoesOnByItself(t *testing.T) {
	p := newPlace(t)
	s, other := p.open(t, p.options()), p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, sealOf(t, s, agents, dayWindow(0), 1, 0, "ana"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c1"))
	mustCommit(t, other, pipeline.Committed, sealOf(t, other, calls, dayWindow(0), 2, 0, "c2"))
	results := s.Commit(context.Background(), []pipeline.Sealed{
		sealOf(t, s, agents, dayWindow(0), 3, 0, "bob"), sealOf(t, s, calls, dayWindow(0), 3, 0, "c1"),
	})
	for i, r := range results {
		if r.Outcome != pipeline.Committed {
			t.Errorf("window %d: outcome %d, %v", i, r.Outcome, r.Err)
		}
	}
	p.holds(t, "bob")
	if rows := p.query(t, "events", "SELECT resource_id FROM contact_centre.events"); len(rows) != 1 || rows[0][0] != "c1" {
		t.Errorf("events holds %v", rows)
	}
}

// spread is n pending windows of a stream, each of some days.
func spread(t *testing.T, s *Store, k pipeline.StreamKey, n, days int, replaces bool) (list []*pending) {
	for i := range n {
		w := dayWindow(i * days)
		w.End = w.Start.Add(time.Duration(days) * 24 * time.Hour)
		st, err := s.Stage(context.Background(), k, pipeline.Activity, w)
		if err != nil {
			t.Fatal(err)
		}
		p := &pending{replaces: replaces}
		p.Stage = st.(*stage)
		p.Key, p.Table = k, pipeline.Activity
		if k == calls {
			p.Table = pipeline.Events
		}
		p.Verdict.Entry = pipeline.Entry{
			Kind: pipeline.EntryCommit, Window: w, SyncID: "20251001T000000Z-0123abcd", ExtractedAt: readAt(1), ReadAt: readAt(1), Settled: true,
			Counts:      pipeline.Counts{Read: 123456, Rows: 123400, Rejected: 12, Outside: 40, Duplicate: 4},
			Fingerprint: pipeline.FieldHash(1, []byte(fmt.Sprint(i))), RejectsHash: pipeline.FieldHash(2, []byte(fmt.Sprint(i))),
			Settings: "0123456789abcdef0123456789abcdef", Staged: 123456789, HasData: true,
		}
		list = append(list, p)
	}
	return list
}

func TestAGroupHasOneTableAndIsNoLargerThanOneJobTakes(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	tests := []struct {
		name string
		all  []*pending
		want []int // windows of each group
	}{
		{"nothing", nil, nil},
		{"one table", spread(t, s, agents, 5, 1, true), []int{5}},
		{"two tables", slices.Concat(spread(t, s, calls, 2, 1, true), spread(t, s, agents, 3, 1, true)), []int{3, 2}},
		{"quiet windows alone", slices.Concat(spread(t, s, calls, 2, 1, false), spread(t, s, agents, 3, 1, false)), []int{5}},
		{"quiet windows beside data", slices.Concat(spread(t, s, calls, 2, 1, false), spread(t, s, agents, 3, 1, true)), []int{5}},
		{"years, which are many partitions", spread(t, s, agents, 20, 366, true), []int{8, 8, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, g := range groupsOf(tt.all) {
				got = append(got, len(g))
				if again := groupsOf(g); len(again) != 1 || len(again[0]) != len(g) {
					t.Errorf("a group of %d windows is cut again", len(g))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("groups of %v windows, want %v", got, tt.want)
			}
		})
	}
}

// Days apart, so that the bounds of what is deleted are as long as they get.
func TestAGroupOfAllWindowsThatGroupingAllowsFitsIntoOneScript(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	for _, replaces := range []bool{true, false} {
		group := spread(t, s, pipeline.StreamKey{Account: "a-rather-long-account", Stream: "chattonic.operators"}, Grouping().Windows, 2, replaces)
		for _, p := range group {
			p.Verdict.Entry.Window.End = p.Verdict.Entry.Window.Start.Add(24 * time.Hour)
			p.Verdict.Entry.Supersedes = []pipeline.Window{p.Verdict.Entry.Window}
		}
		tx, err := s.batchOf(group, &stageTables{rows: statement.StagePrefix + "x"})
		if err != nil {
			t.Fatal(err)
		}
		script, err := s.sql.Commit(tx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d windows, replacing %v: %d bytes, %d a window", len(group), replaces, len(script), len(script)/len(group))
		if len(script) > statement.MaxBytes*8/10 {
			t.Errorf("%d bytes leave no room for windows of longer entries", len(script))
		}
	}
}

// A script that would be too long is halved before anything is loaded for it.
func TestAGroupOfTooLongEntriesIsHalved(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(9), 1, 0, "old"))
	before := p.server.CountJobs("")[bigquerytest.Load]
	var group []pipeline.Sealed
	for d := range 4 {
		w := seal(t, s, dayWindow(d), 1, 0, fmt.Sprint("agent ", d))
		w.Entry.Settings = strings.Repeat("x", statement.MaxBytes/6)
		group = append(group, w)
	}
	mustCommit(t, s, pipeline.Committed, group...)
	p.holds(t, "agent 0", "agent 1", "agent 2", "agent 3", "old")
	if n := p.server.CountJobs("")[bigquerytest.Load] - before; n != 2 {
		t.Errorf("two halves took %d loads", n)
	}
}
