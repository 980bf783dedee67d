package dialpad

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Two hundred reports of 20 s, a first sync of fifty targets: POSTs take the
// first ten seconds of the rate, and from the twentieth on each look must find
// a report. Looks in vain, of which the poll intervals bring one or two a
// report, and downloads must not take the rate away from those.
func TestAQuotaOfReportsTakesNoLongerThanTheRateMustTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		v.takes = 20 * time.Second
		s := newTestSource(t, v, Options{}, func(c *Config) {
			var targets []string
			for n := range 50 {
				targets = append(targets, fmt.Sprintf("callcenter:%d", n+1))
			}
			c.Targets = strings.Join(targets, ",")
		})
		sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
		began := time.Now()
		var all sync.WaitGroup
		for _, id := range []pipeline.StreamID{"dialpad.calls", "dialpad.texts", "dialpad.voicemails", "dialpad.calls_stats"} {
			for _, x := range s.Plan(streamOf(t, s, id), windowsOf(t, "1d", "America/New_York", "1999-12-31", 4)) {
				for _, r := range x.Requests {
					all.Go(func() {
						if _, _, err := fetch(t.Context(), s, r, j, nil); err != nil {
							t.Errorf("%s: %v", r.Scope, err)
						}
					})
				}
			}
		}
		all.Wait()
		const bound = 20*time.Second + 199*time.Second/20
		if took := time.Since(began); took > bound+200*time.Millisecond {
			t.Errorf("%d reports took %s and %d looks", len(v.posts), took, len(v.looks))
		}
		if len(v.posts) != 200 || len(v.files) != 200 {
			t.Errorf("%d reports, %d downloads", len(v.posts), len(v.files))
		}
	})
}

// At a request every ten seconds, a report that is looked at after five has its
// next look ready whenever one may go.
func TestAReportThatIsNotMadeGivesWayToYoungerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		s := newTestSource(t, v, Options{}, func(c *Config) { c.Rate = "0.1" })
		sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
		began := time.Now()
		var stuck sync.WaitGroup
		v.takes = 10 * time.Hour
		stuck.Go(func() {
			if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.texts"), j, nil); err == nil {
				t.Error("the report that takes ten hours was there")
			}
		})
		time.Sleep(15 * time.Second) // its POST is sent behind the first call of the run
		v.mu.Lock()
		v.takes = 10 * time.Second
		v.mu.Unlock()
		if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), j, nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > reportSlow+time.Minute {
			t.Errorf("the younger report was read after %s", took)
		}
		stuck.Wait()
	})
}

// At a request every ten seconds, half of the time goes by while looks wait for
// the rate.
func TestTimeSpentWaitingForTheRateCountsAgainstAReportsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.takes = 10 * time.Hour
		s := newTestSource(t, v, Options{}, func(c *Config) { c.Rate = "0.1" })
		sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
		began := time.Now()
		_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if took := time.Since(began); pipeline.KindOf(err) != pipeline.Unavailable || took < reportPatience || took > reportPatience+time.Minute {
			t.Errorf("given up after %s: %v", took, err)
		}
	})
}

// Looks at 198 reports take twice the rate, and all of these are older.
func TestALatePOSTDoesNotWaitForLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		v.takes = time.Minute
		s := newTestSource(t, v, Options{}, nil)
		sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
		made(t, s, "dialpad.calls")
		began := time.Now()
		today := dayOf(pipeline.InstantOf(began), s.set.zone)
		var all sync.WaitGroup
		order := func(ago day) {
			all.Go(func() {
				if _, _, err := fetch(t.Context(), s, requestFor(t, s, "dialpad.calls", today-ago, today-ago), j, nil); err != nil {
					t.Errorf("%d days ago: %v", ago, err)
				}
			})
		}
		for ago := range day(198) {
			order(ago + 1)
		}
		time.Sleep(40 * time.Second)
		order(199)
		all.Wait()
		if len(v.posts) != 199 || len(v.files) != 199 {
			t.Fatalf("%d reports, %d downloads", len(v.posts), len(v.files))
		}
		if late := v.posts[198].at.Sub(began.Add(40 * time.Second)); late < 0 || late > time.Second {
			t.Errorf("the late POST went out after %s", late)
		}
	})
}
