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
	"github.com/windrow-data/windrow/sinks/internal/layout"
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

// A sync looks for strangers before it asks a vendor and sweeps at its end: one walk through the tables is enough for both.
func TestALookForStrangersSparesTheSweepsTheirWalk(t *testing.T) {
	l := newLooked(t)
	other := pipeline.StreamKey{Account: testKey.Account, Stream: "ucontact.other"}
	inEvents := strings.Replace(l.data[0], "/activity/", "/events/", 1)
	extra := filepath.Join(filepath.Dir(l.data[0]), "20250908T000000Z_20250908T060000Z.parquet")
	if err := errors.Join(os.Link(l.data[0], extra), os.MkdirAll(filepath.Dir(inEvents), 0o750), os.Link(l.data[0], inEvents)); err != nil {
		t.Fatal(err)
	}
	s, c := l.openCounted(t)
	strangers := func(s *Store) {
		for stranger, err := range s.Strangers(t.Context()) {
			t.Fatal(stranger, err)
		}
	}
	sweep := func(s *Store, k pipeline.StreamKey, removes int) {
		if removed, err := s.Sweep(t.Context(), k, pipeline.Activity); err != nil || len(removed) != removes {
			t.Errorf("removed %q, %v; want %d", removed, err, removes)
		}
	}
	walks := func(what string, activity, events int) {
		if n := c.listedBeneathTable; n["activity"] != activity || n["events"] != events {
			t.Errorf("%s: %v; want %d walks through activity, %d through events", what, n, activity, events)
		}
	}
	strangers(s)
	sweep(s, other, 0)
	walks("a stream without files", 1, 1)
	sweep(s, testKey, 2)
	walks("a stream with files in a table that is not its own", 1, 2)
	if err := os.Link(l.data[0], extra); err != nil {
		t.Fatal(err)
	}
	sweep(s, testKey, 1)
	walks("what was seen is used once", 2, 3)
	strangers(s)
	sweep(s, testKey, 0)
	walks("nothing of others", 3, 4)

	// Who leaves before the end has not seen everything, and a ledger that cannot be read owns nothing.
	if err := errors.Join(os.Link(l.data[0], extra), os.WriteFile(filepath.Join(l.root, "events", "a.txt"), nil, 0o640)); err != nil {
		t.Fatal(err)
	}
	unread := l.Open(t).(*Store)
	for range unread.Strangers(t.Context()) {
		break
	}
	sweep(unread, testKey, 1)
	objects, err := filepath.Glob(filepath.Join(l.root, layout.StreamDir(ledgerDir, testKey), "*"))
	if err != nil || len(objects) == 0 {
		t.Fatal(objects, err)
	}
	if err := errors.Join(os.Remove(filepath.Join(l.root, "events", "a.txt")), os.Truncate(objects[0], 0)); err != nil {
		t.Fatal(err)
	}
	damaged := l.Open(t).(*Store)
	strangers(damaged)
	if removed, err := damaged.Sweep(t.Context(), testKey, pipeline.Activity); len(removed) > 0 || pipeline.KindOf(err) != pipeline.Damaged {
		t.Errorf("removed %q, %v", removed, err)
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
