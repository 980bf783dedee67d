package volume

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

// run is this process's folder of drafts. The file alive in it is locked as long as the process lives. A folder whose
// alive is free is a dead run's.
type run struct {
	dir   string
	alive *flock.Flock
	last  atomic.Int64
}

const aliveName = "alive"

// Update implements [Writer]: it holds the lock file while write runs.
func (l *Local) Update(ctx context.Context, write func(ctx context.Context, alone bool) error) error {
	release, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	return write(ctx, true)
}

// acquire waits for the lock file and takes it. The lock goes with the process that holds it, however the process ends.
func (l *Local) acquire(ctx context.Context) (release func(), err error) {
	select {
	case l.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f, err := l.lock(ctx)
	if err != nil {
		<-l.busy
		return nil, err
	}
	return func() {
		_ = f.Unlock() // closing the file frees the lock even where this fails
		<-l.busy
	}, nil
}

func (l *Local) lock(ctx context.Context) (*flock.Flock, error) {
	if err := l.makeDir(l.private); err != nil {
		return nil, err
	}
	f := flock.New(filepath.Join(l.private, "lock"), flock.SetPermissions(fileMode))
	if _, err := f.TryLockContext(ctx, lockPoll); err != nil {
		return nil, err
	}
	if err := l.begin(); err != nil {
		return nil, errors.Join(err, f.Unlock())
	}
	return f, nil
}

// begun is the run's folder, or nil.
func (l *Local) begun() *run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.run
}

// begin makes the run's folder and removes those of dead runs. The caller holds the lock, else a sweep could take a
// folder for a dead run's before alive is locked.
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

// sweep removes the folders of dead runs. A folder that cannot be removed (another user's) harms nobody, and the next
// run tries again.
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

// Draft implements [Writer].
func (l *Local) Draft(ctx context.Context) (Draft, error) {
	r := l.begun()
	if r == nil { // then the caller does not hold the lock, which would have begun the run's folder
		release, err := l.acquire(ctx)
		if err != nil {
			return nil, err
		}
		release()
		if r = l.begun(); r == nil {
			return nil, &fs.PathError{Op: "create", Path: l.private, Err: fs.ErrClosed}
		}
	}
	path := filepath.Join(r.dir, strconv.FormatInt(r.last.Add(1), 10))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, err
	}
	return &localDraft{local: l, path: path, f: f}, nil
}

// Close implements [Volume].
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
