// Package volumetest proves that a [volume.Volume] does what the Parquet sink relies on. [Bucket] is an object store in
// memory, on which the sink's own tests run as well.
//
// Start at [Run].
package volumetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Run proves the promises of a volume. place makes an empty place; what it returns opens the place as another process.
func Run(t *testing.T, place func(t *testing.T) (open func() volume.Volume)) {
	for _, p := range []struct {
		name  string
		prove func(t *testing.T, open func() volume.Volume)
	}{
		{"an object is published over the version that was seen, and no other", conditions},
		{"of several that create an object one succeeds", creates},
		{"of several that replace one version one succeeds", replaces},
		{"of one that replaces a version and one that removes it one succeeds", replacesOrRemoves},
		{"an object is removed if it is of the version that was seen", removes},
		{"drafts are out of sight, and can be read and discarded", drafts},
		{"what changed is published at the second try", triesAgain},
		{"an open object is read in parts, also when it is replaced meanwhile", opens},
		{"listings are sorted, and know folders from prefixes", lists},
		{"a walk sees every object, and passes over what it is told to", walks},
		{"an update that is alone keeps others out", alone},
		{"an update tells its own error, and none of it is run for a stopped context", updates},
		{"a probe leaves nothing", probes},
		{"a content with a stamp is like no earlier one", stamps},
		{"a draft that is too large for the memory is published whole", large},
	} {
		t.Run(p.name, func(t *testing.T) { p.prove(t, place(t)) })
	}
}

func put(t *testing.T, v volume.Volume, name, body string) {
	t.Helper()
	if err := volume.Put(context.Background(), v, name, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, v volume.Volume, name, want string) {
	t.Helper()
	if got, err := v.Read(context.Background(), name); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
	}
}

func versionOf(t *testing.T, v volume.Volume, name string) volume.Version {
	t.Helper()
	versions, err := v.Versions(context.Background(), name)
	if err != nil || len(versions) != 1 || versions[0] == volume.Any {
		t.Fatalf("versions %q, %v", versions, err)
	}
	return versions[0]
}

// write is a draft that is ready to be published.
func write(t *testing.T, v volume.Volume, body string) volume.Draft {
	t.Helper()
	d, err := v.Draft(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Discard(); err != nil {
			t.Error(err)
		}
	})
	_, err = io.WriteString(d, body)
	if err := errors.Join(err, d.Sync()); err != nil {
		t.Fatal(err)
	}
	return d
}

func conditions(t *testing.T, open func() volume.Volume) {
	ctx, v, other := context.Background(), open(), open()
	const name = "a/b/x.parquet"
	if got := versionOf(t, v, name); got != volume.Absent {
		t.Errorf("an object that does not exist has version %q", got)
	}
	put(t, v, name, "one!")
	first := versionOf(t, v, name)
	if again := versionOf(t, other, name); first == volume.Absent || again != first {
		t.Errorf("two processes see versions %q and %q", first, again)
	}
	for _, over := range []volume.Version{volume.Absent, "no such version"} {
		if err := write(t, v, "wrong").Publish(ctx, name, over); !errors.Is(err, volume.ErrChanged) {
			t.Errorf("published over %q: %v", over, err)
		}
	}
	holds(t, v, name, "one!")
	if err := write(t, other, "two!").Publish(ctx, name, first); err != nil { // as long as the one before
		t.Fatal(err)
	}
	if err := write(t, v, "late").Publish(ctx, name, first); !errors.Is(err, volume.ErrChanged) {
		t.Errorf("published over a version that was replaced: %v", err)
	}
	holds(t, v, name, "two!")
	if err := write(t, v, "any").Publish(ctx, name, volume.Any); err != nil {
		t.Error(err)
	}
	holds(t, other, name, "any")
	if err := write(t, v, "gone").Publish(ctx, "a/b/never", first); !errors.Is(err, volume.ErrChanged) {
		t.Errorf("published over a version of nothing: %v", err)
	}
}

