package pipeline

import (
	"math/rand/v2"
	"slices"
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
