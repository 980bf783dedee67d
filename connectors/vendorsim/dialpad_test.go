package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const yesterdaysCalls = `{"export_type":"records","stat_type":"calls","timezone":"America/Chicago","days_ago_start":1,"days_ago_end":1}`

// post starts a report.
func (c *client) post(body string) (id string, already bool) {
	c.t.Helper()
	var created struct {
		ID      string `json:"request_id"`
		Already bool   `json:"already_started"`
	}
	if err := json.Unmarshal([]byte(c.ok("POST", c.run.DialpadURL+"/stats", "dialpad-key", body)), &created); err != nil {
		c.t.Fatal(err)
	}
	return created.ID, created.Already
}

func (c *client) look(id string) (int, string) {
	c.t.Helper()
	status, _, text, err := c.do("GET", c.run.DialpadURL+"/stats/"+id, "dialpad-key", "")
	if err != nil {
		c.t.Fatal(err)
	}
	return status, text
}

func TestIdenticalParametersAnswerFromTheCacheForThreeHours(t *testing.T) {
	c := start(t, Options{Dialpad: DialpadOptions{Limits: DialpadLimits{Rate: -1}}})
	// 23:30 in Chicago: an hour later "yesterday" is another day
	c.w.SetNow(time.Date(2025, 11, 13, 5, 30, 0, 0, time.UTC))
	first := c.stats(yesterdaysCalls)
	id, already := c.post(yesterdaysCalls)
	if _, text := c.look(id); !already || !strings.Contains(text, "complete") {
		t.Fatalf("already_started %v and %s, want a complete report at once", already, text)
	}
	c.w.Advance(time.Hour)
	if c.stats(yesterdaysCalls) != first {
		t.Error("within three hours the file must be the old day's")
	}
	c.w.Advance(2 * time.Hour)
	if c.stats(yesterdaysCalls) == first {
		t.Error("after three hours the file must be the new day's")
	}
}

func TestReportIDsDieAfterAnHour(t *testing.T) {
	c := start(t, Options{})
	c.w.SetNow(noon)
	id, _ := c.post(yesterdaysCalls)
	c.w.Advance(61 * time.Minute)
	if status, text := c.look(id); status != 400 || !strings.Contains(text, "Results have expired") {
		t.Errorf("after an hour: %d %s", status, text)
	}
	c.w.Advance(time.Hour)
	if status, _ := c.look(id); status != 404 {
		t.Errorf("after two hours: %d", status)
	}
}

func TestRangesBehaveAsSeenAtTheVendor(t *testing.T) {
	c := start(t, Options{Dialpad: DialpadOptions{Limits: DialpadLimits{Rate: -1}}})
	c.w.SetNow(noon)
	for _, x := range []struct {
		says, report string
		near, far    int
		days         []string
		zeros        bool
	}{
		{"a day ago is that local day", "stats", 1, 1, []string{"2025-11-11"}, false},
		{"a range that reaches today ends yesterday", "stats", 0, 1, []string{"2025-11-11"}, false},
		{"0 to 0 is today", "stats", 0, 0, []string{"2025-11-12"}, false},
		{"reversed stats are all zeros", "stats", 3, 1, []string{"2025-11-09", "2025-11-10", "2025-11-11"}, true},
		{"reversed records behave", "records", 3, 1, []string{"2025-11-09", "2025-11-10", "2025-11-11"}, false},
	} {
		body := fmt.Sprintf(`{"export_type":%q,"stat_type":"calls","group_by":"date","timezone":"America/Chicago","days_ago_start":%d,"days_ago_end":%d}`,
			x.report, x.near, x.far)
		var days []string
		calls := 0
		for _, r := range records(t, c.stats(body))[1:] {
			if d := r[0][:10]; len(days) == 0 || days[len(days)-1] != d {
				days = append(days, d)
			}
			n, _ := strconv.Atoi(r[1])
			calls += n
		}
		if strings.Join(days, " ") != strings.Join(x.days, " ") || (calls == 0) != x.zeros {
			t.Errorf("%s: days %v with %d calls, want %v", x.says, days, calls, x.days)
		}
	}
}

