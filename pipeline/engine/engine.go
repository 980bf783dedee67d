package engine

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// Engine runs streams of several sources into one store.
type Engine struct {
	Store   pipeline.Store
	Sources []pipeline.Source
	// Streams restricts the run to these; empty means every configured stream.
	Streams []pipeline.StreamID
	Select  plan.Selection
	// Clock plans; Now is the real time. Under --as-of they differ.
	Clock calendar.Clock
	Now   func() time.Time
	// ID is that of the next run; empty: one is made.
	ID pipeline.SyncID
	// MaxRejects is the share of rejected rows above which a window fails.
	MaxRejects RejectLimit
	// Health says for which state of its fields a window fails.
	Health Health
	// MaxBody is the size of a body, without compression, above which it fails as unavailable.
	MaxBody BodyLimit
	// Concurrency is how many bodies are read at once.
	Concurrency int
	// Group says when sealed windows are committed; the zero Grouping commits
	// them as soon as the commit before is over.
	Group pipeline.Grouping
	// Shard is this run's share of the windows; the zero Shard is all of them.
	Shard plan.Shard
	// TenantRemedy says what helps where an account has the data of another tenant; nil: nothing is said.
	TenantRemedy func(pipeline.TenantKey) string
	// Observe is told what happens; it may be called from any goroutine. May be nil.
	Observe func(Event)
}

// RejectLimit is a share of rejected rows that must not be passed.
type RejectLimit struct {
	Share   float64 // 0 to 1
	Setting string  // what the user knows the limit as: the message that it was passed names it
}

// EventKind says what an [Event] tells.
type EventKind string

const (
	EventPlanned   EventKind = "planned"   // Total windows of Stream are planned
	EventWaiting   EventKind = "waiting"   // Text says for what, Until when it looks again
	EventBegun     EventKind = "begun"     // the work on Window begins
	EventSpent     EventKind = "spent"     // Stretch is over, of Window (the first it serves)
	EventAwaited   EventKind = "awaited"   // nothing has come for Window yet; Text says what is waited for
	EventReading   EventKind = "reading"   // a body of Window (the first it serves) is being read
	EventCommitted EventKind = "committed" // Window is committed; Counts tell its rows
	EventRestated  EventKind = "restated"  // that commit has replaced rows of a settled window
	EventUnchanged EventKind = "unchanged"
	EventYielded   EventKind = "yielded"
	EventFailed    EventKind = "failed"     // Err says why
	EventChanged   EventKind = "changed"    // the settled windows Changed were read under other settings than today's
	EventDated     EventKind = "dated"      // a clock was ahead when the windows of Dated were read
	EventExpired   EventKind = "expired"    // Total windows are due and past the retention of their table: they are not read
	EventSwept     EventKind = "swept"      // Total objects that belong to no window were removed; Text names some
	EventUnusual   EventKind = "unusual"    // a committed window holds what nobody would expect: see Warning
	EventNewFields EventKind = "new fields" // Text names fields that Stream did not have before
	EventUnit      EventKind = "unit"       // Text is what numbers tell of a unit that nobody has set
	EventHole      EventKind = "hole"       // no window covers Hole, and the vendor cannot be asked for it alone
)

// Event is a line of a run's story.
type Event struct {
	Kind   EventKind
	Stream pipeline.StreamKey
	Window calendar.Window
	Total  int
	Counts pipeline.Counts
	Text   string
	Until  time.Time
	Err    error
	// Changed are in the order of time, and at least one.
	Changed []calendar.Window
	Hole    calendar.Span
	Dated   []pipeline.Entry // by start, and at least one
	Warning pipeline.Warning
	Stretch pipeline.Stretch
}
