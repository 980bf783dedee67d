package main

import (
	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/windrow-data/windrow/pipeline/engine"
)

// softMemory is the soft limit of what a run uses: never more than four fifths of the container.
func softMemory(concurrency int, containerMemory func() (uint64, error)) engine.SoftMemory {
	m := engine.NewSoftMemory(concurrency)
	return m.AtMost(atMostOf(m.Most, 4, 5, containerMemory))
}

// atMostOf lowers n, in bytes, to the given share of the container's memory.
// Without a limit, or without containers, nothing is lowered.
func atMostOf(n int64, numerator, denominator uint64, containerMemory func() (uint64, error)) int64 {
	limit, err := containerMemory()
	if err != nil {
		return n
	}
	return min(n, max(int64(min(limit/denominator*numerator, 1<<62)), 1))
}

// containerMemory is the memory that the container may use, in bytes.
func containerMemory() (uint64, error) { return memlimit.FromCgroup() }
