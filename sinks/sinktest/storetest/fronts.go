package storetest

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// late is how long an answer of a slow store takes.
const late = 50 * time.Millisecond

// HalfFailing is the address of a front of a server that fails as stores do under load: it throttles (429, 503), is slow, does
// what it is asked and answers that it is unavailable, or cuts its answer off.
func HalfFailing(t testing.TB, server string) string {
	t.Helper()
	store := front(t, server)
	var asked atomic.Int64
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := rand.New(rand.NewPCG(0, uint64(asked.Add(1)))).IntN(13); { // in no period that what is asked could fall in with
		case n == 3:
			w.Header().Set("Retry-After", "0")
			http.Error(w, "slow down", http.StatusTooManyRequests)
		case n == 5:
			http.Error(w, "slow down", http.StatusServiceUnavailable)
		case n == 7:
			store.ServeHTTP(httptest.NewRecorder(), r)
			http.Error(w, "half of it is down", http.StatusServiceUnavailable)
		case n == 9:
			select {
			case <-time.After(late):
			case <-r.Context().Done():
			}
			store.ServeHTTP(w, r)
		case n == 11 && r.Method == http.MethodGet:
			is := httptest.NewRecorder()
			store.ServeHTTP(is, r)
			maps.Copy(w.Header(), is.Header())
			w.Header().Set("Content-Length", strconv.Itoa(is.Body.Len()+1))
			w.WriteHeader(is.Code)
			_, _ = w.Write(is.Body.Bytes()) // and the connection is cut
		default:
			store.ServeHTTP(w, r)
		}
	})
}

// Counting is the address of a front of a server, and what counts the requests that have come by.
func Counting(t testing.TB, server string) (url string, asked *atomic.Int64) {
	t.Helper()
	store := front(t, server)
	asked = new(atomic.Int64)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		store.ServeHTTP(w, r)
	}), asked
}

func front(t testing.TB, server string) http.Handler {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(to)
}

func serve(t testing.TB, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}
