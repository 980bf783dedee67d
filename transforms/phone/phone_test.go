package phone

import "testing"

func TestANumberIsReadAsItsCountryWritesIt(t *testing.T) {
	for _, c := range []struct {
		name, text, country, want string
	}{
		{"spaces and brackets", "+1 (425) 671-5523", "", "+14256715523"},
		{"dots, and blanks around", " +598.91.23.45.67 ", "", "+59891234567"},
		{"a national prefix", "091 234 567", "UY", "+59891234567"},
		{"no prefix", "4256715523", "US", "+14256715523"},
		{"the international prefix of its country", "00 598 91234567", "UY", "+59891234567"},
		{"a plus, whatever the country", "+14256715523", "UY", "+14256715523"},
		{"Mexico's mobile prefix, which has gone", "+52 1 55 1234 5678", "", ""},
		{"an Italian zero stays", "+39 06 698 12345", "", "+390669812345"},
		{"a full-width plus", "\uFF0B14256715523", "", "+14256715523"},
		{"no country at all", "4256715523", "", ""},
		{"without its area code", "671-5523", "US", ""},
		{"too short", "+1425671", "", ""},
		{"too long", "+142567155231234", "", ""},
		{"a country that does not exist", "+999123456789", "", ""},
		{"letters", "+1800FLOWERS", "", ""},
		{"an extension", "+14256715523 ext. 5", "", ""},
		{"an extension behind a hash", "+14256715523#5", "", ""},
		{"two numbers", "+14256715523,+14256715524", "", ""},
		{"what a spreadsheet makes of it", "5.98912E+10", "", ""},
		{"a plus in the middle", "1+4256715523", "US", ""},
		{"nothing", "", "US", ""},
	} {
		if got, ok := E164(c.text, c.country); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.name, got, ok, c.want)
		}
	}
}

func TestANumberWithoutACountryHasDigits(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		ok               bool
	}{
		{"as people write it", " (091) 234-567 ", "091234567", true},
		{"of a switchboard", "101", "101", true},
		{"too short", "12", "12", false},
		{"longer than any", "1234567890123456789", "1234567890123456789", false},
		{"with letters", "091x234", "", false},
		{"with a plus", "+59891234567", "", false},
		{"nothing but brackets", "()", "", false},
	} {
		if got, ok := Digits(c.text); got != c.want || ok != c.ok {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestCountriesAreKnownByTheirCode(t *testing.T) {
	for country, want := range map[string]bool{"UY": true, "US": true, "uy": false, "ZZ": false, "": false, "URY": false} {
		if got := ForCountry(country); got != want {
			t.Errorf("%q: %v", country, got)
		}
	}
}
