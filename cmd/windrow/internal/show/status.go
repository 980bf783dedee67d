package show

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// StatusJSON writes the states as an array.
func StatusJSON(w io.Writer, states []plan.StreamStatus) error {
	return Document(w, append([]plan.StreamStatus{}, states...))
}

// Status prints the verdict, and where each stream stands.
func Status(w io.Writer, states []plan.StreamStatus, verdict string) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", verdict); err != nil {
		return err
	}
	waived := slices.ContainsFunc(states, func(s plan.StreamStatus) bool { return s.Waived > 0 })
	heads := []string{"stream", "state", "through", "watermark", ">lag", ">settled", ">provisional", ">open", ">rows", "last commit", ">waived"}
	if !waived {
		heads = heads[:len(heads)-1]
	}
	t := NewTable(heads...)
	open, expired := 0, 0
	alone := !slices.ContainsFunc(states, func(s plan.StreamStatus) bool { return s.Configured })
	for _, s := range states {
		lag := "-"
		if s.LagSeconds != nil {
			lag = span(time.Duration(*s.LagSeconds) * time.Second)
		}
		expired += s.Expired
		if s.Configured || alone {
			open += s.Open
		}
		row := []string{name(s.Stream, s.Account), stateOf(s, alone), through(s), instant(s.Watermark), lag, thousands(s.Settled), thousands(s.Provisional),
			thousands(s.Open), thousands(s.Rows), instant(s.LastCommit), thousands(s.Waived)}
		t.Row(row[:len(heads)]...)
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
	_, err := fmt.Fprintf(w, "\n%s due and not covered: `windrow plan` says which and why.\n", plural(open, "window"))
	return err
}

// statusNotes tells what holds the watermark of a stream back, and the command that ends it.
func statusNotes(w io.Writer, s plan.StreamStatus) error {
	var wrong []error
	note := func(command, format string, args ...any) {
		text := name(s.Stream, s.Account) + ": " + fmt.Sprintf(format, args...)
		wrong = append(wrong, printNote(w, text, command))
	}
	for _, h := range s.Holes {
		note(waiveCommand(s.Stream, h), "no window covers %s (%s), and the vendor cannot be asked for it alone. To let the watermark pass:", h, h.Length().Round(time.Minute))
	}
	if len(s.Dated) > 0 {
		note("", "%s", datedNote(s.Dated))
	}
	for _, a := range s.Asked {
		span := pipeline.Span{Start: a.WindowStart, End: a.WindowEnd}
		window := localSpan(pipeline.Window{Span: span, Zone: a.Zone})
		if a.Taken {
			note(waiveCommand(s.Stream, span), "the vendor was asked at %s for the window %s, and nothing has come yet; it is not asked again. To give it up:", a.AskedAt, window)
		} else {
			note(waiveCommand(s.Stream, span), "the vendor was perhaps never asked at %s for the window %s, and is not asked again: export it in the vendor's portal, and put the file into the inbox. To give it up:", a.AskedAt, window)
		}
	}
	for _, what := range s.Unplaced {
		note("", "no window takes %s", what)
	}
	if s.Failed != nil {
		note(waiveCommand(s.Stream, s.Failed.Span), "the window %s failed and holds the watermark back. `windrow sync` reads it again; to give it up:", localSpan(*s.Failed))
	}
	return errors.Join(wrong...)
}

// printNote prints a text in lines of 80 columns, and below it, in one piece, the command that it speaks of.
func printNote(w io.Writer, text, command string) error {
	if command != "" {
		text = strings.Join(inLines(text, tableWidth), "\n") + "\n  " + command
	}
	_, err := fmt.Fprintf(w, "\n%s\n", text)
	return err
}

// stateOf is where a stream stands in a word. Where no stream is configured (alone), all are looked at: the ledger tells where
// each stands, and that none is read is told too.
func stateOf(s plan.StreamStatus, alone bool) string {
	const unread = "not configured"
	switch {
	case s.LeftOut:
		return "left out"
	case !s.Configured && !alone:
		return unread
	case !s.Configured:
		return standing(s) + ", " + unread
	}
	return standing(s)
}

// standing is where a stream stands by its windows.
func standing(s plan.StreamStatus) string {
	switch {
	case s.FailedWindows > 0:
		return "failed"
	case s.Late:
		return "late"
	case s.Open > 0:
		return "due"
	}
	return "whole"
}

// through is the last local day that is settled, or the local time up to which, where that is within a day.
func through(s plan.StreamStatus) string {
	loc, err := pipeline.Window{Zone: s.Zone}.Location()
	switch {
	case s.Watermark == nil:
		return "-"
	case s.Zone == "" || err != nil:
		return ""
	case beginsDay(*s.Watermark, loc):
		return (*s.Watermark - 1).In(loc).Format(time.DateOnly)
	}
	return s.Watermark.In(loc).Format("01-02 15:04")
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
