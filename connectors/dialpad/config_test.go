package dialpad

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestSettingsReportEveryFaultAtOnce(t *testing.T) {
	_, faults := Config{
		URL: "http://dialpad.com/api/v2?apikey=" + testKey, Token: "two words", Timezone: "Mexico", OfficeID: "HQ",
		Targets: "callcenter:1,callcenter:01", GroupBy: "week", PollFirst: "soon", PollEvery: "0s", PostQuota: "200",
		Window: "15m", Settle: "-1h", Lookback: "x", Rate: "0", Timeout: "1",
	}.Settings("WINDROW_DIALPAD_")
	var got []string
	for _, f := range faults {
		got = append(got, strings.TrimPrefix(f.Variable, "WINDROW_DIALPAD_"))
		if strings.Contains(f.String(), testKey) || strings.Contains(f.String(), "two words") {
			t.Errorf("a fault repeats a secret: %s", f)
		}
	}
	want := []string{
		"TOKEN", "URL", "TIMEZONE", "GROUP_BY", "OFFICE_ID", "TARGETS", "POLL_FIRST", "POLL_EVERY",
		"POST_QUOTA", "WINDOW", "SETTLE", "LOOKBACK", "RATE", "TIMEOUT",
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults of\n%v, want\n%v", got, want)
	}
}

func TestSettingsFaults(t *testing.T) {
	cases := []struct {
		says   string
		change func(*Config)
		wants  string // the variable at fault; empty: none
	}{
		{"the least that configures the source", func(*Config) {}, ""},
		{"no zone", func(c *Config) { c.Timezone = "" }, "TIMEZONE"},
		{"the machine's own zone", func(c *Config) { c.Timezone = "Local" }, "TIMEZONE"},
		{"an unknown target type", func(c *Config) { c.Targets = "company:1" }, "TARGETS"},
		{"a target type with an underscore, as rows spell it", func(c *Config) { c.Targets = "call_center:1" }, "TARGETS"},
		{"an id beyond int64", func(c *Config) { c.Targets = "user:99999999999999999999" }, "TARGETS"},
		{"an id that is not a number", func(c *Config) { c.Targets = "user:me" }, "TARGETS"},
		{"a trailing comma", func(c *Config) { c.Targets = "user:1," }, "TARGETS"},
		{"the placeholder of the vendor's documents, which is no target", func(c *Config) { c.Targets = "unknown:1" }, "TARGETS"},
		{"a company that is not a number", func(c *Config) { c.CompanyID = "acme" }, "COMPANY_ID"},
		{"a company of several", func(c *Config) { c.CompanyID = " 4611000000000001 " }, ""},
		{"trainees that are neither true nor false", func(c *Config) { c.Trainees = "yes" }, "TRAINEES"},
		{"a unit that no recording has", func(c *Config) { c.RecordingUnit = "hours" }, "RECORDING_UNIT"},
		{"recordings in milliseconds", func(c *Config) { c.RecordingUnit = "milliseconds" }, ""},
		{"the same id of two types", func(c *Config) { c.Targets = "user:1, room:1" }, ""},
		{"a user name in the URL", func(c *Config) { c.URL = "https://me:pass@dialpad.com/api/v2" }, "URL"},
		{"http beyond loopback", func(c *Config) { c.URL = "http://dialpad.com/api/v2" }, "URL"},
		{"http on loopback", func(c *Config) { c.URL = "http://127.0.0.1:8080/api/v2" }, ""},
		{"grouped by group for the company", func(c *Config) { c.GroupBy = "group" }, "GROUP_BY"},
		{"grouped by group for an office", func(c *Config) { c.GroupBy, c.OfficeID = "group", "7" }, ""},
		{"grouped by group for an office target", func(c *Config) { c.GroupBy, c.Targets = "group", "office:7" }, ""},
		{"grouped by group for a call centre", func(c *Config) { c.GroupBy, c.OfficeID, c.Targets = "group", "7", "callcenter:1" }, "GROUP_BY"},
		{"a quota in days", func(c *Config) { c.PostQuota = "1000/2d" }, "POST_QUOTA"},
		{"a quota of nothing", func(c *Config) { c.PostQuota = "0/1h" }, "POST_QUOTA"},
		{"a quota of two hours", func(c *Config) { c.PostQuota = "400 / 2h" }, ""},
		{"a token with a line break behind it", func(c *Config) { c.Token = testKey + "\n" }, ""},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			conf := testConfig()
			c.change(&conf)
			_, faults := conf.Settings("WINDROW_DIALPAD_")
			switch {
			case c.wants == "" && len(faults) > 0:
				t.Errorf("faults: %v", faults)
			case c.wants != "" && (len(faults) != 1 || faults[0].Variable != "WINDROW_DIALPAD_"+c.wants):
				t.Errorf("faults: %v, want one of %s", faults, c.wants)
			}
		})
	}
}

