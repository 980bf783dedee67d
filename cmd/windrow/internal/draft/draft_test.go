package draft

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func create(t *testing.T, path, text string) *Draft {
	t.Helper()
	d, err := Create(path, "page", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return d
}

// there are the names in a folder, those of drafts as a star.
func there(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if len(name) > len(prefixOf("page")) && name[:len(prefixOf("page"))] == prefixOf("page") {
			name = "*"
		}
		names = append(names, name)
	}
	return names
}

func TestAFileAppearsAtOnceAndReplacesTheOneBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	for _, text := range []string{"one", "two, which is longer"} {
		d := create(t, path, text)
		if before, _ := os.ReadFile(path); string(before) == text {
			t.Error("it is there before it is whole")
		}
		if err := d.Publish(); err != nil {
			t.Fatal(err)
		}
		d.Discard() // which does nothing any more
		got, err := os.ReadFile(path)
		if string(got) != text || err != nil || !slices.Equal(there(t, filepath.Dir(path)), []string{"page.html"}) {
			t.Errorf("%q, %v, %q", got, err, there(t, filepath.Dir(path)))
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

func TestADiscardedDraftLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	d := create(t, path, "one")
	d.Discard()
	d.Discard()
	if left := there(t, filepath.Dir(path)); len(left) > 0 {
		t.Error(left)
	}
}

func TestWhatADeadProcessHasLeftGoesAndWhatALivingOneWritesStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	living := create(t, path, "living")
	for _, name := range []string{prefixOf("page") + "dead", prefixOf("other") + "dead", "page.draft"} { // a dead process locks nothing
		if err := os.WriteFile(filepath.Join(dir, name), []byte("dead"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(path, "page")
	if left := there(t, dir); !slices.Equal(left, []string{prefixOf("other") + "dead", "*", "page.draft"}) {
		t.Error(left)
	}
	create(t, path, "another").Discard()
	if err := living.Publish(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); string(got) != "living" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestADraftThatASweepHasTakenIsMadeAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	d := create(t, path, "one")
	if err := os.Remove(d.Name()); err != nil {
		t.Fatal(err)
	}
	if d.there() {
		t.Error("it is gone, and said to be there")
	}
	d.Discard()
}

func TestAFolderThatIsNotThereIsTold(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "no", "page.html"), "page", 0o600); !os.IsNotExist(err) {
		t.Error(err)
	}
}
