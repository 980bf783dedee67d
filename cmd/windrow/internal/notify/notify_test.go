package notify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func address(t *testing.T, text string) Address {
	t.Helper()
	a, err := ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAPingSpeaksHealthchecksProtocolBeforeAQuery(t *testing.T) {
	t.Parallel()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.String()+" "+string(body))
	}))
	defer server.Close()
	for _, path := range []string{"/ping/9f3a", "/ping/9f3a/?rid=1&x=%2F", "/a%2Fb"} {
		p := Ping{address(t, server.URL+path)}
		if err := p.Start(t.Context()); err != nil {
			t.Error(err)
		}
		if err := p.End(t.Context(), 130, []byte("{}")); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"POST /ping/9f3a/start ", "POST /ping/9f3a/130 {}",
		"POST /ping/9f3a/start?rid=1&x=%2F ", "POST /ping/9f3a/130?rid=1&x=%2F {}",
		"POST /a%2Fb/start ", "POST /a%2Fb/130 {}",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("it was told\n%q, want\n%q", seen, want)
	}
}

func TestWhatCannotBeToldEndsInTimeAndNamesNoAddress(t *testing.T) {
	t.Parallel()
	followed := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer other.Close()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer hang.Close()
	answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/redirect") {
			http.Redirect(w, r, other.URL+"/hush", http.StatusTemporaryRedirect)
		} else {
			http.Error(w, "hush", http.StatusInternalServerError)
		}
	}))
	defer answering.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, c := range []struct{ url, want string }{
		{hang.URL, "nobody answered in time"},
		{answering.URL + "/redirect", "it answered 307, and a redirect is not followed"},
		{answering.URL + "/error", "it answered 500"},
		{closed.URL, "the connection was refused"},
		{strings.Replace(answering.URL, "http:", "https:", 1), "the connection broke off"},
	} {
		began := time.Now()
		err := Ping{address(t, c.url+"/hush?token=hush")}.End(t.Context(), 0, []byte("{}"))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %q", c.url, err, c.want)
		}
		if took := time.Since(began); took > Within+2*time.Second {
			t.Errorf("%s took %s", c.url, took)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Ping{address(t, hang.URL)}).Start(ctx); err == nil || err.Error() != "the program was to end" {
		t.Errorf("of a run that was stopped: %v", err)
	}
}

func TestAddressesAndKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	key, err := ParseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	w := Webhook{address(t, "https://example.org/hush"), key}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, w); strings.Contains(got, "hush") || strings.Contains(got, "example") || strings.Contains(got, "49") {
			t.Errorf("%s prints %s", format, got)
		}
	}
	for text, want := range map[string]string{
		"hush": "is not an absolute URL", "http://example.org/hush": "must be https", "https://%zz/hush": "is not a URL",
	} {
		if _, err := ParseAddress(text); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{"hush hush": "is not whsec_ and base64", "whsec_aHVzaA==": "has 4 bytes, and 24 to 64 are a key"} {
		if _, err := ParseKey(text); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// The signature is what an implementation of standard-webhooks in another language makes of the same.
func TestASignatureIsThatOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	key, err := ParseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`)); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestOnlyChangesAreToldAndWhatNobodyTookWaitsUnderItsID(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 9, 10, 18, 0, 0, 0, time.UTC)
	calls, texts := pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}, pipeline.StreamKey{Account: "mx", Stream: "dialpad.texts"}
	var m Memory
	run := func(states ...State) (told []string) {
		t.Helper()
		before := len(m.Pending)
		next, changed, err := m.Next([]Standing{{Key: calls, State: states[0]}, {Key: texts, State: states[1], ErrorKind: "stale"}}, "sync", now)
		if err != nil {
			t.Fatal(err)
		}
		again, _, _ := m.Next([]Standing{{Key: calls, State: states[0]}, {Key: texts, State: states[1]}}, "another", now.Add(time.Minute))
		for i := range again.Pending {
			if again.Pending[i].ID != next.Pending[i].ID {
				t.Errorf("two runs that saw the same change tell it under %s and %s", again.Pending[i].ID, next.Pending[i].ID)
			}
		}
		if changed == (len(m.Streams) > 0 && len(next.Pending) == before) {
			t.Errorf("changed is %v, of %d messages", changed, len(next.Pending)-before)
		}
		text, err := next.Text()
		if err == nil {
			m, err = Of(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		for _, p := range m.Pending[before:] {
			told = append(told, p.Body[:strings.Index(p.Body, `,"timestamp"`)])
		}
		return told
	}
	for _, c := range []struct {
		calls, texts State
		want         []string
	}{
		{Good, Late, []string{`{"type":"stream.late"`}},
		{Good, Late, nil},
		{Failed, Failed, []string{`{"type":"stream.failed"`, `{"type":"stream.failed"`}},
		{Failed, Late, []string{`{"type":"stream.late"`}},
		{Good, Good, []string{`{"type":"stream.recovered"`, `{"type":"stream.recovered"`}},
		{Failed, Good, []string{`{"type":"stream.failed"`}},
	} {
		if got := run(c.calls, c.texts); !slices.Equal(got, c.want) {
			t.Errorf("%s and %s: told %q, want %q", c.calls, c.texts, got, c.want)
		}
	}
	ids := make(map[string]bool)
	for _, p := range m.Pending {
		ids[p.ID] = true
	}
	if len(ids) != len(m.Pending) || len(ids) != 7 {
		t.Errorf("%d messages have %d ids, want 7 of each", len(m.Pending), len(ids))
	}
	if want := `{"type":"stream.failed","timestamp":"2025-09-10T20:00:00Z","data":{"stream":"dialpad.texts","account":"mx","state":"failed","previous":"late","sync_id":"sync","watermark":null,"lag_seconds":null,"open":0,"failed":0,"error_kind":"stale"}}`; m.Pending[2].Body != want {
		t.Errorf("it is told as\n%s, want\n%s", m.Pending[2].Body, want)
	}
}
