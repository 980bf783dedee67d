package dialpad

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// fetchStreams fetches a week of each stream, day by day and all at once, and returns the errors by stream and scope.
func fetchStreams(t *testing.T, s *Source, streams ...pipeline.StreamID) map[string][]error {
	t.Helper()
	j, errs := newFileJournal(t), map[string][]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	today := dayOf(pipeline.InstantOf(s.clock()), s.set.zone)
	for _, id := range streams {
		st := streamOf(t, s, id)
		for ago := range day(7) {
			d := today - 2 - ago
			for _, x := range s.Plan(st, []pipeline.Window{{Span: dayRange{d, d}.span(s.set.zone), Zone: s.set.zone.String()}}) {
				for _, r := range x.Requests {
					all.Go(func() {
						_, _, err := fetch(t.Context(), s, r, j, nil)
						mu.Lock()
						defer mu.Unlock()
						key := fmt.Sprint(id, " ", r.Scope)
						errs[key] = append(errs[key], err)
					})
				}
			}
		}
	}
	all.Wait()
	return errs
}

func TestWhatTheVendorRefusesCostsOneReportARun(t *testing.T) {
	const one, two = "callcenter:1", "office:2"
	for _, c := range []struct {
		says    string
		answers func(v *vendor, body map[string]any, w http.ResponseWriter) bool
		wants   map[string]pipeline.Kind // by stream and scope; others are served
		tells   []string
		posts   int // for what is refused
	}{
		{
			says: "a stream", wants: map[string]pipeline.Kind{"dialpad.csat " + one: pipeline.Refused, "dialpad.csat " + two: pipeline.Refused},
			answers: refusing(400, func(b map[string]any) bool { return b["stat_type"] == "csat" }), posts: 2,
			tells: []string{"dialpad.csat", "for office:2", "HTTP 400", "no such export", "leave dialpad.csat out of the streams, or office:2 out of WINDROW_DIALPAD_TARGETS"},
		},
		{
			says: "a target of one stream", wants: map[string]pipeline.Kind{"dialpad.csat " + two: pipeline.Refused},
			answers: refusing(404, func(b map[string]any) bool { return b["stat_type"] == "csat" && b["target_type"] == "office" }), posts: 1,
			tells: []string{"dialpad.csat for office:2", "HTTP 404"},
		},
		{
			says: "what the key may not ask, while other streams answer", wants: map[string]pipeline.Kind{"dialpad.csat " + one: pipeline.Refused, "dialpad.csat " + two: pipeline.Refused},
			answers: refusing(403, func(b map[string]any) bool { return b["stat_type"] == "csat" }), posts: 2,
			tells: []string{"dialpad.csat for office:2", "HTTP 403", "check WINDROW_DIALPAD_TOKEN"},
		},
		{
			says: "whatever the key asks",
			wants: map[string]pipeline.Kind{
				"dialpad.csat " + one: pipeline.Unauthorized, "dialpad.csat " + two: pipeline.Unauthorized,
				"dialpad.texts " + one: pipeline.Unauthorized, "dialpad.texts " + two: pipeline.Unauthorized,
			},
			answers: refusing(403, func(map[string]any) bool { return true }), posts: 4,
			tells: []string{"for office:2", "check WINDROW_DIALPAD_TOKEN"},
		},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
				v, posts := newVendor(t), 0
				v.onPost = func(_ int, w http.ResponseWriter) bool {
					refused := c.answers(v, v.posts[len(v.posts)-1].body, w)
					if refused {
						posts++
					}
					return refused
				}
				s := newTestSource(t, v, Options{}, func(c *Config) { c.Targets = one + "," + two })
				errs := fetchStreams(t, s, "dialpad.csat", "dialpad.texts")
				if len(errs) != 4 || posts != c.posts {
					t.Errorf("%d reports were refused, want %d", posts, c.posts)
				}
				for key, all := range errs {
					kind, refused := c.wants[key]
					for _, err := range all {
						if refused != (err != nil) || refused && pipeline.KindOf(err) != kind {
							t.Errorf("%s: %v", key, err)
						}
						for _, text := range c.tells {
							if strings.HasSuffix(key, two) && refused && !strings.Contains(err.Error(), text) {
								t.Errorf("%s: %v does not tell %q", key, err, text)
							}
						}
					}
				}
			})
		})
	}
}