func creates(t *testing.T, open func() volume.Volume) {
	const writers = 8
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for i := range writers {
		v := open()
		wg.Go(func() { errs[i] = volume.Create(context.Background(), v, "ledger/1", []byte{byte(i)}) })
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.Is(err, volume.ErrChanged):
			t.Errorf("writer %d, of whom %d won: %v", i, won, err)
		}
	}
	if won < 0 {
		t.Fatal("nobody created it")
	}
	holds(t, open(), "ledger/1", string([]byte{byte(won)}))
}

func replaces(t *testing.T, open func() volume.Volume) {
	const writers, rounds = 4, 8
	ctx, v := context.Background(), open()
	put(t, v, "x", "first")
	for round := range rounds {
		seen := versionOf(t, v, "x")
		bodies := make([]string, writers)
		for i := range bodies {
			bodies[i] = fmt.Sprintf("round %d, writer %d", round, i)
		}
		won := atOnce(t, bodies, func(i int) error {
			w := open()
			return w.Update(ctx, func(ctx context.Context, _ bool) error { return volume.Replace(ctx, w, "x", []byte(bodies[i]), seen) })
		})
		holds(t, v, "x", bodies[won])
	}
}

func replacesOrRemoves(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	for round := range 8 {
		name := fmt.Sprintf("x/%d", round)
		put(t, v, name, "old")
		seen := versionOf(t, v, name)
		won := atOnce(t, []string{"the one that replaces", "the one that removes"}, func(i int) error {
			w := open()
			return w.Update(ctx, func(ctx context.Context, _ bool) error {
				if i == 0 {
					return volume.Replace(ctx, w, name, []byte("new"), seen)
				}
				return w.Remove(ctx, volume.Object{Name: name, Version: seen})
			})
		})
		is := versionOf(t, v, name)
		if there := is != volume.Absent; there != (won == 0) {
			t.Errorf("round %d: %d won, and the object has version %q", round, won, is)
		}
	}
}

// atOnce lets writers loose of whom one must succeed, and the others find that something has changed. It returns that one.
func atOnce(t *testing.T, names []string, write func(i int) error) (won int) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(names))
	begin := make(chan struct{})
	for i := range names {
		wg.Go(func() {
			<-begin
			errs[i] = write(i)
		})
	}
	close(begin)
	wg.Wait()
	won = -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.Is(err, volume.ErrChanged):
			t.Errorf("%s, while %d had won: %v", names[i], won, err)
		}
	}
	if won < 0 {
		t.Fatal("nobody succeeded")
	}
	return won
}

func removes(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	put(t, v, "x/a", "1")
	put(t, v, "x/b", "1")
	old := volume.Object{Name: "x/b", Version: versionOf(t, v, "x/b")}
	put(t, open(), "x/b", "2")
	err := v.Remove(ctx, volume.Object{Name: "x/gone", Version: "any old version"}, volume.Object{Name: "nowhere/x", Version: volume.Absent},
		volume.Object{Name: "x/a", Version: versionOf(t, v, "x/a")}, old)
	if !errors.Is(err, volume.ErrChanged) {
		t.Errorf("an object that was replaced was removed: %v", err)
	}
	if err := v.Remove(ctx, volume.Object{Name: "x/b", Version: volume.Absent}); !errors.Is(err, volume.ErrChanged) {
		t.Errorf("an object that has come was removed: %v", err)
	}
	if _, err := v.Read(ctx, "x/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed object is read: %v", err)
	}
	holds(t, v, "x/b", "2")
	for range 2 {
		if err := v.Remove(ctx, volume.Object{Name: "x/b", Version: volume.Any}); err != nil {
			t.Error(err)
		}
	}
	if names, err := v.List(ctx, "x"); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
}

