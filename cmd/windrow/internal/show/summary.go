package show

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// shownErrors is how many reasons of failed windows the summary spells out for a stream.
const shownErrors = 5

// Summary prints what a run did: a table, what it used of a sink that bills,
// and the failed windows with their reasons. Kept are the rows of unchanged windows: they are in the table already.
func Summary(w io.Writer, s pipeline.Summary) error {
	heads := []string{"stream", ">committed", ">unchanged", ">failed", ">rows read", ">loaded", ">rejected", ">outside", ">duplicate", ">kept"}
	if !slices.ContainsFunc(s.Streams, func(r pipeline.StreamSummary) bool { return r.Kept > 0 }) {
		heads = heads[:len(heads)-1]
	}
	t := NewTable(heads...)
	var total pipeline.StreamSummary
	for _, r := range s.Streams {
		t.Row(summaryRow(name(r.Stream, r.Account), r)[:len(heads)]...)
		total.Committed += r.Committed
		total.Unchanged += r.Unchanged
		total.Yielded += r.Yielded
		total.Failed += r.Failed
		total.Read += r.Read
		total.Rows += r.Rows
		total.Kept += r.Kept
		total.Rejected += r.Rejected
		total.Outside += r.Outside
		total.Duplicate += r.Duplicate
	}
	if len(s.Streams) > 1 {
		t.Row(summaryRow("total", total)[:len(heads)]...)
	}
	if err := errors.Join(t.Print(w), receipt(w, s.Receipt)); err != nil {
		return err
	}
	if total.Yielded > 0 {
		if _, err := fmt.Fprintf(w, "\n%s left as another run had read it later.\n", plural(total.Yielded, "window")); err != nil {
			return err
		}
	}
	for _, r := range s.Streams {
		if err := errors.Join(printUnreadable(w, r), printErrors(w, r)); err != nil {
			return err
		}
	}
	return nil
}

// printUnreadable tells which fields' values could not be read, the most frequent first.
func printUnreadable(w io.Writer, r pipeline.StreamSummary) error {
	if len(r.Unreadable) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s: values that could not be read are empty, and stay in extras:\n%s", name(r.Stream, r.Account), wrapped(unreadableText(r.Unreadable), "  "))
	return err
}

// unreadableText counts the values of a few fields, the most frequent first.
func unreadableText(counts pipeline.FieldCounts) string {
	const most = 5
	fields := counts.ByFrequency()
	var list []string
	for _, f := range fields[:min(len(fields), most)] {
		list = append(list, pipeline.ShownName(f)+" "+thousands(counts[f]))
	}
	if more := len(fields) - most; more > 0 {
		list = append(list, "and "+plural(more, "other field"))
	}
	return strings.Join(list, ", ")
}

// Asked is what a run was asked for beside what is due.
type Asked struct {
	Span    bool // --from or --to
	Refetch bool
}

// Next prints what to do after a run.
func Next(w io.Writer, s pipeline.Summary, asked Asked) error {
	_, err := fmt.Fprintf(w, "\n%s\n", next(s, asked))
	return err
}

