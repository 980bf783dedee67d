package plan

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Status sums up what the ledger knows of s at now. Where the first day
// cannot be read the watermark and the open windows are left out; planning
// tells why. Windows that have expired count as that alone.
func Status(s pipeline.Stream, l *pipeline.Ledger, now calendar.Instant, kept Kept) StreamStatus {
	st := ledgerStatus(s.Key, l, kept)
	st.Configured = true
	if st.Zone == "" {
		st.Zone = s.Calendar.Location().String()
	}
	if s.Table != nil {
		st.Table = s.Table.Name
	}
	for _, span := range calendar.Union(l.Waived()) {
		st.Waived += len(s.Calendar.Cut(span))
	}
	plan, err := Of(s, l, Selection{}, now)
	if err != nil {
		return st
	}
	_ = kept.Narrow(&plan, l, Selection{}) // refuses nothing without bounds
	for _, w := range plan.Expired {
		if !l.Committed(w.Span) {
			st.Expired++
		}
	}
	for _, w := range plan.Windows {
		if slices.Contains([]pipeline.Reason{pipeline.ReasonNew, pipeline.ReasonFailed, pipeline.ReasonReopened}, w.Reason) {
			st.Open++
			st.Due = append(st.Due, w.Window.Span)
		}
	}
	st.countFailures(l)
	st.reached(plan.Watermark, now)
	for _, h := range plan.Holes {
		st.Holes = append(st.Holes, calendar.Without(h, l.Cover(h.Start))...) // of the others a window will go, with the run that replaces it
	}
	st.Failed = failedAt(plan)
	return st
}

// UnreadStatus sums up what the ledger knows at now of a stream that no run reads. How its time would be cut is not known,
// so a waiver counts as one window, and what is open are the windows whose last reading failed, or whose commit began and
// did not end.
func UnreadStatus(k pipeline.StreamKey, l *pipeline.Ledger, now calendar.Instant) StreamStatus {
	st := ledgerStatus(k, l, Kept{})
	open := map[calendar.Span]bool{}
	for _, e := range slices.AppendSeq(l.Begun(), l.Failures()) {
		open[e.Window.Span] = true
	}
	st.Waived, st.Open = len(calendar.Union(l.Waived())), len(open)
	st.Due = slices.SortedFunc(maps.Keys(open), func(a, b calendar.Span) int { return cmp.Compare(a.Start, b.Start) })
	st.countFailures(l)
	first, ok := l.First()
	if !ok {
		first, ok = l.Origin()
	}
	if ok {
		st.reached(l.Watermark(first), now)
	}
	return st
}

// countFailures counts the due windows whose last reading failed.
func (st *StreamStatus) countFailures(l *pipeline.Ledger) {
	for _, s := range st.Due {
		if _, failed := l.Failed(s); failed {
			st.FailedWindows++
		}
	}
}

// LateAfter is the lag above which a stream is late, unless somebody says otherwise.
const LateAfter = 36 * time.Hour

// Judge decides whether the stream is late at now: its lag is above the limit (0 is [LateAfter]), or it never settled a window.
// Of a stream that is read only where it is named nobody knows whether it can be read: that it never settled one is not late.
func (st *StreamStatus) Judge(s pipeline.Stream, now calendar.Instant, limit time.Duration) {
	if limit <= 0 {
		limit = LateAfter
	}
	never := st.Watermark == nil || st.Settled == 0 && st.Waived == 0
	st.Late = never && !s.Unpublished || !never && now.Sub(*st.Watermark) > limit+st.longer(s)
}

// longer is by how much the window behind the watermark is longer than a day: a month that has not ended is not late.
func (st *StreamStatus) longer(s pipeline.Stream) time.Duration {
	if !st.Configured || s.Calendar.IsAny() {
		return 0
	}
	return max(0, s.Calendar.Window(*st.Watermark).Length()-25*time.Hour)
}

// reached notes how far the stream is settled.
func (st *StreamStatus) reached(watermark, now calendar.Instant) {
	if watermark == calendar.NoInstant {
		return
	}
	lag := int64(math.Floor(now.Sub(watermark).Seconds()))
	st.Watermark, st.LagSeconds = &watermark, &lag
}

// failedAt is the window that failed and that the watermark waits for; nil where the watermark waits for none such.
func failedAt(p pipeline.StreamPlan) *calendar.Window {
	at := p.Watermark
	if at == calendar.NoInstant {
		at = p.First
	}
	for _, w := range p.Windows {
		if w.Reason == pipeline.ReasonFailed && w.Window.Start <= at && w.Window.End > at {
			return &w.Window
		}
	}
	return nil
}

// ledgerStatus is what the committed windows tell.
func ledgerStatus(k pipeline.StreamKey, l *pipeline.Ledger, kept Kept) StreamStatus {
	st := StreamStatus{Stream: k.Stream, Account: k.Account, Kept: kept}
	doubt := l.InDoubt()
	st.Unplaced = l.Unplaced()
	for _, e := range l.Asked() {
		if len(calendar.Without(e.Window.Span, calendar.Merge(l.Cover(e.Window.Start), l.Waived()))) > 0 {
			st.Asked = append(st.Asked, AskedWindow{e.Window.Start, e.Window.End, e.ReadAt, e.Note == pipeline.AskTaken, e.Window.Zone})
		}
	}
	last := calendar.NoInstant
	for e := range l.Windows(calendar.NoInstant) {
		st.Rows += e.Counts.Rows
		st.Zone = e.Window.Zone
		if e.CommittedAt != 0 {
			last = max(last, e.CommittedAt)
		}
		switch {
		case !kept.Wants(e.Window):
			st.Expired++
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
	Expired     int                `json:"expired"` // past the retention of the table: neither read again nor missed
	Rows        int64              `json:"rows"`    // the ledger's sum
	LastCommit  *calendar.Instant  `json:"last_commit"`
	Configured  bool               `json:"configured"` // false: the ledger knows the stream, and no run reads it
	LeftOut     bool               `json:"-"`          // of those, the ones that a choice of streams leaves out
	// FailedWindows are those of Open whose last reading failed.
	FailedWindows int    `json:"failed"`
	Late          bool   `json:"late"` // see [StreamStatus.Judge]; false until somebody has judged
	Zone          string `json:"zone"` // in which its newest window was cut, or the next will be; empty where nobody knows
	// Asked are the windows that the vendor was asked for, once and never again, and that nothing covers yet.
	Asked []AskedWindow `json:"asked,omitempty"`
	// Dated are the commits of readings by a clock that was ahead, which tell no time; see [pipeline.Ledger.Trusted].
	Dated []pipeline.Entry `json:"-"`
	// Unplaced names what the vendor has sent and no window takes.
	Unplaced []string `json:"unplaced,omitempty"`
	Kept     Kept     `json:"-"` // says which windows Expired counts
	// Due are the windows that Open counts.
	Due []calendar.Span `json:"-"`
	// Holes are covered by no window and cannot be asked for. With Failed, the window at the watermark that failed, they
	// hold the watermark back.
	Holes  []calendar.Span  `json:"-"`
	Failed *calendar.Window `json:"-"`
}

// AskedWindow is a window that the vendor was asked for.
type AskedWindow struct {
	WindowStart calendar.Instant `json:"window_start"`
	WindowEnd   calendar.Instant `json:"window_end"`
	AskedAt     calendar.Instant `json:"asked_at"`
	Taken       bool             `json:"taken"` // false: the request was perhaps never sent, or the vendor has not taken it
	Zone        string           `json:"-"`     // that in which the window was cut
}
