package show

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// localDate is the date on which a window begins where it was cut.
func localDate(w pipeline.Window) string {
	loc, err := w.Location()
	if err != nil {
		loc = time.UTC
	}
	return w.Start.In(loc).Format(time.DateOnly)
}

// localDates are the local days that a span touches: 2025-09-08, or the first to the last.
func localDates(start, end pipeline.Instant, zone string) string {
	first := localDate(pipeline.Window{Span: pipeline.Span{Start: start, End: end}, Zone: zone})
	last := localDate(pipeline.Window{Span: pipeline.Span{Start: end - 1, End: end}, Zone: zone})
	if first == last {
		return first
	}
	return first + " to " + last
}

// localSpan tells people from when to when a window is: its days, where it begins and ends with one where it was cut, else
// the times there. Of a zone that nobody knows it is in UTC.
func localSpan(w pipeline.Window) string {
	loc, err := w.Location()
	if w.Zone == "" || err != nil {
		return w.Start.String() + " to " + w.End.String()
	}
	if beginsDay(w.Start, loc) && beginsDay(w.End, loc) {
		return localDates(w.Start, w.End, w.Zone)
	}
	const offset = " -07:00"
	start, end := w.Start.In(loc), w.End.In(loc)
	clock := "15:04"
	if start.Second() > 0 || end.Second() > 0 {
		clock = time.TimeOnly
	}
	first, last := time.DateOnly+" "+clock, clock+offset
	if offsetOf(start) != offsetOf(end) {
		first += offset // the clocks change within
	}
	if start.YearDay() != end.YearDay() || start.Year() != end.Year() {
		last = time.DateOnly + " " + last
	}
	return start.Format(first) + " to " + end.Format(last)
}

func offsetOf(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// beginsDay reports whether a local day begins: at midnight, or where a change of the clocks leaves midnight out.
func beginsDay(i pipeline.Instant, loc *time.Location) bool {
	return i.In(loc).Day() != (i - 1).In(loc).Day()
}
