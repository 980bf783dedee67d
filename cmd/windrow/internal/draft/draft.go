// Package draft writes a file beside its place and gives it its name in one step, so that nobody ever reads half of it, and
// takes away what a process that was killed midway has left. It is for the files that a user asks for by name: what lies in
// a sink has its own drafts. Start at [Create].
package draft

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"
)

// opened: an open file can be neither renamed nor removed. So it needs no lock.
const opened = runtime.GOOS == "windows"

// tries is how often a sweep of another process may be faster than the lock of a new draft.
const tries = 5

// Draft is a file that has no name yet that anybody knows. The system locks it as long as its process lives.
type Draft struct {
	*os.File
	path  string       // that it is to get
	alive *flock.Flock // nil where the file system has no locks
}

// Create begins a file that is to get a path. kind is a word in the names of drafts, by which the next process finds those of
// dead ones.
func Create(path, kind string, mode fs.FileMode) (*Draft, error) {
	Sweep(path, kind)
	for range tries {
		file, err := os.OpenFile(filepath.Join(filepath.Dir(path), prefixOf(kind)+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, err
		}
		d := &Draft{File: file, path: path}
		if opened {
			return d, nil
		}
		alive := flock.New(file.Name(), flock.SetFlag(os.O_RDONLY))
		switch locked, err := alive.TryLock(); {
		case err == nil && locked && d.there():
			d.alive = alive
			return d, nil
		case err != nil && d.there(): // a file system without locks: a sweep cannot lock it either
			return d, nil
		}
		_ = alive.Unlock()
		d.Discard() // a sweep was faster
	}
	return nil, &fs.PathError{Op: "create", Path: path, Err: errors.New("other processes take the draft away")}
}

func prefixOf(kind string) string { return ".windrow-" + kind + "-" }

// there reports whether the file still has the draft's name.
func (d *Draft) there() bool {
	own, err := d.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(d.Name())
	return err == nil && os.SameFile(own, found)
}

// Publish puts the draft on stable storage and in the place of what has its path, and ends it.
func (d *Draft) Publish() error {
	err := d.Sync()
	if opened {
		err = errors.Join(err, d.Close())
	}
	if err == nil {
		err = os.Rename(d.Name(), d.path)
	}
	if err != nil {
		d.Discard()
		return err
	}
	return d.end()
}

// Discard drops the draft. It does nothing after Publish.
func (d *Draft) Discard() {
	if d.File == nil {
		return
	}
	name := d.Name()
	if opened {
		_ = d.Close()
	}
	_ = os.Remove(name)
	_ = d.end() // nobody reads it
}

// end closes the file, and ends the lock.
func (d *Draft) end() error {
	err := d.Close()
	if opened {
		err = nil // it was closed
	}
	if d.alive != nil {
		err = errors.Join(err, d.alive.Unlock())
	}
	d.File = nil
	return err
}

// Sweep removes the drafts of dead processes from the folder of a path. What cannot be removed (another user's) harms nobody.
func Sweep(path, kind string) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // whoever writes there says so
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), prefixOf(kind)) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if opened {
			_ = os.Remove(name)
			continue
		}
		of := flock.New(name, flock.SetFlag(os.O_RDONLY))
		if free, err := of.TryLock(); err == nil && free {
			_ = os.Remove(name)
			_ = of.Unlock()
		}
	}
}
