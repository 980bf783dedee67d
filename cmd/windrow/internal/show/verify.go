package show

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// Verification prints differences as they are found: a line each, or the items of one JSON document. It keeps none.
type Verification struct {
	w              io.Writer
	asJSON, repair bool
	archived       bool
	told           int
}

// NewVerification prints to w. archived says that there may be answers to make windows again of.
func NewVerification(w io.Writer, asJSON, repair, archived bool) *Verification {
	return &Verification{w: w, asJSON: asJSON, repair: repair, archived: archived}
}

// difference is the JSON of one; without a window where it is of none.
type difference struct {
	Stream   pipeline.StreamID       `json:"stream,omitempty"`
	Account  pipeline.AccountID      `json:"account,omitempty"`
	Kind     pipeline.DifferenceKind `json:"kind"`
	Date     string                  `json:"date,omitempty"` // the local date of the window's start
	Start    *pipeline.Instant       `json:"window_start,omitempty"`
	End      *pipeline.Instant       `json:"window_end,omitempty"`
	Object   string                  `json:"object"`
	Expected string                  `json:"expected"`
	Found    string                  `json:"found"`
}

// Tell prints one difference.
func (v *Verification) Tell(k pipeline.StreamKey, d pipeline.Difference) error {
	v.told++
	if !v.asJSON {
		_, err := fmt.Fprintln(v.w, Difference(k, d))
		return err
	}
	one := difference{Stream: k.Stream, Account: k.Account, Kind: d.Kind, Object: d.Object, Expected: d.Expected, Found: d.Found}
	if !d.Window.Empty() {
		one.Date, one.Start, one.End = localDate(d.Window), &d.Window.Start, &d.Window.End
	}
	text, err := json.MarshalIndent(one, "    ", "  ")
	if err != nil {
		return err
	}
	before := ",\n    "
	if v.told == 1 {
		before = "{\n  \"differences\": [\n    "
	}
	_, err = fmt.Fprint(v.w, before, string(text))
	return err
}

// Difference is one difference in a line: stream, local days or bounds of the window, what differs.
func Difference(k pipeline.StreamKey, d pipeline.Difference) string {
	where := ""
	if k.Stream != "" {
		where = k.String() + " "
	}
	if !d.Window.Empty() {
		where += localSpan(d.Window) + " "
	}
	return fmt.Sprintf("%s%s: %s: expected %s, found %s", where, d.Kind, d.Object, d.Expected, d.Found)
}

// End prints the totals, and what to do.
func (v *Verification) End(found engine.Verified) error {
	if v.asJSON {
		return v.endJSON(found)
	}
	var all engine.VerifiedStream
	for _, s := range found.Streams {
		all.Windows, all.Open, all.Expired = all.Windows+s.Windows, all.Open+s.Open, all.Expired+s.Expired
		all.Different, all.Extra = all.Different+s.Different, all.Extra+s.Extra
		all.Reopened, all.Removed = all.Reopened+s.Reopened, all.Removed+s.Removed
	}
	text := fmt.Sprintf("%s of %s compared: %s, %s of no window, %s of others.", number(all.Windows, "window"), number(len(found.Streams), "stream"),
		differing(all.Different), number(all.Extra, "file"), number(found.Foreign, "file"))
	if all.Open > 0 {
		text += fmt.Sprintf(" Not compared: %s, which a sync reads.", number(all.Open, "open window"))
	}
	if all.Expired > 0 {
		text += fmt.Sprintf(" %s past the tables' retention.", number(all.Expired, "window"))
	}
	if v.told > 0 {
		text = "\n" + text
	}
	_, err := fmt.Fprintln(v.w, text+v.remedy(all, found.Foreign))
	return err
}

// remedy says what to do next; nothing where nothing is to be done.
func (v *Verification) remedy(all engine.VerifiedStream, foreign int) (text string) {
	switch {
	case v.repair && all.Reopened > 0:
		text += fmt.Sprintf("\n%s reopened: run `windrow sync`, which reads them again%s.", number(all.Reopened, "window"), v.again())
	case !v.repair && all.Different > 0:
		text += "\nRun `windrow verify --repair`, then `windrow sync`: it reads the windows that differ again" + v.again() + "."
	}
	if v.repair && all.Removed > 0 {
		text += fmt.Sprintf("\n%s of no window removed.", number(all.Removed, "file"))
	}
	if !v.repair && all.Extra > 0 {
		text += "\nFiles of no window go with `windrow verify --repair` or, where the stream has a ledger, the next `windrow sync`. If the ledger is the one that is wrong or gone, restore _windrow/ledger first, or BigQuery's table _windrow_ledger."
	}
	if foreign > 0 {
		text += "\nMove the files that are not Windrow's out of the tables' folders."
	}
	return text
}

// again names the replay that makes windows again of the archive; nothing where there is none.
func (v *Verification) again() string {
	if !v.archived {
		return ""
	}
	return "; `windrow replay` before it makes those again that the archive has, without asking a vendor"
}

func (v *Verification) endJSON(found engine.Verified) error {
	totals := struct {
		Streams []engine.VerifiedStream `json:"streams"`
		Foreign int                     `json:"foreign"`
		Exit    int                     `json:"exit"`
	}{found.Streams, found.Foreign, found.Exit()}
	if totals.Streams == nil {
		totals.Streams = []engine.VerifiedStream{}
	}
	text, err := json.MarshalIndent(totals, "", "  ")
	if err != nil {
		return err
	}
	before := "\n  ],\n"
	if v.told == 0 {
		before = "{\n  \"differences\": [],\n"
	}
	_, err = fmt.Fprintf(v.w, "%s%s\n", before, text[2:]) // without its own brace
	return err
}

func differing(n int) string {
	if n == 0 {
		return "none differs"
	}
	return fmt.Sprintf("%d differ", n)
}

// number is a count of things.
func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}
