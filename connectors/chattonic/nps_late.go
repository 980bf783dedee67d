package chattonic

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// findLate notes of each export the settled windows of which it says something newer than what is committed, and that no
// run reads by itself any more: they end by until.
func (v *npsView) findLate(l *pipeline.Ledger, until pipeline.Instant) {
	for of := range l.Windows(pipeline.NoInstant) {
		if of.Window.End > until {
			return
		}
		if e := v.of(of.Window.Span); e != nil && of.Settled && v.isNewer(e, of) {
			e.late = append(e.late, of.Window)
		}
	}
}

// isNewer reports whether an export has come since the window was read, or the window was read from an older one that is
// still there.
func (v *npsView) isNewer(e *export, of pipeline.Entry) bool {
	at := pipeline.InstantOf(e.At)
	if at > of.ReadAt {
		return true
	}
	return at > of.ExtractedAt && slices.ContainsFunc(v.exports, func(o *export) bool {
		return pipeline.InstantOf(o.At) == of.ExtractedAt && (o.asked.Overlaps(of.Window.Span) || o.hasRows(of.Window.Span) || o.spans(of.Window.Span))
	})
}

// findWaived notes of each export the windows of which it has rows and which an operator has waived, as c cuts them.
func (v *npsView) findWaived(l *pipeline.Ledger, c pipeline.Calendar) {
	for _, span := range l.Waived() {
		for _, e := range v.exports {
			for at := span.Start; ; {
				i, _ := slices.BinarySearch(e.marks, at)
				if i == len(e.marks) || e.marks[i] >= span.End {
					break
				}
				w := c.Window(e.marks[i])
				if v.of(w) == e {
					e.waived = append(e.waived, pipeline.Window{Span: w, Zone: c.Zone.String()})
				}
				at = w.End
			}
		}
	}
}

// unreadWords say how the windows are read of which an export has what no run reads by itself; empty where there are none.
func (e *export) unreadWords() string {
	var words []string
	say := func(format, kind string, windows []pipeline.Window) {
		if len(windows) == 0 {
			return
		}
		what := "a " + kind + " window"
		if n := len(windows); n > 1 {
			what = fmt.Sprintf("%d %s windows", n, kind)
		}
		first, last := windows[0], windows[len(windows)-1]
		words = append(words, fmt.Sprintf(format+": a sync with --from %s --to %s --refetch does", what, localDay(first, first.Start), localDay(last, last.End-1)))
	}
	say("it is newer than what is committed of %s, which no run reads by itself any more", "settled", e.late)
	say("it has rows of %s, which no run reads by itself", "waived", e.waived)
	return strings.Join(words, "; ")
}

// localDay is the local date of an instant of the window.
func localDay(w pipeline.Window, at pipeline.Instant) string {
	zone, err := w.Location()
	if err != nil {
		zone = time.UTC
	}
	return at.Time().In(zone).Format(time.DateOnly)
}

// takes notes that a run reads the window from an export after all.
func (b *npsInbox) takes(ctx context.Context, v *npsView, e *export, w pipeline.Span, m pipeline.Memory) error {
	if err := b.enter(ctx); err != nil {
		return err
	}
	defer b.leave()
	was := len(e.late) + len(e.waived)
	within := func(of pipeline.Window) bool { return w.Contains(of.Span) }
	e.late, e.waived = slices.DeleteFunc(e.late, within), slices.DeleteFunc(e.waived, within)
	if m == nil || len(e.late)+len(e.waived) == was {
		return nil
	}
	return b.tell(ctx, v, m)
}

// tell has the ledger name what no window takes, where that has changed.
func (b *npsInbox) tell(ctx context.Context, v *npsView, m pipeline.Memory) error {
	told := strings.Join(v.unplaced(m.First(), pipeline.InstantOf(b.clock())), "\n")
	if told == v.told {
		return nil
	}
	v.told = told
	return m.Record(ctx, pipeline.Entry{Kind: pipeline.EntryUnplaced, ReadAt: pipeline.InstantOf(b.now()), Note: told})
}
