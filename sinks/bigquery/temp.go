package bigquery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// tempPrefix begins the names of the stores' temporary folders.
	tempPrefix = "windrow-bigquery-"
	// aliveName is a file in such a folder, which is locked as long as the folder's process lives.
	aliveName = "alive"
	// tempTries bounds how often a folder is made: another process may remove a folder before it is marked alive.
	tempTries = 10
)

var errSwept = errors.New("other processes kept removing the temporary folder")

// tempError says what to do about a temporary folder that is missing, full or read-only. Other errors stay as they are.
func tempError(op string, err error) error {
	var local *fs.PathError
	if !errors.As(err, &local) {
		return err
	}
	return &pipeline.Error{Op: op, Kind: pipeline.SinkFailed, Err: err,
		Hint: "windows wait in the temporary folder until they are committed: name one by TMPDIR that can be written and has room; on Cloud Run it is a part of the memory"}
}

// tempDir is a folder that is locked as long as its process lives.
type tempDir struct {
	path  string
	alive *flock.Flock
}

// tempFolder is a store's own temporary folder, which is made with the first file.
type tempFolder struct {
	parent string // empty means the system's

	mu  sync.Mutex
	dir *tempDir
}

// file makes a file in the folder.
func (t *tempFolder) file() (*os.File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dir == nil {
		dir, err := makeTemp(t.parent)
		if err != nil {
			return nil, err
		}
		t.dir = dir
	}
	return os.CreateTemp(t.dir.path, "stage-")
}

// remove removes the folder with all that is in it.
func (t *tempFolder) remove() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dir == nil {
		return nil
	}
	err := t.dir.remove()
	t.dir = nil
	return err
}

// makeTemp makes a temporary folder, and removes those whose process is dead.
func makeTemp(parent string) (*tempDir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	sweepTemp(parent)
	for range tempTries {
		path, err := os.MkdirTemp(parent, tempPrefix)
		if err != nil {
			return nil, err
		}
		d := &tempDir{path: path, alive: flock.New(filepath.Join(path, aliveName))}
		locked, err := d.alive.TryLock()
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, errors.Join(err, os.RemoveAll(path))
		}
		if locked && d.there() {
			return d, nil
		}
		_ = d.alive.Unlock() // a sweep was faster; the folder is gone
	}
	return nil, errSwept
}

// there reports whether the locked file is still in the folder: a sweep that began before the file was locked may have
// removed the folder.
func (d *tempDir) there() bool {
	own, err := d.alive.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(d.alive.Path())
	return err == nil && os.SameFile(own, found)
}

func (d *tempDir) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.alive.Unlock())
}

// sweepTemp removes the folders of dead processes. A folder that cannot be removed (another user's) harms nobody, and
// the next process tries again.
func sweepTemp(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		path := filepath.Join(parent, e.Name())
		alive := flock.New(filepath.Join(path, aliveName))
		if free, err := alive.TryLock(); err != nil || !free {
			continue
		}
		_ = os.RemoveAll(path)
		_ = alive.Unlock()
	}
}
