package httpclient

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// StatusError is an HTTP answer that is not 2xx, or one that says that the answer is not ready yet.
type StatusError struct {
	Code int
	// Excerpt is the beginning of the body, at most 200 bytes, one line, without
	// credentials and query strings.
	Excerpt string
	// Body is the beginning of the body as it came, to tell one error from another. It is for no message.
	Body []byte
	// Asks is what a Throttled or Unavailable answer asks for, for people: "to wait until 2025-09-08T12:00:00Z
	// (Retry-After: 120)"; empty where it asks for nothing.
	Asks string
	// FromBase tells that the configured host itself gave this answer, and not
	// one that a redirect or a download URL led to.
	FromBase bool
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP %d", e.Code)
	if e.Excerpt != "" {
		text += ": " + e.Excerpt
	}
	if e.Asks != "" {
		text += "; the vendor asks " + e.Asks
	}
	return text
}

// kindOf classifies a status code.
func kindOf(code int) pipeline.Kind {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return pipeline.Unauthorized
	case code == http.StatusRequestTimeout:
		return pipeline.TooHeavy
	case code == http.StatusTooManyRequests:
		return pipeline.Throttled
	case code >= 500:
		return pipeline.Unavailable
	}
	return pipeline.Refused
}

const (
	// firstUnixTime is from where on a number in Retry-After is a Unix time: as seconds to wait it would be 30 years.
	// Some servers and proxies send the end of the wait so, against RFC 9110.
	firstUnixTime = 1e9
	lastUnixTime  = 1e11 // the year 5138; what is beyond is no time
	longestAsk    = 100 * 365 * 24 * time.Hour
)

// RetryAfter is how long an answer asks to wait; 0 where it does not say. A request that must not be repeated here is
// repeated by its caller.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	wait, _ := retryAfter(h, now)
	return wait
}

// retryAfter reads the Retry-After header: seconds, a Unix time or an HTTP date. Other headers of limits are not read: no
// vendor documents any. wait is zero where the header is absent, over already or unreadable, and at most longestAsk; then
// until is zero. A time is counted from the answer's own Date, where it has one, so that the machine's clock does not matter.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, until time.Time) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	here := now
	if there, ok := timeOf(h); ok {
		here = there
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		until, err = http.ParseTime(v)
		if err != nil {
			return 0, time.Time{}
		}
	}
	switch {
	case !until.IsZero():
	case !(n > 0): // NaN too
		return 0, time.Time{}
	case n > lastUnixTime:
		return longestAsk, time.Time{}
	case n >= firstUnixTime:
		until = time.Unix(int64(math.Ceil(n)), 0)
	default:
		wait = time.Duration(n * float64(time.Second))
		return wait, now.Add(wait)
	}
	if wait = min(until.Sub(here), longestAsk); wait <= 0 {
		return 0, time.Time{}
	}
	return wait, until
}

// wordAsk words what an answer asks for; raw is its header, without anything secret.
func wordAsk(wait time.Duration, until time.Time, raw string) string {
	const rawBytes = 40
	if len(raw) > rawBytes {
		raw = strings.ToValidUTF8(raw[:rawBytes], "") + mask
	}
	switch {
	case wait <= 0:
		return ""
	case until.IsZero():
		return fmt.Sprintf("to wait for longer than anybody can (Retry-After: %s)", raw)
	}
	return fmt.Sprintf("to wait until %s (Retry-After: %s)", until.UTC().Format(time.RFC3339), raw)
}

// notReady is the error of an answer that is not there yet: of a 202, unless r takes one for an answer, and of a 204 where a
// body is expected, as it always is. It is retried like an outage, within RetryFor.
func (c *Client) notReady(r Request, code int, h http.Header, fromBase bool) error {
	switch code {
	case http.StatusNoContent, http.StatusResetContent:
	case http.StatusAccepted:
		if r.TakesAccepted {
			return nil
		}
	default:
		return nil
	}
	wait, until := retryAfter(h, c.now())
	return &pipeline.Error{
		Op: r.Op, Kind: pipeline.Unavailable, Cause: pipeline.NotReady, RetryAfter: wait, Hint: "the vendor needs more time; the next sync asks again",
		Err: &StatusError{
			Code: code, Excerpt: "the answer is not ready yet", FromBase: fromBase,
			Asks: wordAsk(wait, until, excerpt([]byte(h.Get("Retry-After")), c.secrets(r))),
		},
	}
}

// isNotReady reports whether a host answered that it needs time: that is no outage.
func isNotReady(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Code < http.StatusMultipleChoices
}
