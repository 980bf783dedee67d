package pipeline

import (
	"context"
	"io"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// Sink stores windows. A window is staged out of sight and becomes visible,
// together with its ledger entry, in Commit.
//
// All methods are safe for concurrent use, also by several processes.
type Sink interface {
	// Ledger reads what is known of one stream. A stream never seen has an empty ledger.
	Ledger(ctx context.Context, k StreamKey) (*Ledger, error)
	// Record appends ledger entries that come without data: origin, failure,
	// waiver. They are durable when it returns.
	Record(ctx context.Context, k StreamKey, entries ...Entry) error
	// Stage begins to collect the rows of one window. Nothing is visible before Commit.
	Stage(ctx context.Context, k StreamKey, t *Table, w Window) (Stage, error)
	// Commit makes sealed windows, of any streams and tables, durable together
	// with their entries, replacing whatever the tables held for them and for the
	// windows that they supersede. It never fails as a whole: every window has its
	// own Result, in order. A window whose fingerprint, rejects and bounds equal what
	// is committed writes no data (Unchanged). A window of which the ledger has a
	// newer reading (by ReadAt) is left alone (Yielded). After an error the
	// window is open, and the next commit of it repairs what this one left.
	// Commit ends every stage that it was given: no Abort is owed.
	Commit(ctx context.Context, sealed []Sealed) []Result
}

// Stage collects one window's rows.
type Stage interface {
	// Append adds rows: columns as in the table's StageSchema. It may be called
	// concurrently and encodes in the caller's goroutine; at Seal the row groups
	// are ordered by seq, which is unique. The record stays the
	// caller's, and its memory is used again as soon as Append returns.
	Append(ctx context.Context, seq int, rec arrow.Record) error
	// Reject adds rejected rows.
	Reject(ctx context.Context, rejects []Reject) error
	// Seal ends the collection; everything is on stable storage but not visible.
	// It returns about how many bytes it takes there.
	Seal(ctx context.Context) (staged int64, err error)
	// Abort drops the stage. It is idempotent, and harmless after Commit.
	Abort() error
}

// Sealed is a window ready to be committed.
type Sealed struct {
	Stage Stage
	Key   StreamKey
	Table *Table
	Entry Entry // of kind Commit, complete but for CommittedAt and Unchanged
}

// Outcome says what Commit did with a window.
type Outcome uint8

const (
	// Committed: the table now holds exactly this extraction's rows.
	Committed Outcome = iota
	// Unchanged: it already did; only the ledger was told.
	Unchanged
	// Yielded: a newer reading is committed; this one was dropped.
	Yielded
	// Failed: see the error; the window is open.
	Failed
)

// Result is what became of one window.
type Result struct {
	Outcome Outcome
	Entry   Entry // as it stands in the ledger, where one was written
	Err     error // with Failed
}

// Journal remembers requests that must not be repeated, beside the ledger.
type Journal interface {
	// Add makes the note durable before it returns; the request that it
	// describes is sent only afterwards.
	Add(ctx context.Context, n Note) error
	// Since returns the notes of a tenant from t on, by all processes, oldest first.
	Since(ctx context.Context, k TenantKey, t time.Time) ([]Note, error)
}

// Note is one journal entry. It holds no secret.
type Note struct {
	Tenant TenantKey `json:"-"`
	At     time.Time `json:"at"` // by the real clock
	Kind   string    `json:"kind"`
	Text   string    `json:"text,omitempty"`
}

// Store is everything a sink package offers.
type Store interface {
	Sink
	Journal
	// AppendRun records the summary of one finished run.
	AppendRun(ctx context.Context, s Summary) error
	// Check proves that the sink can be written to.
	Check(ctx context.Context) error
	// Streams lists the streams that have a ledger.
	Streams(ctx context.Context) ([]StreamKey, error)
	io.Closer
}
