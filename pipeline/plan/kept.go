package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Kept says which windows the owner of a table still wants; the zero Kept wants all.
type Kept struct {
	pipeline.Retention
	Now time.Time // by the real clock, for the sink counts by it
}

// Wants reports whether the window is still wanted.
func (k Kept) Wants(w calendar.Window) bool { return !k.Expired(w, k.Now) }

// Narrow takes the windows that have expired out of a plan: they are neither read nor told as changed, and stand in
// Expired, and the watermark passes them. A selection with bounds asks for them by name, and is refused as
// [pipeline.Invalid]. l is the ledger that the plan was made by.
func (k Kept) Narrow(p *pipeline.StreamPlan, l *pipeline.Ledger, sel Selection) error {
	if k.Retention == 0 {
		return nil
	}
	p.Changed = slices.DeleteFunc(p.Changed, func(w calendar.Window) bool { return !k.Wants(w) })
	p.Windows = slices.DeleteFunc(p.Windows, func(w pipeline.PlannedWindow) bool {
		if k.Wants(w.Window) {
			return false
		}
		p.Expired = append(p.Expired, w.Window)
		return true
	})
	if len(p.Expired) == 0 {
		return nil
	}
	if !sel.bounded() {
		passed := make([]calendar.Span, len(p.Expired))
		for i, w := range p.Expired {
			passed[i] = w.Span
		}
		p.Watermark = l.Watermark(p.First, calendar.Union(passed)...)
		return nil
	}
	from, _ := sel.names()
	return &pipeline.Error{
		Op: "plan", Kind: pipeline.Invalid, Stream: p.Stream.Key.Stream,
		Window: calendar.Span{Start: p.Expired[0].Start, End: p.Expired[len(p.Expired)-1].End},
		Err:    fmt.Errorf("the windows have expired: table %s drops the rows of a day after %g days", p.Stream.Table.Name, time.Duration(k.Retention).Hours()/24),
		Hint:   fmt.Sprintf("begin with %s %s, or keep the table's rows longer", from, k.Now.UTC().Add(-time.Duration(k.Retention)).AddDate(0, 0, 1).Format(time.DateOnly)),
	}
}
