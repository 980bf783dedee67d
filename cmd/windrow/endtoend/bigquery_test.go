package endtoend

import "testing"

func TestBothWarehousesHoldTheSameRowsAndTheSameLedger(t *testing.T) {
	s := newSite(t)
	s.mustSync()
	want := state(t, s.root)
	other := *s
	other.root = newDataset(t)
	other.mustSync()
	sameRows(t, state(t, other.root), want)
}
