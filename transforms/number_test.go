package transforms

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "10": 10, "10.0": 10, "10.": 10, "-3": -3, "+3": 3, "007": 7, " 5 ": 5, "1e3": 1000, "2.5e1": 25, "6529997769220096": 6529997769220096,
		"9223372036854775807": math.MaxInt64, "9223372036854775807.00": math.MaxInt64, "-9223372036854775808": math.MinInt64, "0000000000000000000012": 12,
		"9007199254740993e0": 9007199254740993, "922337203685477580.7e1": math.MaxInt64, "-9223372036854775808e0": math.MinInt64,
	} {
		if got, ok := parseCount([]byte(text)); !ok || got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", " ", "-", ".", "1.5", "x", "1x", "1,000", "9223372036854775808", "1e30", "9223372036854775808e0", "0x10", "1_000", "NaN", "inf", "1e-1", "--1", "1.0.0", "4503599627370497.3", "4503599627370497.3e0", "1e-400", "1e-4000000"} {
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
	got, ok := parseMeasure(Minutes, []byte("2.86"))
	if !ok || got != minutes*60 || strconv.FormatFloat(got, 'g', -1, 64) != "171.6" {
		t.Errorf("2.86 minutes are %v seconds", got)
	}
}

func TestMillisecondsAreSecondsByOneQuotient(t *testing.T) {
	for text, want := range map[string]float64{"90500": 90.5, "1": 0.001, "0.5": 0.0005, "1234567890123": 1234567890.123} {
		if got, ok := parseMeasure(Milliseconds, []byte(text)); !ok || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, ok, want)
		}
	}
}

func TestMinutesThatAreNoNumberOfSecondsCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
	}{{"1e306", true}, {"2.9961e306", true}, {"3e306", false}, {"-3e306", false}, {"1.7976931348623157e308", false}} {
		if got, ok := parseMeasure(Minutes, []byte(c.text)); ok != c.ok {
			t.Errorf("%s minutes are %v seconds, readable: %v", c.text, got, ok)
		}
		if _, ok := parseMeasure(Number, []byte(c.text)); !ok {
			t.Errorf("%s is no number", c.text)
		}
	}
}

// FuzzNumber compares with strconv, bit by bit, and counts with exact fractions:
// what is no count there must be refused here, and the other way round.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{
		"0", "-0", "2.86", ".5", "5.", "1e5", "123456789012345", "1234567890123456", "0.1234567890123456789", "00000000000000000000001", "1e309", "inf", "0x1p2", "-", "+.e",
		"9223372036854775807", "9223372036854775808", "9223372036854775806", "-9223372036854775808", "-9223372036854775809", "-9223372036854775807",
		"12345678901234567890", "-99999999999999999999", "00000000000000000012", "18446744073709551617", "9223372036854775807.000", "9223372036854775807.5",
		"9007199254740993e0", "-9007199254740993.0e0", "9223372036854775807e0", "9223372036854775808e0", "922337203685477580.7e1", "1e18", "1e19", "1e-0", "1e0001", "1e+0001", "10e-1", "15e-1",
	} {
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
		n, ok := parseCount([]byte(s))
		count, countOK := oracleCount(trimmed)
		if ok != countOK || n != count {
			t.Fatalf("%q is the count %d, %v; want %d, %v", s, n, ok, count, countOK)
		}
	})
}

var countForm = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)

// oracleCount reads a count as an exact fraction.
func oracleCount(s string) (int64, bool) {
	form := countForm.FindStringSubmatch(s)
	if form == nil || len(form[2]) > len("e-999") {
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(s)
	if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
		return 0, false
	}
	return exact.Num().Int64(), true
}
