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
	// Receipt sums up what was used since the store was opened, by this process alone, failed jobs included. It asks
	// nobody and does not block, may be called at any time, also beside a Commit and after the store was closed, and never
	// falls. What the sink was not told, because an answer was lost, is missing.
	Receipt() Receipt
	// Estimate says about what committing the planned windows will use, as if every one of them had changed. It reads
	// tables' metadata at most, runs no job, bills nothing and makes nothing. It obeys ctx, may be called beside anything
	// and keeps nothing of plan; the answer is the caller's. The sink retries as in [Sink]'s Ledger, and errors are those
	// of [Sink]: where nothing can be asked there is no estimate.
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