func TestTheDocumentedDefaultsAreThoseInForce(t *testing.T) {
	blank := testSettings(t, func(c *Config) { c.URL = "" })
	spelt := testSettings(t, func(c *Config) {
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			if def := v.Type().Field(i).Tag.Get("default"); def != "" {
				v.Field(i).SetString(def)
			}
		}
	})
	if !reflect.DeepEqual(blank, spelt) {
		t.Errorf("unset: %+v\ndefaults typed: %+v", blank, spelt)
	}
	if got := blank.quota; got != (quota{200, time.Hour}) {
		t.Errorf("quota %s", got)
	}
}

func TestRealVendorIsDialpadAndItsSubdomains(t *testing.T) {
	for url, want := range map[string]bool{
		"https://dialpad.com/api/v2":         true,
		"https://SANDBOX.Dialpad.com/api/v2": true,
		"https://dialpad.com./api/v2":        true,
		"https://notdialpad.com/api/v2":      false,
		"https://dialpad.com.evil.test/":     false,
		"http://localhost:8080/api/v2":       false,
	} {
		if got := testSettings(t, func(c *Config) { c.URL = url }).RealVendor(); got != want {
			t.Errorf("RealVendor of %s: %v, want %v", url, got, want)
		}
	}
}

func TestScopesAreTheTargetsElseTheOfficeElseTheCompany(t *testing.T) {
	cases := []struct {
		office, targets string
		want            []scope
	}{
		{"", "", []scope{{}}},
		{"7", "", []scope{{kind: officeScope, id: 7}}},
		{"7", "department:5, callcenter:3", []scope{
			{kind: targetScope, target: "department", id: 5}, {kind: targetScope, target: "callcenter", id: 3},
		}},
	}
	for _, c := range cases {
		s := testSettings(t, func(conf *Config) { conf.OfficeID, conf.Targets = c.office, c.targets })
		if !slices.Equal(s.scopes, c.want) {
			t.Errorf("office %q, targets %q: %v", c.office, c.targets, s.scopes)
		}
	}
}

// FuzzTargets feeds what people may type into the two settings with a syntax
// of their own. What is accepted must say the same when it is read back.
func FuzzTargets(f *testing.F) {
	for _, seed := range []string{
		"callcenter:123,department:456", "user:1", "callcenter:001", ":", ",", "office:", "200/1h", "1/1m30s",
		"400/2h", "9/", "/1h", "-1/1h", "1/-1h", "1e3/1h", "callcenter:1,callcenter:1", "user:9223372036854775807",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if targets, err := parseTargets(v); err == nil {
			var spelt []string
			for i, s := range targets {
				if s.id < 1 || !slices.Contains(targetTypes, s.target) || slices.Contains(targets[:i], s) {
					t.Fatalf("%q gives %v", v, targets)
				}
				spelt = append(spelt, s.String())
			}
			again, err := parseTargets(strings.Join(spelt, ","))
			if err != nil || !slices.Equal(again, targets) {
				t.Fatalf("%q gives %v, which reads back as %v, %v", v, targets, again, err)
			}
		}
		if q, err := parseQuota(v); err == nil {
			if q.posts < 1 || q.per <= 0 || q.per > 24*time.Hour {
				t.Fatalf("%q gives %+v", v, q)
			}
			if again, err := parseQuota(q.String()); err != nil || again != q {
				t.Fatalf("%q gives %s, which reads back as %+v, %v", v, q, again, err)
			}
		}
	})
}

func TestStreamsShowWhatIsServedAndWhatIsMissing(t *testing.T) {
	const needs = "WINDROW_DIALPAD_TARGETS (callcenter, coachinggroup, coachingteam, office)"
	for _, c := range []struct {
		targets string
		missing map[pipeline.StreamID]string
	}{
		{"", map[pipeline.StreamID]string{"dialpad.csat": needs, "dialpad.dispositions": needs}},
		{"department:5,user:6", map[pipeline.StreamID]string{"dialpad.csat": needs, "dialpad.dispositions": needs}},
		{"department:5,coachingteam:6", nil},
	} {
		set := testSettings(t, func(conf *Config) { conf.Targets, conf.OfficeID = c.targets, "7" })
		all := Streams(set, "mx", pipeline.Policy{})
		if len(all) != 15 {
			t.Fatalf("%d streams", len(all))
		}
		for _, s := range all {
			if want := c.missing[s.Key.Stream]; strings.Join(s.Missing, " and ") != want {
				t.Errorf("targets %q: %s is missing %v, want %q", c.targets, s.Key.Stream, s.Missing, want)
			}
			if len(s.Missing) == 0 && (s.Format == nil || s.Settings == "") {
				t.Errorf("%s is served but %+v", s.Key.Stream, s)
			}
			if !s.DueSettled || !strings.Contains(s.StaleHint, "cache of 3 hours") || s.Cache != 3*time.Hour || s.Settle != 6*time.Hour || s.Lookback != 72*time.Hour || s.Key.Account != "mx" || s.Table == nil {
				t.Errorf("%s: %+v", s.Key.Stream, s)
			}
		}
	}
	for _, s := range Streams(nil, pipeline.DefaultAccount, pipeline.Policy{}) {
		want := []string{"WINDROW_DIALPAD_TOKEN", "WINDROW_DIALPAD_TIMEZONE"}
		if s.Key.Stream == "dialpad.csat" || s.Key.Stream == "dialpad.dispositions" {
			want = append(want, "WINDROW_DIALPAD_TARGETS")
		}
		if !slices.Equal(s.Missing, want) {
			t.Errorf("unconfigured, %s is missing %v", s.Key.Stream, s.Missing)
		}
	}
}

