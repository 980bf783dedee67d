package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
)

// of is a source whose data are of the owner, and whose days have the rows, by the day's date.
func of(owner pipeline.Owner, rows map[string]string) (s *scripted, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	s = newScripted(func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		asked.Add(1)
		text := ""
		for _, w := range r.Windows {
			if day := w.Start.Time().Format("2006-01-02"); rows[day] != "" {
				for row := range strings.SplitSeq(rows[day], ",") {
					text += day + "T10:00:00Z " + row + "\n"
				}
			}
		}
		return yield(text)
	})
	s.owner = func() pipeline.Owner { return owner }
	return s, asked
}

func ownerIn(t *testing.T, store pipeline.Store, k pipeline.StreamKey) pipeline.Owner {
	t.Helper()
	l, err := store.Ledger(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return l.Owner()
}

func remedy(k pipeline.TenantKey) string { return "adopt " + k.Label() }

// otherTenant checks the error of an account that is another's.
func otherTenant(t *testing.T, err error, noted, other string) {
	t.Helper()
	if pipeline.KindOf(err) != pipeline.OtherTenant || !strings.Contains(err.Error(), "dialpad: the sink has the data of "+noted+", and these are of "+other+" (adopt dialpad)") {
		t.Errorf("not refused as another tenant's: %v", err)
	}
}

func TestAnotherTenantIsRefusedBeforeItsVendorIsAsked(t *testing.T) {
	mine, _ := of("a.example", map[string]string{"2025-09-08": "a"})
	e, store := newEngine(t, mine)
	mustSync(t, e)
	if got := ownerIn(t, store, mine.key); got != "a.example" {
		t.Fatalf("the first commit noted %q", got)
	}
	before := len(entries(t, store, mine))
	other, asked := of("b.example", map[string]string{"2025-09-08": "eve"})
	// A stream that is new to the account is refused like the others.
	fresh, freshAsked := of("b.example", map[string]string{"2025-09-08": "eve"})
	fresh.key.Stream = "dialpad.texts"
	for name, s := range map[string]*scripted{"its stream": other, "a new stream": fresh} {
		e := engineOn(store, s)
		e.TenantRemedy = remedy
		_, err := e.Plan(t.Context())
		otherTenant(t, err, "a.example", "b.example")
		sum, err := e.Sync(t.Context())
		otherTenant(t, err, "a.example", "b.example")
		if sum.FinishedAt != 0 {
			t.Errorf("%s: the run counts as one: %+v", name, sum)
		}
		e.Select.From, e.Select.To = "2025-09-06", "2025-09-06"
		_, err = e.Waive(t.Context(), "deleted")
		otherTenant(t, err, "a.example", "b.example")
		tenants, err := e.Tenants(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		otherTenant(t, tenants.Refusal(), "a.example", "b.example")
	}
	if asked.Load()+freshAsked.Load() > 0 || len(entries(t, store, mine)) != before || ids(store, mine) != "company/a" {
		t.Errorf("%d vendors were asked; the ledger has %d entries, the table %s", asked.Load()+freshAsked.Load(), len(entries(t, store, mine)), ids(store, mine))
	}
	if _, err := engineOn(store, other).Status(t.Context()); err != nil {
		t.Errorf("status: %v", err)
	}
	// Another account's is nobody's business.
	elsewhere, _ := of("b.example", map[string]string{"2025-09-08": "zoe"})
	elsewhere.key.Account = "us-east"
	mustSync(t, engineOn(store, elsewhere))
}

// The ledgers of earlier versions name no owner.
func TestALedgerWithoutATenantTakesThatOfItsNextCommit(t *testing.T) {
	s, _ := of("", map[string]string{"2025-09-08": "a"})
	e, store := newEngine(t, s)
	mustSync(t, e)
	if got := ownerIn(t, store, s.key); got != "" {
		t.Fatalf("noted %q", got)
	}
	s.owner = func() pipeline.Owner { return "a.example" }
	e.Select.Refetch = true
	if sum := mustSync(t, e); sum.Unchanged != 3 || sum.Failed > 0 {
		t.Errorf("%+v", sum)
	}
	if got := ownerIn(t, store, s.key); got != "a.example" {
		t.Errorf("noted %q", got)
	}
}

// What only an answer tells ends the run before anything of the answer is committed.
func TestAUnitThatAnAnswerTellsIsNotedOrRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  map[string]string // of a second run, by day
		noted pipeline.Owner    // after it
		other string            // that is refused; empty: none
	}{
		{"the same", map[string]string{"2025-09-07": "x of 7"}, "a.example/7", ""},
		{"none is named", map[string]string{"2025-09-07": "x"}, "a.example/7", ""},
		{"another", map[string]string{"2025-09-07": "x of 8"}, "a.example/7", "a.example/8"},
		{"two in one report", map[string]string{"2025-09-07": "x of 7,y of 8"}, "a.example/7", "a.example/8"},
		{"two in two chunks", map[string]string{"2025-09-07": "x of 7\n--,y of 8"}, "a.example/7", "a.example/8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, _ := of("a.example", map[string]string{"2025-09-07": "a of 7,b"})
			e, store := newEngine(t, first)
			mustSync(t, e)
			if got := ownerIn(t, store, first.key); got != "a.example/7" {
				t.Fatalf("noted %q", got)
			}
			table := ids(store, first)
			second, _ := of("a.example", c.rows)
			again := engineOn(store, second)
			again.Select.Refetch, again.TenantRemedy = true, remedy
			sum, err := again.Sync(t.Context())
			if c.other == "" {
				if err != nil || sum.Exit != pipeline.ExitDone {
					t.Errorf("exit %d, %v", sum.Exit, err)
				}
			} else {
				otherTenant(t, err, "a.example/7", c.other)
				if sum.Exit != pipeline.ExitInvalid || ids(store, first) != table {
					t.Errorf("exit %d, the table has %s", sum.Exit, ids(store, first))
				}
			}
			l, err := store.Ledger(t.Context(), first.key)
			if err != nil || l.Owner() != c.noted {
				t.Errorf("the ledger has %q, %v", l.Owner(), err)
			}
			if e, failed := l.Failed(entries(t, store, first)[0].Window.Span); failed {
				t.Errorf("the ledger of another tenant was told %+v", e)
			}
		})
	}
}

