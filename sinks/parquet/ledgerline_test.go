package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
)

// randomEntry has any of its fields set.
func randomEntry(r *rand.Rand) pipeline.Entry {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	some := func() bool { return r.IntN(2) == 0 }
	at := func() pipeline.Instant {
		switch r.IntN(8) {
		case 0:
			return 0
		case 1:
			return pipeline.NoInstant
		case 2:
			return pipeline.Instant(-r.Int64N(1 << 55))
		case 3:
			return pipeline.Instant(r.Int64N(1<<51)) / 1_000_000 * 1_000_000
		}
		return pipeline.Instant(r.Int64N(1 << 51))
	}
	window := func() pipeline.Window {
		return pipeline.Window{Span: pipeline.Span{Start: at(), End: at()}, Zone: pick("UTC", "America/Chicago", "", "Etc/GMT+5")}
	}
	e := pipeline.Entry{
		Kind: pipeline.EntryKind(pick("commit", "begin", "fail", "waive", "origin", "first", "")), Window: window(),
		SyncID: pipeline.SyncID(pick("", "20250908T000000Z-5f3a9c1e")), ExtractedAt: at(), ReadAt: at(), CommittedAt: at(),
		Settled: some(), Unchanged: some(), HasData: some(), Settings: pick("", "abc123"), Fields: pipeline.Fields(pick("", "aB-_cdef", "gH01")), Staged: r.Int64N(1 << 40), Bytes: r.Int64N(1 << 40),
		ErrorKind: pick("", "too_many_rejects"), Note: pick("", "plain", `a "quoted" <tag>`, "línea\n", "\xff\u2028", `back\slash`),
	}
	if some() {
		e.Counts = pipeline.Counts{Read: r.Int64N(1 << 62), Rows: r.Int64N(100), Rejected: -r.Int64N(3)}
	}
	if some() {
		e.Fingerprint, e.RejectsHash = pipeline.Hash{Hi: r.Uint64(), Lo: r.Uint64()}, pipeline.Hash{Lo: uint64(r.IntN(2))}
	}
	if r.IntN(4) == 0 {
		e.Unreadable = pipeline.FieldCounts{pick("talk_duration", "", "date rang", "a \"field\""): r.Int64N(1 << 40), "hold_duration": 1}
	}
	for range r.IntN(3) {
		e.Supersedes = append(e.Supersedes, window())
	}
	return e
}

func TestALineOfTheLedgerReadsAsEncodingJSONReadsIt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var reader lineReader
	understood := 0
	for range 20_000 {
		line, err := json.Marshal(randomEntry(r))
		if err != nil {
			t.Fatal(err)
		}
		if sameAsJSON(t, &reader, line) {
			understood++
		}
		// Damage, somewhere: what is still understood must be valid and mean the same.
		broken := bytes.Clone(line)
		switch at := r.IntN(len(broken)); r.IntN(3) {
		case 0:
			broken = broken[:at]
		case 1:
			broken[at] = byte(r.IntN(256))
		case 2:
			broken = append(broken[:at:at], broken[min(at+1+r.IntN(4), len(broken)):]...)
		}
		sameAsJSON(t, &reader, broken)
	}
	if understood < 1_000 {
		t.Errorf("only %d lines took the short way", understood)
	}
}

// sameAsJSON reports whether the reader understood the line.
func sameAsJSON(t *testing.T, reader *lineReader, line []byte) bool {
	t.Helper()
	got, ok := reader.read(line)
	if !ok {
		return false
	}
	var want pipeline.Entry
	if err := json.Unmarshal(line, &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nis read as %+v\nby encoding/json as %+v, %v", line, got, want, err)
	}
	return true
}

func FuzzALineOfTheLedger(f *testing.F) {
	f.Add([]byte(`{"kind":"commit","window":{"start":"2025-09-08T05:00:00Z","end":"2025-09-09T05:00:00.5Z","zone":"UTC"},"settled":true,"counts":{"read":1,"rows":1,"rejected":0,"outside":0,"duplicate":0},"supersedes":[{"start":"2025-09-08T05:00:00Z","end":"2025-09-09T05:00:00Z","zone":""}]}`))
	f.Fuzz(func(t *testing.T, line []byte) { sameAsJSON(t, new(lineReader), line) })
}

func TestTheLinesOfAnOrdinaryHistoryTakeTheShortWay(t *testing.T) {
	for _, e := range history(t, 24, time.Hour) {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if !sameAsJSON(t, new(lineReader), line) {
			t.Fatalf("%s is left to encoding/json", line)
		}
	}
}

// longHistory is the commits of n windows, of which every tenth is no plain one.
func longHistory(t testing.TB, n int) []pipeline.Entry {
	entries := history(t, n, time.Hour)
	for i := range entries {
		entries[i].SyncID = pipeline.SyncID(entries[i].Window.End.Time().Format("20060102T150405Z") + "-5f3a9c1e")
		if i%10 == 0 {
			entries[i].Note = "by hand"
		}
	}
	return entries
}

