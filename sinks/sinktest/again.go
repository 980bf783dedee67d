package sinktest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func unchanged(t *testing.T, b *fixture) {
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

func movesOn(t *testing.T, b *fixture) {
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

func otherRejects(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, rejects: []string{"x"}}
	commit(t, s, pipeline.Committed, r)
	r.at, r.rejects = 2, []string{"y"}
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r)
}

// repairsEqual: an older reading was committed, a newer one of it broke off.
// The rows may be either's, so the third is written although it equals the first.
func repairsEqual(t *testing.T, b *fixture) {
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

func looks(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	rs := []reading{
		{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}, rejects: []string{"x"}},
		{key: agents, window: day(1), at: 1, rows: []string{"cy"}},
		{key: calls, window: day(0), at: 1, rows: []string{"c1"}},
	}
	commit(t, s, pipeline.Committed, rs...)
	b.place.(Loser).Lose(t, pipeline.Activity, agents, day(0))
	again := slices.Clone(rs)
	for i := range again {
		again[i].at = 2
	}
	want := []pipeline.Outcome{pipeline.Committed, pipeline.Unchanged, pipeline.Unchanged}
	for i, r := range try(context.Background(), b.place.Open(t), again...) {
		if r.Err != nil || r.Outcome != want[i] || r.Entry.Unchanged != (want[i] == pipeline.Unchanged) {
			t.Errorf("%s: outcome %d, want %d (%v)", rs[i].window.Span, r.Outcome, want[i], r.Err)
		}
	}
	b.holds(t, agents, again[0], rs[1])
	b.holds(t, calls, rs[2])
	again[0].at = 3
	commit(t, s, pipeline.Unchanged, again[0])
}

func yields(t *testing.T, b *fixture) {
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

func yieldsToNone(t *testing.T, b *fixture) {
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

func together(t *testing.T, b *fixture) {
	const stores, rounds, days = 2, 6, 3
	var wg sync.WaitGroup
	var sealed [rounds]sync.WaitGroup // nobody commits before all have sealed: the readings of a round overlap
	for round := range rounds {
		sealed[round].Add(stores)
	}
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
				for i, r := range tryAt(context.Background(), s, func() { sealed[round].Done(); sealed[round].Wait() }, group...) {
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

func supersedes(t *testing.T, b *fixture) {
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

func supersedesEmpty(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	commit(t, s, pipeline.Committed,
		reading{key: agents, window: span(0, 6), at: 1, rows: []string{"a"}, rejects: []string{"x"}},
		reading{key: agents, window: span(6, 18), at: 1, rows: []string{"b"}})
	whole := reading{key: agents, window: day(0), at: 2}
	commit(t, s, pipeline.Committed, whole)
	b.holds(t, agents, whole)
}

func changesZone(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"a"}, rejects: []string{"x"}}
	commit(t, s, pipeline.Committed, r)
	r.at, r.window.Zone = 2, "Asia/Tokyo"
	commit(t, s, pipeline.Committed, r)
	b.holds(t, agents, r)
}
