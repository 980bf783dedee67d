package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockPoll is how often a process looks whether the lock is free, and lookEvery who holds it.
	lockPoll, lookEvery = 5 * time.Millisecond, 500 * time.Millisecond
	// tellAfter is how long a lock may not be free before that is told.
	tellAfter = 5 * time.Second
)

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
	f := flock.New(filepath.Join(l.private, "lock"), flock.SetPermissions(l.fileMode()))
	if err := l.await(ctx, f); err != nil {
		return nil, err
	}
	// Whoever waits reads it. Nothing depends on it.
	_ = os.WriteFile(f.Path(), fmt.Appendf(nil, "pid %d on %s since %s\n", os.Getpid(), hostname(), l.Now().UTC().Format(time.RFC3339)), l.fileMode())
	if err := l.begin(); err != nil {
		return nil, errors.Join(err, f.Unlock())
	}
	return f, nil
}

// Patience is how long a Local waits for others who hold the lock file.
type Patience struct {
	// Tell is called with the holder's own words when the lock has not been free for five seconds; nil: nobody is told. It
	// must not block.
	Tell func(holder string)
	// Most bounds how long one holder is waited for; 0: as long as the context lives.
	Most time.Duration
}

// LockedError says that the lock was not free for as long as the waiter's patience lasted.
type LockedError struct{ Holder string }

func (e *LockedError) Error() string { return "the lock is held by " + e.Holder }

// wait is how long somebody has been waited for. All waits for one holder are one: goroutines whose turn comes later do not
// begin anew.
type wait struct {
	begun  time.Time // for whomever
	holder string
	since  time.Time // for the holder
	told   bool
}

// await takes the lock file. The caller has filled busy.
func (l *Local) await(ctx context.Context, f *flock.Flock) error {
	var looked time.Time
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if free, err := f.TryLock(); free || err != nil {
			if free {
				l.wait = wait{}
			}
			return err
		}
		if now := l.Now(); now.Sub(looked) >= lookEvery {
			looked = now
			if err := l.look(f.Path(), now); err != nil {
				return err
			}
		}
		if err := pause(ctx, lockPoll); err != nil {
			return err
		}
	}
}

// look sees who holds the lock, tells of it, and fails once that one has been waited for long enough.
func (l *Local) look(path string, now time.Time) error {
	text, _ := os.ReadFile(path)
	holder := strings.TrimSpace(string(text))
	if holder == "" {
		holder = "a process that did not give its name"
	}
	if l.wait.holder != holder {
		l.wait.holder, l.wait.since = holder, now
	}
	if l.wait.begun.IsZero() {
		l.wait.begun = now
	}
	if now.Sub(l.wait.begun) >= tellAfter && !l.wait.told && l.Patience.Tell != nil {
		l.wait.told = true
		l.Patience.Tell(holder)
	}
	if l.Patience.Most > 0 && now.Sub(l.wait.since) >= l.Patience.Most {
		return &LockedError{Holder: holder}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "an unknown host"
	}
	return name
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
	alive := flock.New(filepath.Join(dir, aliveName), flock.SetPermissions(l.fileMode()))
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

// Run names this process to others, once it has begun to write; until then it has no name.
func (l *Local) Run() string {
	if r := l.begun(); r != nil {
		return filepath.Base(r.dir)
	}
	return ""
}

// Lives reports whether the process of that name still lives. In doubt it does not.
func (l *Local) Lives(run string) bool {
	path := filepath.Join(l.private, "tmp", run, aliveName)
	if _, err := os.Stat(path); err != nil || run != filepath.Base(run) || run == "." {
		return false
	}
	alive := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := alive.TryRLock() // shared, so that two who look at once do not see each other
	if free {
		_ = alive.Unlock()
	}
	return err == nil && !free
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
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, l.fileMode())
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
