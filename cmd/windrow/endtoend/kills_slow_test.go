//go:build slow

package endtoend

// randomKills is how many runs the random kill test kills.
const (
	randomKills    = 200
	sweepSteps     = 1 << 20 // every request
	sinkSweepSteps = 1 << 20
)
