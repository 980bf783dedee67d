package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAWaitForTheLockIsToldOnceAndEnds(t *testing.T) {
	root := t.TempDir()
	holder, waiter := NewLocal(root, "_private"), NewLocal(root, "_private")
	defer holder.Close() //nolint:errcheck // the folder goes anyway
	defer waiter.Close() //nolint:errcheck // the folder goes anyway
	release, err := holder.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	waiter.tellAfter = 10 * time.Millisecond
	waiter.Patience = Patience{Tell: func(holder string) { told = append(told, holder) }, Most: 50 * time.Millisecond}
	began := time.Now()
	var locked *LockedError
	if _, err := waiter.acquire(context.Background()); !errors.As(err, &locked) || time.Since(began) < 50*time.Millisecond {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	who := fmt.Sprintf("pid %d on ", os.Getpid())
	if len(told) != 1 || !strings.HasPrefix(told[0], who) || !strings.Contains(told[0], " since 2") || locked == nil || locked.Holder != told[0] {
		t.Errorf("told %q, %v", told, locked)
	}
	began = time.Now()
	if _, err := waiter.acquire(context.Background()); !errors.As(err, &locked) || time.Since(began) > 40*time.Millisecond {
		t.Errorf("who comes later waits anew: after %s, %v", time.Since(began), err)
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
