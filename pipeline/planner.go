package pipeline

import (
	"cmp"
	"slices"
)

// planner holds what the steps of one plan share.
type planner struct {
	stream   Stream
	ledger   *Ledger
	now      Instant
	due      Instant // a window that ends by then may be asked
	first    Instant
	origin   Instant // to be recorded; NoInstant once it is
	selected Span
	bounded  bool // the selection names a bound
	refetch  bool
	doubt    []Span  // union of the windows whose content is unknown
	begun    []Entry // those windows
	waived   []Span
	remnants []Span
	holes    []Span
}

func newPlanner(s Stream, l *Ledger, sel Selection, now Instant) (*planner, error) {
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
		stream: s, ledger: l, now: now, due: now, first: first, origin: NoInstant,
		selected: selected, bounded: sel.bounded(), refetch: sel.Refetch,
		doubt: l.doubtful(), begun: l.Begun(), waived: l.Waived(), remnants: l.Remnants(),
	}
	if record {
		p.origin = origin
	}
	if s.DueSettled {
		// The vendor answers by whole days: the hours of a day come due with it.
		day := Calendar{Unit: Days, Every: 1, Zone: s.Calendar.Zone}
		p.due = day.Window(now.Add(-s.Settle)).Start
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
func (p *planner) horizon() Span {
	calendar := p.stream.Calendar
	h := Span{Start: p.first, End: p.due}
	if !calendar.any() {
		h.End = calendar.Window(p.due).End
	}
	if p.stream.Calendar.any() || !p.bounded {
		return h
	}
	if start := p.selected.Start; start != NoInstant {
		h.Start = calendar.Window(start).Start
		if start >= p.first {
			h.Start = max(h.Start, p.first)
		}
	}
	if end := p.selected.End; end < h.End {
		h.End = min(h.End, calendar.Window(end-1).End)
	}
	return h
}

// again decides which committed windows are read again; what the fresh
// windows supersede is not.
func (p *planner) again(fresh []PlannedWindow) []PlannedWindow {
	var list []PlannedWindow
	planned := spansOf(fresh)
	for it := range p.ledger.live.from(p.selected.Start) {
		if it.Start >= p.selected.End {
			break
		}
		if it.End > p.due || touches(planned, it.Span) {
			continue
		}
		if reason := p.reasonToReadAgain(it); reason != "" {
			w := it.entry.Window
			list = append(list, PlannedWindow{Window: w, Reason: reason, Supersedes: p.superseded(w.Span), Fingerprint: it.entry.Fingerprint})
		}
	}
	return list
}

// reasonToReadAgain is empty where a committed window is left alone.
func (p *planner) reasonToReadAgain(it spanItem) Reason {
	switch {
	case touches(p.doubt, it.Span):
		if len(without(it.Span, p.waived)) > 0 {
			return ReasonFailed
		}
		if p.refetch && p.bounded {
			return ReasonRefetch
		}
	case !it.entry.Settled:
		return ReasonProvisional
	case p.refetch:
		return ReasonRefetch
	case it.End > p.now.Add(-p.stream.Lookback):
		// Within the vendor's cache the same question has the same answer.
		if read := it.entry.ExtractedAt; read > p.now || read <= p.now.Add(-p.stream.Cache) {
			return ReasonLookback
		}
	}
	return ""
}

// superseded lists, by start, the windows of other bounds that a commit of s replaces.
func (p *planner) superseded(s Span) []Window {
	var list []Window
	for it := range p.ledger.live.over(s) {
		if it.Span != s {
			list = append(list, it.entry.Window)
		}
	}
	committed := len(list)
	if touches(p.doubt, s) {
		for _, e := range p.begun {
			if _, live := p.ledger.live.get(e.Window.Span); !live && e.Window.Span != s && e.Window.Overlaps(s) {
				list = append(list, e.Window)
			}
		}
	}
	if committed > 0 && committed < len(list) {
		slices.SortFunc(list, func(a, b Window) int { return cmp.Compare(a.Start, b.Start) })
	}
	return list
}

// changed lists the settled windows of other settings that the plan does not read.
func (p *planner) changed(windows []PlannedWindow) []Window {
	var list []Window
	planned := spansOf(windows)
	for it := range p.ledger.live.from(NoInstant) {
		if it.entry.Settled && it.entry.Settings != p.stream.Settings &&
			!touches(p.doubt, it.Span) && !touches(planned, it.Span) {
			list = append(list, it.entry.Window)
		}
	}
	return list
}

func spansOf(windows []PlannedWindow) []Span {
	list := make([]Span, len(windows))
	for i, w := range windows {
		list[i] = w.Window.Span
	}
	return list
}
