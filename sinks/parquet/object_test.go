package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/object"
)

// ledgerFiles makes a ledger of a snapshot and two objects, and returns their paths.
func (p place) ledgerFiles(t testing.TB) (snapshot, object string) {
	t.Helper()
	s := p.Open(t)
	for i := range compactEvery + 2 {
		w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Duration(1+i%5)*time.Hour)
		if err := s.Record(context.Background(), testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w, Note: strings.Repeat("x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	names := p.names(t, ledgerDir)
	if !strings.HasSuffix(names[0], snapshotSuffix) || len(names) != 3 {
		t.Fatalf("the ledger is %q", names)
	}
	return filepath.Join(p.root, names[0]), filepath.Join(p.root, names[2])
}

// refused checks that the ledger is refused as damaged, by the object's name and with a remedy.
func (p place) refused(t *testing.T, path, what string) {
	t.Helper()
	s := p.Open(t)
	l, err := s.Ledger(context.Background(), testKey)
	name, _ := filepath.Rel(p.root, path)
	if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), filepath.ToSlash(name)) || !strings.HasSuffix(err.Error(), ")") {
		t.Fatalf("%s: %v, %v", what, l, err)
	}
	if err := s.Record(context.Background(), testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)}); pipeline.KindOf(err) != pipeline.Damaged {
		t.Fatalf("%s: the ledger was written to: %v", what, err)
	}
}

func TestAnObjectOfTheLedgerThatIsEmptyCutOrFlippedIsRefusedByName(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	snapshot, object := p.ledgerFiles(t)
	want, err := p.Open(t).Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{snapshot, object} {
		s := p.Open(t) // it forgets what it cannot prove
		name, _ := filepath.Rel(p.root, path)
		tries := 0
		damage(t, path, func(what string) {
			if tries++; tries%500 == 1 {
				p.refused(t, path, what)
				return
			}
			l, err := s.Ledger(ctx, testKey)
			if err == nil && path == snapshot && strings.Contains(what, "flipped") && reflect.DeepEqual(l.Entries(), want.Entries()) {
				s = p.Open(t)
				return // a few bits of a compressed object mean nothing
			}
			if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), filepath.ToSlash(name)) || !strings.HasSuffix(err.Error(), ")") {
				t.Fatalf("%s: %v, %v", what, l, err)
			}
		})
		if got, err := s.Ledger(ctx, testKey); err != nil || !reflect.DeepEqual(got.Entries(), want.Entries()) {
			t.Errorf("once it is whole again: %v, %v", got, err)
		}
	}
}

func TestAnObjectOfANewerVersionIsRefusedWithTheRemedy(t *testing.T) {
	unknown := func() []byte {
		w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)
		name := layout.StreamDir(ledgerDir, testKey) + "/00000034.jsonl"
		body, _, err := object.Of(ledgerForm, name, slices.Values([]pipeline.Entry{{Kind: "forgotten", Window: w}}))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}()
	for _, c := range []struct{ name, body, want string }{
		{"a later form", "windrow-ledger 4 whatever\nwhatever\n", "newer version"},
		{"a kind of entry that is not known", string(unknown), `kind "forgotten"`},
		{"the same, flipped", strings.Replace(string(unknown), "forgotten", "forgotton", 1), "damaged"},
		{"the form of no version", "windrow-ledger 1\nend 0 00000000\n", "damaged"},
		{"a kind of entry that is not known, in form 1", `{"kind":"forgotten","window":{"start":"2025-09-08T00:00:00Z","end":"2025-09-09T00:00:00Z","zone":"UTC"}}` + "\n", "damaged"},
	} {
		p := newPlace(t)
		_, object := p.ledgerFiles(t)
		if err := os.WriteFile(object, []byte(c.body), 0o600); err != nil {
			t.Fatal(err)
		}
		p.refused(t, object, c.name)
		_, err := p.Open(t).Ledger(context.Background(), testKey)
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if newer := strings.Contains(err.Error(), "use that version"); newer != strings.Contains(err.Error(), "newer version") {
			t.Errorf("%s: the remedy of %v", c.name, err)
		}
	}
}

