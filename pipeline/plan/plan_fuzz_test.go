package plan

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// history plays the runs of one stream: settings change between them, and
// windows fail, are killed in the middle of a commit, or are waived.
type history struct {
	t      testing.TB
	stream pipeline.Stream
	ledger *pipeline.Ledger
	now    calendar.Instant
	read   calendar.Instant // the real clock of readings; it only goes on
}

func newHistory(t testing.TB) *history {
	h := &history{t: t, ledger: pipeline.NewLedger(), now: mustInstant(t, "2025-03-20T10:00:00Z"), read: mustInstant(t, "2025-03-20T10:00:00Z")}
	h.stream = daily(t, "1d", "UTC")
	h.stream.From = "2025-03-01"
	return h
}

// set changes the calendar, and the grain to the given length where windows are a multiple of it.
func (h *history) set(length, grain, zoneName string) {
	h.stream.Calendar = mustCalendar(h.t, length, zoneName)
	h.stream.Grain = calendar.Calendar{}
	if grain != "" {
		if g := mustCalendar(h.t, grain, zoneName); h.stream.Calendar.Multiple(g) {
			h.stream.Grain = g
		}
	}
}

func (h *history) plan(sel Selection) pipeline.StreamPlan {
	p := mustPlan(h.t, h.stream, h.ledger, sel, h.now)
	h.check(p)
	return p
}

// entry is what a run writes of a planned window.
func (h *history) entry(kind pipeline.EntryKind, w pipeline.PlannedWindow) pipeline.Entry {
	h.read += 1_000_000
	return pipeline.Entry{
		Kind: kind, Window: w.Window, Supersedes: w.Supersedes, ExtractedAt: h.now, ReadAt: h.read, CommittedAt: h.read,
		Settled: h.now >= w.Window.End.Add(h.stream.Settle), Settings: h.stream.Settings, Counts: pipeline.Counts{Read: 1, Rows: 1},
	}
}

func (h *history) commit(w pipeline.PlannedWindow) {
	h.t.Helper()
	h.ledger.Apply(h.entry(pipeline.EntryBegin, w))
	h.ledger.Apply(h.entry(pipeline.EntryCommit, w))
	if _, ok := h.ledger.Live(w.Window.Span); !ok {
		h.t.Fatalf("%v was committed and is not known to be: %v", w, h.ledger.Overlapping(w.Window.Span))
	}
}

// growing runs do and asserts that what was ever covered is not forgotten:
// it is covered still, or known as a remnant.
func (h *history) growing(do func()) {
	h.t.Helper()
	before := h.neverCovered()
	do()
	for _, s := range h.neverCovered() {
		k, _ := slices.BinarySearchFunc(before, s.Start, func(b calendar.Span, i calendar.Instant) int { return cmp.Compare(b.End, i+1) })
		if k == len(before) || !before[k].Contains(s) {
			h.t.Fatalf("a run laid %v bare", s)
		}
	}
}

// neverCovered is the time that no window has ever covered.
func (h *history) neverCovered() []calendar.Span {
	all := calendar.Span{Start: mustInstant(h.t, "2025-01-01"), End: mustInstant(h.t, "2025-12-31")}
	return calendar.Without(all, calendar.Merge(h.ledger.Covered(calendar.NoInstant), h.ledger.Remnants()))
}

