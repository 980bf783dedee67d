package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// unpackedAgain folds what [Ledger.Packed] tells, by way of JSON.
func unpackedAgain(t testing.TB, l *Ledger) *Ledger {
	t.Helper()
	again := NewLedger()
	head, packs, tail := l.Packed()
	for e := range head {
		again.Apply(e)
	}
	for p := range packs {
		line, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back CommitPack
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatal(err)
		}
		if err := again.ApplyPack(back); err != nil {
			t.Fatal(err)
		}
	}
	for e := range tail {
		again.Apply(e)
	}
	return again
}

func TestALedgerOutOfPacksAndItsFutureEqualTheWholeLog(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 9))
		whole, short := NewLedger(), NewLedger()
		for range 120 {
			e := randomEntry(rng, whole)
			if e.Kind == EntryCommit && rng.IntN(4) > 0 { // one that can be packed
				e.SyncID, e.CommittedAt, e.Settings = runID(e.ReadAt.Time().Unix()-int64(rng.IntN(9)), rng.Uint32()), e.ReadAt+5, fmt.Sprint(rng.IntN(3))
			}
			whole.Apply(e)
			short.Apply(e)
			if rng.IntN(4) == 0 {
				short = unpackedAgain(t, short)
			}
			sameLedger(t, short, whole)
			if n := len(whole.Entries()); whole.Len() != n {
				t.Fatalf("Len is %d, and there are %d entries", whole.Len(), n)
			}
			if short.NextOrder() != whole.NextOrder() {
				t.Fatalf("the next order is %d, not %d", short.NextOrder(), whole.NextOrder())
			}
		}
	}
}

func TestAPackIsFull(t *testing.T) {
	l := NewLedger()
	const n = 2*mostPacked + 100
	for i := range n {
		e := plainCommit(i)
		e.Settled = i%2 == 0
		l.Apply(e)
	}
	var counts []int
	_, packs, _ := l.Packed()
	for p := range packs {
		counts = append(counts, p.Count)
		if each := float64(len(p.Columns)) / float64(p.Count); each > 50 {
			t.Errorf("a commit takes %.1f bytes", each)
		}
	}
	if want := []int{mostPacked, mostPacked, 50, 50}; !slices.Equal(counts, want) {
		t.Errorf("packs of %v, not %v", counts, want)
	}
	sameLedger(t, unpackedAgain(t, l), l)
}

// A pack over what is there already is folded as its commits would be.
func TestAPackOverOtherEntriesIsFoldedAsItsCommits(t *testing.T) {
	from := NewLedger()
	for i := range 50 {
		from.Apply(plainCommit(i))
	}
	want := NewLedger()
	for i := range 20 {
		e := plainCommit(2 * i)
		e.Order, e.Settings = uint64(i), "earlier"
		want.Apply(e)
		w := plainCommit(2*i + 1).Window
		for _, e := range []Entry{{Kind: EntryBegin, Window: w}, {Kind: EntryFail, Window: w, Note: "x"}, {Kind: EntryWaive, Window: w, Note: "x"}} {
			want.Apply(e)
		}
	}
	later := plainCommit(7)
	later.Order = 1000
	want.Apply(later)
	got := want.Clone()
	for e := range from.All() {
		want.Apply(e)
	}
	_, packs, _ := from.Packed()
	for p := range packs {
		if err := got.ApplyPack(p); err != nil {
			t.Fatal(err)
		}
	}
	sameLedger(t, got, want)
}

// More shared values than are counted do not lose a commit.
func TestPacksThatShareNothingAreFolded(t *testing.T) {
	from, l := NewLedger(), NewLedger()
	from.Apply(plainCommit(0))
	_, packs, _ := from.Packed()
	for p := range packs {
		for i := range mostShared + 10 {
			p.Settings = fmt.Sprint(i)
			e := plainCommit(i)
			e.Settings = p.Settings
			one := NewLedger()
			one.Apply(e)
			_, packs, _ := one.Packed()
			for p := range packs {
				if err := l.ApplyPack(p); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i, e := range slices.SortedFunc(l.All(), byWindow) {
		if e.Settings != fmt.Sprint(i) {
			t.Fatalf("window %d has the settings %s", i, e.Settings)
		}
	}
	if l.Len() != mostShared+10 {
		t.Errorf("%d commits", l.Len())
	}
}

func TestAPackThatIsNotAsItWasWrittenIsRefused(t *testing.T) {
	l := NewLedger()
	for i := range 10 {
		l.Apply(plainCommit(i))
	}
	_, packs, _ := l.Packed()
	var good CommitPack
	for p := range packs {
		good = p
	}
	for name, change := range map[string]func(p *CommitPack){
		"no count":               func(p *CommitPack) { p.Count = 0 },
		"a negative count":       func(p *CommitPack) { p.Count = -1 },
		"too many":               func(p *CommitPack) { p.Count = 1 << 40 },
		"one more":               func(p *CommitPack) { p.Count++ },
		"one less":               func(p *CommitPack) { p.Count-- },
		"no columns":             func(p *CommitPack) { p.Columns = nil },
		"cut off":                func(p *CommitPack) { p.Columns = p.Columns[:len(p.Columns)-1] },
		"more":                   func(p *CommitPack) { p.Columns = append(p.Columns, 0) },
		"varints without end":    func(p *CommitPack) { p.Columns = bytes.Repeat([]byte{0xff}, len(p.Columns)) },
		"windows without length": func(p *CommitPack) { p.Columns = make([]byte, p.Count*(len(packColumns)+hashBytes)) },
	} {
		p := good
		p.Columns = bytes.Clone(good.Columns)
		change(&p)
		if err := NewLedger().ApplyPack(p); !errors.Is(err, errPack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAPackOfCommits(f *testing.F) {
	l := NewLedger()
	for i := range 3 {
		l.Apply(plainCommit(i))
	}
	_, packs, _ := l.Packed()
	for p := range packs {
		f.Add(p.Count, p.Columns)
	}
	f.Fuzz(func(t *testing.T, count int, columns []byte) {
		l := NewLedger()
		if err := l.ApplyPack(CommitPack{Kind: EntryCommits, Zone: "UTC", Count: count, Columns: columns}); err != nil {
			return
		}
		checkLedger(t, l)
		sameLedger(t, unpackedAgain(t, l), l)
	})
}

// BenchmarkReadPacks reads 100,000 commits.
func BenchmarkReadPacks(b *testing.B) {
	from := NewLedger()
	for i := range 100_000 {
		from.Apply(plainCommit(i))
	}
	_, seq, _ := from.Packed()
	packs := slices.Collect(seq)
	for b.Loop() {
		l := NewLedger()
		for _, p := range packs {
			if err := l.ApplyPack(p); err != nil {
				b.Fatal(err)
			}
		}
	}
}
