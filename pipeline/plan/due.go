package plan

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// due is the one answer to whether a window may be asked for.
type due struct {
	now  calendar.Instant
	by   calendar.Instant // a window that ends by then may be asked for
	open bool             // so may the window that holds now
}

// dueOf says what of s is due at now.
func dueOf(s pipeline.Stream, now calendar.Instant) due {
	d := due{now: now, by: now, open: s.Intraday}
	if s.DueSettled {
		// The vendor answers by whole days: the hours of a day come due with it.
		day := calendar.Calendar{Unit: calendar.Days, Every: 1, Zone: s.Calendar.Zone}
		d.by = day.Window(now.Add(-s.Settle)).Start
	}
	return d
}

// has reports whether the window may be asked for.
func (d due) has(window calendar.Span) bool {
	return window.End <= d.by || d.open && window.Has(d.now)
}

// horizon is the end of the last piece of c that may be due, or in which something is.
func (d due) horizon(c calendar.Calendar) calendar.Instant {
	end := d.by
	if d.open {
		end = d.now
	}
	if c.IsAny() {
		return end
	}
	return c.Window(end).End
}
