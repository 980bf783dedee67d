package httpclient

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestAnOutageIsWaitedForOnceNotByEveryRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		var up atomic.Bool
		c, stop := inMemory(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			if !up.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
		}, Options{RetryFor: 2 * time.Minute})
		defer stop()
		ask := func() (took time.Duration, attempts int64, err error) {
			began, before := time.Now(), calls.Load()
			answer, err := c.Do(t.Context(), Request{Op: "GET /x", Method: http.MethodGet, URL: parse(t, "http://127.0.0.1/x")})
			if err == nil {
				err = answer.Body.Close()
			}
			return time.Since(began), calls.Load() - before, err
		}

		took, attempts, err := ask()
		if pipeline.KindOf(err) != pipeline.Unavailable || attempts < 3 || took < time.Minute || took > 2*time.Minute {
			t.Fatalf("the first request: %d attempts in %v: %v", attempts, took, err)
		}
		time.Sleep(2*time.Minute - took) // the bubble's clock
		for range 3 {
			if took, attempts, err = ask(); pipeline.KindOf(err) != pipeline.Unavailable || attempts != 1 || took > time.Second {
				t.Fatalf("a request in a known outage: %d attempts in %v: %v", attempts, took, err)
			}
		}
		up.Store(true)
		if _, _, err = ask(); err != nil {
			t.Fatalf("the host is back: %v", err)
		}
		up.Store(false)
		if took, attempts, err = ask(); pipeline.KindOf(err) != pipeline.Unavailable || attempts < 3 || took < time.Minute {
			t.Fatalf("a new outage has its own budget: %d attempts in %v: %v", attempts, took, err)
		}
	})
}
