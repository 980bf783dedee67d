package pipeline

// StatusOf sums up what the ledger knows of s at now. Where the first day
// cannot be read the watermark and the open windows are left out; planning
// tells why.
func StatusOf(s Stream, l *Ledger, now Instant) StreamStatus {
	st := StreamStatus{Stream: s.Key.Stream, Account: s.Key.Account}
	if s.Table != nil {
		st.Table = s.Table.Name
	}
	doubt := l.doubtful()
	last := NoInstant
	for it := range l.live.from(NoInstant) {
		e := it.entry
		st.Rows += e.Counts.Rows
		if e.CommittedAt != 0 {
			last = max(last, e.CommittedAt)
		}
		switch {
		case touches(doubt, it.Span):
		case e.Settled:
			st.Settled++
		default:
			st.Provisional++
		}
	}
	if last != NoInstant {
		st.LastCommit = &last
	}
	for _, span := range union(l.Waived()) {
		st.Waived += len(s.Calendar.Cut(span))
	}
	plan, err := PlanStream(s, l, Selection{}, now)
	if err != nil {
		return st
	}
	for _, w := range plan.Windows {
		if w.Reason == ReasonNew || w.Reason == ReasonFailed {
			st.Open++
		}
	}
	if plan.Watermark != NoInstant {
		lag := floorDiv(int64(now-plan.Watermark), 1_000_000)
		st.Watermark, st.LagSeconds = &plan.Watermark, &lag
	}
	return st
}
