package connectortest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

// Vendor is a simulated vendor that consists of one handler. It misbehaves by
// itself, so that the handler only has to answer.
type Vendor struct {
	URL       string
	Transport http.RoundTripper

	handler   http.Handler
	documents string
	begun     time.Time

	mu      sync.Mutex
	calls   int
	trouble *Trouble // nil: none
}

// Serve serves h over pipes until t ends. Call it inside the bubble. The paths
// of documents, which are what the bodies of Fetch are read from, begin with
// the given path.
func Serve(t *testing.T, h http.Handler, documents string) *Vendor {
	t.Helper()
	v := &Vendor{handler: h, documents: documents, begun: time.Now()}
	url, transport, stop := vendorsim.ServeInMemory(v)
	t.Cleanup(stop)
	v.URL, v.Transport = url, transport
	return v
}

// Clock is a weekday of 2025 that passes with the bubble's time.
func (v *Vendor) Clock() time.Time {
	return time.Date(2025, 9, 12, 18, 0, 0, 0, time.UTC).Add(time.Since(v.begun))
}

// Setup is what Run needs of a source that reads v. The vendor has rows at any
// time of the day before yesterday.
func (v *Vendor) Setup(s Setup) Setup {
	s.Busy, s.Extracted = v.Clock().Add(-48*time.Hour), v.Clock
	s.Trouble, s.Calls = v.misbehave, v.count
	return s
}

func (v *Vendor) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls
}

func (v *Vendor) misbehave(t Trouble) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trouble = &t
}

// next counts a call and takes the trouble that it meets. All calls meet
// Refuses, the other troubles end with the first call that meets them.
func (v *Vendor) next(path string) (t Trouble, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	if v.trouble == nil {
		return 0, false
	}
	t = *v.trouble
	switch t {
	case BreaksOff, Page, Blank:
		if !strings.HasPrefix(path, v.documents) {
			return 0, false
		}
	case Refuses:
		return t, true
	}
	v.trouble = nil
	return t, true
}

func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", v.Clock().UTC().Format(http.TimeFormat))
	trouble, ok := v.next(r.URL.Path)
	if !ok {
		v.handler.ServeHTTP(w, r)
		return
	}
	switch trouble {
	case Down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Throttles:
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
	case Refuses:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "not known: "+r.Header.Get("Authorization")+" "+r.URL.RawQuery)
	case Page:
		_, _ = io.WriteString(w, "<html><head><title>Welcome</title></head></html>")
	case Blank:
	case BreaksOff:
		whole := httptest.NewRecorder()
		v.handler.ServeHTTP(whole, r)
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		_ = http.NewResponseController(w).Flush() // so that the answer has begun
		panic(http.ErrAbortHandler)
	}
}
