package plan

import (
	"cmp"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// planner holds what the steps of one plan share.
type planner struct {
	stream   pipeline.Stream
	ledger   *pipeline.Ledger
	now      calendar.Instant
	due      due
	first    calendar.Instant
	origin   calendar.Instant // to be recorded; NoInstant once it is
	selected calendar.Span
	bounded  bool // the selection names a bound
	refetch  bool
	doubt    []calendar.Span  // union of the windows whose content is unknown
	begun    []pipeline.Entry // those windows
	waived   []calendar.Span
	remnants []calendar.Span
	holes    []calendar.Span
}

func newPlanner(s pipeline.Stream, l *pipeline.Ledger, sel Selection, now calendar.Instant) (*planner, error) {
	origin, record := originOf(s, l, now)
	first, err := firstDay(s, origin)
	if err != nil {
		return nil, err
	}
	selected, err := sel.span(s.Calendar.Zone)
	if err != nil {
		return nil, err
	}
	p := &planner{
		stream: s, ledger: l, now: now, due: dueOf(s, l, now), first: first, origin: calendar.NoInstant,
		selected: selected, bounded: sel.bounded(), refetch: sel.Refetch,
		doubt: l.InDoubt(), begun: l.Begun(), waived: l.Waived(), remnants: l.Remnants(),
	}
	if record {
		p.origin = origin
	}
	return p, nil
}

// moved reports whether the first day is another than the last sync's; a first
// sync's is its origin until it says otherwise.
func (p *planner) moved() bool {
	known, ok := p.ledger.First()
	if !ok {
		known = p.origin
	}
	return p.first != known
}

// horizon is the span in which uncovered time is planned: whole pieces of the
// calendar, from the first day on unless the selection begins before it.
func (p *planner) horizon() calendar.Span {
	cut := p.stream.Calendar
	h := calendar.Span{Start: p.first, End: p.due.horizon(cut)}
	if cut.IsAny() || !p.bounded {
		return h
	}
	if start := p.selected.Start; start != calendar.NoInstant {
		h.Start = cut.Window(start).Start
		if start >= p.first {
			h.Start = max(h.Start, p.first)
		}
	}
	if end := p.selected.End; end < h.End {
		h.End = min(h.End, cut.Window(end-1).End)
	}
	return h
}

// again decides which committed windows are read again; what the fresh
// windows supersede is not.
func (p *planner) again(fresh []pipeline.PlannedWindow) []pipeline.PlannedWindow {
	var list []pipeline.PlannedWindow
	planned := spansOf(fresh)
	for e := range p.ledger.Readings(p.selected.Start) {
		w := e.Window
		if w.Start >= p.selected.End {
			break
		}
		if !p.due.has(w.Span) || calendar.Touches(planned, w.Span) {
			continue
		}
		if reason := p.reasonToReadAgain(&e); reason != "" {
			list = append(list, pipeline.PlannedWindow{Window: w, Reason: reason, Supersedes: p.superseded(w.Span), Fingerprint: e.Fingerprint, Fields: e.Fields})
		}
	}
	return list
}

// reasonToReadAgain is empty where a committed window is left alone.
func (p *planner) reasonToReadAgain(e *pipeline.Entry) pipeline.Reason {
	switch {
	case calendar.Touches(p.doubt, e.Window.Span):
		if len(calendar.Without(e.Window.Span, p.waived)) > 0 {
			if _, reopened := p.ledger.Reopened(e.Window.Span); reopened {
				return pipeline.ReasonReopened
			}
			return pipeline.ReasonFailed
		}
		if p.refetch && p.bounded {
			return pipeline.ReasonRefetch
		}
	case p.failed(e.Window.Span):
		return pipeline.ReasonFailed
	case !e.Settled:
		return pipeline.ReasonProvisional
	case p.refetch:
		return pipeline.ReasonRefetch
	case e.Window.End > p.now.Add(-p.stream.Lookback):
		// Within the vendor's cache the same question has the same answer.
		if read := e.ExtractedAt; read > p.now || read <= p.now.Add(-p.stream.Cache) {
			return pipeline.ReasonLookback
		}
	}
	return ""
}

// failed reports whether the last attempt to read any part of s again failed. It stays due until a reading succeeds.
func (p *planner) failed(s calendar.Span) bool {
	_, failed := p.ledger.Failed(s)
	return failed
}

// superseded lists, by start, the windows of other bounds that a commit of s replaces.
func (p *planner) superseded(s calendar.Span) []calendar.Window {
	var list []calendar.Window
	for e := range p.ledger.WindowsOver(s) {
		if e.Window.Span != s {
			list = append(list, e.Window)
		}
	}
	committed := len(list)
	if calendar.Touches(p.doubt, s) {
		for _, e := range p.begun {
			if !p.ledger.Committed(e.Window.Span) && e.Window.Span != s && e.Window.Overlaps(s) {
				list = append(list, e.Window)
			}
		}
	}
	if committed > 0 && committed < len(list) {
		slices.SortFunc(list, func(a, b calendar.Window) int { return cmp.Compare(a.Start, b.Start) })
	}
	return list
}

// changed lists the settled windows of other settings that the plan does not read.
func (p *planner) changed(windows []pipeline.PlannedWindow) []calendar.Window {
	var list []calendar.Window
	planned := spansOf(windows)
	for e := range p.ledger.Readings(calendar.NoInstant) {
		if e.Settled && e.Settings != p.stream.Settings && !calendar.Touches(p.doubt, e.Window.Span) && !calendar.Touches(planned, e.Window.Span) {
			list = append(list, e.Window)
		}
	}
	return list
}

func spansOf(windows []pipeline.PlannedWindow) []calendar.Span {
	list := make([]calendar.Span, len(windows))
	for i, w := range windows {
		list[i] = w.Window.Span
	}
	return list
}