func TestOnlyWhatNobodyHasPublishedIsLeftOutOfTheDefault(t *testing.T) {
	var named []string
	for _, s := range Streams(testSettings(t, func(c *Config) { c.Targets = "callcenter:1" }), "mx", pipeline.Policy{}) {
		if !s.Chosen(nil) {
			named = append(named, string(s.Key.Stream))
		}
		if s.Chosen([]pipeline.StreamID{pipeline.DefaultStreams}) != s.Chosen(nil) || !s.Chosen([]pipeline.StreamID{"x", s.Key.Stream}) || s.Chosen([]pipeline.StreamID{"x"}) {
			t.Errorf("%s is chosen otherwise", s.Key.Stream)
		}
	}
	if got := strings.Join(named, " "); got != "dialpad.screenshare dialpad.texts_stats dialpad.voicemails_stats dialpad.recordings_stats dialpad.onduty_stats dialpad.screenshare_stats" {
		t.Errorf("only by name: %s", got)
	}
}

func TestStatisticsHaveWindowsOfADayAtLeast(t *testing.T) {
	for _, c := range []struct{ window, records, stats string }{
		{"", "1d", "1d"}, {"1h", "1h", "1d"}, {"6h", "6h", "1d"}, {"7d", "7d", "7d"}, {"1mo", "1mo", "1mo"}, {"1y", "1y", "1y"},
	} {
		src := newTestSource(t, newVendor(t), Options{}, func(conf *Config) { conf.Window = c.window })
		calls, stats := streamOf(t, src, "dialpad.calls"), streamOf(t, src, "dialpad.calls_stats")
		if calls.Calendar.String() != c.records || stats.Calendar.String() != c.stats {
			t.Errorf("WINDOW=%q: %s and %s", c.window, calls.Calendar, stats.Calendar)
		}
		if calls.Grain != (pipeline.Calendar{}) || stats.Grain.String() != "1d" || stats.Grain.Zone != src.set.zone {
			t.Errorf("WINDOW=%q: grains %v and %v", c.window, calls.Grain, stats.Grain)
		}
	}
}

func TestTheDigestFollowsWhatShapesRows(t *testing.T) {
	digest := func(stream pipeline.StreamID, change func(*Config)) string {
		return streamOf(t, newTestSource(t, newVendor(t), Options{}, change), stream).Settings
	}
	two := digest("dialpad.calls", func(c *Config) { c.Targets = "user:1,user:2" })
	for says, other := range map[string]string{
		"the order of targets, which decides who keeps a row": digest("dialpad.calls", func(c *Config) { c.Targets = "user:2,user:1" }),
		"fewer targets": digest("dialpad.calls", func(c *Config) { c.Targets = "user:1" }),
		"no targets":    digest("dialpad.calls", nil),
	} {
		if other == two {
			t.Errorf("the digest does not see %s", says)
		}
	}
	if digest("dialpad.calls", func(c *Config) { c.OfficeID = "7" }) == digest("dialpad.calls", func(c *Config) { c.Targets = "office:7" }) {
		t.Error("an office's lines and all targets under the office have one digest")
	}
	byDate := func(c *Config) { c.GroupBy = "date" }
	if digest("dialpad.calls_stats", byDate) == digest("dialpad.calls_stats", nil) {
		t.Error("the digest does not see the grouping")
	}
	if digest("dialpad.calls", byDate) != digest("dialpad.calls", nil) {
		t.Error("the grouping of statistics changes the digest of records")
	}
	unit := func(c *Config) { c.RecordingUnit = "minutes" }
	if digest("dialpad.recordings", unit) == digest("dialpad.recordings", nil) || digest("dialpad.calls", unit) != digest("dialpad.calls", nil) {
		t.Error("the unit of recordings is not in the digest of recordings alone")
	}
	some := func(targets string) string { return digest("dialpad.csat", func(c *Config) { c.Targets = targets }) }
	if some("callcenter:1") != some("callcenter:1,department:2") || some("callcenter:1") == some("callcenter:1,office:2") {
		t.Error("the digest of csat is not of the targets that it asks")
	}
	if digest("dialpad.calls", func(c *Config) { c.Rate, c.Timezone, c.Window = "1", "UTC", "7d" }) != digest("dialpad.calls", nil) {
		t.Error("the digest sees what shapes no row")
	}
}
