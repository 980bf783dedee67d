package pipeline

import (
	"cmp"
	"context"
	"iter"
	"slices"
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
	// Runs yields the records of the runs that started at from or later ([NoInstant]: of all runs), of these the last
	// ones (0: all), oldest first, runs of the same instant by sync id. A run comes once, as it was recorded last; one of
	// which only the beginning is recorded is not Finished. What no
	// [RunRecord] keeps (Remedy of a window's error) is empty. A run that is recorded meanwhile
	// may be missing. The memory needed is that of the records, which count streams and failed windows and have no rows.
	// Storage that cannot be read is an error of a kind that [Retryable] knows; the store has retried it already.
	Runs(ctx context.Context, from Instant, last int) iter.Seq2[Summary, error]
}

// LastRuns sorts records of runs as [RunReader] yields them, and leaves the last ones (0: all).
func LastRuns(runs []Summary, last int) []Summary {
	slices.SortFunc(runs, ByStart)
	if last > 0 && last < len(runs) {
		runs = runs[len(runs)-last:]
	}
	return runs
}

// ByStart orders the records of runs as [RunReader] yields them.
func ByStart(a, b Summary) int {
	return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.SyncID, b.SyncID))
}

// RejectReader is a [Store] that shows the rejected rows of its windows.
type RejectReader interface {
	// WindowRejects yields the rejects of committed windows of a stream, as the ledger has them with their zones, window by
	// window in the given order, which is that of time; those of a window in the order in which they were staged, or by
	// scope and row where the sink keeps no order. A window without rejects, and one that the sink does not hold, has none,
	// which is no error: what a window should have, the ledger's counts tell. Field and Shape are empty where an earlier
	// version has written them. Bytes of Raw and Reason that are not UTF-8 may have come back as \xNN. A window that is committed again meanwhile yields the rejects
	// of one reading, never of both. Raw is a vendor's row and may hold personal data: it goes nowhere but to whoever
	// asked. Rejects are read in pieces, so a window of nothing but rejects needs no more memory than any other. A sink
	// that bills asks once for all windows.
	WindowRejects(ctx context.Context, k StreamKey, windows []Window) iter.Seq2[WindowReject, error]
}

// WindowReject is a reject and the window that it was read for.
type WindowReject struct {
	Window Window
	Reject
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
	// StrangersBeside yields what lies where the sink keeps its ledger, its records and what it works with, and has no name of
	// anything of its own, in no order. Nobody reads it, so none is Harmful. Cost and errors are those of Strangers.
	StrangersBeside(ctx context.Context) iter.Seq2[Stranger, error]
	// Seen lists the streams of which there are windows, by name: those that the last call of Strangers that came to its end
	// saw, and where there was none, those that a look finds which passes over the windows of a stream that it knows.
	Seen(ctx context.Context) ([]StreamKey, error)
}

// Depth is how far a verification looks.
type Depth uint8

const (
	// ByListing compares what the storage tells without opening anything: which windows are there, and their bytes.
	ByListing Depth = iota
	// ByCounts compares the numbers of rows and rejects too.
	ByCounts
	// ByRows reads every row and reject, and compares the fingerprints too.
	ByRows
)

// Verification is what a [Verifier] is asked for.
type Verification struct {
	Depth Depth
	// Wants chooses windows; nil: all. It is called for windows of the ledger and, with the zone of the stream's windows,
	// for what belongs to none. It may be called by several goroutines.
	Wants func(Window) bool
	// Snapshot reports which members of extras no fingerprint counts: [SnapshotFormat]. It may be called by several
	// goroutines; nil: all count.
	Snapshot func(name []byte) bool
}

// DifferenceKind says how a table differs from its ledger.
type DifferenceKind string

