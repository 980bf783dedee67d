package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a process looks whether the lock is free.
const lockPoll = 5 * time.Millisecond

// run is this process's folder of temporary files. alive is locked as long as
// the process lives; a folder whose alive is free is a dead run's.
type run struct {
	dir   string
	alive *flock.Flock
	last  atomic.Int64
}

const aliveName = "alive"

// Lock implements [Site].
func (l *Local) Lock(ctx context.Context) (func(), error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f, err := l.lock(ctx)
	if err != nil {
		<-l.turn
		return nil, err
	}
	return func() {
		_ = f.Unlock() // closing the file frees the lock even where this fails
		<-l.turn
	}, nil
}

func (l *Local) lock(ctx context.Context) (*flock.Flock, error) {
	if err := l.makeDir(l.private); err != nil {
		return nil, err
	}
	f := flock.New(filepath.Join(l.private, "lock"), flock.SetPermissions(0o666))
	if _, err := f.TryLockContext(ctx, lockPoll); err != nil {
		return nil, err
	}
	if err := l.begin(); err != nil {
		return nil, errors.Join(err, f.Unlock())
	}
	return f, nil
}

// begin makes the run's folder and removes those of dead runs. The caller
// holds the lock, or a sweep could take a folder for dead before it is marked alive.
func (l *Local) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.run != nil {
		return nil
	}
	tmp := filepath.Join(l.private, "tmp")
	if err := l.makeDir(tmp); err != nil {
		return err
	}
	sweep(tmp)
	dir, err := os.MkdirTemp(tmp, "run-")
	if err != nil {
		return err
	}
	alive := flock.New(filepath.Join(dir, aliveName))
	if _, err := alive.TryLock(); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	l.run = &run{dir: dir, alive: alive}
	return nil
}

// sweep removes the folders of dead runs. What cannot be removed (another
// user's) harms nobody, and the next run tries again.
func sweep(tmp string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(tmp, e.Name())
		alive := flock.New(filepath.Join(dir, aliveName))
		if free, err := alive.TryLock(); err != nil || !free {
			continue
		}
		_ = os.RemoveAll(dir)
		_ = alive.Unlock()
	}
}

// Temp implements [Files].
func (l *Local) Temp(ctx context.Context) (Temp, error) {
	l.mu.Lock()
	begun := l.run != nil
	l.mu.Unlock()
	if !begun {
		release, err := l.Lock(ctx)
		if err != nil {
			return nil, err
		}
		release()
	}
	return l.temp(ctx)
}

// temp is Temp for callers that may hold the lock.
func (l *Local) temp(context.Context) (*localTemp, error) {
	l.mu.Lock()
	r := l.run
	l.mu.Unlock()
	if r == nil {
		return nil, &fs.PathError{Op: "create", Path: l.private, Err: errors.New("objects are created under the lock")}
	}
	path := filepath.Join(r.dir, strconv.FormatInt(r.last.Add(1), 10))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	return &localTemp{local: l, path: path, f: f}, nil
}

// Close implements [Site].
func (l *Local) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.run == nil {
		return nil
	}
	err := errors.Join(os.RemoveAll(l.run.dir), l.run.alive.Unlock())
	l.run = nil
	return err
}
