package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	bodies "github.com/windrow-data/windrow/sinks/archive"
	"github.com/windrow-data/windrow/sinks/internal/faults"
	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

var (
	key    = pipeline.StreamKey{Account: "mx", Stream: "acme.visits"}
	zone   = "America/Mexico_City"
	day    = pipeline.InstantOf(time.Date(2025, 9, 8, 6, 0, 0, 0, time.UTC))
	readAt = pipeline.InstantOf(time.Date(2025, 9, 9, 5, 0, 0, 123456000, time.UTC))
)

// request asks for the n-th day of the test.
func request(n int) pipeline.Request {
	start := day.Add(time.Duration(n) * 24 * time.Hour)
	w := pipeline.Window{Span: pipeline.Span{Start: start, End: start.Add(24 * time.Hour)}, Zone: zone}
	return pipeline.Request{Tenant: pipeline.TenantKey{Source: "acme", Account: "mx"}, Stream: key.Stream, Windows: []pipeline.Window{w}, Span: w.Span, Zone: zone,
		Scope: "office:1", Part: pipeline.Part{Number: 1, Of: 1}}
}

// keep keeps an answer of these documents, read at an hour of the test.
func keep(ctx context.Context, a archive.Archive, q archive.Question, hour int, texts ...string) error {
	answer := a.Begin(q)
	for _, text := range texts {
		m := pipeline.Meta{Request: q.Request, Span: q.Request.Span, ReadAt: readAt.Add(time.Duration(hour) * time.Hour), ExtractedAt: readAt}
		if err := answer.Put(ctx, m, strings.NewReader(text)); err != nil {
			return errors.Join(err, answer.Abort())
		}
	}
	return answer.End(ctx, true, "")
}

func question(n int) archive.Question {
	return archive.Question{Request: request(n), Suffix: "csv", Sync: "a sync", Order: 7, Shape: map[string]string{"TARGETS": "office:1"}}
}

