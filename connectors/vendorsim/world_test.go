package vendorsim

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/windrow-data/windrow/testdata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client of a started world, without keep-alive so that nothing outlives a test.
type client struct {
	t   *testing.T
	w   *World
	run *Running
}

func start(t *testing.T, o Options) *client {
	t.Helper()
	w := New(o)
	run, err := w.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Close)
	return &client{t, w, run}
}

func (c *client) do(method, address, token, body string) (int, http.Header, string, error) {
	c.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Close = true
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b), err
}

// ok wants status 200.
func (c *client) ok(method, address, token, body string) string {
	c.t.Helper()
	status, _, text, err := c.do(method, address, token, body)
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %v %s", method, address, status, err, text)
	}
	return text
}

func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i] + "=" + strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
	}
	return b.String()
}

func (c *client) stats(body string) (text string) {
	c.t.Helper()
	var created struct {
		ID      string `json:"request_id"`
		Already bool   `json:"already_started"`
	}
	if err := json.Unmarshal([]byte(c.ok("POST", c.run.DialpadURL+"/stats", "dialpad-key", body)), &created); err != nil {
		c.t.Fatal(err)
	}
	for range 5 {
		var got struct {
			Status string
			URL    string `json:"download_url"`
		}
		if err := json.Unmarshal([]byte(c.ok("GET", c.run.DialpadURL+"/stats/"+created.ID, "dialpad-key", "")), &got); err != nil {
			c.t.Fatal(err)
		}
		if got.Status == "complete" {
			return c.ok("GET", got.URL, "", "")
		}
	}
	c.t.Fatal("the report did not complete")
	return ""
}

func records(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader([]byte(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var noon = time.Date(2025, 11, 12, 18, 0, 0, 0, time.UTC)

func TestTheHeadersHaveTheVendorsColumns(t *testing.T) {
	c := start(t, Options{Dialpad: DialpadOptions{Limits: DialpadLimits{Rate: -1}}})
	c.w.SetNow(noon)
	for _, x := range []struct {
		body    string
		file    string // of testdata, that has the header; empty: none has
		columns int
	}{
		{`{"export_type":"records","stat_type":"calls"`, "calls/vendor.csv", 54},
		{`{"export_type":"stats","stat_type":"calls","group_by":"date"`, "calls_stats/vendor_date.csv", 68},
		{`{"export_type":"stats","stat_type":"calls"`, "calls_stats/vendor_user.csv", 55},
		{`{"export_type":"records","stat_type":"texts"`, "texts/vendor.csv", 14},
		{`{"export_type":"records","stat_type":"voicemails"`, "voicemails/vendor.csv", 14},
		{`{"export_type":"records","stat_type":"onduty"`, "", 14},
		{`{"export_type":"records","stat_type":"recordings"`, "", 13},
		{`{"export_type":"records","stat_type":"dispositions","target_type":"callcenter","target_id":"6529000000000101"`, "", 21},
		{`{"export_type":"records","stat_type":"csat","target_type":"callcenter","target_id":6529000000000101`, "", 5},
		{`{"export_type":"records","stat_type":"screenshare"`, "", 7},
		{`{"export_type":"stats","stat_type":"texts"`, "", 9},
	} {
		rows := records(t, c.stats(x.body+`,"timezone":"America/Chicago","days_ago_start":1,"days_ago_end":3}`))
		if len(rows[0]) != x.columns || len(rows) < 3 {
			t.Errorf("%s: %d columns in %d rows, want %d", x.body, len(rows[0]), len(rows), x.columns)
		}
		if header := strings.Join(rows[0], ","); x.file != "" && header != testdata.Header("dialpad/"+x.file) {
			t.Errorf("%s: the header %s is not that of %s", x.body, header, x.file)
		}
	}
}

func TestACallsFileIsTheDataOfItsDays(t *testing.T) {
	c := start(t, Options{})
	c.w.SetNow(noon)
	zone := c.w.Data().DialpadZone
	from, _ := Day(2025, 11, 9, zone)
	to, _ := Day(2025, 11, 12, zone)
	for _, target := range append(CallCenters(), Offices()...) {
		rows := records(t, c.stats(`{"export_type":"records","stat_type":"calls","timezone":"America/Chicago","days_ago_start":1,"days_ago_end":3,"target_type":"`+
			target.Kind+`","target_id":`+number(target.ID)+`}`))
		want := c.w.Data().CallTotals(target, from, to)
		if got := int64(len(rows) - 1); got != want.Rows || got == 0 {
			t.Errorf("%s: %d rows, want %d", target, got, want.Rows)
		}
	}
}

func TestUContactAnswersTheVendorsExample(t *testing.T) {
	c := start(t, Options{})
	c.w.SetNow(noon)
	address := c.run.UContactURL + "/api/stats?" + query("type", "agent", "initialdate", "2025-09-08 00:00:00 America/Mexico_City",
		"finaldate", "2025-09-08 23:59:59 America/Mexico_City", "groupnum", "60", "metrics", "inInteractions,outInteractions,connected", "byResource", "true")
	text := c.ok("POST", address, "ucontact-token", `{"stats":"Agent1,Agent2,Agent3"}`)
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatal(err)
	}
	var in float64
	for _, r := range rows {
		if len(r) != 5 || !strings.HasPrefix(r["date"].(string), "Sep 8, 2025, ") {
			t.Fatalf("row %v", r)
		}
		in += r["inInteractions"].(float64)
	}
	from, to := Day(2025, 9, 8, c.w.Data().UContactZone)
	var want Metrics
	wantRows := 0
	for _, a := range []string{"Agent1", "Agent2", "Agent3"} {
		m, n := c.w.Data().AgentSpan(a, from, to, time.Hour)
		want, wantRows = want.Add(m), wantRows+n
	}
	if int64(in) != want.InInteractions || len(rows) != wantRows || wantRows == 0 {
		t.Errorf("%v interactions in %d rows, want %d in %d", in, len(rows), want.InInteractions, wantRows)
	}
}
