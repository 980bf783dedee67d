// Package engine moves windows from vendors to a sink: it runs what package plan has decided.
//
// Start at move.go: the function move is the life of a window on two screens.
//
// # The path of a row
//
//  1. [Engine.Sync] (run.go) plans (plans, verbs.go) and moves every [pipeline.Extraction].
//  2. move, extract (move.go): [pipeline.Source] fetches and yields a [pipeline.Body].
//  3. readBody (move.go) takes a slot; read (read.go) opens the body, the [pipeline.Format]
//     splits it into chunks, and workers decode each into a [pipeline.Batch]: package
//     transforms, row by row through the vendor's mapping. Where targets overlap,
//     prefetch (sequencer.go) has opened the body shortly before its turn.
//  4. partition (partition.go), still in the worker, fingerprints the batch's rows and partitions
//     them by window; stageDirectly (partition.go) hands many rows of one window to the
//     window's [pipeline.Stage], which encodes them, at once.
//  5. add (cutter.go) counts, in the order of the body, and holds scattered rows
//     in a [pipeline.WindowBuffer] until flush (cutter.go) stages them; seal (cutter.go) ends the stage.
//  6. commit (commit.go) groups the run's sealed windows, as [pipeline.Grouping] says, for
//     the sink, which makes rows and ledger entries visible together.
//  7. book (run.go) enters the outcome in the [pipeline.Summary].
//
// A large report keeps every core busy with steps 3 and 4, which share nothing but a pool of memory: a batch is used
// again as soon as its rows are staged. `go run ./cmd/bench -profile DIR` shows where the time goes.
package engine
