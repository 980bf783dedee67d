package pushledger_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/pushledger"
	"github.com/windrow-data/windrow/sinks/sinktest/pushtest"
)

// place is a directory that does not exist yet.
type place struct{ root string }

func newPlace(t testing.TB) place {
	return place{filepath.Join(t.TempDir(), "warehouse", "_windrow", "push")}
}

func (p place) Open(t testing.TB) push.Ledger {
	t.Helper()
	l, err := pushledger.Open(p.root, pushledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// files are the objects beneath a folder, in order.
func (p place) files(t testing.TB, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(p.root, dir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Damage implements [pushtest.Damager].
func (p place) Damage(t testing.TB, _ push.Key, how pushtest.Harm) string {
	t.Helper()
	files := p.files(t, "keys")
	first := files[0]
	var bodies [2][]byte
	for i := range bodies {
		var err error
		if bodies[i], err = os.ReadFile(files[i]); err != nil {
			t.Fatal(err)
		}
	}
	body := harmed(bodies[0], bodies[1], how)
	if body == nil {
		if err := os.Remove(first); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(first)
	}
	if err := os.WriteFile(first, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(filepath.Dir(first)) + "/" + filepath.Base(first)
}

// harmed is what the first of two objects becomes; nil where it goes.
func harmed(body, second []byte, how pushtest.Harm) []byte {
	switch how {
	case pushtest.Cut:
		return body[:len(body)/2]
	case pushtest.Flipped:
		body[len(body)/2] ^= 1
	case pushtest.Newer:
		return []byte(strings.Replace(string(body), "windrow-push 2", "windrow-push 3", 1))
	case pushtest.Missing:
		return nil
	case pushtest.Foreign:
		return second
	}
	return body
}

func TestTheLedgerOfADirectoryKeepsItsPromises(t *testing.T) {
	pushtest.Run(t, pushtest.Driver{New: func(t testing.TB) pushtest.Place { return newPlace(t) }, Writers: 4, Writes: 25})
}

func TestEveryBitOfAnObjectCounts(t *testing.T) {
	p := newPlace(t)
	l := p.Open(t)
	k := push.Key{Account: "mx", Hub: "sales", Delivery: push.Lists, Name: "Summer"}
	if _, err := l.Append(t.Context(), k, 0, push.Change{State: push.Planned, Batch: "b"}); err != nil {
		t.Fatal(err)
	}
	file := p.files(t, "keys")[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, n int, body []byte) {
		t.Helper()
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Read(t.Context(), k, 0, func(push.Change) error { return nil }); pipeline.KindOf(err) != pipeline.Damaged {
			t.Errorf("%s %d: %v", what, n, err)
		}
		if _, err := l.Keys(t.Context()); pipeline.KindOf(err) != pipeline.Damaged {
			t.Errorf("%s %d: listed: %v", what, n, err)
		}
	}
	for n := range whole {
		refused("cut at", n, whole[:n])
		flipped := slices.Clone(whole)
		flipped[n] ^= 1 << (n % 8)
		refused("flipped at", n, flipped)
	}
}

func TestFilesAndFoldersAreTheOwnersAlone(t *testing.T) {
	p := newPlace(t)
	l := p.Open(t)
	for _, k := range []push.Key{{}, {Account: "mx", Hub: "sales", Delivery: push.Lists, Name: "Summer"}} {
		if _, err := l.Append(t.Context(), k, 0, push.Change{State: push.Planned}); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	err := filepath.WalkDir(p.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if seen++; err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil || seen < 8 {
		t.Errorf("%d files and folders, %v", seen, err)
	}
}

func TestAProcessLivesUntilItsLedgerIsClosed(t *testing.T) {
	p := newPlace(t)
	one, other := p.Open(t).(*pushledger.Ledger), p.Open(t).(*pushledger.Ledger)
	if _, err := one.Append(t.Context(), push.Key{}, 0, push.Change{State: push.Planned}); err != nil {
		t.Fatal(err)
	}
	run := one.Run()
	if run == "" || other.Life(t.Context(), run) != push.Alive || other.Life(t.Context(), run) != push.Alive {
		t.Errorf("%q is not seen to live", run)
	}
	for _, name := range []string{"", ".", "..", "run-none", "../tmp/" + run} {
		if other.Life(t.Context(), name) != push.Dead {
			t.Errorf("%q is seen to live", name)
		}
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if other.Life(t.Context(), run) != push.Dead {
		t.Error("a process that has ended is seen to live")
	}
}
