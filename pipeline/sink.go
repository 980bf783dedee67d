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
	// Ledger reads what is known of one stream, as of now: every entry that was durable when the call began is in it. A
	// stream never seen has an empty ledger. The ledger may be kept and read by several goroutines; nobody applies entries
	// to it. The sink retries what its store calls passing, within ctx; errors are *[Error] of kind SinkFailed,
	// Unavailable or Unauthorized. A ledger that cannot be read whole is an error, never an empty one.
	Ledger(ctx context.Context, k StreamKey) (*Ledger, error)
	// Record appends ledger entries that come without data: origin, first day, failure, waiver. The entries are durable,
	// in their order, when it returns nil; after an error any of them may be. The sink retries as in Ledger. It may be
	// called beside a Commit of the same stream and waits for that one's turn at most.
	Record(ctx context.Context, k StreamKey, entries ...Entry) error
	// Stage begins to collect the rows of one window, out of everybody's sight. It is cheap and does not wait for other
	// stages: a backfill opens thousands. The caller ends each stage with a Commit or with Abort. A stage that a dead
	// process left is removed by a later run. Several stages of the same window may exist at once, also in several
	// processes. ctx bounds the call alone, not the stage's life.
	Stage(ctx context.Context, k StreamKey, t *Table, w Window) (Stage, error)
	// Commit makes sealed windows, of any streams and tables, durable together
	// with their entries, replacing whatever the tables held for them and for the
	// windows that they supersede. It never fails as a whole: every window has its
	// own Result, in order. A window whose fingerprint, rejects and bounds equal what
	// is committed writes no data (Unchanged). A window of which the ledger has a
	// newer reading ([Entry.NewerThan]) is left alone (Yielded). A window of an Owner that contradicts that of its stream's
	// ledger fails as OtherTenant, and writes nothing; where the ledger knows less of the owner, the commit notes it,
	// together with the first of the stream's windows. After an error the
	// window is open, and the next commit of it repairs what this one left.
	// Commit ends every stage that it was given: no Abort is owed. The sink retries what its store calls passing; the
	// engine calls it for one group after the other, and other processes beside it. It may block for as long as
	// the store needs and another process holds what it needs; when ctx ends it returns soon, with Failed for what is not
	// durable.
	Commit(ctx context.Context, sealed []Sealed) []Result
}

// Stage collects one window's rows.
type Stage interface {
	// Append adds rows: columns as in the table's StageSchema, where strings that repeat may come as a dictionary. It may
	// be called concurrently, by several workers, and encodes in the caller's goroutine; at Seal the row groups are
	// ordered by seq, which is unique. The record stays the caller's, and its memory is used again as soon as Append
	// returns, so nothing of it may be kept. After an error, of kind SinkFailed, the stage takes nothing more and Seal
	// fails; nobody retries an Append.
	Append(ctx context.Context, seq int, rec arrow.Record) error
	// Reject adds rejected rows. It may be called concurrently, also beside Append; their order is that of the calls. The
	// rejects stay the caller's. A sink bounds what it keeps of them in memory, whatever their number. Errors are as those
	// of Append.
	Reject(ctx context.Context, rejects []Reject) error
	// Seal ends the collection, once, after every Append and Reject has returned: everything is on stable storage but not
	// visible. It returns about how many bytes it takes there. A stage that is sealed waits for its Commit for as long as
	// the process lives. It may block for as long as the store needs. After an error the stage is only good for Abort.
	Seal(ctx context.Context) (staged int64, err error)
	// Abort drops the stage and what it holds. It is idempotent, harmless after Commit, and may be called in any state,
	// but not beside another call of the stage. What it cannot remove is left to a later run and told as an error, which
	// the caller may ignore. It does not block on other processes.
	Abort() error
}

// Sealed is a window ready to be committed.
type Sealed struct {
	Stage Stage
	Key   StreamKey
	Table *Table
	Entry Entry // of kind Commit, complete but for CommittedAt and Unchanged
	// Owner is whose rows they are, as far as the run knows. The owners of one commit do not contradict each other.
	Owner Owner
}

// Outcome says what Commit did with a window.
type Outcome uint8

