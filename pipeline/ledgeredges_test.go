package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAnEntryWithoutAWindowChangesNothing(t *testing.T) {
	log := []Entry{committed(0, 24, 5), begun(24, 48, 5), failed(24, 48), waived(48, 72)}
	for _, e := range []Entry{
		committed(24, 24, 9, window(0, 24)), committed(24, 12, 9, window(0, 24)), begun(24, 24, 9, window(0, 24)), waived(72, 72), failed(12, 0),
		{Kind: "of a later version", Window: window(0, 24), ReadAt: 9},
	} {
		if got, want := fold(append(slices.Clone(log), e)...), fold(log...); jsonOf(t, got.Entries()) != jsonOf(t, want.Entries()) {
			t.Errorf("%s %s: %s, want %s", e.Kind, e.Window.Span, jsonOf(t, got.Entries()), jsonOf(t, want.Entries()))
		}
	}
}

func TestWhatIsInDoubtIsListedInOrderWhateverTheOrderOfTheBegins(t *testing.T) {
	const n = 40
	var log []Entry
	for _, i := range rand.Perm(n) { // every second day; each day twice, in overlapping windows
		log = append(log, begun(48*i, 48*i+24, 1), begun(48*i+12, 48*i+30, 1))
	}
	l := fold(log...)
	doubt := l.InDoubt()
	for i, s := range doubt {
		if s != hours(48*i, 48*i+30) {
			t.Fatalf("number %d is %s, want %s", i, s, hours(48*i, 48*i+30))
		}
	}
	if len(doubt) != n {
		t.Errorf("%d spans are in doubt, want %d", len(doubt), n)
	}
	begins := l.Begun()
	if len(begins) != 2*n || !slices.IsSortedFunc(begins, byWindow) || len(l.Overlapping(hours(0, 48*n))) != 2*n {
		t.Errorf("%d begins", len(begins))
	}
}

func TestACommitOfTheCommittedReadingForgetsNoFailure(t *testing.T) {
	first := committed(0, 24, 5)
	again := first
	again.SyncID = "a replay"
	if _, still := fold(first, failed(0, 24), again).Failed(hours(0, 24)); !still {
		t.Error("the failure of a later reading is forgotten for a replay of the earlier one")
	}
	newer := first
	newer.ReadAt++
	if _, still := fold(first, failed(0, 24), newer).Failed(hours(0, 24)); still {
		t.Error("a newer reading does not end the failure")
	}
}
