package chattonic

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestF_AWaitThatIsTooLongEndsEveryRequest(t *testing.T) {
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		for _, where := range []string{loginPath, "/api/v1/acme/stats/operator", "/api/v1/acme/stats/bigquery"} {
			asked := 0
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case where:
					asked++
					w.Header().Set("Retry-After", "1900000000")
					w.WriteHeader(code)
				case loginPath:
					_, _ = io.WriteString(w, `{"token":"abc","appCodename":"acme"}`)
				default:
					_, _ = io.WriteString(w, `{"status":true,"operators":[]}`)
				}
			})
			stream := Operators
			if strings.HasSuffix(where, "bigquery") {
				stream = Dashboard
			}
			began := time.Now()
			_, _, err := fetch(t, newSource(t, h, Options{RetryFor: time.Hour}, nil), stream)
			want := map[int]pipeline.Kind{429: pipeline.Throttled, 503: pipeline.Unavailable}[code]
			if pipeline.KindOf(err) != want || !strings.Contains(err.Error(), "until 2030-03-17T17:46:40Z (Retry-After: 1900000000)") || asked != 1 {
				t.Errorf("%s: asked %d times in %s: %v", where, asked, time.Since(began), err)
			}
		}
	}
}
