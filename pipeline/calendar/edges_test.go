package calendar

import (
	"testing"
	"time"
)

func TestOutwardAndInwardAtTheBoundsThemselves(t *testing.T) {
	days := Calendar{Unit: Days, Every: 1, Zone: time.UTC}
	hours := Calendar{Unit: Hours, Every: 1, Zone: time.UTC}
	at := func(hour int, micros Instant) Instant {
		return mustInstant(t, "2025-09-08").Add(time.Duration(hour)*time.Hour) + micros
	}
	for _, c := range []struct {
		says       string
		calendar   Calendar
		s, out, in Span
	}{
		{"a day", days, Span{at(0, 0), at(24, 0)}, Span{at(0, 0), at(24, 0)}, Span{at(0, 0), at(24, 0)}},
		{"a moment less at its start", days, Span{at(0, 1), at(48, 0)}, Span{at(0, 0), at(48, 0)}, Span{at(24, 0), at(48, 0)}},
		{"a moment less at its end", days, Span{at(0, 0), at(48, -1)}, Span{at(0, 0), at(48, 0)}, Span{at(0, 0), at(24, 0)}},
		{"a moment more at its start", days, Span{at(0, -1), at(24, 0)}, Span{at(-24, 0), at(24, 0)}, Span{at(0, 0), at(24, 0)}},
		{"a moment more at its end", days, Span{at(0, 0), at(24, 1)}, Span{at(0, 0), at(48, 0)}, Span{at(0, 0), at(24, 0)}},
		{"an hour", hours, Span{at(3, 0), at(4, 0)}, Span{at(3, 0), at(4, 0)}, Span{at(3, 0), at(4, 0)}},
		{"an hour and a moment", hours, Span{at(3, 0), at(4, 1)}, Span{at(3, 0), at(5, 0)}, Span{at(3, 0), at(4, 0)}},
	} {
		if got := c.calendar.Outward(c.s); got != c.out {
			t.Errorf("%s: outward %s, want %s", c.says, got, c.out)
		}
		if got := c.calendar.Inward(c.s); got != c.in {
			t.Errorf("%s: inward %s, want %s", c.says, got, c.in)
		}
	}
}

func TestTheWindowOfABoundBeginsThere(t *testing.T) {
	for _, c := range []Calendar{
		{Unit: Minutes, Every: 15, Zone: time.UTC}, {Unit: Hours, Every: 1, Zone: time.UTC}, {Unit: Hours, Every: 6, Zone: time.UTC},
		{Unit: Days, Every: 1, Zone: time.UTC}, {Unit: Weeks, Every: 1, Zone: time.UTC}, {Unit: Months, Every: 1, Zone: time.UTC},
	} {
		bound := mustInstant(t, "2025-09-01") // a Monday
		w := c.Window(bound)
		if w.Start != bound || !c.Aligned(bound) || c.Aligned(bound-1) || c.Window(bound-1).End != bound || c.Window(w.End).Start != w.End || c.Window(w.End-1) != w {
			t.Errorf("%s: the window of %s is %s, that before it %s", c, bound, w, c.Window(bound-1))
		}
	}
}

func TestPiecesOfMoreThanAnHourAreNoMultipleInAnotherZone(t *testing.T) {
	east := time.FixedZone("east", 6*3600)
	six := Calendar{Unit: Hours, Every: 6, Zone: time.UTC}
	if six.Multiple(Calendar{Unit: Hours, Every: 6, Zone: east}) {
		t.Error("six hours are taken for a multiple of those of another zone")
	}
	if !six.Multiple(Calendar{Unit: Hours, Every: 1, Zone: east}) {
		t.Error("six hours are no multiple of an hour in a zone that differs by hours")
	}
}
