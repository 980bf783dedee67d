package sinktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
)

// proof is one promise and how it is proven.
type proof struct {
	promise int // of the program; 0 where it is a part of the sink's contract alone
	name    string
	needs   []Ability
	prove   func(t *testing.T, b *bench)
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
	{2, "a new process finds what was committed and recorded", nil, durable},
	{2, "a crash at any point is repaired by a repeat", nil, crashes},
	{2, "a fault in any call is repaired by a repeat", []Ability{Faults}, faults},
	{2, "many commits keep the ledger whole", nil, manyCommits},
	{6, "an equal reading writes no data", []Ability{Stamps}, unchanged},
	{6, "an equal reading moves the ledger on", nil, movesOn},
	{6, "a reading with other rejects is not equal", nil, otherRejects},
	{6, "an equal reading after a broken one is written", nil, repairsEqual},
	{7, "a newer reading is not replaced by an older one", nil, yields},
	{7, "an older reading does not hide that a newer one broke off", nil, yieldsToNone},
	{7, "two stores at once equal one", nil, together},
	{8, "a window of other bounds replaces those it overlaps", nil, supersedes},
	{8, "an empty window of other bounds clears those it overlaps", nil, supersedesEmpty},
	{8, "the same bounds cut in another zone leave one set of rows", nil, changesZone},
	{0, "rows stand in the order of seq however they arrive", nil, ordered},
	{0, "a stage that has ended takes nothing more", nil, stageEnds},
	{0, "a stopped context commits nothing", nil, stopped},
	{0, "notes are found again, by tenant and in order of time", nil, journals},
	{0, "a run can be recorded and the sink checked", nil, runsAndChecks},
	{0, "streams are those with a ledger", nil, streams},
	{0, "stages that came to nothing leave nothing behind", []Ability{Leaves}, leavesNothing},
}

