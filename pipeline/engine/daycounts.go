package engine

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// dayCounts counts where the rows of one body lie relative to the asked days.
type dayCounts struct {
	asked                 *pipeline.AskedDays // nil: nothing is counted
	before, inside, after int64
	first, last           int64  // rows on the asked day at either end
	zone                  string // as in the batch
	stray                 pipeline.Stray
}

func (d *dayCounts) count(times []calendar.Instant) {
	if d.asked == nil {
		return
	}
	for _, at := range times {
		switch {
		case at == calendar.NoInstant:
		case at < d.asked.Span.Start:
			d.before++
		case at >= d.asked.Span.End:
			d.after++
		default:
			d.inside++
			if d.asked.First.Has(at) {
				d.first++
			}
			if d.asked.Last.Has(at) {
				d.last++
			}
		}
	}
}

// add counts what other counts have counted, in rows behind so many of the body.
func (d *dayCounts) add(o dayCounts, before int64) {
	d.before += o.before
	d.inside += o.inside
	d.after += o.after
	d.first += o.first
	d.last += o.last
	d.zone = cmp.Or(d.zone, o.zone)
	if d.stray.Row == 0 && o.stray.Row > 0 {
		d.stray = o.stray
		d.stray.Row += before
	}
}

// A report is shifted when more rows than shiftedRows, and more than one of shiftedShare, lie outside the asked days.
const (
	shiftedRows  = 10
	shiftedShare = 20
)

// verify condemns a report whose rows are not of the asked days. A vendor that
// caches reports by "days ago" answers the same question after local midnight
// with a file asked for before it, which has the days of yesterday's question.
// hint is the vendor's, for the error; zoneHint is what helps where the rows name days of another zone.
func (d *dayCounts) verify(hint, zoneHint string) error {
	if d.asked == nil {
		return nil
	}
	stale := func(format string, args ...any) error {
		text := fmt.Sprintf(format, args...)
		if d.zone != "" {
			return &pipeline.Error{
				Op: "read report", Kind: pipeline.Mismatch, Cause: pipeline.OtherZone, Hint: zoneHint,
				Err: fmt.Errorf("%s: the rows name days of %s, whose hours are not those of the asked ones%s", text, d.zone, d.shown()),
			}
		}
		return &pipeline.Error{Op: "read report", Kind: pipeline.Mismatch, Cause: pipeline.Stale, Err: errors.New(text + d.shown()), Hint: hint}
	}
	outside := d.before + d.after
	switch {
	case 2*outside > outside+d.inside:
		return stale("%d of %d rows lie outside the asked days", outside, outside+d.inside)
	case outside > shiftedRows && outside*shiftedShare > outside+d.inside:
		return &pipeline.Error{
			Op: "read report", Kind: pipeline.Mismatch, Cause: pipeline.Shifted,
			Hint: "compare one of them with what the vendor's own page shows: it may be UTC under the name of another zone; else " + hint,
			Err: fmt.Errorf("%d of %d rows lie outside the asked days, %d before them and %d after them, more than a late row or two%s",
				outside, outside+d.inside, d.before, d.after, d.shown()),
		}
	case d.before > 0 && d.last == 0:
		return stale("the report has %s from before the asked days and none of the last asked day", pipeline.Counted(d.before, "row"))
	case d.after > 0 && d.first == 0:
		return stale("the report has %s from after the asked days and none of the first asked day", pipeline.Counted(d.after, "row"))
	case d.asked.EdgesMustHaveRows && (d.first == 0 || d.last == 0):
		return stale("the vendor answered from its cache shortly after local midnight and an asked day at an end has no row")
	}
	return nil
}

// shown is the first row outside the asked days, for people.
func (d *dayCounts) shown() string {
	if d.stray.Row == 0 {
		return ""
	}
	return fmt.Sprintf("; the first is row %d, whose %s has the shape %s", d.stray.Row, d.stray.Field, d.stray.Shape)
}
