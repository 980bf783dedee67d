package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestTheFoldersOfDeadRunsGoAndThoseOfLivingStay(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	tmp := filepath.Join(root, "_private", "tmp")
	dead := filepath.Join(tmp, "run-dead")
	if err := os.MkdirAll(dead, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{aliveName, "1", "2"} { // as a kill leaves them: alive is there, but nobody locks it
		if err := os.WriteFile(filepath.Join(dead, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	living := NewLocal(root, "_private")
	kept, err := living.Draft(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead run's folder is still there: %v", err)
	}
	second := NewLocal(root, "_private")
	if _, err := second.Draft(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Write([]byte("text")); err != nil {
		t.Fatal(err)
	}
	if err := kept.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := kept.Publish(ctx, "a/b.txt", Absent); err != nil {
		t.Fatalf("another run took the living one's file: %v", err)
	}
	if err := kept.Discard(); err != nil {
		t.Errorf("Discard after Publish: %v", err)
	}
	if b, err := living.Read(ctx, "a/b.txt"); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if err := errors.Join(living.Close(), second.Close(), second.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("closed runs left %v, %v", left, err)
	}
}

// A power cut may take back what was not synced: the bytes must be safe before
// they have a name, and the name before the call returns.
func TestPromise02_BytesAreSafeBeforeTheirNameAndTheNameBeforeTheAnswer(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	l := NewLocal(root, "_private")
	defer l.Close()
	// A temporary file is begun first: its folder is not what this is about.
	temp, err := l.Draft(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var synced []string // what was synced, and whether the object had its name by then
	watch := func(object string) {
		synced = nil
		l.sync = func(f *os.File) error {
			name, err := filepath.Rel(root, f.Name())
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "_private") {
				name = "the bytes"
			}
			_, err = os.Stat(filepath.Join(root, object))
			synced = append(synced, fmt.Sprintf("%s %v", name, err == nil))
			return f.Sync()
		}
	}
	write := func(t Draft) error {
		_, err := t.Write([]byte("text"))
		return errors.Join(err, t.Sync())
	}
	for _, step := range []struct {
		name, object string
		do           func() error
		want         []string
	}{
		{"an object in a new folder", "a/b/one", func() error { return errors.Join(write(temp), temp.Publish(ctx, "a/b/one", Absent)) },
			[]string{"the bytes false", ". false", "a false", "a/b true"}},
		{"an object that is created", "a/b/two", func() error { return Create(ctx, l, "a/b/two", []byte("text")) },
			[]string{"the bytes false", "a/b true"}},
		{"an object that is replaced", "a/b/none", func() error { return Put(ctx, l, "a/b/two", []byte("other text")) },
			[]string{"the bytes false", "a/b false"}},
		{"an object that is removed", "a/b/one", func() error { return l.Remove(ctx, Object{"a/b/one", Any}) },
			[]string{"a/b false"}},
	} {
		watch(step.object)
		if err := step.do(); err != nil || !slices.Equal(synced, step.want) {
			t.Errorf("%s: synced %q, want %q, %v", step.name, synced, step.want, err)
		}
	}
}

func TestWithoutHardLinksAnObjectIsStillCreatedOnce(t *testing.T) {
	dir := t.TempDir()
	noLinks := func(string, string) error { return &os.LinkError{Op: "link", Err: syscall.EOPNOTSUPP} }
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for i, want := range []error{nil, fs.ErrExist} {
		if err := os.WriteFile(from, []byte{byte(i)}, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := moveNew(noLinks, from, to); !errors.Is(err, want) {
			t.Errorf("time %d: %v", i, err)
		}
	}
	if b, err := os.ReadFile(to); err != nil || b[0] != 0 {
		t.Errorf("the object was replaced: %v, %v", b, err)
	}
}

func TestTheLockKeepsOutOtherProcessesAndGoroutines(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	var inside, entered atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		l := NewLocal(root, "_private")
		defer l.Close() //nolint:errcheck // the folder goes anyway
		for range 4 {
			wg.Go(func() {
				release, err := l.acquire(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				defer release()
				if inside.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				entered.Add(1)
				inside.Add(-1)
			})
		}
	}
	wg.Wait()
	if n := entered.Load(); n != 12 {
		t.Errorf("%d of 12 got in", n)
	}
}

func TestWhoeverWaitsForTheLockMayBeStopped(t *testing.T) {
	root := t.TempDir()
	holder, waiter := NewLocal(root, "_private"), NewLocal(root, "_private")
	defer holder.Close() //nolint:errcheck // the folder goes anyway
	release, err := holder.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Local{holder, waiter} { // a goroutine of the same process, and another process
		ctx, cancel := context.WithTimeout(context.Background(), 3*lockPoll)
		if _, err := l.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cancel()
	}
	release()
	release, err = waiter.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := waiter.Close(); err != nil {
		t.Error(err)
	}
}

func TestListAndRemoveTakeWhatIsMissingForGone(t *testing.T) {
	ctx := context.Background()
	l := NewLocal(t.TempDir(), "_private")
	if names, err := l.List(ctx, "nothing"); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
	if err := l.Remove(ctx, Object{"nothing/a", Any}, Object{"b", Any}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"x/b", "x/a", "x/a.d/c", "y"} {
		if err := Create(ctx, l, name, []byte("line")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Remove(ctx, Object{"x/b", Any}); err != nil {
		t.Fatal(err)
	}
	if names, err := l.List(ctx, "x"); err != nil || !slices.Equal(names, []string{"x/a", "x/a.d/c"}) {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := l.Read(ctx, "x/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestProbeTriesTheNearestDirectoryThatExists(t *testing.T) {
	dir := t.TempDir()
	if err := NewLocal(filepath.Join(dir, "a", "b"), "_private").Probe(context.Background()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the probe left %v, %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, filepath.Join(file, "below")} {
		if err := NewLocal(root, "_private").Probe(context.Background()); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", root, err)
		}
	}
	if os.Getuid() == 0 {
		return // nothing is forbidden to root
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700) //nolint:errcheck // so that it can be removed
	if err := NewLocal(dir, "_private").Probe(context.Background()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

func TestRootReadsDirectoriesAndRefusesTheRest(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ sink, want, problem string }{
		{"./warehouse", filepath.Join(here, "warehouse"), ""},
		{"/var/lib/w/", "/var/lib/w", ""},
		{"file:///var/lib/w", "/var/lib/w", ""},
		{"file://localhost/var/lib/w", "/var/lib/w", ""},
		{"file://nas/share", "", "names a host"},
		{"file://", "", "names a host"},
		{"s3://bucket", "", "s3:// is not a local directory"},
		{"", "", "no directory"},
	}
	for _, tt := range tests {
		got, err := Root(tt.sink)
		if got != tt.want || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%q is %q, %v; want %q, %q", tt.sink, got, err, tt.want, tt.problem)
		}
	}
}
