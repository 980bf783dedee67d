package calendar

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestPromise09_LocalTimesThatOccurTwiceOrNever(t *testing.T) {
	tests := []struct {
		name, zone    string
		wall          LocalTime
		first, second string
		kind          LocalKind
	}{
		{"an ordinary time", "America/Mexico_City", LocalTime{2025, 9, 8, 7, 30, 15, 250}, "2025-09-08T13:30:15.00025Z", "2025-09-08T13:30:15.00025Z", LocalUnique},
		{"the repeated hour is two instants", "America/Chicago", LocalTime{2025, 11, 2, 1, 30, 0, 7}, "2025-11-02T06:30:00.000007Z", "2025-11-02T07:30:00.000007Z", LocalAmbiguous},
		{"the repeated hour begins with its first second", "America/Chicago", LocalTime{2025, 11, 2, 1, 0, 0, 0}, "2025-11-02T06:00:00Z", "2025-11-02T07:00:00Z", LocalAmbiguous},
		{"the hour after it is one instant", "America/Chicago", LocalTime{2025, 11, 2, 2, 0, 0, 0}, "2025-11-02T08:00:00Z", "2025-11-02T08:00:00Z", LocalUnique},
		{"the hour before it is one instant", "America/Chicago", LocalTime{2025, 11, 2, 0, 59, 59, 999999}, "2025-11-02T05:59:59.999999Z", "2025-11-02T05:59:59.999999Z", LocalUnique},
		{"a skipped time moves forward by the gap", "America/Chicago", LocalTime{2025, 3, 9, 2, 30, 0, 0}, "2025-03-09T08:30:00Z", "2025-03-09T08:30:00Z", LocalSkipped},
		{"the gap begins with its first second", "America/Chicago", LocalTime{2025, 3, 9, 2, 0, 0, 0}, "2025-03-09T08:00:00Z", "2025-03-09T08:00:00Z", LocalSkipped},
		{"the gap ends before the hour that follows", "America/Chicago", LocalTime{2025, 3, 9, 3, 0, 0, 0}, "2025-03-09T08:00:00Z", "2025-03-09T08:00:00Z", LocalUnique},
		{"a gap of half an hour", "Australia/Lord_Howe", LocalTime{2025, 10, 5, 2, 15, 0, 0}, "2025-10-04T15:45:00Z", "2025-10-04T15:45:00Z", LocalSkipped},
		{"a repeated half hour", "Australia/Lord_Howe", LocalTime{2025, 4, 6, 1, 45, 0, 0}, "2025-04-05T14:45:00Z", "2025-04-05T15:15:00Z", LocalAmbiguous},
		{"a skipped date moves forward by a day", "Pacific/Apia", LocalTime{2011, 12, 30, 10, 0, 0, 0}, "2011-12-30T20:00:00Z", "2011-12-30T20:00:00Z", LocalSkipped},
		{"a midnight that is skipped", "America/Havana", LocalTime{2025, 3, 9, 0, 0, 0, 0}, "2025-03-09T05:00:00Z", "2025-03-09T05:00:00Z", LocalSkipped},
		{"a midnight that occurs twice", "America/Havana", LocalTime{2025, 11, 2, 0, 0, 0, 0}, "2025-11-02T04:00:00Z", "2025-11-02T05:00:00Z", LocalAmbiguous},
		{"a zone of three quarters of an hour", "Asia/Kathmandu", LocalTime{2025, 1, 1, 0, 0, 0, 0}, "2024-12-31T18:15:00Z", "2024-12-31T18:15:00Z", LocalUnique},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second, kind := NewZoneClock(mustZone(t, tt.zone)).Resolve(tt.wall)
			if first != mustInstant(t, tt.first) || second != mustInstant(t, tt.second) || kind != tt.kind {
				t.Errorf("got %v %v %v, want %v %v %v", first, second, kind, tt.first, tt.second, tt.kind)
			}
		})
	}
}

func wallOf(i Instant, loc *time.Location) LocalTime {
	v := i.In(loc)
	return LocalTime{v.Year(), int(v.Month()), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond() / 1000}
}

