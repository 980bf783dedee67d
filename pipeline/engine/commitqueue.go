package engine

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// likelyUnchanged reports whether a sealed window will most likely write no
// data: it was read again, and its rows are those that are committed.
func likelyUnchanged(s pipeline.Sealed, p pipeline.PlannedWindow) bool {
	switch p.Reason {
	case pipeline.ReasonProvisional, pipeline.ReasonLookback, pipeline.ReasonRefetch:
		return len(p.Supersedes) == 0 && s.Entry.Fingerprint == p.Fingerprint
	}
	return false
}

// commitRequest is what one extraction hands in for one queue: windows that are
// committed together.
type commitRequest struct {
	sealed    []pipeline.Sealed
	positions []int // of the windows in the extraction
	bytes     int64 // staged
	since     time.Time
	taken     bool // out of its queue: to be committed, or dropped by a stop
	results   chan []pipeline.Result
}

func (r *commitRequest) add(position int, s pipeline.Sealed) {
	r.sealed = append(r.sealed, s)
	r.positions = append(r.positions, position)
	r.bytes += s.Entry.Staged
}

// commitQueue holds requests that wait, oldest first.
type commitQueue struct {
	requests []*commitRequest
	windows  int
	bytes    int64
}

func (q *commitQueue) put(p *commitRequest) {
	if len(p.sealed) == 0 {
		return
	}
	q.requests = append(q.requests, p)
	q.windows += len(p.sealed)
	q.bytes += p.bytes
}

// deadline is when the oldest request has waited long enough. The queue has one.
func (q *commitQueue) deadline(g pipeline.Grouping) time.Time {
	return q.requests[0].since.Add(g.After)
}

// due reports whether the queue has a group that waits for nothing more.
func (q *commitQueue) due(g pipeline.Grouping) bool {
	return len(q.requests) > 0 && (q.windows >= g.WindowLimit() || g.Full(q.bytes) || time.Until(q.deadline(g)) <= 0)
}

// take removes the next group, within the bounds but for one large request.
// It is empty only if the queue then is.
func (q *commitQueue) take(g pipeline.Grouping) []*commitRequest {
	var group []*commitRequest
	windows, bytes := 0, int64(0)
	for len(q.requests) > 0 {
		p := q.requests[0]
		if !p.taken {
			if len(group) > 0 && (windows+len(p.sealed) > g.WindowLimit() || g.Full(bytes)) {
				break
			}
			p.taken = true
			group = append(group, p)
			windows += len(p.sealed)
			bytes += p.bytes
		}
		q.requests = q.requests[1:]
		q.windows -= len(p.sealed)
		q.bytes -= p.bytes
	}
	return group
}
