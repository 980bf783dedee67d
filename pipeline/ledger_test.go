package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline/calendar"
)

// hours is the span from hour a to hour b of a day in the tests of the ledger.
func hours(a, b int) Span {
	const hour = 3600 * 1_000_000
	return Span{Start: Instant(a) * hour, End: Instant(b) * hour}
}

func window(a, b int) Window { return Window{Span: hours(a, b), Zone: "UTC"} }

func committed(a, b, read int, supersedes ...Window) Entry {
	return Entry{Kind: EntryCommit, Window: window(a, b), ReadAt: Instant(read), Settled: true, Supersedes: supersedes,
		Counts: Counts{Read: int64(read), Rows: int64(read)}}
}

func begun(a, b, read int, supersedes ...Window) Entry {
	return Entry{Kind: EntryBegin, Window: window(a, b), ReadAt: Instant(read), Supersedes: supersedes}
}

func reopened(a, b, read int) Entry {
	return Entry{Kind: EntryReopen, Window: window(a, b), ReadAt: Instant(read), Note: "no file"}
}

func failed(a, b int) Entry { return Entry{Kind: EntryFail, Window: window(a, b), Note: "broke off"} }

func waived(a, b int) Entry { return Entry{Kind: EntryWaive, Window: window(a, b), Note: "deleted"} }

func fold(entries ...Entry) *Ledger {
	l := NewLedger()
	for _, e := range entries {
		l.Apply(e)
	}
	return l
}

// liveReads tells the committed windows as "0-24@1", those in doubt with a "?".
func liveReads(l *Ledger) []string {
	const hour = 3600 * 1_000_000
	list := []string{}
	for it := range l.live.from(NoInstant) {
		text := fmt.Sprintf("%d-%d@%d", it.Start/hour, it.End/hour, l.live.entry(it).ReadAt)
		if l.Dirty(it.Span) {
			text += "?"
		}
		list = append(list, text)
	}
	return list
}

