package ucontact

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// valid is a configuration without faults.
func valid() Config {
	return Config{URL: "https://acme.ucontactcloud.com", Token: "token", Timezone: "America/Mexico_City", Agents: "Agent1,Agent2", Campaigns: "Ventas,Soporte<-"}
}

func settings(t *testing.T, change func(*Config)) *Settings {
	t.Helper()
	c := valid()
	if change != nil {
		change(&c)
	}
	s, faults := c.Settings(Prefix)
	if len(faults) > 0 {
		t.Fatalf("faults %v", faults)
	}
	return s
}

func TestDefaultsOfTheTagsAreThoseOfTheCode(t *testing.T) {
	filled := valid()
	v := reflect.ValueOf(&filled).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if tag.Get("desc") == "" {
			t.Errorf("%s has no description", tag.Get("envconfig"))
		}
		if d := tag.Get("default"); d != "" {
			v.Field(i).SetString(d)
		}
	}
	with, faults := filled.Settings(Prefix)
	if len(faults) > 0 || !reflect.DeepEqual(with, settings(t, nil)) {
		t.Errorf("with the tags' defaults: %+v, %v", with, faults)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	c := Config{
		Token: "Bearer hidden", URL: "http://acme.ucontactcloud.com/api", Timezone: "Mexico", Agents: "a,,b", Campaigns: "a,a",
		Channels: "sms,e mail", GroupNum: "50", AgentMetrics: "a b", CampaignMetrics: ",", Metrics: "x", ResponseZone: "local", Window: "1w",
		Settle: "-2h", Lookback: "2", Rate: "fast", Timeout: "0",
	}
	_, faults := c.Settings("WINDROW_UCONTACT_MX_")
	var names []string
	for _, f := range faults {
		names = append(names, strings.TrimPrefix(f.Variable, "WINDROW_UCONTACT_MX_"))
		if strings.Contains(f.String(), "hidden") {
			t.Errorf("the fault holds the token: %v", f)
		}
	}
	want := []string{"TOKEN", "URL", "TIMEZONE", "AGENTS", "CAMPAIGNS", "CHANNELS", "AGENT_METRICS", "CAMPAIGN_METRICS",
		"METRICS", "RESPONSE_TIMEZONE", "GROUPNUM", "WINDOW", "SETTLE", "LOOKBACK", "RATE", "TIMEOUT"}
	if !slices.Equal(names, want) {
		t.Errorf("faults of %v", names)
	}
}

func TestATokenNeedsURLAndTimeZone(t *testing.T) {
	if (Config{URL: "x", Timezone: "UTC"}).Configured() || !(Config{Token: "x"}).Configured() {
		t.Error("a token is what configures the source")
	}
	_, faults := Config{Token: "x"}.Settings(Prefix)
	if len(faults) != 2 || faults[0].Variable != Prefix+"URL" || faults[1].Variable != Prefix+"TIMEZONE" || faults[1].Example == "" {
		t.Errorf("faults %v", faults)
	}
}

func TestGroupsAndTheirWindows(t *testing.T) {
	for _, tc := range []struct {
		group, window string
		grain, cut    string
		fault         bool
	}{
		{"15", "", "15m", "1d", false},
		{"", "", "60m", "1d", false},
		{"60", "1h", "60m", "1h", false},
		{"120", "1h", "", "", true},
		{"360", "6h", "360m", "6h", false},
		{"1440", "", "1d", "1d", false},
		{"1440", "6h", "", "", true},
		{"mth", "", "1mo", "1mo", false},
		{"mth", "1d", "", "", true},
		{"mth", "7d", "", "", true},
		{"mth", "1y", "1mo", "1y", false},
		{"bim", "", "2mo", "2mo", false},
		{"bim", "3mo", "", "", true},
		{"tri", "", "3mo", "3mo", false},
		{"sem", "", "6mo", "6mo", false},
		{"yer", "", "1y", "1y", false},
		{"7", "", "", "", true},
		{"0", "", "", "", true},
		{"2880", "", "", "", true},
		{"day", "", "", "", true},
	} {
		c := valid()
		c.GroupNum, c.Window = tc.group, tc.window
		s, faults := c.Settings(Prefix)
		if len(faults) > 0 != tc.fault {
			t.Errorf("group %q, window %q: faults %v", tc.group, tc.window, faults)
			continue
		}
		if tc.fault {
			continue
		}
		grain, cut := s.group.grain.String(), s.window.String()
		if grain == "1h" {
			grain = "60m"
		}
		if grain == "6h" {
			grain = "360m"
		}
		if grain != tc.grain || cut != tc.cut {
			t.Errorf("group %q, window %q: intervals of %s, windows of %s", tc.group, tc.window, grain, cut)
		}
	}
}