// longLedger records a long history until a snapshot sums it up.
func (p place) longLedger(t testing.TB, n int) (snapshot string) {
	t.Helper()
	s := p.Open(t)
	for group := range slices.Chunk(longHistory(t, n), n/compactEvery) {
		if err := s.Record(context.Background(), testKey, group...); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range p.names(t, ledgerDir) {
		if strings.HasSuffix(name, snapshotSuffix) {
			return filepath.Join(p.root, name)
		}
	}
	t.Fatal("there is no snapshot")
	return ""
}

func packsIn(object []byte) int { return bytes.Count(object, append([]byte("\n"), packBegins...)) }

func TestTheSnapshotOfALongLedgerHasItsPlainCommitsInPacks(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	const n = packFrom + packFrom/10
	path := p.longLedger(t, n)
	if packs := packsIn(plainObject(t, path)); packs != 49 {
		t.Errorf("%d packs for 49,500 commits", packs)
	}
	want := pipeline.NewLedger()
	for _, e := range longHistory(t, n) {
		want.Apply(e)
	}
	s := p.Open(t)
	got, err := s.Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Entries(), want.Entries()) {
		t.Error("the ledger is not as it was recorded")
	}
	// It goes on from there, and the next snapshot holds what came.
	next := history(t, 1, time.Hour)[0]
	for n := range mostObjects {
		next.Window.Start, next.Window.End = next.Window.End, next.Window.End.Add(time.Hour)
		next.Order = uint64(n + 1)
		if err := s.Record(ctx, testKey, next); err != nil {
			t.Fatal(err)
		}
		want.Apply(next)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("no later snapshot was written")
	}
	if got, err := p.Open(t).Ledger(ctx, testKey); err != nil || !reflect.DeepEqual(got.Entries(), want.Entries()) {
		t.Errorf("the next snapshot holds something else: %v", err)
	}
	if path := p.longLedger(t, packFrom/2); packsIn(plainObject(t, path)) == 0 {
		t.Error("a long ledger has gone back to lines")
	}
	few := newPlace(t)
	if packs := packsIn(plainObject(t, few.longLedger(t, packFrom/10))); packs != 0 {
		t.Errorf("%d packs in a short ledger", packs)
	}
}

func TestASnapshotWithPacksThatIsCutOrFlippedIsRefusedByName(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	path := p.longLedger(t, packFrom+packFrom/10)
	want, err := p.Open(t).Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		broken, at := bytes.Clone(whole), r.IntN(len(whole))
		if r.IntN(2) == 0 {
			broken = broken[:at]
		} else {
			broken[at] ^= 1 << r.IntN(8)
		}
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := p.Open(t).Ledger(ctx, testKey)
		if err == nil && len(broken) == len(whole) && reflect.DeepEqual(l.Entries(), want.Entries()) {
			continue // a few bits of a compressed object mean nothing
		}
		if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Fatalf("%d bytes of %d, changed at %d: %v", len(broken), len(whole), at, err)
		}
	}
}

// A pack that nobody can read is damage even where the object proves itself.
func TestAPackThatSaysNothingIsRefused(t *testing.T) {
	for what, pack := range map[string]pipeline.CommitPack{
		"no commits":             {Kind: pipeline.EntryCommits},
		"no columns":             {Kind: pipeline.EntryCommits, Count: 1},
		"columns of another one": {Kind: pipeline.EntryCommits, Count: 2, Columns: make([]byte, 40)},
	} {
		p := newPlace(t)
		path, _ := p.ledgerFiles(t)
		name, err := filepath.Rel(p.root, path)
		if err != nil {
			t.Fatal(err)
		}
		body, _, err := object.Of(ledgerForm, filepath.ToSlash(name), slices.Values([]pipeline.CommitPack{pack}))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		p.refused(t, path, what)
	}
}

func TestTheLineOfAPackReadsAsEncodingJSONReadsIt(t *testing.T) {
	l := pipeline.NewLedger()
	for i, e := range longHistory(t, 100) {
		e.Settled, e.Unchanged, e.HasData = i%2 == 0, i%3 == 0, i%5 == 0
		l.Apply(e)
	}
	var reader lineReader
	r := rand.New(rand.NewPCG(1, 2))
	_, packs, _ := l.Packed()
	for pack := range packs {
		line, err := json.Marshal(pack)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := reader.pack(line); !ok || !reflect.DeepEqual(got, pack) {
			t.Fatalf("%s is read as %+v, %t", line, got, ok)
		}
		for range 200 {
			broken := bytes.Clone(line)
			broken[r.IntN(len(broken))] = byte(r.IntN(256))
			got, ok := reader.pack(broken)
			var want pipeline.CommitPack
			if ok && (json.Unmarshal(broken, &want) != nil || !reflect.DeepEqual(got, want)) {
				t.Fatalf("%s is read as %+v", broken, got)
			}
		}
	}
}
