package plan

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// due is the one answer to whether a window may be asked for.
type due struct {
	now calendar.Instant
	by  calendar.Instant // a window that ends by then may be asked for
	// open: so may the window that holds now. Where the vendor answers by days, it is the windows of today that have begun.
	open  bool
	today calendar.Span // of a vendor that answers by days; else empty
}

// dueOf says what of s, whose ledger is l, is due at now.
func dueOf(s pipeline.Stream, l *pipeline.Ledger, now calendar.Instant) due {
	d := due{now: now, by: endedBy(s, now), open: s.Intraday}
	if s.DueSettled {
		d.today = daysOf(s).Window(now)
		d.open = d.open && !readWithin(l, d.today, now, s.IntradayCache)
	}
	return d
}

// IsOpen reports whether a window that is due at now is so as one that is still open.
func IsOpen(s pipeline.Stream, window calendar.Span, now calendar.Instant) bool {
	return window.End > endedBy(s, now)
}

// endedBy is by when a window has to end to be asked for as one that has ended. Where the vendor answers by whole days, the
// hours of a day come due with it.
func endedBy(s pipeline.Stream, now calendar.Instant) calendar.Instant {
	if s.DueSettled {
		return daysOf(s).Window(now.Add(-s.Settle)).Start
	}
	return now
}

func daysOf(s pipeline.Stream) calendar.Calendar {
	return calendar.Calendar{Unit: calendar.Days, Every: 1, Zone: s.Calendar.Zone}
}

// readWithin reports whether a part of today was read less than so long before now: the vendor would answer from its cache.
func readWithin(l *pipeline.Ledger, today calendar.Span, now calendar.Instant, cache time.Duration) bool {
	for e := range l.WindowsOver(today) {
		if read := e.ExtractedAt; today.Has(read) && read <= now && read > now.Add(-cache) {
			return true
		}
	}
	return false
}

// has reports whether the window may be asked for.
func (d due) has(window calendar.Span) bool {
	if window.End <= d.by {
		return true
	}
	if d.today.Empty() {
		return d.open && window.Has(d.now)
	}
	return d.open && d.today.Contains(window) && window.Start <= d.now
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
