// Package pipeline is the contract between the engine, the connectors, the formats and the sinks: the words, the shared
// schema, the ledger and the interfaces.
//
// Connectors implement [Source], formats [Format], sinks [Store]. The package knows no vendor, no cloud SDK, no file
// system and no environment, and it moves nothing itself: package pipeline/plan decides what is read, package
// pipeline/engine moves it. Package pipeline/calendar holds time; its types stand here under the same names (time.go).
//
// Start at source.go and sink.go (the interfaces), then schema.go (the two tables), batch.go (how rows are built),
// ledger.go (what is known to be committed) and errors.go.
package pipeline
