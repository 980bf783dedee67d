// Package pipeline is Windrow's vocabulary and its engine.
//
// It knows windows, streams, the two tables, the ledger and the order of the
// calls that move one window from a vendor to a sink. It knows no vendor, no
// cloud SDK, no file system and no environment: connectors implement [Source],
// sinks implement [Store], formats implement [Format], and cmd wires them.
//
// Start at move.go: the function move is the life of a window on two screens.
// Then window.go (time as values), plan.go (what is read and why), ledger.go
// (what is known to be committed), source.go and sink.go (the contracts).
//
// # The path of a row
//
//  1. [Engine.Sync] (run.go) plans ([PlanStream], plan.go) and moves every [Extraction].
//  2. move, extract (move.go): [Source.Fetch] asks the vendor and yields a [Body].
//  3. readBody (move.go) takes a slot; read (read.go) opens the body, [Format.Split]
//     cuts it into chunks, and workers [Format.Decode] each into a [Batch]: package
//     transforms, row by row through the vendor's mapping. Where targets overlap,
//     openAhead (ahead.go) has opened the body shortly before its turn.
//  4. sort (sorted.go), still in the worker, fingerprints the batch's rows and sorts
//     them by window; stageShare (sorted.go) fills the engine's columns and hands many
//     rows of one window to [Stage].Append, which encodes them, at once.
//  5. add (cut.go) counts, in the order of the body, and gathers scattered rows
//     (gather.go) until flush (cut.go) stages them; seal ends the [Stage].
//  6. commit (commit.go) groups the run's sealed windows, as [Grouping] says, for
//     [Sink].Commit, which makes rows and ledger entries visible together
//     (sinks/parquet/commit.go).
//  7. book (run.go) enters the outcome in the [Summary].
//
// # Where the time goes
//
// A large report keeps every core busy with steps 3 and 4, which share nothing
// but a pool of memory (column.go, batch.go): a [Batch] is used again as soon as
// its rows are staged. Of a CSV's CPU time about a third decodes it and two
// fifths encode Parquet; a tenth takes it from the network; fingerprints take a
// thirtieth, since a string that repeats is hashed once: see dictionary.go. Of
// JSON's, half encodes, most of that zstd over extras, a quarter decodes and a
// sixth is the network. Rows that jump between windows cost three times as much:
// each is copied, their row groups are encoded in turn, and the collector, which
// has no room for them under [SoftMemory], takes a third.
// `go run ./cmd/bench -profile DIR` shows it.
//
// # Where the memory goes
//
// Of 45 to 60 MiB that are live, the ranges of bodies take from a quarter (one body)
// to a half (many at once, read.go); the batches that are parsed and encoded
// take as much as a third. What grows with a report is the footer of its window's file: 5 MiB
// for each GB of CSV.
package pipeline
