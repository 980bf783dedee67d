//go:build !slow

package endtoend

// randomKills is how many runs the random kill test kills; the slow suite kills more.
const (
	randomKills    = 12
	sweepSteps     = 8 // of the requests that fail once, per kind of fault
	sinkSweepSteps = 2 // of the requests to BigQuery
)
