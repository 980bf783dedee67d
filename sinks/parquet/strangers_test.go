package parquet

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestStrangersAreWhatHasNoNameOfAWindowAndLinksAreHarmful(t *testing.T) {
	root := t.TempDir()
	const day = "events/source=dialpad/account=default/stream=dialpad.calls/date=2025-09-09/"
	const window = "20250909T050000Z_20250910T050000Z.parquet"
	want := map[string]bool{
		day + "copy.parquet": true, day + window + ".tmp": false, day + "_SUCCESS": false,
		"events/" + window: true, "activity/x.parquet/part-0.parquet": true,
		"events/source=ucontact/account=default/stream=dialpad.calls/date=2025-09-09/" + window: true, // not where its stream is
		"events/source=dialpad/account=default/stream=dialpad.calls/date=2025-13-09/" + window:  true,
	}
	for _, name := range append([]string{day + window, "_windrow/x.parquet", "elsewhere/x.parquet", "x.parquet"}, keysOf(want)...) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	want["events/source=linked"] = true
	if err := os.Symlink("../elsewhere", filepath.Join(root, "events/source=linked")); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for stranger, err := range s.Strangers(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[stranger.Name] = stranger.Harmful
	}
	if len(got) != len(want) {
		t.Errorf("found %v, want %v", got, want)
	}
	for name, harmful := range want {
		if is, ok := got[name]; !ok || is != harmful {
			t.Errorf("%s: found %v, harmful %v; want %v", name, ok, is, harmful)
		}
	}
	fresh, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, store := range map[string]*Store{"the walk": s, "a look without one": fresh} {
		if seen, err := store.Seen(t.Context()); err != nil || len(seen) != 1 || seen[0] != (pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}) {
			t.Errorf("%s saw windows of %v, %v", what, seen, err)
		}
	}
	for range s.Strangers(t.Context()) {
		break // a consumer may leave
	}
}

func keysOf(m map[string]bool) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func TestADirectoryWithinAnotherWarehouseIsRefused(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"w/_windrow", "w/raw", "plain/raw"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("w/raw", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, dir := range []string{
		"w", "w/other", "plain/raw", "plain/activity/x",
		"w/activity", "w/events/source=x/y", "w/_windrow", "w/_windrow/ledger", "w/raw", "link", "link/not/yet",
	} {
		_, err := Open(t.Context(), filepath.Join(root, dir), Options{})
		if err == nil {
			continue
		}
		if pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%s: %v", dir, err)
		}
		refused = append(refused, dir)
	}
	if want := []string{"w/activity", "w/events/source=x/y", "w/_windrow", "w/_windrow/ledger", "w/raw", "link", "link/not/yet"}; !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
}
