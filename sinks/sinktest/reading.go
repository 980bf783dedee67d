package sinktest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func readsRuns(t *testing.T, b *fixture) {
	ctx := context.Background()
	run := func(id string, started, exit int) pipeline.Summary {
		return pipeline.Summary{SyncID: pipeline.SyncID(id), StartedAt: read(started), FinishedAt: read(started + 1), Exit: exit,
			Streams: []pipeline.StreamSummary{{Stream: agents.Stream, Account: agents.Account, Committed: 2, Failed: 1, Read: 7, Rows: 6, Rejected: 1,
				Errors: []pipeline.WindowError{{WindowStart: day(0).Start, WindowEnd: day(0).End, Kind: "malformed", Message: "línea \"1\""}}}}}
	}
	early, second, first, late := run("run-a", 1, 0), run("run-c", 5, 3), run("run-b", 5, 0), run("run-0", 9, 3)
	s := b.place.Open(t)
	again := second
	again.Exit = 0
	for _, r := range []pipeline.Summary{late, again, early, first, second} { // again is recorded once more, as second
		if err := s.AppendRun(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[pipeline.Instant][]pipeline.Summary{
		pipeline.NoInstant: {early, first, second, late}, read(5): {first, second, late}, read(5) + 1: {late}, read(10): nil,
	} {
		var got []pipeline.Summary
		for r, err := range b.place.Open(t).(pipeline.RunReader).Runs(ctx, from) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("from %s the runs are\n\t%+v\nwant\n\t%+v", from, got, want)
		}
	}
	for range s.(pipeline.RunReader).Runs(ctx, pipeline.NoInstant) { //nolint:errcheck // the first record is enough
		break // nothing is left open or locked
	}
	if err := s.AppendRun(ctx, late); err != nil {
		t.Error(err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	var last error
	for _, err := range s.(pipeline.RunReader).Runs(stopped, pipeline.NoInstant) {
		last = err
	}
	if pipeline.KindOf(last) != pipeline.Stopped || last == nil {
		t.Errorf("for a stopped context the runs end with %v", last)
	}
}

// rejectsOf are the rejects of a window, as a new process reads them.
func (b *fixture) rejectsOf(t *testing.T, w pipeline.Window) (got []pipeline.Reject) {
	t.Helper()
	for r, err := range b.place.Open(t).(pipeline.RejectReader).WindowRejects(context.Background(), agents, pipeline.Activity, w) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	return got
}

func readsRejects(t *testing.T, b *fixture) {
	ctx := context.Background()
	s := b.place.Open(t)
	want := []pipeline.Reject{
		{Row: 1, At: pipeline.NoInstant, Reason: "no key", Raw: "a;;\r\n"},
		{Row: 9007199254740993, At: day(0).Start.Add(1), Reason: "hour: unreadable", Raw: `{"ñ":"日本"}`, Scope: "callcenter:123"},
		{Row: 3, At: day(0).Start, Reason: "no key", Raw: ""},
	}
	st, err := s.Stage(ctx, agents, pipeline.Activity, day(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, some := range [][]pipeline.Reject{want[:1], want[1:]} {
		if err := st.Reject(ctx, some); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	e := reading{key: agents, window: day(0), at: 1, rejects: []string{"1", "2", "3"}}.entry()
	if r := s.Commit(ctx, []pipeline.Sealed{{Stage: st, Key: agents, Table: pipeline.Activity, Entry: e}})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	if got := b.rejectsOf(t, day(0)); !reflect.DeepEqual(got, want) {
		t.Errorf("the rejects are\n\t%+v\nwant\n\t%+v", got, want)
	}
	for name, w := range map[string]pipeline.Window{"a window never seen": day(1), "a part of the window": span(0, 6)} {
		if got := b.rejectsOf(t, w); len(got) != 0 {
			t.Errorf("%s has the rejects %+v", name, got)
		}
	}
	for range s.(pipeline.RejectReader).WindowRejects(ctx, agents, pipeline.Activity, day(0)) { //nolint:errcheck // the first is enough
		break // nothing is left open or locked
	}
	commit(t, s, pipeline.Committed, reading{key: agents, window: day(0), at: 2, rows: []string{"ana"}})
	if got := b.rejectsOf(t, day(0)); len(got) != 0 {
		t.Errorf("the rejects of an earlier reading are still there: %+v", got)
	}
}

func readsHoldings(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	holds := func(w pipeline.Window) pipeline.Holdings {
		t.Helper()
		h, err := b.place.Open(t).(pipeline.HoldingsReader).Holdings(context.Background(), agents, pipeline.Activity, w)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob", "cy"}, rejects: []string{"x", "y"}}
	commit(t, s, pipeline.Committed, r, reading{key: agents, window: day(1), at: 1, rejects: []string{"z"}})
	if h := holds(day(0)); h.Rows != 3 || h.Rejected != 2 || h.Bytes <= 0 {
		t.Errorf("the window holds %+v, want 3 rows and 2 rejects", h)
	}
	if h := holds(day(1)); h.Rows != 0 || h.Rejected != 1 {
		t.Errorf("the window holds %+v, want a reject", h)
	}
	for name, w := range map[string]pipeline.Window{"a window never seen": day(2), "a part of the window": span(0, 6)} {
		if h := holds(w); h != (pipeline.Holdings{}) {
			t.Errorf("%s holds %+v", name, h)
		}
	}
	r.at, r.rows, r.rejects = 2, nil, nil
	commit(t, s, pipeline.Committed, r)
	if h := holds(day(0)); h.Rows != 0 || h.Rejected != 0 {
		t.Errorf("the window that lost its rows holds %+v", h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.(pipeline.HoldingsReader).Holdings(ctx, agents, pipeline.Activity, day(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("for a stopped context: %v", err)
	}
}