// check asserts what holds of every plan.
func (h *history) check(p pipeline.StreamPlan) {
	h.t.Helper()
	due := h.now
	if h.stream.DueSettled {
		settled := h.now.Add(-h.stream.Settle)
		due = calendar.Calendar{Unit: calendar.Days, Every: 1, Zone: h.stream.Calendar.Zone}.Window(settled).Start
	}
	last := calendar.NoInstant
	for _, w := range p.Windows {
		if w.Window.Start < last || w.Window.Empty() {
			h.t.Fatalf("planned windows overlap or are out of order:\n%v", planned(p))
		}
		last = w.Window.End
		if w.Window.End > due {
			h.t.Fatalf("%v is planned and not due at %v", w.Window, due)
		}
		if w.Window.Start%1_000_000 != 0 || w.Window.End%1_000_000 != 0 {
			h.t.Fatalf("%v does not have whole seconds", w.Window)
		}
		known := h.ledger.Committed(w.Window.Span)
		if !known && !(h.stream.Grain.Aligned(w.Window.Start) && h.stream.Grain.Aligned(w.Window.End)) {
			h.t.Fatalf("%v cannot be asked for: the grain is %v in %v", w.Window, h.stream.Grain, h.stream.Grain.Zone)
		}
		for _, e := range h.ledger.Overlapping(w.Window.Span) {
			if e.Window.Span != w.Window.Span && !slices.Contains(w.Supersedes, e.Window) {
				h.t.Fatalf("%v overlaps %v and does not supersede it", w.Window, e.Window)
			}
		}
		if h.stream.Grain.IsAny() && slices.ContainsFunc(w.Supersedes, func(o calendar.Window) bool { return h.ledger.Committed(o.Span) }) && !known {
			h.t.Fatalf("%v supersedes committed windows of a stream that can be asked for any instant", w)
		}
	}
	for _, s := range Status(h.stream, h.ledger, h.now, Kept{}).Holes {
		if inside := h.ledger.Overlapping(s); slices.ContainsFunc(inside, func(e pipeline.Entry) bool { return h.ledger.Committed(e.Window.Span) }) {
			h.t.Fatalf("the status tells of a hole %v in which %v is committed", s, inside)
		}
	}
	for _, s := range p.Holes {
		if h.stream.Grain.IsAny() {
			h.t.Fatalf("a stream that can be asked for any instant has a hole %v", s)
		}
		if slices.ContainsFunc(p.Windows, func(w pipeline.PlannedWindow) bool { return w.Window.Overlaps(s) }) {
			h.t.Fatalf("hole %v is planned:\n%v", s, planned(p))
		}
		if ask := h.stream.Grain.Inward(s); !ask.Empty() && ask.End <= due {
			h.t.Fatalf("hole %v holds %v, which can be asked for:\n%v", s, ask, planned(p))
		}
	}
	h.checkWatermark(p)
}

// checkWatermark steps over the ledger without its own arithmetic.
func (h *history) checkWatermark(p pipeline.StreamPlan) {
	h.t.Helper()
	waived := h.ledger.Waived()
	settledAt := func(i calendar.Instant) bool {
		if slices.ContainsFunc(waived, func(w calendar.Span) bool { return w.Has(i) }) {
			return true
		}
		return slices.ContainsFunc(h.ledger.Overlapping(calendar.Span{Start: i, End: i + 1}), func(e pipeline.Entry) bool {
			live, known := h.ledger.Live(e.Window.Span)
			return known && live.Settled
		})
	}
	to := p.Watermark
	if to == calendar.NoInstant {
		to = p.First
	}
	for i := p.First; i < to; i += 1800 * 1_000_000 {
		if !settledAt(i) {
			h.t.Fatalf("the watermark %v passes %v, which is not settled", to, i)
		}
	}
	if settledAt(to) {
		h.t.Fatalf("the watermark stops at %v, which is settled", to)
	}
}

// settle runs until a run has nothing new, and checks what is then covered.
func (h *history) settle() pipeline.StreamPlan {
	h.t.Helper()
	for range 3 {
		p := h.plan(Selection{})
		open := 0
		h.growing(func() {
			for _, w := range p.Windows {
				if w.Reason == pipeline.ReasonNew || w.Reason == pipeline.ReasonFailed {
					h.commit(w)
					open++
				}
			}
		})
		if open > 0 {
			continue
		}
		covered := calendar.Merge(h.ledger.Covered(calendar.NoInstant), h.ledger.Waived())
		end := h.stream.Calendar.Window(h.now).Start
		if g := h.stream.Grain; !g.IsAny() {
			end = min(end, g.Window(h.now).Start)
		}
		if rest := calendar.Without(calendar.Span{Start: p.First, End: end}, calendar.Merge(covered, p.Holes)); len(rest) > 0 && !h.stream.DueSettled {
			h.t.Fatalf("nothing is planned, but %v is neither covered nor named as a hole", rest)
		}
		return p
	}
	h.t.Fatalf("three runs that commit everything leave %v", planned(h.plan(Selection{})))
	return pipeline.StreamPlan{}
}

var (
	fuzzLengths = []string{"1h", "6h", "1d", "7d", "1mo", "3mo"}
	fuzzGrains  = []string{"", "60m", "1d", "1mo", "7d", "15m"}
)

