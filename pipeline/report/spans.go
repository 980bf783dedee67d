package report

import (
	"cmp"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// piece is one window, or one waived span, with its state.
type piece struct {
	calendar.Window
	state   State
	windows int
	reason  string
}

// pieces are what the ledger knows of a stream, and what is due, in the order of time.
func pieces(of Input) []piece {
	l, doubt := of.Ledger, of.Ledger.InDoubt()
	var list []piece
	for e := range l.Windows(calendar.NoInstant) {
		if calendar.Touches(doubt, e.Window.Span) || !of.Status.Kept.Wants(e.Window) {
			continue // nobody knows what the table holds: it is due; or its rows have expired, and nobody misses them
		}
		p := piece{Window: e.Window, state: Provisional, windows: 1}
		switch {
		case e.Settled && e.Counts.Rows+e.Counts.Rejected == 0:
			p.state = Empty
		case e.Settled:
			p.state = Settled
		}
		list = append(list, p)
	}
	for _, s := range calendar.Union(l.Waived()) {
		windows := 1
		if of.Status.Configured {
			windows = len(of.Stream.Calendar.Cut(s))
		}
		list = append(list, piece{Window: calendar.Window{Span: s, Zone: of.Status.Zone}, state: Waived, windows: windows, reason: of.reason(s)})
	}
	for _, s := range of.Status.Due {
		state := Open
		if _, failed := l.Failed(s); failed {
			state = Failed
		}
		list = append(list, piece{Window: calendar.Window{Span: s, Zone: of.Status.Zone}, state: state, windows: 1})
	}
	slices.SortStableFunc(list, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	return list
}

// reason is why a span was waived; empty unless the caller wants it told.
func (of Input) reason(s calendar.Span) string {
	for _, e := range of.Waivers {
		if e.Window.Overlaps(s) {
			return e.Note
		}
	}
	return ""
}

// spans joins pieces that follow each other without a gap and are alike.
func spans(k pipeline.StreamKey, list []piece) []Span {
	var out []Span
	for _, p := range list {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if last.State == p.state && last.End == p.Start && last.Zone == p.Zone && last.Reason == p.reason {
				last.End = p.End
				last.Windows += p.windows
				continue
			}
		}
		out = append(out, Span{k.Stream, k.Account, p.Start, p.End, p.Zone, p.state, p.windows, p.reason})
	}
	return out
}
