package statement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// Extent is where rows lie: of which streams, on which days, in which span. The
// zero Extent is empty.
type Extent struct {
	keys  []pipeline.StreamKey
	dates []dateRange
	span  pipeline.Span // that holds the start of every window
}

// dateRange is from first to last, both included.
type dateRange struct{ first, last arrow.Date32 }

// Add widens the extent to windows of a stream. Its error is a window whose time
// zone is not known.
func (x *Extent) Add(k pipeline.StreamKey, windows ...pipeline.Window) error {
	if !slices.Contains(x.keys, k) {
		x.keys = append(x.keys, k)
	}
	for _, w := range windows {
		loc, err := w.Location()
		if err != nil {
			return err
		}
		x.dates = append(x.dates, dateRange{arrow.Date32FromTime(day(w.Start, loc)), arrow.Date32FromTime(day(w.End-1, loc))})
		if x.span.Empty() {
			x.span = w.Span
			continue
		}
		x.span = pipeline.Span{Start: min(x.span.Start, w.Start), End: max(x.span.End, w.End)}
	}
	return nil
}

// Join widens the extent to another one.
func (x *Extent) Join(other Extent) {
	x.keys = append(x.keys, other.keys...)
	x.dates = append(x.dates, other.dates...)
	if !x.span.Empty() {
		other.span = pipeline.Span{Start: min(x.span.Start, other.span.Start), End: max(x.span.End, other.span.End)}
	}
	x.span = other.span
}

// Empty reports whether the extent has no windows.
func (x Extent) Empty() bool { return len(x.dates) == 0 }

// Days counts the days, which are partitions of a data table.
func (x Extent) Days() (n int64) {
	for _, r := range x.ranges() {
		n += int64(r.last-r.first) + 1
	}
	return n
}

// ranges joins the dates that overlap or touch.
func (x Extent) ranges() (out []dateRange) {
	list := slices.SortedFunc(slices.Values(x.dates), func(a, b dateRange) int { return cmp.Compare(a.first, b.first) })
	for _, r := range list {
		if n := len(out); n > 0 && r.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, r.last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// day is midnight UTC of the local date.
func day(i pipeline.Instant, loc *time.Location) time.Time {
	y, m, d := i.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// onDates narrows a scan to the partitions of the extent's days.
func (x Extent) onDates() string {
	dates := x.ranges()
	ranges := make([]string, len(dates))
	for i, r := range dates {
		ranges[i] = fmt.Sprintf("t.`local_date` BETWEEN %s AND %s", date(r.first), date(r.last))
	}
	return strings.Join(ranges, " OR ")
}

// ofStreams narrows a scan to the clusters of the extent's streams.
func (x Extent) ofStreams() string { return inStreams("t.", x.keys) }

// within narrows a scan to windows that start within the extent's span.
func (x Extent) within() string {
	return fmt.Sprintf("t.`window_start` >= %s AND t.`window_start` < %s", instant(x.span.Start), instant(x.span.End))
}
