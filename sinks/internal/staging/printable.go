package staging

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// printable is s with bytes that are not UTF-8 written as \xNN. The raw text
// of a rejected row may hold some, and readers refuse a whole file for one.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
