package dialpad

import (
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
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

	since time.Time // the first 429 of those that nothing else came between; zero before it
	last  error     // the 429 that Until comes from

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
		if b.since.IsZero() {
			b.since = now
		}
		if until := now.Add(wait); until.After(b.Until) {
			b.Until, b.last = until, err
		}
		return
	}
	b.Probing = false
	b.since, b.last = time.Time{}, nil
	b.pauses.Reset()
}

// GivenUp is the error of every POST once the vendor throttles for longer than
// throttlePatience, or has asked for a wait that would be longer.
func (b *throttleBackoff) GivenUp() error {
	if b.since.IsZero() || b.Until.Sub(b.since) <= throttlePatience {
		return nil
	}
	e := &pipeline.Error{Op: "POST /stats", Kind: pipeline.Throttled, RetryAfter: retryAfter(b.last), Err: b.last}
	var status *httpclient.StatusError
	if errors.As(b.last, &status) {
		e.Err = status
	}
	if e.RetryAfter > throttlePatience {
		e.Hint = fmt.Sprintf("longer than the %s that an order of a report waits: a sync after that time reads it", short(throttlePatience))
		return e
	}
	e.Err = fmt.Errorf("throttled since %s: %w", b.since.UTC().Format(time.RFC3339), e.Err)
	e.Hint = "something else uses up the company's quota of reports; the next sync tries again"
	return e
}
