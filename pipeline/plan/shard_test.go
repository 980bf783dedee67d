package plan

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

const mostShards = 16

// fourteen is as many streams as the vendor with the most streams has.
func fourteen() []pipeline.StreamKey {
	keys := make([]pipeline.StreamKey, 14)
	for i := range keys {
		keys[i] = pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: pipeline.StreamID(fmt.Sprintf("dialpad.stream%d", i))}
	}
	return keys
}

// yearOfDays is 2025 in days of a zone.
func yearOfDays(t testing.TB, in string) []pipeline.PlannedWindow {
	t.Helper()
	var list []pipeline.PlannedWindow
	for _, s := range mustCalendar(t, "1d", in).Cut(calendar.Span{Start: localMidnight(t, in, "2025-01-01"), End: localMidnight(t, in, "2026-01-01")}) {
		list = append(list, pipeline.PlannedWindow{Window: calendar.Window{Span: s, Zone: in}, Reason: pipeline.ReasonNew})
	}
	if len(list) != 365 {
		t.Fatalf("%d days", len(list))
	}
	return list
}

func localMidnight(t testing.TB, in, date string) calendar.Instant {
	t.Helper()
	loc, err := time.LoadLocation(in)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation(time.DateOnly, date, loc)
	if err != nil {
		t.Fatal(err)
	}
	return calendar.InstantOf(at)
}

func startsOf(windows []pipeline.PlannedWindow) []calendar.Instant {
	list := make([]calendar.Instant, len(windows))
	for i, w := range windows {
		list[i] = w.Window.Start
	}
	return list
}

// ownerOf is the part of n that w belongs to.
func ownerOf(n int, k pipeline.StreamKey, w calendar.Window) int {
	return Shard{Count: n}.owner(k, localMonth(w))
}

func TestEveryWindowBelongsToExactlyOneShard(t *testing.T) {
	k, year := pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: "dialpad.calls"}, yearOfDays(t, "America/New_York")
	for n := 1; n <= mostShards; n++ {
		var all []calendar.Instant
		for i := range n {
			part := startsOf(Shard{i, n}.Keep(k, year))
			if !slices.IsSorted(part) {
				t.Errorf("part %d of %d is out of order", i, n)
			}
			all = append(all, part...)
		}
		slices.Sort(all)
		if !slices.Equal(all, startsOf(year)) {
			t.Errorf("the %d parts hold %d windows, not each of the %d once", n, len(all), len(year))
		}
	}
}

func TestTheZeroShardIsTheWhole(t *testing.T) {
	k, year := pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: "dialpad.calls"}, yearOfDays(t, "America/New_York")
	for _, whole := range []Shard{{}, {0, 1}} {
		if got := whole.Keep(k, year); len(got) != len(year) {
			t.Errorf("%+v holds %d windows of %d", whole, len(got), len(year))
		}
	}
}

func TestAWindowsShardDependsOnNoOtherWindowNorOnWhyItIsRead(t *testing.T) {
	k, year := pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: "dialpad.calls"}, yearOfDays(t, "America/New_York")
	shard := Shard{2, 5}
	want := startsOf(shard.Keep(k, year))
	if len(want) == 0 || len(want) == len(year) {
		t.Fatalf("%d of %d windows", len(want), len(year))
	}
	for _, w := range year {
		w.Reason, w.Fingerprint, w.Supersedes = pipeline.ReasonRefetch, pipeline.Hash{Hi: 1, Lo: 1}, []calendar.Window{year[0].Window}
		alone := len(shard.Keep(k, []pipeline.PlannedWindow{w})) == 1
		if alone != slices.Contains(want, w.Window.Start) {
			t.Errorf("%s planned alone belongs elsewhere than in a year", w.Window)
		}
	}
}

func TestTheWindowsOfALocalMonthStayTogetherWhateverTheirLength(t *testing.T) {
	const in, parts = "America/New_York", 5
	loc, err := time.LoadLocation(in)
	if err != nil {
		t.Fatal(err)
	}
	span := calendar.Span{Start: localMidnight(t, in, "2025-10-01"), End: localMidnight(t, in, "2026-01-01")} // a clock change within
	for _, k := range fourteen() {
		owners := map[time.Month]int{}
		for _, length := range []string{"1h", "6h", "1d", "7d", "1mo"} {
			var windows []pipeline.PlannedWindow
			for _, s := range mustCalendar(t, length, in).Cut(span) {
				windows = append(windows, pipeline.PlannedWindow{Window: calendar.Window{Span: s, Zone: in}})
			}
			for i := range parts {
				for _, w := range (Shard{i, parts}).Keep(k, windows) {
					month := w.Window.Start.In(loc).Month()
					if first, known := owners[month]; known && first != i {
						t.Fatalf("%s: %s belongs to %d, its month to %d", k, w.Window, i, first)
					}
					owners[month] = i
				}
			}
		}
	}
}

func TestOneMoreShardTakesMonthsAndMovesNoneBetweenTheOthers(t *testing.T) {
	year := yearOfDays(t, "America/New_York")
	for n := 1; n < mostShards; n++ {
		moved := 0
		for _, k := range fourteen() {
			for i := 0; i < len(year); i += 10 { // each month has some
				w := year[i]
				before, after := ownerOf(n, k, w.Window), ownerOf(n+1, k, w.Window)
				if before != after && after != n {
					t.Fatalf("%s %s moves from %d to %d when shard %d joins", k, w.Window, before, after, n)
				}
				if before != after {
					moved++
				}
			}
		}
		if moved == 0 {
			t.Errorf("shard %d of %d owns nothing", n, n+1)
		}
	}
}