// A login tells the bot: the source knows more once it has been answered.
func TestAUnitThatTheSourceLearnsIsNotedOrRefused(t *testing.T) {
	store := memory.New(memory.Options{})
	t.Cleanup(func() { _ = store.Close() })
	for _, c := range []struct {
		unit, row string
		exit      int
	}{{"acme", "a", pipeline.ExitDone}, {"other", "eve", pipeline.ExitInvalid}, {"acme", "b", pipeline.ExitDone}} {
		s, asked := of("", map[string]string{"2025-09-08": c.row})
		s.owner = func() pipeline.Owner {
			if asked.Load() == 0 {
				return "a.example"
			}
			return pipeline.Owner("a.example").Of(c.unit)
		}
		e := engineOn(store, s)
		e.Select.Refetch = true
		sum, err := e.Sync(t.Context())
		if sum.Exit != c.exit || (c.exit == pipeline.ExitInvalid) != (pipeline.KindOf(err) == pipeline.OtherTenant) {
			t.Errorf("%s: exit %d, %v", c.unit, sum.Exit, err)
		}
		if got := ownerIn(t, store, s.key); got != "a.example/acme" || ids(store, s) == "company/eve" {
			t.Errorf("%s: the ledger is of %q, the table has %s", c.unit, got, ids(store, s))
		}
	}
}

// Two windows of one run, of two companies: whichever comes first counts.
func TestTwoUnitsInOneRunAreNotBothCommitted(t *testing.T) {
	s, _ := of("a.example", map[string]string{"2025-09-07": "x of 7", "2025-09-08": "y of 8"})
	s.apart = true
	e, store := newEngine(t, s)
	sum, err := e.Sync(t.Context())
	if pipeline.KindOf(err) != pipeline.OtherTenant || sum.Exit != pipeline.ExitInvalid {
		t.Fatalf("exit %d, %v", sum.Exit, err)
	}
	if got := ids(store, s); strings.Contains(got, "x of 7") && strings.Contains(got, "y of 8") {
		t.Errorf("the table has %s", got)
	}
}

