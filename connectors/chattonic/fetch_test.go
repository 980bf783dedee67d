package chattonic

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// vendor is a Chat-Tonic whose tokens last for a number of calls.
type vendor struct {
	sync.Mutex
	t        *testing.T
	password string
	static   string // a token that is always good
	life     int    // calls that a login's token is good for; 0: any number
	exp      time.Time
	logins   int
	left     map[string]int
	calls    []string // path and query of calls with a good token
	refused  int
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.Lock()
	defer v.Unlock()
	if r.URL.Path == loginPath {
		v.login(w, r)
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	left, ok := v.left[token]
	if token != v.static && (!ok || left == 0) {
		v.refused++
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"message":"token %s is over"}`, token)
		return
	}
	if ok {
		v.left[token] = left - 1
	}
	v.calls = append(v.calls, r.Method+" "+r.RequestURI)
	io.WriteString(w, `{"status":true,"operators":[],"queryPending":0}`)
}

func (v *vendor) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Method != "POST" || r.Header.Get("Authorization") != "" {
		v.t.Errorf("login by %s with %q: %v", r.Method, r.Header.Get("Authorization"), err)
	}
	v.logins++
	if in.Password != v.password {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"message":"no such password: %s"}`, in.Password)
		return
	}
	if v.left == nil {
		v.left = map[string]int{}
	}
	exp := ""
	if !v.exp.IsZero() {
		exp = fmt.Sprintf(`,"exp":%d`, v.exp.Unix())
	}
	claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"jti":%d%s}`, v.logins, exp))
	token := "eyJhbGciOiJFUzUxMiJ9." + claims + ".c2ln"
	v.left[token] = v.life
	if v.life == 0 {
		v.left[token] = -1
	}
	json.NewEncoder(w).Encode(map[string]string{"id": "1", "username": in.Username, "appCodename": "acme bot", "token": token})
}

func newSource(t *testing.T, h http.Handler, o Options, change func(*Config)) *Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.Account = "mx"
	s, err := New(settings(t, func(c *Config) {
		c.URL, c.Rate = server.URL, "10000"
		if change != nil {
			change(c)
		}
	}), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func window(t *testing.T) pipeline.Window {
	t.Helper()
	const zone = "America/Argentina/Buenos_Aires"
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d int) pipeline.Instant { return pipeline.InstantOf(time.Date(2025, 9, d, 0, 0, 0, 0, loc)) }
	return pipeline.Window{Span: pipeline.Span{Start: at(8), End: at(9)}, Zone: zone}
}

func fetch(t *testing.T, s *Source, id pipeline.StreamID) (text string, m pipeline.Meta, err error) {
	t.Helper()
	i := slices.IndexFunc(s.Streams(), func(x pipeline.Stream) bool { return x.Key.Stream == id })
	plan := s.Plan(s.Streams()[i], []pipeline.Window{window(t)})
	if len(plan) != 1 || len(plan[0].Requests) != 1 {
		t.Fatalf("plan %+v", plan)
	}
	err = s.Fetch(t.Context(), plan[0].Requests[0], pipeline.Env{}, func(b pipeline.Body) error {
		m = b.Meta
		body, err := b.Open(t.Context())
		if err != nil {
			return err
		}
		defer body.Close()
		all, err := io.ReadAll(body)
		text = string(all)
		return err
	})
	return text, m, err
}

func TestCallsAreThoseOfTheVendorsPage(t *testing.T) {
	v := &vendor{t: t, password: "correct horse"}
	s := newSource(t, v, Options{}, nil)
	if text, m, err := fetch(t, s, Operators); err != nil || !strings.Contains(text, "operators") || m.Span != window(t).Span || m.Group != "" {
		t.Fatalf("%q, %+v, %v", text, m, err)
	}
	if _, m, err := fetch(t, s, Dashboard); err != nil || m.Group != "%Y-%m-%d %H" || m.ResponseZone != "UTC" || !slices.Equal(m.Request.Resources, []string{"acme bot"}) {
		t.Fatalf("%+v, %v", m, err)
	}
	want := []string{
		"GET /api/v1/acme%20bot/stats/operator?startDate=2025-09-08T03%3A00%3A00.000Z&endDate=2025-09-09T02%3A59%3A59.999Z",
		"GET /api/v1/acme%20bot/stats/bigquery?dateFormatGroup=%25Y-%25m-%25d%20%25H&queryName=dashboard" +
			"&startDate=2025-09-08T03%3A00%3A00.000Z&endDate=2025-09-09T02%3A59%3A59.999Z",
	}
	if !slices.Equal(v.calls, want) || v.logins != 1 {
		t.Errorf("%d logins, calls %q", v.logins, v.calls)
	}
}

func TestAStaticTokenNeedsNoLogin(t *testing.T) {
	v := &vendor{t: t, static: "s3cr3t", left: map[string]int{}}
	static := func(c *Config) { c.Username, c.Password, c.Token, c.Codename = "", "", "s3cr3t", "bot/1?" }
	if _, faults := func() (*Settings, []pipeline.ConfigError) { c := valid(); static(&c); return c.Settings(Prefix) }(); len(faults) != 1 {
		t.Errorf("a codename with a slash: %v", faults)
	}
	s := newSource(t, v, Options{}, func(c *Config) { static(c); c.Codename = "bot 1?" })
	if _, _, err := fetch(t, s, Operators); err != nil || v.logins != 0 || !strings.HasPrefix(v.calls[0], "GET /api/v1/bot%201%3F/stats/") {
		t.Errorf("%d logins, %q, %v", v.logins, v.calls, err)
	}
	v.static = "another"
	_, _, err := fetch(t, s, Operators)
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Kind != pipeline.Unauthorized || v.logins != 0 || v.refused != 1 || !strings.Contains(e.Hint, Prefix+"TOKEN") {
		t.Errorf("%d logins, %d refused, %v", v.logins, v.refused, err)
	}
}

func TestALoginIsRenewedOnceOn401(t *testing.T) {
	v := &vendor{t: t, password: "correct horse", life: 2}
	s := newSource(t, v, Options{}, nil)
	for i := range 6 {
		if _, _, err := fetch(t, s, Operators); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if v.logins != 3 || v.refused != 2 {
		t.Errorf("%d logins, %d refused", v.logins, v.refused)
	}
}

func TestASecond401IsRefused(t *testing.T) {
	v := &vendor{t: t, password: "correct horse"}
	bad := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != loginPath {
			r.Header.Set("Authorization", "Bearer no such token")
		}
		v.ServeHTTP(w, r)
	})
	_, _, err := fetch(t, newSource(t, bad, Options{}, nil), Operators)
	if pipeline.KindOf(err) != pipeline.Unauthorized || v.logins != 2 || v.refused != 2 {
		t.Errorf("%d logins, %d refused, %v", v.logins, v.refused, err)
	}
}

func TestConcurrentCallersShareOneLogin(t *testing.T) {
	v := &vendor{t: t, password: "correct horse"}
	s := newSource(t, v, Options{}, nil)
	together := func() {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, _, err := fetch(t, s, Operators); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	together()
	v.Lock()
	clear(v.left) // the vendor forgets all tokens
	v.Unlock()
	together()
	if v.logins != 2 || len(v.calls) != 40 {
		t.Errorf("%d logins for %d calls", v.logins, len(v.calls))
	}
}

func TestWrongCredentialsAreTriedOnce(t *testing.T) {
	v := &vendor{t: t, password: "another"}
	s := newSource(t, v, Options{RetryFor: time.Hour}, nil)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			_, _, err := fetch(t, s, Operators)
			var e *pipeline.Error
			if !errors.As(err, &e) || e.Kind != pipeline.Unauthorized || e.Window != window(t).Span || !strings.Contains(e.Hint, "PASSWORD") {
				t.Errorf("error %v", err)
			}
		})
	}
	all.Wait()
	if v.logins != 1 {
		t.Errorf("%d logins", v.logins)
	}
}

func TestATokenIsRenewedAheadOfItsEnd(t *testing.T) {
	now := time.Date(2025, 9, 10, 8, 0, 0, 0, time.UTC)
	v := &vendor{t: t, password: "correct horse", exp: now.Add(time.Hour)}
	dated := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", now.Format(http.TimeFormat))
		v.ServeHTTP(w, r)
	})
	s := newSource(t, dated, Options{Now: func() time.Time { return now }}, nil)
	for _, step := range []struct {
		after  time.Duration
		logins int
	}{{0, 1}, {58 * time.Minute, 1}, {90 * time.Second, 2}, {time.Minute, 2}} {
		now = now.Add(step.after)
		if step.logins == 2 && v.logins == 1 {
			v.exp = now.Add(time.Hour)
		}
		if _, _, err := fetch(t, s, Operators); err != nil || v.logins != step.logins {
			t.Errorf("at %v: %d logins, %v", now, v.logins, err)
		}
	}
	if v.refused != 0 {
		t.Errorf("%d calls were refused", v.refused)
	}
}

func TestATokenThatClaimsToBeOverIsUsedAnyway(t *testing.T) {
	v := &vendor{t: t, password: "correct horse", exp: time.Unix(1, 0)} // a clock that is wrong, theirs or ours
	s := newSource(t, v, Options{}, nil)
	for range 3 {
		if _, _, err := fetch(t, s, Operators); err != nil {
			t.Fatal(err)
		}
	}
	if v.logins != 1 {
		t.Errorf("%d logins", v.logins)
	}
}

func TestTokenEnds(t *testing.T) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for token, want := range map[string]int64{
		"a." + part(`{"exp":1757300000}`) + ".c": 1757300000, "a." + part(`{"exp":1757300000.5}`) + ".c": 1757300000,
		"a." + part(`{}`) + ".c": 0, "a." + part(`{"exp":"soon"}`) + ".c": 0, "a." + part(`{"exp":1e300}`) + ".c": 0,
		"a.!.c": 0, "opaque": 0, "a.b": 0, "": 0,
	} {
		got := tokenEnd(token)
		if want == 0 && !got.IsZero() || want != 0 && got.Unix() != want {
			t.Errorf("%q ends %v", token, got)
		}
	}
}

func TestALoginWithoutATokenSaysSo(t *testing.T) {
	for _, tc := range []struct {
		code         int
		answer, hint string
		kind         pipeline.Kind
	}{
		{200, `{"status":false}`, "USERNAME", pipeline.Unauthorized},
		{200, `{"error":"wrong password"}`, "USERNAME", pipeline.Unauthorized},
		{200, `{"status":"error","message":"no such user","token":""}`, "USERNAME", pipeline.Unauthorized},
		{200, `{"token":"","appCodename":"x"}`, "USERNAME", pipeline.Unauthorized},
		{200, `{"token":null}`, "USERNAME", pipeline.Unauthorized},
		{200, `{"token":false,"error":{"message":"wrong password"}}`, "USERNAME", pipeline.Unauthorized},
		{403, `{"token":null}`, "USERNAME", pipeline.Unauthorized},
		{401, ``, "USERNAME", pipeline.Unauthorized},
		{200, `<html>Sign in</html>`, "URL", pipeline.Malformed},
		{200, ``, "URL", pipeline.Malformed},
		{200, `[]`, "URL", pipeline.Malformed},
		{200, `{"token":["x"]}`, "URL", pipeline.Malformed},
		{200, `{"name":"a search engine"}`, "URL", pipeline.Malformed},
		{200, `{"token":"a b","appCodename":"x"}`, "USERNAME", pipeline.Malformed},
		{200, `{"token":"a"}`, "CODENAME", pipeline.Malformed},
		{200, `{"token":"a","appCodename":".."}`, "CODENAME", pipeline.Malformed},
	} {
		asked := 0
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.WriteHeader(tc.code)
			io.WriteString(w, tc.answer)
		}), Options{}, nil)
		_, _, err := fetch(t, s, Operators)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Kind != tc.kind || !strings.Contains(e.Hint, Prefix+tc.hint) {
			t.Errorf("%d %s: %v", tc.code, tc.answer, err)
		}
		if _, _, again := fetch(t, s, Dashboard); tc.kind == pipeline.Unauthorized && (again == nil || asked != 1) {
			t.Errorf("%d %s: a refused login was tried %d times, which may lock the account", tc.code, tc.answer, asked)
		}
	}
}

func TestB_TheWordsOfALoginWithoutATokenAreShown(t *testing.T) {
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"error":"account is locked"}`) }), Options{}, nil)
	_, _, err := fetch(t, s, Operators)
	if err == nil || !strings.Contains(s.Streams()[0].Mask.Message(err.Error()), "account is locked") {
		t.Errorf("%v", err)
	}
}

