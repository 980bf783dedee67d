// Package files is the little that the Parquet sink asks of a place that
// keeps objects, and its implementation on a local directory.
//
// It knows names and bytes: no windows, no ledger, no Parquet. An object
// appears, is replaced and goes in one step, and whatever a method did is on
// stable storage when it returns without an error. After an error the step may
// or may not have happened; no object is ever half of one (a line that Append
// broke off excepted).
//
// Start at the interface [Files]; local.go implements it.
package files

import (
	"context"
	"io"
)

// Files keeps objects under names, which are relative paths with slashes. All
// methods are safe for concurrent use, also by several processes.
type Files interface {
	// List returns the names of the objects beneath dir, at any depth, sorted. A
	// dir that does not exist has none.
	List(ctx context.Context, dir string) ([]string, error)
	// Between is List of those beneath the folders of dir whose names are from
	// first to last, both included.
	Between(ctx context.Context, dir, first, last string) ([]string, error)
	// Read returns an object's content; [io/fs.ErrNotExist] if there is none.
	Read(ctx context.Context, name string) ([]byte, error)
	// Create makes an object. If there is one of that name nothing changes, and
	// the error is [io/fs.ErrExist].
	Create(ctx context.Context, name string, body []byte) error
	// Append adds a line to an object, which it makes if need be. A line that an
	// earlier Append broke off is left alone and ended.
	Append(ctx context.Context, name string, line []byte) error
	// Temp begins an object out of sight.
	Temp(ctx context.Context) (Temp, error)
	// Remove removes objects; those that do not exist are no error.
	Remove(ctx context.Context, names ...string) error
}

// Temp is an object in the making. It goes when its process does, unless it
// was placed. Write first, then Sync, then any of the others.
type Temp interface {
	io.Writer
	// Sync ends the writing and puts the content on stable storage.
	Sync() error
	// Open reads what was written.
	Open() (io.ReadCloser, error)
	// Place gives the object its name, in the place of whatever had it.
	Place(ctx context.Context, name string) error
	// Discard drops the object. It is idempotent, and harmless after Place.
	Discard() error
}

// Site is what a place offers beside its objects.
type Site interface {
	// Lock waits until no other process holds the lock and takes it. The lock
	// goes with the process that holds it, however it ends. It is not reentrant.
	Lock(ctx context.Context) (release func(), err error)
	// Probe writes something, reads it back and removes it. It leaves nothing behind.
	Probe(ctx context.Context) error
	// Close drops every Temp.
	Close() error
}
