package chattonic

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// valid is a configuration without faults.
func valid() Config {
	return Config{URL: "https://chat.example", Username: "me", Password: "correct horse", Timezone: "America/Argentina/Buenos_Aires"}
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
	with.shape = settings(t, nil).shape // it tells what was typed
	if len(faults) > 0 || !reflect.DeepEqual(with, settings(t, nil)) {
		t.Errorf("with the tags' defaults: %+v, %v", with, faults)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	c := Config{
		Token: "Bearer hidden", Codename: "../x", URL: "ftp://chat.example", Timezone: "Local", DateFormatGroup: "%Y %j",
		ResponseZone: "GMT-3h", DurationUnit: "ms", Window: "5h", Settle: "x", Lookback: "-1d", Rate: "0", Timeout: "1ms",
	}
	_, faults := c.Settings("WINDROW_CHATTONIC_MX_")
	var names []string
	for _, f := range faults {
		names = append(names, strings.TrimPrefix(f.Variable, "WINDROW_CHATTONIC_MX_"))
		if strings.Contains(f.String(), "hidden") {
			t.Errorf("the fault holds the token: %v", f)
		}
	}
	want := []string{"TOKEN", "CODENAME", "URL", "TIMEZONE", "RESPONSE_TIMEZONE", "DURATION_UNIT", "DATE_FORMAT_GROUP", "WINDOW",
		"SETTLE", "LOOKBACK", "RATE", "TIMEOUT"}
	if !slices.Equal(names, want) {
		t.Errorf("faults of %v", names)
	}
}

func TestDaysOfAnotherZoneNameBothRemedies(t *testing.T) {
	c := Config{Token: "t", Codename: "acme", URL: "https://chat.example", Timezone: "America/Mexico_City", DateFormatGroup: "%Y-%m-%d"}
	_, faults := c.Settings(Prefix)
	if len(faults) != 1 || faults[0].Variable != Prefix+"DATE_FORMAT_GROUP" || faults[0].Example != "%Y-%m-%d %H:%M" ||
		!strings.Contains(faults[0].Problem, "set WINDROW_CHATTONIC_RESPONSE_TIMEZONE=America/Mexico_City") {
		t.Fatalf("faults %v", faults)
	}
	c.ResponseZone = c.Timezone // the remedy is one
	if _, faults := c.Settings(Prefix); len(faults) > 0 {
		t.Errorf("faults %v", faults)
	}
}

func TestCredentialsComeInTwoForms(t *testing.T) {
	for _, tc := range []struct {
		name       string
		c          Config
		configured bool
		fault      string // its variable; empty: none
	}{
		{"none", Config{}, false, "TOKEN"},
		{"a token and the codename", Config{Token: "t", Codename: "acme"}, true, ""},
		{"a token alone", Config{Token: "t"}, true, "CODENAME"},
		{"a login", Config{Username: "u", Password: "p"}, true, ""},
		{"a login with a codename", Config{Username: "u", Password: "p", Codename: "acme"}, true, ""},
		{"a user without a password", Config{Username: "u"}, true, "PASSWORD"},
		{"a password without a user", Config{Password: "p"}, true, "USERNAME"},
		{"both forms", Config{Token: "t", Codename: "acme", Username: "u", Password: "p"}, true, "TOKEN"},
		{"a codename that would climb", Config{Token: "t", Codename: ".."}, true, "CODENAME"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.c
			if c.Configured() != tc.configured {
				t.Errorf("configured: %v", c.Configured())
			}
			c.URL, c.Timezone = "https://chat.example", "UTC"
			_, faults := c.Settings(Prefix)
			switch {
			case tc.fault == "" && len(faults) > 0:
				t.Errorf("faults %v", faults)
			case tc.fault != "" && (len(faults) != 1 || faults[0].Variable != Prefix+tc.fault):
				t.Errorf("faults %v", faults)
			}
		})
	}
}

func TestLabelsTellTheirInterval(t *testing.T) {
	for format, want := range map[string]string{
		"%Y-%m-%d %H": "1h", "%Y-%m-%dT%H:%M": "1m", "%Y%m%d": "1d", "%d/%m/%Y": "1d", "%Y-%m": "1mo", "%Y": "1y",
		"%H": "", "%Y %H": "", "%m-%d": "", "": "", "%": "", "%Y-%m-%d %I": "", "%Y %Y": "", "day": "", "%Y\x00": "", "%%Y": "",
	} {
		unit, every, err := finest(format)
		got := ""
		if err == nil {
			got = pipeline.Calendar{Unit: unit, Every: every}.String()
		}
		if got != want {
			t.Errorf("%q is %q, %v; want %q", format, got, err, want)
		}
	}
}