func TestBadParametersAreNamed(t *testing.T) {
	c := start(t, Options{})
	for body, want := range map[string]string{
		`{"export_type":"records","stat_type":"calls","timezone":"US/Nowhere"}`: "Invalid timezone name",
		`{"export_type":"records","stat_type":"csat"}`:                          "target_id",
		`{"export_type":"all","stat_type":"calls"}`:                             "export_type",
		`{"export_type":"records","stat_type":"calls","days_ago_start":-1}`:     "days_ago",
	} {
		status, _, text, err := c.do("POST", c.run.DialpadURL+"/stats", "dialpad-key", body)
		if err != nil || status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, _, _, _ := c.do("POST", c.run.DialpadURL+"/stats", "another-key", yesterdaysCalls); status != 401 {
		t.Errorf("a wrong key answers %d", status)
	}
}

func TestTheQuotaSlidesAndCountsIdenticalPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Dialpad: DialpadOptions{Limits: DialpadLimits{RetryAfter: RetryAfterSeconds}}})
		run, err := w.StartInMemory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		transport := run.Transport()
		defer transport.CloseIdleConnections()
		post := func() *http.Response {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, run.DialpadURL+"/stats", strings.NewReader(yesterdaysCalls))
			req.Header.Set("Authorization", "Bearer dialpad-key")
			res, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			return res
		}
		for range 200 {
			time.Sleep(time.Second)
			if res := post(); res.StatusCode != http.StatusOK {
				t.Fatalf("status %d within the quota", res.StatusCode)
			}
		}
		if res := post(); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "3401" {
			t.Errorf("the 201st: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
		}
		time.Sleep(3401 * time.Second)
		if res := post(); res.StatusCode != http.StatusOK {
			t.Errorf("an hour after the first: %d", res.StatusCode)
		}
	})
}

func TestDownloadHosts(t *testing.T) {
	for _, x := range []struct {
		says    string
		style   DownloadStyle
		token   string
		status  int
		fromAPI bool
	}{
		{"a signed link works without a key", DownloadSigned, "", 200, false},
		{"a signed link refuses a key", DownloadSigned, "dialpad-key", 400, false},
		{"the API host wants the key", DownloadFromAPI, "", 403, true},
		{"the API host takes the key", DownloadFromAPI, "dialpad-key", 200, true},
		{"a redirect leads to the signed link", DownloadRedirect, "", 200, true},
		{"a redirect behind the key needs it", DownloadAPIRedirect, "", 403, true},
	} {
		c := start(t, Options{Dialpad: DialpadOptions{Download: x.style, ProcessingPolls: -1}})
		c.w.SetNow(noon)
		id, _ := c.post(yesterdaysCalls)
		_, text := c.look(id)
		var got struct {
			URL string `json:"download_url"`
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(got.URL, strings.TrimSuffix(c.run.DialpadURL, "/api/v2")) != x.fromAPI {
			t.Errorf("%s: link %s", x.says, got.URL)
		}
		if status, _, _, err := c.do("GET", got.URL, x.token, ""); err != nil || status != x.status {
			t.Errorf("%s: %d %v", x.says, status, err)
		}
		if status, _, _, _ := c.do("GET", strings.Replace(got.URL, "Signature=", "Signature=0", 1), x.token, ""); status == 200 {
			t.Errorf("%s: a wrong signature is served", x.says)
		}
	}
}

func TestOverlappingTargetsReturnTheSameRows(t *testing.T) {
	d := New(Options{}).Data()
	from, to := Day(2025, 11, 11, d.DialpadZone)
	office := map[int64]CallRow{}
	for r := range d.Calls(Offices()[0], from, to) {
		if _, twice := office[r.CallID]; twice {
			t.Fatalf("call_id %d twice in one report", r.CallID)
		}
		office[r.CallID] = r
	}
	for _, center := range CallCenters()[:2] {
		for r := range d.Calls(center, from, to) {
			if office[r.CallID] != r {
				t.Fatalf("row %d of %s is not the office's", r.CallID, center)
			}
		}
	}
	var legs, stats int64
	u := Target{"user", Users()[1].ID}
	for range d.Calls(u, from, to) {
		legs++
	}
	for _, s := range d.CallStatsByUser(Offices()[0], from, to) {
		if s.ID == u.ID {
			stats += s.All
		}
	}
	if legs == 0 || legs != stats {
		t.Errorf("%d legs of a user, %d in the stats", legs, stats)
	}
}
