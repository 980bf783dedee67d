package httpclient

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// answering serves the answers one after the other, the last one for ever, over connections in memory.
func answering(t *testing.T, calls *atomic.Int64, answers ...func(http.ResponseWriter)) http.RoundTripper {
	t.Helper()
	return roundTripper(func(*http.Request) *http.Response {
		n := min(int(calls.Add(1)), len(answers))
		return recorded(answers[n-1])
	})
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// recorded is what a handler answers.
func recorded(answer func(http.ResponseWriter)) *http.Response {
	w := httptest.NewRecorder()
	answer(w)
	return w.Result()
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func status(code int, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

func text(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, body) }
}

// A 202 and a 204 mean that the answer is not ready: it is asked for again, within RetryFor, and is never an empty one.
func TestB_AnAnswerThatIsNotReadyIsAskedForAgain(t *testing.T) {
	accepted := func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted); _, _ = io.WriteString(w, `{"a":"1"}`) }
	for _, c := range []struct {
		name    string
		answers []func(http.ResponseWriter)
		calls   int64
		do      string // what Do reads, or the error
		json    string
	}{
		{"202, then the answer", []func(http.ResponseWriter){status(202), status(202), text(`{"a":"2"}`)}, 3, `{"a":"2"}`, "2"},
		{"204, then the answer", []func(http.ResponseWriter){status(204), text(`{"a":"2"}`)}, 2, `{"a":"2"}`, "2"},
		{"202 with a text, then the answer", []func(http.ResponseWriter){accepted, text(`{"a":"2"}`)}, 2, `{"a":"2"}`, "1"},
		{"202 for ever", []func(http.ResponseWriter){status(202)}, 0, "HTTP 202: the answer is not ready yet", "HTTP 202"},
		{"204 for ever", []func(http.ResponseWriter){status(204)}, 0, "HTTP 204: the answer is not ready yet", "HTTP 204"},
		{"205 for ever", []func(http.ResponseWriter){status(205)}, 0, "HTTP 205: the answer is not ready yet", "HTTP 205"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				client := newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute, Transport: answering(t, &calls, c.answers...)})
				began := time.Now()
				got, err := read(t, client, get("/x"))
				if err != nil {
					got = err.Error()
				}
				if !strings.Contains(got, c.do) || c.calls > 0 && calls.Load() != c.calls {
					t.Errorf("%d calls, %q", calls.Load(), got)
				}
				if took := time.Since(began); c.calls == 0 && (pipeline.KindOf(err) != pipeline.Unavailable || calls.Load() < 4 || took > 2*time.Minute) {
					t.Errorf("%d calls in %s: %v", calls.Load(), took, err)
				}
				calls.Store(0)
				var into struct{ A string }
				if err := client.JSON(t.Context(), get("/x"), &into); err != nil {
					into.A = err.Error()
				}
				if !strings.Contains(into.A, c.json) {
					t.Errorf("JSON: %q", into.A)
				}
			})
		})
	}
}

