package pipeline

import (
	"cmp"
	"slices"
)

// uncovered plans the time that no committed window and no waiver covers, cut
// by the stream's calendar. A piece that the stream cannot be asked for as it
// stands is fitted to the stream's grain.
func (p *planner) uncovered() []PlannedWindow {
	horizon := p.horizon()
	if horizon.Empty() {
		return nil
	}
	cover := p.ledger.liveSpans(horizon.Start, func(spanItem) bool { return true })
	if !p.refetch || !p.bounded {
		cover = merge(cover, p.waived)
	}
	var list []PlannedWindow
	end := NoInstant // of the window planned last
	for _, gap := range without(horizon, cover) {
		for _, piece := range p.stream.Calendar.Cut(gap) {
			if piece.End > p.due || !piece.Overlaps(p.selected) {
				continue
			}
			s := p.fit(piece)
			s.Start = max(s.Start, end)
			if s.Empty() || s.End > p.due {
				continue
			}
			end = s.End
			list = append(list, p.freshWindow(piece, s))
		}
	}
	list = append(list, p.between(list)...)
	slices.SortFunc(list, func(a, b PlannedWindow) int { return cmp.Compare(a.Window.Start, b.Window.Start) })
	return list
}

// reasonToRead is the reason of a piece that is asked for as s.
func (p *planner) reasonToRead(piece, s Span) Reason {
	if _, failed := p.ledger.Failed(s); failed || touches(p.doubt, s) {
		return ReasonFailed
	}
	if len(without(piece, p.waived)) == 0 {
		return ReasonRefetch
	}
	return ReasonNew
}

// fit is the window that is asked for where piece is uncovered: piece itself
// where the stream's grain can express its ends. Otherwise it grows outward to
// the grain, over the committed window beside it, which it supersedes.
//
// An end that is the remnant of a window superseded before does not grow: it
// is a hole. Growing there would supersede the next window, whose remnant
// would supersede the one after it, and so eat through history, one window a run.
func (p *planner) fit(piece Span) Span {
	grain := p.stream.Grain
	if grain.any() {
		return piece
	}
	out, in := grain.outward(piece), grain.inward(piece)
	if out == piece {
		return piece
	}
	if in.Start > in.End { // no bound of the grain within the piece
		if p.remnant(piece) {
			p.holes = append(p.holes, piece)
			return Span{}
		}
		return p.overReplaced(out)
	}
	s := in
	if early := (Span{Start: piece.Start, End: in.Start}); !early.Empty() {
		if p.remnant(early) {
			p.holes = append(p.holes, early)
		} else {
			s.Start = out.Start
		}
	}
	if late := (Span{Start: in.End, End: piece.End}); !late.Empty() {
		if p.remnant(late) {
			p.holes = append(p.holes, late)
		} else {
			s.End = out.End
		}
	}
	return p.overReplaced(s)
}

// remnant reports whether all of s was part of superseded windows.
func (p *planner) remnant(s Span) bool { return len(without(s, p.remnants)) == 0 }

// overReplaced extends s over what else the stream can be asked for of the
// windows that s supersedes, so that one commit replaces all their rows.
func (p *planner) overReplaced(s Span) Span {
	wide := s
	for it := range p.ledger.live.over(s) {
		if old := p.stream.Grain.inward(it.Span); !old.Empty() {
			wide.Start = min(wide.Start, old.Start)
			wide.End = max(wide.End, old.End)
		}
	}
	return wide
}

// between plans what the stream can be asked for of the windows that the fresh
// ones supersede and do not cover: where seams on both sides replace two
// neighbours, whole pieces of the grain may lie between them.
func (p *planner) between(fresh []PlannedWindow) []PlannedWindow {
	if p.stream.Grain.any() {
		return nil
	}
	var list []PlannedWindow
	for _, hole := range p.holesBeside(fresh) {
		for _, s := range p.stream.Calendar.Cut(p.stream.Grain.inward(hole)) {
			if s.End > p.due {
				continue
			}
			list = append(list, p.freshWindow(s, s))
		}
	}
	return list
}

// freshWindow is the window s that is asked for where piece is not covered.
func (p *planner) freshWindow(piece, s Span) PlannedWindow {
	return PlannedWindow{
		Window:     Window{Span: s, Zone: zoneOr(p.stream.Calendar.Zone).String()},
		Reason:     p.reasonToRead(piece, s),
		Supersedes: p.superseded(s),
	}
}

// holesBeside lists the time that stays without a window when the fresh
// windows are committed: what cannot be asked for, and the parts of windows
// about to be superseded that nothing will cover.
func (p *planner) holesBeside(fresh []PlannedWindow) []Span {
	list := slices.Clone(p.holes)
	for _, w := range fresh {
		for _, old := range w.Supersedes {
			if _, committed := p.ledger.live.get(old.Span); committed {
				list = append(list, old.Span)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	planned := spansOf(fresh)
	var holes []Span
	for _, s := range union(list) {
		holes = append(holes, without(s, planned)...)
	}
	return holes
}
