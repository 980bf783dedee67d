package ucontact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// asked is one call that the test's vendor received.
type asked struct {
	raw   string
	query url.Values
	names []string
	auth  string
}

// vendor answers every resource and interval of a call with the line "start
// name", and 408 when there are more of them than it can compute.
type vendor struct {
	sync.Mutex
	calls []asked
	load  int // names × hours that are too heavy; 0: none
	step  time.Duration
}

const wall = "2006-01-02 15:04:05"

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body struct{ Stats string }
	if err := json.Unmarshal(raw, &body); err != nil || r.Method != "POST" || r.URL.Path != "/api/stats" || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	a := asked{raw: r.URL.RawQuery, query: r.URL.Query(), auth: r.Header.Get("Authorization")}
	a.names = strings.Split(body.Stats, ",")
	v.Lock()
	v.calls = append(v.calls, a)
	v.Unlock()
	first, last := vendorTime(a.query.Get("initialdate")), vendorTime(a.query.Get("finaldate"))
	var lines []string
	for at := first; at.Before(last); at = at.Add(v.step) {
		for _, n := range a.names {
			lines = append(lines, at.UTC().Format(time.RFC3339)+" "+n)
		}
	}
	if v.load > 0 && len(lines) > v.load {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

func vendorTime(s string) time.Time {
	loc, err := time.LoadLocation(s[len(wall)+1:])
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation(wall, s[:len(wall)], loc)
	if err != nil {
		panic(err)
	}
	return t
}

func newSource(t *testing.T, h http.Handler, change func(*Config)) *Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	set := settings(t, func(c *Config) {
		c.URL, c.Rate = server.URL, "10000"
		if change != nil {
			change(c)
		}
	})
	s, err := New(set, Options{Account: "mx"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func day(t *testing.T, zone string, y int, m time.Month, d int) pipeline.Window {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d int) pipeline.Instant { return pipeline.InstantOf(time.Date(y, m, d, 0, 0, 0, 0, loc)) }
	return pipeline.Window{Span: pipeline.Span{Start: at(d), End: at(d + 1)}, Zone: zone}
}

func stream(t *testing.T, s *Source, id pipeline.StreamID) pipeline.Stream {
	t.Helper()
	list := s.Streams()
	i := slices.IndexFunc(list, func(x pipeline.Stream) bool { return x.Key.Stream == id })
	return list[i]
}

// fetchAll carries out the plan of one window and returns the bodies' texts.
func fetchAll(t *testing.T, s *Source, id pipeline.StreamID, w pipeline.Window) (texts []string, metas []pipeline.Meta, err error) {
	t.Helper()
	for _, e := range s.Plan(stream(t, s, id), []pipeline.Window{w}) {
		for _, r := range e.Requests {
			err = s.Fetch(t.Context(), r, pipeline.Env{}, func(b pipeline.Body) error {
				body, err := b.Open(t.Context())
				if err != nil {
					return err
				}
				defer body.Close()
				text, err := io.ReadAll(body)
				texts, metas = append(texts, string(text)), append(metas, b.Meta)
				return err
			})
			if err != nil {
				return texts, metas, err
			}
		}
	}
	return texts, metas, nil
}

func TestAnAgentsCallIsThatOfTheVendorsPage(t *testing.T) {
	v := &vendor{step: time.Hour}
	s := newSource(t, v, func(c *Config) { c.AgentMetrics = "inInteractions,connected" })
	if _, _, err := fetchAll(t, s, Agents, day(t, "America/Mexico_City", 2025, 9, 8)); err != nil {
		t.Fatal(err)
	}
	want := "type=agent&initialdate=2025-09-08%2006%3A00%3A00%20UTC&finaldate=2025-09-09%2005%3A59%3A59%20UTC&groupnum=60" +
		"&metrics=inInteractions%2Cconnected&byResource=true"
	if len(v.calls) != 1 || v.calls[0].raw != want || v.calls[0].auth != "Bearer token" || !slices.Equal(v.calls[0].names, []string{"Agent1", "Agent2"}) {
		t.Errorf("asked %+v", v.calls)
	}
}

func TestACampaignsCallNamesItsChannels(t *testing.T) {
	v := &vendor{step: time.Hour}
	s := newSource(t, v, nil)
	_, metas, err := fetchAll(t, s, Campaigns, day(t, "America/Mexico_City", 2025, 9, 8))
	if err != nil {
		t.Fatal(err)
	}
	q := v.calls[0].query
	if q.Get("channels") != "telephony,sms,email,whatsapp,messenger,instagram" || q.Get("byChannel") != "true" || q.Get("byResource") != "true" || q.Has("metrics") || q.Get("type") != "campaign" {
		t.Errorf("asked %s", v.calls[0].raw)
	}
	if !slices.Equal(v.calls[0].names, []string{"Ventas", "Soporte<-"}) {
		t.Errorf("names %q", v.calls[0].names)
	}
	m := metas[0]
	if m.Group != "60" || m.ResponseZone != "UTC" || m.Request.Zone != "UTC" || m.Span != m.Request.Span || m.ReadAt == 0 || m.ExtractedAt == 0 {
		t.Errorf("meta %+v", m)
	}
}

func TestPromise09_AWindowIsAskedInTheRightZone(t *testing.T) {
	for _, tc := range []struct {
		name, zone, group string
		month             time.Month
		day               int
		response          string
		first, last       string
		responseZone      string
	}{
		{"whole hours from UTC", "America/Chicago", "60", 9, 8, "", "2025-09-08 05:00:00 UTC", "2025-09-09 04:59:59 UTC", "UTC"},
		{"the day with 25 hours", "America/Chicago", "60", 11, 2, "", "2025-11-02 05:00:00 UTC", "2025-11-03 05:59:59 UTC", "UTC"},
		{"the day with 23 hours", "America/Chicago", "15", 3, 9, "", "2025-03-09 06:00:00 UTC", "2025-03-10 04:59:59 UTC", "UTC"},
		{"a half-hour zone with hours", "Asia/Kolkata", "60", 9, 8, "", "2025-09-08 00:00:00 Asia/Kolkata", "2025-09-08 23:59:59 Asia/Kolkata", "Asia/Kolkata"},
		{"a half-hour zone with half hours", "Asia/Kolkata", "30", 9, 8, "", "2025-09-07 18:30:00 UTC", "2025-09-08 18:29:59 UTC", "UTC"},
		{"six hours from a zone that is not a multiple", "America/Mexico_City", "720", 9, 8, "", "2025-09-08 00:00:00 America/Mexico_City", "2025-09-08 23:59:59 America/Mexico_City", "America/Mexico_City"},
		{"months", "America/Chicago", "mth", 9, 1, "", "2025-09-01 00:00:00 America/Chicago", "2025-09-01 23:59:59 America/Chicago", "America/Chicago"},
		{"a server that answers in its own zone", "America/Chicago", "60", 9, 8, "America/Montevideo", "2025-09-08 05:00:00 UTC", "2025-09-09 04:59:59 UTC", "America/Montevideo"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &vendor{step: time.Hour}
			s := newSource(t, v, func(c *Config) { c.Timezone, c.GroupNum, c.ResponseZone = tc.zone, tc.group, tc.response })
			_, metas, err := fetchAll(t, s, Agents, day(t, tc.zone, 2025, tc.month, tc.day))
			if err != nil {
				t.Fatal(err)
			}
			q := v.calls[0].query
			if q.Get("initialdate") != tc.first || q.Get("finaldate") != tc.last || metas[0].ResponseZone != tc.responseZone {
				t.Errorf("asked %q to %q, dates in %s", q.Get("initialdate"), q.Get("finaldate"), metas[0].ResponseZone)
			}
		})
	}
}

func TestPromise08_AWindowKeepsTheZoneThatItWasCutIn(t *testing.T) {
	v := &vendor{step: time.Hour}
	s := newSource(t, v, func(c *Config) { c.Timezone = "America/Chicago" })
	if _, _, err := fetchAll(t, s, Agents, day(t, "Asia/Kolkata", 2025, 9, 8)); err != nil {
		t.Fatal(err)
	}
	if got := v.calls[0].query.Get("initialdate"); got != "2025-09-08 00:00:00 Asia/Kolkata" {
		t.Errorf("asked from %q", got)
	}
}

func TestLongListsAreAskedInPieces(t *testing.T) {
	var names []string
	for i := range 120 {
		names = append(names, fmt.Sprintf("Agent %03d", i))
	}
	s := newSource(t, &vendor{step: time.Hour}, func(c *Config) { c.Agents = strings.Join(names, ",") })
	plan := s.Plan(stream(t, s, Agents), []pipeline.Window{day(t, "UTC", 2025, 9, 8), day(t, "UTC", 2025, 9, 9)})
	if len(plan) != 2 {
		t.Fatalf("%d extractions for two windows", len(plan))
	}
	var got []string
	for _, r := range plan[1].Requests {
		if len(r.Resources) > namesPerCall {
			t.Errorf("%d names in a call", len(r.Resources))
		}
		got = append(got, r.Resources...)
	}
	if len(plan[1].Requests) != 3 || !slices.Equal(got, names) {
		t.Errorf("%d requests, names %v", len(plan[1].Requests), got)
	}
	for _, long := range splitNames([]string{strings.Repeat("a", 3000), strings.Repeat("b", 3000), strings.Repeat("c", 5000), "d"}) {
		if size := len(strings.Join(long, ",")); size > bytesPerCall && len(long) > 1 {
			t.Errorf("%d bytes in a call of %d names", size, len(long))
		}
	}
}

func TestA408IsSplitAndTheJoinEqualsTheWhole(t *testing.T) {
	w := day(t, "America/Chicago", 2025, 11, 2) // 25 hours
	for _, load := range []int{0, 49, 30, 25, 10, 7, 3, 2, 1} {
		t.Run(fmt.Sprintf("at most %d values a call", load), func(t *testing.T) {
			whole := &vendor{step: time.Hour}
			want, _, err := fetchAll(t, newSource(t, whole, nil), Agents, w)
			if err != nil {
				t.Fatal(err)
			}
			v := &vendor{step: time.Hour, load: load}
			texts, metas, err := fetchAll(t, newSource(t, v, nil), Agents, w)
			if err != nil {
				t.Fatal(err)
			}
			lines := func(texts []string) []string {
				all := strings.Fields(strings.ReplaceAll(strings.Join(texts, ""), " ", "_"))
				slices.Sort(all)
				return all
			}
			if got := lines(texts); !slices.Equal(got, lines(want)) || len(got) != 50 {
				t.Errorf("%d of 50 values:\n%v", len(got), got)
			}
			for i, m := range metas {
				if m.Span.Empty() || !w.Span.Contains(m.Span) || len(m.Request.Resources) == 0 {
					t.Errorf("part %d is %+v", i, m)
				}
				if i > 0 && m.Span != metas[i-1].Span && m.Span.Start != metas[i-1].Span.End {
					t.Errorf("part %d does not follow the one before it", i)
				}
			}
		})
	}
}

func TestSplitsLieOnTheGroupsGrid(t *testing.T) {
	v := &vendor{step: time.Hour, load: 8}
	_, metas, err := fetchAll(t, newSource(t, v, func(c *Config) { c.Timezone, c.GroupNum = "Asia/Kolkata", "60" }), Agents, day(t, "Asia/Kolkata", 2025, 9, 8))
	if err != nil {
		t.Fatal(err)
	}
	loc, _ := time.LoadLocation("Asia/Kolkata")
	for _, m := range metas {
		if m.Span.Start.In(loc).Minute() != 0 || m.Span.End.In(loc).Minute() != 0 {
			t.Errorf("part %s", m.Span)
		}
	}
	if len(metas) < 6 {
		t.Errorf("%d parts", len(metas))
	}
}

func TestWhatCannotBeSplitFailsWithAHint(t *testing.T) {
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusRequestTimeout) }), nil)
	_, _, err := fetchAll(t, s, Agents, day(t, "UTC", 2025, 9, 8))
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Kind != pipeline.TooHeavy || !strings.Contains(e.Hint, Prefix+"AGENT_METRICS") || e.Window.Length() != time.Hour {
		t.Errorf("error %v", err)
	}
}