// An order, and a login, say what they have made by a member: a 202 without it is no answer yet.
func TestB_AnAcceptedAnswerWithoutWhatItIsForIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		accepted := func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"status":"queued"}`)
		}
		client := newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute, Transport: answering(t, &calls, accepted, accepted, text(`{"a":"2"}`))})
		r := get("/x")
		r.Member = "a"
		var into struct{ A string }
		if err := client.JSON(t.Context(), r, &into); err != nil || into.A != "2" || calls.Load() != 3 {
			t.Errorf("%d calls, %q, %v", calls.Load(), into.A, err)
		}
		client = newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute, Transport: answering(t, &calls, accepted)})
		if err := client.JSON(t.Context(), r, &into); pipeline.ErrorKind(err) != "not_ready" {
			t.Errorf("for ever: %v", err)
		}
	})
}

// Its length is that of the part, so that nothing else tells that more is missing.
func TestB_AnAnswerThatSaysThatItIsAPartIsNotTaken(t *testing.T) {
	var calls atomic.Int64
	part := func(w http.ResponseWriter) {
		w.Header().Set("Content-Range", "bytes 0-3/200")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "a,b\n")
	}
	client := newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute, Transport: answering(t, &calls, part)})
	if got, err := read(t, client, get("/x")); pipeline.ErrorKind(err) != "incomplete" || !strings.Contains(err.Error(), "only a part") {
		t.Errorf("%q, %v", got, err)
	}
}

// What needs time is no outage: each request has RetryFor for itself.
func TestARequestIsRetriedForItsOwnTimeWhereAnotherIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		client := newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute, Transport: answering(t, &calls, status(202))})
		for n := range 3 {
			began := time.Now()
			_, err := read(t, client, get("/x"))
			if took := time.Since(began); pipeline.KindOf(err) != pipeline.Unavailable || took < 20*time.Second {
				t.Errorf("request %d was given up after %s: %v", n, took, err)
			}
		}
	})
}

func TestB_TheVendorSaysHowLongItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		client := newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute, Transport: answering(t, &calls, status(202, "Retry-After", "30"), text("x"))})
		began := time.Now()
		if got, err := read(t, client, get("/x")); got != "x" || time.Since(began) != 30*time.Second {
			t.Errorf("%q after %s, %v", got, time.Since(began), err)
		}
	})
}

func TestB_ADeclaredCharsetIsHonoured(t *testing.T) {
	for _, c := range []struct{ declared, body, want string }{
		{"", "Pe\xf1a", "Pe\xf1a"}, {"text/csv", "Pe\xf1a", "Pe\xf1a"}, {"text/csv; charset=utf-8", "Pe\xc3\xb1a\xf1", "Pe\xc3\xb1a\xf1"},
		{"application/json;charset=ISO-8859-1", "Pe\xf1a", "Peña"}, {`text/csv; charset="iso-8859-1"; header=present`, "Pe\xf1a", "Peña"}, {"text/csv; charset=latin1", "\xe9", "é"},
		{"text/csv; Charset=Windows-1252", "\x80 \x93Pe\xf1a\x94", "€ “Peña”"}, {"text/csv;charset=CP1252", "\xf1", "ñ"}, {"charset=windows-1252", "\xf1", "ñ"},
		{"text/csv; charset=windows-1252", "a\x81b\x9dc", "a\x81b\x9dc"}, // they stand for nothing
		{"text/csv; charset=iso-8859-1", "\x80", "\u0080"}, {"text/csv; charset=iso-8859-1", "\uFEFFPeña", "\uFEFFPeña"},
		{"text/csv; charset=koi8-r", "Pena", "Pena"}, {"text/csv; charset=us-ascii", "Pena", "Pena"}, {"text/csv; charset=koi8-r", "\uFEFFPeña", "\uFEFFPeña"}, {"text/csv; charset=iso-8859-1", "", ""}, {"text/csv; charset=iso-8859-1", "\xf1", "ñ"},
	} {
		for _, size := range []int{1, 20_000} {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.declared)
				for range size {
					_, _ = io.WriteString(w, c.body)
				}
			})
			got, err := read(t, newClient(t, Options{Base: parse(t, s.URL)}), get("/x"))
			if want := strings.Repeat(c.want, size); err != nil || got != want {
				t.Errorf("%q: %q is read as %q, %v", c.declared, c.body, got[:min(len(got), 50)], err)
			}
		}
	}
}

func TestB_ACharsetThatIsNotReadIsRefusedByItsName(t *testing.T) {
	for _, c := range []struct{ declared, body, want string }{
		{"text/csv; charset=koi8-r", "Pe\xf1a", "declared in the charset koi8-r, which is not read, and its byte 3 is no ASCII"},
		{"text/csv; charset=Shift_JIS", strings.Repeat("a", 100_000) + "\x93\xfa", "charset Shift_JIS, which is not read, and its byte 100001 is no ASCII"},
		{"application/json; charset=us-ascii", "Pe\xc3\xb1a", "charset us-ascii, which is not read, and its byte 3 is no ASCII"},
		{"text/csv; charset=utf-16", "\xff\xfed\x00", "charset utf-16, which is not read, and its byte 1 is no ASCII"},
		{`text/csv; charset="x y"` + strings.Repeat("z", 60), "\xf1", "charset x?y"},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.declared)
			_, _ = io.WriteString(w, c.body)
		})
		_, err := read(t, newClient(t, Options{Base: parse(t, s.URL)}), get("/x"))
		if pipeline.KindOf(err) != pipeline.Malformed || pipeline.ErrorKind(err) != "other_charset" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.declared, err)
		}
	}
}

// A reader may take a byte at a time.
func TestARecoderGivesWhateverIsAskedFor(t *testing.T) {
	r := inUTF8(strings.NewReader(strings.Repeat("\xf1", 40_000)), latin1)
	var got strings.Builder
	for one := make([]byte, 1); ; {
		n, err := r.Read(one)
		got.Write(one[:n])
		if err == io.EOF {
			break
		}
	}
	if got.String() != strings.Repeat("ñ", 40_000) {
		t.Error("bytes are lost")
	}
}

func TestAWholeBodyIsProven(t *testing.T) {
	raw := func(answer string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			c, b, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = b.WriteString(answer)
			_ = b.Flush()
			_ = c.Close()
		}
	}
	zip := string(gzipped(t, "abc"))
	for name, c := range map[string]struct {
		answer string
		proven bool
	}{
		"a length":                   {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true},
		"a last chunk":               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true},
		"neither":                    {"HTTP/1.1 200 OK\r\n\r\nabc", false},
		"neither, HTTP/1.0":          {"HTTP/1.0 200 OK\r\n\r\nabc", false},
		"gzip with neither":          {"HTTP/1.1 200 OK\r\n\r\n" + zip, true},
		"a charset and a length":     {"HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=latin1\r\nContent-Length: 3\r\n\r\nabc", true},
		"a charset without a length": {"HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=latin1\r\n\r\nabc", false},
	} {
		s := serve(t, raw(c.answer))
		resp, err := newClient(t, Options{Base: parse(t, s.URL)}).Do(t.Context(), get("/x"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := pipeline.IsProven(resp.Body)
		body, err := io.ReadAll(resp.Body)
		if string(body) != "abc" || err != nil || before || pipeline.IsProven(resp.Body) != c.proven {
			t.Errorf("%s: %q, %v, proven %t and before the end %t", name, body, err, pipeline.IsProven(resp.Body), before)
		}
		_ = resp.Body.Close()
	}
	for name, answer := range map[string]string{
		"a length": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "a last chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "gzip": "HTTP/1.1 200 OK\r\n\r\n" + zip[:len(zip)-4],
	} {
		s := serve(t, raw(answer))
		resp, err := newClient(t, Options{Base: parse(t, s.URL)}).Do(t.Context(), get("/x"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := io.ReadAll(resp.Body); pipeline.KindOf(err) != pipeline.Unavailable || pipeline.IsProven(resp.Body) {
			t.Errorf("less than %s: %v, proven %t", name, err, pipeline.IsProven(resp.Body))
		}
		_ = resp.Body.Close()
	}
}

func TestAskTellsTheVendorsWordsMasked(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"error":{"message":"the key configured-0123456789 may not, see https://v.test/x?sig=abc %s"}}`, strings.Repeat("x", 300))
	})
	c := newClient(t, Options{Base: parse(t, s.URL), HideValues: []string{"configured-0123456789"}})
	var into map[string]any
	said, err := c.Ask(t.Context(), get("/x"), &into)
	if err != nil || !strings.HasPrefix(said, "the key … may not, see https://v.test/x?…") || len(said) > 200 {
		t.Errorf("%q, %v", said, err)
	}
	var list []string
	if err := c.JSON(t.Context(), get("/x"), &list); err == nil || !strings.Contains(err.Error(), "the key … may not") || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("%v", err)
	}
}
