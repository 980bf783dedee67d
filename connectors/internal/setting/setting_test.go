package setting

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2d": 48 * time.Hour, "48h": 48 * time.Hour, "90m": 90 * time.Minute, "1d12h": 36 * time.Hour,
		"0": 0, "0d": 0, " 2h ": 2 * time.Hour, "1.5h": 90 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "2", "-1h", "2d-1h", "1w", "99999d", "9999d", "200000h", "2d2", "1d1d", "1e3h"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestValuesAndTheirFaults(t *testing.T) {
	for _, tc := range []struct {
		name  string
		value string // of the variable X
		read  func(r *Reader) any
		want  any
		fault string // part of the only fault; empty: none
	}{
		{"a host's root", " https://a.example/ ", func(r *Reader) any { return r.Root("X", "").String() }, "https://a.example", ""},
		{"loopback may be http", "http://127.0.0.1:8080", func(r *Reader) any { return r.Root("X", "").String() }, "http://127.0.0.1:8080", ""},
		{"a path behind the root", "https://a.example/api", func(r *Reader) any { return r.Root("X", "") == nil }, true, "root"},
		{"http to the world", "http://a.example", func(r *Reader) any { return r.Root("X", "") == nil }, true, "https"},
		{"a host without a scheme", "a.example", func(r *Reader) any { return r.Root("X", "") == nil }, true, "absolute"},
		{"a user in the URL", "https://u:hidden@a.example", func(r *Reader) any { return r.Root("X", "") == nil }, true, "user name"},
		{"no URL at all", "https://u:hidden@a.example/%zz", func(r *Reader) any { return r.Root("X", "") == nil }, true, "not a URL"},
		{"a token with its line break", "abc\n", func(r *Reader) any { return r.Token("X") }, "abc", ""},
		{"a token with its scheme", "Bearer hidden", func(r *Reader) any { return r.Token("X") }, "", "alone"},
		{"a token with a blank", "hidden hidden", func(r *Reader) any { return r.Token("X") }, "", "blank"},
		{"a token with a line break inside", "hidden\nhidden", func(r *Reader) any { return r.Token("X") }, "", "line break"},
		{"a password may have blanks", "correct horse", func(r *Reader) any { return r.Secret("X") }, "correct horse", ""},
		{"a zone", "Asia/Kolkata", func(r *Reader) any { return r.Zone("X", "").String() }, "Asia/Kolkata", ""},
		{"this machine's zone is nobody's", "Local", func(r *Reader) any { return r.Zone("X", "").String() }, "UTC", "IANA"},
		{"no such zone", "Uruguay/Montevideo", func(r *Reader) any { return r.Zone("X", "").String() }, "UTC", "IANA"},
		{"a duration that is none", "soon", func(r *Reader) any { return r.Duration("X", 0) }, time.Duration(0), "not a duration"},
		{"a duration that is too short", "1ms", func(r *Reader) any { return r.Duration("X", time.Second) }, time.Second, "shorter"},
		{"a rate", "0.5", func(r *Reader) any { return r.Rate("X") }, 0.5, ""},
		{"no rate", "0", func(r *Reader) any { return r.Rate("X") }, 1.0, "requests per second"},
		{"an endless rate", "Inf", func(r *Reader) any { return r.Rate("X") }, 1.0, "requests per second"},
		{"a list", " a b , c<-", func(r *Reader) any { return strings.Join(r.List("X", ""), "|") }, "a b|c<-", ""},
		{"an unset list", " ", func(r *Reader) any { return r.List("X", "") == nil }, true, ""},
		{"a blank in a list", "a,,b", func(r *Reader) any { return len(r.List("X", "")) }, 0, "blank"},
		{"a name twice", "a,b,a", func(r *Reader) any { return len(r.List("X", "")) }, 0, "twice"},
		{"a quoted name, for the sake of a comma", `"a,b",c`, func(r *Reader) any { return len(r.List("X", "")) }, 0, "comma"},
		{"a control character in a name", "a\tb", func(r *Reader) any { return len(r.List("X", "")) }, 0, "control"},
		{"words", "inInteractions,art", func(r *Reader) any { return len(r.Words("X", "")) }, 2, ""},
		{"no words", "in Interactions", func(r *Reader) any { return len(r.Words("X", "")) }, 0, "not a word"},
		{"a needed value", " ", func(r *Reader) any { return r.Required("X", "when Y is set", "") }, false, "required when Y"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := Read("WINDROW_", struct {
				X string `envconfig:"X"`
			}{tc.value})
			if got := tc.read(r); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
			if tc.fault == "" {
				if len(r.Faults) > 0 {
					t.Errorf("faults %v", r.Faults)
				}
				return
			}
			if len(r.Faults) != 1 || r.Faults[0].Variable != "WINDROW_X" || !strings.Contains(r.Faults[0].Problem, tc.fault) {
				t.Fatalf("faults %v", r.Faults)
			}
			if strings.Contains(r.Faults[0].String(), "hidden") {
				t.Errorf("the fault holds a secret: %v", r.Faults[0])
			}
		})
	}
}

