package transforms

import (
	endian "encoding/binary"
	"math/bits"
)

// The searches of this file look at eight bytes at a time. A word is changed so that the wanted byte becomes zero,
// and Mycroft's test sets the high bit of each zero byte. A borrow may set further bits above a true one, so only the
// lowest set bit counts.

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// zeros sets the high bits of the zero bytes of w; above the lowest set bit there may be false ones.
func zeros(w uint64) uint64 { return (w - lowBits) &^ w & highBits }

// nextStop returns the position of the first comma, line feed or quote of data from i on, or the length of data.
func nextStop(data []byte, i int) int {
	for ; i+8 <= len(data); i += 8 {
		w := endian.LittleEndian.Uint64(data[i:])
		if m := zeros(w^lowBits*',') | zeros(w^lowBits*'\n') | zeros(w^lowBits*'"'); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c == ',' || c == '\n' || c == '"' {
			return i
		}
	}
	return i
}

// nextEscape returns the position of the first byte of s from i on that a JSON string cannot hold as it is (a control
// character, a quote, a backslash), or the length of s.
func nextEscape(s []byte, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := endian.LittleEndian.Uint64(s[i:])
		control := (w - lowBits*' ') &^ w & highBits
		if m := control | zeros(w^lowBits*'"') | zeros(w^lowBits*'\\'); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// structural finds the first byte from i on that may open or close an array, an object or a string; len(b) when there
// is none. Setting bit 5 makes braces of brackets. It also makes a quote of one control character, which valid JSON
// has nowhere outside strings.
func structural(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := endian.LittleEndian.Uint64(b[i:]) | lowBits*0x20
		quote, opening, closing := w^(lowBits*'"'), w^(lowBits*'{'), w^(lowBits*'}')
		found := (quote-lowBits)&^quote | (opening-lowBits)&^opening | (closing-lowBits)&^closing
		if found &= highBits; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		switch b[i] | 0x20 {
		case '"', '{', '}':
			return i
		}
	}
	return i
}

// closingQuote finds, from i on, the quote that closes the string which begins at opening; -1 when b does not hold it
// yet.
func closingQuote(b []byte, opening, i int) int {
	for ; i < len(b); i++ {
		if i+8 <= len(b) {
			quote := endian.LittleEndian.Uint64(b[i:]) ^ lowBits*'"'
			found := (quote - lowBits) &^ quote & highBits
			if found == 0 {
				i += 7
				continue
			}
			i += bits.TrailingZeros64(found) / 8
		}
		if b[i] != '"' {
			continue
		}
		slashes := 0
		for j := i - 1; j > opening && b[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
	return -1
}