func replaces(t *testing.T, b *bench) {
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

func bothTables(t *testing.T, b *bench) {
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

func clears(t *testing.T, b *bench) {
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

func neverHad(t *testing.T, b *bench) {
	r := reading{key: agents, window: day(0), at: 1}
	if e := commit(t, b.place.Open(t), pipeline.Committed, r)[0].Entry; e.HasData {
		t.Error("the ledger says that the sink keeps something for a window that never had a row")
	}
	b.holds(t, agents, r)
	r.at = 2
	commit(t, b.place.Open(t), pipeline.Unchanged, r)
}

func replacesRejects(t *testing.T, b *bench) {
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

func aborts(t *testing.T, b *bench) {
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

func groupStands(t *testing.T, b *bench) {
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

func durable(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	commit(t, s, pipeline.Committed, r)
	records := []pipeline.Entry{
		{Kind: pipeline.EntryOrigin, Window: pipeline.Window{Span: pipeline.Span{Start: day(-3).Start}}},
		{Kind: pipeline.EntryFail, Window: day(1), SyncID: "run-001", ReadAt: read(1), Note: "the vendor broke off"},
		{Kind: pipeline.EntryWaive, Window: day(2), SyncID: "run-001", ReadAt: read(1), Note: "deleted by the vendor"},
	}
	if err := s.Record(ctx, agents, records...); err != nil {
		t.Fatal(err)
	}
	l := b.ledger(t, agents)
	if o, ok := l.Origin(); !ok || o != day(-3).Start {
		t.Errorf("the origin is %s, %v", o, ok)
	}
	if e, ok := l.Failed(day(1).Span); !ok || !reflect.DeepEqual(e, records[1]) {
		t.Errorf("the failure is %+v, %v", e, ok)
	}
	if e, ok := l.Live(day(0).Span); !ok || e.SyncID != "run-001" || !e.Settled || e.Settings != "settings" {
		t.Errorf("the commit is %+v, %v", e, ok)
	}
	if w := l.Waived(); len(w) != 1 {
		t.Errorf("the waivers are %+v", w)
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

func manyCommits(t *testing.T, b *bench) {
	s, ctx := b.place.Open(t), context.Background()
	idle := b.place.Open(t)
	if _, err := idle.Ledger(ctx, agents); err != nil {
		t.Fatal(err)
	}
	var last [3]reading
	for i := range 70 {
		last[i%3] = reading{key: agents, window: day(i % 3), at: i + 1, rows: []string{fmt.Sprint("agent ", i)}}
		commit(t, s, pipeline.Committed, last[i%3])
		if i%9 == 0 {
			s = b.place.Open(t)
		}
	}
	b.holds(t, agents, last[:]...)
	l, err := idle.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.Entries(), b.ledger(t, agents).Entries(); !reflect.DeepEqual(got, want) {
		t.Errorf("a store that looked before reads\n\t%+v\na new one\n\t%+v", got, want)
	}
}

func unchanged(t *testing.T, b *bench) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}, rejects: []string{"x"}}
	empty := reading{key: agents, window: day(1), at: 1}
	commit(t, s, pipeline.Committed, r, empty)
	stamp := func() string { return b.place.(Stamper).Stamp(t, pipeline.Activity, agents) }
	before := stamp()
	again, emptyAgain := r, empty
	again.at, emptyAgain.at = 2, 2
	commit(t, b.place.Open(t), pipeline.Unchanged, again, emptyAgain)
	if after := stamp(); after != before {
		t.Errorf("an equal reading wrote data:\n%s\nbefore\n%s", after, before)
	}
	again.at, again.rows = 3, []string{"ana"}
	commit(t, s, pipeline.Committed, again)
	if stamp() == before {
		t.Error("the stamp does not tell that data were written")
	}
}

func movesOn(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	w, err := stage(ctx, s, r)
	if err != nil {
		t.Fatal(err)
	}
	w.Entry.Settled, w.Entry.Settings = false, "older settings"
	if got := s.Commit(ctx, []pipeline.Sealed{w}); got[0].Err != nil {
		t.Fatal(got[0].Err)
	}
	again := r
	again.at = 2
	commit(t, s, pipeline.Unchanged, again)
	e, ok := b.ledger(t, agents).Live(day(0).Span)
	if !ok || !e.Settled || e.Settings != "settings" || e.SyncID != "run-002" || e.ReadAt != read(2) || !e.HasData {
		t.Errorf("the ledger says %+v, %v", e, ok)
	}
	b.holds(t, agents, r)
}

func otherRejects(t *testing.T, b *bench) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, rejects: []string{"x"}}
	commit(t, s, pipeline.Committed, r)
	r.at, r.rejects = 2, []string{"y"}
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r)
}

// repairsEqual: an older reading was committed, a newer one of it broke off.
// The rows may be either's, so the third is written although it equals the first.
func repairsEqual(t *testing.T, b *bench) {
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	s := b.place.Open(t)
	commit(t, s, pipeline.Committed, r)
	begun := reading{key: agents, window: day(0), at: 2, rows: []string{"bob"}}.entry()
	begun.Kind = pipeline.EntryBegin
	if err := s.Record(context.Background(), agents, begun); err != nil {
		t.Fatal(err)
	}
	r.at = 3
	commit(t, b.place.Open(t), pipeline.Committed, r)
	b.holds(t, agents, r)
}

func yields(t *testing.T, b *bench) {
	s := b.place.Open(t)
	newer := reading{key: agents, window: day(0), at: 5, rows: []string{"new"}, rejects: []string{"n"}}
	commit(t, s, pipeline.Committed, newer)
	older := reading{key: agents, window: day(0), at: 4, rows: []string{"old"}}
	next := reading{key: agents, window: day(1), at: 4, rows: []string{"next"}}
	got := try(context.Background(), b.place.Open(t), older, next)
	if got[0].Outcome != pipeline.Yielded || got[0].Err != nil || got[1].Outcome != pipeline.Committed {
		t.Fatalf("results %+v", got)
	}
	half := reading{key: agents, window: span(0, 6), at: 3, rows: []string{"part"}}
	commit(t, s, pipeline.Yielded, half)
	b.holds(t, agents, newer, next)
	same := newer
	same.rows = []string{"new", "and repeated"}
	commit(t, s, pipeline.Committed, same)
	b.holds(t, agents, same, next)
}

func yieldsToNone(t *testing.T, b *bench) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 5, rows: []string{"ana"}}
	commit(t, s, pipeline.Committed, r)
	begun := reading{key: agents, window: day(0), at: 6, rows: []string{"bob"}}.entry()
	begun.Kind = pipeline.EntryBegin
	if err := s.Record(context.Background(), agents, begun); err != nil {
		t.Fatal(err)
	}
	commit(t, s, pipeline.Failed, reading{key: agents, window: day(0), at: 4, rows: []string{"old"}})
	if !b.ledger(t, agents).Dirty(day(0).Span) {
		t.Error("the window is no longer open")
	}
	r.at = 7
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r)
}