// Replayed prints what to do after a replay.
func Replayed(w io.Writer, s pipeline.Summary) error {
	text := "Done. `windrow status` shows where each stream stands."
	switch failed := failedOf(s); {
	case s.Exit == pipeline.ExitStopped:
		text = "Stopped by a signal. What is committed stays; run `windrow replay` again to go on."
	case len(failed) > 0:
		text = "These windows stayed as they are. To read them from the vendor again:"
		for _, f := range failed {
			text += "\n  " + refetchCommand(f.Stream, []pipeline.Window{{Span: pipeline.Span{Start: f.Errors[0].WindowStart, End: f.Errors[len(f.Errors)-1].WindowEnd}}})
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", text)
	return err
}

// failedOf are the streams of which windows failed.
func failedOf(s pipeline.Summary) (list []pipeline.StreamSummary) {
	for _, of := range s.Streams {
		if len(of.Errors) > 0 {
			list = append(list, of)
		}
	}
	return list
}

// Waived prints how many windows an operator's word has settled.
func Waived(w io.Writer, s pipeline.Summary) error {
	t := NewTable("stream", ">waived")
	for _, r := range s.Streams {
		t.Row(name(r.Stream, r.Account), thousands(r.Committed))
	}
	if err := errors.Join(t.Print(w), receipt(w, s.Receipt)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nWaived windows count as settled without rows. `sync --refetch` over them reads them after all.")
	return err
}

func summaryRow(label string, r pipeline.StreamSummary) []string {
	return []string{
		label, thousands(r.Committed), thousands(r.Unchanged), thousands(r.Failed),
		thousands(r.Read), thousands(r.Rows - r.Kept), thousands(r.Rejected), thousands(r.Outside), thousands(r.Duplicate), thousands(r.Kept),
	}
}

// printErrors spells out why windows failed; neighbours that failed of the
// same share a line.
func printErrors(w io.Writer, r pipeline.StreamSummary) error {
	if len(r.Errors) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "\n%s: %s\n", name(r.Stream, r.Account), plural(len(r.Errors), "failed window")); err != nil {
		return err
	}
	shown, lines := 0, 0
	for shown < len(r.Errors) && lines < shownErrors {
		first, last := r.Errors[shown], r.Errors[shown]
		shown++
		lines++
		for shown < len(r.Errors) && r.Errors[shown].Message == first.Message && r.Errors[shown].Zone == first.Zone {
			last = r.Errors[shown]
			shown++
		}
		if _, err := fmt.Fprintf(w, "  %s  %s\n", localSpan(pipeline.Window{Span: pipeline.Span{Start: first.WindowStart, End: last.WindowEnd}, Zone: first.Zone}), first.Message); err != nil {
			return err
		}
	}
	if shown == len(r.Errors) {
		return nil
	}
	_, err := fmt.Fprintf(w, "  … and %s more, all of them in --json and in the log\n", plural(len(r.Errors)-shown, "failed window"))
	return err
}

func next(s pipeline.Summary, asked Asked) string {
	windows, failed := 0, 0
	for _, r := range s.Streams {
		windows += r.Committed + r.Unchanged + r.Yielded
		failed += r.Failed
	}
	switch s.Exit {
	case pipeline.ExitDone:
		switch {
		case windows > 0:
		case asked.Refetch && asked.Span:
			return "No window that has ended lies between --from and --to, so there was nothing to read again. `windrow status` shows where each stream stands."
		case asked.Refetch:
			return "There is no window yet that could be read again. `windrow status` shows where each stream stands."
		case asked.Span:
			return "Nothing between --from and --to was due; --refetch reads again what is settled. `windrow status` shows where each stream stands."
		default:
			return "Nothing was due. `windrow status` shows where each stream stands."
		}
		return "Done. `windrow status` shows where each stream stands."
	case pipeline.ExitUnauthorized:
		return "The credentials were refused. `windrow check` tries each source and the sink; correct what it names, then run `windrow sync` again."
	case pipeline.ExitStopped:
		return "Stopped by a signal. What is committed stays; run `windrow sync` again to go on."
	}
	if failed == 0 { // the run could not be recorded, or was ended for a reason of its own
		return "No window failed. The message that follows says why the run did not end well."
	}
	text := plural(failed, "window") + " stayed open; what was committed before stays. " + remedy(s)
	if slices.ContainsFunc(s.Streams, func(r pipeline.StreamSummary) bool {
		return slices.ContainsFunc(r.Errors, func(e pipeline.WindowError) bool { return len(e.Rejects) > 0 })
	}) {
		text += " `windrow rejects` shows rows that were rejected."
	}
	return text
}

// onlyHole is the span of all windows that failed, where they are of one stream, stand side by side and may be given up. Of several
// accounts nobody knows whose windows a command would mean.
func onlyHole(s pipeline.Summary) (stream pipeline.StreamID, hole pipeline.Span, ok bool) {
	failed := failedOf(s)
	if len(failed) != 1 || slices.ContainsFunc(s.Streams, func(r pipeline.StreamSummary) bool {
		return r.Stream == failed[0].Stream && r.Account != failed[0].Account
	}) {
		return "", hole, false
	}
	for i, e := range failed[0].Errors {
		if e.Remedy != pipeline.GiveUp || i > 0 && e.WindowStart != hole.End {
			return "", hole, false
		}
		if i == 0 {
			hole.Start = e.WindowStart
		}
		hole.End = e.WindowEnd
	}
	return failed[0].Stream, hole, true
}

// remedy tells what closes the windows that stayed open. A waiver settles what
// a vendor can never answer; it would hide what can be corrected, or passes by itself.
func remedy(s pipeline.Summary) string {
	var wanted [pipeline.GiveUp + 1]bool
	for _, r := range s.Streams {
		for _, e := range r.Errors {
			wanted[e.Remedy] = true
		}
	}
	others, lasting := wanted[pipeline.Correct], wanted[pipeline.GiveUp]
	waive := "or give up windows that can never be read with `windrow sync --waive REASON --from DAY --to DAY --streams NAME`."
	if stream, hole, ok := onlyHole(s); ok {
		waive = "or, if it can never be read, give it up with `" + waiveCommand(stream, hole) + "`."
	}
	switch {
	case !lasting && !wanted[pipeline.Wait]:
		return "The messages above name the remedy; then run `windrow sync` again."
	case !lasting && others:
		return "Where a vendor is not the reason, the messages above name the remedy; then run `windrow sync` again."
	case !lasting:
		return "Run `windrow sync` again to retry."
	case others:
		return "Where a vendor is not the reason, the messages above name the remedy; then run `windrow sync` again, " + waive
	}
	return "Run `windrow sync` again to retry, " + waive
}