// play lets each byte pair of the script do something to the stream.
func (h *history) play(script []byte) {
	for len(script) >= 2 {
		op, arg := script[0], int(script[1])
		script = script[2:]
		switch op % 10 {
		case 0:
			h.now = min(h.now.Add(time.Duration(arg)*time.Hour), mustInstant(h.t, "2025-06-15T10:00:00Z"))
		case 1:
			h.set(fuzzLengths[arg%len(fuzzLengths)], fuzzGrains[arg/8%len(fuzzGrains)], oddZones[(arg+int(op))%len(oddZones)])
		case 2:
			h.set("1d", "1d", oddZones[arg%len(oddZones)])
		case 3:
			h.stream.DueSettled = arg%2 == 0
			h.stream.Lookback = time.Duration(arg) * time.Hour
		case 4:
			from := mustInstant(h.t, "2025-02-20").Add(time.Duration(arg) * 7 * time.Hour)
			sel := Selection{From: from.String(), To: from.Add(time.Duration(1+arg%90) * time.Hour).String(), Refetch: arg%3 == 0}
			h.run(h.plan(sel), int(op))
		case 5:
			from := mustInstant(h.t, "2025-03-01").Add(time.Duration(arg) * 5 * time.Hour)
			spans, err := Waivable(h.stream, h.ledger, Selection{From: from.String(), To: from.Add(30 * time.Hour).String()}, h.now)
			if err != nil {
				h.t.Fatal(err)
			}
			for _, s := range spans {
				h.ledger.Apply(pipeline.Entry{Kind: pipeline.EntryWaive, Window: calendar.Window{Span: s, Zone: "UTC"}})
			}
		default:
			h.run(h.plan(Selection{}), arg)
		}
	}
}

// run ends each planned window in one of the ways that luck picks.
func (h *history) run(p pipeline.StreamPlan, luck int) {
	h.growing(func() {
		for i, w := range p.Windows {
			switch (luck + i*7) % 11 {
			case 0:
				h.ledger.Apply(pipeline.Entry{Kind: pipeline.EntryFail, Window: w.Window})
			case 1:
				h.ledger.Apply(h.entry(pipeline.EntryBegin, w))
			case 2: // the run was stopped before it came to the window
			default:
				h.commit(w)
			}
		}
	})
	checkWhole(h.t, h.ledger)
}

// checkWhole asserts that the snapshot of the ledger reproduces it.
func checkWhole(t testing.TB, l *pipeline.Ledger) {
	t.Helper()
	if got, want := fmt.Sprint(fold(l.Entries()...).Entries()), fmt.Sprint(l.Entries()); got != want {
		t.Fatalf("a snapshot differs:\n%s\n%s", got, want)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte{6, 3, 0, 30, 6, 3})
	f.Add([]byte{2, 0, 6, 3, 0, 48, 2, 17, 6, 3, 0, 48, 2, 2, 6, 3})
	f.Add([]byte{1, 9, 7, 4, 0, 200, 1, 100, 8, 5, 5, 40, 4, 30, 9, 1})
	f.Add([]byte{1, 28, 6, 3, 0, 255, 1, 29, 6, 9, 0, 255, 1, 12, 6, 5})
	f.Add([]byte{3, 2, 2, 17, 6, 3, 0, 255, 2, 3, 6, 1, 5, 12, 6, 2})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 60 {
			return
		}
		h := newHistory(t)
		h.play(script)
		h.settle()
	})
}

func TestHistoriesOfChangingSettingsComeToRest(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 11))
		script := make([]byte, 40)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		h := newHistory(t)
		h.play(script)
		h.settle()
	}
}

func TestPromise08_AZoneChangeDoesNotEatItsWayThroughHistory(t *testing.T) {
	h := newHistory(t)
	h.stream.From = ""
	h.ledger.Apply(pipeline.Entry{Kind: pipeline.EntryOrigin, Window: calendar.Window{Span: calendar.Span{Start: mustInstant(t, "2025-03-01"), End: mustInstant(t, "2025-03-01")}}})
	for _, step := range []struct {
		zone  string
		holes []string
	}{
		{"UTC", nil},
		{"Asia/Tokyo", []string{"2025-03-22/2025-03-22T15"}},
		{"America/Mexico_City", []string{"2025-03-22/2025-03-22T15", "2025-03-24T15/2025-03-25T06"}},
	} {
		h.set("1d", "1d", step.zone)
		superseding := 0
		for range 6 {
			p := h.plan(Selection{})
			for _, w := range p.Windows {
				if len(w.Supersedes) > 0 {
					superseding++
				}
				h.commit(w)
			}
			h.now = h.now.Add(12 * time.Hour)
		}
		if want := min(1, len(step.holes)); superseding != want {
			t.Errorf("%s: %d windows were replaced, want %d", step.zone, superseding, want)
		}
		p := h.settle()
		if got := briefSpans(p.Holes); !slices.Equal(got, append([]string{}, step.holes...)) {
			t.Errorf("%s: holes %v, want %v", step.zone, got, step.holes)
		}
	}
	// The holes stop the watermark until an operator waives them.
	if p := h.plan(Selection{}); p.Watermark != mustInstant(t, "2025-03-22") {
		t.Errorf("the watermark is %v", p.Watermark)
	}
	if st := Status(h.stream, h.ledger, h.now, Kept{}); !slices.Equal(briefSpans(st.Holes), briefSpans(h.plan(Selection{}).Holes)) || len(st.Holes) == 0 || st.Failed != nil {
		t.Errorf("the status tells of %v, %v", st.Holes, st.Failed)
	}
	spans, err := Waivable(h.stream, h.ledger, Selection{From: "2025-03-20", To: "2025-03-25"}, h.now)
	if err != nil || len(spans) != 2 {
		t.Fatalf("waives %v, %v", spans, err)
	}
	for _, s := range spans {
		h.ledger.Apply(pipeline.Entry{Kind: pipeline.EntryWaive, Window: calendar.Window{Span: s, Zone: "America/Mexico_City"}})
	}
	if p := h.plan(Selection{}); len(p.Holes) > 0 || p.Watermark < h.now.Add(-24*time.Hour) {
		t.Errorf("after the waiver: watermark %v, holes %v", p.Watermark, p.Holes)
	}
}

