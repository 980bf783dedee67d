package httpclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestEachAttemptIsAdmittedAndAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		codes := []int{http.StatusBadGateway, http.StatusTooManyRequests, http.StatusOK}
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			body := make([]byte, r.ContentLength)
			r.Body.Read(body)
			bodies = append(bodies, string(body))
			w.WriteHeader(codes[len(bodies)-1])
		}, Options{RetryFor: time.Minute})
		defer stop()
		var kinds []string
		var told []string
		r := Request{
			Op: "POST /x", Method: http.MethodPost, URL: parse(t, "http://127.0.0.1/x"),
			Admit: func(ctx context.Context, r *Request) (func(error), error) {
				n := len(bodies) + 1
				r.Body = fmt.Appendf(nil, "try %d", n)
				return func(err error) { kinds = append(kinds, fmt.Sprint(n, " ", err == nil, " ", pipeline.KindOf(err))) }, pipeline.Sleep(ctx, time.Hour)
			},
			Notify: func(text string, _ time.Time) { told = append(told, text) },
		}
		began := time.Now()
		answer, err := c.Do(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if want := []string{"try 1", "try 2", "try 3"}; !slices.Equal(bodies, want) {
			t.Errorf("bodies %q", bodies)
		}
		if want := []string{"1 false unavailable", "2 false throttled", "3 true internal"}; !slices.Equal(kinds, want) {
			t.Errorf("answered %q", kinds)
		}
		// Admit waited three hours, the loop once for about half a second, after the 502 alone.
		if took := time.Since(began) - 3*time.Hour; took < 0 || took > time.Second || !slices.Equal(told, []string{"the vendor answered 502"}) {
			t.Errorf("%v beside the admissions, told %q", took, told)
		}
	})
}

func TestWhatIsNotAdmittedIsNotSent(t *testing.T) {
	full := &pipeline.Error{Op: "journal", Kind: pipeline.Unavailable, Err: errors.New("gone")}
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	r := get("/x")
	r.Admit = func(context.Context, *Request) (func(error), error) { return nil, full }
	if _, err := newClient(t, Options{Base: parse(t, s.URL), RetryFor: time.Hour}).Do(t.Context(), r); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// freely admits every attempt after a wait.
func freely(wait time.Duration) Admit {
	return func(ctx context.Context, _ *Request) (func(error), error) {
		return func(error) {}, pipeline.Sleep(ctx, wait)
	}
}

func TestWhatIsAdmittedIsRepeatedWithinItsOwnTime(t *testing.T) {
	for _, c := range []struct {
		says        string
		admit       Admit
		answers     []int         // the vendor's, the last one again and again
		retryAfter  string        // of each refusal
		slow        time.Duration // until each answer
		ok          bool
		most, least int // calls
	}{
		{"pauses grow, though the vendor asks for short ones", freely(0), []int{503}, "1", 0, false, 10, 4},
		{"without an admission the vendor's pauses hold", nil, []int{503}, "1", 0, false, 62, 50},
		{"slow refusals for asking too often do not count", freely(time.Second), []int{429, 429, 429, 502, 200}, "", 50 * time.Second, true, 5, 5},
		{"an outage from before a long admission does not count", freely(time.Hour), []int{502, 200}, "", 0, true, 2, 2},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				client, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/down" {
						w.WriteHeader(http.StatusBadGateway)
						return
					}
					time.Sleep(c.slow)
					code := c.answers[min(calls, len(c.answers)-1)]
					calls++
					if c.retryAfter != "" {
						w.Header().Set("Retry-After", c.retryAfter)
					}
					w.WriteHeader(code)
				}, Options{RetryFor: time.Minute})
				defer stop()
				if c.admit != nil { // another request has met an outage
					down := get("/down")
					down.NoRetry = true
					if _, err := client.Do(t.Context(), down); err == nil {
						t.Fatal("no outage")
					}
				}
				r := get("/x")
				r.Admit = c.admit
				answer, err := client.Do(t.Context(), r)
				if (err == nil) != c.ok || calls > c.most || calls < c.least {
					t.Errorf("%d calls, %v", calls, err)
				}
				if err == nil {
					answer.Body.Close()
				}
			})
		})
	}
}
