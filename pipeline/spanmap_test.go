package pipeline

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func TestALongHistoryKeepsEveryWindowInWhicheverOrderItIsRead(t *testing.T) {
	const n = 3 * spanBlock
	forward := make([]int, n)
	for i := range forward {
		forward[i] = i
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	for says, order := range map[string][]int{"oldest first": forward, "newest first": backward, "in any order": rand.Perm(n)} {
		var m spanMap
		for _, i := range order {
			m.insert(spanItem{Span: hours(i, i+1), entry: &Entry{}})
		}
		if got := m.spans(NoInstant); len(got) != n || got[0] != hours(0, 1) || got[n-1] != hours(n-1, n) || !slices.IsSortedFunc(got, func(a, b Span) int { return int(a.Start - b.Start) }) {
			t.Errorf("%s: %d of %d windows are there, or not in order", says, len(got), n)
		}
		for _, i := range rand.Perm(n) {
			if _, ok := m.get(hours(i, i+1)); !ok {
				t.Fatalf("%s: window %d is not found", says, i)
			}
			m.remove(hours(i, i+1))
		}
		if len(m.blocks) != 0 {
			t.Errorf("%s: %d blocks are left of nothing", says, len(m.blocks))
		}
	}
}

// TestWhatIsInDoubtIsFoundWithoutLookingAtAllOfIt is why the sync after a repair of a long history ends: each commit asks
// what is in doubt around its window. To walk all reopened windows each time took 10¹⁰ steps here.
func TestWhatIsInDoubtIsFoundWithoutLookingAtAllOfIt(t *testing.T) {
	const n = 100_000
	l := NewLedger()
	for i := range n {
		l.Apply(committed(i, i+1, 1))
	}
	for _, i := range rand.Perm(n) {
		l.Apply(reopened(i, i+1, 1))
	}
	if len(l.begun) != 1 || len(l.Begun()) != n || len(l.begun[0].blocks) > 2*n/spanBlock {
		t.Fatalf("%d windows are in doubt, in %d layers", len(l.Begun()), len(l.begun))
	}
	looked := 0
	for i := range n {
		s := hours(i, i+1)
		looked += len(l.begun.over(s))
		if _, live := l.Live(s); live || !l.Dirty(s) || len(l.Overlapping(s)) != 1 || len(l.BegunOver(s)) != 1 {
			t.Fatalf("window %d is not in doubt", i)
		}
		l.Apply(committed(i, i+1, 2))
		if l.Dirty(s) {
			t.Fatalf("window %d is in doubt after its commit", i)
		}
	}
	if looked != n || len(l.InDoubt()) != 0 || len(l.begun[0].blocks) != 0 {
		t.Errorf("%d begins were looked at for %d windows, and %d are left", looked, n, len(l.InDoubt()))
	}
}

func TestLayersHoldSpansThatOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var l spanLayers
	want := map[Span]bool{}
	for range 5000 {
		a := rng.IntN(400)
		s := hours(a, a+1+rng.IntN(30))
		if rng.IntN(3) == 0 {
			l.remove(s)
			delete(want, s)
		} else {
			l.put(spanItem{Span: s, entry: &Entry{Window: Window{Span: s}}})
			want[s] = true
		}
		around := hours(a-5, a+5)
		var found []Span
		for _, it := range l.over(around) {
			found = append(found, it.Span)
		}
		n := 0
		for s := range want {
			if s.Overlaps(around) {
				n++
			}
		}
		if _, ok := l.get(s); ok != want[s] || len(found) != n || l.touches(around) != (n > 0) ||
			!slices.IsSortedFunc(found, func(a, b Span) int { return byWindow(Entry{Window: Window{Span: a}}, Entry{Window: Window{Span: b}}) }) {
			t.Fatalf("%d spans are found about %s, want %d in order: %v", len(found), around, n, found)
		}
	}
	most := 0
	for i := range 430 {
		most = max(most, len(l.over(hours(i, i+1))))
	}
	if len(l) > 3*most {
		t.Errorf("%d layers for %d spans at once", len(l), most)
	}
}

// Readers share a ledger, and each may clone it; what is folded into one changes no other.
func TestReadersCloneALedgerTogether(t *testing.T) {
	const n = 3 * spanBlock
	l := NewLedger()
	for i := range n {
		l.Apply(committed(i, i+1, 1))
	}
	before := l.Entries()
	clones := make([]*Ledger, 4)
	var all sync.WaitGroup
	for k := range clones {
		all.Go(func() {
			c := l.Clone()
			for i := range n {
				if i%len(clones) == k {
					c.Apply(committed(i, i+1, 2+k))
				}
			}
			clones[k] = c
		})
	}
	all.Wait()
	if !slices.EqualFunc(before, l.Entries(), func(a, b Entry) bool { return a.Window == b.Window && a.ReadAt == b.ReadAt }) {
		t.Error("the ledger has changed with its clones")
	}
	for i := range n {
		l.Apply(committed(i, i+1, 9))
	}
	for k, c := range clones {
		for i, e := range slices.SortedFunc(c.All(), byWindow) {
			want := Instant(1)
			if i%len(clones) == k {
				want = Instant(2 + k)
			}
			if e.ReadAt != want {
				t.Fatalf("clone %d has the reading %d of window %d, not %d", k, e.ReadAt, i, want)
			}
		}
	}
}
