package bigquery

import (
	"context"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

func TestTablesThatVanishAreMadeAgain(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "old"))
	for _, name := range []string{"activity", statement.LedgerTable} {
		if err := p.client(t).Table(name).Delete(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 2, 0, "new"))
	p.holds(t, "new")
}

// Were it made anew, it would stay empty: the ledger takes its rows for
// committed, and what reads the same again writes nothing.
func TestADataTableThatVanishedAloneIsNotMadeAgain(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "old"))
	if err := p.client(t).Table("activity").Delete(ctx); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, p.open(t, p.options())} {
		r := mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 0, "new"))[0]
		if pipeline.KindOf(r.Err) != pipeline.Invalid || !strings.Contains(r.Err.Error(), "make table activity: invalid: it is missing") ||
			!strings.Contains(r.Err.Error(), "rename contact_centre._windrow_ledger away") {
			t.Errorf("%v", r.Err)
		}
	}
	if err := p.client(t).Table(statement.LedgerTable).Delete(ctx); err != nil {
		t.Fatal(err)
	}
	s = p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 3, 0, "old"))
	p.holds(t, "old")
}

// A new ledger would take the rows for nobody's: those of the next windows would stand beside them, and a sync would plan anew
// what it never lost. Who says that the rows may go has them removed.
func TestALedgerThatVanishedAloneIsNotMadeAgain(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "old"))
	if err := p.client(t).Table(statement.LedgerTable).Delete(ctx); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, p.open(t, p.options())} { // also in the run that has read the ledger
		r := mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(1), 2, 0, "new"))[0]
		if pipeline.KindOf(r.Err) != pipeline.Invalid || !strings.Contains(r.Err.Error(), "it is missing, and activity has rows: their ledger is gone") ||
			!strings.Contains(r.Err.Error(), "restore table contact_centre._windrow_ledger") {
			t.Errorf("%v", r.Err)
		}
	}
	s = p.open(t, p.options())
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "their ledger is gone") {
		t.Errorf("check: %v", err)
	}
	l, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range s.Verify(ctx, agents, pipeline.Activity, l, pipeline.Verification{}) {
		if err != nil || d.Kind != pipeline.DiffExtra || !strings.HasPrefix(d.Found, "1 row ") {
			t.Errorf("%v, %v", d, err)
		}
	}
	if removed, err := s.Sweep(ctx, agents, pipeline.Activity); err != nil || len(removed) != 1 {
		t.Errorf("removed %v, %v", removed, err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 3, 0, "new"))
	p.holds(t, "new")
}

// Between the first look at a table and that at the ledger, another process
// may make all tables and commit.
func TestATableThatAnotherProcessMakesMeanwhileIsTaken(t *testing.T) {
	p := newPlace(t)
	first, late := p.open(t, p.options()), p.open(t, p.options())
	list, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, first, pipeline.Committed, seal(t, first, dayWindow(0), 1, 0, "ana"))
	if err := late.dataset.mayMake(context.Background(), list[0]); err != nil {
		t.Errorf("a table that is there by now: %v", err)
	}
}
