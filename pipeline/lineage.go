package pipeline

// lineage is what the engine knows of the rows that a document brings to a
// window: it fills the columns that a format does not.
type lineage struct {
	meta   *Meta
	window Window
	clock  *ZoneClock // of the zone that the window was cut in
	syncID SyncID
}

// fill appends the column called name for rows with the given times.
func (l lineage) fill(c *column, name string, times []Instant) {
	switch name {
	case "scope":
		if l.meta.Request.Scope == "" {
			c.addNulls(len(times))
			return
		}
		repeatText(c, l.meta.Request.Scope, len(times))
	case "sync_id":
		repeatText(c, string(l.syncID), len(times))
	case "local_date":
		for _, t := range times {
			if t == NoInstant {
				t = l.window.Start
			}
			c.addDay(l.clock.Day(t))
		}
	case "window_start":
		repeatInstant(c, l.window.Start, len(times))
	case "window_end":
		repeatInstant(c, l.window.End, len(times))
	case "extracted_at":
		repeatInstant(c, l.meta.ExtractedAt, len(times))
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
