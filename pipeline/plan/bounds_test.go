package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func TestASelectionFromTheFirstDayOnDoesNotReachBeforeIt(t *testing.T) {
	s := daily(t, "7d", "UTC")
	s.From = "2025-09-03" // a Wednesday
	for _, c := range []struct {
		from string
		want []string
	}{
		{"2025-09-02", []string{"2025-09-01/2025-09-08 UTC new"}}, // asked for by name
		{"2025-09-03", []string{"2025-09-03/2025-09-08 UTC new"}},
		{"2025-09-04", []string{"2025-09-03/2025-09-08 UTC new"}},
	} {
		p := mustPlan(t, s, pipeline.NewLedger(), Selection{From: c.from}, mustInstant(t, "2025-09-08T12:00:00Z"))
		if got := planned(p); !slices.Equal(got, c.want) {
			t.Errorf("from %s: planned %v, want %v", c.from, got, c.want)
		}
	}
}

func TestAReadingOfThisMomentIsWithinTheVendorsCache(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From, s.Lookback, s.Cache = "2025-09-03", 48*time.Hour, 3*time.Hour
	l := fold(read(t, "2025-09-03", "2025-09-04", "UTC", "2025-09-04T03:00:00Z"))
	if got := planned(mustPlan(t, s, l, Selection{}, mustInstant(t, "2025-09-04T03:00:00Z"))); len(got) != 0 {
		t.Errorf("planned %v", got)
	}
}

func TestPromise08_OnlySettledWindowsOfKnownContentAreNamedForTheirSettings(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From = "2025-09-01"
	old := func(from, to string) pipeline.Entry {
		e := read(t, from, to, "UTC", "2025-09-04T05:00:00Z")
		e.Settings = "before"
		return e
	}
	provisional := old("2025-09-02", "2025-09-03")
	provisional.Settled = false
	inDoubt := old("2025-09-03", "2025-09-04")
	begin := inDoubt
	begin.Kind, begin.ReadAt = pipeline.EntryBegin, inDoubt.ReadAt+1
	l := fold(old("2025-09-01", "2025-09-02"), provisional, inDoubt, begin)
	// A selection that touches none of them: nothing is left out because it is read again.
	p := mustPlan(t, s, l, Selection{From: "2025-09-04", To: "2025-09-04"}, mustInstant(t, "2025-09-05T06:00:00Z"))
	if len(p.Changed) != 1 || p.Changed[0].Span != mustSpan(t, "2025-09-01", "2025-09-02") {
		t.Errorf("changed %v, want the settled day alone", p.Changed)
	}
}

func TestPromise08_AWindowSupersedesNoBegunWindowElsewhere(t *testing.T) {
	s := daily(t, "6h", "UTC")
	s.From = "2025-09-04"
	begin := func(from, to string) pipeline.Entry {
		return pipeline.Entry{Kind: pipeline.EntryBegin, Window: calendar.Window{Span: mustSpan(t, from, to), Zone: "UTC"}, ReadAt: mustInstant(t, "2025-09-06")}
	}
	l := fold(begin("2025-09-04T00:00:00Z", "2025-09-04T07:00:00Z"), begin("2025-09-04T13:00:00Z", "2025-09-04T20:00:00Z"))
	got := planned(mustPlan(t, s, l, Selection{}, mustInstant(t, "2025-09-05")))
	want := []string{
		"2025-09-04/2025-09-04T06 UTC failed < 2025-09-04/2025-09-04T07", "2025-09-04T06/2025-09-04T12 UTC failed < 2025-09-04/2025-09-04T07",
		"2025-09-04T12/2025-09-04T18 UTC failed < 2025-09-04T13/2025-09-04T20", "2025-09-04T18/2025-09-05 UTC failed < 2025-09-04T13/2025-09-04T20",
	}
	if !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
}

func TestPromise03_AWaivedWindowInDoubtIsReadAgainOnlyWhereItsDaysAreNamed(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From = "2025-09-01"
	day := calendar.Window{Span: mustSpan(t, "2025-09-01", "2025-09-02"), Zone: "UTC"}
	l := fold(
		read(t, "2025-09-01", "2025-09-02", "UTC", "2025-09-02T03:00:00Z"),
		pipeline.Entry{Kind: pipeline.EntryBegin, Window: day, ReadAt: mustInstant(t, "2025-09-03")},
		pipeline.Entry{Kind: pipeline.EntryWaive, Window: day, Note: "deleted by the vendor"},
	)
	now := mustInstant(t, "2025-09-02T12:00:00Z")
	for _, c := range []struct {
		sel  Selection
		want []string
	}{
		{Selection{}, []string{}},
		{Selection{Refetch: true}, []string{}},
		{Selection{From: "2025-09-01", To: "2025-09-01"}, []string{}},
		{Selection{From: "2025-09-01", To: "2025-09-01", Refetch: true}, []string{"2025-09-01/2025-09-02 UTC refetch"}},
	} {
		if got := planned(mustPlan(t, s, l, c.sel, now)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: planned %q, want %q", c.sel, got, c.want)
		}
	}
}

func TestASelectionPlansNoPieceBesideIt(t *testing.T) {
	s := daily(t, "7d", "UTC")
	s.From = "2025-09-01"
	l := fold(read(t, "2025-09-03", "2025-09-05", "UTC", "2025-09-08T03:00:00Z")) // a part of the week
	got := planned(mustPlan(t, s, l, Selection{From: "2025-09-06", To: "2025-09-06"}, mustInstant(t, "2025-09-08T12:00:00Z")))
	if want := []string{"2025-09-05/2025-09-08 UTC new"}; !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
}

func TestPromise08_ADayBeforeAWeekAtTheSeamReplacesTheWholeWeek(t *testing.T) {
	s := daily(t, "1d", "America/Mexico_City")
	s.Grain, s.From = s.Calendar, "2025-08-31"
	l := fold(read(t, "2025-09-01", "2025-09-08", "UTC", "2025-09-08T03:00:00Z"))
	got := planned(mustPlan(t, s, l, Selection{}, mustInstant(t, "2025-09-08T05:00:00Z")))
	want := []string{"2025-08-31T06/2025-09-07T06 America/Mexico_City new < 2025-09-01/2025-09-08"}
	if !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
}

func TestStatusCountsWaivedDaysHoweverTheyWereWaived(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From = "2025-09-01"
	waive := func(from, to string) pipeline.Entry {
		return pipeline.Entry{Kind: pipeline.EntryWaive, Window: calendar.Window{Span: mustSpan(t, from, to), Zone: "UTC"}}
	}
	l := fold(waive("2025-09-01T00:00:00Z", "2025-09-01T12:00:00Z"), waive("2025-09-01T12:00:00Z", "2025-09-02T00:00:00Z"))
	st := Status(s, l, mustInstant(t, "2025-09-02T00:00:01.9Z"), Kept{})
	if st.Waived != 1 || st.LagSeconds == nil || *st.LagSeconds != 1 {
		t.Errorf("%d days waived, lag %v", st.Waived, st.LagSeconds)
	}
}