func TestPromise08_NewSettingsCutOnlyWhatIsUncovered(t *testing.T) {
	for _, length := range fuzzLengths {
		for _, zoneName := range oddZones {
			h := newHistory(t)
			h.settle()
			before := h.ledger.Overlapping(calendar.Span{Start: calendar.NoInstant, End: h.now})
			h.set(length, "", zoneName)
			h.stream.Lookback = 48 * time.Hour
			h.now = h.now.Add(240 * time.Hour)
			for _, w := range h.plan(Selection{Refetch: true}).Windows {
				h.commit(w)
			}
			for _, e := range before {
				now, ok := h.ledger.Live(e.Window.Span)
				if !ok || now.Window != e.Window || now.ReadAt == e.ReadAt {
					t.Fatalf("%s in %s: %v, read again, became %v", length, zoneName, e.Window, now.Window)
				}
			}
		}
	}
}

func TestPromise03_AFailedWindowStaysOpenAndIsRetried(t *testing.T) {
	h := newHistory(t)
	p := h.plan(Selection{})
	for i, w := range p.Windows {
		if i == 5 {
			h.ledger.Apply(pipeline.Entry{Kind: pipeline.EntryFail, Window: w.Window, Note: "503"})
			continue
		}
		h.commit(w)
	}
	failed := p.Windows[5].Window
	for range 400 { // no time that passes closes a hole
		h.now = h.now.Add(24 * time.Hour)
		next := h.plan(Selection{})
		if next.Watermark != failed.Start {
			t.Fatalf("the watermark is %v, want %v", next.Watermark, failed.Start)
		}
		if next.Windows[0].Window != failed || next.Windows[0].Reason != pipeline.ReasonFailed {
			t.Fatalf("the failed window is not planned first: %v", planned(next)[:1])
		}
	}
	h.commit(h.plan(Selection{}).Windows[0])
	if next := h.plan(Selection{}); next.Watermark != p.Windows[len(p.Windows)-1].Window.End {
		t.Errorf("the watermark is %v", next.Watermark)
	}
}

func TestPlanningALongHistoryIsQuick(t *testing.T) {
	s := daily(t, "1h", "America/Chicago")
	s.From, s.Grain = "2014-01-01", mustCalendar(t, "60m", "UTC")
	now := mustInstant(t, "2025-09-01")
	start := time.Now()
	p := mustPlan(t, s, pipeline.NewLedger(), Selection{}, now)
	l := pipeline.NewLedger()
	for _, w := range p.Windows {
		l.Apply(pipeline.Entry{Kind: pipeline.EntryCommit, Window: w.Window, Settled: true, Settings: "now"})
	}
	if p = mustPlan(t, s, l, Selection{}, now); len(p.Windows) != 0 {
		t.Errorf("planned %v", p.Windows[:1])
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("planning 100,000 hours took %v", took)
	}
}

func BenchmarkPlanTenYearsOfDays(b *testing.B) {
	s := daily(b, "1d", "America/Chicago")
	s.From, s.Grain = "2015-01-01", mustCalendar(b, "1d", "America/Chicago")
	now := mustInstant(b, "2025-01-01T12:00:00Z")
	for b.Loop() {
		mustPlan(b, s, pipeline.NewLedger(), Selection{}, now)
	}
}
