package pipeline

import "fmt"

// Reason says why a window is planned.
type Reason string

const (
	ReasonNew         Reason = "new"
	ReasonProvisional Reason = "provisional"
	ReasonLookback    Reason = "lookback"
	ReasonFailed      Reason = "failed"
	ReasonRefetch     Reason = "refetch"
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
}

// StreamPlan is what a run does for one stream, and what it cannot do.
type StreamPlan struct {
	Stream    Stream
	First     Instant // the first day's start: FROM, else the recorded origin, else 30 local days before today
	Origin    Instant // to be recorded by the stream's first sync: the first day where FROM is not set; NoInstant once it is recorded
	Moved     bool    // the ledger, with Origin, has another first day: First is to be recorded by a sync
	Windows   []PlannedWindow
	Holes     []Span   // hours that no window covers and that the stream cannot be asked for
	Changed   []Window // settled windows read under other settings and not planned
	Watermark Instant  // NoInstant before the first settled window
}

// PlannedStream is one stream of `windrow plan`.
type PlannedStream struct {
	StreamPlan
	Requests int // calls or reports that the windows cost at least
}

// RefetchCommand is the command that reads the windows in Changed again.
func (p StreamPlan) RefetchCommand() string {
	return fmt.Sprintf("windrow sync --streams %s --from %s --to %s --refetch", p.Stream.Key.Stream, p.Changed[0].Start, p.Changed[len(p.Changed)-1].End)
}

// WaiveCommand is the command that lets the watermark pass a hole.
func (p StreamPlan) WaiveCommand(hole Span) string {
	return fmt.Sprintf("windrow sync --streams %s --from %s --to %s --waive REASON", p.Stream.Key.Stream, hole.Start, hole.End)
}
