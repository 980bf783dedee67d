// Package volume is the little that the Parquet sink asks of a place that keeps objects, and its implementation on a
// local directory.
//
// The package knows names and bytes: no windows, no ledger, no Parquet. An object appears, is replaced and goes in one
// step, and whatever a method did is on stable storage when it returns without an error. After an error the step may or
// may not have happened, but no object is ever half of one.
//
// Whoever replaces or removes an object names the version that he has seen, so that two writers at once do not undo
// each other's work. A volume that can keep other writers out, as a directory can by its lock file, does so in Update;
// the conditions hold there as well.
//
// Start at the interface [Volume]. local.go implements it on a directory, and package volumetest proves an
// implementation.
package volume

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
)

// Version tells one content of an object from every other content that the object had or will have: a generation, an
// entity tag. Versions of different objects are not compared.
type Version string

const (
	// Absent is the version of an object that does not exist.
	Absent Version = ""
	// Any is the condition that always holds. No object has it as its version.
	Any Version = "*"
)

// Stamp is what a content holds that must never be confused with an earlier one that is equal. Where versions are made of
// contents alone, as an entity tag may be, a [Draft] that has a Stamp among its last bytes gets other digits in its place
// each time it is published. Elsewhere it stays as it is.
const Stamp = "windrow-stamp-00000000000000000000000000000000"

// StampDigits is how many of a Stamp's last letters are hexadecimal digits.
const StampDigits = 32

// ErrChanged says that an object is not of the version that the caller named. It may also mean that an earlier try of
// the same call had its effect, and its answer was lost. The caller reads the version again and decides anew.
var ErrChanged = errors.New("the object was changed meanwhile")

// ErrUnfenced says that the storage removes an object whatever its version is: nothing was removed. Whoever must not
// remove what another writer has put there publishes something empty over the version that he saw.
var ErrUnfenced = errors.New("the store removes objects on no condition")

// Past is what the visitor of a walk answers in the place of an error: a folder whose other objects are passed over.
type Past string

func (p Past) Error() string { return string(p) + " is passed over" }

// Holds reports whether an object lies in the folder.
func (p Past) Holds(name string) bool { return p != "" && strings.HasPrefix(name, string(p)+"/") }

// Volume keeps objects under names, which are relative paths with slashes. All methods are safe for concurrent use,
// also by several processes. Methods obey their context and return its error. They retry what their storage says is
// worth a retry, for as long as the context lives; the caller repeats nothing but what ended in [ErrChanged].
type Volume interface {
	Reader
	Writer

	// Probe writes something, reads it back and removes it, and so proves that the volume can be written to. Where Update
	// does not run alone it also proves that the storage obeys the conditions of Publish and Remove: a storage that
	// ignores them must be refused before it loses rows. It leaves nothing behind, whether it fails or not, and creates no
	// place that does not exist. It does not wait for Update. Its error is the storage's own, for the caller to classify.
	Probe(ctx context.Context) error
	// Close drops every draft of this volume. Objects stay. It is idempotent and does not wait for running calls, after
	// which nobody may use the volume.
	Close() error
}

// Reader is how objects are found and read. Readers take no lock and see each object whole, as it was at some moment of
// the call.
type Reader interface {
	// List returns the names of the objects beneath dir, at any depth, sorted. A dir that does not exist has none. An
	// object that comes or goes during the call may be in the list or not; every other object is in it exactly once.
	// List never returns a draft. The caller owns the slice.
	List(ctx context.Context, dir string) ([]string, error)
	// Between returns those names of List(dir) that lie beneath the folders of dir whose names are from first to last,
	// both included. Folders that are out of the range cost as little as the storage allows: a directory does not look
	// into them, an object store begins and ends its listing there. Promises are those of List.
	Between(ctx context.Context, dir, first, last string) ([]string, error)
	// Read returns an object's content, or [io/fs.ErrNotExist]. The whole content is in memory, so it is for what the sink
	// itself wrote and knows to be small: ledgers, notes, records of runs. The caller owns the slice. The content is of
	// one version, never of two.
	Read(ctx context.Context, name string) ([]byte, error)
	// Open opens an object to be read in parts, or returns [io/fs.ErrNotExist]. What is read is of one version: a content
	// that is replaced or removed meanwhile is read to its end, or reading it fails with [ErrChanged]. Reads obey ctx as far as the storage
	// can. The caller closes the content.
	Open(ctx context.Context, name string) (Content, error)
	// Versions returns the version of each named object, in order, Absent for one that does not exist. It reads no
	// content. Each version is as it was at some moment of the call, not all of the same moment. An implementation may
	// answer from one listing for many names, but never from a listing that began before the call.
	Versions(ctx context.Context, names ...string) ([]Version, error)
}

