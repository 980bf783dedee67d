// Package bucket is a volume in an object store: [Volume] over a [Driver], which knows one kind of store.
//
// An object is replaced by one finalised upload, on the condition of the version that was seen. Nobody can be kept out,
// so no update is alone. A draft lies in memory, and what of it is too much for that in objects out of sight, from which it
// is published as a stream: there may be no disk, and the store learns an object's name and condition where its upload
// begins.
//
// Start at bucket.go. draft.go is how objects are written, content.go how they are read in parts, probe.go how a store is
// found that ignores conditions.
package bucket

import (
	"context"
	"io"
	"time"

	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Driver is one bucket of one kind of store. Its methods make one attempt each and are safe for concurrent use. Their
// errors are [io/fs.ErrNotExist] for an object that is not there, [volume.ErrChanged] for one of another version than the
// named one, or a [pipeline.Error], whose kind says whether another attempt may succeed.
type Driver interface {
	// List returns the objects whose names begin with prefix and come after a name (empty: from the first), sorted by bytes,
	// at most so many; more says that there are others.
	List(ctx context.Context, prefix, after string, most int) (page []Object, more bool, err error)
	// Get reads the bytes [from, from+n) of an object of a version; n < 0: to its end.
	Get(ctx context.Context, name string, of volume.Version, from, n int64) (io.ReadCloser, error)
	// Put writes an object in one step, over the version.
	Put(ctx context.Context, name string, body Body, over volume.Version) error
	// Remove removes an object of a version, or of any. A store that cannot do so on a condition answers [volume.ErrUnfenced], or
	// ignores it (see Options.Doubtful).
	Remove(ctx context.Context, name string, of volume.Version) error
}

// Object is what a listing tells of an object.
type Object struct {
	Name    string
	Version volume.Version
	Size    int64
	Updated time.Time // by the store's clock
}

// Body is what is uploaded.
type Body struct {
	Size   int64
	CRC32C uint32
	Open   func() io.Reader // from its beginning; each attempt reads it once
}
