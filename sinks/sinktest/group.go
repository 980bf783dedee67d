package sinktest

import (
	"context"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// mixes commits windows of four streams over both tables in one call: in each
// table some that are replaced, equal, older than what is there, and broken.
func mixes(t *testing.T, b *fixture) {
	ctx := context.Background()
	s := b.place.Open(t)
	east := func(k pipeline.StreamKey) pipeline.StreamKey {
		return pipeline.StreamKey{Account: "us-east", Stream: k.Stream}
	}
	past := []reading{
		{key: agents, window: day(0), at: 1, rows: []string{"ana"}, rejects: []string{"x"}},
		{key: calls, window: day(0), at: 1, rows: []string{"c1", "c2"}},
		{key: agents, window: day(1), at: 5, rows: []string{"newer"}},
		{key: calls, window: day(1), at: 1, rows: []string{"old"}},
		{key: east(agents), window: day(0), at: 1, rows: []string{"zoe"}},
		{key: east(calls), window: day(0), at: 1, rows: []string{"cleared"}},
		{key: east(calls), window: day(1), at: 5, rows: []string{"newer"}},
		{key: east(agents), window: span(24, 6), at: 1, rows: []string{"superseded"}},
	}
	commit(t, s, pipeline.Committed, past...)
	present := []struct {
		reading
		want  pipeline.Outcome
		holds []reading // of its stream and window, afterwards
	}{
		{reading{key: agents, window: day(0), at: 2, rows: []string{"bob"}, rejects: []string{"y"}}, pipeline.Committed, nil},
		{reading{key: calls, window: day(0), at: 2, rows: []string{"c1", "c2"}}, pipeline.Unchanged, past[1:2]},
		{reading{key: agents, window: day(1), at: 2, rows: []string{"older"}}, pipeline.Yielded, past[2:3]},
		{reading{key: calls, window: day(1), at: 2, rows: []string{"broken"}}, pipeline.Failed, past[3:4]},
		{reading{key: east(agents), window: day(0), at: 2, rows: []string{"zoe"}}, pipeline.Unchanged, past[4:5]},
		{reading{key: east(calls), window: day(0), at: 2}, pipeline.Committed, nil},
		{reading{key: east(calls), window: day(1), at: 2, rows: []string{"older"}}, pipeline.Yielded, past[6:7]},
		{reading{key: east(agents), window: day(1), at: 2, rows: []string{"superseding"}}, pipeline.Committed, nil},
		{reading{key: calls, window: day(2), at: 2, rows: []string{"new"}}, pipeline.Committed, nil},
		{reading{key: agents, window: day(2), at: 2, rows: []string{"aborted"}}, pipeline.Failed, []reading{}},
	}
	want := make(map[pipeline.StreamKey][]reading)
	group := make([]pipeline.Sealed, len(present))
	for i, p := range present {
		var err error
		if group[i], err = stage(ctx, s, p.reading); err != nil {
			t.Fatal(err)
		}
		if p.holds == nil {
			p.holds = []reading{p.reading}
		}
		want[p.key] = append(want[p.key], p.holds...)
	}
	group[3].Entry.Counts.Rows = 7 // the engine miscounted
	if err := group[9].Stage.Abort(); err != nil {
		t.Fatal(err)
	}
	for i, got := range s.Commit(ctx, group) {
		p := present[i]
		if got.Outcome != p.want || (got.Err != nil) != (p.want == pipeline.Failed) {
			t.Errorf("%s %s: outcome %d, want %d (%v)", p.key, p.window.Span, got.Outcome, p.want, got.Err)
		}
		written := p.want == pipeline.Committed || p.want == pipeline.Unchanged
		if written && (got.Entry.Window != p.window || got.Entry.Fingerprint != p.entry().Fingerprint || got.Entry.Staged != group[i].Entry.Staged) {
			t.Errorf("%s %s: the result has the entry %+v", p.key, p.window.Span, got.Entry)
		}
	}
	for k, rs := range want {
		b.holds(t, k, rs...)
	}
}

func keepsStaged(t *testing.T, b *fixture) {
	ctx := context.Background()
	s := b.place.Open(t)
	for i, r := range []reading{
		{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}, rejects: []string{"x"}},
		{key: agents, window: day(0), at: 2, rows: []string{"ana", "bob"}, rejects: []string{"x"}}, // equal
	} {
		w, err := stage(ctx, s, r)
		if err != nil {
			t.Fatal(err)
		}
		if w.Entry.Staged <= 0 {
			t.Fatalf("a stage with rows took %d bytes", w.Entry.Staged)
		}
		got := s.Commit(ctx, []pipeline.Sealed{w})[0]
		if got.Err != nil || got.Entry.Staged != w.Entry.Staged {
			t.Errorf("reading %d of %d staged bytes: the result is %+v", i+1, w.Entry.Staged, got)
		}
		if e, ok := b.ledger(t, agents).Live(day(0).Span); !ok || e.SyncID != r.sync() || e.Staged != w.Entry.Staged {
			t.Errorf("reading %d of %d staged bytes: the ledger says %+v, %v", i+1, w.Entry.Staged, e, ok)
		}
	}
}