// refusing answers with a status what chosen picks.
func refusing(code int, chosen func(body map[string]any) bool) func(*vendor, map[string]any, http.ResponseWriter) bool {
	return func(_ *vendor, body map[string]any, w http.ResponseWriter) bool {
		if !chosen(body) {
			return false
		}
		w.WriteHeader(code)
		fmt.Fprint(w, `{"error":{"message":"no such export"}}`)
		return true
	}
}

func TestAReportThatFailsIsOrderedOnceMoreAndItsLikeNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
		v := newVendor(t)
		v.onLook = func(_ int, w http.ResponseWriter, _ string) bool {
			fmt.Fprint(w, `{"status":"failed"}`)
			return true
		}
		s := newTestSource(t, v, Options{}, nil)
		for _, err := range fetchStreams(t, s, "dialpad.texts_stats")["dialpad.texts_stats company"] {
			if pipeline.KindOf(err) != pipeline.Unavailable || !strings.Contains(err.Error(), "dialpad.texts_stats for company") || !strings.Contains(err.Error(), "leave dialpad.texts_stats out") {
				t.Errorf("error %v", err)
			}
		}
		if len(v.posts) != 2 {
			t.Errorf("%d POSTs", len(v.posts))
		}
	})
}

func TestAReportAfterOneThatWasMadeFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
		v := newVendor(t)
		v.onPost = func(n int, w http.ResponseWriter) bool {
			if n == 2 {
				w.WriteHeader(http.StatusBadRequest)
			}
			return n == 2
		}
		s := newTestSource(t, v, Options{}, nil)
		failed := failedTexts(t, s)
		if failed != 1 || len(v.posts) != 7 {
			t.Errorf("%d of %d reports failed", failed, len(v.posts))
		}
	})
}

// failedTexts orders the reports of the texts of the company and counts those that failed.
func failedTexts(t *testing.T, s *Source) (failed int) {
	t.Helper()
	for _, err := range fetchStreams(t, s, "dialpad.texts")["dialpad.texts company"] {
		if err != nil {
			failed++
		}
	}
	return failed
}

// The vendor was down for the first report, which says nothing of the others.
func TestTroubleOnTheWayLetsTheNextReportGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
		v := newVendor(t)
		v.onLook = func(n int, w http.ResponseWriter, _ string) bool {
			if n == 1 {
				w.WriteHeader(http.StatusConflict)
			}
			return n == 1
		}
		s := newTestSource(t, v, Options{}, nil)
		failed := failedTexts(t, s)
		if failed != 1 || len(v.posts) != 7 {
			t.Errorf("%d failed, %d POSTs", failed, len(v.posts))
		}
	})
}

func TestAReportThatIsLateKeepsTheOthersNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
		v := newVendor(t)
		v.takes = 10 * time.Minute
		s := newTestSource(t, v, Options{}, nil)
		for _, err := range fetchStreams(t, s, "dialpad.texts")["dialpad.texts company"] {
			if err != nil {
				t.Error(err)
			}
		}
		if waited := v.posts[6].at.Sub(v.posts[0].at); waited > reportSlow+time.Minute {
			t.Errorf("the last was ordered after %s", waited)
		}
	})
}

func TestTheSimulatedVendorRefusesWhatItDoesNotMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := simulated(t, vendorsim.Options{Dialpad: vendorsim.DialpadOptions{Refused: []string{"screenshare stats"}}})
		errs := fetchStreams(t, s, "dialpad.screenshare_stats", "dialpad.screenshare")
		for key, all := range errs {
			for _, err := range all {
				if refused := strings.HasPrefix(key, "dialpad.screenshare_stats"); refused != (pipeline.KindOf(err) == pipeline.Refused) && (refused || err != nil) {
					t.Errorf("%s: %v", key, err)
				}
			}
		}
		if posts := w.Count("dialpad", "POST", ""); posts != simTargets*(1+7) {
			t.Errorf("%d POSTs", posts)
		}
	})
}