func TestLedgerFolds(t *testing.T) {
	tests := []struct {
		name      string
		log       []Entry
		live      []string
		watermark int // hours from 0; -1 for none
	}{
		{"nothing is known of a stream never seen", nil, nil, -1},
		{"settled windows in a row move the watermark", []Entry{committed(0, 24, 1), committed(24, 48, 1)}, []string{"0-24@1", "24-48@1"}, 48},
		{"the order of commits does not matter", []Entry{committed(24, 48, 1), committed(0, 24, 1)}, []string{"0-24@1", "24-48@1"}, 48},
		{"a gap stops the watermark", []Entry{committed(0, 24, 1), committed(48, 72, 1)}, []string{"0-24@1", "48-72@1"}, 24},
		{"a window over the first day's start counts", []Entry{committed(-24, 24, 1)}, []string{"-24-24@1"}, 24},
		{"a window before the first day does not", []Entry{committed(-24, 0, 1)}, []string{"-24-0@1"}, -1},
		{"a provisional window stops it", []Entry{
			committed(0, 24, 1), {Kind: EntryCommit, Window: window(24, 48), ReadAt: 1}, committed(48, 72, 1),
		}, []string{"0-24@1", "24-48@1", "48-72@1"}, 24},
		{"the newer reading wins", []Entry{committed(0, 24, 2), committed(0, 24, 3)}, []string{"0-24@3"}, 24},
		{"an older reading changes nothing", []Entry{committed(0, 24, 2), committed(0, 24, 1)}, []string{"0-24@2"}, 24},
		{"a reading of the same age takes the place", []Entry{committed(0, 24, 2), committed(0, 24, 2)}, []string{"0-24@2"}, 24},
		{"a failed window leaves what is committed", []Entry{committed(0, 24, 1), failed(0, 24)}, []string{"0-24@1"}, 24},

		{"a begun commit is open", []Entry{begun(0, 24, 1)}, nil, -1},
		{"a begun commit of a settled window is open, and moves the watermark back",
			[]Entry{committed(0, 24, 1), committed(24, 48, 1), begun(24, 48, 2)}, []string{"0-24@1", "24-48@1?"}, 24},
		{"its commit ends the doubt", []Entry{committed(0, 24, 1), begun(0, 24, 2), committed(0, 24, 2)}, []string{"0-24@2"}, 24},
		{"a newer commit of another run ends it too", []Entry{begun(0, 24, 2), committed(0, 24, 3)}, []string{"0-24@3"}, 24},
		{"an older commit does not", []Entry{begun(0, 24, 2), committed(0, 24, 1)}, []string{"0-24@1?"}, -1},
		{"of two begins the newer counts", []Entry{begun(0, 24, 3), begun(0, 24, 2), committed(0, 24, 2)}, []string{"0-24@2?"}, -1},
		{"a failure does not end the doubt", []Entry{committed(0, 24, 1), begun(0, 24, 2), failed(0, 24)}, []string{"0-24@1?"}, -1},

		{"a reopened window is open, and moves the watermark back",
			[]Entry{committed(0, 24, 1), committed(24, 48, 1), committed(48, 72, 1), reopened(24, 48, 1)}, []string{"0-24@1", "24-48@1?", "48-72@1"}, 24},
		{"until it is committed again", []Entry{committed(0, 24, 1), reopened(0, 24, 1), committed(0, 24, 2)}, []string{"0-24@2"}, 24},
		{"a commit that another run made before is in doubt too", []Entry{committed(0, 24, 2), reopened(0, 24, 1)}, []string{"0-24@2?"}, -1},
		{"and closed by the next", []Entry{committed(0, 24, 2), reopened(0, 24, 1), committed(0, 24, 3)}, []string{"0-24@3"}, 24},
		{"a commit under way when the window was reopened closes it", []Entry{committed(0, 24, 1), begun(0, 24, 2), reopened(0, 24, 1), committed(0, 24, 2)}, []string{"0-24@2"}, 24},
		{"a commit that has begun is not forgotten for it", []Entry{committed(0, 24, 1), begun(0, 24, 3), reopened(0, 24, 1), committed(0, 24, 2)}, []string{"0-24@2?"}, -1},
		{"a waiver closes a reopened window that can never be read again", []Entry{committed(0, 24, 1), reopened(0, 24, 1), waived(0, 24)}, []string{"0-24@1?"}, 24},

		{"a commit takes out what it supersedes", []Entry{committed(0, 24, 1), committed(15, 39, 2, window(0, 24))}, []string{"15-39@2"}, -1},
		{"several windows can be superseded", []Entry{committed(0, 24, 1), committed(24, 48, 1), committed(0, 48, 2, window(0, 24), window(24, 48))}, []string{"0-48@2"}, 48},
		{"begun superseding puts the old window in doubt", []Entry{committed(0, 24, 1), begun(15, 39, 2, window(0, 24))}, []string{"0-24@1?"}, -1},
		{"and its commit ends the doubt about both", []Entry{committed(0, 24, 1), begun(15, 39, 2, window(0, 24)), committed(15, 39, 2, window(0, 24)), committed(0, 15, 3)},
			[]string{"0-15@3", "15-39@2"}, 39},
		{"the old window alone read again leaves the new one's rows in doubt", []Entry{committed(0, 24, 1), begun(15, 39, 2, window(0, 24)), committed(0, 24, 3)},
			[]string{"0-24@3?"}, -1},
		{"unless it names the new one", []Entry{committed(0, 24, 1), begun(15, 39, 2, window(0, 24)), committed(0, 24, 3, window(15, 39))},
			[]string{"0-24@3"}, 24},
		{"an overlapped window that no commit names leaves the ledger, but not the doubt", []Entry{committed(0, 24, 1), committed(12, 36, 2)}, []string{"12-36@2?"}, -1},
		{"until a commit names it", []Entry{committed(0, 24, 1), committed(12, 36, 2), committed(12, 36, 3, window(0, 24))}, []string{"12-36@3"}, -1},
		{"an older reading does not supersede a newer one", []Entry{committed(0, 24, 3), committed(15, 39, 2, window(0, 24))}, []string{"0-24@3"}, 24},

		{"a waiver covers a hole", []Entry{committed(0, 24, 1), waived(24, 48), committed(48, 72, 1)}, []string{"0-24@1", "48-72@1"}, 72},
		{"a waiver removes no committed window", []Entry{committed(0, 24, 1), waived(-24, 48)}, []string{"0-24@1"}, 48},
		{"a commit takes precedence within a waived span", []Entry{waived(0, 72), committed(24, 48, 1)}, []string{"24-48@1"}, 72},
		{"a begun commit opens its part of a waived span", []Entry{waived(0, 72), begun(24, 48, 1)}, nil, 24},
		{"a waiver closes a window in doubt that can never be read again", []Entry{committed(0, 24, 1), begun(0, 24, 2), waived(0, 24)}, []string{"0-24@1?"}, 24},
		{"a provisional window is not settled by a waiver", []Entry{
			{Kind: EntryCommit, Window: window(0, 24), ReadAt: 1}, waived(0, 24)}, []string{"0-24@1"}, -1},

		{"an entry without a window changes nothing", []Entry{{Kind: EntryCommit}, {Kind: EntryBegin}, {Kind: EntryWaive}, {Kind: EntryFail}, {Kind: "?", Window: window(0, 1)}}, nil, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := fold(tt.log...)
			if got := liveReads(l); len(got)+len(tt.live) > 0 && !slices.Equal(got, tt.live) {
				t.Errorf("live: %v, want %v", got, tt.live)
			}
			want := NoInstant
			if tt.watermark >= 0 {
				want = hours(0, tt.watermark).End
			}
			if got := l.Watermark(0); got != want {
				t.Errorf("watermark: %v, want %v", got, want)
			}
			checkLedger(t, l)
		})
	}
}

