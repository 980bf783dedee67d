package sinktest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// proof is one promise and how it is proven.
type proof struct {
	promise int // of the program; 0 where it is a part of the sink's contract alone
	name    string
	needs   []Ability
	prove   func(t *testing.T, b *fixture)
}

// proofs is everything that a sink promises.
var proofs = []proof{
	{1, "a repeated window replaces its rows, and others stay", nil, replaces},
	{1, "both tables are replaced alike", nil, bothTables},
	{1, "a confirmed empty window clears its rows", nil, clears},
	{1, "a window that never had a row is committed empty", nil, neverHad},
	{1, "rejects are replaced with their window", nil, replacesRejects},
	{1, "an aborted stage leaves the old rows", nil, aborts},
	{2, "one bad window of a group does not fail the others", nil, groupStands},
	{2, "one commit over both tables gives each window its own result", nil, mixes},
	{2, "a new process finds what was committed and recorded", nil, durable},
	{2, "a crash at any point is repaired by a repeat", nil, crashes},
	{2, "after a crash at any point other windows may come", nil, crashesThenOther},
	{2, "a fault in any call is repaired by a repeat", []Ability{Faults}, faults},
	{2, "many commits keep the ledger whole", nil, manyCommits},
	{6, "an equal reading writes no data", []Ability{Stamps}, unchanged},
	{6, "an equal reading moves the ledger on", nil, movesOn},
	{6, "a reading with other rejects is not equal", nil, otherRejects},
	{6, "an equal reading after a broken one is written", nil, repairsEqual},
	{6, "an equal reading is written where the rows are gone", []Ability{Loses}, looks},
	{7, "a newer reading is not replaced by an older one", nil, yields},
	{7, "an older reading does not hide that a newer one broke off", nil, yieldsToNone},
	{7, "two stores at once equal one", nil, together},
	{8, "a window of other bounds replaces those it overlaps", nil, supersedes},
	{8, "an empty window of other bounds clears those it overlaps", nil, supersedesEmpty},
	{8, "the same bounds cut in another zone leave one set of rows", nil, changesZone},
	{0, "the first commit notes whose rows they are, and later ones complete it", nil, notesOwner},
	{0, "the rows of another owner are refused until that one is adopted", nil, refusesOthers},
	{0, "an owner that was noted since the ledger was read counts", nil, hearsOfOwner},
	{0, "of two owners at once one commits", nil, onlyOneOwner},
	{0, "the ledger of an earlier version takes its owner from the next commit", nil, ownsEarlier},
	{0, "rows stand in the order of seq however they arrive", nil, ordered},
	{0, "a stage that has ended takes nothing more", nil, stageEnds},
	{0, "a stopped context commits nothing", nil, stopped},
	{0, "the ledger keeps the bytes that a stage held", nil, keepsStaged},
	{5, "the ledger keeps what could not be read, by field, and which fields there were", nil, keepsFields},
	{0, "notes are found again, by tenant and in order of time", nil, journals},
	{0, "a run can be recorded and the sink checked", nil, runsAndChecks},
	{0, "streams are those with a ledger", nil, streams},
	{0, "recorded runs are found again, oldest first", []Ability{ReadsRuns}, readsRuns},
	{0, "rejects are found again by window", []Ability{ReadsRejects}, readsRejects},
	{0, "what is held for a window is counted", []Ability{ReadsHoldings}, readsHoldings},
	{0, "what reading again has changed, and what has failed, is told once", []Ability{ReadsHistory}, keepsHistory},
	{0, "each of several replays of a reading is told", []Ability{ReadsHistory}, replaysKeepTheirHistory},
	{0, "of rows that were lost the history has no sums", []Ability{ReadsHistory, Loses}, tellsOfTheLost},
	{0, "what the table lacks of the ledger is named", []Ability{Verifies, Loses}, verifies},
	{0, "a window that was reopened is written again, whatever its rows", []Ability{Verifies}, reopens},
	{0, "stages that came to nothing leave nothing behind", []Ability{Leaves}, leavesNothing},
}

