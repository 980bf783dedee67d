package show

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// History prints what reading again has changed as it is found: window by window, or the items of a JSON array. It keeps
// none.
type History struct {
	w       io.Writer
	array   *array // nil: for people
	key     pipeline.StreamKey
	window  pipeline.Window
	windows int
	kinds   map[pipeline.HistoryKind]int
}

// NewHistory prints to w.
func NewHistory(w io.Writer, asJSON bool) *History {
	h := &History{w: w, kinds: make(map[pipeline.HistoryKind]int)}
	if asJSON {
		h.array = &array{w: w}
	}
	return h
}

// historyRow is the JSON of one. The names are those of the sinks' columns.
type historyRow struct {
	Kind           pipeline.HistoryKind  `json:"kind"`
	SyncID         pipeline.SyncID       `json:"sync_id"`
	Source         pipeline.SourceID     `json:"source"`
	Account        pipeline.AccountID    `json:"account"`
	Stream         pipeline.StreamID     `json:"stream"`
	WindowStart    pipeline.Instant      `json:"window_start"`
	WindowEnd      pipeline.Instant      `json:"window_end"`
	ReadAt         pipeline.Instant      `json:"read_at"`
	PreviousReadAt *pipeline.Instant     `json:"previous_read_at"` // as those that follow, null where nothing was replaced
	AfterSettle    *bool                 `json:"after_settle"`
	RowsBefore     *int64                `json:"rows_before"`
	RowsAfter      *int64                `json:"rows_after"` // of each commit
	Measures       map[string][2]float64 `json:"measures"`   // null also where the sums before are not known
	ErrorKind      *string               `json:"error_kind"`
	Hint           *string               `json:"hint"`
	Unreadable     pipeline.FieldCounts  `json:"unreadable"` // null where all values could be read
	Warning        *string               `json:"warning"`
}

// Tell prints one row.
func (h *History) Tell(r pipeline.HistoryRow, w pipeline.Window) error {
	fresh := h.windows == 0 || r.Key != h.key || w != h.window
	if fresh {
		h.windows++
		h.key, h.window = r.Key, w
	}
	h.kinds[r.Kind]++
	if h.array != nil {
		return h.array.add(historyRowOf(r))
	}
	var b strings.Builder
	if fresh {
		if h.windows > 1 {
			b.WriteByte('\n')
		}
		fmt.Fprintln(&b, inColumns(name(r.Key.Stream, r.Key.Account)+"  "+localSpan(w), columns))
	}
	switch r.Kind {
	case pipeline.HistoryFailed:
		fmt.Fprintf(&b, "  %s  failed: %s\n", moment(r.ReadAt.Time()), inColumns(r.ErrorKind, columns-34))
		b.WriteString(wrapped(r.Hint, "    "))
	case pipeline.HistoryWarned:
		fmt.Fprintf(&b, "  %s  warned: %s\n", moment(r.ReadAt.Time()), inColumns(string(r.Warning), columns-34))
		b.WriteString(wrapped(r.Hint, "    "))
	case pipeline.HistoryUnreadable:
		fmt.Fprintf(&b, "  %s  %s\n", moment(r.ReadAt.Time()), plural(r.RowsAfter, "row"))
	default:
		settled := ""
		if r.AfterSettle {
			settled = ", settled"
		}
		fmt.Fprintf(&b, "  %s  %s → %s\n", moment(r.ReadAt.Time()), thousands(r.RowsBefore), plural(r.RowsAfter, "row"))
		fmt.Fprintf(&b, "    instead of the reading of %s%s\n", moment(r.PreviousReadAt.Time()), settled)
		if r.Warning == pipeline.WarnShrunk {
			b.WriteString("    warned: more than half of the settled rows are gone\n")
		}
		for _, line := range measureLines(r.Measures) {
			fmt.Fprintf(&b, "    %s\n", inColumns(line, columns-4))
		}
	}
	if len(r.Unreadable) > 0 {
		b.WriteString(wrapped("unreadable: "+unreadableText(r.Unreadable), "    "))
	}
	_, err := io.WriteString(h.w, b.String())
	return err
}

func historyRowOf(r pipeline.HistoryRow) historyRow {
	one := historyRow{
		Kind: r.Kind, SyncID: r.SyncID, Source: r.Key.Stream.Source(), Account: r.Key.Account, Stream: r.Key.Stream,
		WindowStart: r.Window.Start, WindowEnd: r.Window.End, ReadAt: r.ReadAt, Measures: r.Measures,
		ErrorKind: textOrNull(r.ErrorKind), Hint: textOrNull(r.Hint), Unreadable: r.Unreadable, Warning: textOrNull(string(r.Warning)),
	}
	if r.Kind == pipeline.HistoryChanged {
		one.PreviousReadAt, one.AfterSettle, one.RowsBefore = &r.PreviousReadAt, &r.AfterSettle, &r.RowsBefore
	}
	if r.IsCommit() {
		one.RowsAfter = &r.RowsAfter
	}
	return one
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// shownMeasures is how many changes of measures people see.
const shownMeasures = 3

// measureLines are the changes of measures that are largest, by the share of the larger sum that came or went.
func measureLines(measures map[string][2]float64) (lines []string) {
	switch {
	case measures == nil:
		return []string{"the sums of the measures before are not known"}
	case len(measures) == 0:
		return []string{"the sums of the measures are as before"}
	}
	type change struct {
		name          string
		before, after float64
	}
	var all []change
	for name, m := range measures {
		all = append(all, change{name, m[0], m[1]})
	}
	by := func(c change) float64 { return math.Abs(c.after - c.before) }
	share := func(c change) float64 { return by(c) / max(math.Abs(c.before), math.Abs(c.after)) }
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(by(b), by(a)), cmp.Compare(a.name, b.name))
	})
	for _, c := range all[:min(shownMeasures, len(all))] {
		lines = append(lines, fmt.Sprintf("%s %s → %s", c.name, sumText(c.before), sumText(c.after)))
	}
	if more := len(all) - shownMeasures; more > 0 {
		lines = append(lines, "and "+plural(more, "measure")+" more")
	}
	return lines
}

// sumText is a sum as people read it.
func sumText(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return thousands(int64(v))
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// End prints how much there was.
func (h *History) End() error {
	if h.array != nil {
		return h.array.end()
	}
	if h.windows == 0 {
		_, err := fmt.Fprintln(h.w, "Nothing was changed by reading it again, and nothing failed.")
		return err
	}
	counted := fmt.Sprintf("%s and %s of %s", plural(h.kinds[pipeline.HistoryChanged], "change"), plural(h.kinds[pipeline.HistoryFailed], "failure"), plural(h.windows, "window"))
	if n := h.kinds[pipeline.HistoryUnreadable]; n > 0 {
		counted += "; " + plural(n, "first reading") + " with unreadable values"
	}
	if n := h.kinds[pipeline.HistoryWarned]; n > 0 {
		counted += "; " + plural(n, "warning")
	}
	_, err := io.WriteString(h.w, "\n"+wrapped(counted+".", ""))
	return err
}
