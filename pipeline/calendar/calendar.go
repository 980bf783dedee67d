package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is what a calendar counts in.
type Unit uint8

const (
	// AnyInstant is the unit of the zero Calendar: every instant is a bound.
	AnyInstant Unit = iota
	Minutes
	Hours
	Days
	Weeks // from Monday
	Months
)

// Calendar cuts time into pieces of Every units on the local clock of Zone.
// The zero Calendar cuts nowhere. Calendars compare with ==.
//
// Minutes and hours count from local midnight, weeks from Monday, months from
// January. A bound is the first instant at which the local clock shows, or has
// jumped over, a multiple of the length; pieces of an hour or less also begin
// where the clock shows a multiple for the second time, so that the repeated
// hour is two hours. Every bound is a whole second.
type Calendar struct {
	Unit  Unit
	Every int
	Zone  *time.Location
}

// lengths are the names that [ParseCalendar] knows besides minutes.
var lengths = []struct {
	name  string
	unit  Unit
	every int
}{
	{"1h", Hours, 1},
	{"6h", Hours, 6},
	{"1d", Days, 1},
	{"7d", Weeks, 1},
	{"1mo", Months, 1},
	{"2mo", Months, 2},
	{"3mo", Months, 3},
	{"6mo", Months, 6},
	{"1y", Months, 12},
}

// ParseCalendar reads the length of a calendar's pieces: 1h, 6h, 1d, 7d, 1mo,
// 2mo, 3mo, 6mo, 1y, or minutes that divide a day, such as 15m.
func ParseCalendar(s string, zone *time.Location) (Calendar, error) {
	for _, l := range lengths {
		if l.name == s {
			return Calendar{Unit: l.unit, Every: l.every, Zone: zone}, nil
		}
	}
	if digits, ok := strings.CutSuffix(s, "m"); ok {
		n, err := strconv.Atoi(digits)
		if err == nil && strconv.Itoa(n) == digits && n > 0 && minutesPerDay%n == 0 {
			return Calendar{Unit: Minutes, Every: n, Zone: zone}, nil
		}
	}
	return Calendar{}, fmt.Errorf("%q is not one of 1h, 6h, 1d, 7d, 1mo, 2mo, 3mo, 6mo, 1y, or minutes that divide a day (15m)", s)
}

// String is the length as [ParseCalendar] reads it; "any" for the zero Calendar.
func (c Calendar) String() string {
	if c.IsAny() {
		return "any"
	}
	for _, l := range lengths {
		if l.unit == c.Unit && l.every == c.Every {
			return l.name
		}
	}
	n := c.every()
	switch c.Unit {
	case Minutes:
		return fmt.Sprintf("%dm", n)
	case Hours:
		return fmt.Sprintf("%dh", n)
	case Days:
		return fmt.Sprintf("%dd", n)
	case Weeks:
		return fmt.Sprintf("%dd", 7*n)
	default:
		return fmt.Sprintf("%dmo", n)
	}
}

// Multiple reports whether every bound of c is a bound of the calendar of,
// so that of's pieces tile c's. Between two zones the answer is that of the
// years 2020 to 2037.
func (c Calendar) Multiple(of Calendar) bool {
	switch {
	case of.IsAny():
		return true
	case c.IsAny():
		return false
	case zoneOr(c.Zone).String() != zoneOr(of.Zone).String():
		return c.multipleAcross(of)
	}
	step, ofStep := c.minutes(), of.minutes()
	switch {
	case ofStep > 0 && step > 0:
		return step%ofStep == 0 && minutesPerDay%step == 0
	case ofStep > 0:
		return true // days and longer begin with a local midnight
	case step > 0:
		return false
	case of.Unit == Days && of.every() == 1:
		return true
	case of.Unit == Days && c.Unit == Days, of.Unit == Weeks && c.Unit == Weeks:
		return c.every()%of.every() == 0
	case of.Unit == Months && c.Unit == Months:
		return c.every()%of.every() == 0
	default:
		return false
	}
}

// multipleAcross answers Multiple for two zones: they must differ by whole
// pieces of at most an hour at all times.
func (c Calendar) multipleAcross(of Calendar) bool {
	step := of.minutes()
	if step == 0 || step > 60 {
		return false
	}
	if s := c.minutes(); s > 0 && s%step != 0 {
		return false
	}
	a, b := NewZoneClock(c.Zone), NewZoneClock(of.Zone)
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	to := time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for t := from; t < to; {
		sa, sb := a.at(t), b.at(t)
		if (sa.offset-sb.offset)%int64(step*60) != 0 {
			return false
		}
		t = min(sa.end, sb.end)
	}
	return true
}

// IsAny reports whether every instant may be a bound.
func (c Calendar) IsAny() bool { return c.Unit == AnyInstant || c.Unit > Months }

// Location is the calendar's zone, UTC where it has none.
func (c Calendar) Location() *time.Location { return zoneOr(c.Zone) }

func (c Calendar) every() int { return max(c.Every, 1) }

// minutes is the length of a piece that is shorter than a day, else 0.
func (c Calendar) minutes() int {
	switch c.Unit {
	case Minutes:
		return c.every()
	case Hours:
		return c.every() * 60
	default:
		return 0
	}
}
