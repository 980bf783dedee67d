package dialpad

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// daysPerReport bounds a report: the vendor names no limit, and people who
// asked for more than some months met timeouts.
const daysPerReport = 31

// windowGroup is a run of windows that the same reports serve.
type windowGroup struct {
	zone    string
	loc     *time.Location
	days    dayRange
	windows []pipeline.Window
}

// Plan covers the due windows by reports of whole local days: windows that lie
// side by side share reports of at most 31 days, and each report is asked once
// per scope. A window of whole days is asked in the zone that it was cut in; any
// other is covered by the days that contain it. Rows without a time can belong
// to one window only, so such a stream asks each by itself; where nobody knows, until a
// header with a date was seen. The time in a state
// is asked with the day before, in which the state at a day's beginning was set.
func (s *Source) Plan(st pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	e, ok := exportOf(st.Key.Stream)
	if !ok {
		return nil
	}
	alone, lead := e.alone(s.set, st.Seen), e.lead()
	var groups []windowGroup
	for _, w := range due {
		zone, loc := s.zoneOf(w)
		days := daysOf(w.Span, loc)
		days.first -= day(lead)
		if n := len(groups); n > 0 && !alone && groups[n-1].joins(zone, days) {
			g := &groups[n-1]
			g.days.last = max(g.days.last, days.last)
			g.windows = append(g.windows, w)
			continue
		}
		groups = append(groups, windowGroup{zone: zone, loc: loc, days: days, windows: []pipeline.Window{w}})
	}
	plan := make([]pipeline.Extraction, len(groups))
	for i, g := range groups {
		plan[i] = pipeline.Extraction{Windows: g.windows, Requests: s.requests(e, g, alone)}
	}
	return plan
}

// zoneOf is the zone that w is asked in. A window of whole days in its own zone is
// asked in that zone, so that a day's statistics are those of its day. Any other
// window is asked in the account's zone, whose days are over when the window is due.
func (s *Source) zoneOf(w pipeline.Window) (string, *time.Location) {
	loc, err := w.Location()
	if err == nil && w.Zone != "" && daysOf(w.Span, loc).span(loc) == w.Span {
		return w.Zone, loc
	}
	return s.set.zone.String(), s.set.zone
}

// joins tells whether a report of g can serve the following days too.
func (g *windowGroup) joins(zone string, days dayRange) bool {
	whole := dayRange{first: g.days.first, last: max(g.days.last, days.last)}
	return g.zone == zone && days.first <= g.days.last+1 && whole.len() <= daysPerReport
}

// requests asks g of every scope, in configured order. alone: in one report, however many days it has.
func (s *Source) requests(e export, g windowGroup, alone bool) []pipeline.Request {
	var all []pipeline.Request
	for _, scope := range e.scopes(s.set) {
		for piece := g.days; piece.first <= g.days.last; piece.first = piece.last + 1 {
			piece.last = g.days.last
			if !alone {
				piece.last = min(piece.last, piece.first+daysPerReport-1)
			}
			span := piece.span(g.loc)
			r := pipeline.Request{Tenant: s.tenant(), Stream: e.id(), Span: span, Zone: g.zone, Scope: scope.String()}
			for _, w := range g.windows {
				if w.Overlaps(span) {
					r.Windows = append(r.Windows, w)
				}
			}
			all = append(all, r)
		}
	}
	return all
}