func drafts(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	d := write(t, v, "abc")
	for range 2 {
		r, err := d.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || string(b) != "abc" {
			t.Errorf("%q, %v", b, err)
		}
	}
	for _, dir := range []string{"activity", "_windrow/ledger"} {
		if names, err := v.List(ctx, dir); err != nil || len(names) != 0 {
			t.Errorf("a draft is in sight: %v, %v", names, err)
		}
	}
	for range 2 {
		if err := d.Discard(); err != nil {
			t.Error(err)
		}
	}
	if err := d.Publish(ctx, "a", volume.Any); err == nil {
		t.Error("a discarded draft was published")
	}
}

func triesAgain(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	put(t, v, "x", "old")
	d := write(t, v, "new")
	if err := d.Publish(ctx, "x", volume.Absent); !errors.Is(err, volume.ErrChanged) {
		t.Errorf("%v", err)
	}
	if err := d.Publish(ctx, "x", versionOf(t, v, "x")); err != nil {
		t.Errorf("the second try: %v", err)
	}
	if err := d.Discard(); err != nil {
		t.Error(err)
	}
	holds(t, v, "x", "new")
}

func opens(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	if _, err := v.Open(ctx, "x/nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	put(t, v, "x/a", "the content")
	c, err := v.Open(ctx, "x/a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it was read
	put(t, v, "x/a", "another")
	part := make([]byte, 7)
	if n, err := c.ReadAt(part, 4); err == nil && (n != 7 || string(part) != "content") {
		t.Errorf("%d bytes of two versions: %q", n, part)
	}
	if c.Size() != int64(len("the content")) {
		t.Errorf("the size is %d", c.Size())
	}
}

func lists(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	for _, name := range []string{"x/d=1/a", "x/d=2/e/b", "x/d=2/a", "x/d=3/a", "x/d=4/a", "x/d=3z", "y/d=2/a", "xx/d=2/a"} {
		put(t, v, name, "1")
	}
	for _, c := range []struct {
		dir, first, last string
		want             []string
	}{
		{"x", "d=2", "d=3", []string{"x/d=2/a", "x/d=2/e/b", "x/d=3/a"}},
		{"x/d=2", "e", "e", []string{"x/d=2/e/b"}},
		{"nothing", "a", "z", nil},
	} {
		if got, err := v.Between(ctx, c.dir, c.first, c.last); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s from %s to %s: %v, %v", c.dir, c.first, c.last, got, err)
		}
	}
	for dir, want := range map[string][]string{
		"x/d=2": {"x/d=2/a", "x/d=2/e/b"}, "y": {"y/d=2/a"}, "nothing": nil, "x/d": nil,
	} {
		if got, err := v.List(ctx, dir); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", dir, got, err)
		}
	}
	if _, err := v.Read(ctx, "x/nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func walks(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	w, can := v.(volume.Walker)
	if !can {
		return // List serves it
	}
	all := []string{"x/k=1/a", "x/k=1/d/b", "x/k=1/d/c", "x/k=1/e", "x/k=10/a", "x/k=2/a", "x/k=2/b"}
	for _, name := range append([]string{"w/a", "xx/a"}, all...) {
		put(t, v, name, "1")
	}
	for _, c := range []struct {
		dir, folder string // of which the first object is enough
		want        []string
	}{
		{"x", "", all},
		{"x", "x/k=1", []string{"x/k=1/a", "x/k=10/a", "x/k=2/a", "x/k=2/b"}},
		{"x", "x/k=1/d", []string{"x/k=1/a", "x/k=1/d/b", "x/k=1/e", "x/k=10/a", "x/k=2/a", "x/k=2/b"}},
		{"x", "x/k=2", []string{"x/k=1/a", "x/k=1/d/b", "x/k=1/d/c", "x/k=1/e", "x/k=10/a", "x/k=2/a"}},
		{"x/k=1", "x/k=1", []string{"x/k=1/a"}},
		{"nothing", "", nil},
	} {
		var got []string
		err := w.Walk(ctx, c.dir, func(name string, link bool) error {
			got = append(got, name)
			if past := volume.Past(c.folder); past.Holds(name) {
				return past
			}
			return nil
		})
		if slices.Sort(got); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s past %q: %v, %v; want %v", c.dir, c.folder, got, err, c.want)
		}
	}
	odd := errors.New("odd")
	if err := w.Walk(ctx, "x", func(string, bool) error { return odd }); !errors.Is(err, odd) {
		t.Errorf("%v", err)
	}
}