// Another run notes its own owner after this one has planned.
func TestATenantThatComesMeanwhileIsMetAtTheCommit(t *testing.T) {
	mine, _ := of("a.example", map[string]string{"2025-09-08": "a"})
	e, store := newEngine(t, mine)
	late, _ := of("b.example", nil)
	late.answer = func(_ context.Context, _ pipeline.Request, yield func(string) error) error {
		mustSync(t, e)
		return yield("2025-09-08T10:00:00Z eve\n")
	}
	other := engineOn(store, late)
	other.TenantRemedy = remedy
	sum, err := other.Sync(t.Context())
	otherTenant(t, err, "a.example", "b.example")
	if sum.Exit != pipeline.ExitInvalid || ids(store, mine) != "company/a" {
		t.Errorf("exit %d, the table has %s", sum.Exit, ids(store, mine))
	}
	l, err := store.Ledger(t.Context(), mine.key)
	if err != nil {
		t.Fatal(err)
	}
	if e, failed := l.Failed(entries(t, store, mine)[0].Window.Span); failed {
		t.Errorf("the ledger of another tenant was told %+v", e)
	}
}

func TestAnAdoptionIsForAllStreamsOfTheAccountAndMayBeRepeated(t *testing.T) {
	store := memory.New(memory.Options{})
	t.Cleanup(func() { _ = store.Close() })
	calls, _ := of("a.example", map[string]string{"2025-09-08": "a of 7"})
	texts, _ := of("a.example", map[string]string{"2025-09-08": "t"})
	texts.key.Stream = "dialpad.texts"
	foreign, _ := of("a.example", map[string]string{"2025-09-08": "u"})
	foreign.key.Account = "us-east"
	for _, s := range []*scripted{calls, texts, foreign} {
		mustSync(t, engineOn(store, s))
	}
	k := pipeline.TenantKey{Source: "dialpad", Account: "default"}
	e := engineOn(store, calls)
	adopted, streams, err := e.Adopt(t.Context(), k, "b.example")
	if err != nil || streams != 2 || len(adopted) != 2 {
		t.Fatalf("%+v of %d streams, %v", adopted, streams, err)
	}
	for _, a := range adopted {
		// The second stream's first commit took the unit from the first's ledger.
		if a.Former != "a.example/7" || a.Stream.Account != "default" || ownerIn(t, store, a.Stream) != "b.example" {
			t.Errorf("%+v; now of %q", a, ownerIn(t, store, a.Stream))
		}
	}
	if adopted, streams, err = e.Adopt(t.Context(), k, "b.example"); err != nil || streams != 2 || len(adopted) != 0 {
		t.Errorf("the second time: %+v of %d streams, %v", adopted, streams, err)
	}
	if got := ownerIn(t, store, foreign.key); got != "a.example" {
		t.Errorf("another account is of %q now", got)
	}
	if adopted, streams, err = e.Adopt(t.Context(), pipeline.TenantKey{Source: "ucontact", Account: "default"}, "b.example"); err != nil || streams != 0 || len(adopted) != 0 {
		t.Errorf("of an account without streams: %+v of %d streams, %v", adopted, streams, err)
	}
	_, err = engineOn(store, calls).Plan(t.Context())
	if pipeline.KindOf(err) != pipeline.OtherTenant {
		t.Errorf("the former tenant: %v", err)
	}
	// What was cut short is found by any run: one stream was told, the other was not.
	half := pipeline.Entry{Kind: pipeline.EntryAdopt, Note: "c.example"}
	if err := store.Record(t.Context(), texts.key, half); err != nil {
		t.Fatal(err)
	}
	both := engineOn(store, calls)
	calls.owner = func() pipeline.Owner { return "c.example" }
	texts.owner = calls.owner
	both.Sources = append(both.Sources, texts)
	if _, err := both.Plan(t.Context()); pipeline.KindOf(err) != pipeline.OtherTenant {
		t.Errorf("half an adoption passes: %v", err)
	}
	if adopted, _, err := both.Adopt(t.Context(), k, "c.example"); err != nil || len(adopted) != 1 {
		t.Errorf("%+v, %v", adopted, err)
	}
	if _, err := both.Plan(t.Context()); err != nil {
		t.Error(err)
	}
}
