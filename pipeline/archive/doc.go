// Package archive keeps the bodies that a vendor answered with, and finds what was kept of the windows that are to be read
// again.
//
// [Tee] is a source whose answers are kept while they are read. A [Shelf] is what is kept of one stream; it says of which
// documents a window can be made again, and hands them to the engine, which calls no vendor then. Where the bodies lie is
// the business of who implements [Archive]: the package knows no file, no compression and no layout.
//
// Start at archive.go, which says what an archive keeps. tee.go keeps it, shelf.go finds it again, tidy.go says what
// may go.
package archive
