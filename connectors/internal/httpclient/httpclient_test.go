package httpclient

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// memory serves HTTP over in-memory pipes, so that a synctest bubble sees
// every wait.
type memory struct {
	conns  chan net.Conn
	gone   chan struct{}
	closed sync.Once
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.gone:
		return nil, net.ErrClosed
	}
}
func (m *memory) Close() error   { m.closed.Do(func() { close(m.gone) }); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// inMemory starts h and returns a client for it; stop waits for both ends.
func inMemory(t *testing.T, h http.HandlerFunc, o Options) (c *Client, stop func()) {
	t.Helper()
	m := &memory{conns: make(chan net.Conn), gone: make(chan struct{})}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(m) }()
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		m.conns <- theirs
		return ours, nil
	}}
	o.Base, o.Transport = parse(t, "http://127.0.0.1"), tr
	return newClient(t, o), func() { tr.CloseIdleConnections(); s.Close(); <-done }
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func get(path string) Request {
	return Request{Op: "GET " + path, Method: http.MethodGet, URL: &url.URL{Path: path}}
}

func read(t *testing.T, c *Client, r Request) (string, error) {
	t.Helper()
	resp, err := c.Do(t.Context(), r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestEveryStatusHasItsKind(t *testing.T) {
	for code, want := range map[int]pipeline.Kind{
		400: pipeline.Refused, 401: pipeline.Unauthorized, 403: pipeline.Unauthorized, 404: pipeline.Refused,
		408: pipeline.TooHeavy, 429: pipeline.Throttled, 500: pipeline.Unavailable, 503: pipeline.Unavailable, 304: pipeline.Refused,
	} {
		var asked atomic.Int32
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); w.WriteHeader(code) })
		_, err := newClient(t, Options{Base: parse(t, s.URL)}).Do(t.Context(), get("/x"))
		if pipeline.KindOf(err) != want {
			t.Errorf("status %d is %v, want %v", code, err, want)
		}
		var status *StatusError
		if !errors.As(err, &status) || status.Code != code || !status.FromBase {
			t.Errorf("status %d: cause is %#v", code, status)
		}
		if asked.Load() != 1 {
			t.Errorf("status %d was asked %d times without time to retry", code, asked.Load())
		}
	}
}