// Content is an object that is open to be read. Its methods are safe for concurrent use.
type Content interface {
	io.ReaderAt
	io.Closer
	// Size is the number of bytes of the content. It asks nobody.
	Size() int64
}

// Same reports whether an object has the bytes that want yields. What cannot be read of the object is another content; the
// error is of want, or of the context.
func Same(ctx context.Context, c Content, want io.Reader) (bool, error) {
	const atOnce = 128 << 10
	is := io.NewSectionReader(c, 0, c.Size())
	ours, theirs := make([]byte, atOnce), make([]byte, atOnce)
	for {
		n, err := io.ReadFull(want, ours)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, err
		}
		m, damaged := io.ReadFull(is, theirs)
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case m != n || !bytes.Equal(ours[:n], theirs[:m]), damaged != nil && damaged != io.EOF && damaged != io.ErrUnexpectedEOF:
			return false, nil
		case n < len(ours):
			return true, nil
		}
	}
}

// Walker is an ability of a volume: its objects are visited and not listed.
type Walker interface {
	// Walk visits every object beneath dir, and says of each whether it is a link. visit may return a [Past] in the place of an
	// error; any other error ends the walk. It keeps one folder's names, or a page of them, in memory.
	Walk(ctx context.Context, dir string, visit func(name string, link bool) error) error
}

// Writer is how objects come and go.
type Writer interface {
	// Draft begins an object out of sight: no reader of the volume finds it before it is published. A draft goes with its
	// process, however the process ends, unless it was published; what a dead process left is removed by later ones.
	// The draft belongs to the caller, who ends it with Discard.
	Draft(ctx context.Context) (Draft, error)
	// Remove removes objects that are of the named versions, in order. An object that does not exist, whatever version is
	// named, is removed already. At the first object of another version it stops with [ErrChanged]; the objects before it
	// are gone then. A storage that knows no such condition answers [ErrUnfenced] at the first object of a version. It may be
	// repeated with the same arguments.
	Remove(ctx context.Context, objects ...Object) error
	// Update runs write, which publishes and removes what belongs together. A volume that can keep the other processes'
	// and goroutines' updates out does so until write returns, waits for its turn as long as ctx lives, and calls write
	// with alone set; if its process dies, others get their turn. Any other volume calls write at once, and then the
	// conditions of Publish and Remove are all that keeps two writers apart. Update returns the error of write, or the
	// reason why write was not run. It is not reentrant.
	Update(ctx context.Context, write func(ctx context.Context, alone bool) error) error
}

// Object names one content of an object.
type Object struct {
	Name    string
	Version Version
}

// Draft is an object in the making. It belongs to one goroutine at a time. Write first, then Sync once, then any of the
// others.
type Draft interface {
	io.Writer
	// Sync ends the writing and puts the content on stable storage, or wherever Publish takes it from. It is called once,
	// before Open and Publish. After an error the draft can only be discarded.
	Sync() error
	// Open reads what was written, from its beginning. The caller closes the reader. It may be called several times, and
	// fails after Discard. It does not read an object that was published under a name.
	Open() (io.ReadCloser, error)
	// Publish gives the content its name, in one step and durably, if the object of that name is of the version over
	// ([Absent]: if there is none; [Any]: in any case). Else nothing changes and the error is [ErrChanged]. The draft may
	// be published again after ErrChanged, and also after success where Update does not run alone: each time the object
	// gets a new version.
	Publish(ctx context.Context, name string, over Version) error
	// Discard drops the draft and what it occupies. It is idempotent, and harmless after Publish. It does not wait and
	// needs no context, so that it can run while everything else stops. What it cannot remove goes with the volume's
	// Close.
	Discard() error
}

// Create publishes a small object that must not exist yet. If there is one of that name nothing changes, and the error
// is [ErrChanged].
func Create(ctx context.Context, w Writer, name string, body []byte) error {
	return Replace(ctx, w, name, body, Absent)
}

// Put publishes a small object in the place of whatever has its name.
func Put(ctx context.Context, w Writer, name string, body []byte) error {
	return Replace(ctx, w, name, body, Any)
}

// Replace publishes a small object if that of its name is of the version over, as [Draft] does.
func Replace(ctx context.Context, w Writer, name string, body []byte, over Version) error {
	d, err := w.Draft(ctx)
	if err != nil {
		return err
	}
	defer d.Discard() //nolint:errcheck // what is left of the draft goes with the volume
	if _, err := d.Write(body); err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return err
	}
	return d.Publish(ctx, name, over)
}
