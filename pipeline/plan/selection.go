package plan

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Selection narrows and bends a plan; the zero Selection is a nightly run.
type Selection struct {
	// From and To bound the plan: local dates (both included) or RFC 3339
	// instants (half-open), as typed; empty when not given.
	From, To string
	// FromName and ToName are what the user knows the bounds as, for errors;
	// empty means "from" and "to".
	FromName, ToName string
	// Refetch also plans settled windows.
	Refetch bool
}

// names are what errors call the bounds.
func (sel Selection) names() (from, to string) {
	return cmp.Or(sel.FromName, "from"), cmp.Or(sel.ToName, "to")
}

// bounded reports whether the selection names a bound.
func (sel Selection) bounded() bool { return sel.From != "" || sel.To != "" }

// Wants returns a function that reports whether the selection holds a part of a window. Dates are those of the window's
// zone. The function is safe for concurrent use. Errors are of kind Invalid and name the bound.
func (sel Selection) Wants() (func(calendar.Window) bool, error) {
	if _, err := sel.span(time.UTC); err != nil {
		return nil, err
	}
	if !sel.bounded() {
		return func(calendar.Window) bool { return true }, nil
	}
	return func(w calendar.Window) bool {
		zone, err := w.Location()
		if err != nil {
			return true // who looks at the window says so
		}
		s, err := sel.span(zone)
		return err == nil && s.Overlaps(w.Span)
	}, nil
}

// Around is a span that holds the selection in every zone. Errors are those of Wants.
func (sel Selection) Around() (calendar.Span, error) {
	s, err := sel.span(time.UTC)
	const day = 24 * time.Hour
	if s.Start > math.MinInt64+calendar.Instant(day) {
		s.Start = s.Start.Add(-day)
	}
	if s.End < math.MaxInt64-calendar.Instant(day) {
		s.End = s.End.Add(day)
	}
	return s, err
}

// span is the selection in zone; an end that is not given is the end of time.
// Errors are of kind Invalid and name the bound.
func (sel Selection) span(zone *time.Location) (calendar.Span, error) {
	s := calendar.Span{Start: math.MinInt64, End: math.MaxInt64}
	from, to := sel.names()
	var err error
	if sel.From != "" {
		if s.Start, err = parseBound(from, sel.From, zone, 0); err != nil {
			return calendar.Span{}, err
		}
	}
	if sel.To != "" {
		if s.End, err = parseBound(to, sel.To, zone, 1); err != nil {
			return calendar.Span{}, err
		}
	}
	if s.Empty() {
		return calendar.Span{}, &pipeline.Error{
			Op:   fmt.Sprintf("%s %s %s %s", from, sel.From, to, sel.To),
			Kind: pipeline.Invalid,
			Hint: fmt.Sprintf("for example %s 2025-09-01 %s 2025-09-30; a date includes its day, an instant given to %s is the first one left out", from, to, to),
			Err:  fmt.Errorf("selects no time: %s must be before %s", from, to),
		}
	}
	return s, nil
}

// parseBound reads a local date, moved by days, or an RFC 3339 instant.
func parseBound(name, text string, zone *time.Location, days int) (calendar.Instant, error) {
	if d, err := time.Parse(time.DateOnly, text); err == nil {
		return calendar.DayStart(d.Year(), d.Month(), d.Day()+days, zone), nil
	}
	problem := "is neither a local date nor an RFC 3339 instant"
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		if t.Nanosecond() == 0 {
			return calendar.InstantOf(t), nil
		}
		problem = "has a fraction of a second; windows begin and end at whole seconds"
	}
	return calendar.NoInstant, &pipeline.Error{
		Op:   name,
		Kind: pipeline.Invalid,
		Hint: fmt.Sprintf("for example %s 2025-09-01 or %s 2025-09-01T06:00:00Z", name, name),
		Err:  fmt.Errorf("%q %s", text, problem),
	}
}

// firstDay is the start of the stream's first day: FROM where it is set, else
// the stream's origin.
func firstDay(s pipeline.Stream, origin calendar.Instant) (calendar.Instant, error) {
	if s.From == "" {
		return origin, nil
	}
	d, err := time.Parse(time.DateOnly, s.From)
	if err != nil {
		return calendar.NoInstant, &pipeline.Error{
			Op:     "first day",
			Stream: s.Key.Stream,
			Kind:   pipeline.Invalid,
			Hint:   "for example 2025-09-01",
			Err:    fmt.Errorf("%q is not a local date", s.From),
		}
	}
	return calendar.DayStart(d.Year(), d.Month(), d.Day(), s.Calendar.Location()), nil
}

// originOf is the recorded start of a stream, 30 local days before its first
// sync; record says that this is the first sync. FROM does not change it: who
// removes FROM later gets the days that there would have been without it.
func originOf(s pipeline.Stream, l *pipeline.Ledger, now calendar.Instant) (origin calendar.Instant, record bool) {
	if origin, ok := l.Origin(); ok {
		return origin, false
	}
	return OriginAt(s, now), true
}

// OriginAt is the origin that a first sync of the stream at now records. A recorded one that is later belongs to a first
// sync that lies in the future.
func OriginAt(s pipeline.Stream, now calendar.Instant) calendar.Instant {
	const daysBeforeFirstSync = 30
	zone := s.Calendar.Location()
	year, month, day := calendar.LocalDate(now, zone)
	return calendar.DayStart(year, month, day-daysBeforeFirstSync, zone)
}