func TestCheck(t *testing.T) {
	answer := func(code int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == loginPath {
				io.WriteString(w, `{"token":"abc","appCodename":"acme"}`)
				return
			}
			w.WriteHeader(code)
			io.WriteString(w, text)
		})
	}
	for _, tc := range []struct {
		name string
		h    http.Handler
		ok   bool
		kind pipeline.Kind
	}{
		{"good credentials", answer(200, `{"status":true,"operators":[{}]}`), true, 0},
		{"no status", answer(200, `{"operators":[]}`), false, pipeline.Malformed},
		{"no operators", answer(200, `{"status":true}`), false, pipeline.Malformed},
		{"a page", answer(200, `<html>`), false, pipeline.Malformed},
		{"another bot", answer(403, ``), false, pipeline.Unauthorized},
		{"no such bot", answer(404, ``), false, pipeline.Refused},
		{"a wrong password", &vendor{t: t, password: "x"}, false, pipeline.Unauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := newSource(t, tc.h, Options{}, nil).Check(t.Context())
			var e *pipeline.Error
			if (err == nil) != tc.ok || err != nil && pipeline.KindOf(err) != tc.kind {
				t.Errorf("error %v", err)
			}
			if errors.As(err, &e) && e.Hint == "" && e.Kind != pipeline.Malformed {
				t.Errorf("no hint: %v", err)
			}
		})
	}
}

