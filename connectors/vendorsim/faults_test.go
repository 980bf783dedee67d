package vendorsim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// agentsDay is a query of one day.
func (c *client) agentsDay() string {
	return c.run.UContactURL + "/api/stats?" + query("type", "agent", "initialdate", "2025-09-08 05:00:00 UTC",
		"finaldate", "2025-09-09 04:59:59 UTC", "groupnum", "60", "byResource", "true")
}

const threeAgents = `{"stats":"Agent1,Agent2,Agent3"}`

func TestFaultsLookAsTheyShould(t *testing.T) {
	c := start(t, Options{})
	c.w.SetNow(noon)
	whole := c.ok("POST", c.agentsDay(), "ucontact-token", threeAgents)
	for _, x := range []struct {
		says  string
		fault Fault
		want  func(status int, h http.Header, text string, err error) bool
	}{
		{"a reset has no answer", Fault{Kind: FaultReset}, func(status int, _ http.Header, _ string, err error) bool { return status == 0 && err != nil }},
		{"a lost answer too", Fault{Kind: FaultLost}, func(status int, _ http.Header, _ string, err error) bool { return status == 0 && err != nil }},
		{"a status carries Retry-After", Fault{Kind: FaultStatus, Code: 429, Style: RetryAfterSeconds, RetryAfter: 1500 * time.Millisecond},
			func(status int, h http.Header, _ string, err error) bool {
				return status == 429 && h.Get("Retry-After") == "2"
			}},
		{"Retry-After may be a date", Fault{Kind: FaultStatus, Code: 503, Style: RetryAfterDate},
			func(_ int, h http.Header, _ string, _ error) bool {
				_, err := http.ParseTime(h.Get("Retry-After"))
				return err == nil
			}},
		{"a page comes with 200", Fault{Kind: FaultHTML}, func(status int, h http.Header, text string, _ error) bool {
			return status == 200 && strings.HasPrefix(text, "<!DOCTYPE") && strings.HasPrefix(h.Get("Content-Type"), "text/html")
		}},
		{"a blank body comes with 200", Fault{Kind: FaultBlank}, func(status int, _ http.Header, text string, err error) bool {
			return status == 200 && text == "" && err == nil
		}},
		{"a cut connection", Fault{Kind: FaultCut, Bytes: 100}, func(_ int, h http.Header, text string, err error) bool {
			return len(text) == 100 && errors.Is(err, io.ErrUnexpectedEOF) && h.Get("Content-Length") == ""
		}},
		{"a cut connection in the middle", Fault{Kind: FaultCut}, func(_ int, _ http.Header, text string, err error) bool {
			return len(text) == len(whole)/2 && errors.Is(err, io.ErrUnexpectedEOF)
		}},
		{"less than the declared length", Fault{Kind: FaultShort}, func(_ int, h http.Header, text string, err error) bool {
			return len(text) == len(whole)/2 && errors.Is(err, io.ErrUnexpectedEOF) && h.Get("Content-Length") != ""
		}},
		{"less than the declared length after some bytes", Fault{Kind: FaultShort, Bytes: 10}, func(_ int, h http.Header, text string, err error) bool {
			return len(text) == 10 && errors.Is(err, io.ErrUnexpectedEOF) && h.Get("Content-Length") != ""
		}},
		{"a document that ends early in a complete answer", Fault{Kind: FaultTruncate, Bytes: -3}, func(_ int, _ http.Header, text string, err error) bool {
			return text == whole[:len(whole)-3] && err == nil
		}},
		{"a slow body is whole", Fault{Kind: FaultSlow, Bytes: 4096, Pause: time.Millisecond}, func(_ int, _ http.Header, text string, err error) bool {
			return text == whole && err == nil
		}},
		{"another document", Fault{Kind: FaultReplace, Body: "[]"}, func(_ int, h http.Header, text string, _ error) bool {
			return text == "[]" && strings.HasPrefix(h.Get("Content-Type"), "application/json")
		}},
	} {
		x.fault.Path = "/api/stats"
		c.w.Inject(x.fault)
		status, h, text, err := c.do("POST", c.agentsDay(), "ucontact-token", threeAgents)
		if !x.want(status, h, text, err) {
			t.Errorf("%s: %d %v %.60q %v", x.says, status, h, text, err)
		}
		if again := c.ok("POST", c.agentsDay(), "ucontact-token", threeAgents); again != whole {
			t.Errorf("%s: the fault goes on", x.says)
		}
	}
}

func TestFailNthCountsOverAllHosts(t *testing.T) {
	c := start(t, Options{})
	c.w.SetNow(noon)
	c.w.FailNth(2)
	c.ok("POST", c.agentsDay(), "ucontact-token", threeAgents)
	if _, _, _, err := c.do("POST", c.run.DialpadURL+"/stats", "dialpad-key", yesterdaysCalls); err == nil {
		t.Error("the second request went well")
	}
	c.ok("POST", c.run.DialpadURL+"/stats", "dialpad-key", yesterdaysCalls)
	log := c.w.Log()
	if len(log) != 3 || log[1].Status != 0 || log[2].Status != 200 || !log[0].Authorization || log[0].Host != "ucontact" {
		t.Errorf("log %+v", log)
	}
}

