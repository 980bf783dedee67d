package pipeline

import (
	"cmp"
	"errors"
	"slices"
)

// Reason says why a window is planned.
type Reason string

const (
	ReasonNew         Reason = "new"
	ReasonProvisional Reason = "provisional"
	ReasonLookback    Reason = "lookback"
	ReasonFailed      Reason = "failed"
	ReasonRefetch     Reason = "refetch"
)

// Selection narrows and bends a plan; the zero Selection is a nightly run.
type Selection struct {
	// From and To bound the plan: local dates (both included) or RFC 3339
	// instants (half-open), as typed; empty when not given.
	From, To string
	// Refetch also plans settled windows.
	Refetch bool
}

// PlannedWindow is a window that a run reads.
type PlannedWindow struct {
	Window Window
	Reason Reason
	// Supersedes names the windows of other bounds that its commit replaces:
	// committed ones, and those of which a commit began and never ended.
	Supersedes []Window
	// Fingerprint is of the rows that are committed; zero where none are.
	Fingerprint Hash
}

// StreamPlan is what a run does for one stream, and what it cannot do.
type StreamPlan struct {
	Stream    Stream
	First     Instant // the first day's start: FROM, else the recorded origin, else 30 local days before today
	Origin    Instant // to be recorded by the stream's first sync: the first day where FROM is not set; NoInstant once it is recorded
	Moved     bool    // the ledger, with Origin, has another first day: First is to be recorded by a sync
	Windows   []PlannedWindow
	Holes     []Span   // hours that no window covers and that the stream cannot be asked for
	Changed   []Window // settled windows read under other settings and not planned
	Watermark Instant  // NoInstant before the first settled window
}

// PlanStream says what a run at now reads of s. It has no side effects.
//
// A nightly run reads what is due and not covered from the first day on, cut
// by the stream's present calendar, and reads again what is provisional, in
// doubt or within the lookback. A selection with bounds reads those windows
// that it touches, also before the first day. Committed windows keep their
// bounds and zone when they are read again.
//
// Errors are of kind [Invalid]: a bound or a first day that cannot be read.
func PlanStream(s Stream, l *Ledger, sel Selection, now Instant) (StreamPlan, error) {
	p, err := newPlanner(s, l, sel, now)
	if err != nil {
		return StreamPlan{}, err
	}
	fresh := p.uncovered()
	again := p.again(fresh)
	plan := StreamPlan{
		Stream:    s,
		First:     p.first,
		Origin:    p.origin,
		Moved:     p.moved(),
		Windows:   append(fresh, again...),
		Holes:     p.holesBeside(fresh),
		Watermark: l.Watermark(p.first),
	}
	slices.SortFunc(plan.Windows, func(a, b PlannedWindow) int { return cmp.Compare(a.Window.Start, b.Window.Start) })
	plan.Changed = p.changed(plan.Windows)
	return plan, nil
}

// WaivePlan lists the spans within the selection, which needs both bounds,
// that are due and not covered. Errors are of kind [Invalid].
func WaivePlan(s Stream, l *Ledger, sel Selection, now Instant) ([]Span, error) {
	if sel.From == "" || sel.To == "" {
		return nil, &Error{
			Op:   "--waive",
			Kind: Invalid,
			Hint: `for example --from 2025-09-01 --to 2025-09-03 --waive "deleted by the vendor"`,
			Err:  errors.New("needs both --from and --to"),
		}
	}
	p, err := newPlanner(s, l, sel, now)
	if err != nil {
		return nil, err
	}
	asked := p.selected
	if !s.Calendar.any() {
		asked.End = min(asked.End, s.Calendar.Window(p.due).Start)
	}
	known := l.liveSpans(asked.Start, func(it spanItem) bool { return !touches(p.doubt, it.Span) })
	return without(asked, merge(known, p.waived)), nil
}
