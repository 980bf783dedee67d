package pipeline

import "slices"

// Summary is what one run of sync did: its JSON document, and a line of the
// sink's record of runs.
type Summary struct {
	SyncID     SyncID          `json:"sync_id"`
	StartedAt  Instant         `json:"-"`
	FinishedAt Instant         `json:"-"`
	Streams    []StreamSummary `json:"streams"`
	Exit       int             `json:"exit"`
	// Receipt is what the run used of a sink that bills; nil for any other.
	Receipt *Receipt `json:"receipt,omitempty"`
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
	WarnDrift   WarningKind = "drift"   // a window lacks a field that the stream had before, or that was asked for
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
	r := RunRecord{Summary: s, StartedAt: s.StartedAt, FinishedAt: s.FinishedAt}
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
	s.StartedAt, s.FinishedAt = r.StartedAt, r.FinishedAt
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
