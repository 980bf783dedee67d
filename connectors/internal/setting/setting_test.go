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
		read  func(r *Reader) any
		want  any
		fault string // part of the only fault; empty: none
	}{
		{"a host's root", func(r *Reader) any { return r.Root("X", " https://a.example/ ", "").String() }, "https://a.example", ""},
		{"loopback may be http", func(r *Reader) any { return r.Root("X", "http://127.0.0.1:8080", "").String() }, "http://127.0.0.1:8080", ""},
		{"a path behind the root", func(r *Reader) any { return r.Root("X", "https://a.example/api", "") == nil }, true, "root"},
		{"http to the world", func(r *Reader) any { return r.Root("X", "http://a.example", "") == nil }, true, "https"},
		{"a host without a scheme", func(r *Reader) any { return r.Root("X", "a.example", "") == nil }, true, "absolute"},
		{"a user in the URL", func(r *Reader) any { return r.Root("X", "https://u:hidden@a.example", "") == nil }, true, "user name"},
		{"no URL at all", func(r *Reader) any { return r.Root("X", "https://u:hidden@a.example/%zz", "") == nil }, true, "not a URL"},
		{"a token with its line break", func(r *Reader) any { return r.Token("X", "abc\n") }, "abc", ""},
		{"a token with its scheme", func(r *Reader) any { return r.Token("X", "Bearer hidden") }, "", "alone"},
		{"a token with a blank", func(r *Reader) any { return r.Token("X", "hidden hidden") }, "", "blank"},
		{"a token with a line break inside", func(r *Reader) any { return r.Token("X", "hidden\nhidden") }, "", "line break"},
		{"a password may have blanks", func(r *Reader) any { return r.Secret("X", "correct horse") }, "correct horse", ""},
		{"a zone", func(r *Reader) any { return r.Zone("X", "Asia/Kolkata", "").String() }, "Asia/Kolkata", ""},
		{"this machine's zone is nobody's", func(r *Reader) any { return r.Zone("X", "Local", "").String() }, "UTC", "IANA"},
		{"no such zone", func(r *Reader) any { return r.Zone("X", "Uruguay/Montevideo", "").String() }, "UTC", "IANA"},
		{"an unset duration", func(r *Reader) any { return r.Duration("X", "", "2d", 0) }, 48 * time.Hour, ""},
		{"a duration that is none", func(r *Reader) any { return r.Duration("X", "soon", "2d", 0) }, time.Duration(0), "not a duration"},
		{"a duration that is too short", func(r *Reader) any { return r.Duration("X", "1ms", "2m", time.Second) }, time.Second, "shorter"},
		{"a rate", func(r *Reader) any { return r.Rate("X", "0.5", "5") }, 0.5, ""},
		{"an unset rate", func(r *Reader) any { return r.Rate("X", "", "5") }, 5.0, ""},
		{"no rate", func(r *Reader) any { return r.Rate("X", "0", "5") }, 1.0, "requests per second"},
		{"an endless rate", func(r *Reader) any { return r.Rate("X", "Inf", "5") }, 1.0, "requests per second"},
		{"a list", func(r *Reader) any { return strings.Join(r.List("X", " a b , c<-", ""), "|") }, "a b|c<-", ""},
		{"an unset list", func(r *Reader) any { return r.List("X", " ", "") == nil }, true, ""},
		{"a blank in a list", func(r *Reader) any { return len(r.List("X", "a,,b", "")) }, 0, "blank"},
		{"a name twice", func(r *Reader) any { return len(r.List("X", "a,b,a", "")) }, 0, "twice"},
		{"a quoted name, for the sake of a comma", func(r *Reader) any { return len(r.List("X", `"a,b",c`, "")) }, 0, "comma"},
		{"a control character in a name", func(r *Reader) any { return len(r.List("X", "a\tb", "")) }, 0, "control"},
		{"words", func(r *Reader) any { return len(r.Words("X", "inInteractions,art", "")) }, 2, ""},
		{"no words", func(r *Reader) any { return len(r.Words("X", "in Interactions", "")) }, 0, "not a word"},
		{"a needed value", func(r *Reader) any { return r.Required("X", " ", "when Y is set", "") }, false, "required when Y"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &Reader{Prefix: "WINDROW_"}
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
		r := &Reader{}
		got := r.Window("WINDOW", tc.value, day, time.UTC, tc.grain, "the group")
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
