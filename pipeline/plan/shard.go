package plan

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
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

// Keep returns the windows that belong to the part.
func (s Shard) Keep(k pipeline.StreamKey, windows []pipeline.PlannedWindow) []pipeline.PlannedWindow {
	if s.Count <= 1 {
		return windows
	}
	owners := map[string]int{} // by month
	var mine []pipeline.PlannedWindow
	for _, w := range windows {
		month := localMonth(w.Window)
		if _, known := owners[month]; !known {
			owners[month] = s.owner(k, month)
		}
		if owners[month] == s.Index {
			mine = append(mine, w)
		}
	}
	return mine
}

// localMonth is the month of w's start, 2025-09, in the zone that w was cut in.
func localMonth(w calendar.Window) string {
	start := w.Start.Time()
	if loc, err := w.Location(); err == nil {
		start = w.Start.In(loc)
	}
	return start.Format("2006-01")
}

// owner is the index of the part that a month of a stream belongs to. What is
// hashed never changes: versions that run side by side must agree.
func (s Shard) owner(k pipeline.StreamKey, month string) int {
	unit := fmt.Sprintf("%s|%s|%s|", k.Account, k.Stream, month)
	best, highest := 0, [sha256.Size]byte{}
	for i := range s.Count {
		if sum := sha256.Sum256(fmt.Append([]byte(unit), i)); bytes.Compare(sum[:], highest[:]) > 0 {
			best, highest = i, sum
		}
	}
	return best
}