func together(t *testing.T, b *bench) {
	const stores, rounds, days = 2, 6, 3
	var wg sync.WaitGroup
	newest := make([]reading, days)
	for d := range days {
		newest[d] = reading{key: agents, window: day(d), at: stores * rounds, rows: []string{fmt.Sprint("reading ", stores*rounds)}}
	}
	for n := range stores {
		s := b.place.Open(t)
		wg.Go(func() {
			for round := range rounds {
				at := round*stores + n + 1
				var group []reading
				for d := range days {
					group = append(group, reading{key: agents, window: day(d), at: at, rows: []string{fmt.Sprint("reading ", at)}})
				}
				for i, r := range try(context.Background(), s, group...) {
					if r.Err != nil || r.Outcome != pipeline.Committed && r.Outcome != pipeline.Yielded {
						t.Errorf("reading %d of day %d: outcome %d, %v", at, i, r.Outcome, r.Err)
					}
				}
			}
		})
	}
	wg.Wait()
	b.holds(t, agents, newest...)
}

func supersedes(t *testing.T, b *bench) {
	s := b.place.Open(t)
	quarters := []reading{
		{key: agents, window: span(0, 6), at: 1, rows: []string{"a"}, rejects: []string{"x"}},
		{key: agents, window: span(6, 6), at: 1, rows: []string{"b"}},
		{key: agents, window: span(12, 12), at: 1, rows: []string{"c"}},
		{key: agents, window: span(24, 6), at: 1, rows: []string{"d"}},
	}
	commit(t, s, pipeline.Committed, quarters...)
	whole := reading{key: agents, window: day(0), at: 2, rows: []string{"a", "b", "c"}}
	got := commit(t, s, pipeline.Committed, whole)
	if n := len(got[0].Entry.Supersedes); n != 3 {
		t.Errorf("the commit names %d superseded windows, want 3", n)
	}
	b.holds(t, agents, whole, quarters[3])
	first := reading{key: agents, window: span(0, 12), at: 3, rows: []string{"a", "b"}}
	second := reading{key: agents, window: span(12, 24), at: 3, rows: []string{"c", "d"}}
	commit(t, b.place.Open(t), pipeline.Committed, first, second)
	b.holds(t, agents, first, second)
}

func supersedesEmpty(t *testing.T, b *bench) {
	s := b.place.Open(t)
	commit(t, s, pipeline.Committed,
		reading{key: agents, window: span(0, 6), at: 1, rows: []string{"a"}, rejects: []string{"x"}},
		reading{key: agents, window: span(6, 18), at: 1, rows: []string{"b"}})
	whole := reading{key: agents, window: day(0), at: 2}
	commit(t, s, pipeline.Committed, whole)
	b.holds(t, agents, whole)
}

func changesZone(t *testing.T, b *bench) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"a"}, rejects: []string{"x"}}
	commit(t, s, pipeline.Committed, r)
	r.at, r.window.Zone = 2, "Asia/Tokyo"
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r)
}

