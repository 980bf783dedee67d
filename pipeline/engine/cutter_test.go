package engine

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func TestPromise05_AShareOfRejectsExactlyAtTheBoundPassesAndOneMoreFails(t *testing.T) {
	for _, c := range []struct {
		read, rejected int64 // exactly at the bound
		share          float64
	}{
		{10, 2, 0.2}, {100, 1, 0.01}, {50, 50, 1}, {8, 1, 0.125}, {3000, 3, 0.001},
		// As binary fractions, these bounds times these rows are a little less than the rejects.
		{100, 29, 0.29}, {100, 57, 0.57}, {1000, 1, 0.001}, {900, 63, 0.07},
		{20, 0, 0}, {0, 0, 0},
	} {
		if err := checkRejects(c.read, c.rejected, RejectLimit{Share: c.share}, nil); err != nil {
			t.Errorf("%d of %d rejected, a share of %g: %v", c.rejected, c.read, c.share, err)
		}
		if c.rejected == c.read && c.read > 0 {
			continue // no more rows can be rejected
		}
		if err := checkRejects(max(c.read, 1), c.rejected+1, RejectLimit{Share: c.share}, nil); pipeline.KindOf(err) != pipeline.TooManyRejects {
			t.Errorf("%d of %d rejected, more than the share of %g: %v", c.rejected+1, c.read, c.share, err)
		}
	}
}

func TestPromise05_ARowBelongsToTheWindowThatHoldsItsTimeWithinWhatWasAsked(t *testing.T) {
	c := &cutter{}
	for n := 8; n <= 12; n++ {
		if n != 10 { // a day that is not read
			c.windows = append(c.windows, &openWindow{window: calendar.Window{Span: calendar.Span{Start: day(n), End: day(n + 1)}}})
		}
	}
	all := calendar.Span{Start: day(8), End: day(13)}
	for _, r := range []struct {
		says  string
		at    calendar.Instant
		asked calendar.Span
		want  int // the window's index; -1: outside
	}{
		{"the start of the first window", day(8), all, 0},
		{"a moment before it", day(8) - 1, all, -1},
		{"the last moment of the first window", day(9) - 1, all, 0},
		{"the bound of two windows", day(9), all, 1},
		{"the end before a day that is not read", day(10), all, -1},
		{"the last moment of that day", day(11) - 1, all, -1},
		{"the end of that day", day(11), all, 2},
		{"the bound of the last two windows", day(12), all, 3},
		{"the end of the last window", day(13), calendar.Span{Start: day(8), End: day(14)}, -1},
		{"the end of what was asked, within a window", day(9) + 5, calendar.Span{Start: day(8), End: day(9) + 5}, -1},
		{"a moment before it", day(9) + 4, calendar.Span{Start: day(8), End: day(9) + 5}, 1},
		{"a moment before what was asked, within a window", day(8) + 4, calendar.Span{Start: day(8) + 5, End: day(9)}, -1},
		{"no time", calendar.NoInstant, all, 0},
	} {
		got := c.windowOf(&pipeline.Meta{Span: r.asked}, r.at)
		if want := r.want; want < 0 && got != nil || want >= 0 && got != c.windows[want] {
			t.Errorf("%s: %+v, want window %d", r.says, got, r.want)
		}
	}
}
