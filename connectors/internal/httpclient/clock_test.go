package httpclient

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// dated answers with a status and headers, after a while of its clock.
type dated struct {
	code   int
	header http.Header
	asked  int
	after  func()
}

func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	d.asked++
	if d.after != nil {
		d.after()
	}
	return &http.Response{StatusCode: d.code, Header: d.header, Body: http.NoBody, Request: r}, nil
}

var noon = time.Date(2025, 9, 10, 12, 0, 0, 0, time.UTC)

func TestTheMachinesClockIsComparedWithEveryAnswer(t *testing.T) {
	for _, tc := range []struct {
		says  string
		date  string // of the answer, when it is noon here
		age   string
		takes time.Duration
		warns string // what is told
		wrong string // what the run ends of
	}{
		{says: "the same time", date: "Wed, 10 Sep 2025 12:00:00 GMT"},
		{says: "within five minutes, ahead", date: "Wed, 10 Sep 2025 11:55:00 GMT"},
		{says: "within five minutes, behind", date: "Wed, 10 Sep 2025 12:05:00 GMT"},
		{says: "ahead", date: "Wed, 10 Sep 2025 11:54:00 GMT", warns: "this machine's clock is 5m59s ahead of that of vendor.test: here it is 2025-09-10T12:00:00Z, there 2025-09-10T11:54:00Z: set this machine's clock, by NTP best"},
		{says: "behind", date: "Wed, 10 Sep 2025 13:00:00 GMT", warns: "this machine's clock is 1h0m0s behind that of vendor.test: here it is 2025-09-10T12:00:00Z, there 2025-09-10T13:00:00Z: set this machine's clock, by NTP best"},
		{says: "far ahead", date: "Sun, 31 Aug 2025 12:00:00 GMT", wrong: "this machine's clock is 239h59m59s ahead of that of vendor.test: here it is 2025-09-10T12:00:00Z, there 2025-08-31T12:00:00Z (set this machine's clock, by NTP best, and run it again)"},
		{says: "far behind", date: "Wed, 10 Sep 2025 13:00:01 GMT", wrong: "this machine's clock is 1h0m1s behind that of vendor.test: here it is 2025-09-10T12:00:00Z, there 2025-09-10T13:00:01Z"},
		{says: "an answer that takes two hours, of its begin", date: "Wed, 10 Sep 2025 12:00:00 GMT", takes: 2 * time.Hour},
		{says: "an answer that takes two hours, of its end", date: "Wed, 10 Sep 2025 14:00:00 GMT", takes: 2 * time.Hour},
		{says: "an answer from a cache", date: "Tue, 09 Sep 2025 12:00:00 GMT", age: "86400"},
		{says: "no time", date: ""},
		{says: "no time that can be read", date: "yesterday"},
	} {
		for _, code := range []int{200, 302, 401, 404, 429, 503} {
			if tc.takes > 0 && code == 302 {
				continue // each hop would take so long, and the Date stands
			}
			t.Run(tc.says, func(t *testing.T) {
				now := noon
				d := &dated{code: code, header: http.Header{"Date": {tc.date}, "Age": {tc.age}, "Location": {"/x"}}, after: func() { now = now.Add(tc.takes) }}
				var told []string
				c := newClient(t, Options{
					Base: parse(t, "https://vendor.test"), Transport: d, Now: func() time.Time { return now },
					Warn: func(text string) { told = append(told, text) },
				})
				var err error
				for n := range 3 {
					if n == 0 || tc.takes == 0 {
						_, err = c.Do(t.Context(), get("/x"))
					}
				}
				if got := pipeline.KindOf(err) == pipeline.ClockWrong; got != (tc.wrong != "") || got && !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("%d: %v", code, err)
				}
				if tc.wrong != "" && d.asked != 1 {
					t.Errorf("%d: %d requests were sent", code, d.asked)
				}
				if text := strings.Join(told, "\n"); text != tc.warns {
					t.Errorf("%d: told %q", code, text)
				}
			})
		}
	}
}

func TestAnyAnswerIsAWordFromTheVendor(t *testing.T) {
	d := &dated{code: 500, header: http.Header{}}
	c := newClient(t, Options{Base: parse(t, "https://vendor.test"), Transport: d})
	if heard, _ := c.Heard(); heard {
		t.Error("heard before anything was asked")
	}
	_, err := c.Do(t.Context(), get("/x"))
	if heard, wrong := c.Heard(); pipeline.KindOf(err) != pipeline.Unavailable || !heard || wrong != nil {
		t.Errorf("heard: %v, %v, %v", heard, wrong, err)
	}
	silent := newClient(t, Options{Base: parse(t, "https://vendor.test"), Transport: failing{}})
	_, err = silent.Do(t.Context(), get("/x"))
	if heard, _ := silent.Heard(); err == nil || heard {
		t.Errorf("heard: %v, %v", heard, err)
	}
}