const (
	DiffMissing     DifferenceKind = "missing"     // the ledger has rows or rejects, and the table has nothing of the window
	DiffUnexpected  DifferenceKind = "unexpected"  // the table has something of the window, and the ledger says nothing
	DiffBytes       DifferenceKind = "bytes"       // the object is of another size
	DiffRows        DifferenceKind = "rows"        // another number of rows
	DiffRejects     DifferenceKind = "rejects"     // another number of rejects, or other rejects
	DiffFingerprint DifferenceKind = "fingerprint" // as many rows, but others
	DiffUnreadable  DifferenceKind = "unreadable"  // the object cannot be understood
	DiffExtra       DifferenceKind = "extra"       // an object that is named as a window's and belongs to none
	DiffUnknown     DifferenceKind = "unknown"     // this version does not know the stream
	DiffForeign     DifferenceKind = "foreign"     // an object among the tables' that is not Windrow's
)

// Difference is one thing in which a table differs from its ledger.
type Difference struct {
	Kind DifferenceKind
	// Window is the ledger's; with DiffExtra what the object's name says, with DiffForeign none.
	Window Window
	// Entry is the commit of the window that was found wanting: what a repair reopens. With DiffExtra and DiffForeign none.
	Entry Entry
	// Object is what was looked at: a file beneath the sink's root, a table.
	Object string
	// Expected and Found say it in a few words each: "24 rows", "no file". They hold no value of a row.
	Expected, Found string
}

// Verifier is a [Store] whose tables can be compared with the ledger.
type Verifier interface {
	// Verify compares the windows of a stream with what the table and the rejects hold, and yields the differences: those
	// of windows in the order of the windows, one or several for each; DiffExtra after them. Windows whose content is
	// unknown ([Ledger.Dirty]) are left out: the ledger claims nothing of them, and a sync reads them. l is the stream's
	// ledger, as the caller has read it. Nothing is told on the word of an old ledger: what differs is compared once more
	// with the ledger as it is then, so that a commit beside the verification is no difference. It writes nothing, needs
	// memory that does not grow with the windows, and looks at several windows at once, as many as there are processors. The
	// first error is the last pair: of kind Damaged where the ledger cannot be read again, of kind SinkFailed where the
	// storage fails. An object that cannot be understood is a difference and no error.
	Verify(ctx context.Context, k StreamKey, t *Table, l *Ledger, how Verification) iter.Seq2[Difference, error]
}

// Sweeper is a [Store] in which objects can lie that are named as a window's and belong to no window of the ledger, as
// after a ledger was restored from a copy.
type Sweeper interface {
	// Holders lists the streams of which there are such objects or windows, whether they have a ledger or not, in no order.
	Holders(ctx context.Context) ([]StreamKey, error)
	// Sweep removes those objects of one stream, by the ledger as it is then, and returns their names. What a commit beside
	// it has begun to write is not among them. A ledger that cannot be read removes nothing. It waits like a commit for
	// whoever else writes, but only where there is something to remove. The first sweep of a stream after the strangers were
	// listed need not list again: what somebody put there in between may wait for the next one.
	Sweep(ctx context.Context, k StreamKey, t *Table) (removed []string, err error)
}

// View is a view over the tables of a sink, for who reads them with SQL.
type View struct {
	Name        string
	Description string // its grain and its formula
	SQL         string // DuckDB: the statement that makes it; BigQuery: its query
}

// ViewKeeper is a [Store] beside whose tables views can be kept.
type ViewKeeper interface {
	// Views returns the views as they would be kept now, each behind those that it reads, and script, which makes all of them in
	// the shell of the tables' database. It reads the ledgers where the views depend on what there is, and writes nothing.
	Views(ctx context.Context) (views []View, script string, err error)
	// KeepViews makes the views, and renews those that are not as they should be. With renew it does so only where views were
	// kept before. It returns the views, and where what it wrote is, empty where nothing had to be written. Two calls at once
	// are safe: both write the same, or the later one what is newer. Errors are those of the storage.
	KeepViews(ctx context.Context, renew bool) (views []View, where string, err error)
}
