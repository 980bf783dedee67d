package pipeline

import (
	"fmt"
	"hash/fnv"
)

// Shard is one of Count parts of the windows, by Index from 0 on. The zero
// Shard is the whole.
//
// A window belongs to one part by rendezvous hashing over its account, its
// stream and the local month of its start: the part whose hash is highest. So
// every process comes to the same split without asking any other, whatever
// each of them plans; windows that one report serves mostly stay together; and
// another count moves no more months than it must.
type Shard struct{ Index, Count int }

// of keeps the windows of the part.
func (s Shard) of(k StreamKey, windows []PlannedWindow) []PlannedWindow {
	if s.Count <= 1 {
		return windows
	}
	var mine []PlannedWindow
	for _, w := range windows {
		if s.owner(k, w.Window) == s.Index {
			mine = append(mine, w)
		}
	}
	return mine
}

// owner is the index of the part that w belongs to.
func (s Shard) owner(k StreamKey, w Window) int {
	month := w.Start.Time()
	if loc, err := w.Location(); err == nil {
		month = w.Start.In(loc)
	}
	best, highest := 0, uint64(0)
	for i := range s.Count {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s|%s|%s|%d", k.Account, k.Stream, month.Format("2006-01"), i)
		if sum := mix64(h.Sum64()); i == 0 || sum > highest {
			best, highest = i, sum
		}
	}
	return best
}

// mix64 spreads a hash over all of its bits; FNV's high bits hardly know the last byte.
func mix64(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
