package sinktest

import (
	"context"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// differences are those of a stream, as a new process finds them.
func (b *fixture) differences(t testing.TB, k pipeline.StreamKey, how pipeline.Verification) (list []pipeline.Difference) {
	t.Helper()
	for d, err := range b.place.Open(t).(pipeline.Verifier).Verify(context.Background(), k, tableOf(k), b.ledger(t, k), how) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

var depths = []pipeline.Depth{pipeline.ByListing, pipeline.ByCounts, pipeline.ByRows}

func verifies(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	kept := reading{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}, rejects: []string{"x"}}
	empty := reading{key: agents, window: day(1), at: 1}
	lost := reading{key: agents, window: day(2), at: 1, rows: []string{"ana", "cy", "cy"}}
	commit(t, s, pipeline.Committed, kept, empty, lost)
	for _, depth := range depths {
		if got := b.differences(t, agents, pipeline.Verification{Depth: depth}); len(got) != 0 {
			t.Errorf("at depth %d nothing differs, but %+v", depth, got)
		}
	}
	b.place.(Loser).Lose(t, pipeline.Activity, agents, lost.window)
	for _, depth := range depths {
		got := b.differences(t, agents, pipeline.Verification{Depth: depth})
		if len(got) != 1 || got[0].Window != lost.window || got[0].Entry.SyncID != lost.sync() || got[0].Object == "" ||
			got[0].Kind != pipeline.DiffMissing && got[0].Kind != pipeline.DiffRows || got[0].Expected != "3 rows" || got[0].Found == "" {
			t.Errorf("at depth %d the lost window is told as %+v", depth, got)
		}
	}
	others := func(w pipeline.Window) bool { return w != lost.window }
	if got := b.differences(t, agents, pipeline.Verification{Depth: pipeline.ByRows, Wants: others}); len(got) != 0 {
		t.Errorf("a window that nobody asked for is told: %+v", got)
	}
	old := b.ledger(t, agents)
	lost.at = 2
	commit(t, s, pipeline.Committed, lost)
	for d, err := range s.(pipeline.Verifier).Verify(context.Background(), agents, pipeline.Activity, old, pipeline.Verification{Depth: pipeline.ByRows}) {
		t.Errorf("what was committed since the ledger was read is told as a difference: %+v, %v", d, err)
	}
	b.holds(t, agents, kept, empty, lost)
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	var last error
	for _, err := range s.(pipeline.Verifier).Verify(stopped, agents, pipeline.Activity, old, pipeline.Verification{}) {
		last = err
	}
	if pipeline.KindOf(last) != pipeline.Stopped || last == nil {
		t.Errorf("for a stopped context the verification ends with %v", last)
	}
}

func reopens(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	next := reading{key: agents, window: day(1), at: 1, rows: []string{"bob"}}
	e := commit(t, s, pipeline.Committed, r, next)[0].Entry
	reopen := pipeline.Entry{Kind: pipeline.EntryReopen, Window: e.Window, SyncID: e.SyncID, Order: e.Order, ReadAt: e.ReadAt, Note: "1 row, found none"}
	if err := s.Record(context.Background(), agents, reopen); err != nil {
		t.Fatal(err)
	}
	l := b.ledger(t, agents)
	if found, ok := l.Reopened(day(0).Span); !ok || found.Note != reopen.Note || !l.Dirty(day(0).Span) || l.Dirty(day(1).Span) {
		t.Errorf("the ledger has of the reopened window %+v, %v", found, ok)
	}
	if got := b.differences(t, agents, pipeline.Verification{Depth: pipeline.ByRows}); len(got) != 0 {
		t.Errorf("nothing is claimed of an open window, but told: %+v", got)
	}
	r.at = 2
	commit(t, s, pipeline.Committed, r) // equal rows, and yet written
	b.holds(t, agents, r, next)
}
