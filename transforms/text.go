package transforms

import (
	"bytes"
	endian "encoding/binary"
	"iter"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

var (
	quote         = []byte{'"'}
	comma         = []byte{','}
	byteOrderMark = []byte("\uFEFF") // may precede a document
	replacement   = []byte("\uFFFD") // stands for bytes that are not UTF-8, and for NUL bytes
	nul           = []byte{0}
)

// isText reports whether b is UTF-8 without NUL bytes.
func isText(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

// asText replaces what isText refuses.
func asText(b []byte) []byte {
	return bytes.ReplaceAll(bytes.ToValidUTF8(b, replacement), nul, replacement)
}

// isBlank reports whether b is white space only.
func isBlank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// isDigit reports whether c is a decimal digit.
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// text views b as a string for the length of a call.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unescape appends the text of a valid JSON string; s is the string without its quotes. Halves of surrogate pairs
// become U+FFFD.
func unescape(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s, 0)
			s = s[4:]
			if utf16.IsSurrogate(r) {
				low, ok := lowHalf(s, 0)
				if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
					s = s[6:]
				}
			}
			dst = utf8.AppendRune(dst, r)
		default: // quote, backslash, slash
			dst = append(dst, c)
		}
	}
}

// mendEscapes appends a valid JSON value with each half of a surrogate pair and each NUL byte that is escaped in it written
// as \ufffd. Readers of extras would refuse them.
func mendEscapes(dst, token []byte) []byte {
	for {
		i := bytes.IndexByte(token, '\\')
		if i < 0 {
			return append(dst, token...)
		}
		dst = append(dst, token[:i]...)
		token = token[i:]
		n := 2
		if token[1] == 'u' {
			n = 6
			r, _ := hex4(token, 2)
			low, paired := lowHalf(token, n)
			switch {
			case utf16.IsSurrogate(r) && paired && utf16.DecodeRune(r, low) != utf8.RuneError:
				n = 12
			case utf16.IsSurrogate(r) || r == 0:
				dst = append(dst, `\ufffd`...)
				token = token[n:]
				continue
			}
		}
		dst = append(dst, token[:n]...)
		token = token[n:]
	}
}

// mendNoNumbers appends a value that the scanner has taken, with each word for what is no number written as a string.
func mendNoNumbers(dst, token []byte) []byte {
	s := scanner{b: token}
	for i := 0; i < len(token); {
		end := i + 1
		switch c := token[i]; {
		case c == '"':
			end, _ = s.string(i)
		case c == 'N' || c == 'n' || c == 'I' || c == 'i' || c == '-' || c == '+':
			if n := noNumberEnd(token, i); n >= 0 {
				dst = append(append(append(dst, '"'), token[i:n]...), '"')
				i = n
				continue
			}
		}
		dst = append(dst, token[i:end]...)
		i = end
	}
	return dst
}

const (
	tagSeparators = ",;|"
	tagBrackets   = "[]{}()"
	tagQuotes     = "'\"`"
)

// tags yields the items of a list: a comma, a semicolon or a bar is between them, and a program's notation of a list,
// brackets around it and quotes around the items, is no part of them. Blank items are left out.
func tags(list []byte) iter.Seq[[]byte] {
	list = bytes.TrimSpace(list)
	if n := len(list); n > 1 {
		if open := strings.IndexByte(tagBrackets, list[0]); open >= 0 && open%2 == 0 && tagBrackets[open+1] == list[n-1] {
			list = list[1 : n-1]
		}
	}
	return func(yield func([]byte) bool) {
		for len(list) > 0 {
			tag, rest := list, []byte(nil)
			if end := bytes.IndexAny(list, tagSeparators); end >= 0 {
				tag, rest = list[:end], list[end+1:]
			}
			tag = bytes.TrimSpace(tag)
			if n := len(tag); n > 1 && tag[0] == tag[n-1] && strings.IndexByte(tagQuotes, tag[0]) >= 0 {
				tag = bytes.TrimSpace(tag[1 : n-1])
			}
			if list = rest; len(tag) > 0 && !yield(tag) {
				return
			}
		}
	}
}

// readTags counts the items of a list. It is unreadable where one of them holds a bracket or a quote, for then it is
// written in a way that is not known, and where nothing but separators is there; an empty pair of brackets is a list.
func readTags(list []byte) (n int, ok bool) {
	for tag := range tags(list) {
		if bytes.ContainsAny(tag, tagBrackets+tagQuotes) {
			return 0, false
		}
		n++
	}
	return n, n > 0 || bytes.ContainsAny(list, tagBrackets)
}

// Searches look at eight bytes at a time. A word is changed so that the wanted byte becomes zero,
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
