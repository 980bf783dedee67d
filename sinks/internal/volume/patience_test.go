package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

func TestAWaitForTheLockIsToldOnceAndEnds(t *testing.T) {
	root := t.TempDir()
	holder, waiter := NewLocal(root, "_private"), NewLocal(root, "_private")
	defer holder.Close() //nolint:errcheck // the folder goes anyway
	defer waiter.Close() //nolint:errcheck // the folder goes anyway
	began := time.Date(2025, 9, 8, 3, 0, 0, 0, time.UTC)
	now := began
	holder.Now = func() time.Time { return began }
	waiter.Now = func() time.Time { now = now.Add(time.Second); return now } // at each look
	release, err := holder.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	waiter.Patience = Patience{Most: time.Minute, Tell: func(holder string) {
		if waited := now.Sub(began); waited < 5*time.Second || waited > 7*time.Second {
			t.Errorf("told after %s", waited)
		}
		told = append(told, holder)
	}}
	var locked *LockedError
	if _, err := waiter.acquire(context.Background()); !errors.As(err, &locked) || now.Sub(began) < time.Minute || now.Sub(began) > 62*time.Second {
		t.Errorf("after %s: %v", now.Sub(began), err)
	}
	who := fmt.Sprintf("pid %d on %s since 2025-09-08T03:00:00Z", os.Getpid(), hostname())
	if len(told) != 1 || told[0] != who || locked == nil || locked.Holder != who {
		t.Errorf("told %q, %v", told, locked)
	}
	ended := now
	if _, err := waiter.acquire(context.Background()); !errors.As(err, &locked) || now.Sub(ended) > 2*time.Second {
		t.Errorf("who comes later waits anew: after %s, %v", now.Sub(ended), err)
	}
	release()
	if release, err = waiter.acquire(context.Background()); err != nil {
		t.Fatal(err)
	}
	release()
}

// A lock that goes from hand to hand is no process that hangs.
func TestEachHolderOfTheLockIsWaitedForAnew(t *testing.T) {
	l := NewLocal(t.TempDir(), "_private")
	l.Patience.Most = time.Minute
	now := time.Date(2025, 9, 8, 0, 0, 0, 0, time.UTC)
	path := l.root + "/lock"
	for i := range 5 {
		if err := os.WriteFile(path, fmt.Appendf(nil, "pid %d", i), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := l.look(path, now); err != nil {
				t.Fatal(err)
			}
			now = now.Add(25 * time.Second)
		}
	}
	var told atomic.Int32
	l.Patience.Tell = func(string) { told.Add(1) }
	if err := l.look(path, now); err == nil || told.Load() != 1 {
		t.Errorf("%v, told %d times", err, told.Load())
	}
}
