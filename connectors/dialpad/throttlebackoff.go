package dialpad

import (
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/windrow-data/windrow/pipeline"
)

// throttleBackoff remembers the vendor's 429s: until when no POST is sent, and
// how long the next pause is. Like [sharedQuota] it has no clock of its own.
type throttleBackoff struct {
	// Probing: the vendor throttled the last POST whose answer said anything about
	// it. Then one POST at a time tries whether that is over.
	Probing bool
	// Until is when the next POST may be sent.
	Until time.Time

	pauses backoff.ExponentialBackOff // for a vendor that names no time
}

func newThrottleBackoff() throttleBackoff {
	return throttleBackoff{pauses: backoff.ExponentialBackOff{
		InitialInterval: 10 * time.Second, Multiplier: 2, MaxInterval: 5 * time.Minute, RandomizationFactor: 0.2,
	}}
}

// Answered takes in how a POST ended at now. Of several POSTs that were refused
// at once without a time, the first alone lengthens the pause.
func (b *throttleBackoff) Answered(err error, now time.Time) {
	switch pipeline.KindOf(err) {
	case pipeline.Unavailable, pipeline.Stopped: // nobody said whether the vendor throttles
		return
	case pipeline.Throttled:
		wait := retryAfter(err)
		if wait <= 0 && now.Before(b.Until) {
			return // sent before the pause began
		}
		if wait <= 0 {
			wait = b.pauses.NextBackOff()
		}
		b.Probing = true
		if until := now.Add(wait); until.After(b.Until) {
			b.Until = until
		}
		return
	}
	b.Probing = false
	b.pauses.Reset()
}
