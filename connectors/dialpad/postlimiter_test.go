package dialpad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// fetchMany carries out n requests for n different past days at once.
func fetchMany(ctx context.Context, t *testing.T, s *Source, j pipeline.Journal, n *told, first, count int) []error {
	t.Helper()
	today := dayOf(pipeline.InstantOf(s.clock()), s.set.zone)
	made(t, s, "dialpad.calls")
	errs := make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		d := today - day(first+i)
		r := requestFor(t, s, "dialpad.calls", d, d)
		wg.Go(func() { _, _, errs[i] = fetch(ctx, s, r, j, n) })
	}
	wg.Wait()
	return errs
}

// made tells a source that the vendor makes such reports, so that none goes first.
func made(t *testing.T, s *Source, stream pipeline.StreamID) {
	t.Helper()
	q, err := s.queryOf(yesterday(t, s, stream))
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.pilots.of(q).wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.land(nil)
}

// mostPostsIn is the largest number of POSTs in any half-open span of that length.
func mostPostsIn(posts []seenPost, span time.Duration) int {
	most := 0
	for i := range posts {
		n := 0
		for _, p := range posts[i:] {
			if p.at.Sub(posts[i].at) < span {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
}

func smallQuota(c *Config) { c.PostQuota = "5/1h" }

func TestPromise11_NeverMorePostsInAnHourThanTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, n := newVendor(t), &told{}
		s := newTestSource(t, v, Options{}, smallQuota)
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), n, 2, 17))
		if len(v.posts) != 17 || mostPostsIn(v.posts, time.Hour) > 5 {
			t.Errorf("%d POSTs, up to %d in an hour", len(v.posts), mostPostsIn(v.posts, time.Hour))
		}
		if spent := v.posts[16].at.Sub(v.posts[0].at); spent > 3*time.Hour+10*time.Minute {
			t.Errorf("17 POSTs at 5 an hour took %s", spent)
		}
		if !n.has("the quota of 5/1h reports is used up") {
			t.Errorf("nobody was told: %v", n.notices)
		}
	})
}

// The first run is killed after its POSTs, by ending its context; nothing of
// its memory is left to the second.
func TestPromise11_QuotaHoldsAcrossAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.takes = time.Hour * 24 // no report is ever made: the kill comes before
		path := newFileJournal(t).path

		ctx, kill := context.WithTimeout(t.Context(), time.Minute)
		defer kill()
		first := newTestSource(t, v, Options{}, smallQuota)
		for _, err := range fetchMany(ctx, t, first, &fileJournal{path: path}, &told{}, 2, 4) {
			if err == nil {
				t.Error("a report was read before it was made")
			}
		}
		if len(v.posts) != 4 {
			t.Fatalf("the killed run made %d POSTs", len(v.posts))
		}

		v.takes = time.Second
		second := newTestSource(t, v, Options{}, smallQuota)
		noErrors(t, fetchMany(t.Context(), t, second, &fileJournal{path: path}, &told{}, 20, 4))
		if len(v.posts) != 8 || mostPostsIn(v.posts, time.Hour) > 5 {
			t.Errorf("%d POSTs, up to %d in an hour", len(v.posts), mostPostsIn(v.posts, time.Hour))
		}
	})
}

func TestPromise11_ThePostIsNotedBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		v.onPost = func(int, http.ResponseWriter) bool {
			notes, err := os.ReadFile(j.path)
			if err != nil || strings.Count(string(notes), postNote) != 1 || strings.Contains(string(notes), testKey) {
				t.Errorf("at the POST the journal holds %q, %v", notes, err)
			}
			return false
		}
		s := newTestSource(t, v, Options{}, nil)
		if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), j, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPromise11_ARetriedPostIsNotedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		v.onPost = func(n int, w http.ResponseWriter) bool {
			notes, err := os.ReadFile(j.path)
			if err != nil || strings.Count(string(notes), postNote) != len(v.posts) {
				t.Errorf("at POST %d the journal holds %q, %v", len(v.posts), notes, err)
			}
			if len(v.posts) < 4 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		}
		s := newTestSource(t, v, Options{}, nil)
		if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), j, nil); err != nil || len(v.posts) != 4 {
			t.Fatalf("%d POSTs, %v", len(v.posts), err)
		}
	})
}

func TestPromise11_NoPostWithoutItsNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		j.err = errors.New("disk full")
		s := newTestSource(t, v, Options{}, nil)
		if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), j, nil); !errors.Is(err, j.err) {
			t.Errorf("error %v", err)
		}
		if len(v.posts) != 0 {
			t.Errorf("%d POSTs", len(v.posts))
		}
	})
}

func TestPromise11_ASimultaneousRunsPostsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, path := newVendor(t), newFileJournal(t).path
		one := newTestSource(t, v, Options{}, smallQuota)
		two := newTestSource(t, v, Options{}, smallQuota)
		for i, s := range []*Source{one, two, two, one, two, one, two, one} {
			time.Sleep(7 * time.Second)
			noErrors(t, fetchMany(t.Context(), t, s, &fileJournal{path: path}, &told{}, 2+i, 1))
		}
		if len(v.posts) != 8 || mostPostsIn(v.posts, time.Hour) > 5 {
			t.Errorf("%d POSTs, up to %d in an hour", len(v.posts), mostPostsIn(v.posts, time.Hour))
		}
	})
}