func TestPromise03_AFailedReadingMovesNoWatermarkAndAWaiverClosesAHole(t *testing.T) {
	l := fold(committed(0, 24, 1), committed(24, 48, 1), committed(72, 96, 1))
	if got := l.Watermark(0); got != hours(0, 48).End {
		t.Fatalf("the watermark passes the hole: %v", got)
	}
	l.Apply(failed(24, 48)) // read again, and failed
	l.Apply(failed(48, 72))
	if got := l.Watermark(0); got != hours(0, 48).End {
		t.Fatalf("a failure moved the watermark to %v", got)
	}
	if e, ok := l.Failed(hours(50, 51)); !ok || e.Note != "broke off" {
		t.Errorf("the failure is forgotten: %v, %v", e, ok)
	}
	l.Apply(waived(48, 72))
	if got := l.Watermark(0); got != hours(0, 96).End {
		t.Fatalf("the watermark stops at the waived hole: %v", got)
	}
	l.Apply(begun(0, 24, 2)) // killed while it is committed again
	if got := l.Watermark(0); got != NoInstant {
		t.Fatalf("the watermark passes a window in doubt: %v", got)
	}
	l.Apply(committed(0, 24, 2))
	if got := l.Watermark(0); got != hours(0, 96).End {
		t.Fatalf("the watermark is %v", got)
	}
}

func TestAFailureIsForgottenAtTheNextCommit(t *testing.T) {
	l := fold(failed(0, 24), failed(24, 48))
	l.Apply(committed(0, 24, 1))
	if _, ok := l.Failed(hours(0, 24)); ok {
		t.Error("a window that was read since is still failed")
	}
	l.Apply(committed(30, 31, 1))
	if _, ok := l.Failed(hours(24, 48)); ok {
		t.Error("a commit that overlaps the failed window did not end it")
	}
}

func TestLedgerTellsASinkWhatTheTableMayHold(t *testing.T) {
	l := fold(committed(0, 24, 1), committed(24, 48, 2), begun(15, 39, 3, window(0, 24)))
	var got []string
	for _, e := range l.Overlapping(hours(20, 30)) {
		got = append(got, fmt.Sprint(e.Kind, " ", e.Window.Span == hours(0, 24), e.Window.Span == hours(15, 39), e.Window.Span == hours(24, 48)))
	}
	if want := []string{"commit true false false", "begin false true false", "commit false false true"}; !slices.Equal(got, want) {
		t.Errorf("Overlapping = %v", got)
	}
	if _, ok := l.Live(hours(0, 24)); ok {
		t.Error("a window in doubt counts as known")
	}
	if _, ok := l.Live(hours(0, 12)); ok {
		t.Error("a part of a window is not the window")
	}
	if !l.Yields(committed(10, 30, 1)) || l.Yields(committed(10, 30, 2)) {
		t.Error("only an older reading yields")
	}
	if got := l.Begun(); len(got) != 2 || got[0].Window != window(0, 24) || got[1].Window != window(15, 39) {
		t.Errorf("Begun = %v", got)
	}
}