func replaces(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	other := reading{key: pipeline.StreamKey{Account: "us-east", Stream: agents.Stream}, window: day(0), at: 1, rows: []string{"zoe"}}
	before := reading{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob", "cy"}}
	next := reading{key: agents, window: day(1), at: 1, rows: []string{"ana"}}
	commit(t, s, pipeline.Committed, other, before, next)
	b.holds(t, agents, before, next)
	after := reading{key: agents, window: day(0), at: 2, rows: []string{"bob", "dan"}}
	commit(t, s, pipeline.Committed, after)
	b.holds(t, agents, after, next)
	b.holds(t, other.key, other)
	again := after
	again.at = 3
	again.rows = []string{"bob", "dan", "dan"}
	commit(t, b.place.Open(t), pipeline.Committed, again)
	b.holds(t, agents, again, next)
}

func bothTables(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	a := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	c := reading{key: calls, window: day(0), at: 1, rows: []string{"c1", "c2"}}
	commit(t, s, pipeline.Committed, a, c)
	a.at, a.rows = 2, []string{"bob"}
	c.at, c.rows = 2, []string{"c2"}
	commit(t, s, pipeline.Committed, a, c)
	b.holds(t, agents, a)
	b.holds(t, calls, c)
}

func clears(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	next := reading{key: agents, window: day(1), at: 1, rows: []string{"ana"}}
	commit(t, s, pipeline.Committed, r, next)
	r.at, r.rows = 2, nil
	if e := commit(t, s, pipeline.Committed, r)[0].Entry; !e.HasData {
		t.Error("the ledger forgets that the sink keeps something for the window that lost its rows")
	}
	b.holds(t, agents, r, next)
	r.at, r.rows = 3, []string{"bob"}
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r, next)
}

func neverHad(t *testing.T, b *fixture) {
	r := reading{key: agents, window: day(0), at: 1}
	if e := commit(t, b.place.Open(t), pipeline.Committed, r)[0].Entry; e.HasData {
		t.Error("the ledger says that the sink keeps something for a window that never had a row")
	}
	b.holds(t, agents, r)
	r.at = 2
	commit(t, b.place.Open(t), pipeline.Unchanged, r)
}

func replacesRejects(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, rejects: []string{`"a";x`, "b\n"}}
	next := reading{key: agents, window: day(1), at: 1, rejects: []string{"only a reject"}}
	commit(t, s, pipeline.Committed, r, next)
	b.holds(t, agents, r, next)
	r.at, r.rejects = 2, []string{"c"}
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r, next)
	r.at, r.rejects, r.rows = 3, nil, []string{"ana", "bob"}
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r, next)
}

func aborts(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	ctx := context.Background()
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, rejects: []string{"x"}}
	commit(t, s, pipeline.Committed, r)
	w, err := stage(ctx, s, reading{key: agents, window: day(0), at: 2, rows: []string{"bob"}, rejects: []string{"y"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Stage.Abort(); err != nil {
			t.Fatal(err)
		}
	}
	b.holds(t, agents, r)
	if got := s.Commit(ctx, []pipeline.Sealed{w}); got[0].Outcome != pipeline.Failed || got[0].Err == nil {
		t.Errorf("an aborted stage was committed: %+v", got[0])
	}
	b.holds(t, agents, r)
}

func groupStands(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	ctx := context.Background()
	old := reading{key: agents, window: day(1), at: 1, rows: []string{"old"}}
	commit(t, s, pipeline.Committed, old)
	rs := []reading{
		{key: agents, window: day(0), at: 2, rows: []string{"ana"}},
		{key: agents, window: day(1), at: 2, rows: []string{"bob"}},
		{key: agents, window: day(2), at: 2, rows: []string{"cy"}},
	}
	var group []pipeline.Sealed
	for _, r := range rs {
		w, err := stage(ctx, s, r)
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, w)
	}
	group[1].Entry.Counts.Rows = 7 // the engine miscounted
	got := s.Commit(ctx, group)
	for i, want := range []pipeline.Outcome{pipeline.Committed, pipeline.Failed, pipeline.Committed} {
		if got[i].Outcome != want {
			t.Errorf("window %d: outcome %d, want %d (%v)", i, got[i].Outcome, want, got[i].Err)
		}
	}
	b.holds(t, agents, rs[0], old, rs[2])
}

