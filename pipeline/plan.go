package pipeline

// Reason says why a window is planned.
type Reason string

const (
	ReasonNew         Reason = "new"
	ReasonProvisional Reason = "provisional"
	ReasonLookback    Reason = "lookback"
	ReasonFailed      Reason = "failed"
	ReasonRefetch     Reason = "refetch"
)

// Selection narrows and bends a plan; the zero Selection is a nightly run.
type Selection struct {
	// From and To bound the plan: local dates (both included) or RFC 3339
	// instants (half-open), as typed; empty when not given.
	From, To string
	// Refetch also plans settled windows.
	Refetch bool
}

// PlannedWindow is a window that a run reads.
type PlannedWindow struct {
	Window Window
	Reason Reason
	// Supersedes names committed windows of other bounds that its commit replaces.
	Supersedes []Window
}

// StreamPlan is what a run does for one stream, and what it cannot do.
type StreamPlan struct {
	Stream    Stream
	First     Instant // the first day's start: FROM, else the recorded origin, else 30 local days before today
	Origin    bool    // First must be recorded: this is the stream's first sync
	Windows   []PlannedWindow
	Holes     []Span   // hours that no window covers and that the stream cannot be asked for
	Changed   []Window // settled windows read under other settings and not planned
	Watermark Instant  // NoInstant before the first settled window
}

// PlanStream says what a run at now reads of s.
func PlanStream(s Stream, l *Ledger, sel Selection, now Instant) (StreamPlan, error) {
	return StreamPlan{Stream: s, Watermark: NoInstant}, nil
}

// WaivePlan lists the uncovered spans within the selection, which needs both bounds.
func WaivePlan(s Stream, l *Ledger, sel Selection, now Instant) ([]Span, error) {
	return nil, nil
}
