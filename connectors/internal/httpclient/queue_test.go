package httpclient

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// arrivals is a transport that answers at once and notes what came when.
type arrivals struct {
	mu    sync.Mutex
	began time.Time
	seen  []string
	leads map[string]string // host → where it redirects to
}

func (a *arrivals) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, fmt.Sprintf("%s %s", r.URL.Path, time.Since(a.began)))
	if to := a.leads[r.URL.Host]; to != "" {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {to}}, Body: http.NoBody}, nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
}

// onceASecond is a client of https://vendor.test that sends a request a second.
func onceASecond(t *testing.T) (*Client, *arrivals) {
	a := &arrivals{began: time.Now()}
	return newClient(t, Options{Base: parse(t, "https://vendor.test"), Rate: 1, Transport: a}), a
}

// send begins a request and waits until it waits.
func send(ctx context.Context, t *testing.T, c *Client, all *sync.WaitGroup, r Request, want pipeline.Kind) {
	all.Go(func() {
		answer, err := c.Do(ctx, r)
		if err == nil {
			answer.Body.Close()
		}
		if pipeline.KindOf(err) != want {
			t.Errorf("%s: %v", r.URL, err)
		}
	})
	synctest.Wait()
}

func TestOfTheRequestsThatWaitForTheRateTheOldestGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := onceASecond(t)
		var all sync.WaitGroup
		for _, sent := range []struct {
			path string
			age  time.Duration // 0: not said
		}{
			{"/at-once", 0}, {"/new", 0}, {"/newer", 0},
			{"/old", time.Minute}, {"/older", time.Hour}, {"/as-old", time.Hour},
		} {
			r := get(sent.path)
			if sent.age > 0 {
				r.Since = a.began.Add(-sent.age)
			}
			send(t.Context(), t, c, &all, r, pipeline.KindOf(nil))
		}
		all.Wait()
		if want := []string{"/at-once 0s", "/older 1s", "/as-old 2s", "/old 3s", "/new 4s", "/newer 5s"}; !slices.Equal(a.seen, want) {
			t.Errorf("sent %q", a.seen)
		}
	})
}

func TestARequestThatIsCalledOffKeepsNoPlaceInTheRate(t *testing.T) {
	for _, tt := range []struct {
		says   string
		behind bool // another waits behind it when it leaves
	}{
		{"and one that comes later goes when it would have gone", false},
		{"and the one behind it goes in its place", true},
	} {
		t.Run(tt.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, a := onceASecond(t)
				var all sync.WaitGroup
				ctx, callOff := context.WithCancel(t.Context())
				send(t.Context(), t, c, &all, get("/at-once"), pipeline.KindOf(nil))
				send(ctx, t, c, &all, get("/called-off"), pipeline.Stopped)
				if tt.behind {
					send(t.Context(), t, c, &all, get("/next"), pipeline.KindOf(nil))
				}
				time.Sleep(time.Second / 2)
				callOff()
				synctest.Wait()
				if !tt.behind {
					send(t.Context(), t, c, &all, get("/next"), pipeline.KindOf(nil))
				}
				all.Wait()
				if want := []string{"/at-once 0s", "/next 1s"}; !slices.Equal(a.seen, want) {
					t.Errorf("sent %q", a.seen)
				}
			})
		})
	}
}

func TestTheRateIsOfTheConfiguredHostAndThoseBelowIt(t *testing.T) {
	for address, counted := range map[string]bool{
		"https://vendor.test/x":       true,
		"https://VENDOR.test:443/x":   true,
		"https://files.vendor.test/x": true,
		"https://vendor.test:8443/x":  false,
		"https://myvendor.test/x":     false,
		"https://storage.test/x":      false,
	} {
		t.Run(address, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, a := onceASecond(t)
				var all sync.WaitGroup
				for range 3 {
					send(t.Context(), t, c, &all, Request{Op: "GET a file", Method: http.MethodGet, URL: parse(t, address)}, pipeline.KindOf(nil))
				}
				all.Wait()
				if took := time.Since(a.began); (took == 2*time.Second) != counted || !counted && took != 0 {
					t.Errorf("three took %s", took)
				}
			})
		})
	}
}

func TestARedirectCountsWhereItLeads(t *testing.T) {
	for to, want := range map[string]time.Duration{
		"https://files.vendor.test/x": 3 * time.Second, // four requests to the vendor
		"https://storage.test/x":      time.Second,     // two
	} {
		synctest.Test(t, func(t *testing.T) {
			c, a := onceASecond(t)
			a.leads = map[string]string{"vendor.test": to}
			var all sync.WaitGroup
			for range 2 {
				send(t.Context(), t, c, &all, get("/x"), pipeline.KindOf(nil))
			}
			all.Wait()
			if took := time.Since(a.began); took != want || len(a.seen) != 4 {
				t.Errorf("%s: %q in %s", to, a.seen, took)
			}
		})
	}
}
