package volume

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestALocalListingFollowsLinksAndRefusesThoseThatLeadNowhereOrInACircle(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/d=1", "elsewhere/d=2/deep"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/d=1/x", "elsewhere/d=2/y", "elsewhere/d=2/deep/z"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("../elsewhere/d=2", "a/d=2") // of a folder
	link("d=1/x", "a/x")              // of a file
	link("a", "b")                    // of the listed folder itself
	l := NewLocal(root, "_private")
	for dir, want := range map[string][]string{
		"a": {"a/d=1/x", "a/d=2/deep/z", "a/d=2/y", "a/x"},
		"b": {"b/d=1/x", "b/d=2/deep/z", "b/d=2/y", "b/x"},
	} {
		if got, err := l.List(t.Context(), dir); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has %v, %v; want %v", dir, got, err, want)
		}
	}
	if got, err := l.Between(t.Context(), "a", "d=2", "d=3"); err != nil || !slices.Equal(got, []string{"a/d=2/deep/z", "a/d=2/y"}) {
		t.Errorf("between: %v, %v", got, err)
	}
	for says, to := range map[string]string{"leads nowhere": "../gone", "leads in a circle": "../a"} {
		link(to, "a/d=3")
		if got, err := l.List(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", says, got, err)
		}
		if got, err := l.Between(t.Context(), "a", "d=3", "d=3"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: between: %v, %v", says, got, err)
		}
		if err := os.Remove(filepath.Join(root, "a/d=3")); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is not there is no empty folder, wherever its link is on the way.
func TestWhatALinkThatLeadsNowhereHidesIsNotTakenForAbsent(t *testing.T) {
	for name, at := range map[string]string{"the root": "", "a folder": "a", "a folder above": "a/b", "the private folder": "_private"} {
		root := filepath.Join(t.TempDir(), "root")
		link := filepath.Join(root, at)
		if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../gone", link); err != nil {
			t.Fatal(err)
		}
		l := NewLocal(root, "_private")
		dir, ctx := filepath.Join(at, "c"), t.Context()
		_, listed := l.List(ctx, dir)
		_, between := l.Between(ctx, dir, "a", "z")
		walked := l.Walk(ctx, dir, func(string, bool) error { return nil })
		for what, err := range map[string]error{"list": listed, "between": between, "walk": walked, "make": l.makeDir(filepath.Join(root, dir))} {
			if err == nil || !strings.Contains(err.Error(), link+": the symbolic link leads nowhere") {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		if err := l.Probe(ctx); (err != nil) != (at == "") {
			t.Errorf("%s: probe: %v", name, err)
		}
		if err := os.MkdirAll(filepath.Join(filepath.Dir(link), "../gone"), 0o750); err != nil {
			t.Fatal(err)
		}
		if names, err := l.List(ctx, dir); len(names) > 0 || err != nil {
			t.Errorf("%s: now it leads to an empty folder: %v, %v", name, names, err)
		}
	}
}
