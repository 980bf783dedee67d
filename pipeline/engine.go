package pipeline

import "time"

// Engine runs streams of several sources into one store.
type Engine struct {
	Store   Store
	Sources []Source
	// Streams restricts the run to these; empty means every configured stream.
	Streams []StreamID
	Select  Selection
	// Clock plans; Now is the real time. Under --as-of they differ.
	Clock Clock
	Now   func() time.Time
	// MaxRejects is the share of rejected rows above which a window fails.
	MaxRejects float64
	// Concurrency is how many bodies are read at once.
	Concurrency int
	// Group says when sealed windows are committed; the zero Grouping commits
	// them as soon as the commit before is over.
	Group Grouping
	// Shard is this run's share of the windows; the zero Shard is all of them.
	Shard Shard
	// Observe is told what happens; it may be called from any goroutine. May be nil.
	Observe func(Event)
}

// EventKind says what an [Event] tells.
type EventKind string

const (
	EventPlanned   EventKind = "planned"   // Total windows of Stream are planned
	EventWaiting   EventKind = "waiting"   // Text says for what, Until when it looks again
	EventReading   EventKind = "reading"   // a body of Window (the first it serves) is being read
	EventCommitted EventKind = "committed" // Window is committed; Counts tell its rows
	EventUnchanged EventKind = "unchanged"
	EventYielded   EventKind = "yielded"
	EventFailed    EventKind = "failed" // Err says why
	EventWarning   EventKind = "warning"
)

// Event is a line of a run's story.
type Event struct {
	Kind   EventKind
	Stream StreamKey
	Window Window
	Total  int
	Counts Counts
	Text   string
	Until  time.Time
	Err    error
}

// PlannedStream is one stream of `windrow plan`.
type PlannedStream struct {
	StreamPlan
	Requests int // calls or reports that the windows cost at least
}

// StreamStatus is one stream of `windrow status`, and its JSON.
type StreamStatus struct {
	Stream      StreamID  `json:"stream"`
	Account     AccountID `json:"account"`
	Table       string    `json:"table"`
	Watermark   *Instant  `json:"watermark"`
	LagSeconds  *int64    `json:"lag_seconds"`
	Settled     int       `json:"settled"`
	Provisional int       `json:"provisional"`
	Open        int       `json:"open"` // due and not covered
	Waived      int       `json:"waived"`
	Rows        int64     `json:"rows"` // the ledger's sum
	LastCommit  *Instant  `json:"last_commit"`
}
