// Package layout is what sinks that keep objects in a volume share: the names of folders, in the form that Hive's readers
// expect, and what the errors of a storage mean.
//
// It reads and writes nothing. Package volume does, and the sinks decide what.
package layout

import (
	"fmt"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Date is how a folder tells a local date.
const Date = "2006-01-02"

// A send ledger (package pushledger) may lie beneath a warehouse, whose sink must know what is its own.
const (
	PushSuffix  = ".push"   // of its objects
	PushPrivate = "private" // its folder of what is not finished
)

// StreamDir is the folder of a stream beneath parent, in Hive's key=value form. It and the names beneath are put together as
// they are: to clean them would be an eighth of what a verification of very many windows costs.
func StreamDir(parent string, k pipeline.StreamKey) string {
	return parent + "/source=" + string(k.Stream.Source()) + "/account=" + string(k.Account) + "/stream=" + string(k.Stream)
}

// StreamOf reads the key from a name that has a [StreamDir] in it.
func StreamOf(name string) (k pipeline.StreamKey, ok bool) {
	for part := range strings.SplitSeq(name, "/") {
		switch column, value, _ := strings.Cut(part, "="); column {
		case "account":
			k.Account = pipeline.AccountID(value)
		case "stream":
			k.Stream = pipeline.StreamID(value)
		}
	}
	return k, k.Account != "" && k.Stream != ""
}

// DateFolder is the folder of a local date.
func DateFolder(local time.Time) string { return "date=" + local.Format(Date) }

// Safe refuses names that would lead out of their folder.
func Safe(what, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\=\x00") {
		return fmt.Errorf("%s %q cannot be part of a file's name", what, name)
	}
	return nil
}

// SafeKey refuses a stream whose names would lead out of their folders.
func SafeKey(k pipeline.StreamKey) error {
	if err := Safe("stream", string(k.Stream)); err != nil {
		return err
	}
	return Safe("account", string(k.Account))
}