func TestUContactRefusesAndTires(t *testing.T) {
	c := start(t, Options{UContact: UContactOptions{MaxLoad: 24}})
	for _, x := range []struct {
		says, from, body string
		status           int
	}{
		{"three agents' day is too heavy", "2025-09-08 05:00:00 UTC", threeAgents, 408},
		{"one agent's is not", "2025-09-08 05:00:00 UTC", `{"stats":"Agent1"}`, 200},
		{"a date needs its zone", "2025-09-08 05:00:00", threeAgents, 400},
		{"a zone must exist", "2025-09-08 05:00:00 Mars/Olympus", threeAgents, 400},
		{"names are one string", "2025-09-08 05:00:00 UTC", `{"stats":["Agent1"]}`, 400},
	} {
		address := c.run.UContactURL + "/api/stats?" + query("type", "agent", "initialdate", x.from, "finaldate", "2025-09-09 04:59:59 UTC", "groupnum", "60")
		if status, _, text, _ := c.do("POST", address, "ucontact-token", x.body); status != x.status {
			t.Errorf("%s: %d %s", x.says, status, text)
		}
		plus := strings.ReplaceAll(address, "%20", "+")
		if status, _, _, _ := c.do("POST", plus, "ucontact-token", x.body); status != 400 {
			t.Errorf("a plus sign for a space: %d", status)
		}
	}
}

func TestTheRepeatedHourHasOneLabelInLocalTimeAndTwoInUTC(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{UContact: UContactOptions{Zone: chicago}})
	count := func(from, to string) (in float64, rows int) {
		var all []map[string]any
		address := c.run.UContactURL + "/api/stats?" + query("type", "campaign", "initialdate", from, "finaldate", to, "groupnum", "60",
			"channels", "telephony,sms,email", "metrics", "inInteractions")
		if err := json.Unmarshal([]byte(c.ok("POST", address, "ucontact-token", `{"stats":"Ventas,Soporte"}`)), &all); err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			in += r["inInteractions"].(float64)
		}
		return in, len(all)
	}
	local, localRows := count("2025-11-02 00:00:00 America/Chicago", "2025-11-02 23:59:59 America/Chicago")
	utc, utcRows := count("2025-11-02 05:00:00 UTC", "2025-11-03 05:59:59 UTC")
	if local != utc || utcRows != localRows+1 {
		t.Errorf("local: %v in %d rows, UTC: %v in %d", local, localRows, utc, utcRows)
	}
}

func TestChatTonicSessionsEnd(t *testing.T) {
	c := start(t, Options{})
	c.w.SetNow(noon)
	address := c.run.ChatTonicURL + "/api/v1/acme/stats/operator?startDate=2025-11-11T03:00:00.000Z&endDate=2025-11-12T02:59:59.999Z"
	login := func() string {
		var in struct{ Token, AppCodename string }
		text := c.ok("POST", c.run.ChatTonicURL+"/api/v1/user/login", "", `{"username":"reports@acme.example","password":"correct horse"}`)
		if err := json.Unmarshal([]byte(text), &in); err != nil || in.AppCodename != "acme" || strings.Count(in.Token, ".") != 2 {
			t.Fatalf("login: %s", text)
		}
		return in.Token
	}
	token := login()
	var answer struct {
		Status    bool
		Operators []map[string]any
	}
	if err := json.Unmarshal([]byte(c.ok("GET", address, token, "")), &answer); err != nil || !answer.Status || len(answer.Operators) != 4 {
		t.Fatalf("operators: %v %+v", err, answer)
	}
	from, _ := time.Parse(time.RFC3339, "2025-11-11T03:00:00Z")
	want := c.w.Data().OperatorSpan("5ed96d95aef725fdfb", from, from.Add(24*time.Hour))
	if got := answer.Operators[0]["onlineTime"]; got != float64(want.OnlineTime) || want.OnlineTime == 0 {
		t.Errorf("onlineTime %v, want %d", got, want.OnlineTime)
	}
	c.w.ExpireTokens()
	if status, _, _, _ := c.do("GET", address, token, ""); status != 401 {
		t.Errorf("an ended session answers %d", status)
	}
	c.ok("GET", address, login(), "")
}

func TestEditsRewriteThePast(t *testing.T) {
	w := New(Options{})
	from, to := Day(2025, 11, 11, w.Data().DialpadZone)
	target := CallCenters()[0]
	before := w.Data().CallTotals(target, from, to)
	w.Edit(Edit{Stream: StreamCalls, From: from, To: to, Seed: 7})
	if after := w.Data().CallTotals(target, from, to); after == before || after.Rows == 0 {
		t.Errorf("totals %+v after %+v", after, before)
	}
	w.Edit(Edit{From: from, To: to, Vanish: true})
	if after := w.Data().CallTotals(target, from, to); after.Rows > 0 {
		t.Errorf("totals %+v after everything vanished", after)
	}
}

func TestNoDateLeavesTheDateOutOfGoodAndBadAnswers(t *testing.T) {
	for _, without := range []bool{false, true} {
		w := New(Options{NoDate: without})
		running, err := w.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Inject(Fault{Host: "chattonic", Kind: FaultStatus, Code: http.StatusBadGateway, Times: -1})
		for _, address := range []string{running.UContactURL, running.ChatTonicURL, running.DialpadURL, running.DownloadURL} {
			res, err := http.Get(address) //nolint:noctx // it ends with the test
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if got := res.Header.Get("Date"); (got == "") != without {
				t.Errorf("NoDate %v: %s answers with Date %q", without, address, got)
			}
		}
	}
}