func TestPromise13_NoErrorHoldsASecret(t *testing.T) {
	const password = "s3cr3t pass&word"
	for _, code := range []int{400, 401, 403, 404, 500} {
		for _, failing := range []string{loginPath, "/api/v1/acme/stats/operator"} {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path == failing {
					w.WriteHeader(code)
					fmt.Fprintf(w, "%s %s %s", body, r.Header.Get("Authorization"), r.URL)
					return
				}
				io.WriteString(w, `{"token":"s3cr3t-token","appCodename":"acme"}`)
			})
			s := newSource(t, h, Options{}, func(c *Config) { c.Password = password })
			_, _, err := fetch(t, s, Operators)
			if err == nil || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "startDate") {
				t.Errorf("status %d at %s: %v", code, failing, err)
			}
		}
	}
}

func TestPromise13_ThePasswordStaysWithItsHost(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reached = reached || len(body) > 0
	}))
	defer other.Close()
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}), Options{}, nil)
	if _, _, err := fetch(t, s, Operators); pipeline.KindOf(err) != pipeline.Refused || reached {
		t.Errorf("reached %v, %v", reached, err)
	}
}

// unplugged answers without a network.
type unplugged struct{}

func (unplugged) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"status":true,"operators":[],"queryPending":0}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestTasksShareTheRateOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := settings(t, func(c *Config) {
			c.Username, c.Password, c.Token, c.Codename, c.Rate = "", "", "s3cr3t", "acme", "2"
		})
		s, err := New(set, Options{Account: "mx", Transport: unplugged{}, Task: "0", Tasks: 4})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 3 {
			if _, _, err := fetch(t, s, Operators); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("two more requests at a quarter of 2 a second took %s", took)
		}
	})
}

