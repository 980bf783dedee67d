package parquet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// found are the kinds of the differences of the looked-at windows.
func (l looked) found(t testing.TB, depth pipeline.Depth) (kinds []pipeline.DifferenceKind) {
	t.Helper()
	s := l.Open(t)
	ledger, err := s.Ledger(context.Background(), testKey)
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range s.(pipeline.Verifier).Verify(context.Background(), testKey, pipeline.Activity, ledger, pipeline.Verification{Depth: depth}) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Kind == pipeline.DiffFingerprint && d.Expected == "fingerprint 00000000000000000000000000000000" {
			continue // the windows of this package's tests claim none
		}
		kinds = append(kinds, d.Kind)
	}
	return kinds
}

// A bit that flips anywhere among the pages of a file is found, or it changed nothing that is read: never is it an error
// of the verification, nor does the verification hang.
func TestAFlippedBitIsADifferenceAndNoError(t *testing.T) {
	l := newLooked(t)
	whole, err := os.ReadFile(l.data[0])
	if err != nil {
		t.Fatal(err)
	}
	unreadable := 0
	for at := 0; at < len(whole); at += 7 {
		body := append([]byte(nil), whole...)
		body[at] ^= 1 << (at % 8)
		if err := os.WriteFile(l.data[0], body, 0o640); err != nil {
			t.Fatal(err)
		}
		for _, kind := range l.found(t, pipeline.ByRows) {
			if kind == pipeline.DiffUnreadable {
				unreadable++
			}
		}
	}
	if unreadable < len(whole)/7/4 {
		t.Errorf("of %d flipped bits %d made the file unreadable", len(whole)/7, unreadable)
	}
}

func TestFilesAreComparedWithTheLedger(t *testing.T) {
	extra := "20250908T000000Z_20250908T060000Z.parquet"
	for name, c := range map[string]struct {
		damage func(l looked) error
		want   pipeline.DifferenceKind
	}{
		"a file that was cut":         {func(l looked) error { return os.Truncate(l.data[0], 100) }, pipeline.DiffBytes},
		"a file that was deleted":     {func(l looked) error { return os.Remove(l.data[0]) }, pipeline.DiffMissing},
		"rejects that were deleted":   {func(l looked) error { return os.Remove(l.rejects[0]) }, pipeline.DiffMissing},
		"rejects that cannot be read": {func(l looked) error { return os.Truncate(l.rejects[0], 100) }, pipeline.DiffUnreadable},
		"a file of no window":         {func(l looked) error { return os.Link(l.data[0], filepath.Join(filepath.Dir(l.data[0]), extra)) }, pipeline.DiffExtra},
		"a file of the window before": {func(l looked) error {
			body, err := os.ReadFile(l.data[0])
			if err != nil {
				return err
			}
			return os.WriteFile(l.data[1], body, 0o640)
		}, pipeline.DiffRows},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLooked(t)
			if got := l.found(t, pipeline.ByCounts); len(got) != 0 {
				t.Fatalf("nothing differs, but %v", got)
			}
			if err := c.damage(l); err != nil {
				t.Fatal(err)
			}
			if got := l.found(t, pipeline.ByCounts); len(got) != 1 || got[0] != c.want {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestSweepRemovesFilesOfNoWindowAlone(t *testing.T) {
	l := newLooked(t)
	extra := filepath.Join(filepath.Dir(l.data[0]), "20250908T000000Z_20250908T060000Z.parquet")
	if err := os.Link(l.data[0], extra); err != nil {
		t.Fatal(err)
	}
	removed, err := l.Open(t).(pipeline.Sweeper).Sweep(context.Background(), testKey, pipeline.Activity)
	if err != nil || len(removed) != 1 || filepath.Base(removed[0]) != filepath.Base(extra) {
		t.Errorf("removed %q, %v", removed, err)
	}
	for path, want := range map[string]bool{extra: false, l.data[0]: true, l.data[1]: true, l.rejects[0]: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A folder of rejects may lie on another disk: what is there is looked at as if it lay here.
func TestSweepFollowsLinksAmongTheRejects(t *testing.T) {
	l := newLooked(t)
	day, moved := filepath.Dir(l.rejects[0]), filepath.Join(t.TempDir(), "moved")
	if err := os.CopyFS(moved, os.DirFS(day)); err != nil {
		t.Fatal(err)
	}
	extra := filepath.Join(moved, "20250908T000000Z_20250908T060000Z.parquet")
	if err := errors.Join(os.WriteFile(extra, nil, 0o640), os.RemoveAll(day), os.Symlink(moved, day)); err != nil {
		t.Fatal(err)
	}
	if got := l.found(t, pipeline.ByCounts); len(got) != 1 || got[0] != pipeline.DiffExtra {
		t.Errorf("found %v", got)
	}
	if removed, err := l.Open(t).(pipeline.Sweeper).Sweep(t.Context(), testKey, pipeline.Activity); err != nil || len(removed) != 1 {
		t.Errorf("removed %q, %v", removed, err)
	}
	if left, err := os.ReadDir(moved); err != nil || len(left) != 1 {
		t.Errorf("%v is left, %v", left, err)
	}
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Open(t).(pipeline.Sweeper).Sweep(t.Context(), testKey, pipeline.Activity); err == nil || !strings.Contains(err.Error(), "leads nowhere") {
		t.Errorf("a disk that is not there is taken for an empty folder: %v", err)
	}
}

// The raw text of a reject may not be UTF-8, and a file cannot keep it as it was.
func TestRejectsThatAreNotUTF8DifferFromNothing(t *testing.T) {
	l := looked{place: newPlace(t)}
	w := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	commit := func(claimed string) bool {
		s := l.Open(t)
		sealed := sealAgents(t, s, 1, w, nil, pipeline.Reject{Row: 1, Reason: "no key", Raw: "Jos\xe9;1"})
		sealed.Entry.RejectsHash = pipeline.Reject{Row: 1, Reason: "no key", Raw: claimed}.Hash()
		if r := s.Commit(context.Background(), []pipeline.Sealed{sealed}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		return slices.Contains(l.found(t, pipeline.ByRows), pipeline.DiffRejects)
	}
	if commit("Jos\xe9;1") {
		t.Error("the reject is as the vendor sent it, and a difference is told")
	}
	l = looked{place: newPlace(t)}
	if !commit("Jos\xea;1") {
		t.Error("the reject has another byte, and nothing is told")
	}
}
