package plan

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

const (
	firstWindows = 7 // of a stream, after which no row at all is odd
	busyDays     = 7 // after which a day without a row is odd
	sameWeekdays = 8 // weeks before a window with whose same weekday it is compared
	fewWeekdays  = 3 // of them that make a median
)

// Reading is a committed window as far as it is compared with others.
type Reading struct {
	Window  calendar.Window
	Rows    int64
	Settled bool
	// Ended: the window had ended when it was read, so that no row of it was still to come.
	Ended bool
	// Same: the rows are those of the reading before, of which was told what there was to tell.
	Same bool
}

// ReadingOf is what a ledger's commit says.
func ReadingOf(e *pipeline.Entry) Reading {
	return Reading{Window: e.Window, Rows: e.Counts.Rows, Settled: e.Settled, Ended: e.ExtractedAt >= e.Window.End, Same: e.Unchanged}
}

// History is what a stream's windows held before a run, as far back as its readings are compared.
type History struct {
	windows map[calendar.Span]Reading
	first   []Reading // of all, by start
}

// HistoryOf takes from the ledger what the readings of the windows that are due will be compared with. It is of the size
// of the span that they cover and eight weeks.
func HistoryOf(l *pipeline.Ledger, due []pipeline.PlannedWindow) *History {
	h := &History{windows: map[calendar.Span]Reading{}}
	if len(due) == 0 {
		return h
	}
	for e := range l.Readings(calendar.NoInstant) {
		if len(h.first) == firstWindows {
			break
		}
		h.first = append(h.first, ReadingOf(&e))
	}
	span := calendar.Span{Start: due[0].Window.Start.Add(-(7*sameWeekdays + 1) * 24 * time.Hour), End: due[0].Window.End}
	for _, w := range due {
		span.End = max(span.End, w.Window.End)
	}
	for e := range l.WindowsOver(span) {
		h.windows[e.Window.Span] = ReadingOf(&e)
	}
	return h
}

// Unusual tells what of the readings that a run has committed nobody would expect of a vendor that works. It is only told:
// nothing else follows from it. Warnings are by window, then as they are listed in the constants of [pipeline.Warning].
func (h *History) Unusual(committed []Reading) []pipeline.Warning {
	now := &History{windows: map[calendar.Span]Reading{}}
	for s, r := range h.windows {
		now.windows[s] = r
	}
	for _, r := range committed {
		now.windows[r.Window.Span] = r
	}
	starts := make(map[calendar.Instant]Reading, len(now.windows))
	for _, r := range now.windows {
		starts[r.Window.Start] = r
	}
	days := now.days()
	var list []pipeline.Warning
	silent := map[calendar.Instant]bool{}
	for _, r := range slices.SortedFunc(slices.Values(committed), byStart) {
		if r.Same {
			continue
		}
		if before, ok := h.windows[r.Window.Span]; ok && pipeline.Shrank(before.Settled, before.Rows, r.Rows) {
			list = append(list, warning(pipeline.WarnShrunk, r.Window, fmt.Sprintf("%s, where the settled reading before had %d: more than half are gone", pipeline.Counted(r.Rows, "row"), before.Rows)))
			continue
		}
		if !r.Ended {
			continue
		}
		day, isDay := dayOf(r.Window)
		if isDay && silent[day.Start] {
			continue
		}
		if isDay && isSilent(days, day) {
			silent[day.Start] = true
			list = append(list, warning(pipeline.WarnSilent, day, fmt.Sprintf("no row at all, where each of the %d days before had some", busyDays)))
			continue
		}
		if median, ok := sameWeekday(starts, r.Window); ok && float64(10*r.Rows) < median {
			list = append(list, warning(pipeline.WarnFew, r.Window,
				fmt.Sprintf("%s, less than a tenth of the %g that are usual on a %s", pipeline.Counted(r.Rows, "row"), median, weekday(r.Window))))
		}
	}
	return append(list, h.unheard(committed)...)
}

// unheard warns when this run completed the first windows of the stream, and none has a row.
func (h *History) unheard(committed []Reading) []pipeline.Warning {
	first := make(map[calendar.Span]Reading, len(h.first)+len(committed))
	for _, r := range h.first {
		first[r.Window.Span] = r
	}
	fresh := false
	for _, r := range committed {
		first[r.Window.Span] = r
	}
	all := make([]Reading, 0, len(first))
	for _, r := range first {
		all = append(all, r)
	}
	slices.SortFunc(all, byStart)
	if len(all) < firstWindows {
		return nil
	}
	all = all[:firstWindows]
	for _, r := range all {
		if r.Rows > 0 {
			return nil
		}
		fresh = fresh || slices.ContainsFunc(committed, func(c Reading) bool { return c.Window == r.Window && !c.Same })
	}
	if !fresh {
		return nil
	}
	return []pipeline.Warning{unheardOf(all, "no row in the stream's first %d windows: check the names and targets that are configured", firstWindows)}
}

// Names are the names that a stream asks for, and which of them its first windows have shown.
type Names struct {
	windows []calendar.Window
	asked   []string
	stands  func(name string) string // what stands for a person's name in the rows

	mu   sync.Mutex
	seen map[string]bool // in lower case
}

// NamesOf watches the names of the stream's first windows where the run reads all of them; nil where it does not, and
// where no names are asked for. stands is what stands for a person's name in the rows and in what is told.
func NamesOf(l *pipeline.Ledger, due []pipeline.PlannedWindow, asked []string, stands func(name string) string) *Names {
	if len(asked) == 0 || len(due) < firstWindows {
		return nil
	}
	for e := range l.Readings(calendar.NoInstant) {
		if e.Window.Start < due[firstWindows-1].Window.End {
			return nil // the first windows are known already
		}
	}
	n := &Names{asked: asked, stands: stands, seen: map[string]bool{}}
	for _, w := range due[:firstWindows] {
		n.windows = append(n.windows, w.Window)
	}
	return n
}

