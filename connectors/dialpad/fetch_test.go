package dialpad

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestAReportIsOrderedWatchedAndDownloaded(t *testing.T) {
	cases := []struct {
		says   string
		stream pipeline.StreamID
		change func(*Config)
		body   map[string]any
		group  string
		scope  string
	}{
		{"records of the company", "dialpad.calls", nil,
			map[string]any{"export_type": "records", "stat_type": "calls"}, "", "company"},
		{"records of an office", "dialpad.texts", func(c *Config) { c.OfficeID = "6529997769220096" },
			map[string]any{"export_type": "records", "stat_type": "texts", "office_id": 6529997769220096.0}, "", "office:6529997769220096"},
		{"records of a target, which goes before the office", "dialpad.voicemails", func(c *Config) { c.OfficeID, c.Targets = "7", "callcenter:12" },
			map[string]any{"export_type": "records", "stat_type": "voicemails", "target_type": "callcenter", "target_id": 12.0}, "", "callcenter:12"},
		{"statistics", "dialpad.calls_stats", func(c *Config) { c.GroupBy = "date" },
			map[string]any{"export_type": "stats", "stat_type": "calls", "group_by": "date"}, "date", "company"},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, n := newVendor(t), &told{}
				v.takes = 22 * time.Second
				s := newTestSource(t, v, Options{Account: "mx"}, c.change)
				today := dayOf(pipeline.InstantOf(time.Now()), s.set.zone)
				r := requestFor(t, s, c.stream, today-4, today-2)
				began := time.Now()
				meta, text, err := fetch(t.Context(), s, r, newFileJournal(t), n)
				if err != nil {
					t.Fatal(err)
				}
				c.body["days_ago_start"], c.body["days_ago_end"], c.body["timezone"] = 2.0, 4.0, "America/New_York"
				if !maps.Equal(v.posts[0].body, c.body) {
					t.Errorf("asked %v, want %v", v.posts[0].body, c.body)
				}
				if text != "date_started,call_id\n" {
					t.Errorf("read %q", text)
				}
				var looks []time.Duration
				for _, l := range v.looks {
					looks = append(looks, l.Sub(began).Round(time.Second))
				}
				if !slices.Equal(looks, []time.Duration{15 * time.Second, 20 * time.Second, 25 * time.Second}) {
					t.Errorf("looked after %v", looks)
				}
				if !n.has("waiting for the report") {
					t.Error("nobody was told of the wait")
				}
				if meta.Group != c.group || meta.Request.Scope != c.scope || meta.ResponseZone != "America/New_York" || meta.Span != r.Span {
					t.Errorf("meta %+v", meta)
				}
				if meta.Request.Tenant != (pipeline.TenantKey{Source: "dialpad", Account: "mx"}) {
					t.Errorf("tenant %+v", meta.Request.Tenant)
				}
				want := pipeline.AskedDays{Span: r.Span, First: dayRange{today - 4, today - 4}.span(s.set.zone), Last: dayRange{today - 2, today - 2}.span(s.set.zone)}
				if meta.Days == nil || *meta.Days != want {
					t.Errorf("asked days %+v, want %+v", meta.Days, want)
				}
			})
		})
	}
}

func TestTheBodyCarriesBothClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asOf := time.Date(2025, 11, 3, 12, 0, 0, 0, time.UTC)
		s := newTestSource(t, newVendor(t), Options{Clock: func() time.Time { return asOf }}, nil)
		meta, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		if age := pipeline.InstantOf(time.Now()).Sub(meta.ReadAt); meta.ExtractedAt != pipeline.InstantOf(asOf) || age < 0 || age > time.Second {
			t.Errorf("extracted at %s, read at %s", meta.ExtractedAt, meta.ReadAt)
		}
	})
}

func TestPromise11_AReportOfAKilledRunIsLookedAtAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		first := newTestSource(t, v, Options{}, nil)
		sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
		r := yesterday(t, first, "dialpad.calls")
		ctx, kill := context.WithTimeout(t.Context(), time.Second)
		defer kill()
		if _, _, err := fetch(ctx, first, r, j, nil); err == nil {
			t.Fatal("the report was there at once")
		}
		time.Sleep(time.Minute)
		began := time.Now()
		second := newTestSource(t, v, Options{}, nil)
		meta, _, err := fetch(t.Context(), second, r, &fileJournal{path: j.path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if spent := time.Since(began); spent > time.Second {
			t.Errorf("waited %s for work already done", spent)
		}
		if meta.Days.EdgesMustHaveRows {
			t.Error("at 10 in the morning a cached answer is of the asked days")
		}
	})
}

