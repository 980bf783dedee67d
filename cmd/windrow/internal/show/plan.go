package show

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// ReasonWaive stands for windows that an operator's word would settle.
const ReasonWaive pipeline.Reason = "waive"

// plannedWindow and the types below are the JSON of `windrow plan`.
type plannedWindow struct {
	Start      pipeline.Instant `json:"start"`
	End        pipeline.Instant `json:"end"`
	Reason     pipeline.Reason  `json:"reason"`
	Supersedes []pipeline.Span  `json:"supersedes"`
}

type plannedStream struct {
	Stream    pipeline.StreamID  `json:"stream"`
	Account   pipeline.AccountID `json:"account"`
	Table     string             `json:"table"`
	Watermark *pipeline.Instant  `json:"watermark"`
	Requests  int                `json:"requests"`
	Windows   []plannedWindow    `json:"windows"`
	Holes     []pipeline.Span    `json:"holes"`
	Changed   []pipeline.Span    `json:"changed"`
	// Replayable are those of Changed that the archive has.
	Replayable []pipeline.Span `json:"replayable"`
	Expired    []pipeline.Span `json:"expired"`
	// Dated are the windows that a clock which was ahead has read; their times count for nothing.
	Dated []pipeline.Span `json:"dated,omitempty"`
	// Untested tells of settings that the vendor does not document.
	Untested []string `json:"untested,omitempty"`
}

// PlanJSON writes the plan as an array, one element a stream.
func PlanJSON(w io.Writer, plan []pipeline.PlannedStream) error {
	streams := make([]plannedStream, 0, len(plan))
	for _, p := range plan {
		s := plannedStream{
			Stream: p.Stream.Key.Stream, Account: p.Stream.Key.Account, Table: p.Stream.Table.Name, Requests: p.Requests,
			Windows: make([]plannedWindow, 0, len(p.Windows)),
			Holes:   append([]pipeline.Span{}, p.Holes...),
			Changed: spansOf(p.Changed), Replayable: spansOf(p.Replayable),
			Expired: spansOf(p.Expired), Untested: p.Stream.Untested,
		}
		if p.Watermark != pipeline.NoInstant {
			s.Watermark = &p.Watermark
		}
		for _, e := range p.Dated {
			s.Dated = append(s.Dated, e.Window.Span)
		}
		for _, pw := range p.Windows {
			s.Windows = append(s.Windows, plannedWindow{Start: pw.Window.Start, End: pw.Window.End, Reason: pw.Reason, Supersedes: spansOf(pw.Supersedes)})
		}
		streams = append(streams, s)
	}
	return Document(w, streams)
}

func spansOf(windows []pipeline.Window) []pipeline.Span {
	spans := make([]pipeline.Span, 0, len(windows))
	for _, w := range windows {
		spans = append(spans, w.Span)
	}
	return spans
}

