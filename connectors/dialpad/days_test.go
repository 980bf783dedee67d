package dialpad

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t testing.TB, s string, loc *time.Location) pipeline.Instant {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.InstantOf(when)
}

func TestDaysAgoAreDatesNotHours(t *testing.T) {
	cases := []struct {
		says, zone, now, day string
		want                 int
	}{
		{"yesterday", "America/New_York", "2026-01-15 08:00:00", "2026-01-14", 1},
		{"a day of 25 hours is one day", "America/New_York", "2025-11-03 00:30:00", "2025-11-02", 1},
		{"the day before a day of 25 hours, seen 47.5 hours later", "America/New_York", "2025-11-03 00:30:00", "2025-11-01", 2},
		{"late on a day of 25 hours", "America/New_York", "2025-11-02 23:59:59", "2025-11-01", 1},
		{"a day of 23 hours is one day", "America/New_York", "2025-03-10 00:10:00", "2025-03-09", 1},
		{"two days, 23 of 48 hours missing nothing", "America/New_York", "2025-03-10 00:10:00", "2025-03-08", 2},
		{"midnight that a clock skips", "America/Santiago", "2025-09-07 01:00:00", "2025-09-06", 1},
		{"over a leap day", "UTC", "2028-03-01 00:00:00", "2028-02-28", 2},
		{"over the new year", "Asia/Kathmandu", "2026-01-01 00:00:01", "2025-12-31", 1},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			loc := zone(t, c.zone)
			d := dayOf(at(t, c.day+" 12:00:00", loc), loc)
			start, end := dayRange{d - 3, d}.daysAgo(dayOf(at(t, c.now, loc), loc))
			if start != c.want || end != c.want+3 {
				t.Errorf("%d..%d days ago, want %d..%d", start, end, c.want, c.want+3)
			}
			if d.String() != c.day {
				t.Errorf("the day prints as %s", d)
			}
		})
	}
}

func TestADaysSpanIsTheLocalDay(t *testing.T) {
	for _, c := range []struct {
		zone, day string
		want      time.Duration
	}{
		{"America/New_York", "2025-11-02", 25 * time.Hour},
		{"America/New_York", "2025-03-09", 23 * time.Hour},
		{"America/Santiago", "2025-09-07", 23 * time.Hour},
		{"Australia/Lord_Howe", "2025-04-06", 24*time.Hour + 30*time.Minute},
	} {
		loc := zone(t, c.zone)
		d := dayOf(at(t, c.day+" 12:00:00", loc), loc)
		span := dayRange{d, d}.span(loc)
		if span.Length() != c.want {
			t.Errorf("%s in %s lasts %s", c.day, c.zone, span.Length())
		}
		if got := daysOf(span, loc); got != (dayRange{d, d}) {
			t.Errorf("%s in %s comes back as %s", c.day, c.zone, got)
		}
		if days := (pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: loc}).Cut(span); span.Start != days[0].Start {
			t.Errorf("%s in %s starts at %s, not where windows do", c.day, c.zone, span.Start)
		}
	}
}

func TestNoPostAroundLocalMidnight(t *testing.T) {
	loc := zone(t, "America/New_York")
	for now, want := range map[string]time.Duration{
		"2026-01-14 23:58:59": 0,
		"2026-01-14 23:59:00": 2 * time.Minute,
		"2026-01-14 23:59:59": 61 * time.Second,
		"2026-01-15 00:00:00": time.Minute,
		"2026-01-15 00:00:59": time.Second,
		"2026-01-15 00:01:00": 0,
		"2026-01-15 12:00:00": 0,
	} {
		if got := holdOff(at(t, now, loc), loc); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

func TestACachedAnswerIsDoubtfulForThreeHoursAfterMidnight(t *testing.T) {
	loc := zone(t, "America/New_York")
	for now, want := range map[string]bool{
		"2026-01-15 00:01:00": true,
		"2026-01-15 02:59:59": true,
		"2026-01-15 03:00:00": false,
		"2025-03-09 03:59:59": true, // clocks went from 02:00 to 03:00
		"2025-03-09 04:00:00": false,
	} {
		if got := mayBeYesterdays(at(t, now, loc), loc, vendorCache); got != want {
			t.Errorf("at %s: %v", now, got)
		}
	}
}
