package pipeline

import "context"

// Reason says why a window is planned.
type Reason string

const (
	ReasonNew         Reason = "new"
	ReasonProvisional Reason = "provisional"
	ReasonLookback    Reason = "lookback"
	ReasonFailed      Reason = "failed"
	ReasonRefetch     Reason = "refetch"
	ReasonReopened    Reason = "reopened" // the table does not hold what the ledger says
)

// PlannedWindow is a window that a run reads.
type PlannedWindow struct {
	Window Window
	Reason Reason
	// Supersedes names the windows of other bounds that its commit replaces:
	// committed ones, and those of which a commit began and never ended.
	Supersedes []Window
	// Fingerprint is of the rows that are committed; zero where none are.
	Fingerprint Hash
	// Fields are those of that reading, as in [Entry].
	Fields Fields
}

// StreamPlan is what a run does for one stream, and what it cannot do.
type StreamPlan struct {
	Stream Stream
	First  Instant // the first day's start: FROM, else the recorded origin, else 30 local days before today
	// Origin is to be recorded by the stream's first sync: the first day where FROM is not set; NoInstant once it is
	// recorded.
	Origin    Instant
	Moved     bool // the ledger, with Origin, has another first day: First is to be recorded by a sync
	Windows   []PlannedWindow
	Holes     []Span   // hours that no window covers and that the stream cannot be asked for
	Changed   []Window // settled windows read under other settings and not planned
	Expired   []Window // due, but past the retention of the table: neither read nor missed
	Watermark Instant  // NoInstant before the first settled window
	Dated     []Entry  // commits of readings by a clock that was ahead; see [Ledger.Trusted]
	Order     uint64   // of the readings that the plan asks for; see [Entry]
}

// PlannedStream is a stream's plan, and what it costs.
type PlannedStream struct {
	StreamPlan
	Requests int // calls or reports that the windows cost at least
	// Replayable are the windows of Changed that can be made again, as today's settings have them, of what was kept.
	Replayable []Window
}

// Rereading is an extraction that is read again from what was kept of its answers.
type Rereading struct {
	Stream     Stream // as its settings and today's mapping have it
	Extraction Extraction
	// Commits are the windows that are wanted, as the ledger has them, with the order, the times and the settledness of the
	// reading that was kept. The extraction may serve others too.
	Commits []Entry
	// Fetch is as that of a [Source], and calls no vendor.
	Fetch func(ctx context.Context, r Request, yield func(Body) error) error
}

// Unkept is a committed window that cannot be read again from what was kept.
type Unkept struct {
	Window Window
	Err    error // an *[Error] of cause NotKept or KeptDamaged
}