func TestStreamsSayWhatIsMissing(t *testing.T) {
	missing := func(s *Settings) (all []string) {
		for _, stream := range Streams(s, "default", pipeline.Policy{}) {
			if stream.Format == nil || stream.Table != pipeline.Activity || stream.Calendar.Unit == calendar.AnyInstant {
				t.Errorf("stream %s is incomplete", stream.Key)
			}
			all = append(all, strings.Join(stream.Missing, "+"))
		}
		return all
	}
	if got := missing(settings(t, func(c *Config) { c.Campaigns = "" })); !slices.Equal(got, []string{"", Prefix + "CAMPAIGNS"}) {
		t.Errorf("%q", got)
	}
	if got := missing(nil); !strings.Contains(got[0], Prefix+"TOKEN") || !strings.Contains(got[0], Prefix+"AGENTS") || !strings.Contains(got[1], Prefix+"CAMPAIGNS") {
		t.Errorf("not configured: %q", got)
	}
}

func TestPromise08_TheDigestFollowsWhatShapesRows(t *testing.T) {
	digests := func(s *Settings) [2]string {
		list := Streams(s, "default", pipeline.Policy{})
		return [2]string{list[0].Settings, list[1].Settings}
	}
	base := digests(settings(t, nil))
	for _, tc := range []struct {
		name              string
		change            func(*Config)
		agents, campaigns bool // change
	}{
		{"another agent", func(c *Config) { c.Agents += ",Agent3" }, true, false},
		{"the order of agents", func(c *Config) { c.Agents = "Agent2,Agent1" }, false, false},
		{"another campaign", func(c *Config) { c.Campaigns += ",X" }, false, true},
		{"channels", func(c *Config) { c.Channels = "sms" }, false, true},
		{"agents' metrics", func(c *Config) { c.AgentMetrics = "connected" }, true, false},
		{"campaigns' metrics", func(c *Config) { c.CampaignMetrics = "inInteractions" }, false, true},
		{"a metric's column", func(c *Config) { c.Metrics = "art=avg_answer_seconds:seconds" }, true, true},
		{"the group", func(c *Config) { c.GroupNum = "30" }, true, true},
		{"the zone of answers", func(c *Config) { c.ResponseZone = "UTC" }, true, true},
		{"the pace", func(c *Config) { c.Rate, c.Timeout, c.Settle, c.Lookback = "1", "1m", "1h", "1d" }, false, false},
		{"the window's length", func(c *Config) { c.Window = "6h" }, false, false},
		{"a new token", func(c *Config) { c.Token = "other" }, false, false},
	} {
		got := digests(settings(t, tc.change))
		if got[0] != base[0] != tc.agents || got[1] != base[1] != tc.campaigns {
			t.Errorf("%s: agents changed %v, campaigns changed %v", tc.name, got[0] != base[0], got[1] != base[1])
		}
	}
}

func TestAMetricsUnitIsPartOfTheDigestAndTheOrderOfMetricsIsNot(t *testing.T) {
	of := func(metrics string) string {
		return settings(t, func(c *Config) { c.Metrics = metrics }).digest(statsTypes[0])
	}
	base := of("art=avg_answer_seconds:seconds,held=extras:mean")
	if base != of("held=extras:mean , art = avg_answer_seconds : seconds") {
		t.Error("the order of metrics changes the digest")
	}
	for _, other := range []string{"art=avg_answer_seconds:minutes,held=extras:mean", "art=avg_answer_seconds:seconds,held=extras:sum", "art=avg_answer_seconds:seconds"} {
		if of(other) == base {
			t.Errorf("%s has the digest of another", other)
		}
	}
}

