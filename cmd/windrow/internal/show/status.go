package show

import (
	"fmt"
	"io"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// StatusJSON writes the states as an array.
func StatusJSON(w io.Writer, states []plan.StreamStatus) error {
	return Document(w, append([]plan.StreamStatus{}, states...))
}

// Status prints where each stream stands.
func Status(w io.Writer, states []plan.StreamStatus) error {
	t := NewTable("stream", "watermark", ">lag", ">settled", ">provisional", ">open", ">waived", ">rows", "last commit", "")
	open, expired := 0, 0
	for _, s := range states {
		lag := "-"
		if s.LagSeconds != nil {
			lag = span(time.Duration(*s.LagSeconds) * time.Second)
		}
		expired += s.Expired
		word := ""
		switch {
		case s.LeftOut:
			word = "left out"
		case !s.Configured:
			word = "not configured"
		default:
			open += s.Open
		}
		t.Row(name(s.Stream, s.Account), instant(s.Watermark), lag, thousands(s.Settled), thousands(s.Provisional),
			thousands(s.Open), thousands(s.Waived), thousands(s.Rows), instant(s.LastCommit), word)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if expired > 0 {
		if _, err := fmt.Fprintf(w, "\n%s past the retention of their tables: neither read again nor missed.\n", plural(expired, "window")); err != nil {
			return err
		}
	}
	for _, s := range states {
		if err := statusNotes(w, s); err != nil {
			return err
		}
	}
	if open == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s due and not covered: `windrow plan` says which and why, `windrow sync` reads them.\n", plural(open, "window"))
	return err
}

// statusNotes tells what holds the watermark of a stream back, and the command that ends it.
func statusNotes(w io.Writer, s plan.StreamStatus) error {
	label := name(s.Stream, s.Account)
	for _, h := range s.Holes {
		if _, err := fmt.Fprintf(w, "\n%s: %s\n", label, holeNote(s.Stream, h)); err != nil {
			return err
		}
	}
	for _, a := range s.Asked {
		if _, err := fmt.Fprintf(w, "\n%s: %s\n", label, askedNote(s.Stream, a)); err != nil {
			return err
		}
	}
	for _, what := range s.Unplaced {
		if _, err := fmt.Fprintf(w, "\n%s: no window takes %s\n", label, what); err != nil {
			return err
		}
	}
	if s.Failed == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s: the window %s failed and holds the watermark back. `windrow sync` reads it again; to give it up: %s\n",
		label, localSpan(*s.Failed), waiveCommand(s.Stream, s.Failed.Span))
	return err
}

// askedNote tells of a window that the vendor was asked for once, and that nothing has come for.
func askedNote(stream pipeline.StreamID, a plan.AskedWindow) string {
	span := pipeline.Span{Start: a.WindowStart, End: a.WindowEnd}
	window := localSpan(pipeline.Window{Span: span, Zone: a.Zone})
	if a.Taken {
		return fmt.Sprintf("the vendor was asked at %s for the window %s, and nothing has come yet; it is not asked again. To give it up: %s", a.AskedAt, window, waiveCommand(stream, span))
	}
	return fmt.Sprintf("the vendor was perhaps never asked at %s for the window %s, and is not asked again: export it in the vendor's portal, and put the file into the inbox. To give it up: %s",
		a.AskedAt, window, waiveCommand(stream, span))
}

func instant(i *pipeline.Instant) string {
	if i == nil || *i == pipeline.NoInstant {
		return "-"
	}
	return i.Time().Format(time.RFC3339)
}

// span writes a duration in its two largest units: "3d 4h", "4h 5m", "2d".
func span(d time.Duration) string {
	days, hours, minutes := d/(24*time.Hour), d%(24*time.Hour)/time.Hour, d%time.Hour/time.Minute
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case days > 0:
		return fmt.Sprintf("%dd", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%dh %dm", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%dh", hours)
	}
	return fmt.Sprintf("%dm", minutes)
}
