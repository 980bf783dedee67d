package sinktest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
)

func ordered(t *testing.T, b *fixture) {
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
	if _, err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	got := s.Commit(ctx, []pipeline.Sealed{{Stage: st, Key: agents, Table: pipeline.Activity, Entry: r.entry()}})
	if got[0].Outcome != pipeline.Committed {
		t.Fatal(got[0].Err)
	}
	b.holds(t, agents, r)
}

func stageEnds(t *testing.T, b *fixture) {
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

func stopped(t *testing.T, b *fixture) {
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

func journals(t *testing.T, b *fixture) {
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

// keepsFields: each reading has its own counts and fields, also one whose rows are those that are there.
func keepsFields(t *testing.T, b *fixture) {
	ctx := context.Background()
	one, other := reading{key: calls, window: day(0), at: 1, rows: []string{"c1"}}, reading{key: calls, window: day(1), at: 1, rows: []string{"c2"}}
	again, none := one, other
	again.at, none.at = 2, 2
	for _, c := range []struct {
		of         reading
		unreadable pipeline.FieldCounts
		fields     pipeline.Fields
		want       pipeline.Outcome
	}{
		{one, pipeline.FieldCounts{"talk_duration": 12, "other \"field\"": 1 << 40}, pipeline.FieldsOf([]string{"talk_duration", "call_id"}), pipeline.Committed},
		{other, nil, "", pipeline.Committed},
		{again, pipeline.FieldCounts{"talk_duration": 3}, pipeline.FieldsOf([]string{"call_id"}), pipeline.Unchanged},
		{none, nil, "", pipeline.Unchanged},
	} {
		s := b.place.Open(t)
		w, err := stage(ctx, s, c.of)
		if err != nil {
			t.Fatal(err)
		}
		w.Entry.Unreadable, w.Entry.Fields = c.unreadable, c.fields
		got := s.Commit(ctx, []pipeline.Sealed{w})
		if got[0].Err != nil || got[0].Outcome != c.want || !maps.Equal(got[0].Entry.Unreadable, c.unreadable) {
			t.Errorf("reading %d of %s is %v with %v: %v", c.of.at, c.of.window, got[0].Outcome, got[0].Entry.Unreadable, got[0].Err)
		}
		if e, ok := b.ledger(t, calls).Live(c.of.window.Span); !ok || !maps.Equal(e.Unreadable, c.unreadable) || e.Fields != c.fields {
			t.Errorf("the ledger has %v and %q of reading %d of %s, want %v", e.Unreadable, e.Fields, c.of.at, c.of.window, c.unreadable)
		}
	}
}

func runsAndChecks(t *testing.T, b *fixture) {
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

func streams(t *testing.T, b *fixture) {
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

func leavesNothing(t *testing.T, b *fixture) {
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
