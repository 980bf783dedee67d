package plan

import (
	"cmp"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// uncovered plans the time that no committed window and no waiver covers, cut
// by the stream's calendar. A piece that the stream cannot be asked for as it
// stands is fitted to the stream's grain.
func (p *planner) uncovered() []pipeline.PlannedWindow {
	horizon := p.horizon()
	if horizon.Empty() {
		return nil
	}
	cover := p.ledger.Cover(horizon.Start)
	if !p.refetch || !p.bounded {
		cover = calendar.Merge(cover, p.waived)
	}
	var list []pipeline.PlannedWindow
	end := calendar.NoInstant // of the window planned last
	for _, gap := range calendar.Without(horizon, cover) {
		for _, piece := range p.stream.Calendar.Cut(gap) {
			if !p.due.has(piece) || !piece.Overlaps(p.selected) {
				continue
			}
			s := p.fit(piece)
			s.Start = max(s.Start, end)
			if s.Empty() || !p.due.has(s) {
				continue
			}
			end = s.End
			list = append(list, p.freshWindow(piece, s))
		}
	}
	list = append(list, p.between(list)...)
	slices.SortFunc(list, func(a, b pipeline.PlannedWindow) int { return cmp.Compare(a.Window.Start, b.Window.Start) })
	return list
}

// reasonToRead is the reason of a piece that is asked for as s.
func (p *planner) reasonToRead(piece, s calendar.Span) pipeline.Reason {
	if p.failed(s) || calendar.Touches(p.doubt, s) {
		return pipeline.ReasonFailed
	}
	if len(calendar.Without(piece, p.waived)) == 0 {
		return pipeline.ReasonRefetch
	}
	return pipeline.ReasonNew
}

// fit is the window that is asked for where piece is uncovered: piece itself
// where the stream's grain can express its ends. Otherwise the piece grows outward
// to the grain, and supersedes the committed window over which it grows.
//
// An end that is the remnant of a window superseded before does not grow: it
// is a hole. Growing there would supersede the next window, whose remnant
// would supersede the one after it, and so eat through history, one window a run.
func (p *planner) fit(piece calendar.Span) calendar.Span {
	grain := p.stream.Grain
	if grain.IsAny() {
		return piece
	}
	out, in := grain.Outward(piece), grain.Inward(piece)
	if out == piece {
		return piece
	}
	if in.Start > in.End { // no bound of the grain within the piece
		if p.remnant(piece) {
			p.holes = append(p.holes, piece)
			return calendar.Span{}
		}
		return p.overReplaced(out)
	}
	s := in
	if early := (calendar.Span{Start: piece.Start, End: in.Start}); !early.Empty() {
		if p.remnant(early) {
			p.holes = append(p.holes, early)
		} else {
			s.Start = out.Start
		}
	}
	if late := (calendar.Span{Start: in.End, End: piece.End}); !late.Empty() {
		if p.remnant(late) {
			p.holes = append(p.holes, late)
		} else {
			s.End = out.End
		}
	}
	return p.overReplaced(s)
}

// remnant reports whether all of s was part of superseded windows.
func (p *planner) remnant(s calendar.Span) bool { return len(calendar.Without(s, p.remnants)) == 0 }

// overReplaced extends s over what else the stream can be asked for of the
// windows that s supersedes, so that one commit replaces all their rows.
func (p *planner) overReplaced(s calendar.Span) calendar.Span {
	wide := s
	for e := range p.ledger.WindowsOver(s) {
		if old := p.stream.Grain.Inward(e.Window.Span); !old.Empty() {
			wide.Start = min(wide.Start, old.Start)
			wide.End = max(wide.End, old.End)
		}
	}
	return wide
}

// between plans what the stream can be asked for of the windows that the fresh
// ones supersede and do not cover: where seams on both sides replace two
// neighbours, whole pieces of the grain may lie between them.
func (p *planner) between(fresh []pipeline.PlannedWindow) []pipeline.PlannedWindow {
	if p.stream.Grain.IsAny() {
		return nil
	}
	var list []pipeline.PlannedWindow
	for _, hole := range p.holesBeside(fresh) {
		for _, s := range p.stream.Calendar.Cut(p.stream.Grain.Inward(hole)) {
			if !p.due.has(s) {
				continue
			}
			list = append(list, p.freshWindow(s, s))
		}
	}
	return list
}

// freshWindow is the window s that is asked for where piece is not covered.
func (p *planner) freshWindow(piece, s calendar.Span) pipeline.PlannedWindow {
	return pipeline.PlannedWindow{
		Window:     calendar.Window{Span: s, Zone: p.stream.Calendar.Location().String()},
		Reason:     p.reasonToRead(piece, s),
		Supersedes: p.superseded(s),
	}
}

// holesBeside lists the time that stays without a window when the fresh
// windows are committed: what cannot be asked for, and the parts of windows
// about to be superseded that nothing will cover.
func (p *planner) holesBeside(fresh []pipeline.PlannedWindow) []calendar.Span {
	list := slices.Clone(p.holes)
	for _, w := range fresh {
		for _, old := range w.Supersedes {
			if p.ledger.Committed(old.Span) {
				list = append(list, old.Span)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b calendar.Span) int { return cmp.Compare(a.Start, b.Start) })
	planned := spansOf(fresh)
	var holes []calendar.Span
	for _, s := range calendar.Union(list) {
		holes = append(holes, calendar.Without(s, planned)...)
	}
	return holes
}
