package pipeline

// RowLineage is what the engine knows of the rows that a document brings to a window. A format does not know it. RowLineage
// fills the columns marked Engine.
type RowLineage struct {
	Scope       string // what the document was asked for; empty: null
	Window      Window
	ExtractedAt Instant
	SyncID      SyncID
	// Clock is of the zone that the window was cut in. A clock belongs to one goroutine.
	Clock *ZoneClock
}

// fill appends the column called name for rows with the given times.
func (l *RowLineage) fill(c *column, name string, times []Instant) {
	switch name {
	case "scope":
		if l.Scope == "" {
			c.addNulls(len(times))
			return
		}
		repeatText(c, l.Scope, len(times))
	case "sync_id":
		repeatText(c, string(l.SyncID), len(times))
	case "local_date":
		for _, t := range times {
			if t == NoInstant {
				t = l.Window.Start
			}
			c.addDay(l.Clock.Day(t))
		}
	case "window_start":
		repeatInstant(c, l.Window.Start, len(times))
	case "window_end":
		repeatInstant(c, l.Window.End, len(times))
	case "extracted_at":
		repeatInstant(c, l.ExtractedAt, len(times))
	}
}

func repeatText(c *column, v string, n int) {
	for range n {
		c.addString(v)
	}
}

func repeatInstant(c *column, v Instant, n int) {
	for range n {
		c.addWord(uint64(v))
	}
}
