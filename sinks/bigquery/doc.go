// Package bigquery keeps the tables in a BigQuery dataset, with the ledger
// beside them. It implements [pipeline.Store].
//
// In the dataset:
//
//	activity, events       the data, partitioned by local_date, clustered by source, account, stream
//	_windrow_ledger        one row an entry, append-only; Windrow reads its columns seq, batch and entry
//	_windrow_rejects       rejected rows, partitioned by the day of window_start (UTC)
//	_windrow_journal       requests that must not be repeated
//	_windrow_runs          one row a run
//	_windrow_turn          one row that every commit replaces, so that two commits conflict
//	_windrow_watermarks    a view: how far each stream is settled
//	_windrow_stage_…       rows of one commit on their way; they expire
//
// A commit: judge each window against the ledger, load the rows of those to be
// replaced into a staging table with one Parquet load job, then run one script,
// which is one transaction:
//
//	replace the row of _windrow_turn
//	insert the ledger entries, but those of windows that a commit touched which
//	  the verdict did not know: a newer reading's, or an older one's
//	delete the rows of the windows whose entries were inserted, and insert the staged ones
//	the same for the rejects
//
// The guard thus stands once, in the ledger's INSERT, and the data follow what
// it let through: a transaction sees its own writes. A transaction reads a
// snapshot, so the guard alone would miss a commit that ends meanwhile; the
// turn makes BigQuery cancel one of two such transactions (it cancels where
// both mutate rows of one table, and a DELETE that finds no row may not count
// as one). Afterwards, whatever the answer was, also where there was none, the
// ledger is read again: entries of this batch are committed, all others are
// judged anew. A batch that fails for good is halved until the bad window
// stands alone.
//
// Ledger entries of unchanged windows go the same way, without touching a data
// table: appended blindly, they could claim the rows of a window that another
// process has replaced in between.
//
// Load and script jobs have ids made of what they do, so that a request whose
// answer was lost attaches to the job that it started. A failed job's id is
// burnt; the next attempt has another suffix.
//
// The package does not decide what to read, count or compare (package
// pipeline does), nor how rows are encoded (package transforms).
//
// The command line opens it for WINDROW_SINK=bigquery://…, and as an emulator
// where BIGQUERY_EMULATOR_HOST names one (cmd/windrow/sinks.go).
//
// Start at commit.go, which is the protocol; sql.go has every statement,
// jobs.go runs them.
package bigquery