func TestABodyOpenedAgainIsAskedAgain(t *testing.T) {
	v := &vendor{step: time.Hour}
	s := newSource(t, v, nil)
	r := s.Plan(stream(t, s, Agents), []pipeline.Window{day(t, "UTC", 2025, 9, 8)})[0].Requests[0]
	var texts []string
	err := s.Fetch(t.Context(), r, pipeline.Env{}, func(b pipeline.Body) error {
		for range 3 {
			body, err := b.Open(t.Context())
			if err != nil {
				return err
			}
			text, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			texts = append(texts, string(text))
			if err := body.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(v.calls) != 3 || texts[0] != texts[1] || texts[1] != texts[2] {
		t.Errorf("%d calls, %v", len(v.calls), err)
	}
}

func TestTheReadersErrorEndsTheFetch(t *testing.T) {
	v := &vendor{step: time.Hour, load: 10}
	s := newSource(t, v, nil)
	r := s.Plan(stream(t, s, Agents), []pipeline.Window{day(t, "UTC", 2025, 9, 8)})[0].Requests[0]
	// TooHeavy from the reader must not be taken for the vendor's.
	mine := &pipeline.Error{Op: "test", Kind: pipeline.TooHeavy}
	yields := 0
	err := s.Fetch(t.Context(), r, pipeline.Env{}, func(pipeline.Body) error { yields++; return mine })
	if !errors.Is(err, mine) || yields != 1 {
		t.Errorf("%d yields, %v", yields, err)
	}
}

// instant answers without a network.
type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("[]")), Request: r}, nil
}

