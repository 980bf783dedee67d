package pipeline

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"
)

// plainCommit is the n-th window of a long history: a day that a night's run has read.
func plainCommit(n int) Entry {
	start := time.Date(1995, 1, 1, 5, 0, 0, 0, time.UTC).AddDate(0, 0, n)
	end := start.AddDate(0, 0, 1)
	read := InstantOf(end.Add(6*time.Hour + 1234*time.Millisecond))
	return Entry{
		Kind: EntryCommit, Window: Window{Span: Span{Start: InstantOf(start), End: InstantOf(end)}, Zone: "America/Chicago"}, SyncID: NewSyncID(end.Add(6 * time.Hour)),
		ExtractedAt: read, Order: uint64(n + 1), ReadAt: read.Add(1500 * time.Microsecond), CommittedAt: read.Add(3 * time.Second), Settled: true,
		Counts: Counts{Read: 600, Rows: 500, Outside: 100}, Fields: "abcdefgh", Fingerprint: Hash{Hi: uint64(n) << 40, Lo: ^uint64(n)}, Settings: "eda8c329677b2de7",
		Staged: 90_000, Bytes: 88_123, HasData: true,
	}
}

// What is folded comes out as it went in, in whichever form it is kept.
func TestACommitIsKeptAsItIs(t *testing.T) {
	l := NewLedger()
	var all []Entry
	whole := 0
	for _, change := range []func(*Entry){
		func(*Entry) {},
		func(e *Entry) { e.Settled = false },
		func(e *Entry) { e.Unchanged = true },
		func(e *Entry) { e.HasData, e.Bytes = false, 0 },
		func(e *Entry) { e.Window.Zone = "Asia/Kathmandu" },
		func(e *Entry) { e.Settings = "another" },
		func(e *Entry) { e.Fields = "" },
		func(e *Entry) { e.ExtractedAt = e.ReadAt.Add(-time.Microsecond) },
		func(e *Entry) { e.ExtractedAt = e.ReadAt.Add(time.Microsecond) },
		func(e *Entry) { e.CommittedAt = e.ReadAt },
		func(e *Entry) { e.Counts = Counts{} },
		func(e *Entry) { e.Fingerprint = Hash{} },
		func(e *Entry) {
			e.SyncID = "20250908T120000Z-00000000"
			at := e.SyncID.mustTime(t)
			e.ExtractedAt, e.ReadAt, e.CommittedAt = at, at, at
		},
		// Those are no plain ones.
		func(e *Entry) { e.ExtractedAt = e.ReadAt.Add(-time.Hour); whole++ },
		func(e *Entry) { e.ExtractedAt = e.ReadAt.Add(48 * time.Hour); whole++ },
		func(e *Entry) { e.CommittedAt = e.ReadAt.Add(2 * time.Hour); whole++ },
		func(e *Entry) { e.CommittedAt = 0; whole++ },
		func(e *Entry) { e.CommittedAt = e.ReadAt.Add(-time.Microsecond); whole++ },
		func(e *Entry) { e.SyncID = ""; whole++ },
		func(e *Entry) { e.SyncID = "20250908T120000Z-0000000G"; whole++ },
		func(e *Entry) { e.SyncID = "20250908T120000Z-0000000A"; whole++ },
		func(e *Entry) { e.SyncID = "20250931T120000Z-00000000"; whole++ },
		func(e *Entry) { e.SyncID = "20990908T120000Z-00000000"; whole++ },
		func(e *Entry) { e.Counts.Rejected = 1; whole++ },
		func(e *Entry) { e.Counts.Duplicate = 1; whole++ },
		func(e *Entry) { e.Counts.Read = 1 << 32; whole++ },
		func(e *Entry) { e.Staged = -1; whole++ },
		func(e *Entry) { e.RejectsHash.Lo = 1; whole++ },
		func(e *Entry) { e.Unreadable = FieldCounts{"talk_duration": 12}; whole++ },
		func(e *Entry) { e.Supersedes = []Window{{Zone: "UTC"}}; whole++ },
		func(e *Entry) { e.Note = "x"; whole++ },
		func(e *Entry) { e.ErrorKind = "x"; whole++ },
		func(e *Entry) { e.Before = []Before{{Of: "x"}}; whole++ },
		func(e *Entry) { e.Order = 1 << 32; whole++ }, // the last, which none replaces
	} {
		e := plainCommit(len(all))
		change(&e)
		l.Apply(e)
		all = append(all, e)
	}
	check := func(l *Ledger, want []Entry) {
		t.Helper()
		got := slices.SortedFunc(slices.Values(l.Entries()), byWindow)
		if len(got) != len(want) {
			t.Fatalf("%d of %d entries", len(got), len(want))
		}
		for i, e := range slices.SortedFunc(slices.Values(want), byWindow) {
			if !reflect.DeepEqual(got[i], e) {
				t.Errorf("%+v\nbecame\n%+v", e, got[i])
			}
			it, _ := l.live.get(e.Window.Span)
			if r := l.live.readingOf(it); r != (reading{e.Order, e.ReadAt, e.lastTime(), e.Settled}) {
				t.Errorf("the reading of %+v is told as %+v", e, r)
			}
			without := e
			without.SyncID = ""
			if got := l.live.withoutRun(it); !reflect.DeepEqual(got, without) {
				t.Errorf("%+v without its run became\n%+v", e, got)
			}
			if rows, settings, fields := l.live.rowsOf(it); rows != e.Counts.Rows || settings != e.Settings || fields != e.Fields {
				t.Errorf("of %+v it is told: %d, %s, %s", e, rows, settings, fields)
			}
		}
	}
	check(l, all)
	if kept := len(l.live.whole); kept != whole {
		t.Errorf("%d commits are kept whole, %d expected", kept, whole)
	}
	// A clone is folded by itself, and what is replaced leaves nothing behind.
	c := l.Clone()
	var again []Entry
	for i := range all[:len(all)-1] {
		e := plainCommit(i)
		e.Order, e.Settings = uint64(1<<32-1000+i), fmt.Sprint("later", i%2)
		c.Apply(e)
		again = append(again, e)
	}
	check(c, append([]Entry{all[len(all)-1]}, again...))
	check(l, all)
	if len(c.live.free) != whole-1 {
		t.Errorf("%d places of %d are free", len(c.live.free), whole)
	}
}

func (id SyncID) mustTime(t *testing.T) Instant {
	at, ok := id.Time()
	if !ok {
		t.Fatal(id)
	}
	return InstantOf(at)
}

// More shared values than are counted are kept whole.
func TestCommitsThatShareNothingAreKeptToo(t *testing.T) {
	l := NewLedger()
	for i := range mostShared + 10 {
		e := plainCommit(i)
		e.Settings = fmt.Sprint(i)
		l.Apply(e)
	}
	for i, e := range slices.SortedFunc(slices.Values(l.Entries()), byWindow) {
		if e.Settings != fmt.Sprint(i) {
			t.Fatalf("window %d has the settings %s", i, e.Settings)
		}
	}
}

// A ledger of years fits into little: 100 bytes a settled window.
func TestASettledWindowTakesAHundredBytes(t *testing.T) {
	const n, most = 100_000, 100
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := NewLedger()
	for i := range n {
		l.Apply(plainCommit(i))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / n; each > most {
		t.Errorf("a window takes %.1f bytes", each)
	}
	runtime.KeepAlive(l)
}
