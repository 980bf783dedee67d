package transforms

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "10": 10, "10.0": 10, "10.": 10, "-3": -3, "+3": 3, "007": 7, " 5 ": 5, "1e3": 1000, "2.5e1": 25, "6529997769220096": 6529997769220096,
		"9223372036854775807": math.MaxInt64, "9223372036854775807.00": math.MaxInt64, "-9223372036854775808": math.MinInt64, "0000000000000000000012": 12,
	} {
		if got, ok := parseCount([]byte(text)); !ok || got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", " ", "-", ".", "1.5", "x", "1x", "1,000", "9223372036854775808", "1e30", "0x10", "1_000", "NaN", "inf", "1e-1", "--1", "1.0.0", "4503599627370497.3", "4503599627370497.3e0", "1e-400", "1e-4000000"} {
		if got, ok := parseCount([]byte(text)); ok {
			t.Errorf("%q is no count, got %d", text, got)
		}
	}
}

func TestBools(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "True": true, "TRUE": true, "1": true, "false": false, "False": false, "0": false, " true ": true} {
		if got, ok := parseBool([]byte(text)); !ok || got != want {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "t", "tru", "yes", "2", "10", "truee"} {
		if _, ok := parseBool([]byte(text)); ok {
			t.Errorf("%q is no boolean", text)
		}
	}
}

func TestMinutesAreSecondsByOneProduct(t *testing.T) {
	minutes := 2.86
	got, ok := parseNumber([]byte("2.86"))
	if !ok || got*60 != minutes*60 || strconv.FormatFloat(got*60, 'g', -1, 64) != "171.6" {
		t.Errorf("2.86 minutes are %v seconds", got*60)
	}
}

// FuzzNumber compares with strconv, bit by bit.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "2.86", ".5", "5.", "1e5", "123456789012345", "1234567890123456", "0.1234567890123456789", "00000000000000000000001", "1e309", "inf", "0x1p2", "-", "+.e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseNumber([]byte(s))
		trimmed := strings.TrimSpace(s)
		want, err := strconv.ParseFloat(trimmed, 64)
		wantOK := err == nil && strings.Trim(trimmed, "0123456789+-.eE") == ""
		if ok != wantOK || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q is %v, %v; want %v, %v", s, got, ok, want, wantOK)
		}
		if n, ok := parseCount([]byte(s)); ok {
			if i, err := strconv.ParseInt(trimmed, 10, 64); err == nil && i != n || err != nil && want != float64(n) {
				t.Fatalf("%q is the count %d", s, n)
			}
		}
	})
}
