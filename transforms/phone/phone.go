// Package phone reads telephone numbers as people and programs write them. It says whether a text has the form of a number
// and what its E.164 form is; whether anybody answers there it does not know. The tables of the world's numbering plans are
// those of libphonenumber.
package phone

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// ForCountry reports whether numbers of a country can be read: its code is of ISO 3166, two capital letters.
func ForCountry(country string) bool {
	return phonenumbers.GetSupportedRegions()[country]
}

// E164 is the international form of a number, +59891234567. country, where it is not empty, is that of numbers without one;
// without it only a text that begins with + is a number. A text with an extension, with letters, or with more or fewer
// digits than the country's numbers have is none.
func E164(text, country string) (string, bool) {
	text = strings.TrimSpace(text)
	if !digitsAlone(text) || country == "" && !IsInternational(text) {
		return "", false
	}
	n, err := phonenumbers.Parse(text, country)
	if err != nil || n.GetExtension() != "" || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// IsInternational reports whether a number says its country.
func IsInternational(text string) bool {
	return strings.HasPrefix(text, "+") || strings.HasPrefix(text, "\uFF0B")
}

// Fewest and most digits of a number that does not say its country: short ones are those of a switchboard, long ones have
// an international prefix before the fifteen of E.164.
const (
	fewest = 3
	most   = 18
)

// Digits are the digits of a number that is not international; ok says whether the text has the form of one.
func Digits(text string) (digits string, ok bool) {
	text = strings.TrimSpace(text)
	if !digitsAlone(text) || IsInternational(text) {
		return "", false
	}
	var b strings.Builder
	for _, c := range text {
		if '0' <= c && c <= '9' {
			b.WriteRune(c)
		}
	}
	return b.String(), fewest <= b.Len() && b.Len() <= most
}

// digitsAlone reports whether a text is made of digits and of what people write between them. A plus may stand before.
func digitsAlone(text string) bool {
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9', strings.ContainsRune("-./() \u00A0\u2010\u2011\u2013", c), i == 0 && IsInternational(text):
		case unicode.Is(unicode.Zs, c):
		default:
			return false
		}
	}
	return text != ""
}
