package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestRejectsComeBackAsTheyWereAdded(t *testing.T) {
	var l Rejects
	var want []Reject
	for i := range 3 * sharedWords {
		r := Reject{Row: int64(3*i + 1), At: NoInstant, Reason: fmt.Sprint("reason ", i*i%(2*sharedWords)), Raw: strings.Repeat("\xff,", i)}
		if i%5 > 0 {
			r.Field, r.Shape = fmt.Sprint("field ", i*i%(2*sharedWords)), strings.Repeat("9", i%3)
		}
		if i%3 == 0 {
			r.At = Instant(-i)
		}
		want = append(want, r)
	}
	want = append(want, Reject{}, Reject{Row: 1 << 40, At: 1 << 60})
	for _, r := range want {
		l.Add(r)
	}
	if got := slices.Collect(l.All()); !slices.Equal(got, want) || l.Len() != len(want) {
		t.Errorf("got %d rejects, want %d, or others", len(got), len(want))
	}
	for r := range l.All() { // may be left early
		if r != want[0] {
			t.Errorf("the first is %+v", r)
		}
		break
	}
}

func TestRejectsTakeLittleMoreMemoryThanTheirText(t *testing.T) {
	const n, each = 100_000, 5 // a byte for row, reason, field, time and length
	var l Rejects
	for i := range n {
		l.Add(Reject{Row: int64(i + 1), At: NoInstant, Reason: "has 1 of 4 cells", Raw: "a"})
	}
	if len(l.text) > n*(each+1) {
		t.Errorf("%d rejects of one byte take %d bytes", n, len(l.text))
	}
}