func TestRetriesObeyTheirBudget(t *testing.T) {
	type answer struct {
		code  int
		after string
	}
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name     string
		answers  []answer // the last repeats
		budget   time.Duration
		patient  bool
		noRetry  bool
		asked    int
		kind     pipeline.Kind
		ok       bool
		min, max time.Duration
	}{
		{name: "a fault that passes is retried", answers: []answer{{500, ""}, {502, ""}, {200, ""}}, budget: time.Minute, asked: 3, ok: true, min: 500 * time.Millisecond, max: 4 * time.Second},
		{name: "Retry-After in seconds is kept", answers: []answer{{429, "7"}, {200, ""}}, budget: time.Minute, asked: 2, ok: true, min: 7 * time.Second, max: 7 * time.Second},
		{name: "Retry-After of a 503 is kept", answers: []answer{{503, "9"}, {200, ""}}, budget: time.Minute, asked: 2, ok: true, min: 9 * time.Second, max: 9 * time.Second},
		{name: "Retry-After as a date is kept", answers: []answer{{429, "date+30s"}, {200, ""}}, budget: time.Minute, asked: 2, ok: true, min: 29 * time.Second, max: 30 * time.Second},
		{name: "Retry-After beyond the budget fails at once", answers: []answer{{429, "90"}}, budget: time.Minute, asked: 1, kind: pipeline.Throttled},
		{name: "a patient caller waits out what is asked for", answers: []answer{{429, "50"}, {429, "60"}, {429, "60"}, {500, ""}, {200, ""}}, budget: time.Minute, patient: true, asked: 5, ok: true, min: 170 * time.Second, max: 3 * time.Minute},
		{name: "and what is not", answers: []answer{{429, ""}, {429, ""}, {200, ""}}, budget: 100 * time.Millisecond, patient: true, asked: 3, ok: true},
		{name: "but no wait beyond the budget", answers: []answer{{429, "61"}}, budget: time.Minute, patient: true, asked: 1, kind: pipeline.Throttled},
		{name: "and three hours in all", answers: []answer{{429, "600"}}, budget: 10 * time.Minute, patient: true, asked: 20, kind: pipeline.Throttled, min: 3 * time.Hour, max: 3*time.Hour + 10*time.Minute},
		{name: "also of its own pauses", answers: []answer{{429, "soon"}}, budget: time.Minute, patient: true, asked: -1, kind: pipeline.Throttled, min: 3*time.Hour - time.Minute, max: 3*time.Hour + time.Minute},
		{name: "a Unix time is waited for", answers: []answer{{429, "unix+30s"}, {200, ""}}, budget: time.Minute, asked: 2, ok: true, min: 29 * time.Second, max: 31 * time.Second},
		{name: "that of a 503 too", answers: []answer{{503, "unix+30s"}, {200, ""}}, budget: time.Minute, asked: 2, ok: true, min: 29 * time.Second, max: 31 * time.Second},
		{name: "a far one ends the request", answers: []answer{{429, "1900000000"}}, budget: time.Minute, asked: 1, kind: pipeline.Throttled},
		{name: "whoever is patient", answers: []answer{{429, "1900000000"}}, budget: time.Minute, patient: true, asked: 1, kind: pipeline.Throttled},
		{name: "of a 503 as well", answers: []answer{{503, "1900000000"}}, budget: time.Minute, patient: true, asked: 1, kind: pipeline.Unavailable},
		{name: "a 503 for an hour", answers: []answer{{503, "3600"}}, budget: time.Minute, asked: 1, kind: pipeline.Unavailable},
		{name: "a time that is over says nothing", answers: []answer{{429, "date-30s"}, {200, ""}}, budget: time.Minute, asked: 2, ok: true, max: 2 * time.Second},
		{name: "patience is for throttling only", answers: []answer{{503, "90"}}, budget: time.Minute, patient: true, asked: 1, kind: pipeline.Unavailable},
		{name: "a vendor that stays down is given up", answers: []answer{{500, ""}}, budget: time.Minute, asked: -1, kind: pipeline.Unavailable, min: 15 * time.Second, max: time.Minute},
		{name: "one attempt when asked so", answers: []answer{{500, ""}}, budget: time.Minute, noRetry: true, asked: 1, kind: pipeline.Unavailable},
		{name: "408 is never retried", answers: []answer{{408, "1"}}, budget: day, patient: true, asked: 1, kind: pipeline.TooHeavy},
		{name: "401 is never retried", answers: []answer{{401, "1"}}, budget: day, patient: true, asked: 1, kind: pipeline.Unauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon)) // the bubble begins in 2000, when no Unix time was one in Retry-After
				asked := 0
				c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
					a := tc.answers[min(asked, len(tc.answers)-1)]
					asked++
					switch a.after {
					case "date+30s":
						a.after = time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)
					case "date-30s":
						a.after = time.Now().Add(-30 * time.Second).UTC().Format(http.TimeFormat)
					case "unix+30s":
						a.after = fmt.Sprint(time.Now().Unix() + 30)
					}
					if a.after != "" {
						w.Header().Set("Retry-After", a.after)
					}
					w.WriteHeader(a.code)
				}, Options{RetryFor: tc.budget})
				defer stop()
				told, begun := 0, time.Now()
				r := get("/x")
				r.WaitThrottled, r.NoRetry = tc.patient, tc.noRetry
				r.Notify = func(text string, until time.Time) {
					told++
					if text == "" || until.Before(time.Now()) {
						t.Errorf("notice %q until %v", text, until)
					}
				}
				_, err := read(t, c, r)
				if took := time.Since(begun); took < tc.min || tc.max > 0 && took > tc.max {
					t.Errorf("took %v, want %v to %v", took, tc.min, tc.max)
				}
				if (err == nil) != tc.ok || err != nil && pipeline.KindOf(err) != tc.kind {
					t.Errorf("error %v", err)
				}
				if tc.asked >= 0 && asked != tc.asked {
					t.Errorf("asked %d times, want %d", asked, tc.asked)
				}
				if told != asked-1 {
					t.Errorf("told of %d waits in %d attempts", told, asked)
				}
			})
		})
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		}, Options{RetryFor: 2 * time.Hour})
		defer stop()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		begun := time.Now()
		r := get("/x")
		r.WaitThrottled = true
		_, err := c.Do(ctx, r)
		if pipeline.KindOf(err) != pipeline.Stopped || time.Since(begun) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestAttemptsKeepTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {}, Options{Rate: 5})
		defer stop()
		begun := time.Now()
		done := make(chan error)
		for range 11 {
			go func() { _, err := read(t, c, get("/x")); done <- err }()
		}
		for range 11 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took < 2*time.Second || took > 2*time.Second+time.Millisecond {
			t.Errorf("11 requests at 5 a second took %v", took)
		}
	})
}

