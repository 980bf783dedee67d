package calendar

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the tests name zones that a bare machine may not have
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// mustInstant reads RFC 3339, or a date as its midnight in UTC.
func mustInstant(t testing.TB, text string) Instant {
	t.Helper()
	if len(text) == len(time.DateOnly) {
		text += "T00:00:00Z"
	}
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return InstantOf(v)
}

func mustCalendar(t testing.TB, length, in string) Calendar {
	t.Helper()
	c, err := ParseCalendar(length, mustZone(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustSpan(t testing.TB, from, to string) Span {
	t.Helper()
	return Span{Start: mustInstant(t, from), End: mustInstant(t, to)}
}

func TestCutFollowsTheLocalClock(t *testing.T) {
	tests := []struct {
		name, length, zone string
		from, to           string
		want               []string // bounds of the pieces, the first being from
	}{
		{"days in UTC", "1d", "UTC", "2025-01-30", "2025-02-02",
			[]string{"2025-01-31T00:00:00Z", "2025-02-01T00:00:00Z", "2025-02-02T00:00:00Z"}},
		{"a span that begins and ends inside days keeps its ends", "1d", "UTC", "2025-01-30T06:00:00Z", "2025-01-31T07:00:00Z",
			[]string{"2025-01-31T00:00:00Z", "2025-01-31T07:00:00Z"}},
		{"the day the clock goes forward has 23 hours", "1d", "America/Chicago", "2025-03-08T06:00:00Z", "2025-03-11T05:00:00Z",
			[]string{"2025-03-09T06:00:00Z", "2025-03-10T05:00:00Z", "2025-03-11T05:00:00Z"}},
		{"the day the clock goes back has 25 hours", "1d", "America/Chicago", "2025-11-01T05:00:00Z", "2025-11-04T06:00:00Z",
			[]string{"2025-11-02T05:00:00Z", "2025-11-03T06:00:00Z", "2025-11-04T06:00:00Z"}},
		{"Mexico City has had no DST since 2022", "1d", "America/Mexico_City", "2025-04-05T06:00:00Z", "2025-04-08T06:00:00Z",
			[]string{"2025-04-06T06:00:00Z", "2025-04-07T06:00:00Z", "2025-04-08T06:00:00Z"}},
		{"Mexico City still had it in 2022", "1d", "America/Mexico_City", "2022-04-02T06:00:00Z", "2022-04-04T05:00:00Z",
			[]string{"2022-04-03T06:00:00Z", "2022-04-04T05:00:00Z"}},
		{"a day without midnight begins at one o'clock (Havana)", "1d", "America/Havana", "2025-03-08T05:00:00Z", "2025-03-10T04:00:00Z",
			[]string{"2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"}},
		{"a day with two midnights begins at the first (Havana)", "1d", "America/Havana", "2025-11-01T04:00:00Z", "2025-11-03T05:00:00Z",
			[]string{"2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"}},
		{"a day without midnight begins at one o'clock (Beirut)", "1d", "Asia/Beirut", "2025-03-28T22:00:00Z", "2025-03-30T21:00:00Z",
			[]string{"2025-03-29T22:00:00Z", "2025-03-30T21:00:00Z"}},
		{"a clock put back at midnight makes the day before longer (Beirut)", "1d", "Asia/Beirut", "2025-10-24T21:00:00Z", "2025-10-26T22:00:00Z",
			[]string{"2025-10-25T22:00:00Z", "2025-10-26T22:00:00Z"}},
		{"a day without midnight begins at one o'clock (Asuncion)", "1d", "America/Asuncion", "2023-09-30T04:00:00Z", "2023-10-02T03:00:00Z",
			[]string{"2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z"}},
		{"a clock put back over midnight leaves the day where it first began (St. John's)", "1d", "America/St_Johns", "2010-11-06T02:30:00Z", "2010-11-09T03:30:00Z",
			[]string{"2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z", "2010-11-09T03:30:00Z"}},
		{"and its repeated evening is not a day of its own", "1d", "America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-09T03:30:00Z",
			[]string{"2010-11-08T03:30:00Z", "2010-11-09T03:30:00Z"}},
		{"a shift of half an hour (Lord Howe, forward)", "1d", "Australia/Lord_Howe", "2025-10-04T13:30:00Z", "2025-10-06T13:00:00Z",
			[]string{"2025-10-05T13:00:00Z", "2025-10-06T13:00:00Z"}},
		{"a date that the zone left out has no piece (Samoa)", "1d", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z",
			[]string{"2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"}},
		{"a half-hour zone (Kolkata)", "1d", "Asia/Kolkata", "2025-09-07T18:30:00Z", "2025-09-09T18:30:00Z",
			[]string{"2025-09-08T18:30:00Z", "2025-09-09T18:30:00Z"}},
		{"a quarter-hour zone (Kathmandu)", "6h", "Asia/Kathmandu", "2025-09-07T18:15:00Z", "2025-09-08T18:15:00Z",
			[]string{"2025-09-08T00:15:00Z", "2025-09-08T06:15:00Z", "2025-09-08T12:15:00Z", "2025-09-08T18:15:00Z"}},

		{"the repeated hour is two hours", "1h", "America/Chicago", "2025-11-02T05:00:00Z", "2025-11-02T09:00:00Z",
			[]string{"2025-11-02T06:00:00Z", "2025-11-02T07:00:00Z", "2025-11-02T08:00:00Z", "2025-11-02T09:00:00Z"}},
		{"the skipped hour is none", "1h", "America/Chicago", "2025-03-09T07:00:00Z", "2025-03-09T10:00:00Z",
			[]string{"2025-03-09T08:00:00Z", "2025-03-09T09:00:00Z", "2025-03-09T10:00:00Z"}},
		{"hours over half an hour forward begin where the clock lands (Lord Howe)", "1h", "Australia/Lord_Howe", "2025-10-04T14:30:00Z", "2025-10-04T17:00:00Z",
			[]string{"2025-10-04T15:30:00Z", "2025-10-04T16:00:00Z", "2025-10-04T17:00:00Z"}},
		{"hours over half an hour back begin on full hours (Lord Howe)", "1h", "Australia/Lord_Howe", "2025-04-05T14:00:00Z", "2025-04-05T16:30:00Z",
			[]string{"2025-04-05T15:30:00Z", "2025-04-05T16:30:00Z"}},
		{"quarter days over a clock going back: the first has 7 hours", "6h", "America/Chicago", "2025-11-02T05:00:00Z", "2025-11-03T06:00:00Z",
			[]string{"2025-11-02T12:00:00Z", "2025-11-02T18:00:00Z", "2025-11-03T00:00:00Z", "2025-11-03T06:00:00Z"}},
		{"quarter days with two midnights begin at the first (Havana)", "6h", "America/Havana", "2025-11-01T22:00:00Z", "2025-11-02T11:00:00Z",
			[]string{"2025-11-02T04:00:00Z", "2025-11-02T11:00:00Z"}},
		{"quarter hours over the repeated hour", "15m", "America/Chicago", "2025-11-02T06:45:00Z", "2025-11-02T07:30:00Z",
			[]string{"2025-11-02T07:00:00Z", "2025-11-02T07:15:00Z", "2025-11-02T07:30:00Z"}},

		{"weeks begin on Monday", "7d", "America/Mexico_City", "2025-08-30T06:00:00Z", "2025-09-15T06:00:00Z",
			[]string{"2025-09-01T06:00:00Z", "2025-09-08T06:00:00Z", "2025-09-15T06:00:00Z"}},
		{"a week over DST is an hour short", "7d", "America/Chicago", "2025-03-03T06:00:00Z", "2025-03-17T05:00:00Z",
			[]string{"2025-03-10T05:00:00Z", "2025-03-17T05:00:00Z"}},
		{"months", "1mo", "America/Chicago", "2025-01-15T06:00:00Z", "2025-04-01T05:00:00Z",
			[]string{"2025-02-01T06:00:00Z", "2025-03-01T06:00:00Z", "2025-04-01T05:00:00Z"}},
		{"two months count from January", "2mo", "UTC", "2024-12-15", "2025-05-01",
			[]string{"2025-01-01T00:00:00Z", "2025-03-01T00:00:00Z", "2025-05-01T00:00:00Z"}},
		{"quarters count from January", "3mo", "UTC", "2025-02-01", "2025-07-01",
			[]string{"2025-04-01T00:00:00Z", "2025-07-01T00:00:00Z"}},
		{"half years count from January", "6mo", "UTC", "2025-02-01", "2026-01-01",
			[]string{"2025-07-01T00:00:00Z", "2026-01-01T00:00:00Z"}},
		{"years over a leap day", "1y", "Asia/Tokyo", "2023-12-31T15:00:00Z", "2025-12-31T15:00:00Z",
			[]string{"2024-12-31T15:00:00Z", "2025-12-31T15:00:00Z"}},
		{"an empty span has no piece", "1d", "UTC", "2025-01-01", "2025-01-01", nil},
		{"a span that ends before it begins has no piece", "1d", "UTC", "2025-01-02", "2025-01-01", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pieces := mustCalendar(t, tt.length, tt.zone).Cut(mustSpan(t, tt.from, tt.to))
			var got []string
			for _, p := range pieces {
				got = append(got, p.End.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("bounds are\n%v, want\n%v", got, tt.want)
			}
			if len(pieces) > 0 && pieces[0].Start != mustInstant(t, tt.from) {
				t.Errorf("the first piece begins at %v", pieces[0].Start)
			}
		})
	}
}

func TestTheZeroCalendarCutsNowhere(t *testing.T) {
	var c Calendar
	s := Span{Start: 7, End: 1_000_009}
	if got := c.Cut(s); !slices.Equal(got, []Span{s}) {
		t.Errorf("Cut = %v", got)
	}
	if !c.Aligned(7) || !c.Window(7).Contains(s) || c.Outward(s) != s || c.Inward(s) != s {
		t.Error("an instant is not a bound of the zero calendar")
	}
	if c.String() != "any" {
		t.Errorf("String = %q", c.String())
	}
}

func TestACalendarWithoutAZoneIsUTC(t *testing.T) {
	c := Calendar{Unit: Days, Every: 1}
	if got := c.Window(mustInstant(t, "2025-09-08T05:00:00Z")); got != mustSpan(t, "2025-09-08", "2025-09-09") {
		t.Errorf("Window = %v", got)
	}
}

func TestParseCalendarReadsWhatStringWrites(t *testing.T) {
	for _, s := range []string{"1h", "6h", "1d", "7d", "1mo", "2mo", "3mo", "6mo", "1y", "15m", "30m", "60m", "5m"} {
		c, err := ParseCalendar(s, time.UTC)
		if err != nil || c.String() != s {
			t.Errorf("ParseCalendar(%q) = %v, %v", s, c, err)
		}
	}
	for _, s := range []string{"", "d", "2d", "14d", "1w", "4mo", "2y", "0m", "-15m", "+15m", "7m", "015m", "1D", " 1d", "1d ", "m", "99999999999999999999m"} {
		if c, err := ParseCalendar(s, time.UTC); err == nil {
			t.Errorf("ParseCalendar(%q) = %v, want an error", s, c)
		}
	}
}

func TestMultiple(t *testing.T) {
	tests := []struct {
		c, cZone, of, ofZone string
		want                 bool
	}{
		{"1d", "UTC", "60m", "UTC", true},
		{"1h", "UTC", "60m", "UTC", true},
		{"60m", "UTC", "1h", "UTC", true},
		{"1h", "UTC", "15m", "UTC", true},
		{"15m", "UTC", "1h", "UTC", false},
		{"6h", "UTC", "1h", "UTC", true},
		{"1h", "UTC", "6h", "UTC", false},
		{"1h", "UTC", "1d", "UTC", false},
		{"1d", "UTC", "1d", "UTC", true},
		{"7d", "UTC", "1d", "UTC", true},
		{"1d", "UTC", "7d", "UTC", false},
		{"1mo", "UTC", "1d", "UTC", true},
		{"1mo", "UTC", "7d", "UTC", false},
		{"7d", "UTC", "1mo", "UTC", false},
		{"3mo", "UTC", "1mo", "UTC", true},
		{"6mo", "UTC", "2mo", "UTC", true},
		{"3mo", "UTC", "2mo", "UTC", false},
		{"1y", "UTC", "6mo", "UTC", true},
		{"1d", "America/Mexico_City", "60m", "UTC", true},
		{"1d", "America/Chicago", "60m", "UTC", true},
		{"1d", "Asia/Kolkata", "60m", "UTC", false},
		{"1d", "Asia/Kolkata", "30m", "UTC", true},
		{"1d", "Asia/Kathmandu", "30m", "UTC", false},
		{"1d", "Asia/Kathmandu", "15m", "UTC", true},
		{"1d", "Australia/Lord_Howe", "60m", "UTC", false},
		{"15m", "UTC", "60m", "America/Chicago", false},
		{"1d", "America/Chicago", "1d", "UTC", false},
	}
	for _, tt := range tests {
		c, of := mustCalendar(t, tt.c, tt.cZone), mustCalendar(t, tt.of, tt.ofZone)
		if got := c.Multiple(of); got != tt.want {
			t.Errorf("%s in %s is a multiple of %s in %s: %v, want %v", tt.c, tt.cZone, tt.of, tt.ofZone, got, tt.want)
		}
		if !tt.want {
			continue
		}
		for _, p := range c.Cut(mustSpan(t, "2025-01-01", "2025-12-31"))[1:] {
			if !of.Aligned(p.Start) {
				t.Fatalf("%v is a bound of %s in %s but not of %s in %s", p.Start, tt.c, tt.cZone, tt.of, tt.ofZone)
			}
		}
	}
	if (Calendar{}).Multiple(mustCalendar(t, "1d", "UTC")) || !mustCalendar(t, "1d", "UTC").Multiple(Calendar{}) {
		t.Error("only the zero calendar has every instant as a bound")
	}
}

var oddZones = []string{
	"UTC", "America/Chicago", "America/Mexico_City", "America/Havana", "Asia/Beirut", "America/Asuncion",
	"Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca",
	"Europe/Dublin", "Pacific/Chatham", "Antarctica/Troll", "Asia/Gaza", "America/Caracas", "Asia/Tokyo",
}

var allLengths = []string{"15m", "30m", "60m", "1h", "6h", "1d", "7d", "1mo", "2mo", "3mo", "6mo", "1y"}

// steppedBounds finds the bounds in s by watching the clock minute by minute.
func steppedBounds(c Calendar, s Span) []Instant {
	const minute = 60 * 1_000_000
	wallAt := func(i Instant) int64 {
		_, offset := i.In(c.Zone).Zone()
		return int64(i)/1_000_000 + int64(offset)
	}
	start := Instant(floorDiv(int64(s.Start), minute) * minute)
	reached := int64(-1 << 62)
	for i := start - 3*secondsPerDay*1_000_000; i < start; i += minute {
		reached = max(reached, wallAt(i))
	}
	var bounds []Instant
	for i := start; i <= s.End; i += minute {
		wall := wallAt(i)
		again := c.minutes() > 0 && c.minutes() <= 60 && c.floor(wall) == wall
		if (c.floor(max(wall, reached)) > c.floor(reached) || again) && i >= s.Start {
			bounds = append(bounds, i)
		}
		reached = max(reached, wall)
	}
	return bounds
}

func TestBoundsAreWhereTheClockReachesAMultiple(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range oddZones {
		loc := mustZone(t, name)
		clock := NewZoneClock(loc)
		for range 12 {
			// Around a change of the offset, where there is one.
			mid := mustInstant(t, "2009-01-01") + Instant(rng.Int64N(20*365*secondsPerDay))*1_000_000
			if seg := clock.at(secondsOf(mid)); seg.end < mustInstant(t, "2037-01-01").Time().Unix() {
				mid = instantOfSeconds(seg.end)
			}
			s := Span{Start: mid.Add(-30 * time.Hour), End: mid.Add(30 * time.Hour)}
			for _, length := range []string{"15m", "60m", "6h", "1d"} {
				c := mustCalendar(t, length, name)
				var got []Instant
				for _, p := range c.Cut(Span{Start: s.Start - 1, End: s.End + 1})[1:] {
					got = append(got, p.Start)
				}
				if want := steppedBounds(c, s); !slices.Equal(got, want) {
					t.Fatalf("%s in %s around %v: bounds\n%v, want\n%v", length, name, mid, got, want)
				}
			}
		}
	}
}

func checkCut(t *testing.T, c Calendar, s Span) {
	t.Helper()
	pieces := c.Cut(s)
	if s.Empty() {
		if len(pieces) != 0 {
			t.Fatalf("an empty span has pieces %v", pieces)
		}
		return
	}
	next := s.Start
	for i, p := range pieces {
		if p.Start != next || p.Empty() {
			t.Fatalf("%v %v: piece %v does not continue at %v", c, c.Zone, p, next)
		}
		next = p.End
		w := c.Window(p.Start)
		if !w.Contains(p) || !w.Has(p.Start) || c.Window(p.End-1) != w {
			t.Fatalf("%v %v: piece %v is not of one window %v", c, c.Zone, p, w)
		}
		if i > 0 && (!c.Aligned(p.Start) || p.Start%1_000_000 != 0) {
			t.Fatalf("%v %v: %v is not a bound", c, c.Zone, p.Start)
		}
	}
	if next != s.End {
		t.Fatalf("%v %v: the pieces end at %v, not %v", c, c.Zone, next, s.End)
	}
	out, in := c.Outward(s), c.Inward(s)
	if !out.Contains(s) || !c.Aligned(out.Start) || !c.Aligned(out.End) || !c.Aligned(in.Start) || !c.Aligned(in.End) {
		t.Fatalf("%v %v: outward %v or inward %v of %v is not aligned", c, c.Zone, out, in, s)
	}
	if !in.Empty() && !s.Contains(in) {
		t.Fatalf("%v %v: inward %v is not in %v", c, c.Zone, in, s)
	}
}

func FuzzCalendarCut(f *testing.F) {
	f.Add(int64(1741500000), int64(90000), uint8(1), uint8(3), uint32(7))
	f.Add(int64(1325210000), int64(400000), uint8(9), uint8(5), uint32(0))
	f.Add(int64(1762000000), int64(100000000), uint8(3), uint8(10), uint32(999999))
	f.Add(int64(-62135596800), int64(100000), uint8(10), uint8(5), uint32(1))
	f.Fuzz(func(t *testing.T, start, length int64, zoneNo, calendarNo uint8, micro uint32) {
		// Years 1 to 9999: what RFC 3339 can tell.
		if start < -62135596800 || start > 253402300799 {
			return
		}
		c := mustCalendar(t, allLengths[int(calendarNo)%len(allLengths)], oddZones[int(zoneNo)%len(oddZones)])
		bound := int64(40 * secondsPerDay)
		if c.minutes() == 0 {
			bound = 5 * 365 * secondsPerDay
		}
		s := Span{Start: Instant(start*1_000_000) + Instant(micro%1_000_000)}
		s.End = s.Start + Instant(length%bound)*1_000_000 + Instant(micro%7)
		checkCut(t, c, s)
	})
}

func TestPromise09_WindowsFollowTheAccountsCalendarOverDST(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, name := range oddZones {
		for _, length := range allLengths {
			for range 4 {
				start := mustInstant(t, "2005-01-01") + Instant(rng.Int64N(30*365*secondsPerDay*1_000_000))
				checkCut(t, mustCalendar(t, length, name), Span{Start: start, End: start.Add(time.Duration(rng.IntN(60*24)) * time.Hour)})
			}
		}
	}
	// The days of a year are as long as the local clock makes them.
	var lengths []time.Duration
	for _, d := range mustCalendar(t, "1d", "America/Chicago").Cut(mustSpan(t, "2025-01-01T06:00:00Z", "2026-01-01T06:00:00Z")) {
		if d.Length() != 24*time.Hour {
			lengths = append(lengths, d.Length())
		}
	}
	if !slices.Equal(lengths, []time.Duration{23 * time.Hour, 25 * time.Hour}) {
		t.Errorf("the odd days of 2025 in Chicago are %v", lengths)
	}
}

func TestCuttingIsMonotonicAtTheEndsOfTime(t *testing.T) {
	for _, length := range allLengths {
		c := mustCalendar(t, length, "America/Chicago")
		for _, i := range []Instant{NoInstant, -1 << 62, 1<<63 - 1, 1 << 62} {
			w := c.Window(i)
			if w.Start > w.End {
				t.Errorf("%s: Window(%d) = %v", length, i, w)
			}
		}
	}
	c := mustCalendar(t, "1y", "UTC")
	if got := c.Cut(Span{Start: 1<<63 - 2_000_000, End: 1<<63 - 1}); len(got) == 0 || got[len(got)-1].End != 1<<63-1 {
		t.Errorf("Cut = %v", got)
	}
}

func BenchmarkCutTenYearsOfDays(b *testing.B) {
	c := mustCalendar(b, "1d", "America/Chicago")
	s := mustSpan(b, "2015-01-01", "2025-01-01")
	for b.Loop() {
		c.Cut(s)
	}
}
