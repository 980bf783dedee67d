package dialpad

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// day is a date of some local calendar, counted from 1970-01-01. Differences
// are calendar days, however many hours a change of the clock made of them.
type day int

const secondsOfDay = 24 * 60 * 60

// dayOf is the date that the clocks of loc show at i.
func dayOf(i pipeline.Instant, loc *time.Location) day {
	y, m, d := i.In(loc).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay)
}

func (d day) utc() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// String is the ISO date.
func (d day) String() string { return d.utc().Format(time.DateOnly) }

// start is the first instant of the day in loc.
func (d day) start(loc *time.Location) pipeline.Instant {
	y, m, n := d.utc().Date()
	return calendar.DayStart(y, m, n, loc)
}

// dayRange is an unbroken run of days, both ends included.
type dayRange struct{ first, last day }

func (r dayRange) len() int { return int(r.last-r.first) + 1 }

func (r dayRange) String() string { return r.first.String() + ".." + r.last.String() }

func (r dayRange) span(loc *time.Location) pipeline.Span {
	return pipeline.Span{Start: r.first.start(loc), End: (r.last + 1).start(loc)}
}

// daysOf is the days of loc that together hold s, which is not empty.
func daysOf(s pipeline.Span, loc *time.Location) dayRange {
	return dayRange{first: dayOf(s.Start, loc), last: dayOf(s.End-1, loc)}
}

// daysAgo counts the range back from today: start is the nearer bound, as the
// API's defaults of 1 and 30 have it.
func (r dayRange) daysAgo(today day) (start, end int) {
	return int(today - r.last), int(today - r.first)
}

// midnightMargin is how near to local midnight a POST might count its days from
// another today than the vendor does.
const midnightMargin = time.Minute

// holdOff is how long a POST has to wait for midnight in loc to be over.
func holdOff(now pipeline.Instant, loc *time.Location) time.Duration {
	today := dayOf(now, loc)
	for _, midnight := range []pipeline.Instant{today.start(loc), (today + 1).start(loc)} {
		from, to := midnight.Add(-midnightMargin), midnight.Add(midnightMargin)
		if from <= now && now < to {
			return to.Sub(now)
		}
	}
	return 0
}

// mayBeYesterdays tells whether an answer at now from a cache that keeps it for
// so long can be one to the same question asked before local midnight.
func mayBeYesterdays(now pipeline.Instant, loc *time.Location, cache time.Duration) bool {
	return now < dayOf(now, loc).start(loc).Add(cache)
}
