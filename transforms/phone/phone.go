// Package phone reads telephone numbers as people and programs write them. It says whether a text has the form of a number
// and what its E.164 form is; whether anybody answers there it does not know. Start with [E164]; plan.go has the numbering plans.
package phone

import (
	"strings"
	"unicode"
)

// ForCountry reports whether numbers of a country can be read: its code is of ISO 3166, two capital letters.
func ForCountry(country string) bool {
	return plans().byID[country] != nil
}

// E164 is the international form of a number, +59891234567. country, where it is not empty, is that of numbers without one;
// without it only a text that begins with + is a number. A text with an extension, with letters, or with more or fewer
// digits than the country's numbers have is none.
func E164(text, country string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) > longest || !digitsAlone(text) {
		return "", false
	}
	digits, home := digitsIn(text), plans().byID[country]
	code, national, ok := parse(digits, IsInternational(text), home)
	if !ok || plans().byCode[code].fit(national) != fits {
		return "", false
	}
	// What is read as another number when it comes back is nobody's.
	again, rest, ok := parse(code+national, true, nil)
	return "+" + code + national, ok && again == code && rest == national
}

// longest is how long a text may be that holds one number, with all that people write between its digits.
const longest = 250

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
	digits = digitsIn(text)
	return digits, fewest <= len(digits) && len(digits) <= most
}

// digitsIn are the digits of a text.
func digitsIn(text string) string {
	var b strings.Builder
	for _, c := range text {
		if '0' <= c && c <= '9' {
			b.WriteRune(c)
		}
	}
	return b.String()
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
