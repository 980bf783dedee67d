package engine

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
)

// SoftMemory is the soft memory limit of a process, in bytes. It follows what is live: under a limit that leaves the
// collector no room, the collector eats the run. Garbage alone never raises it, and neither do rows that pass: while a run
// moves some, what was live at each of the last [lasting] collections counts.
type SoftMemory struct {
	Least int64 // while no more is live than bodies take
	Most  int64 // whatever is live
}

// lasting is how many collections something must live through to count.
const lasting = 8

// moving is how many runs of this process move rows. A limit is the process's, and so is this.
var moving atomic.Int64

// NewSoftMemory is the limit of a process that reads so many bodies at once. Below Least a large report would keep the
// collector busy all the time.
func NewSoftMemory(concurrency int) SoftMemory {
	const (
		worker = 12 << 20 // the rows of a range, and its row group on the way to Parquet
		rest   = 20 << 20
	)
	n := runtime.GOMAXPROCS(0)
	return SoftMemory{Least: int64(rest + n*worker + rangesOf(concurrency, n)*rangeBytes), Most: math.MaxInt64}
}

// AtMost is the limit with another Most, which Least does not pass either.
func (m SoftMemory) AtMost(most int64) SoftMemory {
	return SoftMemory{Least: min(m.Least, most), Most: most}
}

// Of is the limit where so many bytes are live. Bodies leave a quarter of Least free. Of what is live beyond them, such as
// a long ledger, a third as much again is room for garbage.
func (m SoftMemory) Of(live int64) int64 {
	beyond := max(live-m.Least/4*3, 0)
	if beyond >= (m.Most-m.Least)/4*3 {
		return m.Most
	}
	return m.Least + beyond/3*4
}

// Follow sets the limit, and anew after each collection, which is when it becomes known what is live. end leaves the
// limit as it was before.
func (m SoftMemory) Follow() (end func()) {
	f := &follower{SoftMemory: m}
	f.limit = m.Least
	before := debug.SetMemoryLimit(m.Least)
	f.afterCollection()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.ended = true
		debug.SetMemoryLimit(before)
	}
}

// follower sets the limit. The collector calls it, so that it needs no goroutine and no clock.
type follower struct {
	SoftMemory
	mu    sync.Mutex
	limit int64          // as it was set last
	live  [lasting]int64 // at the last collections, in a ring
	next  int
	ended bool
}

// afterCollection has the next collection set the limit, by what it finds unreachable: that is always something.
func (f *follower) afterCollection() {
	type mark struct{ _ *follower }
	runtime.AddCleanup(&mark{f}, (*follower).set, f)
}

// set sets the limit by what the last collections found live.
func (f *follower) set() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	f.live[f.next%lasting] = int64(min(sample[0].Value.Uint64(), math.MaxInt64))
	f.next++
	live := f.live[(f.next-1)%lasting]
	if moving.Load() > 0 {
		live = slices.Min(f.live[:])
	}
	if limit := f.Of(live); limit != f.limit {
		f.limit = limit
		debug.SetMemoryLimit(limit)
	}
	f.afterCollection()
}
