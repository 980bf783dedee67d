package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Of says what a run at now reads of s. It has no side effects.
//
// A nightly run reads what is due and not covered from the first day on, cut
// by the stream's present calendar, and reads again what is provisional, in
// doubt or within the lookback. A selection with bounds reads those windows
// that it touches, also before the first day. Committed windows keep their
// bounds and zone when they are read again.
//
// Errors are of kind [Invalid]: a bound or a first day that cannot be read.
func Of(s pipeline.Stream, l *pipeline.Ledger, sel Selection, now calendar.Instant) (pipeline.StreamPlan, error) {
	p, err := newPlanner(s, l, sel, now)
	if err != nil {
		return pipeline.StreamPlan{}, err
	}
	fresh := p.uncovered()
	again := p.again(fresh)
	plan := pipeline.StreamPlan{
		Stream:    s,
		First:     p.first,
		Origin:    p.origin,
		Moved:     p.moved(),
		Windows:   append(fresh, again...),
		Holes:     p.holesBeside(fresh),
		Watermark: l.Watermark(p.first),
		Order:     l.NextOrder(),
	}
	slices.SortFunc(plan.Windows, func(a, b pipeline.PlannedWindow) int { return cmp.Compare(a.Window.Start, b.Window.Start) })
	plan.Changed = p.changed(plan.Windows)
	return plan, nil
}

// Waivable lists the spans within the selection, which needs both bounds,
// that are due and not covered. Errors are of kind [Invalid].
func Waivable(s pipeline.Stream, l *pipeline.Ledger, sel Selection, now calendar.Instant) ([]calendar.Span, error) {
	if sel.From == "" || sel.To == "" {
		from, to := sel.names()
		return nil, &pipeline.Error{
			Op:   "waive",
			Kind: pipeline.Invalid,
			Err:  fmt.Errorf("needs both %s and %s", from, to),
		}
	}
	p, err := newPlanner(s, l, sel, now)
	if err != nil {
		return nil, err
	}
	asked := p.selected
	if !s.Calendar.IsAny() {
		asked.End = min(asked.End, s.Calendar.Window(p.due.by).Start)
	}
	known := slices.DeleteFunc(l.Covered(asked.Start), func(s calendar.Span) bool { return calendar.Touches(p.doubt, s) })
	return calendar.Without(asked, calendar.Merge(known, p.waived)), nil
}