func durable(t *testing.T, b *fixture) {
	ctx := context.Background()
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	commit(t, s, pipeline.Committed, r)
	records := []pipeline.Entry{
		{Kind: pipeline.EntryOrigin, Window: pipeline.Window{Span: pipeline.Span{Start: day(-3).Start}}},
		{Kind: pipeline.EntryFirst, Window: pipeline.Window{Span: pipeline.Span{Start: day(-9).Start}}},
		{Kind: pipeline.EntryFail, Window: day(1), SyncID: "run-001", ReadAt: read(1), Note: "the vendor broke off"},
		{Kind: pipeline.EntryWaive, Window: day(2), SyncID: "run-001", ReadAt: read(1), Note: "deleted by the vendor"},
		{Kind: pipeline.EntryAsk, Window: day(3), SyncID: "run-001", ReadAt: read(1)},
		{Kind: pipeline.EntryAsk, Window: day(3), SyncID: "run-001", ReadAt: read(1), Note: pipeline.AskTaken},
		{Kind: pipeline.EntryAsk, Window: day(4), SyncID: "run-002", ReadAt: read(2)},
		{Kind: pipeline.EntryUnplaced, SyncID: "run-001", ReadAt: read(1), Note: "a.csv: its rows have no date\nb.csv: it has no rows"},
	}
	if err := s.Record(ctx, agents, records...); err != nil {
		t.Fatal(err)
	}
	l := b.ledger(t, agents)
	if o, ok := l.Origin(); !ok || o != day(-3).Start {
		t.Errorf("the origin is %s, %v", o, ok)
	}
	if first, ok := l.First(); !ok || first != day(-9).Start {
		t.Errorf("the first day is %s, %v", first, ok)
	}
	if e, ok := l.Failed(day(1).Span); !ok || !reflect.DeepEqual(e, records[2]) {
		t.Errorf("the failure is %+v, %v", e, ok)
	}
	if e, ok := l.Live(day(0).Span); !ok || e.SyncID != "run-001" || !e.Settled || e.Settings != "settings" {
		t.Errorf("the commit is %+v, %v", e, ok)
	}
	if w := l.Waived(); len(w) != 1 {
		t.Errorf("the waivers are %+v", w)
	}
	if asked := l.Asked(); !reflect.DeepEqual(asked, records[5:7]) {
		t.Errorf("what was asked for once is %+v", asked)
	}
	if left := l.Unplaced(); !slices.Equal(left, []string{"a.csv: its rows have no date", "b.csv: it has no rows"}) {
		t.Errorf("what no window takes is %q", left)
	}
	mine, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(mine.Entries(), l.Entries()) {
		t.Errorf("the process that wrote knows\n\t%+v\na new one\n\t%+v", mine.Entries(), l.Entries())
	}
	mine.Apply(pipeline.Entry{Kind: pipeline.EntryCommit, Window: day(9), ReadAt: read(1)})
	if l := b.ledger(t, agents); l.Dirty(day(9).Span) || len(l.Overlapping(day(9).Span)) > 0 {
		t.Error("a ledger that was handed out shares memory with the store")
	}
}

func manyCommits(t *testing.T, b *fixture) {
	s, ctx := b.place.Open(t), context.Background()
	idle := b.place.Open(t)
	if _, err := idle.Ledger(ctx, agents); err != nil {
		t.Fatal(err)
	}
	var last [3]reading
	for i := range 70 {
		last[i%3] = reading{key: agents, window: day(i % 3), at: i + 1, rows: []string{fmt.Sprint("agent ", i)}, owner: acme}
		commit(t, s, pipeline.Committed, last[i%3])
		if i%9 == 0 {
			s = b.place.Open(t)
		}
	}
	b.holds(t, agents, last[:]...)
	b.isOf(t, agents, acme)
	l, err := idle.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.Entries(), b.ledger(t, agents).Entries(); !reflect.DeepEqual(got, want) {
		t.Errorf("a store that looked before reads\n\t%+v\na new one\n\t%+v", got, want)
	}
}