const (
	// Committed: the table now holds exactly this extraction's rows.
	Committed Outcome = iota
	// Unchanged: the table held exactly these rows already; only the ledger was told.
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
	// Add makes the note durable before it returns; the request that it describes is sent only afterwards, and not at all
	// after an error, even though the note may then stand. Notes are never changed or taken back. Several goroutines and
	// processes add at once. The sink retries what its store calls passing, within ctx, and may block for one write of the
	// store. Errors are those of [Sink].
	Add(ctx context.Context, n Note) error
	// Since returns the notes of a tenant from t on, by all processes, oldest first: every note whose Add had returned
	// when the call began. The list is the caller's. It may block for one listing of the store. Callers ask for a span
	// that is bounded by a quota's, a day at most, so that what is read does not grow with the years: a sink may forget
	// notes that are a week older than the newest. Errors are those of [Sink]; a journal that cannot be read whole is an
	// error.
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
	// AppendRun records a run, durably when it returns nil: its beginning ([Begun]), before anything is asked of a vendor
	// or written, and its end, which takes the place of the beginning, last, also when a signal has stopped the run. So a
	// run that was killed is on record as one that never finished. A run's two records come of one process, one after the
	// other; several processes record theirs at once. The sink retries as in Ledger and may block for one write of the
	// store. Errors are those of [Sink]; what the run has committed stands all the same.
	AppendRun(ctx context.Context, s Summary) error
	// Check proves that the sink can be written to and read, by the cheapest writes that prove it, and removes what it
	// wrote. It starts no sync and changes no table. It may be called beside anything. Errors are *[Error] with a hint:
	// Unauthorized where access was refused, Invalid where the address is wrong.
	Check(ctx context.Context) error
	// Streams lists the streams that have a ledger, in no order, also of sources that are not configured any more. It may
	// block for one listing of the store. The list is the caller's. A sink never written to has none, and asking creates
	// nothing.
	Streams(ctx context.Context) ([]StreamKey, error)
	io.Closer
}

// groupWindows bounds a group commit where the [Grouping] does not.
const groupWindows = 256

// Grouping says when a group of sealed windows is committed: by a sink whose
// commits are dear, many windows at once. A group closes when one of the bounds
// is reached, and when no window that could join it is under way.
type Grouping struct {
	Windows int           // at most so many windows; 0 means 256
	Bytes   int64         // at so many staged bytes; 0 means any
	After   time.Duration // so long after its first window was sealed; 0 means at once
}

// WindowLimit is how many windows a group has at most.
func (g Grouping) WindowLimit() int {
	if g.Windows > 0 {
		return g.Windows
	}
	return groupWindows
}

// Full reports whether a group of so many staged bytes is to close.
func (g Grouping) Full(bytes int64) bool { return g.Bytes > 0 && bytes >= g.Bytes }

// Receipt is what a run used of a sink that bills, as far as the sink was told.
type Receipt struct {
	LoadJobs    int   `json:"load_jobs"`
	QueryJobs   int   `json:"query_jobs"`
	BytesStaged int64 `json:"bytes_staged"` // sent to load jobs
	BytesBilled int64 `json:"bytes_billed"`
	SlotMillis  int64 `json:"slot_ms"`
}

// Meter is a [Store] that bills.
type Meter interface {
	// Receipt sums up what was used since the store was opened, by this process alone, failed jobs included. It asks
	// nobody and does not block, may be called at any time, also beside a Commit and after the store was closed, and never
	// falls. What the sink was not told, because an answer was lost, is missing.
	Receipt() Receipt
	// Estimate says about what committing the planned windows will use, as if every one of them had changed. It reads
	// tables' metadata at most, runs no job, bills nothing and makes nothing. It obeys ctx, may be called beside anything
	// and keeps nothing of plan; the answer is the caller's. The sink retries as in [Sink]'s Ledger, and errors are those
	// of [Sink]: where nothing can be asked there is no estimate.
	Estimate(ctx context.Context, plan []PlannedStream) (Estimate, error)
}

// Estimate is what a plan will use of a sink that bills.
type Estimate struct {
	LoadJobs    int   `json:"load_jobs"`
	QueryJobs   int   `json:"query_jobs"`
	BytesBilled int64 `json:"bytes_billed"`
	// Warnings name each quota that the plan comes near, with the remedy.
	Warnings []string `json:"warnings"`
}