func TestASlowBodyIsFineWhileItKeepsThePace(t *testing.T) {
	for _, tc := range []struct {
		name    string
		first   int // bytes at once, before the others
		piece   int // bytes that come after each pause
		pieces  int
		pause   time.Duration
		time    time.Duration // until it is given up; 0: it is read whole
		timeout time.Duration
		says    string
	}{
		{name: "a little more than 1 KiB a second, for an hour", piece: 1100, pieces: 3600, pause: time.Second, timeout: time.Minute},
		{name: "60 KiB every 30 seconds", piece: 60 << 10, pieces: 30, pause: 30 * time.Second, timeout: time.Minute},
		{name: "a few bytes within two minutes", piece: 3, pieces: 11, pause: 10 * time.Second, timeout: time.Minute},
		{name: "a few bytes every 50 seconds", piece: 3, pieces: 5, pause: 50 * time.Second, timeout: time.Minute, time: 2 * time.Minute, says: "less than 1 KiB/s over two minutes"},
		{name: "a few bytes a second without end", piece: 3, pieces: 1 << 30, pause: time.Second, timeout: time.Minute, time: 2 * time.Minute, says: "less than 1 KiB/s"},
		{name: "much at once, then a trickle", first: 1 << 20, piece: 3, pieces: 1 << 30, pause: time.Second, timeout: time.Minute, time: 4 * time.Minute, says: "less than 1 KiB/s"},
		{name: "nothing for longer than the time-out", piece: 3, pieces: 5, pause: 70 * time.Second, timeout: time.Minute, time: time.Minute, says: "stalled for 1m0s"},
		{name: "nothing ever, without a time-out", piece: 3, pieces: 5, pause: time.Hour, time: 2 * time.Minute, says: "less than 1 KiB/s"},
		{name: "much at once, then nothing, without a time-out", first: 1 << 20, piece: 3, pieces: 5, pause: time.Hour, time: 4 * time.Minute, says: "less than 1 KiB/s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
					send := func(n int) { _, _ = w.Write(bytes.Repeat([]byte("x"), n)); _ = http.NewResponseController(w).Flush() }
					send(tc.first)
					for range tc.pieces {
						select {
						case <-time.After(tc.pause):
						case <-r.Context().Done():
							return
						}
						send(tc.piece)
					}
				}, Options{Timeout: tc.timeout})
				defer stop()
				began := time.Now()
				text, err := read(t, c, get("/x"))
				took := time.Since(began)
				switch whole := tc.first + tc.piece*tc.pieces; {
				case tc.time == 0 && (err != nil || len(text) != whole):
					t.Errorf("%d bytes of %d after %s: %v", len(text), whole, took, err)
				case tc.time > 0 && (pipeline.KindOf(err) != pipeline.Unavailable || !strings.Contains(err.Error(), tc.says) || took < tc.time || took > tc.time+time.Second):
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

func TestHeadersThatDoNotComeAreWaitedForOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Options{Timeout: time.Minute})
		defer stop()
		begun := time.Now()
		_, err := read(t, c, get("/x"))
		if pipeline.KindOf(err) != pipeline.Unavailable || time.Since(begun) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestAnErrorPageThatDoesNotEndIsWaitedForOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, "one moment")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(gone)
		}, Options{Timeout: 5 * time.Second})
		defer stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err := c.Do(ctx, get("/x"))
		var status *StatusError
		if took := time.Since(began); took != 5*time.Second || !errors.As(err, &status) || status.Excerpt != "one moment" {
			t.Errorf("after %v: %v", took, err)
		}
		<-gone
	})
}