// Watches reports whether the names of the window's rows are wanted.
func (n *Names) Watches(w calendar.Window) bool { return n != nil && slices.Contains(n.windows, w) }

// See notes names that rows of a window that is watched have. Several goroutines may call it.
func (n *Names) See(names iter.Seq[[]byte]) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name := range names {
		if !n.seen[string(name)] {
			n.seen[strings.ToLower(strings.TrimSpace(string(name)))] = true
		}
	}
}

// Unheard warns of the names that no row of the first windows had, once all of those windows are committed. Where rows are
// there and none has a name that was asked for, the rows call their resources otherwise, and nothing is told.
func (n *Names) Unheard(committed []Reading) []pipeline.Warning {
	if n == nil || len(n.seen) == 0 {
		return nil
	}
	first := make([]Reading, 0, firstWindows)
	for _, r := range committed {
		if slices.Contains(n.windows, r.Window) {
			first = append(first, r)
		}
	}
	people := slices.ContainsFunc(n.asked, func(name string) bool { return n.stands(name) != name && n.seen[n.stands(name)] })
	var missing []string
	for _, name := range n.asked {
		if people {
			name = n.stands(name)
		}
		if !n.seen[strings.ToLower(strings.TrimSpace(name))] {
			missing = append(missing, name)
		}
	}
	if len(first) < firstWindows || len(missing) == 0 || len(missing) == len(n.asked) {
		return nil
	}
	const most = 20
	shown := strings.Join(missing[:min(len(missing), most)], ", ")
	if len(missing) > most {
		shown += fmt.Sprintf(" and %d more", len(missing)-most)
	}
	slices.SortFunc(first, byStart)
	return []pipeline.Warning{unheardOf(first, "no row of %s in the stream's first %d windows: check the names", shown, firstWindows)}
}

func unheardOf(first []Reading, format string, args ...any) pipeline.Warning {
	all := first[0].Window
	all.End = first[len(first)-1].Window.End
	return warning(pipeline.WarnUnheard, all, fmt.Sprintf(format, args...))
}

func warning(kind pipeline.WarningKind, w calendar.Window, message string) pipeline.Warning {
	return pipeline.Warning{Kind: kind, WindowStart: w.Start, WindowEnd: w.End, Zone: w.Zone, Message: message}
}

func byStart(a, b Reading) int { return int(min(max(a.Window.Start-b.Window.Start, -1), 1)) }

// weekday is that of the window's first day.
func weekday(w calendar.Window) time.Weekday {
	loc, err := w.Location()
	if err != nil {
		loc = time.UTC
	}
	return w.Start.In(loc).Weekday()
}

// sameWeekday is the median of the rows of the windows that began on the same weekday at the same time, in the weeks
// before; false where there are too few.
func sameWeekday(starts map[calendar.Instant]Reading, w calendar.Window) (median float64, ok bool) {
	loc, err := w.Location()
	if err != nil {
		return 0, false
	}
	begin := w.Start.In(loc)
	var rows []int64
	for week := 1; week <= sameWeekdays; week++ {
		at := calendar.InstantOf(begin.AddDate(0, 0, -7*week))
		r, there := starts[at]
		if !there || !r.Ended || !alike(r.Window, w) {
			continue
		}
		rows = append(rows, r.Rows)
	}
	if len(rows) < fewWeekdays {
		return 0, false
	}
	slices.Sort(rows)
	half := len(rows) / 2
	if len(rows)%2 == 1 {
		return float64(rows[half]), true
	}
	return float64(rows[half-1]+rows[half]) / 2, true
}

// alike reports whether two windows are of one length, but for a clock that was set forward or back.
func alike(a, b calendar.Window) bool {
	return (a.End.Sub(a.Start) - b.End.Sub(b.Start)).Abs() <= 2*time.Hour
}

// dayOf is the local day on which the window begins; false where the window is longer than that day.
func dayOf(w calendar.Window) (day calendar.Window, ok bool) {
	loc, err := w.Location()
	if err != nil {
		return w, false
	}
	year, month, date := w.Start.In(loc).Date()
	day = calendar.Window{Zone: w.Zone, Span: calendar.Span{
		Start: calendar.DayStart(year, month, date, loc), End: calendar.DayStart(year, month, date+1, loc),
	}}
	return day, w.Start >= day.Start && w.End <= day.End
}

// dayRows is what the windows of a local day hold together.
type dayRows struct {
	rows   int64
	length time.Duration // that the windows cover
	ended  bool
}

// days adds up the windows by the local day on which they begin. Longer ones are left out.
func (h *History) days() map[calendar.Instant]dayRows {
	days := make(map[calendar.Instant]dayRows, len(h.windows))
	for _, r := range h.windows {
		day, ok := dayOf(r.Window)
		if !ok {
			continue
		}
		d, there := days[day.Start]
		d.ended = r.Ended && (d.ended || !there)
		d.rows += r.Rows
		d.length += r.Window.End.Sub(r.Window.Start)
		days[day.Start] = d
	}
	return days
}

// isSilent reports whether the day is known to its end and has no row, while each of the days before it has some.
func isSilent(days map[calendar.Instant]dayRows, day calendar.Window) bool {
	d := days[day.Start]
	if d.rows > 0 || !d.ended || d.length < day.End.Sub(day.Start) {
		return false
	}
	loc, err := day.Location()
	if err != nil {
		return false
	}
	year, month, date := day.Start.In(loc).Date()
	for n := 1; n <= busyDays; n++ {
		if days[calendar.DayStart(year, month, date-n, loc)].rows == 0 {
			return false
		}
	}
	return true
}