// files are the names beneath a directory, without those of the lock and the drafts.
func files(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "_windrow") {
			name, _ := filepath.Rel(root, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

// documents are what is kept of the test's stream.
func documents(t *testing.T, a archive.Archive) (all []archive.Document) {
	t.Helper()
	for d, err := range a.Documents(t.Context(), key) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func contents(t *testing.T, d archive.Document) (string, error) {
	t.Helper()
	body, err := d.Open(t.Context())
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return string(text), errors.Join(err, body.Close())
}

func opened(t *testing.T) (*bodies.Store, string) {
	t.Helper()
	root := t.TempDir()
	a, err := bodies.Open(root, bodies.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, root
}

func TestABodyLiesWhereAPersonLooksAndHasTheVendorsBytes(t *testing.T) {
	a, root := opened(t)
	const text = "date,agent\n2025-09-08,Ana\n"
	if err := keep(t.Context(), a, question(0), 0, text); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	names := files(t, root)
	if len(names) != 2 {
		t.Fatalf("files: %v", names)
	}
	folder := "source=acme/account=mx/stream=acme.visits/date=2025-09-08/20250909T050000.123456Z_"
	body, meta := names[0], names[1]
	tail := "_" + hex.EncodeToString(sum[:])[:16]
	if !strings.HasPrefix(body, folder) || !strings.HasSuffix(body, tail+".csv.zst") || meta != strings.TrimSuffix(body, ".csv.zst")+".meta.json" {
		t.Errorf("the body is %s, its meta %s", body, meta)
	}
	for name, want := range map[string]fs.FileMode{body: 0o640, meta: 0o640, filepath.Dir(body): 0o750} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Mode().Perm()&^want != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	packed, err := os.ReadFile(filepath.Join(root, body))
	if err != nil {
		t.Fatal(err)
	}
	coder, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer coder.Close()
	if got, err := io.ReadAll(coder); string(got) != text || err != nil {
		t.Errorf("the body is %q, %v", got, err)
	}

	var said struct {
		Request  map[string]any
		Windows  []pipeline.Window
		Zone     string
		Scope    string
		Bytes    int64
		SHA256   string
		Readings []map[string]any
	}
	description, err := os.ReadFile(filepath.Join(root, meta))
	if err != nil || json.Unmarshal(description, &said) != nil {
		t.Fatalf("%s: %v", description, err)
	}
	if said.Request["stream"] != "acme.visits" || !slices.Equal(said.Windows, request(0).Windows) || said.Zone != zone || said.Scope != "office:1" ||
		said.Bytes != int64(len(text)) || said.SHA256 != hex.EncodeToString(sum[:]) || len(said.Readings) != 1 ||
		said.Readings[0]["read_at"] != "2025-09-09T05:00:00.123456Z" || said.Readings[0]["verdict"] != "sound" || said.Readings[0]["extracted_at"] == nil {
		t.Errorf("the meta is %s", description)
	}
}

// A replay counts as the sync did: whatever describes a document is kept, but for the times, which are the reading's.
func TestAllThatDescribesADocumentIsKept(t *testing.T) {
	a, _ := opened(t)
	q := question(0)
	q.Request.Resources = []string{"Ana"}
	want := pipeline.Meta{
		Request: q.Request, Span: q.Request.Span, ExtractedAt: readAt, ReadAt: readAt, Group: "60", ResponseZone: zone,
		Days:    &pipeline.AskedDays{Span: q.Request.Span, First: q.Request.Span, Last: q.Request.Span},
		Portion: &pipeline.Portion{Undated: true}, Redacted: "a policy",
	}
	for f := range reflect.TypeFor[pipeline.Meta]().NumField() {
		if reflect.ValueOf(want).Field(f).IsZero() {
			t.Fatalf("the test does not fill %s", reflect.TypeFor[pipeline.Meta]().Field(f).Name)
		}
	}
	answer := a.Begin(q)
	if err := errors.Join(answer.Put(t.Context(), want, strings.NewReader("text")), answer.End(t.Context(), true, "")); err != nil {
		t.Fatal(err)
	}
	kept := documents(t, a)
	if len(kept) != 1 {
		t.Fatalf("%d documents", len(kept))
	}
	got := kept[0].Meta
	got.ReadAt, got.ExtractedAt, got.Request.Part = kept[0].Readings[0].ReadAt, kept[0].Readings[0].ExtractedAt, kept[0].Readings[0].Request
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v is kept as %+v", want, got)
	}
}

func TestTheSameBytesForTheSameRequestAreKeptOnce(t *testing.T) {
	a, root := opened(t)
	other := question(0)
	other.Request.Scope = "office:2"
	for i, k := range []struct {
		q    archive.Question
		text string
	}{{question(0), "one"}, {question(0), "one"}, {question(0), "two"}, {other, "one"}, {question(1), "one"}, {question(0), "one"}} {
		if err := keep(t.Context(), a, k.q, i, k.text); err != nil {
			t.Fatal(err)
		}
	}
	if names := files(t, root); len(names) != 2*4 {
		t.Errorf("%d files: %v", len(names), names)
	}
	readings := 0
	for _, d := range documents(t, a) {
		readings += len(d.Readings)
		if len(d.Readings) == 3 {
			for _, r := range d.Readings {
				if r.Shape["TARGETS"] != "office:1" || r.Order != 7 || r.Request.Of != 1 || r.Document.Of != 1 {
					t.Errorf("a reading is %+v", r)
				}
			}
		}
	}
	if readings != 6 {
		t.Errorf("%d readings, want 6", readings)
	}
}

func TestARefusedBodyIsKeptWithItsVerdict(t *testing.T) {
	a, _ := opened(t)
	answer := a.Begin(question(0))
	refusal := &archive.RefusedError{Err: errors.New("no document"), Verdict: archive.Broken}
	m := pipeline.Meta{Request: request(0), Span: request(0).Span, ReadAt: readAt}
	if err := answer.Put(t.Context(), m, io.MultiReader(strings.NewReader("<html>"), failing{refusal})); !errors.Is(err, refusal.Err) {
		t.Errorf("the refusal became %v", err)
	}
	if err := answer.Put(t.Context(), m, io.MultiReader(strings.NewReader("cut"), failing{errors.New("gone")})); err == nil {
		t.Error("a body that broke off was taken")
	}
	if err := answer.End(t.Context(), false, ""); err != nil {
		t.Fatal(err)
	}
	kept := documents(t, a)
	if len(kept) != 1 || kept[0].Readings[0].Verdict != archive.Broken || kept[0].Readings[0].Document.Of != 0 {
		t.Fatalf("%+v", kept)
	}
	if text, err := contents(t, kept[0]); text != "<html>" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAnAnswerThatIsRefusedAsAWholeIsMarkedSo(t *testing.T) {
	a, _ := opened(t)
	if err := keep(t.Context(), a, question(0), 0, "one"); err != nil {
		t.Fatal(err)
	}
	q := question(0)
	q.Sync = "another sync"
	answer := a.Begin(q)
	m := pipeline.Meta{Request: q.Request, Span: q.Request.Span, ReadAt: readAt.Add(time.Hour), ExtractedAt: readAt}
	for _, text := range []string{"one", "two"} {
		if err := answer.Put(t.Context(), m, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(answer.End(t.Context(), true, archive.Broken), answer.Abort()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range documents(t, a) {
		text, err := contents(t, d)
		if err != nil {
			t.Error(err)
		}
		for _, r := range d.Readings {
			got = append(got, text+" "+string(r.Sync)+" "+string(r.Verdict))
		}
	}
	slices.Sort(got)
	if want := []string{"one a sync sound", "one another sync broken", "two another sync broken"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestWhatIsDamagedIsToldAndNeverTakenForTheDocument(t *testing.T) {
	text := strings.Repeat("date,agent\n", 1000)
	for says, harm := range map[string]func(body, meta string) error{
		"the body is cut":       func(body, _ string) error { return os.Truncate(body, 20) },
		"the body is empty":     func(body, _ string) error { return os.Truncate(body, 0) },
		"the body is gone":      func(body, _ string) error { return os.Remove(body) },
		"the meta is gone":      func(_, meta string) error { return os.Remove(meta) },
		"the meta is cut":       func(_, meta string) error { return os.Truncate(meta, 100) },
		"the meta is of others": func(_, meta string) error { return os.WriteFile(meta, []byte(`{"bytes":1}`), 0o600) },
		"a byte of the body is flipped": func(body, _ string) error {
			b, err := os.ReadFile(body)
			b[len(b)/2] ^= 4
			return errors.Join(err, os.WriteFile(body, b, 0o600))
		},
		"the body is another one": func(body, _ string) error {
			coder, err := zstd.NewWriter(nil)
			return errors.Join(err, os.WriteFile(body, coder.EncodeAll([]byte(strings.Repeat("date,AGENT\n", 1000)), nil), 0o600))
		},
	} {
		a, root := opened(t)
		if err := keep(t.Context(), a, question(0), 0, text); err != nil {
			t.Fatal(err)
		}
		names := files(t, root)
		if err := harm(filepath.Join(root, names[0]), filepath.Join(root, names[1])); err != nil {
			t.Fatal(err)
		}
		for _, d := range documents(t, a) {
			if d.Err != nil {
				continue
			}
			if _, err := contents(t, d); pipeline.ErrorKind(err) != "archive_damaged" {
				t.Errorf("%s: %v", says, err)
			}
		}
		if err := keep(t.Context(), a, question(0), 1, text); err != nil { // the next reading mends it
			t.Fatalf("%s: %v", says, err)
		}
		sound := false
		for _, d := range documents(t, a) {
			if d.Err == nil {
				got, err := contents(t, d)
				sound = sound || got == text && err == nil
			}
		}
		if left := files(t, root); !sound || len(left) != 2 && !strings.HasPrefix(says, "the meta is gone") {
			t.Errorf("%s: the next reading did not mend it: %v", says, left)
		}
	}
}

// Whatever call fails, before or after it had its effect, and whatever a killed process leaves: nothing partial is under a
// final name, the next reading keeps the answer, and no description is left without a body.
func TestEveryCallMayFail(t *testing.T) {
	for name, place := range map[string]func(t *testing.T) func() volume.Volume{
		"directory": func(t *testing.T) func() volume.Volume {
			root := t.TempDir()
			return func() volume.Volume { return volume.NewLocal(root, "_windrow") }
		},
		"bucket": func(*testing.T) func() volume.Volume { return volumetest.NewBucket().Open },
		"gcs":    func(t *testing.T) func() volume.Volume { return served(t, storetest.GCS) },
		"s3":     func(t *testing.T) func() volume.Volume { return served(t, storetest.S3) },
	} {
		t.Run(name, func(t *testing.T) {
			first, step := 0, 1
			if (name == "gcs" || name == "s3") && !soak.Whole() { // each call takes a while
				step = 6
				first = int(soak.Seed(t) % uint64(step))
			}
			for _, after := range []bool{false, true} {
				for n := first; ; n += step {
					open := place(t)
					plan := &faults.Plan{N: n, After: after}
					err := keep(t.Context(), bodies.Beneath(plan.Volume(open()), "raw"), question(0), 0, "one", "two")
					if !plan.Hit() {
						if err != nil {
							t.Fatal(err)
						}
						break
					}
					a := bodies.Beneath(open(), "raw")
					for _, d := range documents(t, a) {
						if d.Err == nil {
							if text, err := contents(t, d); err != nil || text != "one" && text != "two" {
								t.Fatalf("call %d: %q, %v", n, text, err)
							}
						}
					}
					if err := keep(t.Context(), a, question(0), 1, "one", "two"); err != nil {
						t.Fatalf("call %d: %v", n, err)
					}
					whole := documents(t, a)
					if len(whole) != 2 || whole[0].Err != nil || whole[1].Err != nil {
						t.Fatalf("call %d (after: %t): %+v", n, after, whole)
					}
				}
			}
		})
	}
}

// served is a bucket of a server, as each process has it.
func served(t *testing.T, kind storetest.Kind) (open func() volume.Volume) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	server, bucket := storetest.Bucket(t, kind)
	address := "gs://" + bucket
	if kind == storetest.S3 {
		address = "s3://" + bucket + "?endpoint=" + url.QueryEscape(server)
	}
	return func() volume.Volume {
		v, err := objectstore.Open(t.Context(), address, objectstore.Options{Private: bodies.Private, Emulator: server})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAFullDiskIsToldAsTheSinksIs(t *testing.T) {
	a := bodies.Beneath(fullDisk{volumetest.NewBucket().Open()}, "raw")
	err := keep(t.Context(), a, question(0), 0, strings.Repeat("a document", 1<<16))
	if pipeline.KindOf(err) != pipeline.Unwritable || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "run the same command again") {
		t.Errorf("%v", err)
	}
}

// fullDisk takes no byte.
type fullDisk struct{ volume.Volume }

func (f fullDisk) Draft(ctx context.Context) (volume.Draft, error) {
	d, err := f.Volume.Draft(ctx)
	return fullDraft{d}, err
}

type fullDraft struct{ volume.Draft }

func (fullDraft) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWhatNoWindowNeedsGoes(t *testing.T) {
	a, root := opened(t)
	for hour, text := range []string{"first", "second", "third"} {
		if err := keep(t.Context(), a, question(0), hour, text); err != nil {
			t.Fatal(err)
		}
	}
	committed := func(s pipeline.Span) (pipeline.Entry, bool) {
		return pipeline.Entry{Order: 7, ReadAt: readAt.Add(2 * time.Hour)}, s == request(0).Span
	}
	if spent := archive.Spent(documents(t, a), readAt, committed); len(spent) != 0 {
		t.Errorf("%d documents are not that old", len(spent))
	}
	spent := archive.Spent(documents(t, a), readAt+1, committed)
	if len(spent) != 2 {
		t.Fatalf("%d documents are spent, want 2", len(spent))
	}
	if err := a.Remove(t.Context(), spent); err != nil {
		t.Fatal(err)
	}
	if left := documents(t, a); len(left) != 1 || len(files(t, root)) != 2 {
		t.Errorf("left: %v", files(t, root))
	} else if text, _ := contents(t, left[0]); text != "third" {
		t.Errorf("%q is left", text)
	}
}

// What a kill between a description and its document leaves goes with the next run's Tidy, whatever that run reads. Another
// process may be about to keep the document where it is not kept out.
func TestADescriptionWithoutADocumentGoes(t *testing.T) {
	root := t.TempDir()
	bucket := volumetest.NewBucket()
	for name, open := range map[string]func() volume.Volume{
		"directory": func() volume.Volume { return volume.NewLocal(root, "_windrow") }, "bucket": func() volume.Volume { return bucket.Open() },
		"gcs": served(t, storetest.GCS), "s3": served(t, storetest.S3),
	} {
		v := open()
		a := bodies.Beneath(v, "raw")
		for n := range 3 {
			if err := keep(t.Context(), a, question(n), 0, "one"); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range documents(t, a)[:2] {
			if err := v.Remove(t.Context(), volume.Object{Name: d.Name, Version: volume.Any}); err != nil {
				t.Fatal(err)
			}
		}
		left := func(since, now pipeline.Instant) int {
			if err := a.Tidy(t.Context(), key, since, now); err != nil {
				t.Fatal(err)
			}
			names, err := v.List(t.Context(), "raw")
			if err != nil {
				t.Fatal(err)
			}
			return len(names)
		}
		if n := left(readAt, readAt); name != "directory" && n != 4 {
			t.Errorf("%s: %d files, and another process may be about to keep two documents", name, n)
		} else if name == "directory" && n != 2 {
			t.Errorf("%s: %d files are left", name, n)
		}
		if n := left(readAt+1, readAt+1); n != 2 {
			t.Errorf("%s: %d files are left", name, n)
		}
		if err := keep(t.Context(), a, question(0), 1, "two"); err != nil { // by a machine that is an hour ahead
			t.Fatal(err)
		}
		if err := v.Remove(t.Context(), volume.Object{Name: documents(t, a)[0].Name, Version: volume.Any}); err != nil {
			t.Fatal(err)
		}
		if n := left(readAt, readAt); n != 2 {
			t.Errorf("%s: %d files are left of a wrong clock", name, n)
		}
		if all := documents(t, a); len(all) != 1 || all[0].Err != nil {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func TestPromise13_ASecretThatIsEchoedIsNotKept(t *testing.T) {
	a, _ := opened(t)
	q := question(0)
	q.Mask = starred{}
	if err := keep(t.Context(), a, q, 0, "token s3cret"); err != nil {
		t.Fatal(err)
	}
	if text, err := contents(t, documents(t, a)[0]); text != "token ******" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	answer := a.Begin(q) // nor a signed URL of a document that is not loaded
	refusal := &archive.RefusedError{Err: errors.New("no document"), Verdict: archive.Broken}
	m := pipeline.Meta{Request: request(1), Span: request(1).Span, ReadAt: readAt}
	if err := answer.Put(t.Context(), m, io.MultiReader(strings.NewReader("see https://a/f?sig=abc"), failing{refusal})); !errors.Is(err, refusal.Err) {
		t.Error(err)
	}
	if err := answer.End(t.Context(), false, ""); err != nil {
		t.Fatal(err)
	}
	if text, err := contents(t, documents(t, a)[1]); text != "see https://a/f?sig=***" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// starred blanks one secret.
type starred struct{ pipeline.Mask }

func (starred) BlankLinks(r io.Reader) io.Reader {
	text, err := io.ReadAll(r)
	if err != nil {
		return failing{err}
	}
	return strings.NewReader(strings.ReplaceAll(string(text), "?sig=abc", "?sig=***"))
}

func (starred) Blank(r io.Reader) io.Reader {
	text, err := io.ReadAll(r)
	clean := strings.NewReader(strings.ReplaceAll(string(text), "s3cret", "******"))
	if err != nil {
		return io.MultiReader(clean, failing{err})
	}
	return clean
}

// A body of 256 MiB goes by in pieces: what is allocated is an encoder and a few buffers.
func TestPromise12_ABodyIsNotHeldInMemory(t *testing.T) {
	a, _ := opened(t)
	answer := a.Begin(question(0))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := answer.Put(t.Context(), pipeline.Meta{Request: request(0), Span: request(0).Span}, io.LimitReader(repeating{}, 256<<20))
	runtime.ReadMemStats(&after)
	if err := errors.Join(err, answer.Abort()); err != nil {
		t.Fatal(err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 24<<20 {
		t.Errorf("%d MiB were allocated on the way", taken>>20)
	}
}

type repeating struct{}

func (repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "date,agent\n"[i%11]
	}
	return len(p), nil
}