func TestTheDashboardsWindowsHoldWholeIntervals(t *testing.T) {
	const defaults = ""
	for _, tc := range []struct {
		name                         string
		format, response, zone, span string
		operators, dashboard         string
		missing, fault               bool
	}{
		{"hours of UTC in whole-hour zones", defaults, defaults, "America/Mexico_City", "", "1d", "1d", false, false},
		{"hours of UTC in a half-hour zone, by default", defaults, defaults, "Asia/Kolkata", "", "1d", "1d", true, false},
		{"minutes of UTC in a half-hour zone", "%Y-%m-%d %H:%M", defaults, "Asia/Kolkata", "", "1d", "1d", false, false},
		{"hours of a half-hour zone in itself", defaults, "Asia/Kolkata", "Asia/Kolkata", "", "1d", "1d", false, false},
		{"days of UTC elsewhere", "%Y-%m-%d", defaults, "America/Mexico_City", "", "", "", false, true},
		{"days of the zone itself", "%Y-%m-%d", "America/Mexico_City", "America/Mexico_City", "", "1d", "1d", false, false},
		{"months of the zone itself", "%Y-%m", "America/Mexico_City", "America/Mexico_City", "", "1d", "1mo", false, false},
		{"weeks over months", "%Y-%m", "UTC", "UTC", "7d", "", "", false, true},
		{"hours over days", "%Y-%m-%d", "UTC", "UTC", "1h", "", "", false, true},
		{"a longer window", defaults, defaults, "UTC", "3mo", "3mo", "3mo", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := valid()
			c.DateFormatGroup, c.ResponseZone, c.Timezone, c.Window = tc.format, tc.response, tc.zone, tc.span
			s, faults := c.Settings(Prefix)
			if len(faults) > 0 != tc.fault {
				t.Fatalf("faults %v", faults)
			}
			if tc.fault {
				return
			}
			list := Streams(s, "default", pipeline.Policy{})
			if o, d := list[0].Calendar.String(), list[1].Calendar.String(); o != tc.operators || d != tc.dashboard {
				t.Errorf("windows of %s and %s", o, d)
			}
			if len(list[1].Missing) > 0 != tc.missing || len(list[0].Missing) > 0 {
				t.Errorf("missing %q and %q", list[0].Missing, list[1].Missing)
			}
			if list[0].Grain != (pipeline.Calendar{}) {
				t.Errorf("operators can be asked for any span, not only %s", list[0].Grain)
			}
		})
	}
}

func TestStreamsSayWhatIsMissing(t *testing.T) {
	list := Streams(nil, "default", pipeline.Policy{})
	if len(list) != 3 || !strings.Contains(strings.Join(list[0].Missing, " "), Prefix+"TOKEN") || list[1].Format == nil {
		t.Errorf("not configured: %+v", list)
	}
	for _, s := range [](*Settings){nil, settings(t, nil)} {
		if nps := Streams(s, "default", pipeline.Policy{})[2]; nps.Key.Stream != NPS || len(nps.Missing) == 0 {
			t.Errorf("nps: %+v", nps)
		}
	}
}

func TestPromise08_TheDigestFollowsWhatShapesRows(t *testing.T) {
	digests := func(s *Settings) [2]string {
		list := Streams(s, "default", pipeline.Policy{})
		return [2]string{list[0].Settings, list[1].Settings}
	}
	base := digests(settings(t, nil))
	for _, tc := range []struct {
		name                 string
		change               func(*Config)
		operators, dashboard bool // change
	}{
		{"the unit", func(c *Config) { c.DurationUnit = "minutes" }, true, false},
		{"the labels", func(c *Config) { c.DateFormatGroup = "%Y-%m-%d %H:%M" }, false, true},
		{"the labels' zone", func(c *Config) { c.ResponseZone = "America/Bogota" }, false, true},
		{"the pace", func(c *Config) { c.Rate, c.Timeout, c.Settle = "1", "1m", "1h" }, false, false},
		{"another password", func(c *Config) { c.Password = "x" }, false, false},
	} {
		got := digests(settings(t, tc.change))
		if got[0] != base[0] != tc.operators || got[1] != base[1] != tc.dashboard {
			t.Errorf("%s: operators changed %v, dashboard changed %v", tc.name, got[0] != base[0], got[1] != base[1])
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("https://chat.example", "UTC", "%Y-%m-%d %H", "UTC", "1d", "acme", "minutes")
	f.Add("http://[::1]:80", "Asia/Kolkata", "%Y%m%d%H%M", "Asia/Kolkata", "", "a/b", "")
	f.Add("x", "Local", "%", "", "9d", "..", "ms")
	f.Fuzz(func(t *testing.T, address, zone, format, response, window, codename, unit string) {
		c := Config{Token: "t", URL: address, Timezone: zone, DateFormatGroup: format, ResponseZone: response, Window: window, Codename: codename, DurationUnit: unit}
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
		for _, stream := range source.Streams() {
			if len(stream.Missing) == 0 && !stream.Calendar.Multiple(stream.Grain) {
				t.Fatalf("stream %+v", stream)
			}
		}
	})
}
