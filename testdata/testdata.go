// Package testdata holds what the vendors answer, as files: their own samples
// and awkward documents of each stream, with the rows that they become. It is
// for tests and for the benchmark; README.md says what is what.
package testdata

import "embed"

// Files is the folder: <source>/<stream>/<case>, as README.md describes it.
//
//go:embed ucontact chattonic dialpad
var Files embed.FS
