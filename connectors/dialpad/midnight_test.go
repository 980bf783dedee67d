package dialpad

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// newYork moves the bubble's clock to a time on New York's.
func newYork(t *testing.T, when string) *time.Location {
	t.Helper()
	loc := zone(t, "America/New_York")
	sleepUntil(at(t, when, loc).Time())
	return loc
}

func TestPromise10_AReportOrderedAcrossMidnightFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 23:58:30")
		v := newVendor(t)
		v.onPost = func(int, http.ResponseWriter) bool {
			time.Sleep(2 * time.Minute) // the vendor is slow to answer
			return false
		}
		s := newTestSource(t, v, Options{}, func(c *Config) { c.Timeout = "10m" })
		_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Mismatch || !strings.Contains(err.Error(), "local date changed") {
			t.Errorf("error %v", err)
		}
	})
}

func TestTodayIsAskedByItsOwnParameter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 15:10:00")
		v := newVendor(t)
		s := newTestSource(t, v, Options{}, nil)
		d := dayOf(pipeline.InstantOf(s.clock()), s.set.zone)
		meta, _, err := fetch(t.Context(), s, requestFor(t, s, "dialpad.calls", d, d), newFileJournal(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		body := v.posts[0].body
		if _, counted := body["days_ago_start"]; counted || body["is_today"] != true || meta.Days == nil || meta.Days.Span != (dayRange{d, d}).span(s.set.zone) {
			t.Errorf("asked %v, for %+v", body, meta.Days)
		}
		_, _, err = fetch(t.Context(), s, requestFor(t, s, "dialpad.calls", d-1, d), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Refused || len(v.posts) != 1 || !strings.Contains(err.Error(), "never asked together") {
			t.Errorf("yesterday and today: %v, %d reports", err, len(v.posts))
		}
	})
}

func TestADayThatEndsBeforeItIsAskedAsTodayIsNotAskedByDaysAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 23:59:30")
		v := newVendor(t)
		s := newTestSource(t, v, Options{}, nil)
		d := dayOf(pipeline.InstantOf(s.clock()), s.set.zone)
		_, _, err := fetch(t.Context(), s, requestFor(t, s, "dialpad.calls", d, d), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Refused || len(v.posts) > 0 || !strings.Contains(err.Error(), "ended in America/New_York before") {
			t.Errorf("%v, %d reports", err, len(v.posts))
		}
	})
}

func TestPromise10_NoPostIsSentAroundMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loc := newYork(t, "2000-01-05 23:59:30")
		v, n := newVendor(t), &told{}
		s := newTestSource(t, v, Options{}, nil)
		r := yesterday(t, s, "dialpad.calls")
		if _, _, err := fetch(t.Context(), s, r, newFileJournal(t), n); err != nil {
			t.Fatal(err)
		}
		if got := v.posts[0].at.In(loc).Format(time.TimeOnly); got != "00:01:00" {
			t.Errorf("sent at %s", got)
		}
		if v.posts[0].body["days_ago_start"] != 2.0 || v.posts[0].body["days_ago_end"] != 2.0 {
			t.Errorf("after midnight the day is asked as %v days ago", v.posts[0].body["days_ago_start"])
		}
		if !n.has("local midnight") {
			t.Error("nobody was told")
		}
	})
}

func TestPromise10_DaysAgoAreCountedAnewForARepeatedPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 23:58:50")
		v := newVendor(t)
		v.onPost = func(n int, w http.ResponseWriter) bool {
			if n == 1 {
				time.Sleep(20 * time.Second)
				w.WriteHeader(http.StatusBadGateway)
			}
			return n == 1
		}
		s := newTestSource(t, v, Options{}, nil)
		meta, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if err != nil || len(v.posts) != 2 {
			t.Fatalf("%d POSTs, %v", len(v.posts), err)
		}
		if v.posts[0].body["days_ago_start"] != 1.0 || v.posts[1].body["days_ago_start"] != 2.0 || dayOf(meta.Span.Start, s.set.zone).String() != "2000-01-04" {
			t.Errorf("asked %v, then %v, for %s", v.posts[0].body, v.posts[1].body, meta.Span)
		}
	})
}

func TestPromise10_DaysAgoAreCountedAfterTheWaitForTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 23:30:00")
		v := newVendor(t)
		s := newTestSource(t, v, Options{}, func(c *Config) { c.PostQuota = "1/1h" })
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), &told{}, 1, 2))
		asked := map[any]bool{}
		for _, p := range v.posts {
			asked[p.body["days_ago_start"]] = true
			if p.body["days_ago_start"] != p.body["days_ago_end"] {
				t.Errorf("asked %v", p.body)
			}
		}
		// Yesterday first: 1 day ago, then the day before it: by then 3 days ago.
		// The day before first: 2 days ago, then yesterday: by then 2 days ago.
		if !(asked[1.0] && asked[3.0]) && !(asked[2.0] && len(asked) == 1) {
			t.Errorf("asked %v days ago", asked)
		}
	})
}

func TestPromise10_AFixedClockKnowsNoMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asOf := at(t, "2025-11-03 00:00:00", zone(t, "America/New_York")).Time()
		v, n := newVendor(t), &told{}
		s := newTestSource(t, v, Options{Clock: func() time.Time { return asOf }}, nil)
		time.Sleep(time.Millisecond)
		if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), n); err != nil {
			t.Fatal(err)
		}
		if n.has("local midnight") || v.posts[0].body["days_ago_start"] != 1.0 {
			t.Errorf("posted %v, told %v", v.posts[0].body, n.notices)
		}
	})
}

func TestPromise10_ACachedAnswerShortlyAfterMidnightMustShowItsDays(t *testing.T) {
	for _, c := range []struct {
		says, now string
		cached    bool
		want      bool
	}{
		{"cached before three o'clock", "2000-01-05 02:30:00", true, true},
		{"cached after three o'clock", "2000-01-05 03:30:00", true, false},
		{"made anew before three o'clock", "2000-01-05 02:30:00", false, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newYork(t, c.now)
				v, j := newVendor(t), newFileJournal(t)
				s := newTestSource(t, v, Options{}, nil)
				r := yesterday(t, s, "dialpad.calls")
				if c.cached {
					if _, _, err := fetch(t.Context(), s, r, j, nil); err != nil {
						t.Fatal(err)
					}
				}
				meta, _, err := fetch(t.Context(), s, r, j, nil)
				if err != nil || meta.Days.EdgesMustHaveRows != c.want {
					t.Errorf("edges must have rows: %v, %v", meta.Days, err)
				}
			})
		})
	}
}

func TestPromise10_RowsWithoutADateCannotProveTheirDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 02:00:00")
		v, j := newVendor(t), newFileJournal(t)
		s := newTestSource(t, v, Options{}, func(c *Config) { c.GroupBy, c.OfficeID = "group", "7" })
		r := yesterday(t, s, "dialpad.calls_stats")
		meta, _, err := fetch(t.Context(), s, r, j, nil)
		if err != nil || meta.Days != nil || meta.Group != "group" {
			t.Errorf("made anew: %+v, %v", meta, err)
		}
		if _, _, err = fetch(t.Context(), s, r, j, nil); pipeline.KindOf(err) != pipeline.Mismatch {
			t.Errorf("from the cache at two o'clock: %v", err)
		}
		newYork(t, "2000-01-05 03:30:00")
		if _, _, err = fetch(t.Context(), s, r, j, nil); err != nil {
			t.Errorf("from the cache at half past three: %v", err)
		}
	})
}
