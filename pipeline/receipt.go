package pipeline

import "context"

// Receipt is what a run used of a sink that bills, as far as the sink was told.
type Receipt struct {
	LoadJobs    int   `json:"load_jobs"`
	QueryJobs   int   `json:"query_jobs"`
	BytesStaged int64 `json:"bytes_staged"` // sent to load jobs
	BytesBilled int64 `json:"bytes_billed"`
	SlotMillis  int64 `json:"slot_ms"`
}

// Meter is a [Store] that bills.
type Meter interface {
	// Receipt sums up what was used since the store was opened.
	Receipt() Receipt
	// Estimate says what committing the planned windows will use. It reads
	// tables' metadata at most, and runs no job.
	Estimate(ctx context.Context, plan []PlannedStream) (Estimate, error)
}

// Estimate is what a plan will use of a sink that bills.
type Estimate struct {
	LoadJobs    int   `json:"load_jobs"`
	QueryJobs   int   `json:"query_jobs"`
	BytesBilled int64 `json:"bytes_billed"`
	// Warnings name each quota that the plan comes near, with the remedy.
	Warnings []string `json:"warnings"`
}
