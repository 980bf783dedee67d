package dialpad

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// sent lists the requests for files as "host path key|-".
func (v *vendor) sent() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []string
	for _, r := range v.files {
		key := "-"
		if got := r.Header.Get("Authorization"); got != "" {
			key = "key"
			if got != "Bearer "+testKey {
				key = got
			}
		}
		for _, values := range r.Header {
			if slices.ContainsFunc(values, func(s string) bool { return strings.Contains(s, testKey) }) && key == "-" {
				key = "key in another header"
			}
		}
		if strings.Contains(r.URL.String(), testKey) {
			key = "key in the URL"
		}
		all = append(all, r.URL.Host+r.URL.Path+" "+key)
	}
	return all
}

func TestPromise13_TheKeyGoesToTheConfiguredHostAlone(t *testing.T) {
	const (
		file  = "files.test/r1.csv "
		own   = "dialpad.test/exports/r1 "
		other = "dialpad.test:8443/exports/r1 "
	)
	ownLink := func(id string) string { return apiHost + "/exports/" + id + "?sig=SIGNED" }
	needKey := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	cases := []struct {
		says   string
		link   func(id string) string
		onFile func(n int, w http.ResponseWriter, r *http.Request) bool
		sent   []string
		kind   pipeline.Kind // Internal: no error
	}{
		{says: "a signed link gets no key", sent: []string{file + "-"}},
		{
			says: "a link on the configured host gets none either, if it asks for none",
			link: ownLink, sent: []string{own + "-"},
		},
		{
			says: "the configured host that asks for it gets it", link: ownLink,
			onFile: func(_ int, w http.ResponseWriter, r *http.Request) bool { return needKey(w, r) },
			sent:   []string{own + "-", own + "key"},
		},
		{
			says: "the configured host on another port is another host",
			link: func(id string) string { return "https://dialpad.test:8443/exports/" + id },
			onFile: func(_ int, w http.ResponseWriter, r *http.Request) bool {
				return needKey(w, r)
			},
			sent: []string{other + "-", other + "-", strings.Replace(other, "r1", "r2", 1) + "-"}, kind: pipeline.Refused,
		},
		{
			says: "a redirect is followed without the key", link: ownLink,
			onFile: func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Host != "dialpad.test" {
					return false
				}
				if !needKey(w, r) {
					http.Redirect(w, r, linkHost+"/r1.csv?sig=SIGNED", http.StatusFound)
				}
				return true
			},
			sent: []string{own + "-", own + "key", file + "-"},
		},
		{
			says: "who refuses behind a redirect is not the configured host", link: ownLink,
			onFile: func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Host == "dialpad.test" {
					http.Redirect(w, r, linkHost+"/r1.csv?sig=SIGNED", http.StatusFound)
				} else {
					w.WriteHeader(http.StatusForbidden)
				}
				return true
			},
			sent: []string{own + "-", file + "-", own + "-", file + "-", strings.Replace(own, "r1", "r2", 1) + "-", file + "-"}, kind: pipeline.Refused,
		},
		{
			says: "a signed link that refuses is asked for anew, never with the key",
			onFile: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<Error>SignatureDoesNotMatch SIGNED</Error>")
				return true
			},
			sent: []string{file + "-", file + "-", "files.test/r2.csv -"}, kind: pipeline.Refused,
		},
		{
			says: "the configured host that refuses the key too has refused it", link: ownLink,
			onFile: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusForbidden)
				return true
			},
			sent: []string{own + "-", own + "key", own + "-", own + "key", strings.Replace(own, "r1", "r2", 1) + "-", strings.Replace(own, "r1", "r2", 1) + "key"},
			kind: pipeline.Unauthorized,
		},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				if v.onFile = c.onFile; c.link != nil {
					v.link = c.link
				}
				s := newTestSource(t, v, Options{}, nil)
				_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
				if (err != nil) != (c.kind != pipeline.Internal) || err != nil && pipeline.KindOf(err) != c.kind {
					t.Errorf("error %v", err)
				}
				if err != nil && (strings.Contains(err.Error(), "sig=") || strings.Contains(err.Error(), testKey)) {
					t.Errorf("the error holds a secret: %v", err)
				}
				if got := v.sent(); !slices.Equal(got, c.sent) {
					t.Errorf("sent %q,\nwant %q", got, c.sent)
				}
			})
		})
	}
}

// cutOff is a transport whose download host cannot be reached.
type cutOff struct{ *vendor }

func (c cutOff) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "files.test" {
		return nil, fmt.Errorf("dial %s with %s: refused", r.URL, r.Header)
	}
	return c.vendor.RoundTrip(r)
}

func TestPromise13_NoErrorOrNoticeHoldsASignedLinkOrTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, n := newVendor(t), &told{}
		s := newTestSource(t, cutOff{v}, Options{}, nil)
		meta, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), n)
		if pipeline.KindOf(err) != pipeline.Unavailable {
			t.Fatalf("error %v", err)
		}
		all := fmt.Sprintf("%v %+v %+v", err, n.notices, meta)
		if strings.Contains(all, "SIGNED") || strings.Contains(all, testKey) {
			t.Errorf("a secret in %s", all)
		}
	})
}

