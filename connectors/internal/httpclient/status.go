package httpclient

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// StatusError is an HTTP answer that is not 2xx.
type StatusError struct {
	Code int
	// Excerpt is the beginning of the body, at most 200 bytes, one line, without
	// credentials and query strings.
	Excerpt string
	// Body is the beginning of the body as it came, to tell one error from another. It is for no message.
	Body []byte
	// FromBase tells that the configured host itself gave this answer, and not
	// one that a redirect or a download URL led to.
	FromBase bool
}

func (e *StatusError) Error() string {
	if e.Excerpt == "" {
		return fmt.Sprintf("HTTP %d", e.Code)
	}
	return fmt.Sprintf("HTTP %d: %s", e.Code, e.Excerpt)
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

// retryAfter reads the Retry-After header: seconds, or an HTTP date. Zero when
// it is absent, past or unreadable.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		const longest = 365 * 24 * time.Hour
		switch {
		case !(n > 0): // NaN too
			return 0
		case n > longest.Seconds():
			return longest
		}
		return time.Duration(n * float64(time.Second))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
