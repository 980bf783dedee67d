// Package parquet keeps the tables as Parquet files in a volume, with the ledger beside them: in a local directory, or
// in whatever else implements the interface of sinks/internal/volume. It implements [pipeline.Store].
//
// Beneath the root:
//
//	<table>/source=…/account=…/stream=…/date=…/<start>_<end>.parquet   one file a window
//	_windrow/ledger/source=…/account=…/stream=…/00000001.jsonl         one object a commit
//	_windrow/rejects/source=…/account=…/stream=…/date=…/<window>.parquet
//	_windrow/history/<stream>/<account>/<month>.parquet                what reading again has changed, and failures
//	_windrow/journal/source=…/account=…/<time>_<random>.note           one object a note
//	_windrow/runs/recent/<sync id>.parquet, _windrow/runs/packed/<…>.parquet
//	_windrow/tmp/run-…/ and _windrow/lock                              of a local directory alone
//
// A commit: read the tail of the ledger, judge each window, note the versions of the files that will be replaced, add
// one begin object for the group, put the files in place, add one commit object. A begin without its commit is an open
// window, and committing the window again repairs it, whatever the crash left. Files of windows that the ledger does
// not know (it was deleted, say) are orphans, and the first commit that overlaps them removes them. No crash makes an
// orphan of data, since a begin is on stable storage before its data.
//
// In a local directory all of that happens under the lock file. The protocol does not rely on it: every object is
// created or replaced on the condition of what was seen, so two writers in an object store, which has no lock, notice
// each other and one of them starts anew. Where a writer is not alone it leaves a file without rows where another
// writer, whose commit has begun and not ended, may still be about to write.
//
// What a run asks of the volume does not grow with its history: one listing of a stream's ledger, its newest snapshot
// and at most 128 objects after it, and where it commits, the folders of the two years before its windows. Of notes it
// lists those of a week, and of runs those of the last day and up to 32 older ones.
//
// The package does not decide what to read, count or compare (package pipeline does), nor how rows are encoded (package
// rowgroup).
//
// Start at commit.go, which is the protocol, and publish.go, which is its middle. ledgerlog.go is the ledger's storage,
// sinks/internal/volume the way to the storage.
package parquet
