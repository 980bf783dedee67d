package report

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// State is what is known of a span of a stream's time.
type State string

const (
	Settled     State = "settled"     // committed after the vendor stopped restating it
	Empty       State = "empty"       // settled, and the vendor said that there was nothing
	Provisional State = "provisional" // committed, and read again until it is settled
	Open        State = "open"        // due, and not covered
	Failed      State = "failed"      // due, and its last reading failed
	Waived      State = "waived"      // given up by an operator's word
)

// States lists them, the good ones first.
var States = []State{Settled, Empty, Provisional, Waived, Open, Failed}

// Model is the report.
type Model struct {
	MadeAt  pipeline.Instant `json:"made_at"`
	Verdict string           `json:"verdict"`
	Good    bool             `json:"good"` // nothing is to be done
	// Ledger: no source is configured where the report was made, so that it is of the ledger's streams, and of what is due
	// only as far as something failed.
	Ledger  bool      `json:"ledger_alone"`
	Streams []Stream  `json:"streams"`
	Spans   []Span    `json:"spans"`
	Months  []Month   `json:"months"`
	Ages    []Age     `json:"ages"`
	Changes []Change  `json:"changes"`
	Volumes []Volume  `json:"volumes"`
	Rejects []Rejects `json:"rejects"`
	Runs    []Run     `json:"runs"`
	Missing []string  `json:"missing_nights"` // dates in UTC, between the first run shown and now, of which no run is recorded
	Lacks   []Lack    `json:"lacks"`
	Costs   []Cost    `json:"costs"`
	// Forecast is what the windows that are due now will use of a sink that bills; nil where none does.
	Forecast *pipeline.Estimate `json:"forecast,omitempty"`
	ToDo     []Task             `json:"todo"`
}

// Stream is where one stream stands.
type Stream struct {
	Stream      pipeline.StreamID  `json:"stream"`
	Account     pipeline.AccountID `json:"account"`
	Table       string             `json:"table"`
	Zone        string             `json:"zone"` // in which its days are cut; empty where it has no window
	Configured  bool               `json:"configured"`
	LeftOut     bool               `json:"-"`    // of one that is not configured: the choice of streams says so
	Late        bool               `json:"late"` // its lag is above the limit, or it never settled a window; of a stream that no run reads: false, where others are read
	Watermark   *pipeline.Instant  `json:"watermark"`
	LagSeconds  *int64             `json:"lag_seconds"`
	Settled     int                `json:"settled"`
	Provisional int                `json:"provisional"`
	Open        int                `json:"open"`
	Failed      int                `json:"failed"` // of those, the ones whose last reading failed
	Waived      int                `json:"waived"`
	Expired     int                `json:"expired"`
	Rows        int64              `json:"rows"`
	LastChange  *pipeline.Instant  `json:"last_change"` // when rows were last written
	LastLook    *pipeline.Instant  `json:"last_look"`   // when the vendor was last read
}

// Span is windows of one state that follow each other, cut in one zone. The spans of a stream overlap in one case alone: a
// window that is covered, and whose last reading failed, is of its state and Failed.
type Span struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	Start   pipeline.Instant   `json:"start"`
	End     pipeline.Instant   `json:"end"`
	Zone    string             `json:"zone"`
	State   State              `json:"state"`
	Windows int                `json:"windows"`
	// Reason is an operator's, of what is waived; empty unless it was asked for.
	Reason string `json:"reason,omitempty"`
}

// Month adds up the windows of a stream that begin in a local month.
type Month struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	Month   string             `json:"month"` // 2025-09
	Windows int                `json:"windows"`
	pipeline.Counts
	// Unreadable counts the values of the loaded rows that could not be read, by source field.
	Unreadable pipeline.FieldCounts `json:"unreadable"`
	// Derived: the rows are made of several source rows each, which Read counts.
	Derived bool `json:"derived"`
}

// Whole reports whether every row that was read is accounted for, as far as the stream's rows can be.
func (m Month) Whole() bool {
	return m.Derived || m.Read == m.Rows+m.Rejected+m.Outside+m.Duplicate
}

// Age is how long after their ends windows changed: Changes of so many days at most, of All.
type Age struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	Days    int                `json:"days"`
	Changes int                `json:"changes"` // up to and with Days
	All     int                `json:"all"`
	// Lookback is the trailing span that every run reads again, in days; 0 where it is not known.
	Lookback float64 `json:"lookback_days"`
}

// Change is a commit that replaced rows of a settled reading.
type Change struct {
	Stream         pipeline.StreamID     `json:"stream"`
	Account        pipeline.AccountID    `json:"account"`
	WindowStart    pipeline.Instant      `json:"window_start"`
	WindowEnd      pipeline.Instant      `json:"window_end"`
	ReadAt         pipeline.Instant      `json:"read_at"`
	PreviousReadAt pipeline.Instant      `json:"previous_read_at"`
	AfterSettle    bool                  `json:"after_settle"`
	RowsBefore     int64                 `json:"rows_before"`
	RowsAfter      int64                 `json:"rows_after"`
	Measures       map[string][2]float64 `json:"measures"`
}

// Volume is the rows of a stream by local day, of the last [volumeDays].
type Volume struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	Days    []Day              `json:"days"`
	Odd     []Day              `json:"odd"` // those that differ much from their median, the newest first
}

// Day is a local day with the rows of its windows, and the median of the same weekday in the eight weeks before; nil where
// fewer than three of those are known. Known is false where the day is not wholly covered.
type Day struct {
	Date   string   `json:"date"`
	Rows   int64    `json:"rows"`
	Median *float64 `json:"median"`
	Known  bool     `json:"known"`
}

// Rejects counts rejected rows by what was wrong with them.
type Rejects struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	Field   string             `json:"field"` // empty: the row as a whole
	Rows    int64              `json:"rows"`
}

// Run is a run. FinishedAt is nil where it never ended.
type Run struct {
	SyncID     pipeline.SyncID   `json:"sync_id"`
	StartedAt  pipeline.Instant  `json:"started_at"`
	FinishedAt *pipeline.Instant `json:"finished_at"`
	Exit       *int              `json:"exit"`
	Committed  int               `json:"committed"`
	Unchanged  int               `json:"unchanged"`
	Failed     int               `json:"failed"`
	Rows       int64             `json:"rows"`
	Rejected   int64             `json:"rejected"`
}

// Cost is what the runs of a night (2025-09-08, in UTC) or of a month (2025-09) used.
type Cost struct {
	Period      string `json:"period"`
	Runs        int    `json:"runs"`
	Jobs        int    `json:"jobs"`
	BytesBilled int64  `json:"bytes_billed"`
	SlotMillis  int64  `json:"slot_ms"`
}

// Lack is something that could not be read, so that the report does not tell of it.
type Lack struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	What    string             `json:"what"` // one of the constants below
}

// What a report can lack.
const (
	LacksLedger  = "ledger"
	LacksHistory = "history"
	LacksRuns    = "runs"
	LacksRejects = "rejects"
)

// Task is something that a person should do. The caller words the command.
type Task struct {
	Stream  pipeline.StreamID  `json:"stream"`
	Account pipeline.AccountID `json:"account"`
	What    string             `json:"what"`
	Command string             `json:"command"`
}

// Limits of what a model holds, so that a page of many years stays small.
const (
	mostRuns    = 90
	mostChanges = 200
	volumeDays  = 90
	weeks       = 8
	// costNights is how many nights are told one by one; months are told all.
	costNights = 31
)

// RejectsOf is how far back rejected rows are looked at one by one.
const RejectsOf = 90 * 24 * time.Hour
