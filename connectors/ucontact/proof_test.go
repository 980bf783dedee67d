package ucontact

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// busy is a vendor of whose names and channels some had their last row so many days ago.
type busy struct {
	sync.Mutex
	agents    map[string]int
	campaigns map[string]int // "campaign channel"
	heavy     int            // days × names that are too heavy; 0: none
	form      string         // of the answer, with %s for its rows
	calls     []asked
}

var proofNow = time.Date(2025, 9, 10, 18, 30, 0, 0, time.UTC)

func (b *busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body struct{ Stats string }
	if err := json.Unmarshal(raw, &body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a := asked{query: r.URL.Query(), names: strings.Split(body.Stats, ",")}
	b.Lock()
	defer b.Unlock()
	b.calls = append(b.calls, a)
	from, to := vendorTime(a.query.Get("initialdate")), vendorTime(a.query.Get("finaldate"))
	if hours := int(to.Sub(from)/time.Hour) + 1; b.heavy > 0 && hours*len(a.names) > b.heavy*24 {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	var rows []string
	had := func(ago int, ok bool) bool {
		at := proofNow.Add(-time.Duration(ago)*24*time.Hour - 2*time.Hour)
		return ok && !at.Before(from) && at.Before(to)
	}
	for _, n := range a.names {
		if ago, ok := b.agents[n]; a.query.Get("type") == "agent" && had(ago, ok) {
			rows = append(rows, fmt.Sprintf(`{"date":"Sep 8, 2025, 9:00:00 AM","resource":%q,"connected":1}`, n))
		}
		for c := range strings.SplitSeq(a.query.Get("channels"), ",") {
			if ago, ok := b.campaigns[n+" "+c]; had(ago, ok) {
				rows = append(rows, fmt.Sprintf(`{"date":"Sep 8, 2025, 9:00:00 AM","resource":%q,"channel":%q}`, n, c))
			}
		}
	}
	form := b.form
	if form == "" {
		form = "[%s]"
	}
	_, _ = fmt.Fprintf(w, form, strings.Join(rows, ","))
}

func prove(t *testing.T, h http.Handler, change func(*Config), streams ...pipeline.StreamID) []pipeline.Proof {
	t.Helper()
	s := newSource(t, h, change)
	s.opt.Clock = func() time.Time { return proofNow }
	if len(streams) == 0 {
		streams = []pipeline.StreamID{Agents, Campaigns}
	}
	return s.Prove(t.Context(), streams)
}

func warnings(proofs []pipeline.Proof) string {
	var all []string
	for _, p := range proofs {
		all = append(all, p.Warnings...)
		if p.Err != nil {
			all = append(all, p.Err.Error())
		}
	}
	return strings.Join(all, "\n")
}

func TestNamesAndChannelsWithoutARowAreNamed(t *testing.T) {
	for _, c := range []struct {
		says   string
		vendor *busy
		change func(*Config)
		warns  []string // their beginnings, in order
	}{
		{"all are busy", &busy{agents: map[string]int{"A": 0, "B": 0}}, func(c *Config) { c.Agents = "A,B" }, nil},
		{"busy within 30 days", &busy{agents: map[string]int{"A": 0, "B": 6, "C": 29}}, func(c *Config) { c.Agents = "A,B,C" }, nil},
		{"not since", &busy{agents: map[string]int{"A": 0, "B": 30}}, func(c *Config) { c.Agents = "A,B" }, []string{`agent "B" had no row since 2025-08-11`}},
		{"another case is another name", &busy{agents: map[string]int{"ana": 0}}, func(c *Config) { c.Agents = "Ana" }, []string{`agent "Ana" had no row`}},
		{"a campaign and its channels", &busy{campaigns: map[string]int{"Ventas<- sms": 0, "Soporte email": 20}},
			func(c *Config) { c.Campaigns, c.Channels = "Ventas<-,Soporte,Typo", "sms,email,fax" },
			[]string{`campaign "Typo" had no row`, `channel "fax" had no row since 2025-08-11: check the spelling in WINDROW_UCONTACT_CHANNELS`}},
		{"a channel that a busy campaign had long ago", &busy{campaigns: map[string]int{"Ventas sms": 0, "Ventas fax": 25}},
			func(c *Config) { c.Campaigns, c.Channels = "Ventas", "sms,fax" }, nil},
		{"the default channels are nobody's word", &busy{campaigns: map[string]int{"Ventas sms": 0}}, func(c *Config) { c.Campaigns = "Ventas" }, nil},
		{"channels without a campaign", &busy{agents: map[string]int{"A": 0}}, func(c *Config) { c.Agents, c.Channels = "A", "fax" }, nil},
		{"a month that is too heavy", &busy{agents: map[string]int{"A": 0, "B": 29}, heavy: 5}, func(c *Config) { c.Agents = "A,B,C" }, []string{`agent "C" had no row since 2025-08-11`}},
		{"a mark before the document", &busy{agents: map[string]int{"A": 0}, form: "\ufeff[%s]"}, func(c *Config) { c.Agents = "A,B" }, []string{`agent "B"`}},
		{"rows of other shapes", &busy{agents: map[string]int{"A": 0}, form: `[3,"x",{"resource":7,"channel":null},%s]`}, func(c *Config) { c.Agents = "A,7" }, nil},
	} {
		t.Run(c.says, func(t *testing.T) {
			proofs := prove(t, c.vendor, func(conf *Config) {
				conf.Agents, conf.Campaigns = "", ""
				c.change(conf)
			})
			var warned []string
			for _, p := range proofs {
				if p.Err != nil {
					t.Errorf("%s: %v", p.What, p.Err)
				}
				warned = append(warned, p.Warnings...)
			}
			if !slices.EqualFunc(warned, c.warns, strings.HasPrefix) {
				t.Errorf("warned of\n%s", strings.Join(warned, "\n"))
			}
		})
	}
}

func TestAGroupThatTheVendorDoesNotDocumentIsNamed(t *testing.T) {
	for group, named := range map[string]bool{"15": false, "60": false, "bim": false, "yer": false, "5": true, "120": true, "1440": true} {
		proofs := prove(t, &busy{agents: map[string]int{"A": 0}}, func(c *Config) { c.Agents, c.Campaigns, c.GroupNum = "A", "", group })
		if text := warnings(proofs); strings.Contains(text, "GROUPNUM is "+group+", which the vendor does not document") != named {
			t.Errorf("%s: warned of %q", group, text)
		}
	}
}

func TestMetricsThatNobodyCataloguedAreNamed(t *testing.T) {
	world := vendorsim.New(vendorsim.Options{Clock: func() time.Time { return proofNow }, UContact: vendorsim.UContactOptions{Token: "t", Agents: []string{"Ana"}}})
	for _, c := range []struct {
		says   string
		change func(*Config)
		warns  []string
	}{
		{"all that come back", func(*Config) {}, []string{
			"not catalogued, so that nothing adds them up, but kept in extras: averageAttendedTime (a mean?), transferedAgents; WINDROW_UCONTACT_METRICS says",
			"not catalogued, so that nothing adds them up, but kept in extras: averageAttendedTime (a mean?), serviceLevel (a mean?), transferedCampaigns; "}},
		{"less what the account knows", func(c *Config) {
			c.Metrics = "averageAttendedTime=avg_handle_seconds:seconds,SERVICELEVEL=extras:mean,transferedCampaigns=extras:sum"
		}, []string{"not catalogued, so that nothing adds them up, but kept in extras: transferedAgents; "}},
		{"only what was asked for comes back", func(c *Config) { c.AgentMetrics, c.CampaignMetrics = "inInteractions,connected", "inboundAnswered" }, nil},
	} {
		proofs := prove(t, world.UContact(), func(conf *Config) {
			conf.Token, conf.Agents, conf.Campaigns = "t", "Ana", "Ventas"
			c.change(conf)
		})
		var warned []string
		for _, p := range proofs {
			warned = append(warned, p.Warnings...)
		}
		if !slices.EqualFunc(warned, c.warns, strings.HasPrefix) {
			t.Errorf("%s: warned of\n%s", c.says, strings.Join(warned, "\n"))
		}
	}
}

func TestTheTargetsAreTheConfiguredNamesWithTheirRows(t *testing.T) {
	world := vendorsim.New(vendorsim.Options{
		Clock: func() time.Time { return proofNow }, UContact: vendorsim.UContactOptions{Token: "t", MaxLoad: 500, Agents: []string{"Ana"}},
	})
	s := newSource(t, world.UContact(), func(c *Config) {
		c.Token, c.Agents, c.Campaigns, c.Channels = "t", "Ana,Nadie", "Ventas", "telephony,sms"
	})
	s.opt.Clock = func() time.Time { return proofNow }
	got, err := s.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end := proofNow.Truncate(time.Hour)
	start := end.AddDate(0, 0, -30)
	_, ana := world.Data().AgentSpan("Ana", start, end, time.Hour)
	_, voice := world.Data().CampaignSpan("Ventas", "telephony", start, end, time.Hour)
	_, sms := world.Data().CampaignSpan("Ventas", "sms", start, end, time.Hour)
	var lines []string
	for _, of := range got {
		lines = append(lines, fmt.Sprintf("%s %s %d", of.Kind, of.Target, *of.Rows))
	}
	if want := []string{fmt.Sprintf("agent Ana %d", ana), "agent Nadie 0", fmt.Sprintf("campaign Ventas %d", voice+sms)}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

func TestWhoWasBusyTodayIsNotAskedForTheMonth(t *testing.T) {
	v := &busy{agents: map[string]int{"A": 0, "B": 10}}
	prove(t, v, func(c *Config) { c.Agents, c.Campaigns = "A,B", "" })
	var got []string
	for _, a := range v.calls[1:] { // the first is Check's
		got = append(got, a.query.Get("initialdate")[:10]+" "+strings.Join(a.names, ","))
	}
	if want := []string{"2025-09-09 A,B", "2025-09-03 B", "2025-08-11 B"}; !slices.Equal(got, want) {
		t.Errorf("asked %q", got)
	}
}

func TestOnlyStreamsThatAreReadAreProven(t *testing.T) {
	v := &busy{}
	change := func(c *Config) { c.Agents, c.Campaigns = "A", "V" }
	if got := warnings(prove(t, v, change, Campaigns)); !strings.Contains(got, `campaign "V"`) || strings.Contains(got, `agent "A"`) {
		t.Error(got)
	}
}

func TestAVendorThatFindsEverythingTooHeavyIsNotAskedForEver(t *testing.T) {
	calls := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		if calls == 1 {
			_, _ = io.WriteString(w, "[]")
			return
		}
		w.WriteHeader(http.StatusRequestTimeout)
	})
	proofs := prove(t, h, func(c *Config) { c.Agents, c.Campaigns = "A,B,C", "" })
	if text := warnings(proofs); proofs[1].Err != nil || calls > proofCalls+1 || !strings.Contains(text, "too heavy") || strings.Contains(text, "2025-08-11") {
		t.Errorf("%d calls: %s", calls, text)
	}
}

func TestAFaultWhileNamesAreProvenFails(t *testing.T) {
	for _, c := range []struct {
		code int
		body string
		kind pipeline.Kind
	}{
		{401, "", pipeline.Unauthorized},
		{400, "", pipeline.Refused},
		{500, "", pipeline.Unavailable},
		{200, "<html>", pipeline.Malformed},
		{200, `{"error":"no"}`, pipeline.Malformed},
	} {
		calls := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls == 1 {
				_, _ = io.WriteString(w, "[]")
				return
			}
			w.WriteHeader(c.code)
			_, _ = io.WriteString(w, c.body)
		})
		proofs := prove(t, h, func(c *Config) { c.Agents, c.Campaigns = "A", "" })
		if err := proofs[1].Err; pipeline.KindOf(err) != c.kind || len(proofs[1].Warnings) > 0 {
			t.Errorf("%d %q: %v", c.code, c.body, err)
		}
	}
}

