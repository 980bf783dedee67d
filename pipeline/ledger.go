package pipeline

// Ledger is what is known of one stream: entries folded in the order of the
// log. It is a value of the program's memory; sinks store entries.
type Ledger struct {
	live spanMap
}

// NewLedger returns the ledger of a stream never seen.
func NewLedger() *Ledger { return &Ledger{} }

// Apply folds the next entry of the log.
func (l *Ledger) Apply(e Entry) {}

// Entries is a minimal log that reproduces the ledger exactly.
func (l *Ledger) Entries() []Entry { return nil }

// Origin is the start of the stream's first day, where it is recorded.
func (l *Ledger) Origin() (Instant, bool) { return NoInstant, false }

// Live is the committed reading of exactly this span, if what the table holds
// for it is known.
func (l *Ledger) Live(s Span) (Entry, bool) { return Entry{}, false }

// Overlapping lists, by start, what the table may hold of s: one entry per
// window, its commit or, where a commit has only begun, its begin.
func (l *Ledger) Overlapping(s Span) []Entry { return nil }

// Yields reports whether a reading newer than e's is committed for any instant of e's window.
func (l *Ledger) Yields(e Entry) bool { return false }

// Dirty reports whether a commit that touches s has begun and not ended.
func (l *Ledger) Dirty(s Span) bool { return false }

// Begun lists the windows whose commit has begun and not ended.
func (l *Ledger) Begun() []Entry { return nil }

// Failed is the failure that ended the last attempt to read any of s.
func (l *Ledger) Failed(s Span) (Entry, bool) { return Entry{}, false }

// Waived lists the spans that an operator declared settled and that no later commit covers.
func (l *Ledger) Waived() []Entry { return nil }

// Remnants lists the spans of superseded windows that nothing covers since.
func (l *Ledger) Remnants() []Span { return nil }

// Watermark is the end of the unbroken run of settled or waived windows from
// first on; NoInstant where there is none.
func (l *Ledger) Watermark(first Instant) Instant { return NoInstant }
