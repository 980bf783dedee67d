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
package pipeline
