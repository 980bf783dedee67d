package calendar

import (
	"math"
	"time"
)

// LocalTime is what a wall clock and a calendar on the wall show, without the
// zone that would make it an instant. Fields out of range carry over as in [time.Date].
type LocalTime struct {
	Year, Month, Day, Hour, Min, Sec, Micro int
}

// seconds counts the wall clock's seconds since 1970-01-01T00:00:00 on the same wall.
func (w LocalTime) seconds() int64 {
	return time.Date(w.Year, time.Month(w.Month), w.Day, w.Hour, w.Min, w.Sec, 0, time.UTC).Unix()
}

// LocalKind says how many instants a wall time stands for.
type LocalKind uint8

const (
	// LocalUnique: the wall clock shows the time once.
	LocalUnique LocalKind = iota
	// LocalAmbiguous: the wall clock shows the time twice, before and after the clock is put back.
	LocalAmbiguous
	// LocalSkipped: the wall clock never shows the time, because the clock is put forward over it.
	LocalSkipped
)

// LocalDate is the date on the wall of loc at i.
func LocalDate(i Instant, loc *time.Location) (year int, month time.Month, day int) {
	return i.In(zoneOr(loc)).Date()
}

// DayStart is the first instant of a local date. Where midnight is skipped
// that is the end of the gap, where it occurs twice the first of them; a date
// that a zone left out begins where the next one does. A day out of the
// month's range carries over.
func DayStart(year int, month time.Month, day int, loc *time.Location) Instant {
	wall := LocalTime{Year: year, Month: int(month), Day: day}
	return instantOfSeconds(NewZoneClock(loc).reach(wall.seconds()))
}

const (
	// maxOffset bounds the distance between a wall clock and UTC, in seconds.
	maxOffset = 48 * 3600
	// lastRule is when zones cease to change, near the year 10680: package
	// time miscounts the rules of years far beyond that.
	lastRule = 1 << 38
)

// segment is a stretch [start, end) of Unix seconds with one UTC offset.
type segment struct {
	start, end, offset int64
}

// ZoneClock converts between instants and the wall clock of one zone. It
// remembers where it last was, so that neighbouring times cost a comparison.
// A ZoneClock belongs to one goroutine.
type ZoneClock struct {
	loc       *time.Location
	last, alt segment
	// Wall seconds in [lo, hi) occur once, at the offset.
	lo, hi, offset int64
}

// NewZoneClock returns a clock of loc; nil stands for UTC.
func NewZoneClock(loc *time.Location) *ZoneClock {
	return &ZoneClock{loc: zoneOr(loc)}
}

func zoneOr(loc *time.Location) *time.Location {
	if loc == nil {
		return time.UTC
	}
	return loc
}

// Resolve returns the instants at which the wall clock shows wall. A unique
// time has first == second; of an ambiguous one first is the earlier and second
// the later; a skipped one moves forward by the gap, and both are that instant.
func (z *ZoneClock) Resolve(wall LocalTime) (first, second Instant, kind LocalKind) {
	f, s, kind := z.resolve(wall.seconds())
	return instantOfSeconds(f) + Instant(wall.Micro), instantOfSeconds(s) + Instant(wall.Micro), kind
}

// Offset is what the zone adds to UTC at i.
func (z *ZoneClock) Offset(i Instant) time.Duration {
	return time.Duration(z.at(secondsOf(i)).offset) * time.Second
}

// Day is the local date at i as days since 1970-01-01, the value of a date32 column.
func (z *ZoneClock) Day(i Instant) int32 {
	sec := secondsOf(i)
	return int32(floorDiv(sec+z.at(sec).offset, secondsPerDay))
}

// at returns the segment that holds sec.
func (z *ZoneClock) at(sec int64) segment {
	if z.last.start <= sec && sec < z.last.end {
		return z.last
	}
	if z.alt.start <= sec && sec < z.alt.end {
		z.last, z.alt = z.alt, z.last
		return z.last
	}
	t := time.Unix(min(sec, lastRule), 0).In(z.loc)
	_, offset := t.Zone()
	from, to := t.ZoneBounds()
	seg := segment{start: math.MinInt64, end: math.MaxInt64, offset: int64(offset)}
	if !from.IsZero() {
		seg.start = from.Unix()
	}
	if !to.IsZero() && to.Unix() <= lastRule {
		seg.end = to.Unix()
		if seg.end <= sec { // package time takes every year that it counts by a zone's rules for one of 365 days
			seg.end = time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		}
	}
	z.alt, z.last = z.last, seg
	return seg
}

// reach is the first second at which the wall clock shows wall or has passed it.
func (z *ZoneClock) reach(wall int64) int64 {
	for seg := z.at(wall - maxOffset); ; seg = z.at(seg.end) {
		if c := max(seg.start, wall-seg.offset); c < seg.end {
			return c
		}
	}
}

// resolve finds every second at which the wall clock shows wall.
func (z *ZoneClock) resolve(wall int64) (first, second int64, kind LocalKind) {
	if z.lo <= wall && wall < z.hi {
		return wall - z.offset, wall - z.offset, LocalUnique
	}
	seen := 0
	var found segment
	skipped := int64(math.MinInt64)
	for seg := z.at(wall - maxOffset); ; {
		if c := wall - seg.offset; seg.start <= c && c < seg.end {
			if seen == 0 {
				first, found = c, seg
			}
			second = c
			seen++
		}
		if seg.end > wall+maxOffset {
			break
		}
		next := z.at(seg.end)
		if seg.end+seg.offset <= wall && wall < next.start+next.offset {
			skipped = wall - seg.offset
		}
		seg = next
	}
	switch seen {
	case 0:
		if skipped == math.MinInt64 {
			skipped = z.reach(wall)
		}
		return skipped, skipped, LocalSkipped
	case 1:
		z.remember(found)
		return first, second, LocalUnique
	default:
		return first, second, LocalAmbiguous
	}
}

// remember notes the wall times of seg that no other segment shows.
func (z *ZoneClock) remember(seg segment) {
	z.lo, z.hi, z.offset = math.MinInt64, math.MaxInt64, seg.offset
	if seg.start != math.MinInt64 {
		z.lo = seg.start + seg.offset
	}
	if seg.end != math.MaxInt64 {
		z.hi = seg.end + seg.offset
	}
	for s := seg; s.start != math.MinInt64 && s.start > seg.start-2*maxOffset; {
		s = z.at(s.start - 1)
		z.lo = max(z.lo, s.end+s.offset)
	}
	for s := seg; s.end != math.MaxInt64 && s.end < seg.end+2*maxOffset; {
		s = z.at(s.end)
		z.hi = min(z.hi, s.start+s.offset)
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// secondsOf is the Unix second that holds i.
func secondsOf(i Instant) int64 { return floorDiv(int64(i), 1e6) }

// instantOfSeconds stays within the range of Instant.
func instantOfSeconds(sec int64) Instant {
	const limit = math.MaxInt64 / 1_000_000
	return Instant(min(max(sec, -limit), limit) * 1_000_000)
}
