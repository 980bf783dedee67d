//go:build slow

package endtoend

// What the slow suites do more often. A test that asks these, or stands in a
// slow file, has one of the names that .ci/run lists.
const (
	randomKills    = 200
	sweepSteps     = 1 << 20 // every request
	sinkSweepSteps = 1 << 20
)