func TestAnObjectOfTheLedgerUnderAnotherNameIsRefused(t *testing.T) {
	ctx := context.Background()
	make2 := func() place {
		p := newPlace(t)
		s := p.Open(t)
		for i := range compactEvery + 4 {
			for _, k := range []pipeline.StreamKey{testKey, earlierCalls} {
				w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Duration(1+i%5)*time.Hour)
				if err := s.Record(ctx, k, pipeline.Entry{Kind: pipeline.EntryFail, Window: w, Note: string(k.Stream)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		return p
	}
	mine, theirs := layout.StreamDir(ledgerDir, testKey), layout.StreamDir(ledgerDir, earlierCalls)
	for name, c := range map[string]struct{ from, to string }{
		"of another stream":              {theirs + "/00000035.jsonl", mine + "/00000035.jsonl"},
		"a snapshot of another stream":   {theirs + "/00000032.snapshot.jsonl.zst", mine + "/00000032.snapshot.jsonl.zst"},
		"another one of the same stream": {mine + "/00000034.jsonl", mine + "/00000035.jsonl"},
		"one more behind the last":       {mine + "/00000034.jsonl", mine + "/00000037.jsonl"},
		"a snapshot as a later one":      {mine + "/00000032.snapshot.jsonl.zst", mine + "/00000036.snapshot.jsonl.zst"},
	} {
		t.Run(name, func(t *testing.T) {
			p := make2()
			body, err := os.ReadFile(filepath.Join(p.root, c.from))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(p.root, c.to), body, 0o600); err != nil {
				t.Fatal(err)
			}
			p.refused(t, filepath.Join(p.root, c.to), name)
			if _, err := p.Open(t).Ledger(ctx, earlierCalls); err != nil {
				t.Errorf("the other stream: %v", err)
			}
		})
	}
	t.Run("one in the middle is missing", func(t *testing.T) {
		p := make2()
		if err := os.Remove(filepath.Join(p.root, mine, "00000034.jsonl")); err != nil {
			t.Fatal(err)
		}
		if l, err := p.Open(t).Ledger(ctx, testKey); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "number 34") {
			t.Errorf("%v, %v", l, err)
		}
	})
}

func TestAnObjectOfTheSecondFormNeedsNoName(t *testing.T) {
	p := newPlace(t)
	_, path := p.ledgerFiles(t)
	want, err := p.Open(t).Ledger(context.Background(), testKey)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(plainObject(t, path), []byte("\n"))
	second := append([]byte("windrow-ledger 2\n"), lines[1]...)
	second = append(second, object.EndLine(1, crc32.Checksum(second, crc32.MakeTable(crc32.Castagnoli)))...)
	if err := os.WriteFile(path, second, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Open(t).Ledger(context.Background(), testKey); err != nil || !reflect.DeepEqual(got.Entries(), want.Entries()) {
		t.Errorf("%+v, %v", got, err)
	}
	third := append([]byte("windrow-ledger 3\n"), lines[1]...) // without its name
	third = append(third, object.EndLine(1, crc32.Checksum(third, crc32.MakeTable(crc32.Castagnoli)))...)
	if err := os.WriteFile(path, third, 0o600); err != nil {
		t.Fatal(err)
	}
	p.refused(t, path, "without its name")
}

func TestAVersionThatKnewNoFormRefusesTheLedger(t *testing.T) {
	p := newPlace(t)
	snapshot, object := p.ledgerFiles(t)
	for _, path := range []string{snapshot, object} {
		first, _, _ := bytes.Cut(plainObject(t, path), []byte("\n"))
		var e pipeline.Entry
		if err := json.Unmarshal(first, &e); err == nil { // as those versions read each line
			t.Errorf("%s begins with %q, which is an entry to an earlier version", path, first)
		}
	}
}

// plainObject is an object without its compression.
func plainObject(t testing.TB, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, snapshotSuffix) {
		return body
	}
	z, err := zstd.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if body, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return body
}

// earlier is a warehouse as the last version without a form of its own wrote it.
func earlier(t testing.TB) place {
	t.Helper()
	p := newPlace(t)
	if err := os.CopyFS(p.root, os.DirFS("testdata/form1")); err != nil {
		t.Fatal(err)
	}
	return p
}

var earlierCalls = pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}

func TestTheLedgerOfAnEarlierVersionIsReadAndCarriedOver(t *testing.T) {
	ctx := context.Background()
	p := earlier(t)
	for k, windows := range map[pipeline.StreamKey]int{testKey: 7, earlierCalls: 7} {
		want := pipeline.NewLedger()
		for _, name := range p.names(t, layout.StreamDir(ledgerDir, k)) {
			for line := range bytes.Lines(plainObject(t, filepath.Join(p.root, name))) {
				var e pipeline.Entry
				if err := json.Unmarshal(line, &e); err != nil {
					t.Fatal(err)
				}
				want.Apply(e)
			}
		}
		got, err := p.Open(t).Ledger(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Entries(), want.Entries()) || len(want.Overlapping(pipeline.Span{Start: 0, End: 1 << 62})) != windows {
			t.Errorf("the ledger of %s is\n\t%+v\nwant\n\t%+v", k, got.Entries(), want.Entries())
		}
	}
	before, err := p.Open(t).Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	day := before.Overlapping(pipeline.Span{Start: 0, End: 1 << 62})[0].Window
	s := p.Open(t)
	for n := range compactEvery { // until a snapshot of this form covers all
		w := day
		w.Start, w.End = day.Start.Add(-time.Duration(n+1)*24*time.Hour), day.End.Add(-time.Duration(n+1)*24*time.Hour)
		mustCommit(t, s, int(pipeline.InstantOf(clock())), w, []string{"ana"})
	}
	for _, name := range p.names(t, layout.StreamDir(ledgerDir, testKey)) {
		if !bytes.HasPrefix(plainObject(t, filepath.Join(p.root, name)), []byte("windrow-ledger 3 source=ucontact/")) {
			t.Errorf("%s is of an earlier form still", name)
		}
	}
	after, err := p.Open(t).Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range before.Overlapping(pipeline.Span{Start: 0, End: 1 << 62}) {
		if live, ok := after.Live(e.Window.Span); !ok || !reflect.DeepEqual(live, e) {
			t.Errorf("of %s the ledger has\n\t%+v\nand had\n\t%+v", e.Window.Span, live, e)
		}
	}
}

func TestAnObjectOfAnEarlierVersionThatIsCutWithinALineIsRefused(t *testing.T) {
	p := earlier(t)
	for _, name := range p.names(t, layout.StreamDir(ledgerDir, testKey)) {
		path := filepath.Join(p.root, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			if bytes.HasSuffix(whole[:n], []byte("}\n")) {
				continue // nothing tells
			}
			if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Open(t).Ledger(context.Background(), testKey); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), name) {
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
