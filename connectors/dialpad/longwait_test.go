package dialpad

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Wherever Dialpad asks for a wait without end, every request ends at once, says what was asked for, and the rest of the
// run does not hang behind it.
func TestF_AWaitThatIsTooLongEndsEveryRequest(t *testing.T) {
	refuse := func(code int, after string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(code)
			return true
		}
	}
	for _, after := range []struct{ text, says string }{
		{"1900000000", "until 2030-03-17T17:46:40Z (Retry-After: 1900000000)"},
		{"Sun, 17 Mar 2030 17:46:40 GMT", "until 2030-03-17T17:46:40Z"},
		{"86400", "(Retry-After: 86400)"},
		{"1e300", "(Retry-After: 1e300)"},
	} {
		for _, c := range []struct {
			says string
			code int
			on   func(v *vendor, no func(http.ResponseWriter) bool)
			kind pipeline.Kind
		}{
			{"the order", 429, func(v *vendor, no func(http.ResponseWriter) bool) {
				v.onPost = func(_ int, w http.ResponseWriter) bool { return no(w) }
			}, pipeline.Throttled},
			{"the order, by a vendor that is down", 503, func(v *vendor, no func(http.ResponseWriter) bool) {
				v.onPost = func(_ int, w http.ResponseWriter) bool { return no(w) }
			}, pipeline.Unavailable},
			{"the look", 429, func(v *vendor, no func(http.ResponseWriter) bool) {
				v.onLook = func(_ int, w http.ResponseWriter, _ string) bool { return no(w) }
			}, pipeline.Throttled},
			{"the look, by a vendor that is down", 503, func(v *vendor, no func(http.ResponseWriter) bool) {
				v.onLook = func(_ int, w http.ResponseWriter, _ string) bool { return no(w) }
			}, pipeline.Unavailable},
			{"the download", 429, func(v *vendor, no func(http.ResponseWriter) bool) {
				v.onFile = func(_ int, w http.ResponseWriter, _ *http.Request) bool { return no(w) }
			}, pipeline.Throttled},
			{"the download, by a host that is down", 503, func(v *vendor, no func(http.ResponseWriter) bool) {
				v.onFile = func(_ int, w http.ResponseWriter, _ *http.Request) bool { return no(w) }
			}, pipeline.Unavailable},
		} {
			t.Run(c.says+" "+after.text, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v := newVendor(t)
					c.on(v, refuse(c.code, after.text))
					s := newTestSource(t, v, Options{RetryFor: time.Minute}, nil)
					began := time.Now()
					for _, err := range fetchMany(t.Context(), t, s, newFileJournal(t), nil, 2, 6) {
						if pipeline.KindOf(err) != c.kind || !strings.Contains(err.Error(), after.says) || strings.Contains(err.Error(), "something else") {
							t.Errorf("%v", err)
						}
					}
					if took := time.Since(began); took > 3*time.Minute {
						t.Errorf("it took %s", took)
					}
				})
			})
		}
	}
}

// A quota of reports is waited for, though it is beyond RetryFor; what goes on for longer than three hours is not, by none
// of the run's orders, one after the other.
func TestF_ThreeHoursOfThrottlingAreEnoughForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		vendorQuota(v, time.Now().Add(1000*time.Hour), func() string { return fmt.Sprint(100 * 60) })
		s := newTestSource(t, v, Options{RetryFor: time.Second}, nil)
		began := time.Now()
		for _, err := range fetchMany(t.Context(), t, s, newFileJournal(t), nil, 2, 6) {
			if pipeline.KindOf(err) != pipeline.Throttled || !strings.Contains(err.Error(), "throttled since") || !strings.Contains(err.Error(), "Retry-After: 6000") {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(began); took < time.Hour || took > 4*time.Hour {
			t.Errorf("given up after %s", took)
		}
	})
}