// vendorQuota throttles as the vendor does when something else used the quota.
func vendorQuota(v *vendor, until time.Time, header func() string) {
	v.onPost = func(_ int, w http.ResponseWriter) bool {
		if !time.Now().Before(until) {
			return false
		}
		if header != nil {
			w.Header().Set("Retry-After", header())
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
}

func TestPromise11_A429IsWaitedOutAndFailsNothing(t *testing.T) {
	for _, c := range []struct {
		says   string
		header func(until time.Time) func() string
		posts  int // at most, for three requests
		late   time.Duration
	}{
		{"without Retry-After", func(time.Time) func() string { return nil }, 20, 7 * time.Minute},
		{"Retry-After in seconds", func(until time.Time) func() string {
			return func() string { return fmt.Sprint(int(time.Until(until).Seconds())) }
		}, 8, time.Minute},
		{"Retry-After as a date", func(until time.Time) func() string {
			return func() string { return until.UTC().Format(http.TimeFormat) }
		}, 8, time.Minute},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, n := newVendor(t), &told{}
				until := time.Now().Add(50 * time.Minute) // far beyond RetryFor
				vendorQuota(v, until, c.header(until))
				s := newTestSource(t, v, Options{RetryFor: time.Second}, nil)
				noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), n, 2, 3))
				if len(v.posts) > c.posts {
					t.Errorf("%d POSTs while throttled", len(v.posts))
				}
				if late := time.Since(until); late > c.late {
					t.Errorf("done %s after the quota was free again", late)
				}
				if !n.has("throttled by the vendor") {
					t.Error("nobody was told")
				}
			})
		})
	}
}

func TestF_AVendorThatThrottlesForEverIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		vendorQuota(v, time.Now().Add(1000*time.Hour), nil)
		s := newTestSource(t, v, Options{}, nil)
		began := time.Now()
		_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Throttled {
			t.Errorf("error %v", err)
		}
		if spent := time.Since(began); spent < 2*time.Hour || spent > 4*time.Hour {
			t.Errorf("given up after %s", spent)
		}
	})
}

func TestAThrottledRunTriesOnePostAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.slow = 500 * time.Millisecond
		until := time.Now().Add(time.Minute)
		vendorQuota(v, until, nil)
		s := newTestSource(t, v, Options{}, nil)
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), &told{}, 2, 40))
		probes := 0
		for _, p := range v.posts[40:] {
			if p.at.Before(until) {
				probes++
			}
		}
		if probes > 4 {
			t.Errorf("%d POSTs while throttled", probes)
		}
		// The 40 refusals at first are one sign, not 40: the pauses stay short.
		if late := time.Since(until); late > 2*time.Minute {
			t.Errorf("done %s after the quota was free again", late)
		}
	})
}

func TestPromise11_APostCountsFromWhenItArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.slow = 10 * time.Minute
		s := newTestSource(t, v, Options{}, func(c *Config) { c.PostQuota, c.Timeout = "1/1h", "1h" })
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), &told{}, 2, 3))
		v.slow = 0
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), &told{}, 20, 1))
		if len(v.posts) != 4 || mostPostsIn(v.posts, time.Hour) > 1 {
			t.Errorf("%d POSTs, up to %d in an hour", len(v.posts), mostPostsIn(v.posts, time.Hour))
		}
	})
}

func TestRepeatedPostsCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j, n := newVendor(t), newFileJournal(t), &told{}
		v.onPost = func(n int, w http.ResponseWriter) bool {
			if n < 4 {
				w.WriteHeader(http.StatusBadGateway)
			}
			return n < 4
		}
		s := newTestSource(t, v, Options{}, nil)
		if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), j, n); err != nil {
			t.Fatal(err)
		}
		notes, err := j.Since(t.Context(), s.tenant(), time.Time{})
		if err != nil || len(notes) != 4 || len(v.posts) != 4 {
			t.Errorf("%d notes of %d POSTs, %v", len(notes), len(v.posts), err)
		}
		if !n.has("could not be reached") {
			t.Error("nobody was told")
		}
	})
}

func TestF_AVendorThatIsDownIsGivenUpAfterTheRetryTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.onPost = func(_ int, w http.ResponseWriter) bool {
			time.Sleep(5 * time.Second)
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		s := newTestSource(t, v, Options{RetryFor: 30 * time.Second}, nil)
		began := time.Now()
		_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Unavailable || time.Since(began) > time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestTheLimiterObeysTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		s := newTestSource(t, v, Options{}, func(c *Config) { c.PostQuota = "1/1h" })
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(10 * time.Minute)
			cancel()
		}()
		began := time.Now()
		stops := 0
		for _, err := range fetchMany(ctx, t, s, newFileJournal(t), &told{}, 2, 3) {
			if pipeline.KindOf(err) == pipeline.Stopped {
				stops++
			}
		}
		if stops != 2 || time.Since(began) != 10*time.Minute {
			t.Errorf("%d stopped after %s", stops, time.Since(began))
		}
		// A turn that a stopped request held is free for others.
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), &told{}, 20, 1))
	})
}