// hostOf sends requests for any host to the server.
type hostOf struct{ server string }

func (h hostOf) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.URL.Scheme, sent.URL.Host = "http", strings.TrimPrefix(h.server, "http://")
	answer, err := http.DefaultTransport.RoundTrip(sent)
	if answer != nil {
		answer.Request = r
	}
	return answer, err
}

func TestTheDataAreOfTheHostAndTheBotThatTheLoginTells(t *testing.T) {
	const host = "https://Api.chat-tonic.example"
	for _, c := range []struct {
		name          string
		change        func(*Config)
		before, after pipeline.Owner
	}{
		{"a login", func(*Config) {}, "api.chat-tonic.example", "api.chat-tonic.example/acme bot"},
		{"a login with a codename", func(c *Config) { c.Codename = "other" }, "api.chat-tonic.example/other", "api.chat-tonic.example/other"},
		{"a token", func(c *Config) { c.Username, c.Password, c.Token, c.Codename = "", "", "s3cr3t", "acme" }, "api.chat-tonic.example/acme", "api.chat-tonic.example/acme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &vendor{t: t, password: "correct horse", static: "s3cr3t"}
			server := httptest.NewServer(v)
			defer server.Close()
			s := newSource(t, v, Options{Transport: hostOf{server.URL}}, func(cfg *Config) { cfg.URL = host; c.change(cfg) })
			owner := s.Streams()[0].Owner
			if got := owner(); got != c.before || v.logins > 0 {
				t.Errorf("before any answer: %q, after %d logins", got, v.logins)
			}
			if _, _, err := fetch(t, s, Operators); err != nil {
				t.Fatal(err)
			}
			if got := owner(); got != c.after {
				t.Errorf("after an answer: %q, want %q", got, c.after)
			}
		})
	}
	if got := newSource(t, &vendor{t: t}, Options{}, nil).Streams()[0].Owner(); got != pipeline.Simulated {
		t.Errorf("a vendor on this machine: %q", got)
	}
}
