// Package bigquery keeps the tables in a BigQuery dataset, with the ledger beside them. It implements [pipeline.Store].
//
// The package does not decide what to read, count or compare (package pipeline does), nor how rows are encoded (package
// rowgroup). SQL is built in package statement, jobs are run by package job, and errors of the API are understood by
// package apierror.
//
// Start at commit.go, which is the protocol. tables.go makes the tables, logs.go reads the ledger, estimate.go tells
// beforehand what a plan will take, config.go has the variables.
//
// # The dataset
//
//	activity, events       the data, partitioned by local_date, clustered by source, account, stream
//	_windrow_ledger        one row an entry, append-only, clustered by source, account, stream, seq; Windrow
//	                       reads its columns seq, recorded_at, batch and entry
//	_windrow_rejects       rejected rows, partitioned by the day of window_start (UTC)
//	_windrow_journal       requests that must not be repeated, partitioned by their day; those a week old are removed
//	_windrow_runs          one row a run, partitioned by the day of started_at and clustered by it
//	_windrow_turn          the fence: one row that every commit replaces, so that two commits conflict
//	_windrow_watermarks    a view: how far each stream is settled
//	_windrow_stage_…       rows of one commit on their way; these tables expire
//
// Missing tables are made, and missing columns are added. A column of another type is refused. A data table that is
// missing while the ledger has rows is refused too: a new one would have holes where no window is read again.
//
// No table may be emptied in silence. Tables are made without what the dataset would have them inherit: the API has no
// way to say so, hence an inherited expiration is taken off again while the table is empty. A table that expires later
// is refused, and so is a journal whose partitions expire. Partitions of the data and of the rejects may expire, for
// that is their owner's wish: an expired window counts as unchanged where it reads as before, is not counted, and gets
// no rows.
//
// # A commit
//
// A commit takes windows of any streams and tables, and judges each window against the ledger. One query then counts
// the rows and rejects that the tables hold of the windows that read as before; a window whose count differs is written again, like one
// that changed. Then the commit makes groups of the windows. Each group is one transaction. Windows that replace data
// are grouped by table, up to 1 GiB and 3,000 days a group. Windows that replace nothing (unchanged ones, and empty
// ones that never had data) ride along with the last group; where there is no such group, they are a group of their
// own, which touches no data table. [Grouping] says how many windows a commit is best given.
//
// A group first loads its new rows into a staging table, with one Parquet load job. Then it runs one script:
//
//	replace the row of the fence
//	insert the ledger entries, except those of windows that another commit touched without the verdict knowing
//	insert the rows of history of the windows whose entries were inserted
//	delete the rows of the windows whose entries were inserted, and insert the staged rows
//	the same for the rejects
//
// The guard thus stands once, in the ledger's INSERT. The data follow what the guard let through, because a transaction
// sees its own writes. A transaction reads a snapshot, so the guard alone would miss a commit that ends meanwhile. The
// fence makes BigQuery cancel one of two such transactions: BigQuery cancels where both mutate rows of one table, and a
// DELETE that finds no row may not count as a mutation.
//
// After the script, whatever the answer was, and also where there was no answer, one query reads the ledgers of the
// group's streams again. Windows with an entry of this batch are committed. The others are judged anew, and grouped
// anew where a window that was to replace nothing has to replace something now. A group that fails for good, or whose
// script would be too long, is halved until the bad window stands alone.
//
// Ledger entries of unchanged windows go the same way: appended blindly, they could claim the rows of a window that
// another process has replaced in between.
//
// # The history
//
// What replaces rows by others has a row of history in the same transaction, and a failure in that of its entry. The sums
// of the rows that go are read before the transaction, with one query for each group that changes anything: the guard lets
// no window through that others have committed since the verdict, so that the rows which were added up are those that go.
// The sums of the rows that come are those of the staged files.
//
// # The log
//
// A log is read as a whole once in the life of a store, and later from a floor on. The floor is a seq beneath which
// nothing can appear any more: a statement that writes entries ends within 20 minutes, and its seqs are above all that
// the statement saw when it began. An entry that lands between others that were read has the log read as a whole again,
// because the order of the entries counts.
//
// # Verification
//
// verify.go counts what the tables hold of a stream with one query, and reads rows back only where that is asked for.
// Where columns would read masked, and every fingerprint be another, it is refused: BigQuery says so of a DELETE that it
// merely looks at. Rows of windows that the ledger has not are removed by a repair alone, in a transaction like a
// commit's. An entry of the ledger has no checksum of its own: BigQuery's rows are written whole or not at all, and
// nobody cuts or flips them.
//
// # Receipts
//
// A receipt is what jobs have used. The receipt of a run has all of its jobs. Each batch that wrote data also has a
// receipt, which is a row of the ledger of kind 'receipt' and is no entry: bytes billed, slot time and jobs of all
// attempts of the batch's group. The job that records the run appends these rows. Where that job fails, the run's
// windows stay committed, and the error is that of the record. A killed process loses the receipts of its batches, and
// nothing else.
//
// # Temporary files
//
// A process stages on its local disk, in a folder that is locked as long as the process lives. The next process removes
// the folders that nobody locks.
package bigquery
