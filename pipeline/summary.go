package pipeline

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// Summary is what one run did: its JSON document, and a line of the sink's record of runs.
type Summary struct {
	SyncID     SyncID          `json:"sync_id"`
	Command    Command         `json:"-"`
	StartedAt  Instant         `json:"-"`
	FinishedAt Instant         `json:"-"` // NoInstant: the run goes on, or was killed
	Streams    []StreamSummary `json:"streams"`
	Exit       int             `json:"exit"`
	// Receipt is what the run used of a sink that bills; nil for any other.
	Receipt *Receipt `json:"receipt,omitempty"`
}

// Command is what a run was to do.
type Command string

// The commands whose runs are recorded.
const (
	CommandSync   Command = "sync"
	CommandWaive  Command = "waive"
	CommandReplay Command = "replay"
)

// Begun is the record of a run at its beginning.
func Begun(id SyncID, command Command, started Instant) Summary {
	return Summary{SyncID: id, Command: command, StartedAt: started, FinishedAt: NoInstant, Streams: []StreamSummary{}}
}

// Finished reports whether the run came to its end. One that did not is under way, or was killed.
func (s Summary) Finished() bool { return s.FinishedAt != NoInstant }

// RunSchema is the schema of the sinks' tables of runs, of those columns that are for everybody.
var RunSchema = arrow.NewSchema([]arrow.Field{
	runColumn("sync_id", arrow.BinaryTypes.String, "the run", false),
	runColumn("command", arrow.BinaryTypes.String, "what it was to do: sync, waive, replay; null of runs of earlier versions"),
	runColumn("started_at", Timestamp, "when it began"),
	runColumn("finished_at", Timestamp, "when it ended; null: it never did, it was killed or is under way"),
	runColumn("exit", arrow.PrimitiveTypes.Int64, "its exit code"),
	runColumn("committed", arrow.PrimitiveTypes.Int64, "windows whose rows it wrote, or that it waived"),
	runColumn("unchanged", arrow.PrimitiveTypes.Int64, "windows that it read as they were"),
	runColumn("failed", arrow.PrimitiveTypes.Int64, "windows that failed"),
	runColumn("rows", arrow.PrimitiveTypes.Int64, "rows of the windows that it committed or found unchanged"),
	runColumn("rejected", arrow.PrimitiveTypes.Int64, "source rows of those windows that could not be loaded"),
}, nil)

func runColumn(name string, typ arrow.DataType, meaning string, nullable ...bool) arrow.Field {
	return arrow.Field{Name: name, Type: typ, Nullable: len(nullable) == 0, Metadata: arrow.NewMetadata([]string{"meaning"}, []string{meaning})}
}

// RunRow is a row of a table of runs, as [RunSchema] has it. What nobody knows is nil.
type RunRow struct {
	SyncID     SyncID   `json:"sync_id"`
	Command    *Command `json:"command"`
	StartedAt  *Instant `json:"started_at"`
	FinishedAt *Instant `json:"finished_at"`
	Exit       *int64   `json:"exit"`
	Committed  *int64   `json:"committed"`
	Unchanged  *int64   `json:"unchanged"`
	Failed     *int64   `json:"failed"`
	Rows       *int64   `json:"rows"`
	Rejected   *int64   `json:"rejected"`
}

// Row is the run as a row of a table. Of one that never finished nobody knows what it has done.
func (s Summary) Row() RunRow {
	r := RunRow{SyncID: s.SyncID}
	if s.Command != "" {
		r.Command = &s.Command
	}
	if s.StartedAt != NoInstant {
		r.StartedAt = &s.StartedAt
	}
	if !s.Finished() {
		return r
	}
	var exit, committed, unchanged, failed, rows, rejected int64
	exit = int64(s.Exit)
	for _, of := range s.Streams {
		committed += int64(of.Committed)
		unchanged += int64(of.Unchanged)
		failed += int64(of.Failed)
		rows += of.Rows
		rejected += of.Rejected
	}
	r.FinishedAt, r.Exit, r.Committed, r.Unchanged, r.Failed, r.Rows, r.Rejected = &s.FinishedAt, &exit, &committed, &unchanged, &failed, &rows, &rejected
	return r
}

// Counts are the row's numbers, in the order of their columns.
func (r RunRow) Counts() [6]*int64 {
	return [...]*int64{r.Exit, r.Committed, r.Unchanged, r.Failed, r.Rows, r.Rejected}
}

// StreamSummary is one stream's part of a [Summary]. Committed, Unchanged,
// Yielded, Failed and Awaited count windows; the others count source rows.
type StreamSummary struct {
	Stream    StreamID  `json:"stream"`
	Account   AccountID `json:"account"`
	Committed int       `json:"committed"`
	Unchanged int       `json:"unchanged"`
	Yielded   int       `json:"yielded"`
	Failed    int       `json:"failed"`
	Awaited   int       `json:"awaited,omitempty"` // nothing has come for them yet: they stay as they are
	Read      int64     `json:"read"`
	Rows      int64     `json:"rows"`
	Kept      int64     `json:"kept"` // of Rows, those of unchanged windows: nothing was written for them
	Rejected  int64     `json:"rejected"`
	Outside   int64     `json:"outside"`
	Duplicate int64     `json:"duplicate"`
	// Unreadable counts the values of the loaded rows that could not be read, by source field.
	Unreadable FieldCounts `json:"unreadable,omitempty"`
	// Uncatalogued names the metrics of committed windows that no mapping names, of streams with a Catalogue.
	Uncatalogued []string `json:"uncatalogued,omitempty"`
	// Errors has an entry for each failed window.
	Errors []WindowError `json:"errors"`
	// Warnings tell of committed windows that hold less than anybody would expect.
	Warnings []Warning `json:"warnings,omitempty"`
}