func TestWhereTheTokenIsRefusedNothingElseIsAsked(t *testing.T) {
	calls := 0
	proofs := prove(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusUnauthorized)
	}), nil)
	if calls != 1 || len(proofs) != 1 || pipeline.KindOf(proofs[0].Err) != pipeline.Unauthorized {
		t.Errorf("%d calls, %+v", calls, proofs)
	}
}

func TestTheSimulatedVendorsNamesAreProven(t *testing.T) {
	world := vendorsim.New(vendorsim.Options{
		Clock:    func() time.Time { return proofNow },
		UContact: vendorsim.UContactOptions{Token: "t", MaxLoad: 500, Agents: []string{"Ana"}},
	})
	proofs := prove(t, world.UContact(), func(c *Config) {
		c.Token, c.Agents, c.Campaigns, c.Channels = "t", "Ana,Nadie", "Ventas", "telephony,fax"
	})
	text := warnings(proofs)
	if strings.Count(text, "\n") != 3 || !strings.Contains(text, `agent "Nadie" had no row since 2025-08-11`) || !strings.Contains(text, `channel "fax" had no row since 2025-08-11`) {
		t.Error(text)
	}
}

func TestNoWarningOfAProofTellsASecret(t *testing.T) {
	const token = "planted-0123456789"
	vendor := &busy{agents: map[string]int{"A": 0}, form: `[{"resource":"A","` + token + `":1},%s]`}
	text := warnings(prove(t, vendor, func(c *Config) { c.Token, c.Agents, c.Campaigns = token, "A", "" }))
	if !strings.Contains(text, "kept in extras: …;") || strings.Contains(text, token) {
		t.Error(text)
	}
}
