package pipeline

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestACloneIsFoldedFurtherByItself(t *testing.T) {
	kinds := []EntryKind{EntryOrigin, EntryFirst, EntryBegin, EntryReopen, EntryCommit, EntryCommit, EntryFail, EntryWaive, EntryOwner, EntryAdopt, EntryAsk, EntryUnplaced}
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) Entry {
		start := Instant(r.IntN(2000))
		e := Entry{Kind: kinds[r.IntN(len(kinds))], Window: Window{Span: Span{Start: start, End: start + 1 + Instant(r.IntN(5))}, Zone: "UTC"}, ReadAt: Instant(n), Note: string(owners[r.IntN(len(owners))])}
		if r.IntN(4) == 0 {
			e.Supersedes = []Window{{Span: Span{Start: start, End: start + 1}, Zone: "UTC"}}
		}
		return e
	}
	l, twin := NewLedger(), NewLedger()
	for n := range 3000 {
		e := random(n)
		l.Apply(e)
		twin.Apply(e)
	}
	c := l.Clone()
	if !reflect.DeepEqual(c.Entries(), l.Entries()) {
		t.Fatal("the clone differs")
	}
	for n := range 3000 {
		e := random(3000 + n)
		c.Apply(e)
		twin.Apply(e)
	}
	if !reflect.DeepEqual(c.Entries(), twin.Entries()) {
		t.Error("the clone is folded otherwise than the ledger would have been")
	}
	before := l.Entries()
	c.Apply(Entry{Kind: EntryCommit, Window: Window{Span: Span{Start: 0, End: 3000}, Zone: "UTC"}, ReadAt: 9000})
	if !reflect.DeepEqual(l.Entries(), before) || len(before) == 0 {
		t.Error("the clone shares memory with the ledger")
	}
}