func TestEveryInstantIsAmongTheReadingsOfItsWallClock(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range oddZones {
		loc := mustZone(t, name)
		warm := NewZoneClock(loc)
		for range 3000 {
			i := mustInstant(t, "1990-01-01") + Instant(rng.Int64N(45*365*secondsPerDay*1_000_000))
			if rng.IntN(2) == 0 { // near a change
				if seg := warm.at(secondsOf(i)); seg.end < 2e9 {
					i = instantOfSeconds(seg.end) + Instant(rng.Int64N(8*3600*1_000_000)-4*3600*1_000_000)
				}
			}
			wall := wallOf(i, loc)
			first, second, kind := warm.Resolve(wall)
			if first != i && second != i {
				t.Fatalf("%s: %v shows %v, which resolves to %v and %v", name, i, wall, first, second)
			}
			if kind == LocalSkipped || (kind == LocalUnique) != (first == second) || first > second {
				t.Fatalf("%s: %v resolves to %v and %v as %d", name, wall, first, second, kind)
			}
			if wallOf(first, loc) != wall || wallOf(second, loc) != wall {
				t.Fatalf("%s: %v resolves to %v and %v, which show other times", name, wall, first, second)
			}
			if f, s, k := NewZoneClock(loc).Resolve(wall); f != first || s != second || k != kind {
				t.Fatalf("%s: %v: a clock that was used says %v %v %d, a new one %v %v %d", name, wall, first, second, kind, f, s, k)
			}
			year, month, day := LocalDate(i, loc)
			if want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay; int64(warm.Day(i)) != want {
				t.Fatalf("%s: day of %v is %d, want %d", name, i, warm.Day(i), want)
			}
			if _, offset := i.In(loc).Zone(); warm.Offset(i) != time.Duration(offset)*time.Second {
				t.Fatalf("%s: offset at %v is %v", name, i, warm.Offset(i))
			}
		}
	}
}

func TestASkippedTimeIsLaterByTheGap(t *testing.T) {
	for _, name := range oddZones {
		loc := mustZone(t, name)
		clock := NewZoneClock(loc)
		for seg := clock.at(631152000); seg.end < 2e9; seg = clock.at(seg.end) {
			next := clock.at(seg.end)
			if next.offset <= seg.offset {
				continue
			}
			gap := next.offset - seg.offset
			for _, into := range []int64{0, gap / 2, gap - 1} {
				wall := wallOf(instantOfSeconds(seg.end+seg.offset+into), time.UTC)
				first, second, kind := NewZoneClock(loc).Resolve(wall)
				if want := instantOfSeconds(seg.end + into); first != want || second != want || kind != LocalSkipped {
					t.Fatalf("%s: %v resolves to %v %v %d, want %v", name, wall, first, second, kind, want)
				}
			}
		}
	}
}

func TestDayStart(t *testing.T) {
	tests := []struct {
		name, zone, want string
		y                int
		m                time.Month
		d                int
	}{
		{"midnight", "America/Mexico_City", "2025-09-01T06:00:00Z", 2025, 9, 1},
		{"the end of a gap over midnight", "America/Havana", "2025-03-09T05:00:00Z", 2025, 3, 9},
		{"the first of two midnights", "America/Havana", "2025-11-02T04:00:00Z", 2025, 11, 2},
		{"a date left out begins with the next", "Pacific/Apia", "2011-12-30T10:00:00Z", 2011, 12, 30},
		{"the next", "Pacific/Apia", "2011-12-30T10:00:00Z", 2011, 12, 31},
		{"a day beyond the month carries over", "UTC", "2025-10-01T00:00:00Z", 2025, 9, 31},
		{"a day before the month carries over", "UTC", "2025-08-31T00:00:00Z", 2025, 9, 0},
		{"the clock put back to the day before, one minute into the day", "America/St_Johns", "2010-11-07T02:30:00Z", 2010, 11, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := DayStart(tt.y, tt.m, tt.d, mustZone(t, tt.zone)); got != mustInstant(t, tt.want) {
				t.Errorf("DayStart = %v, want %v", got, tt.want)
			}
		})
	}
}

func BenchmarkResolveLocalTimesInOrder(b *testing.B) {
	clock := NewZoneClock(mustZone(b, "America/Mexico_City"))
	wall := LocalTime{Year: 2025, Month: 9, Day: 8}
	for i := 0; b.Loop(); i++ {
		wall.Hour, wall.Min = i%24, i%60
		clock.Resolve(wall)
	}
}