func TestPromise13_NothingButARefusalOfTheConfiguredHostIsAnsweredWithTheKey(t *testing.T) {
	for _, code := range []int{400, 402, 404, 410, 418} {
		synctest.Test(t, func(t *testing.T) {
			v := newVendor(t)
			v.link = func(id string) string { return apiHost + "/exports/" + id + "?sig=SIGNED" }
			v.onFile = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(code)
				return true
			}
			s := newTestSource(t, v, Options{}, nil)
			if _, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil); err == nil {
				t.Errorf("%d: no error", code)
			}
			for _, sent := range v.sent() {
				if !strings.HasSuffix(sent, " -") {
					t.Errorf("%d: %s", code, sent)
				}
			}
		})
	}
}

func TestPromise13_ALinkThatIsRefusedIsNotQuoted(t *testing.T) {
	for _, link := range []string{
		"http://files.test/r1.csv?sig=SIGNED",
		"ftp://files.test/r1.csv?sig=SIGNED",
		"https://user:SIGNED@files.test/r1.csv",
		"https://files.test/%zz?sig=SIGNED",
		"/r1.csv?sig=SIGNED",
	} {
		synctest.Test(t, func(t *testing.T) {
			v, n := newVendor(t), &told{}
			v.link = func(string) string { return link }
			s := newTestSource(t, v, Options{}, nil)
			_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), n)
			if pipeline.KindOf(err) != pipeline.Malformed {
				t.Errorf("%s: error %v", link, err)
			}
			if all := fmt.Sprintf("%v %+v", err, n.notices); strings.Contains(all, "SIGNED") || strings.Contains(all, testKey) {
				t.Errorf("a secret in %s", all)
			}
			if sent := v.sent(); len(sent) > 0 {
				t.Errorf("%s: sent %q", link, sent)
			}
		})
	}
}

// expiring answers a file only under links issued after dead.
func expiring(code int, alive func(r *http.Request) bool) func(int, http.ResponseWriter, *http.Request) bool {
	return func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if alive(r) {
			return false
		}
		w.WriteHeader(code)
		return true
	}
}

func TestAnExpiredLinkIsAskedForAnew(t *testing.T) {
	for _, code := range []int{400, 403, 404, 410} {
		for _, c := range []struct {
			says      string
			forgotten bool // the id is unknown too
			posts     int
		}{
			{"of the same id", false, 1},
			{"by ordering the report again", true, 2},
		} {
			t.Run(fmt.Sprint(code, " ", c.says), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v := newVendor(t)
					links := 0
					v.link = func(id string) string {
						links++
						return fmt.Sprintf("%s/%s-%d?sig=SIGNED", linkHost, id, links)
					}
					v.onFile = expiring(code, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "-2") })
					v.onLook = func(n int, w http.ResponseWriter, _ string) bool {
						if c.forgotten && n == 2 {
							w.WriteHeader(http.StatusNotFound)
						}
						return c.forgotten && n == 2
					}
					s := newTestSource(t, v, Options{}, nil)
					sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
					began := time.Now()
					_, text, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
					if spent := time.Since(began); spent > 17*time.Second {
						t.Errorf("waited %s for a report that was made", spent)
					}
					if err != nil || text == "" || len(v.posts) != c.posts {
						t.Errorf("%d POSTs, %q, %v", len(v.posts), text, err)
					}
				})
			})
		}
	}
}

func TestABodyCanBeOpenedAgainLongAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		sleepUntil(time.Date(2000, 1, 5, 15, 0, 0, 0, time.UTC))
		s := newTestSource(t, v, Options{}, nil)
		r := yesterday(t, s, "dialpad.calls")
		err := s.Fetch(t.Context(), r, pipeline.Env{Journal: newFileJournal(t)}, func(b pipeline.Body) error {
			for i := range 3 {
				f, err := b.Open(t.Context())
				if err != nil {
					return err
				}
				text, err := io.ReadAll(f)
				if err != nil || len(text) == 0 || f.Close() != nil {
					t.Errorf("opening %d: %q, %v", i, text, err)
				}
				time.Sleep(2 * time.Hour) // the ids and links of before are dead
				v.mu.Lock()
				clear(v.reports)
				life := len(v.posts)
				v.onFile = expiring(http.StatusNotFound, func(r *http.Request) bool {
					return r.URL.Path == fmt.Sprintf("/r%d.csv", life+1)
				})
				v.mu.Unlock()
			}
			return nil
		})
		if err != nil || len(v.posts) != 3 {
			t.Errorf("%d POSTs, %v", len(v.posts), err)
		}
	})
}

// The body's Meta has been handed over: a new report that needs more proof of
// its days than that asks for cannot take its place.
func TestPromise10_AReportOrderedAgainDoesNotLowerTheProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newYork(t, "2000-01-05 02:00:00")
		v := newVendor(t)
		v.onFile = expiring(http.StatusForbidden, func(*http.Request) bool { return false })
		s := newTestSource(t, v, Options{}, nil)
		meta, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
		if pipeline.KindOf(err) != pipeline.Unavailable || meta.Days.EdgesMustHaveRows || len(v.posts) != 2 {
			t.Errorf("%d POSTs, %+v, %v", len(v.posts), meta.Days, err)
		}
	})
}

func TestYieldsErrorEndsTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSource(t, newVendor(t), Options{}, nil)
		stop := errors.New("enough")
		err := s.Fetch(t.Context(), yesterday(t, s, "dialpad.calls"), pipeline.Env{Journal: newFileJournal(t)}, func(pipeline.Body) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
	})
}
