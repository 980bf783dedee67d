package show

import (
	"fmt"
	"io"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// columns is how wide a terminal is at least.
const columns = 80

// Rejects prints rejected rows as they are found: window by window, two lines each, or the items of a JSON array. It keeps
// none.
type Rejects struct {
	w      io.Writer
	array  *array // nil: for people
	window heading
	// rows and windows count what was told, failed the windows of it that failed.
	rows, windows, failed int
}

// heading is what stands above the rows of a window.
type heading struct {
	key    pipeline.StreamKey
	window pipeline.Window
	failed bool
}

// NewRejects prints to w.
func NewRejects(w io.Writer, asJSON bool) *Rejects {
	r := &Rejects{w: w}
	if asJSON {
		r.array = &array{w: w}
	}
	return r
}

// reject is the JSON of one. The names are those of the sinks' columns.
type reject struct {
	Source      pipeline.SourceID  `json:"source"`
	Account     pipeline.AccountID `json:"account"`
	Stream      pipeline.StreamID  `json:"stream"`
	WindowStart pipeline.Instant   `json:"window_start"`
	WindowEnd   pipeline.Instant   `json:"window_end"`
	Failed      bool               `json:"failed"` // of a reading that was not committed
	Scope       *string            `json:"scope"`
	Position    int64              `json:"position"`
	Reason      string             `json:"reason"`
	Field       *string            `json:"field"` // null where the row as a whole is wrong, and of rejects of earlier versions
	Shape       *string            `json:"shape"`
	Raw         *string            `json:"raw"` // null where personal data are not kept
	RowTime     *pipeline.Instant  `json:"row_time"`
	ExtractedAt *pipeline.Instant  `json:"extracted_at"` // null of a failed window
	SyncID      pipeline.SyncID    `json:"sync_id"`
}

// Tell prints one reject.
func (v *Rejects) Tell(r engine.ListedReject) error {
	h := heading{r.Key, r.Window, r.Failed}
	fresh := v.rows == 0 || h != v.window
	if v.rows++; fresh {
		v.window = h
		if v.windows++; r.Failed {
			v.failed++
		}
	}
	if v.array != nil {
		return v.array.add(rejectOf(r))
	}
	if fresh {
		before, state := "\n", "committed"
		if v.windows == 1 {
			before = ""
		}
		if r.Failed {
			state = "failed, not committed"
		}
		if _, err := fmt.Fprintf(v.w, "%s%s\n", before, inColumns(name(r.Key.Stream, r.Key.Account)+"  "+localSpan(r.Window)+"  "+state, columns)); err != nil {
			return err
		}
	}
	where := fmt.Sprintf("  row %d", r.Row)
	if r.Scope != "" {
		where += " of " + r.Scope
	}
	reason := r.Reason
	if r.Shape != "" {
		reason += ", a value of the shape " + r.Shape
	}
	if _, err := fmt.Fprintln(v.w, inColumns(where+": "+reason, columns)); err != nil || r.Raw == "" {
		return err
	}
	_, err := fmt.Fprintln(v.w, "    "+inColumns(r.Raw, columns-4))
	return err
}

func rejectOf(r engine.ListedReject) reject {
	one := reject{
		Source: r.Key.Stream.Source(), Account: r.Key.Account, Stream: r.Key.Stream, WindowStart: r.Window.Start, WindowEnd: r.Window.End,
		Failed: r.Failed, Position: r.Row, Reason: r.Reason, SyncID: r.Entry.SyncID,
	}
	if r.Scope != "" {
		one.Scope = &r.Scope
	}
	if r.Field != "" {
		one.Field, one.Shape = &r.Field, &r.Shape
	}
	if r.Raw != "" {
		one.Raw = &r.Raw
	}
	if r.At != pipeline.NoInstant {
		one.RowTime = &r.At
	}
	if !r.Failed {
		one.ExtractedAt = &r.Entry.ExtractedAt
	}
	return one
}

// End prints how many there were, and what to do.
func (v *Rejects) End() error {
	if v.array != nil {
		return v.array.end()
	}
	if v.rows == 0 {
		_, err := fmt.Fprintln(v.w, "No row was rejected.")
		return err
	}
	text := fmt.Sprintf("\n%s in %s.", plural(v.rows, "rejected row"), plural(v.windows, "window"))
	if v.failed > 0 {
		text += fmt.Sprintf(" Of a failed window the first %d are kept, and the next `windrow sync` reads it again.", pipeline.ShownRejects)
	}
	_, err := fmt.Fprintln(v.w, text)
	return err
}
