package calendar

import (
	"fmt"
	"sync"
	"time"
)

// Span is the half-open range of instants [Start, End).
type Span struct {
	Start Instant `json:"start"`
	End   Instant `json:"end"`
}

// Empty reports whether the span holds no instant.
func (s Span) Empty() bool { return s.End <= s.Start }

// Has reports whether i lies in the span.
func (s Span) Has(i Instant) bool { return s.Start <= i && i < s.End }

// Overlaps reports whether the two spans share an instant.
func (s Span) Overlaps(o Span) bool { return s.Start < o.End && o.Start < s.End }

// Contains reports whether o lies in s.
func (s Span) Contains(o Span) bool { return s.Start <= o.Start && o.End <= s.End }

// Length is the elapsed time of the span: a local day has 23, 24 or 25 hours.
func (s Span) Length() time.Duration { return s.End.Sub(s.Start) }

// String formats the span as "start/end", RFC 3339 in UTC.
func (s Span) String() string { return s.Start.String() + "/" + s.End.String() }

// Window is a span that is read and committed as one, with the zone that it
// was cut in. The zone decides local_date and the folder of the window, so a
// committed window keeps it. Windows compare with ==; two windows of one
// (account, stream) are the same window when their spans are equal.
type Window struct {
	Span
	Zone string `json:"zone"` // IANA name
}

// locations holds the zones that were loaded, by name: time.LoadLocation reads
// the zone's file each time, and a history asks for few of them many times.
var locations sync.Map

// Location loads the window's zone.
func (w Window) Location() (*time.Location, error) {
	if loc, ok := locations.Load(w.Zone); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(w.Zone)
	if err != nil {
		return nil, fmt.Errorf("window %s: zone %q: %w", w.Span, w.Zone, err)
	}
	locations.Store(w.Zone, loc)
	return loc, nil
}

// FileName is the window's name in a sink: 20250908T050000Z_20250909T050000Z.
// Bounds are whole seconds: every calendar cuts there.
func (w Window) FileName() string {
	const layout = "20060102T150405Z"
	return w.Start.Time().Format(layout) + "_" + w.End.Time().Format(layout)
}