func TestFewCallsAreUnderWayAtOnce(t *testing.T) {
	for tasks, most := range map[int]int32{0: callsAtOnce, 2: callsAtOnce / 2, 100: 1} {
		t.Run(fmt.Sprint(tasks, " tasks"), func(t *testing.T) { fewCallsAreUnderWay(t, tasks, most) })
	}
}

func fewCallsAreUnderWay(t *testing.T, tasks int, most int32) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(settings(t, func(c *Config) { c.Rate = "10000" }), Options{Account: "mx", Transport: instant{}, Tasks: tasks})
		if err != nil {
			t.Fatal(err)
		}
		var windows []pipeline.Window
		for d := range 12 {
			windows = append(windows, day(t, "UTC", 2025, 9, 1+d))
		}
		var begun, ended atomic.Int32
		read := make(chan struct{})
		for _, e := range s.Plan(stream(t, s, Agents), windows) {
			go func() {
				err := s.Fetch(t.Context(), e.Requests[0], pipeline.Env{}, func(pipeline.Body) error {
					begun.Add(1)
					<-read
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				ended.Add(1)
			}()
		}
		time.Sleep(time.Second) // of the bubble: the rate has let all of them through
		synctest.Wait()
		if n := begun.Load(); n != most {
			t.Errorf("%d calls are under way", n)
		}
		close(read)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := ended.Load(); n != 12 {
			t.Errorf("%d calls have ended", n)
		}
	})
}

func TestTasksShareTheRateOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(settings(t, func(c *Config) { c.Rate = "2" }), Options{Account: "mx", Transport: instant{}, Task: "0", Tasks: 4})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 3 {
			if _, _, err := fetchAll(t, s, Agents, day(t, "UTC", 2025, 9, 8)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("two more requests at a quarter of 2 a second took %s", took)
		}
	})
}

func TestAFetchObeysItsContext(t *testing.T) {
	s := newSource(t, &vendor{step: time.Hour}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := s.Plan(stream(t, s, Agents), []pipeline.Window{day(t, "UTC", 2025, 9, 8)})[0].Requests[0]
	if err := s.Fetch(ctx, r, pipeline.Env{}, func(pipeline.Body) error { return nil }); pipeline.KindOf(err) != pipeline.Stopped {
		t.Errorf("error %v", err)
	}
}

func TestErrorsSayWhatHelps(t *testing.T) {
	for code, want := range map[int]string{401: "TOKEN is wrong", 403: "may not see", 404: "URL", 400: "AGENTS"} {
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }), nil)
		_, _, err := fetchAll(t, s, Agents, day(t, "UTC", 2025, 9, 8))
		var e *pipeline.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint, want) || e.Stream != Agents || e.Window.Empty() {
			t.Errorf("status %d: %v", code, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name   string
		code   int
		body   string
		change func(*Config)
		ok     bool
		kind   pipeline.Kind
	}{
		{"a good token", 200, " [{}]", nil, true, 0},
		{"a refused token", 401, "", nil, false, pipeline.Unauthorized},
		{"a login page", 200, "<html>", nil, false, pipeline.Malformed},
		{"a blank page", 200, " ", nil, false, pipeline.Malformed},
		{"refused parameters with names", 400, "", nil, false, pipeline.Refused},
		{"refused parameters without names prove the token", 400, "", func(c *Config) { c.Agents, c.Campaigns = "", "" }, true, 0},
		{"a vendor that is down is not asked for minutes", 500, "", nil, false, pipeline.Unavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				w.WriteHeader(tc.code)
				io.WriteString(w, tc.body)
			}), tc.change)
			err := s.Check(t.Context())
			var e *pipeline.Error
			if (err == nil) != tc.ok || err != nil && pipeline.KindOf(err) != tc.kind || calls != 1 {
				t.Errorf("%d calls, %v", calls, err)
			}
			if errors.As(err, &e) && e.Hint == "" && tc.kind != pipeline.Unavailable {
				t.Errorf("no hint: %v", err)
			}
		})
	}
}

