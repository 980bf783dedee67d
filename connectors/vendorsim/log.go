package vendorsim

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Call is one HTTP request that a server received.
type Call struct {
	Number        int    // from 1, over all hosts
	Host          string // ucontact, chattonic, dialpad or download
	Method, Path  string
	Query         url.Values
	RawQuery      string
	Header        http.Header // as received
	Body          []byte      // its first 64 KiB
	Authorization bool        // an Authorization header was present
	Status        int         // of the answer; 0 while it is being made, or when a fault ended it before one
	At            time.Time   // by the Real clock
}

// Log is every request so far, in order of arrival.
func (w *World) Log() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := make([]Call, len(w.calls))
	for i, c := range w.calls {
		calls[i] = *c
	}
	return calls
}

// Count is the number of logged requests to host ("" for all) whose method
// ("" for any) and path prefix match.
func (w *World) Count(host, method, path string) (n int) {
	for _, c := range w.Log() {
		if (host == "" || c.Host == host) && (method == "" || c.Method == method) && strings.HasPrefix(c.Path, path) {
			n++
		}
	}
	return n
}

// ResetLog forgets the requests so far; numbers and FailNth start again.
func (w *World) ResetLog() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.count = nil, 0
}

// record enters a request in the log.
func (w *World) record(host string, r *http.Request) *Call {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	at := w.settings().Real()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	c := &Call{
		Number: w.count, Host: host, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), RawQuery: r.URL.RawQuery,
		Header: r.Header.Clone(), Body: body, Authorization: r.Header.Get("Authorization") != "", At: at,
	}
	w.calls = append(w.calls, c)
	return c
}

// answered notes the status of a logged request.
func (w *World) answered(c *Call, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.Status == 0 {
		c.Status = status
	}
}