func alone(t *testing.T, open func() volume.Volume) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	inside, ran := 0, 0
	for range 3 {
		v := open()
		for range 4 {
			wg.Go(func() {
				err := v.Update(context.Background(), func(_ context.Context, alone bool) error {
					mu.Lock()
					inside++
					ran++
					if alone && inside != 1 {
						t.Error("two updates are alone")
					}
					mu.Unlock()
					mu.Lock()
					inside--
					mu.Unlock()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if ran != 12 {
		t.Errorf("%d of 12 updates ran", ran)
	}
}

func updates(t *testing.T, open func() volume.Volume) {
	v := open()
	odd := errors.New("odd")
	if err := v.Update(context.Background(), func(context.Context, bool) error { return odd }); !errors.Is(err, odd) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := v.Update(ctx, func(context.Context, bool) error {
		t.Error("an update ran although it was stopped")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func probes(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	put(t, v, "a/x", "1")
	if err := v.Probe(ctx); err != nil {
		t.Error(err)
	}
	if names, err := v.List(ctx, "."); err == nil && len(names) > 1 {
		for _, name := range names {
			if name != "a/x" && !strings.HasPrefix(name, "_") {
				t.Errorf("the probe left %s", name)
			}
		}
	}
}

func stamps(t *testing.T, open func() volume.Volume) {
	ctx, v := context.Background(), open()
	const before, after = "head", "tail"
	seen := map[volume.Version]bool{}
	for over := volume.Absent; len(seen) < 3; over = versionOf(t, v, "x") {
		if err := write(t, v, before+volume.Stamp+after).Publish(ctx, "x", over); err != nil {
			t.Fatal(err)
		}
		if is := versionOf(t, v, "x"); seen[is] {
			t.Fatalf("the version %s came again", is)
		} else {
			seen[is] = true
		}
		b, err := v.Read(ctx, "x")
		if text := string(b); err != nil || len(text) != len(before+volume.Stamp+after) || !strings.HasPrefix(text, before) || !strings.HasSuffix(text, after) {
			t.Errorf("%q, %v", text, err)
		}
	}
}

// large writes several drafts of several megabytes side by side, in pieces, as encoders do.
func large(t *testing.T, open func() volume.Volume) {
	const drafts, pieces, size = 6, 21, 512 << 10
	ctx, v := context.Background(), open()
	piece := func(draft, n int) []byte { return bytes.Repeat([]byte{byte(draft), byte(n), 7}, size/3) }
	var all []volume.Draft
	for range drafts {
		d, err := v.Draft(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Discard() //nolint:errcheck // it is discarded below
		all = append(all, d)
	}
	for n := range pieces {
		for i, d := range all {
			if _, err := d.Write(piece(i, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, d := range all {
		name := fmt.Sprintf("x/%d", i)
		if err := errors.Join(d.Sync(), d.Publish(ctx, name, volume.Absent)); err != nil {
			t.Fatal(err)
		}
		got, err := v.Read(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		for n := range pieces {
			want := piece(i, n)
			if !bytes.HasPrefix(got, want) {
				t.Fatalf("draft %d differs in its piece %d", i, n)
			}
			got = got[len(want):]
		}
		if len(got) > 0 {
			t.Errorf("draft %d has %d bytes more", i, len(got))
		}
		if err := d.Discard(); err != nil {
			t.Error(err)
		}
	}
	if names, err := v.List(ctx, "x"); err != nil || len(names) != drafts {
		t.Errorf("%q, %v", names, err)
	}
}