func TestAFailedReportIsOrderedOnceMore(t *testing.T) {
	for _, c := range []struct {
		says     string
		failures int
		posts    int
		kind     pipeline.Kind
	}{
		{"and read when that works", 1, 2, pipeline.Internal},
		{"and given up when it fails again", 2, 2, pipeline.Unavailable},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				v.onLook = func(n int, w http.ResponseWriter, _ string) bool {
					if n > c.failures {
						return false
					}
					fmt.Fprint(w, `{"status":"failed"}`)
					return true
				}
				s := newTestSource(t, v, Options{}, nil)
				_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
				if (err != nil) != (c.kind != pipeline.Internal) || err != nil && pipeline.KindOf(err) != c.kind {
					t.Errorf("error %v", err)
				}
				if len(v.posts) != c.posts {
					t.Errorf("%d POSTs", len(v.posts))
				}
			})
		})
	}
}

func TestAnExpiredIDIsOrderedAgain(t *testing.T) {
	for _, code := range []int{http.StatusBadRequest, http.StatusNotFound} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				forgotten := 2
				v.onLook = func(n int, w http.ResponseWriter, _ string) bool {
					if n <= forgotten {
						w.WriteHeader(code)
						fmt.Fprint(w, `{"error":{"message":"Results have expired"}}`)
					}
					return n <= forgotten
				}
				s := newTestSource(t, v, Options{}, nil)
				if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil); err != nil || len(v.posts) != 3 {
					t.Errorf("%d POSTs, %v", len(v.posts), err)
				}
				forgotten = 1000
				_, _, err := fetch(t.Context(), s, requestFor(t, s, "dialpad.texts", 10900, 10900), newFileJournal(t), nil)
				if pipeline.KindOf(err) != pipeline.Unavailable || len(v.posts) != 6 {
					t.Errorf("an id that is always unknown: %d POSTs, %v", len(v.posts)-3, err)
				}
			})
		})
	}
}

func TestAReportThatIsNeverMadeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.takes = 1000 * time.Hour
		s := newTestSource(t, v, Options{}, nil)
		began := time.Now()
		_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Unavailable || !strings.Contains(err.Error(), "processing") {
			t.Errorf("error %v", err)
		}
		if spent := time.Since(began); spent < reportPatience || spent > reportPatience+time.Minute {
			t.Errorf("given up after %s", spent)
		}
		if len(v.posts) != 1 {
			t.Errorf("%d POSTs", len(v.posts))
		}
	})
}

