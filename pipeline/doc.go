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
//     transforms, row by row through the vendor's mapping.
//  4. add (cut.go) cuts the batch by window, counts and fingerprints its rows;
//     gather.go collects them and fills the engine's columns.
//  5. flush (cut.go) hands a record to [Stage].Append; seal ends the [Stage].
//  6. commit (commit.go) groups the run's sealed windows, as [Grouping] says, for
//     [Sink].Commit, which makes rows and ledger entries visible together
//     (sinks/parquet/commit.go).
//  7. book (run.go) enters the outcome in the [Summary].
package pipeline