// Plan prints what a sync would read and why, in the time of the zone that windows are cut in. Neighbouring windows with the
// same reason share a line.
func Plan(w io.Writer, plan []pipeline.PlannedStream) error {
	t := NewTable("stream", "reason", ">windows", "local time")
	windows, requests := 0, 0
	for _, p := range plan {
		windows += len(p.Windows)
		requests += p.Requests
		for _, run := range runsOf(p.Windows) {
			first, last := run[0], run[len(run)-1]
			t.Row(name(p.Stream.Key.Stream, p.Stream.Key.Account), string(first.Reason), thousands(len(run)),
				localSpan(pipeline.Window{Span: pipeline.Span{Start: first.Window.Start, End: last.Window.End}, Zone: first.Window.Zone}))
		}
	}
	if windows > 0 {
		if err := t.Print(w); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	for _, p := range plan {
		if err := planNotes(w, p); err != nil {
			return err
		}
	}
	if windows == 0 {
		_, err := fmt.Fprintln(w, "Nothing is due.")
		return err
	}
	if requests == 0 && slices.ContainsFunc(plan, readsWhatHasCome) {
		_, err := fmt.Fprintf(w, "%s. `windrow sync` reads them from what has come, and asks no vendor.\n", plural(windows, "window"))
		return err
	}
	if requests == 0 {
		_, err := fmt.Fprintf(w, "%s. `windrow sync` with the same flags settles them without rows, and asks no vendor.\n", plural(windows, "window"))
		return err
	}
	// Of Dialpad reports are counted, which are what its quota counts. A sync orders fewer where one serves more than was known.
	_, err := fmt.Fprintf(w, "%s, at most %s, repetitions aside. `windrow sync` reads them.\n", plural(windows, "window"), plural(requests, "request"))
	return err
}

// readsWhatHasCome reports whether windows are read from what has come by itself.
func readsWhatHasCome(p pipeline.PlannedStream) bool {
	return p.Stream.Asks != pipeline.AsksEach && len(p.Windows) > 0 && p.Windows[0].Reason != ReasonWaive
}

// runsOf groups windows that touch and have the same reason.
func runsOf(windows []pipeline.PlannedWindow) [][]pipeline.PlannedWindow {
	var runs [][]pipeline.PlannedWindow
	begin := 0
	for i := range windows {
		next := i + 1
		if next < len(windows) && windows[next].Reason == windows[i].Reason && windows[next].Window.Start == windows[i].Window.End {
			continue
		}
		runs = append(runs, windows[begin:next])
		begin = next
	}
	return runs
}

// holeNote tells of time that no window can cover, and the command that lets the watermark pass it.
func holeNote(stream pipeline.StreamID, h pipeline.Span) string {
	return fmt.Sprintf("no window covers %s (%s), and the vendor cannot be asked for it alone; to let the watermark pass: %s",
		h, h.Length().Round(time.Minute), waiveCommand(stream, h))
}

// datedNote tells of windows whose times cannot be true. Which of two clocks is wrong, a vendor's answer alone says.
func datedNote(dated []pipeline.Entry) string {
	last := slices.MaxFunc(dated, func(a, b pipeline.Entry) int { return cmp.Compare(a.ReadAt, b.ReadAt) })
	return fmt.Sprintf("%s read by a machine whose clock was ahead, or this one's is behind (up to %s): such times count for nothing, and what is due is read again",
		plural(len(dated), "window")+were(len(dated)), last.ReadAt)
}

func planNotes(w io.Writer, p pipeline.PlannedStream) error {
	label := name(p.Stream.Key.Stream, p.Stream.Key.Account)
	for _, pw := range p.Windows {
		for _, old := range pw.Supersedes {
			if _, err := fmt.Fprintf(w, "%s: %s will replace the committed window %s, which has other bounds\n", label, localSpan(pw.Window), localSpan(old)); err != nil {
				return err
			}
		}
	}
	for _, what := range p.Stream.Untested {
		if _, err := fmt.Fprintf(w, "%s: untested: %s\n", label, what); err != nil {
			return err
		}
	}
	for _, h := range p.Holes {
		if _, err := fmt.Fprintf(w, "%s: %s\n", label, holeNote(p.Stream.Key.Stream, h)); err != nil {
			return err
		}
	}
	if len(p.Dated) > 0 {
		if _, err := fmt.Fprintf(w, "%s: %s\n", label, datedNote(p.Dated)); err != nil {
			return err
		}
	}
	if n := len(p.Expired); n > 0 {
		if _, err := fmt.Fprintf(w, "%s: %s past the retention of table %s: not read\n", label, plural(n, "window"), p.Stream.Table.Name); err != nil {
			return err
		}
	}
	return changedNote(w, p, label)
}

// changedNote tells of windows that were read under other settings than today's, and the commands that renew them.
func changedNote(w io.Writer, p pipeline.PlannedStream, label string) error {
	var asked []pipeline.Window
	for _, c := range p.Changed {
		if !slices.Contains(p.Replayable, c) {
			asked = append(asked, c)
		}
	}
	const why = "%s: %s changed: read under other settings than today's; to %s: %s\n"
	if n := len(p.Replayable); n > 0 {
		if _, err := fmt.Fprintf(w, why, label, plural(n, "window"), "make again of the archive", replayCommand(p.Stream.Key.Stream, p.Replayable)); err != nil {
			return err
		}
	}
	if len(asked) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, why, label, plural(len(asked), "window"), "read again", refetchCommand(p.Stream.Key.Stream, asked))
	return err
}