func TestAnErrorPageWithoutATimeOutIsWaitedForTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, ".")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		}, Options{})
		defer stop()
		began := time.Now()
		_, err := c.Do(t.Context(), get("/x"))
		if took := time.Since(began); took != 2*time.Minute || pipeline.KindOf(err) != pipeline.Unavailable {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestAReaderThatPausesIsNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "abc") }, Options{Timeout: time.Minute})
		defer stop()
		resp, err := c.Do(t.Context(), get("/x"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		time.Sleep(10 * time.Minute) // the engine is busy with other bodies
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "abc" {
			t.Errorf("%q, %v", text, err)
		}
	})
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPromise04_ABodyIsWholeOrAnError(t *testing.T) {
	long := strings.Repeat("row,row,row\n", 1000)
	zipped := packed(t, long)
	damaged := bytes.Clone(zipped)
	damaged[len(damaged)-6] ^= 0xff // in the checksum
	for _, tc := range []struct {
		name   string
		body   []byte
		header map[string]string
		cut    bool // close the connection after body
		max    int64
		want   string
		kind   pipeline.Kind
		ok     bool
	}{
		{name: "plain", body: []byte(long), want: long, ok: true},
		{name: "gzip with its header", body: zipped, header: map[string]string{"Content-Encoding": "gzip"}, want: long, ok: true},
		{name: "a stored .gz without the header", body: zipped, header: map[string]string{"Content-Type": "application/gzip"}, want: long, ok: true},
		{name: "blank is a body like any other", ok: true},
		{name: "blank under a gzip header", header: map[string]string{"Content-Encoding": "gzip"}, ok: true},
		{name: "one byte", body: []byte("x"), want: "x", ok: true},
		{name: "shorter than its Content-Length", body: []byte(long[:500]), header: map[string]string{"Content-Length": "12000"}, cut: true, want: long[:500], kind: pipeline.Unavailable},
		{name: "a chunked body that breaks off", body: []byte(long[:500]), cut: true, want: long[:500], kind: pipeline.Unavailable},
		{name: "gzip that ends early", body: zipped[:len(zipped)-10], header: map[string]string{"Content-Encoding": "gzip"}, kind: pipeline.Unavailable},
		{name: "gzip with a wrong checksum", body: damaged, header: map[string]string{"Content-Encoding": "gzip"}, want: long, kind: pipeline.Unavailable},
		{name: "something that only begins like gzip", body: []byte("\x1f\x8b and so on, and so on"), kind: pipeline.Malformed},
		{name: "an encoding nobody asked for", body: []byte("x"), header: map[string]string{"Content-Encoding": "br"}, kind: pipeline.Malformed},
		{name: "longer than allowed", body: []byte(long), max: 100, want: long[:100], kind: pipeline.Unavailable},
		{name: "gzip that unpacks to more than allowed", body: zipped, max: 5000, want: long[:5000], kind: pipeline.Unavailable},
		{name: "just as long as allowed", body: []byte(long), max: int64(len(long)), want: long, ok: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.Write(tc.body)
				if tc.cut {
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
			})
			r := get("/x")
			r.MaxBody = tc.max
			text, err := read(t, newClient(t, Options{Base: parse(t, s.URL)}), r)
			if (err == nil) != tc.ok || err != nil && pipeline.KindOf(err) != tc.kind {
				t.Errorf("error %v", err)
			}
			if tc.want != "" && text != tc.want {
				t.Errorf("%d bytes arrived, want %d", len(text), len(tc.want))
			}
		})
	}
}

func TestJSONAnswers(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		kind       pipeline.Kind
		ok         bool
	}{
		{"a document", ` {"token":"abc"} `, 0, true},
		{"blank", " \n", pipeline.Malformed, false},
		{"an HTML page with status 200", "<html><body>Log in</body></html>", pipeline.Malformed, false},
		{"cut short", `{"token":"abc"`, pipeline.Malformed, false},
		{"of another shape", `{"token":123456}`, pipeline.Malformed, false},
		{"too long", `{"token":"` + strings.Repeat("x", 2<<20) + `"}`, pipeline.Unavailable, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) { asked++; io.WriteString(w, tc.body) })
			defer func() {
				if tc.name == "too long" && asked != 1 {
					t.Errorf("an answer without end was asked for %d times", asked)
				}
			}()
			var into struct{ Token string }
			err := newClient(t, Options{Base: parse(t, s.URL)}).JSON(t.Context(), get("/x"), &into)
			if (err == nil) != tc.ok || err != nil && pipeline.KindOf(err) != tc.kind {
				t.Errorf("error %v", err)
			}
			if tc.ok && into.Token != "abc" {
				t.Errorf("token %q", into.Token)
			}
			if err != nil && strings.Contains(err.Error(), "123456") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func TestAJSONAnswerThatBreaksOffIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c, stop := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.Header().Set("Content-Length", "15")
			io.WriteString(w, `{"token":"abc"}`[:asked*14/2+asked/2])
		}, Options{RetryFor: time.Minute})
		defer stop()
		var into struct{ Token string }
		if err := c.JSON(t.Context(), get("/x"), &into); err != nil || into.Token != "abc" || asked != 2 {
			t.Errorf("asked %d times: %+v, %v", asked, into, err)
		}
	})
}

func TestABaseIsHTTPSOrLoopback(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://example.com": true, "http://127.0.0.1:8080": true, "http://localhost": true, "http://[::1]:1": true,
		"http://example.com": false, "ftp://example.com": false, "https://me:pw@example.com": false, "example.com": false,
		"http://127.0.0.1.example.com": false, "http://localhost.example.com": false,
	} {
		_, err := New(Options{Base: parse(t, text)})
		if (err == nil) != ok || err != nil && pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error repeats the URL: %v", err)
		}
	}
}

func TestARelativeURLStandsBehindTheBase(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) })
	c := newClient(t, Options{Base: parse(t, s.URL+"/api/v2")})
	r := get("/")
	r.URL = parse(t, "/stats/a%2Fb?x=1%202")
	if text, err := read(t, c, r); err != nil || text != "/api/v2/stats/a%2Fb?x=1%202" {
		t.Errorf("%q, %v", text, err)
	}
}
