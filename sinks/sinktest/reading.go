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
		return pipeline.Summary{SyncID: pipeline.SyncID(id), Command: pipeline.CommandReplay, StartedAt: read(started), FinishedAt: read(started + 1), Exit: exit,
			Streams: []pipeline.StreamSummary{{Stream: agents.Stream, Account: agents.Account, Committed: 2, Failed: 1, Read: 7, Rows: 6, Rejected: 1,
				Errors: []pipeline.WindowError{{WindowStart: day(0).Start, WindowEnd: day(0).End, ErrorKind: "cut_short", Message: "línea \"1\"",
					Rejects: []pipeline.Reject{
						{Row: 1, At: pipeline.NoInstant, Reason: "has 2 of 3 cells", Raw: "a;'\\\n"},
						{Row: 9007199254740993, At: day(0).Start, Reason: "id is blank", Raw: `{"ñ":"日本"}`, Scope: "callcenter:123", Field: "id", Shape: "aa-99"},
					}}}}}}
	}
	early, second, first, late := run("run-a", 1, 0), run("run-c", 5, 3), run("run-b", 5, 0), run("run-0", 9, 3)
	s := b.place.Open(t)
	again := second
	again.Exit = 0
	killed := pipeline.Begun("run-k", pipeline.CommandWaive, read(7))
	begun := func(r pipeline.Summary) pipeline.Summary { return pipeline.Begun(r.SyncID, r.Command, r.StartedAt) }
	for _, r := range []pipeline.Summary{begun(late), begun(second), killed, late, again, begun(early), early, first, second} { // again is recorded once more, as second
		if err := s.AppendRun(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[pipeline.Instant][]pipeline.Summary{
		pipeline.NoInstant: {early, first, second, killed, late}, read(5): {first, second, killed, late}, read(5) + 1: {killed, late}, read(10): nil,
	} {
		for _, last := range []int{0, 1, 2, 9} {
			var got []pipeline.Summary
			for r, err := range b.place.Open(t).(pipeline.RunReader).Runs(ctx, from, last) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r)
			}
			want := want
			if last > 0 {
				want = want[max(len(want)-last, 0):]
			}
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("from %s the last %d runs are\n\t%+v\nwant\n\t%+v", from, last, got, want)
			}
		}
	}
	for range s.(pipeline.RunReader).Runs(ctx, pipeline.NoInstant, 0) { //nolint:errcheck // the first record is enough
		break // nothing is left open or locked
	}
	if err := s.AppendRun(ctx, late); err != nil {
		t.Error(err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	var last error
	for _, err := range s.(pipeline.RunReader).Runs(stopped, pipeline.NoInstant, 0) {
		last = err
	}
	if pipeline.KindOf(last) != pipeline.Stopped || last == nil {
		t.Errorf("for a stopped context the runs end with %v", last)
	}
}

// rejectsOf are the rejects of a window, as a new process reads them.
func (b *fixture) rejectsOf(t *testing.T, windows ...pipeline.Window) (got []pipeline.WindowReject) {
	t.Helper()
	for r, err := range b.place.Open(t).(pipeline.RejectReader).WindowRejects(context.Background(), agents, windows) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	return got
}

// stagedRejects stages rejects of a window of agents.
func stagedRejects(t *testing.T, s pipeline.Store, w pipeline.Window, pieces ...[]pipeline.Reject) pipeline.Sealed {
	t.Helper()
	ctx := context.Background()
	st, err := s.Stage(ctx, agents, pipeline.Activity, w)
	if err != nil {
		t.Fatal(err)
	}
	e := reading{key: agents, window: w, at: 1}.entry()
	for _, some := range pieces {
		if err := st.Reject(ctx, some); err != nil {
			t.Fatal(err)
		}
		for _, r := range some {
			e.Counts.Read, e.Counts.Rejected, e.RejectsHash = e.Counts.Read+1, e.Counts.Rejected+1, e.RejectsHash.Add(r.Hash())
		}
	}
	if _, err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	return pipeline.Sealed{Stage: st, Key: agents, Table: pipeline.Activity, Entry: e}
}

func readsRejects(t *testing.T, b *fixture) {
	ctx := context.Background()
	s := b.place.Open(t)
	if got := b.rejectsOf(t, day(0)); len(got) != 0 {
		t.Errorf("a place of which nobody has made anything has the rejects %+v", got)
	}
	first := []pipeline.Reject{ // in the order of scope and row too, which is all that a sink of tables can tell
		{Row: 1, At: pipeline.NoInstant, Reason: "no key", Raw: "a;;\r\n", Field: "key", Shape: "a"},
		{Row: 3, At: day(0).Start, Reason: "no key", Raw: ""},
		{Row: 9007199254740993, At: day(0).Start.Add(1), Reason: "hour: unreadable", Raw: `{"ñ":"日本"}`, Scope: "callcenter:123", Field: "hora ñ", Shape: ""},
	}
	second := []pipeline.Reject{{Row: 2, At: pipeline.NoInstant, Reason: "has 2 of 3 cells", Raw: "a;b"}}
	staged := []pipeline.Sealed{stagedRejects(t, s, day(2), second), stagedRejects(t, s, day(0), first[:1], first[1:]), stagedRejects(t, s, day(1), second)}
	for _, r := range s.Commit(ctx, staged) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	var want []pipeline.WindowReject
	for _, r := range first {
		want = append(want, pipeline.WindowReject{Window: day(0), Reject: r})
	}
	if got := b.rejectsOf(t, day(0)); !reflect.DeepEqual(got, want) {
		t.Errorf("the rejects are\n\t%+v\nwant\n\t%+v", got, want)
	}
	want = append(want, pipeline.WindowReject{Window: day(2), Reject: second[0]})
	if got := b.rejectsOf(t, day(0), day(2), day(3)); !reflect.DeepEqual(got, want) { // and none of the window between them
		t.Errorf("the rejects of two windows are\n\t%+v\nwant\n\t%+v", got, want)
	}
	for name, windows := range map[string][]pipeline.Window{"a window never seen": {day(3)}, "a part of the window": {span(0, 6)}, "no window": nil} {
		if got := b.rejectsOf(t, windows...); len(got) != 0 {
			t.Errorf("%s has the rejects %+v", name, got)
		}
	}
	all := []pipeline.Window{day(0), day(1), day(2)}
	for range s.(pipeline.RejectReader).WindowRejects(ctx, agents, all) { //nolint:errcheck // the first is enough
		break // nothing is left open or locked
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	var last error
	for _, err := range s.(pipeline.RejectReader).WindowRejects(stopped, agents, all) {
		last = err
	}
	if pipeline.KindOf(last) != pipeline.Stopped || last == nil {
		t.Errorf("for a stopped context the rejects end with %v", last)
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
