// Package testdata holds what the vendors answer, as files: their own samples
// and awkward documents of each stream, with the rows that they become. It is
// for tests and for the benchmark; README.md says what is what.
package testdata

import (
	"embed"
	"strings"
)

// Files is the folder: <source>/<stream>/<case>, as README.md describes it.
//
//go:embed ucontact chattonic dialpad
var Files embed.FS

// Read returns a file. It panics on a name that no file has: names are
// constants of those who read.
func Read(name string) []byte {
	text, err := Files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return text
}

// Header returns the header of a CSV file, without its line end.
func Header(name string) string {
	header, _, _ := strings.Cut(string(Read(name)), "\n")
	return strings.TrimSuffix(header, "\r")
}
