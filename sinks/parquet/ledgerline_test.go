package parquet

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
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
