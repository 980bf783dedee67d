package sinktest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// Owners of the suite's rows.
const (
	acme     pipeline.Owner = "api.vendor.example/acme"
	stranger pipeline.Owner = "api.vendor.example/other"
	host     pipeline.Owner = "api.vendor.example"
)

// isOf checks whose data a new process takes the stream's for.
func (b *fixture) isOf(t testing.TB, k pipeline.StreamKey, want pipeline.Owner) {
	t.Helper()
	if got := b.ledger(t, k).Owner(); got != want {
		t.Errorf("the ledger of %s says that its owner is %q, not %q", k, got, want)
	}
}

func notesOwner(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, owner: host}
	nobody := reading{key: calls, window: day(0), at: 1, rows: []string{"c1"}}
	commit(t, s, pipeline.Committed, r, nobody)
	b.isOf(t, agents, host)
	b.isOf(t, calls, "")
	r.at, r.owner = 2, acme
	commit(t, s, pipeline.Unchanged, r)
	b.isOf(t, agents, acme)
	for _, same := range []pipeline.Owner{acme, host, ""} {
		r.at, r.owner = r.at+1, same
		commit(t, b.place.Open(t), pipeline.Unchanged, r)
		b.isOf(t, agents, acme)
	}
	b.holds(t, agents, reading{key: agents, window: day(0), at: 1, rows: r.rows})
}

func refusesOthers(t *testing.T, b *fixture) {
	ctx := context.Background()
	s := b.place.Open(t)
	mine := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, owner: acme}
	commit(t, s, pipeline.Committed, mine)
	theirs := []reading{
		{key: agents, window: day(0), at: 2, rows: []string{"eve"}, owner: stranger},
		{key: agents, window: day(1), at: 2, rows: []string{"eve"}, owner: "elsewhere.example/acme"},
		{key: agents, window: day(2), at: 2, owner: pipeline.Simulated},
		{key: calls, window: day(0), at: 2, rows: []string{"c1"}, owner: stranger}, // another stream may be another's
	}
	for i, r := range try(ctx, b.place.Open(t), theirs...) {
		switch {
		case i == 3:
			if r.Outcome != pipeline.Committed {
				t.Errorf("the other stream: outcome %d, %v", r.Outcome, r.Err)
			}
		case r.Outcome != pipeline.Failed || pipeline.KindOf(r.Err) != pipeline.OtherTenant ||
			!strings.Contains(r.Err.Error(), string(acme)) || !strings.Contains(r.Err.Error(), string(theirs[i].owner)):
			t.Errorf("%s: outcome %d, %v", theirs[i].owner, r.Outcome, r.Err)
		}
	}
	b.holds(t, agents, mine)
	b.isOf(t, agents, acme)
	if err := s.Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryAdopt, Note: string(stranger)}); err != nil {
		t.Fatal(err)
	}
	b.isOf(t, agents, stranger)
	late := mine
	late.at = 3
	if r := try(ctx, s, late)[0]; pipeline.KindOf(r.Err) != pipeline.OtherTenant {
		t.Errorf("the former owner: outcome %d, %v", r.Outcome, r.Err)
	}
	theirs[0].at = 4
	commit(t, s, pipeline.Committed, theirs[0])
	theirs[0].at = 5
	commit(t, b.place.Open(t), pipeline.Unchanged, theirs[0]) // the adoption that is known holds nobody up
	theirs[0].at = 4
	b.holds(t, agents, theirs[0])
	b.isOf(t, agents, stranger)
}

// hearsOfOwner: what the store knows of the ledger is old when it commits.
func hearsOfOwner(t *testing.T, b *fixture) {
	ctx := context.Background()
	looks := func() pipeline.Store {
		s := b.place.Open(t)
		if _, err := s.Ledger(ctx, agents); err != nil {
			t.Fatal(err)
		}
		return s
	}
	refused := func(s pipeline.Store, r reading) {
		t.Helper()
		if got := try(ctx, s, r)[0]; got.Outcome != pipeline.Failed || pipeline.KindOf(got.Err) != pipeline.OtherTenant {
			t.Errorf("%s: outcome %d, %v", r.owner, got.Outcome, got.Err)
		}
	}
	theirs := reading{key: agents, window: day(1), at: 1, rows: []string{"eve"}, owner: stranger}
	early := looks()
	mine := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}, owner: acme}
	commit(t, b.place.Open(t), pipeline.Committed, mine)
	refused(early, theirs)
	b.holds(t, agents, mine)
	late := looks()
	if err := b.place.Open(t).Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryAdopt, Note: string(stranger)}); err != nil {
		t.Fatal(err)
	}
	refused(late, reading{key: agents, window: day(2), at: 2, rows: []string{"bob"}, owner: acme})
	b.holds(t, agents, mine)
	commit(t, b.place.Open(t), pipeline.Committed, theirs)
	b.holds(t, agents, mine, theirs)
}

// onlyOneOwner: both have read an empty ledger before either commits.
func onlyOneOwner(t *testing.T, b *fixture) {
	ctx := context.Background()
	owners := []pipeline.Owner{acme, stranger}
	results := make([][]pipeline.Result, len(owners))
	var ready, done sync.WaitGroup
	ready.Add(len(owners))
	for i, owner := range owners {
		s := b.place.Open(t)
		done.Go(func() {
			var rs []reading
			for n := range 3 {
				rs = append(rs, reading{key: agents, window: day(2*n + i), at: i + 1, rows: []string{fmt.Sprint(owner.Unit(), n)}, owner: owner})
			}
			if _, err := s.Ledger(ctx, agents); err != nil {
				t.Error(err)
			}
			ready.Done()
			ready.Wait()
			results[i] = try(ctx, s, rs...)
		})
	}
	done.Wait()
	l := b.ledger(t, agents)
	for i, owner := range owners {
		for n, r := range results[i] {
			committed, refused := r.Outcome == pipeline.Committed, pipeline.KindOf(r.Err) == pipeline.OtherTenant
			if committed == refused || committed != (l.Owner() == owner) {
				t.Errorf("the ledger is of %s, and window %d of %s has the outcome %d, %v", l.Owner(), n, owner, r.Outcome, r.Err)
			}
		}
	}
	for _, row := range b.place.Rows(t, pipeline.Activity, agents) {
		if !strings.HasPrefix(row.ID, l.Owner().Unit()) {
			t.Errorf("the table has %s of another than %s", row.ID, l.Owner())
		}
	}
}

func ownsEarlier(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	r := reading{key: agents, window: day(0), at: 1, rows: []string{"ana"}}
	next := reading{key: agents, window: day(1), at: 1, rows: []string{"bob"}}
	commit(t, s, pipeline.Committed, r, next)
	b.isOf(t, agents, "")
	r.at, r.owner = 2, acme
	commit(t, b.place.Open(t), pipeline.Unchanged, r)
	b.isOf(t, agents, acme)
	next.at, next.owner = 3, stranger
	if r := try(context.Background(), s, next)[0]; pipeline.KindOf(r.Err) != pipeline.OtherTenant {
		t.Errorf("outcome %d, %v", r.Outcome, r.Err)
	}
}
