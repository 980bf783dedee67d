package staging

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
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

// StoredRejects is the hash of rejects as a table has them. Where a text has \xNN nobody knows whether the vendor sent that or
// the byte, so it is both, and [StoredRejects.Is] either. The zero StoredRejects is of no rejects.
type StoredRejects struct{ texts, bytes pipeline.Hash }

// Add returns the hash with one more reject.
func (s StoredRejects) Add(r pipeline.Reject) StoredRejects {
	s.texts = s.texts.Add(r.Hash())
	r.Reason, r.Raw = sent(r.Reason), sent(r.Raw)
	s.bytes = s.bytes.Add(r.Hash())
	return s
}

// Is reports whether the rejects have the hash that a window's entry has.
func (s StoredRejects) Is(of pipeline.Hash) bool { return s.texts == of || s.bytes == of }

// String tells one of the hashes, for messages.
func (s StoredRejects) String() string { return s.texts.String() }

var escaped = regexp.MustCompile(`\\x[89a-f][0-9a-f]`)

// sent undoes printable, where the text may be its work.
func sent(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	b := escaped.ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[2:], 16, 8) // two digits
		return string([]byte{byte(n)})
	})
	if printable(b) != s {
		return s
	}
	return b
}
