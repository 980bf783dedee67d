package calendar

import (
	"math"
	"time"
)

const (
	minutesPerDay = 24 * 60
	secondsPerDay = minutesPerDay * 60
	// firstMonday is a Monday's number in days since 1970-01-01.
	firstMonday = 4
)

// Window is the piece of the calendar that holds i. The zero Calendar has one
// piece, all time.
func (c Calendar) Window(i Instant) Span {
	if c.IsAny() {
		return Span{Start: math.MinInt64, End: math.MaxInt64}
	}
	from, to := c.bounds(NewZoneClock(c.Zone), secondsOf(i))
	return Span{Start: instantOfSeconds(from), End: instantOfSeconds(to)}
}

// Aligned reports whether i is a bound of the calendar.
func (c Calendar) Aligned(i Instant) bool {
	return c.IsAny() || c.Window(i).Start == i
}

// Cut cuts s at the calendar's bounds: the pieces are disjoint, in order, and
// together s. An empty span has no pieces.
func (c Calendar) Cut(s Span) []Span {
	if s.Empty() {
		return nil
	}
	if c.IsAny() {
		return []Span{s}
	}
	var pieces []Span
	clock := NewZoneClock(c.Zone)
	for start := s.Start; start < s.End; {
		_, to := c.bounds(clock, secondsOf(start))
		end := min(instantOfSeconds(to), s.End)
		if end <= start { // beyond the years that an Instant can tell
			end = s.End
		}
		pieces = append(pieces, Span{Start: start, End: end})
		start = end
	}
	return pieces
}

// Outward is the smallest span between bounds of the calendar that contains s.
func (c Calendar) Outward(s Span) Span {
	if c.IsAny() || s.Empty() {
		return s
	}
	clock := NewZoneClock(c.Zone)
	from, _ := c.bounds(clock, secondsOf(s.Start))
	_, to := c.bounds(clock, secondsOf(s.End-1))
	return Span{Start: instantOfSeconds(from), End: instantOfSeconds(to)}
}

// Inward is the largest span between bounds of the calendar within s; it may
// be empty.
func (c Calendar) Inward(s Span) Span {
	if c.IsAny() || s.Empty() {
		return s
	}
	clock := NewZoneClock(c.Zone)
	_, from := c.bounds(clock, secondsOf(s.Start-1))
	to, _ := c.bounds(clock, secondsOf(s.End))
	return Span{Start: instantOfSeconds(from), End: instantOfSeconds(to)}
}

// bounds returns the last bound at or before sec and the first after it.
func (c Calendar) bounds(z *ZoneClock, sec int64) (from, to int64) {
	if m := c.minutes(); m > 0 && m <= 60 {
		return c.shortFrom(z, sec), c.shortTo(z, sec)
	}
	wall := c.floor(sec + z.at(sec).offset)
	next := c.next(wall)
	to = z.reach(next)
	for to <= sec { // the clock was put back over a bound that it had reached
		wall, next = next, c.next(next)
		to = z.reach(next)
	}
	return z.reach(wall), to
}

// shortFrom is the last bound at or before sec of pieces of an hour or less:
// every multiple on the wall counts, also when it is shown again.
func (c Calendar) shortFrom(z *ZoneClock, sec int64) int64 {
	for {
		seg := z.at(sec)
		if b := c.floor(sec+seg.offset) - seg.offset; b >= seg.start {
			return b
		}
		if c.startsPiece(z, seg) {
			return seg.start
		}
		sec = seg.start - 1
	}
}

// shortTo is the first bound after sec of pieces of an hour or less.
func (c Calendar) shortTo(z *ZoneClock, sec int64) int64 {
	for {
		seg := z.at(sec)
		if b := c.next(c.floor(sec+seg.offset)) - seg.offset; b < seg.end {
			return b
		}
		if c.startsPiece(z, z.at(seg.end)) {
			return seg.end
		}
		sec = seg.end
	}
}

// startsPiece reports whether a change of the zone's offset is itself a bound:
// the clock then shows a multiple, or was put forward over one.
func (c Calendar) startsPiece(z *ZoneClock, seg segment) bool {
	wall := seg.start + seg.offset
	floor := c.floor(wall)
	before := z.at(seg.start - 1)
	return floor == wall || floor >= before.end+before.offset
}

// floor is the last multiple at or before wall, in seconds on the wall.
func (c Calendar) floor(wall int64) int64 {
	day := floorDiv(wall, secondsPerDay)
	n := int64(c.every())
	switch c.Unit {
	case Minutes, Hours:
		step := int64(c.minutes()) * 60
		midnight := day * secondsPerDay
		return midnight + (wall-midnight)/step*step
	case Days:
		return floorDiv(day, n) * n * secondsPerDay
	case Weeks:
		return (floorDiv(day-firstMonday, 7*n)*7*n + firstMonday) * secondsPerDay
	default:
		year, month, _ := time.Unix(wall, 0).UTC().Date()
		return monthStart(floorDiv(int64(year)*12+int64(month)-1, n) * n)
	}
}

// next is the multiple after the multiple wall.
func (c Calendar) next(wall int64) int64 {
	n := int64(c.every())
	switch c.Unit {
	case Minutes, Hours:
		midnight := floorDiv(wall, secondsPerDay) * secondsPerDay
		return min(wall+int64(c.minutes())*60, midnight+secondsPerDay)
	case Days:
		return wall + n*secondsPerDay
	case Weeks:
		return wall + 7*n*secondsPerDay
	default:
		year, month, _ := time.Unix(wall, 0).UTC().Date()
		return monthStart(int64(year)*12 + int64(month) - 1 + n)
	}
}

// monthStart is the start of a month counted from January of year 0.
func monthStart(month int64) int64 {
	year := floorDiv(month, 12)
	return time.Date(int(year), time.Month(month-year*12+1), 1, 0, 0, 0, 0, time.UTC).Unix()
}
