// Package bigquery keeps the tables in a BigQuery dataset, with the ledger
// beside them. It implements [pipeline.Store].
//
// In the dataset:
//
//	activity, events       the data, partitioned by local_date, clustered by source, account, stream
//	_windrow_ledger        one row an entry, append-only, clustered by source, account, stream, seq; Windrow
//	                       reads its columns seq, recorded_at, batch and entry
//	_windrow_rejects       rejected rows, partitioned by the day of window_start (UTC)
//	_windrow_journal       requests that must not be repeated
//	_windrow_runs          one row a run
//	_windrow_turn          one row that every commit replaces, so that two commits conflict
//	_windrow_watermarks    a view: how far each stream is settled
//	_windrow_stage_…       rows of one commit on their way; they expire
//
// A commit takes windows of any streams and tables. It judges each against the
// ledger and makes groups of them, each of which is one transaction: windows
// that replace data go by table, up to 1 GiB and 3,000 days; those that replace
// nothing (unchanged, or empty and never with data) ride along with the last
// group, or are one of their own, which touches no data table. [Grouping] says
// how many windows a commit is best given.
//
// A group: load the rows to come into a staging table with one Parquet load
// job, then run one script, which is one transaction:
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
// ledgers of the group's streams are read again with one query: entries of this
// batch are committed, all others are judged anew, and grouped anew should one
// that was to replace nothing replace something now. A group that fails for
// good, or whose script would be too long, is halved until the bad window
// stands alone.
//
// Ledger entries of unchanged windows go the same way: appended blindly, they
// could claim the rows of a window that another process has replaced in between.
//
// A log is read as a whole once in the life of a store, later from a floor on:
// a seq beneath which nothing is to come, for a statement that writes entries
// ends within 20 minutes and its seqs are above all that it saw when it began.
// An entry that lands between others that were read has the log read as a whole
// again, because their order counts.
//
// What the jobs of a run used is its receipt. Each batch that wrote data also
// has one as a row of the ledger, of kind 'receipt', which no reader takes for an
// entry: bytes billed, slot time and jobs of the attempts of its group, the bytes
// staged standing in its windows' rows. They are appended by the job that
// records the run. Where that fails, the run's windows are committed all the
// same and the error is that of the record; a killed process loses the receipts
// of its run, which is accounting and nothing else. Jobs that committed nothing
// are on the run's receipt alone.
//
// Missing tables are made, columns are added; what has another type is refused.
// A data table that is missing while the ledger has rows is refused too: made
// anew it would stay empty, for windows that read the same again write nothing.
//
// A process stages on its local disk, in a folder that is locked as long as it
// lives; the next one removes the folders that nobody locks.
//
// Load and script jobs have ids made of what they do, so that a request whose
// answer was lost attaches to the job that it started. A failed job's id is
// burnt; the next attempt has another suffix.
//
// The package does not decide what to read, count or compare (package
// pipeline does), nor how rows are encoded (package rowgroup).
//
// The command line opens it for WINDROW_SINK=bigquery://…, and as an emulator
// where BIGQUERY_EMULATOR_HOST names one (cmd/windrow/sinks.go).
//
// Start at commit.go, which is the protocol; sql.go and sqlledger.go have every
// statement, jobs.go runs them, log.go reads the ledger, estimate.go tells
// beforehand what a plan will take.
package bigquery
