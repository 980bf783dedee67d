package httpclient

import (
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// outage remembers since when a host has answered nothing. RetryFor is then
// spent once for all requests and not by each of them in turn: a backfill of a
// thousand windows against a dead host ends in minutes, not in days.
type outage struct {
	mu    sync.Mutex
	since time.Time // zero while the host answers
}

// note takes in how an attempt ended and returns since when none has reached
// the host, or now.
func (o *outage) note(err error, now time.Time) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil || isNotReady(err) || pipeline.KindOf(err) != pipeline.Unavailable:
		o.since = time.Time{}
		return now
	case o.since.IsZero():
		o.since = now
	}
	return o.since
}