func TestTheEarliestRecordedOriginCounts(t *testing.T) {
	l := NewLedger()
	if got, ok := l.Origin(); ok || got != NoInstant {
		t.Errorf("Origin = %v, %v", got, ok)
	}
	for _, hour := range []int{5, 1, 9} {
		l.Apply(Entry{Kind: EntryOrigin, Window: window(hour, hour)})
	}
	for name, l := range map[string]*Ledger{"the ledger": l, "a clone": l.Clone(), "a snapshot": fold(l.Entries()...)} {
		if got, ok := l.Origin(); !ok || got != hours(1, 1).Start {
			t.Errorf("%s: Origin = %v, %v", name, got, ok)
		}
	}
}

func TestAnOriginOfAFirstSyncInTheFutureIsNotTrusted(t *testing.T) {
	l := fold(Entry{Kind: EntryOrigin, Window: window(5, 5)}, committed(0, 24, 1))
	trusted, _ := l.Trusted(hours(30, 30).Start, hours(4, 4).Start)
	if got, ok := trusted.Origin(); ok || got != NoInstant {
		t.Errorf("an origin that is too late: %v, %v", got, ok)
	}
	if got, ok := l.Origin(); !ok || got != hours(5, 5).Start {
		t.Errorf("the ledger itself has changed: %v, %v", got, ok)
	}
	if trusted, _ := l.Trusted(hours(30, 30).Start, hours(5, 5).Start); trusted != l {
		t.Error("an origin that can be true is doubted")
	}
}

func TestTheLastRecordedFirstDayCountsAndTheOriginStandsInForNone(t *testing.T) {
	l := NewLedger()
	if got, ok := l.First(); ok || got != NoInstant {
		t.Errorf("First = %v, %v", got, ok)
	}
	l.Apply(Entry{Kind: EntryOrigin, Window: window(5, 5)})
	if got, ok := l.First(); !ok || got != hours(5, 5).Start {
		t.Errorf("First = %v, %v where only the origin is recorded", got, ok)
	}
	for _, hour := range []int{7, 1, 3} {
		l.Apply(Entry{Kind: EntryFirst, Window: window(hour, hour)})
	}
	for name, l := range map[string]*Ledger{"the ledger": l, "a clone": l.Clone(), "a snapshot": fold(l.Entries()...)} {
		first, _ := l.First()
		if origin, _ := l.Origin(); first != hours(3, 3).Start || origin != hours(5, 5).Start {
			t.Errorf("%s: First = %v, Origin = %v", name, first, origin)
		}
	}
}

var owners = []Owner{"a.example", "a.example/1", "a.example/2", "b.example", Simulated}

func TestTheFirstOwnerCountsUntilAnotherIsAdopted(t *testing.T) {
	note := func(o Owner) Entry { return Entry{Kind: EntryOwner, Note: string(o)} }
	adopt := func(o Owner) Entry { return Entry{Kind: EntryAdopt, Note: string(o)} }
	for _, c := range []struct {
		name string
		log  []Entry
		want Owner
	}{
		{"nobody has told", []Entry{committed(0, 24, 1)}, ""},
		{"the first", []Entry{note("a.example"), committed(0, 24, 1), note("b.example")}, "a.example"},
		{"a later one completes it", []Entry{note("a.example"), note("a.example/1"), note("a.example/2")}, "a.example/1"},
		{"a stranger's unit does not", []Entry{note("a.example"), note("b.example/1")}, "a.example"},
		{"the last adopted", []Entry{note("a.example"), adopt("b.example"), adopt("c.example"), note("a.example")}, "c.example"},
		{"what is adopted is completed too", []Entry{note("a.example/1"), adopt("a.example"), note("a.example/2")}, "a.example/2"},
		{"an adoption may come first", []Entry{adopt("b.example"), note("a.example")}, "b.example"},
	} {
		l := fold(c.log...)
		for name, l := range map[string]*Ledger{"the ledger": l, "a clone": l.Clone(), "a snapshot": fold(l.Entries()...)} {
			if got := l.Owner(); got != c.want {
				t.Errorf("%s: %s is of %q, want %q", c.name, name, got, c.want)
			}
		}
	}
}