func TestPromise13_NoErrorHoldsTheToken(t *testing.T) {
	const token = "s3cr3t-token-0123456789"
	for _, code := range []int{200, 400, 401, 403, 404, 408, 418, 429, 500} {
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"error":"bad call","url":%q,"authorization":%q}`, "https://"+r.Host+r.URL.String(), r.Header.Get("Authorization"))
		}), func(c *Config) { c.Token = token })
		_, _, err := fetchAll(t, s, Agents, day(t, "UTC", 2025, 9, 8))
		if err == nil {
			err = s.Check(t.Context())
		}
		if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "initialdate") {
			t.Errorf("status %d: %v", code, err)
		}
	}
}

func TestPromise13_TheTokenStaysWithItsHost(t *testing.T) {
	var leaked string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked += r.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer other.Close()
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/login", http.StatusFound)
	}), nil)
	_, _, err := fetchAll(t, s, Agents, day(t, "UTC", 2025, 9, 8))
	var e *pipeline.Error
	if leaked != "" || !errors.As(err, &e) || !strings.Contains(e.Hint, "redirect") {
		t.Errorf("leaked %q, %v", leaked, err)
	}
}

func TestF_AWaitThatIsTooLongEndsTheRequest(t *testing.T) {
	for code, kind := range map[int]pipeline.Kind{429: pipeline.Throttled, 503: pipeline.Unavailable} {
		calls := 0
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.Header().Set("Retry-After", "1900000000")
			w.WriteHeader(code)
		}), nil)
		_, _, err := fetchAll(t, s, Agents, day(t, "UTC", 2025, 9, 8))
		if pipeline.KindOf(err) != kind || calls != 1 || !strings.Contains(err.Error(), "until 2030-03-17T17:46:40Z (Retry-After: 1900000000)") {
			t.Errorf("%d calls: %v", calls, err)
		}
	}
}