func TestABlankVariableHasTheDefaultOfItsTag(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 48 * time.Hour, " \n": 48 * time.Hour, " 3h ": 3 * time.Hour} {
		r := Read("", struct {
			Settle string `envconfig:"SETTLE" default:"2d"`
			Rate   string `envconfig:"RATE" default:"5"`
		}{value, ""})
		if got := r.Duration("SETTLE", 0); got != want || r.Default("SETTLE") != "2d" || r.Given("SETTLE") != (want == 3*time.Hour) || r.Rate("RATE") != 5 {
			t.Errorf("%q is %v, given %v", value, got, r.Given("SETTLE"))
		}
	}
}

func TestAVariableThatNoConfigHasIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("read without a complaint")
		}
	}()
	Read("", struct{}{}).Text("SETTLE")
}

func TestAWindowIsAMultipleOfItsGrain(t *testing.T) {
	day := pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: time.UTC}
	month := pipeline.Calendar{Unit: calendar.Months, Every: 1, Zone: time.UTC}
	for _, tc := range []struct {
		value string
		grain pipeline.Calendar
		want  string
		fault bool
	}{
		{"", month, "1d", false}, {"3mo", month, "3mo", false}, {"7d", day, "7d", false},
		{"7d", month, "1d", true}, {"1h", day, "1d", true}, {"5h", day, "1d", true}, {"1h", pipeline.Calendar{}, "1h", false},
	} {
		r := Read("", struct {
			Window string `envconfig:"WINDOW"`
		}{tc.value})
		got := r.Window("WINDOW", day, time.UTC, tc.grain, "the group")
		if got.String() != tc.want || len(r.Faults) > 0 != tc.fault {
			t.Errorf("%q over %s is %s, faults %v", tc.value, tc.grain, got, r.Faults)
		}
	}
}

func TestADigestTellsSettingsApart(t *testing.T) {
	all := []string{
		Digest("a", []string{"b", "c"}), Digest("a", []string{"b,c"}), Digest("a", "b", "c"), Digest("ab", "c"), Digest("a", []string(nil)), Digest("a"),
	}
	if len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
		t.Errorf("two of them are equal: %v", all)
	}
	if Digest("a", Sorted([]string{"c", "b"})) != all[0] {
		t.Error("the order of names changes the digest")
	}
}

func TestFlagIsTrueOrFalse(t *testing.T) {
	for value, want := range map[string]struct{ is, fault bool }{"": {}, "true": {is: true}, " false ": {}, "True": {fault: true}, "1": {fault: true}} {
		r := Read("WINDROW_X_", struct {
			Is string `envconfig:"IS" default:"false"`
		}{value})
		if is := r.Flag("IS"); is != want.is || (len(r.Faults) > 0) != want.fault {
			t.Errorf("%q is %v, faults %v", value, is, r.Faults)
		}
	}
}