func TestWhatWasAskedForOnceStaysAndIsToldAsItWasLast(t *testing.T) {
	ask := func(id SyncID, hour int, note string) Entry {
		return Entry{Kind: EntryAsk, SyncID: id, Window: window(hour, hour+24), ReadAt: 5, Note: note}
	}
	unplaced := func(note string) Entry { return Entry{Kind: EntryUnplaced, Note: note} }
	log := []Entry{
		ask("a", 0, ""), ask("a", 24, ""), unplaced("x: no rows"), ask("b", 0, ""), ask("a", 0, AskTaken),
		committed(0, 24, 1), unplaced("x: no rows\ny: no date"),
	}
	l := fold(log...)
	want := []Entry{ask("a", 0, AskTaken), ask("a", 24, ""), ask("b", 0, "")}
	for name, l := range map[string]*Ledger{"the ledger": l, "a clone": l.Clone(), "a snapshot": fold(l.Entries()...)} {
		if got := l.Asked(); jsonOf(t, got) != jsonOf(t, want) {
			t.Errorf("%s was asked %+v", name, got)
		}
		if got := l.Unplaced(); !slices.Equal(got, []string{"x: no rows", "y: no date"}) {
			t.Errorf("%s does not place %q", name, got)
		}
	}
	c := l.Clone()
	c.Apply(ask("a", 24, AskTaken))
	c.Apply(unplaced(""))
	if jsonOf(t, l.Asked()) != jsonOf(t, want) || len(l.Unplaced()) != 2 || len(c.Unplaced()) != 0 {
		t.Errorf("the clone changed the ledger: %+v", l.Asked())
	}
}

func TestRemnantsAreWhatSupersedingLeftBare(t *testing.T) {
	l := fold(committed(0, 24, 1), committed(24, 48, 1), committed(15, 39, 2, window(0, 24), window(24, 48)))
	if got, want := l.Remnants(), []Span{hours(0, 15), hours(39, 48)}; !slices.Equal(got, want) {
		t.Errorf("Remnants = %v, want %v", got, want)
	}
	l.Apply(committed(0, 10, 3))
	if got, want := l.Remnants(), []Span{hours(10, 15), hours(39, 48)}; !slices.Equal(got, want) {
		t.Errorf("Remnants = %v, want %v", got, want)
	}
}

// checkLedger asserts what holds of every ledger.
func checkLedger(t *testing.T, l *Ledger) {
	t.Helper()
	for name, m := range map[string]*spanMap{"waived": &l.waived, "failed": &l.failed, "remnants": &l.remnants} {
		last := NoInstant
		for it := range m.from(NoInstant) {
			if it.Start < last || it.Empty() || it.entry.Window.Span != it.Span {
				t.Fatalf("%s: %v after %v, entry %v", name, it.Span, last, it.entry.Window)
			}
			last = it.End
		}
	}
	last := NoInstant
	for it := range l.live.from(NoInstant) {
		if e := l.live.entry(it); it.Start < last || it.Empty() || e.Window.Span != it.Span {
			t.Fatalf("live: %v after %v, entry %v", it.Span, last, e.Window)
		}
		last = it.End
		if !l.Dirty(it.Span) && len(calendar.Without(it.Span, l.waived.spans(NoInstant))) != 1 {
			t.Fatalf("committed window %v is waived as well", it.Span)
		}
		if rest := calendar.Without(it.Span, l.Remnants()); len(rest) != 1 || rest[0] != it.Span {
			t.Fatalf("live window %v is a remnant as well", it.Span)
		}
	}
	for _, e := range l.Overlapping(always) {
		if w, ok := l.Held(e.Window.Span); !ok || w != e.Window {
			t.Fatalf("the table may hold %v, and %v is told, %t", e.Window, w, ok)
		}
		if w, ok := l.Held(Span{Start: e.Window.Start, End: e.Window.End + 1<<40}); ok {
			t.Fatalf("the table may hold %v, which is no window", w)
		}
	}
	again := fold(l.Entries()...)
	sameLedger(t, again, l)
}