func ordered(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	const chunks, size = 17, 3
	r := reading{key: agents, window: day(0), at: 1}
	for i := range chunks * size {
		r.rows = append(r.rows, fmt.Sprintf("row %02d", i))
	}
	st, err := s.Stage(ctx, agents, pipeline.Activity, r.window)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, i := range rand.Perm(chunks) {
		wg.Go(func() {
			rec := record(memory.DefaultAllocator, r, i*size, (i+1)*size)
			defer rec.Release()
			if err := st.Append(ctx, 10*i, rec); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	got := s.Commit(ctx, []pipeline.Sealed{{Stage: st, Key: agents, Table: pipeline.Activity, Entry: r.entry()}})
	if got[0].Outcome != pipeline.Committed {
		t.Fatal(got[0].Err)
	}
	b.holds(t, agents, r)
}

func stageEnds(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	rec := record(mem, r, 0, 1)
	st, err := s.Stage(ctx, agents, pipeline.Activity, r.window)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Append(ctx, 1, rec); err != nil {
		t.Fatal(err)
	}
	early := s.Commit(ctx, []pipeline.Sealed{{Stage: st, Key: agents, Table: pipeline.Activity, Entry: r.entry()}})
	if early[0].Outcome != pipeline.Failed {
		t.Error("a stage that was not sealed was committed")
	}
	if err := st.Append(ctx, 2, rec); err == nil {
		t.Error("a stage took rows after Commit")
	}
	if err := st.Reject(ctx, []pipeline.Reject{{Row: 1}}); err == nil {
		t.Error("a stage took rejects after Commit")
	}
	if err := st.Abort(); err != nil {
		t.Errorf("Abort after Commit: %v", err)
	}
	rec.Release()
	b.holds(t, agents)
}

func stopped(t *testing.T, b *bench) {
	s := b.place.Open(t)
	w, err := stage(context.Background(), s, reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := s.Commit(ctx, []pipeline.Sealed{w})
	if got[0].Outcome != pipeline.Failed || pipeline.KindOf(got[0].Err) != pipeline.Stopped {
		t.Errorf("outcome %d, %v", got[0].Outcome, got[0].Err)
	}
	b.holds(t, agents)
}

func journals(t *testing.T, b *bench) {
	ctx := context.Background()
	mine := pipeline.TenantKey{Source: "dialpad", Account: "default"}
	other := pipeline.TenantKey{Source: "dialpad", Account: "us-east"}
	noon := time.Date(2025, 9, 9, 23, 59, 30, 0, time.UTC)
	stores := []pipeline.Store{b.place.Open(t), b.place.Open(t)}
	var want []pipeline.Note
	for i := range 6 {
		n := pipeline.Note{Tenant: mine, At: noon.Add(time.Duration(i) * 15 * time.Second), Kind: "post", Text: fmt.Sprintf("days_ago=%d\n\"x\"", i)}
		if err := stores[i%2].Add(ctx, n); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			want = append(want, n)
		}
	}
	if err := stores[0].Add(ctx, pipeline.Note{Tenant: other, At: noon, Kind: "post"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range append(stores, b.place.Open(t)) {
		got, err := s.Since(ctx, mine, want[0].At)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the notes are\n\t%+v\nwant\n\t%+v", got, want)
		}
	}
	if got, err := stores[1].Since(ctx, pipeline.TenantKey{Source: "ucontact", Account: "default"}, noon); err != nil || len(got) != 0 {
		t.Errorf("a tenant without notes has %+v, %v", got, err)
	}
}

func runsAndChecks(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	run := pipeline.Summary{SyncID: "run-001", StartedAt: read(1), FinishedAt: read(2)}
	for range 2 {
		if err := s.AppendRun(ctx, run); err != nil {
			t.Error(err)
		}
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
}

func streams(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	if got, err := s.Streams(ctx); err != nil || len(got) != 0 {
		t.Errorf("an empty sink has the streams %v, %v", got, err)
	}
	if _, err := s.Ledger(ctx, calls); err != nil {
		t.Fatal(err)
	}
	commit(t, s, pipeline.Committed, reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}})
	east := pipeline.StreamKey{Account: "us-east", Stream: calls.Stream}
	if err := s.Record(ctx, east, pipeline.Entry{Kind: pipeline.EntryFail, Window: day(0), Note: "x"}); err != nil {
		t.Fatal(err)
	}
	got, err := b.place.Open(t).Streams(ctx)
	if err != nil || len(got) != 2 {
		t.Fatalf("streams %v, %v", got, err)
	}
	for _, k := range got {
		if k != agents && k != east {
			t.Errorf("unknown stream %s", k)
		}
	}
}

func leavesNothing(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, rejects: []string{"x"}}
	w, err := stage(ctx, s, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Stage.Abort(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, pipeline.Committed, r)
	again := r
	again.at = 2
	commit(t, s, pipeline.Unchanged, again)
	if _, err := stage(ctx, s, r); err != nil { // neither committed nor aborted
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := b.place.(Litter).Litter(t); len(left) > 0 {
		t.Errorf("a store that was closed left %q", left)
	}
}