// WarningKind says what is unusual.
type WarningKind string

const (
	WarnShrunk  WarningKind = "shrunk"  // a settled window was read again and has lost more than half of its rows
	WarnSilent  WarningKind = "silent"  // a day has no row, and each of the seven days before has some
	WarnFew     WarningKind = "few"     // a window has less than a tenth of the rows of the same weekday before
	WarnDrift   WarningKind = "drift"   // a window lacks a field that the stream had before, or that was asked for, or any measure
	WarnUnheard WarningKind = "unheard" // a stream, or a name that it asks for, had no row in its first seven windows
)

// Warning tells of something that a vendor can mean but rarely does. Nothing follows from it.
type Warning struct {
	Kind        WarningKind `json:"kind"`
	WindowStart Instant     `json:"window_start"`
	WindowEnd   Instant     `json:"window_end"`
	Zone        string      `json:"zone,omitempty"` // in which the window was cut
	Message     string      `json:"message"`
}

// Add counts the source rows of one window, and their values that could not be read.
func (s *StreamSummary) Add(e *Entry) {
	c := e.Counts
	s.Read += c.Read
	s.Rows += c.Rows
	s.Rejected += c.Rejected
	s.Outside += c.Outside
	s.Duplicate += c.Duplicate
	s.Unreadable.AddAll(e.Unreadable)
}

// WindowError tells why a window failed, in words for a person, which do not
// name the stream and the window again.
type WindowError struct {
	WindowStart Instant `json:"window_start"`
	WindowEnd   Instant `json:"window_end"`
	ErrorKind   string  `json:"error_kind"` // as [ErrorKind] tells it
	Message     string  `json:"message"`
	// Zone is that in which the window was cut; empty where nobody knows.
	Zone string `json:"-"`
	// Remedy says what closes the window.
	Remedy Remedy `json:"-"`
	// Rejects are the first of the rejected rows of the reading that failed, with texts that are cut. They are for whoever
	// asks for them: no document of a summary has them, a [RunRecord] does.
	Rejects []Reject `json:"-"`
}

// RunRecord is a run as a sink keeps it: its summary, and what the summary's own document leaves out.
type RunRecord struct {
	Summary
	Command       Command         `json:"command,omitempty"`
	StartedAt     Instant         `json:"started_at"`
	FinishedAt    Instant         `json:"finished_at"`
	FailedRejects []failedRejects `json:"failed_rejects,omitempty"`
}

// failedRejects are the first rejects of one failed window.
type failedRejects struct {
	Stream      StreamID         `json:"stream"`
	Account     AccountID        `json:"account"`
	WindowStart Instant          `json:"window_start"`
	WindowEnd   Instant          `json:"window_end"`
	Rejects     []recordedReject `json:"rejects"`
}

// recordedReject is a [Reject] in JSON.
type recordedReject struct {
	Scope  string  `json:"scope,omitempty"`
	Row    int64   `json:"position"`
	At     Instant `json:"row_time"` // empty: none
	Reason string  `json:"reason"`
	Raw    string  `json:"raw,omitempty"`
	Field  string  `json:"field,omitempty"`
	Shape  string  `json:"shape,omitempty"`
}

// RecordOf is the record of a run.
func RecordOf(s Summary) RunRecord {
	r := RunRecord{Summary: s, Command: s.Command, StartedAt: s.StartedAt, FinishedAt: s.FinishedAt}
	for _, of := range s.Streams {
		for _, e := range of.Errors {
			if len(e.Rejects) == 0 {
				continue
			}
			f := failedRejects{Stream: of.Stream, Account: of.Account, WindowStart: e.WindowStart, WindowEnd: e.WindowEnd}
			for _, one := range e.Rejects {
				f.Rejects = append(f.Rejects, recordedReject{one.Scope, one.Row, one.At, one.Reason, one.Raw, one.Field, one.Shape})
			}
			r.FailedRejects = append(r.FailedRejects, f)
		}
	}
	return r
}

// Run is the run that was recorded, without what no record keeps.
func (r RunRecord) Run() Summary {
	s := r.Summary
	s.Command, s.StartedAt, s.FinishedAt = r.Command, r.StartedAt, r.FinishedAt
	for _, f := range r.FailedRejects {
		e := s.failure(StreamKey{Account: f.Account, Stream: f.Stream}, Span{Start: f.WindowStart, End: f.WindowEnd})
		if e == nil {
			continue
		}
		for _, one := range f.Rejects {
			e.Rejects = append(e.Rejects, Reject{Row: one.Row, At: one.At, Reason: one.Reason, Raw: one.Raw, Scope: one.Scope, Field: one.Field, Shape: one.Shape})
		}
	}
	return s
}

// failure is what the summary tells of a failed window; nil where it tells nothing.
func (s Summary) failure(k StreamKey, w Span) *WindowError {
	for i := range s.Streams {
		if of := &s.Streams[i]; of.Stream == k.Stream && of.Account == k.Account {
			j := slices.IndexFunc(of.Errors, func(e WindowError) bool { return e.WindowStart == w.Start && e.WindowEnd == w.End })
			if j >= 0 {
				return &of.Errors[j]
			}
		}
	}
	return nil
}

// Counted writes "1 row", "2 rows".
func Counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
