package httpclient

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestF_RetryAfterIsSecondsAUnixTimeOrADate(t *testing.T) {
	now := time.Date(2025, 9, 8, 12, 0, 0, 0, time.UTC) // 1757332800
	for _, c := range []struct {
		text string
		wait time.Duration
		asks string // a part of what the message says
	}{
		{"", 0, ""}, {"0", 0, ""}, {"-4", 0, ""}, {"-1900000000", 0, ""}, {"NaN", 0, ""}, {"-Inf", 0, ""}, {"soon", 0, ""}, {"12s", 0, ""}, {"1,2", 0, ""},
		{"12", 12 * time.Second, "until 2025-09-08T12:00:12Z (Retry-After: 12)"}, {" 3 ", 3 * time.Second, "Retry-After: 3)"},
		{"1.5", 1500 * time.Millisecond, "Retry-After: 1.5)"},
		{"999999999", 999999999 * time.Second, "Retry-After: 999999999)"},
		{"1000000000", 0, ""}, // 2001
		{"1757332799", 0, ""}, {"1757332800", 0, ""},
		{"1757332840", 40 * time.Second, "until 2025-09-08T12:00:40Z (Retry-After: 1757332840)"},
		{"1757332839.2", 40 * time.Second, "until 2025-09-08T12:00:40Z"},
		{"1900000000", 142667200 * time.Second, "until 2030-03-17T17:46:40Z (Retry-After: 1900000000)"},
		{"1757332840000", longestAsk, "longer than anybody can (Retry-After: 1757332840000)"}, // milliseconds
		{"1e300", longestAsk, "(Retry-After: 1e300)"}, {"Inf", longestAsk, "Retry-After: Inf"}, {strings.Repeat("9", 400), 0, ""},
		{"90000000000", longestAsk, "until 4821-12-26T16:00:00Z"},
		{"Mon, 08 Sep 2025 12:00:40 GMT", 40 * time.Second, "until 2025-09-08T12:00:40Z (Retry-After: Mon, 08 Sep 2025 12:00:40 GMT)"},
		{"Monday, 08-Sep-25 12:00:40 GMT", 40 * time.Second, "until 2025-09-08T12:00:40Z"},
		{"Mon, 08 Sep 2025 11:00:00 GMT", 0, ""}, {"2025-09-08T12:00:40Z", 0, ""},
	} {
		wait, until := retryAfter(http.Header{"Retry-After": {c.text}}, now)
		if asks := wordAsk(wait, until, strings.TrimSpace(c.text)); wait != c.wait || (asks == "") != (c.asks == "") || !strings.Contains(asks, c.asks) {
			t.Errorf("%q is %v, %q", c.text, wait, asks)
		}
	}
}

// A time is one of the vendor's clock, which its Date tells; this machine's may be half an hour off.
func TestF_ATimeToWaitForIsCountedByTheVendorsClock(t *testing.T) {
	here := noon.Add(30 * time.Minute)
	for _, text := range []string{"Wed, 10 Sep 2025 12:00:40 GMT", "1757505640", "40"} {
		h := http.Header{"Retry-After": {text}, "Date": {noon.Format(http.TimeFormat)}}
		if wait, _ := retryAfter(h, here); wait != 40*time.Second {
			t.Errorf("%s: %s", text, wait)
		}
	}
}

// Limits in other headers are nobody's documented word.
func TestOtherHeadersOfLimitsAreNotRead(t *testing.T) {
	h := http.Header{"X-Ratelimit-Reset": {"3600"}, "Ratelimit-Reset": {"3600"}, "X-Rate-Limit-Reset": {"1900000000"}}
	if wait, _ := retryAfter(h, noon); wait != 0 {
		t.Errorf("waits %s", wait)
	}
}

func TestF_TheMessageSaysWhatTheVendorAskedFor(t *testing.T) {
	for _, c := range []struct {
		code      int
		header    string
		kind      pipeline.Kind
		says, not string
	}{
		{429, "1900000000", pipeline.Throttled, "until 2030-03-17T17:46:40Z (Retry-After: 1900000000) (longer than the 1m0s of WINDROW_RETRY_FOR", ""},
		{503, "1900000000", pipeline.Unavailable, "until 2030-03-17T17:46:40Z (Retry-After: 1900000000) (longer than the 1m0s of WINDROW_RETRY_FOR", ""},
		{429, "61", pipeline.Throttled, "until 2025-09-10T12:01:01Z (Retry-After: 61) (longer than", ""},
		{500, "Sun, 17 Mar 2030 17:46:40 GMT", pipeline.Unavailable, "until 2030-03-17T17:46:40Z", ""},
		{429, "1e12 sig=s3cr3t-signature", pipeline.Throttled, "HTTP 429", "s3cr3t"},
		{404, "1900000000", pipeline.Refused, "HTTP 404", "asks"},
		{429, "9e11", pipeline.Throttled, "(Retry-After: 9e11)", "until"},
	} {
		d := &dated{code: c.code, header: http.Header{"Retry-After": {c.header}}}
		client := newClient(t, Options{Base: parse(t, "https://vendor.test"), Transport: d, RetryFor: time.Minute, Now: func() time.Time { return noon }})
		r := get("/x")
		r.WaitThrottled = true
		r.NoRetry = c.says == "HTTP 429"
		_, err := client.Do(t.Context(), r)
		var status *StatusError
		if pipeline.KindOf(err) != c.kind || d.asked != 1 || !errors.As(err, &status) || !strings.Contains(err.Error(), c.says) ||
			c.not != "" && strings.Contains(err.Error(), c.not) {
			t.Errorf("%d %s: %d requests, %v", c.code, c.header, d.asked, err)
		}
	}
}