func TestAnswersThatAreNotTheVendorsAreMalformed(t *testing.T) {
	for _, c := range []struct{ says, post, look string }{
		{"a POST answered by a page", "<html>sign in</html>", ""},
		{"a POST answered with nothing", " ", ""},
		{"no request_id", `{"id":"x"}`, ""},
		{"a request_id that is neither text nor number", `{"request_id":{"id":"x"}}`, ""},
		{"a request_id of null", `{"request_id":null}`, ""},
		{"a request_id that leads elsewhere", `{"request_id":"../offices"}`, ""},
		{"a look answered by a page", "", "<html>sign in</html>"},
		{"no status", "", `{}`},
		{"a link that is not https", "", `{"status":"complete","download_url":"http://files.test/x?sig=SIGNED"}`},
		{"a link that is no URL", "", `{"status":"complete","download_url":"https://files.test/%zz?sig=SIGNED"}`},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := vendorThatSays(t, c.post, c.look)
				s := newTestSource(t, v, Options{}, nil)
				_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
				if pipeline.KindOf(err) != pipeline.Malformed || strings.Contains(err.Error(), "SIGNED") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// vendorThatSays answers orders and looks with these documents; an empty one leaves the answer as it is.
func vendorThatSays(t *testing.T, post, look string) *vendor {
	v := newVendor(t)
	v.onPost = func(_ int, w http.ResponseWriter) bool {
		_, _ = io.WriteString(w, post)
		return post != ""
	}
	v.onLook = func(_ int, w http.ResponseWriter, _ string) bool {
		_, _ = io.WriteString(w, look)
		return look != ""
	}
	return v
}

func TestTheVendorsOwnWordsAreTold(t *testing.T) {
	const words = `{"error":{"code":400,"message":"this time zone is not known here"}}`
	for _, c := range []struct{ says, post, look string }{
		{"to an order", words, ""}, {"to a look", "", words}, {"with a state", "", `{"status":"failed","error":"this time zone is not known here"}`},
		{"to an order, as a list", `[{"error":"this time zone is not known here"}]`, ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := vendorThatSays(t, c.post, c.look)
				s := newTestSource(t, v, Options{}, nil)
				_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
				if err == nil || !strings.Contains(err.Error(), "this time zone is not known here") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// A report that is complete without a link is not ready: it is looked at again, for as long as a request is retried.
func TestACompleteReportWithoutALinkIsLookedAtAgain(t *testing.T) {
	for _, c := range []struct {
		says, look string
		times      int
		ready      bool
	}{
		{"the link comes with the third look", `{"status":"complete"}`, 2, true}, {"a link that is null", `{"status":"complete","download_url":null}`, 5, true},
		{"a blank link", `{"status":"Complete","download_url":""}`, 1, true}, {"no link ever comes", `{"status":"complete"}`, 1 << 30, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				looks := 0
				v.onLook = func(_ int, w http.ResponseWriter, id string) bool {
					if id == "0" {
						return false
					}
					if looks++; looks > c.times {
						return false
					}
					_, _ = io.WriteString(w, c.look)
					return true
				}
				s := newTestSource(t, v, Options{RetryFor: time.Minute}, nil)
				began := time.Now()
				_, text, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
				switch took := time.Since(began); {
				case c.ready && (err != nil || text == "" || looks < c.times+1):
					t.Errorf("%d looks, %v", looks, err)
				case !c.ready && (pipeline.KindOf(err) != pipeline.Unavailable || took < 50*time.Second || took > 2*time.Minute || looks < 5):
					t.Errorf("%d looks in %s, %v", looks, took, err)
				}
			})
		})
	}
}

func TestAReportsIDMayBeANumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		const id = "9007199254740993" // a float64 would round it
		v.onPost = func(_ int, w http.ResponseWriter) bool {
			v.reports[id] = &fakeReport{ready: time.Now()}
			fmt.Fprintf(w, `{"request_id": %s, "already_started": null, "kind": "stats"}`, id)
			return true
		}
		s := newTestSource(t, v, Options{}, nil)
		if _, text, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil); err != nil || text == "" {
			t.Errorf("%q, %v", text, err)
		}
	})
}

func TestRefusalsCarryAHint(t *testing.T) {
	for code, kind := range map[int]pipeline.Kind{400: pipeline.Refused, 401: pipeline.Unauthorized, 403: pipeline.Unauthorized, 409: pipeline.Refused} {
		synctest.Test(t, func(t *testing.T) {
			v := newVendor(t)
			v.onPost = func(_ int, w http.ResponseWriter) bool {
				w.WriteHeader(code)
				fmt.Fprint(w, `{"error":{"message":"no"}}`)
				return true
			}
			s := newTestSource(t, v, Options{}, nil)
			_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
			if pipeline.KindOf(err) != kind || !strings.Contains(err.Error(), "check WINDROW_DIALPAD_") || len(v.posts) != 1 {
				t.Errorf("%d: %d POSTs, %v", code, len(v.posts), err)
			}
		})
	}
}

func TestTodayIsNeverAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		s := newTestSource(t, v, Options{}, nil)
		today := dayOf(pipeline.InstantOf(time.Now()), s.set.zone)
		_, _, err := fetch(t.Context(), s, requestFor(t, s, "dialpad.calls", today-2, today), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Refused || len(v.posts) != 0 {
			t.Errorf("%d POSTs, %v", len(v.posts), err)
		}
	})
}

// A 404 of some other host, where an outdated address leads, proves nothing.
func TestOnlyTheConfiguredHostSpeaksOfReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		away := func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "https://elsewhere.test/stats/0")
			w.WriteHeader(http.StatusFound)
			return true
		}
		v.onMeet, v.onLook = away, func(_ int, w http.ResponseWriter, _ string) bool { return away(w) }
		v.onFile = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		s := newTestSource(t, v, Options{}, nil)
		if err := s.Check(t.Context()); pipeline.KindOf(err) != pipeline.Refused {
			t.Errorf("check: %v", err)
		}
		_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Refused || len(v.posts) != 1 {
			t.Errorf("fetch: %d POSTs, %v", len(v.posts), err)
		}
	})
}

func TestNewRefusesNoSettings(t *testing.T) {
	if _, err := New(nil, Options{}); pipeline.KindOf(err) != pipeline.Invalid {
		t.Errorf("error %v", err)
	}
}