func sameLedger(t *testing.T, got, want *Ledger) {
	t.Helper()
	if a, b := got.Entries(), want.Entries(); !reflect.DeepEqual(a, b) {
		t.Fatalf("ledgers differ:\n%s\n%s", jsonOf(t, a), jsonOf(t, b))
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// randomEntry is an entry over a few hours, so that entries overlap often.
func randomEntry(rng *rand.Rand, l *Ledger) Entry {
	a := rng.IntN(20)
	b := a + 1 + rng.IntN(6)
	read := rng.IntN(8)
	var names []Window
	if rng.IntN(3) > 0 {
		for _, e := range l.Overlapping(hours(a, b)) {
			if rng.IntN(5) > 0 {
				names = append(names, e.Window)
			}
		}
	}
	if rng.IntN(10) == 0 {
		c := rng.IntN(20)
		names = append(names, window(c, c+1+rng.IntN(4)))
	}
	switch rng.IntN(10) {
	case 9:
		kinds := []EntryKind{EntryOwner, EntryOwner, EntryAdopt}
		return Entry{Kind: kinds[rng.IntN(len(kinds))], Note: string(owners[rng.IntN(len(owners))])}
	case 8:
		return Entry{Kind: EntryFirst, Window: window(a, a)}
	case 0:
		return failed(a, b)
	case 1:
		return waived(a, b)
	case 2, 3:
		return begun(a, b, read, names...)
	case 4:
		return Entry{Kind: EntryOrigin, Window: window(a, a)}
	case 5:
		e := committed(a, b, read, names...)
		e.Settled = false
		return e
	default:
		return committed(a, b, read, names...)
	}
}

func TestASnapshotAndItsFutureEqualTheWholeLog(t *testing.T) {
	for seed := range uint64(80) {
		rng := rand.New(rand.NewPCG(seed, 9))
		whole, short := NewLedger(), NewLedger()
		for range 120 {
			e := randomEntry(rng, whole)
			whole.Apply(e)
			short.Apply(e)
			if rng.IntN(4) == 0 {
				short = fold(short.Entries()...)
			}
			sameLedger(t, short, whole)
			checkLedger(t, whole)
		}
	}
}

func TestASnapshotSurvivesJSON(t *testing.T) {
	l := fold(
		Entry{Kind: EntryOrigin, Window: window(0, 0)}, Entry{Kind: EntryFirst, Window: window(5, 5)}, committed(0, 24, 1), committed(24, 48, 2),
		committed(15, 39, 3, window(0, 24), window(24, 48)), begun(39, 63, 4), waived(63, 70), failed(70, 71),
	)
	again := NewLedger()
	for _, e := range l.Entries() {
		var back Entry
		if err := json.Unmarshal([]byte(jsonOf(t, e)), &back); err != nil {
			t.Fatal(err)
		}
		again.Apply(back)
	}
	sameLedger(t, again, l)
}

func TestASnapshotIsMinimal(t *testing.T) {
	l := NewLedger()
	for i := range 1000 {
		l.Apply(begun(i%7, i%7+1, i))
		l.Apply(failed(i%7, i%7+1))
		l.Apply(committed(i%7, i%7+1, i))
	}
	if n := len(l.Entries()); n != 7 {
		t.Errorf("%d entries for 7 windows", n)
	}
}

// manyEntries is the log of hourly windows read several times, in an order
// that neither rises nor falls.
func manyEntries(n int) []Entry {
	rng := rand.New(rand.NewPCG(7, 8))
	log := make([]Entry, 0, n)
	for len(log) < n {
		a := rng.IntN(n / 3)
		log = append(log, begun(a, a+1, len(log)), committed(a, a+1, len(log)))
	}
	return log
}

// A log is held against four of a fourth of its length, in turns: what else the machine does meanwhile disturbs both alike, and
// of several tries the quickest count.
func TestFoldingALogFourTimesAsLongTakesFourTimesAsLong(t *testing.T) {
	took := func(logs ...[]Entry) time.Duration {
		start := time.Now()
		for _, log := range logs {
			fold(log...).Watermark(0)
		}
		return time.Since(start)
	}
	long, short := manyEntries(100_000), manyEntries(25_000)
	whole, parts := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range 12 {
		parts = min(parts, took(short, short, short, short))
		if whole = min(whole, took(long)); 2*whole <= 5*parts { // it is four times the parts where it is quadratic
			return
		}
	}
	t.Errorf("folding %d entries took %v, and a fourth of them four times %v", len(long), whole, parts)
}

func BenchmarkFold100000Entries(b *testing.B) {
	log := manyEntries(100_000)
	for b.Loop() {
		fold(log...)
	}
}
