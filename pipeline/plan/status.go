package plan

import (
	"math"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Status sums up what the ledger knows of s at now. Where the first day
// cannot be read the watermark and the open windows are left out; planning
// tells why.
func Status(s pipeline.Stream, l *pipeline.Ledger, now calendar.Instant) StreamStatus {
	st := StreamStatus{Stream: s.Key.Stream, Account: s.Key.Account}
	if s.Table != nil {
		st.Table = s.Table.Name
	}
	doubt := l.InDoubt()
	last := calendar.NoInstant
	for e := range l.Windows(calendar.NoInstant) {
		st.Rows += e.Counts.Rows
		if e.CommittedAt != 0 {
			last = max(last, e.CommittedAt)
		}
		switch {
		case calendar.Touches(doubt, e.Window.Span):
		case e.Settled:
			st.Settled++
		default:
			st.Provisional++
		}
	}
	if last != calendar.NoInstant {
		st.LastCommit = &last
	}
	for _, span := range calendar.Union(l.Waived()) {
		st.Waived += len(s.Calendar.Cut(span))
	}
	plan, err := Of(s, l, Selection{}, now)
	if err != nil {
		return st
	}
	for _, w := range plan.Windows {
		if w.Reason == pipeline.ReasonNew || w.Reason == pipeline.ReasonFailed {
			st.Open++
		}
	}
	if plan.Watermark != calendar.NoInstant {
		lag := int64(math.Floor(now.Sub(plan.Watermark).Seconds()))
		st.Watermark, st.LagSeconds = &plan.Watermark, &lag
	}
	return st
}

// StreamStatus is how far one stream is, and the JSON of that.
type StreamStatus struct {
	Stream      pipeline.StreamID  `json:"stream"`
	Account     pipeline.AccountID `json:"account"`
	Table       string             `json:"table"`
	Watermark   *calendar.Instant  `json:"watermark"`
	LagSeconds  *int64             `json:"lag_seconds"`
	Settled     int                `json:"settled"`
	Provisional int                `json:"provisional"`
	Open        int                `json:"open"` // due and not covered
	Waived      int                `json:"waived"`
	Rows        int64              `json:"rows"` // the ledger's sum
	LastCommit  *calendar.Instant  `json:"last_commit"`
}
