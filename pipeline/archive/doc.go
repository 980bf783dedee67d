// Package archive keeps the bodies that a vendor answered with, and reads
// windows again from what was kept.
//
// [Tee] is a source whose answers are kept while they are read, [Replay] is a
// source that answers from what was kept and calls no vendor. Both are ordinary
// sources to the engine. Where the bodies lie is the business of who implements
// [Archive]: the package knows no file, no compression and no layout.
//
// Start at archive.go, which says what an archive keeps: the whole answer to a request. tee.go keeps it, replay.go
// answers from it.
package archive
