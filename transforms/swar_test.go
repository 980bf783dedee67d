package transforms

import (
	"bytes"
	"testing"
)

// FuzzSearches compares the searches by words with searches byte by byte.
func FuzzSearches(f *testing.F) {
	f.Add([]byte("plain text without any of them"), uint8(3))
	f.Add([]byte("a,b\nc\"d\\e\x1f\x00\x80\xff,"), uint8(0))
	f.Add([]byte("\x01\x00,,,,,,,\"\"\"\"\xac\xac\x8a\x8a\xa2"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, from uint8) {
		i := min(int(from), len(data))
		for name, search := range map[string]struct {
			find func([]byte, int) int
			is   func(rune) bool
		}{
			"stop":   {nextStop, func(c rune) bool { return c == ',' || c == '\n' || c == '"' }},
			"escape": {nextEscape, func(c rune) bool { return c < ' ' || c == '"' || c == '\\' }},
		} {
			want := len(data)
			for j, c := range data[i:] {
				if search.is(rune(c)) {
					want = i + j
					break
				}
			}
			if got := search.find(bytes.Clone(data), i); got != want {
				t.Errorf("%s from %d of %q: found at %d, stands at %d", name, i, data, got, want)
			}
		}
	})
}
