package pipeline

import (
	"cmp"
	"context"
	"iter"
	"time"
)

// The read side of a sink: what reports, histories and verifications look at. Each of these is an ability that a
// [Store] may have beside those it must have, found by a type assertion like [Meter]. None of them writes anything,
// none needs a vendor, and all may be called while a sync is running, by any number of goroutines and processes.
//
// Iterators end at the first error, which is their last pair, and at the end of their context. A consumer may leave the
// loop at any time. What an iterator yields belongs to the consumer.

// RunReader is a [Store] that tells what past runs did.
type RunReader interface {
	// Runs yields the records of the runs that started at from or later ([NoInstant]: of all runs), oldest first, runs of
	// the same instant by sync id. A run that was recorded twice comes once, as it was recorded last. Fields that a
	// Summary does not keep outside of its run (Vendor of a window's error) are empty. A run that is recorded meanwhile
	// may be missing. The memory needed is that of the records, which count streams and failed windows and have no rows.
	// Storage that cannot be read is an error of a kind that [Retryable] knows; the store has retried it already.
	Runs(ctx context.Context, from Instant) iter.Seq2[Summary, error]
}

// ByStart orders the records of runs as [RunReader] yields them.
func ByStart(a, b Summary) int {
	return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.SyncID, b.SyncID))
}

// RejectReader is a [Store] that shows the rejected rows of its windows.
type RejectReader interface {
	// WindowRejects yields the rejects of a committed window, as the ledger has it with its zone, in the order in which
	// they were staged. A window without rejects, and one that the sink does not hold, has none, which is no error: what a
	// window should have, the ledger's counts tell. Bytes of Raw and Reason that are not UTF-8 may have come back as \xNN.
	// A window that is committed again meanwhile yields the rejects of one reading, never of both. Raw is a vendor's row
	// and may hold personal data: it goes nowhere but to whoever asked. Rejects are read in pieces, so a window of nothing
	// but rejects needs no more memory than any other.
	WindowRejects(ctx context.Context, k StreamKey, t *Table, w Window) iter.Seq2[Reject, error]
}

// Retention is how long a sink keeps the rows of a local day, by the wish of the table's owner; 0 means for good.
type Retention time.Duration

// Expired reports whether a day of the window is older than the retention, counted from the day's midnight in UTC. Such
// a window is neither read again nor missed, and nothing can be stored for it.
func (r Retention) Expired(w Window, now time.Time) bool {
	if r <= 0 {
		return false
	}
	loc, err := w.Location()
	if err != nil {
		return false // who reads or stores the window says so
	}
	year, month, day := w.Start.In(loc).Date()
	return !time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(time.Duration(r)).After(now)
}

// Keeper is a [Store] in which rows may expire.
type Keeper interface {
	// Retention returns how long the table keeps its rows now; 0 where they never expire, and where there is no table yet.
	// It reads metadata alone: it runs no job and is billed nothing. Its owner may change it at any time, so that an
	// answer holds for a run and is asked for again by the next. A commit of rows into an expired window fails as Invalid,
	// whatever was asked before; an expired window that reads as before is Unchanged, whatever the table holds of it.
	Retention(ctx context.Context, t *Table) (Retention, error)
}

// Holdings is what a sink holds for one window.
type Holdings struct {
	Rows     int64 `json:"rows"`
	Rejected int64 `json:"rejected"`
	// Bytes is about what rows and rejects occupy in the sink, after compression; 0 where the sink cannot tell it by
	// window.
	Bytes int64 `json:"bytes"`
}

// HoldingsReader is a [Store] that tells what its tables hold, whatever the ledger says.
type HoldingsReader interface {
	// Holdings counts what the table and the rejects hold for a window, as the ledger has it with its zone; zero for a
	// window of which the sink has nothing. It looks at the stored data and not at the ledger, and it reads no row: of a
	// file the footer, of a table the metadata or a count. Between the begin and the end of a commit it may see either
	// reading, of rows and of rejects independently. Data that cannot be understood are an error of kind [SinkFailed],
	// whose message names the object; nothing is repaired. It blocks for as long as the storage takes to answer, at most a
	// few small reads, and obeys its context.
	Holdings(ctx context.Context, k StreamKey, t *Table, w Window) (Holdings, error)
}

// Stranger is an object among the tables' that the sink did not make.
type Stranger struct {
	Name string `json:"name"` // beneath the sink's root
	// Harmful: whoever reads the table may take the object for a part of it, or may miss what lies behind it.
	Harmful bool `json:"harmful"`
}

// StrangerLister is a [Store] whose tables lie where others can put something.
type StrangerLister interface {
	// Strangers yields what lies among the tables and has no name of a window's, in no order. A window's file that the ledger
	// does not know is none: the commits that overlap it remove it. A commit that runs meanwhile is no stranger. It reads
	// names alone, and takes time as the windows are many; memory is that of one folder's names. A storage that cannot be
	// listed is an error of kind [SinkFailed].
	Strangers(ctx context.Context) iter.Seq2[Stranger, error]
}