// A fair split throws each of the 168 months (12 × 14 streams) into one of n
// parts: the largest stays within four standard deviations of the mean.
func TestTheSplitIsFair(t *testing.T) {
	const in, months = "America/New_York", 12
	for n := 2; n <= mostShards; n++ {
		owned := make([]float64, n)
		for _, k := range fourteen() {
			for m := range months {
				start := localMidnight(t, in, fmt.Sprintf("2025-%02d-01", m+1))
				owned[ownerOf(n, k, calendar.Window{Span: calendar.Span{Start: start, End: start + 1}, Zone: in})]++
			}
		}
		all, p := float64(months*len(fourteen())), 1/float64(n)
		bound := all*p + 4*math.Sqrt(all*p*(1-p))
		if most := slices.Max(owned); most > bound || slices.Min(owned) == 0 {
			t.Errorf("%d parts own %v months; the mean is %.1f and the bound %.1f", n, owned, all*p, bound)
		}
	}
}

func TestAccountsAndStreamsAreSplitApart(t *testing.T) {
	year := yearOfDays(t, "America/New_York")
	split := func(k pipeline.StreamKey) (owners [12]int) {
		for _, w := range year {
			loc, _ := w.Window.Location()
			owners[w.Window.Start.In(loc).Month()-1] = ownerOf(4, k, w.Window)
		}
		return owners
	}
	one := split(pipeline.StreamKey{Account: "mx", Stream: "ucontact.agents"})
	if one == split(pipeline.StreamKey{Account: "us-east", Stream: "ucontact.agents"}) || one == split(pipeline.StreamKey{Account: "mx", Stream: "ucontact.campaigns"}) {
		t.Error("two accounts, or two streams, are split alike: one process would own the same month of all")
	}
}

// The last local evening of September is October in UTC.
func TestTheMonthIsThatOfTheZoneThatTheWindowWasCutIn(t *testing.T) {
	evening := calendar.Span{Start: mustInstant(t, "2025-10-01T02:00:00Z"), End: mustInstant(t, "2025-10-01T03:00:00Z")}
	september := calendar.Window{Span: calendar.Span{Start: mustInstant(t, "2025-09-15T12:00:00Z"), End: mustInstant(t, "2025-09-15T13:00:00Z")}, Zone: "UTC"}
	october := calendar.Window{Span: calendar.Span{Start: mustInstant(t, "2025-10-15T12:00:00Z"), End: mustInstant(t, "2025-10-15T13:00:00Z")}, Zone: "UTC"}
	apart := 0
	for _, k := range fourteen() {
		if got, want := ownerOf(4, k, calendar.Window{Span: evening, Zone: "America/New_York"}), ownerOf(4, k, september); got != want {
			t.Errorf("%s: the evening in New York belongs to %d, September to %d", k, got, want)
		}
		if got, want := ownerOf(4, k, calendar.Window{Span: evening, Zone: "UTC"}), ownerOf(4, k, october); got != want {
			t.Errorf("%s: the night in UTC belongs to %d, October to %d", k, got, want)
		}
		if ownerOf(4, k, september) != ownerOf(4, k, october) {
			apart++
		}
	}
	if apart == 0 {
		t.Error("both months belong to the same shard in every stream, so nothing was proven")
	}
}

// Processes of different versions run side by side while a deployment is
// under way. These owners are worked out by another program; they never change.
func TestTheSplitIsTheSameInEveryVersion(t *testing.T) {
	counts := []int{1, 2, 3, 4, 5, 8, 16}
	for _, c := range []struct {
		account pipeline.AccountID
		stream  pipeline.StreamID
		zone    string
		date    string
		owners  []int
	}{
		{"default", "dialpad.calls", "America/New_York", "2025-09-30", []int{0, 1, 2, 2, 2, 2, 9}},
		{"default", "dialpad.calls", "America/New_York", "2025-10-01", []int{0, 0, 2, 2, 2, 2, 2}},
		{"default", "dialpad.texts", "UTC", "2025-09-08", []int{0, 1, 1, 3, 4, 7, 13}},
		{"mx", "ucontact.agents", "America/Mexico_City", "2025-09-01", []int{0, 1, 2, 2, 2, 2, 2}},
		{"mx", "ucontact.agents", "Asia/Tokyo", "2024-02-29", []int{0, 1, 1, 1, 1, 1, 15}},
		{"default", "chattonic.operators", "Europe/Madrid", "2025-12-31", []int{0, 0, 0, 3, 3, 3, 3}},
	} {
		start := localMidnight(t, c.zone, c.date)
		w := calendar.Window{Span: calendar.Span{Start: start, End: start.Add(24 * time.Hour)}, Zone: c.zone}
		for i, n := range counts {
			if got := ownerOf(n, pipeline.StreamKey{Account: c.account, Stream: c.stream}, w); got != c.owners[i] {
				t.Errorf("%s %s on %s: shard %d of %d, want %d", c.account, c.stream, c.date, got, n, c.owners[i])
			}
		}
	}
}