func TestMetricsAreUnderstoodOrRefusedWithTheReason(t *testing.T) {
	for _, tc := range []struct {
		metrics string
		fault   string // what the problem says; empty: none
	}{
		{"attended=handled:count", ""},
		{"waits=queue_seconds:seconds,talks=talk_seconds:minutes,holds=hold_seconds:milliseconds", ""},
		{"art=extras:mean,now=extras:snapshot,all=extras:sum,people=extras:distinct", ""},
		{"inboundAnswered=extras:sum,attended=answered:count", ""}, // the catalogue's own is freed first
		{"connected=extras:sum", ""},
		{"attended", "name=column:unit"},
		{"attended=answered", "name=column:unit"},
		{"=answered:count", "name=column:unit"},
		{"attended=:count", "name=column:unit"},
		{"attended=answered:", "name=column:unit"},
		{"att ended=handled:count", "not a word"},
		{"resource=handled:count", "no metric"},
		{"Date=extras:mean", "no metric"},
		{"attended=handledd:count", "no measure of the table activity; what is told in count may fill interactions_in, "},
		{"attended=channel:count", "no measure"},
		{"attended=interval_start:count", "no measure"},
		{"attended=sync_id:count", "no measure"},
		{"attended=handled:seconds", "the column takes count"},
		{"waits=queue_seconds:count", "the column takes milliseconds, minutes, seconds"},
		{"waits=queue_seconds:hours", "the column takes milliseconds, minutes, seconds"},
		{"happy=csat:count", "keep it in extras, as happy=extras:mean"},
		{"art=extras:average", "none of sum, mean, distinct, snapshot"},
		{"a=handled:count,a=extras:sum", "names a twice"},
		{"a=handled:count,A=extras:sum", "names A twice"},
		{"a=handled:count,b=handled:count", "which a fills already"},
		{"attended=answered:count", "inboundAnswered fills already; say inboundAnswered=extras:sum"},
		{"online=login_seconds:seconds", "connected fills already; say connected=extras:sum"},
	} {
		c := valid()
		c.Metrics = tc.metrics
		_, faults := c.Settings(Prefix)
		switch {
		case tc.fault == "" && len(faults) > 0:
			t.Errorf("%s: %v", tc.metrics, faults)
		case tc.fault != "" && (len(faults) != 1 || faults[0].Variable != Prefix+"METRICS" || !strings.Contains(faults[0].Problem, tc.fault) || faults[0].Example == ""):
			t.Errorf("%s: %v", tc.metrics, faults)
		}
	}
	c := valid()
	c.AgentMetrics, c.CampaignMetrics, c.Metrics = "connected", "inInteractions", "art=extras:mean,connected=extras:sum"
	if _, faults := c.Settings(Prefix); len(faults) != 1 || !strings.Contains(faults[0].Problem, "names art, for which neither") {
		t.Errorf("a metric that is never asked for: %v", faults)
	}
}

func FuzzConfig(f *testing.F) {
	c := valid()
	f.Add(c.URL, c.Timezone, c.Agents, "60", "1d", "2h", "5", "request", "art=extras:mean")
	f.Add("http://127.0.0.1:1", "UTC", `"a,b"`, "mth", "3mo", "2d12h", "1e3", "UTC", "a=answered:count,b=talk_seconds:minutes")
	f.Add("https://u:p@x/y?z#", "Local", "a,,b", "0", "5h", "-1h", "NaN", "Etc/GMT+5", "=:,a==b::c")
	f.Fuzz(func(t *testing.T, address, zone, agents, group, window, lookback, rate, response, metrics string) {
		c := Config{Token: "t", URL: address, Timezone: zone, Agents: agents, GroupNum: group, Window: window, Lookback: lookback, Rate: rate, ResponseZone: response, Metrics: metrics}
		s, faults := c.Settings(Prefix)
		for _, fault := range faults {
			if !strings.HasPrefix(fault.Variable, Prefix) || fault.Problem == "" {
				t.Fatalf("fault %+v", fault)
			}
		}
		if len(faults) > 0 {
			return
		}
		source, err := New(s, Options{Account: "mx"})
		if err != nil {
			t.Fatalf("no fault, and yet: %v", err)
		}
		stream := source.Streams()[0]
		if !stream.Calendar.Multiple(stream.Grain) || stream.Lookback < 0 || !(s.pace.Rate > 0) {
			t.Fatalf("stream %+v at %v", stream, s.pace.Rate)
		}
		w := pipeline.Window{Span: stream.Calendar.Window(pipeline.InstantOf(time.Date(2025, 9, 8, 12, 0, 0, 0, time.UTC))), Zone: s.zone.String()}
		for _, e := range source.Plan(stream, []pipeline.Window{w}) {
			for _, r := range e.Requests {
				if r.Span != w.Span || len(r.Resources) == 0 {
					t.Fatalf("request %+v", r)
				}
			}
		}
	})
}
