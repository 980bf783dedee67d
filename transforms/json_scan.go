package transforms

import (
	"bytes"
	endian "encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON text and accepts exactly what RFC 8259 does, and beyond it NUL bytes in strings and the words
// NaN, Infinity and inf as values. Its methods take the position of the first
// byte of a value and return the position behind the value, or -1 after they noted the problem.
type scanner struct {
	b       []byte
	problem string // what is wrong, without any of the text
	stack   []byte // of the nested arrays and objects being walked
}

// maxDepth bounds the nesting of arrays and objects, as other parsers do.
const maxDepth = 10_000

// fail notes the first problem.
func (s *scanner) fail(problem string) int {
	if s.problem == "" {
		s.problem = problem
	}
	return -1
}

// space returns the position of the first byte from i on that is no white space.
func (s *scanner) space(i int) int {
	for i < len(s.b) && isSpace(s.b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// isContainer reports whether a JSON value is an array or an object.
func isContainer(token []byte) bool { return len(token) > 0 && (token[0] == '{' || token[0] == '[') }

// expect returns the position behind the byte c, which must stand at i or behind white space.
func (s *scanner) expect(i int, c byte, problem string) int {
	i = s.space(i)
	if i >= len(s.b) || s.b[i] != c {
		return s.fail(problem)
	}
	return i + 1
}

// stringForm says what a string's text needs before it can be used.
type stringForm uint8

const (
	escapes        stringForm = 1 << iota // the string holds a backslash
	loneSurrogates                        // the string escapes half of a surrogate pair
	escapedNULs                           // the string escapes a NUL byte
	noNumbers                             // it is, or has in it, a word for what is no number
)

// string walks over the string whose opening quote stands at i.
func (s *scanner) string(i int) (end int, form stringForm) {
	b := s.b
	i++
	for {
		for i+8 <= len(b) { // the lowest bit that remains marks the first special byte
			w := endian.LittleEndian.Uint64(b[i:])
			quote, slash := w^(lowBits*'"'), w^(lowBits*'\\')
			special := (quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-lowBits*0x20)&^w
			if special &= highBits; special != 0 {
				i += bits.TrailingZeros64(special) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return s.fail("a string is not closed"), form
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, form
		case c == '\\':
			var k stringForm
			if i, k = s.escape(i); i < 0 {
				return -1, form
			}
			form |= k
		case c < 0x20 && c != 0: // a NUL byte spoils the text, not the document
			return s.fail("a string holds a control character"), form
		default:
			i++
		}
	}
}

// escape walks over the escape sequence at i; a surrogate pair is one.
func (s *scanner) escape(i int) (int, stringForm) {
	if i+1 >= len(s.b) {
		return s.fail("a string is not closed"), escapes
	}
	switch s.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, escapes
	case 'u':
		r, ok := hex4(s.b, i+2)
		if !ok {
			return s.fail("a string holds a bad escape"), escapes
		}
		if r == 0 {
			return i + 6, escapes | escapedNULs
		}
		if !utf16.IsSurrogate(r) {
			return i + 6, escapes
		}
		if low, ok := lowHalf(s.b, i+6); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			return i + 12, escapes
		}
		return i + 6, escapes | loneSurrogates
	}
	return s.fail("a string holds a bad escape"), escapes
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// lowHalf reads the \u escape at i; false when none stands there.
func lowHalf(b []byte, i int) (rune, bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	return hex4(b, i+2)
}

// number walks over a number.
func (s *scanner) number(i int) int {
	b := s.b
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && isDigit(b[i]):
		i = digitsEnd(b, i)
	default:
		return s.fail("a value cannot be read")
	}
	if i < len(b) && b[i] == '.' {
		end := digitsEnd(b, i+1)
		if end == i+1 {
			return s.fail("a number is cut short")
		}
		i = end
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		end := digitsEnd(b, i)
		if end == i {
			return s.fail("a number is cut short")
		}
		i = end
	}
	return i
}

// digitsEnd returns the position behind the digits that begin at i. It looks at eight bytes at a time: the processor
// cannot predict where a number ends.
func digitsEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := endian.LittleEndian.Uint64(b[i:]) ^ lowBits*'0'                       // digits are 0 to 9
		if other := (w&^highBits + lowBits*(0x80-10) | w) & highBits; other != 0 { // high where the byte is more
			return i + bits.TrailingZeros64(other)/8
		}
	}
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// scalar walks over a value that is no array and no object.
func (s *scanner) scalar(i int) (end int, form stringForm) {
	switch s.b[i] {
	case '"':
		return s.string(i)
	case 't':
		return s.literal(i, "true"), 0
	case 'f':
		return s.literal(i, "false"), 0
	case 'n':
		if end = noNumberEnd(s.b, i); end < 0 {
			end = s.literal(i, "null")
			return end, 0
		}
		return end, noNumbers
	}
	if end = noNumberEnd(s.b, i); end >= 0 {
		return end, noNumbers
	}
	return s.number(i), 0
}

// noNumberEnd returns the position behind the word at i that writers of JSON leave for what is no number: NaN, Infinity,
// inf, in any case and with a sign; -1 when there is none. JSON has no such words, so they spoil their value.
func noNumberEnd(b []byte, i int) int {
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		i++
	}
	if i >= len(b) || b[i]|0x20 != 'n' && b[i]|0x20 != 'i' {
		return -1
	}
	end := i
	for end < len(b) && 'a' <= b[end]|0x20 && b[end]|0x20 <= 'z' {
		end++
	}
	switch word := b[i:end]; {
	case len(word) > len("infinity"):
	case bytes.EqualFold(word, []byte("nan")), bytes.EqualFold(word, []byte("infinity")), bytes.EqualFold(word, []byte("inf")):
		return end
	}
	return -1
}

func (s *scanner) literal(i int, word string) int {
	if len(s.b)-i < len(word) || string(s.b[i:i+len(word)]) != word {
		return s.fail("a value cannot be read")
	}
	return i + len(word)
}

// value walks over any value.
func (s *scanner) value(i int) (end int, form stringForm) {
	if i >= len(s.b) {
		return s.fail("the text ends too early"), 0
	}
	if c := s.b[i]; c != '{' && c != '[' {
		return s.scalar(i)
	}
	s.stack = s.stack[:0]
	for {
		// i stands at the first byte of a value.
		if i >= len(s.b) {
			return s.fail("the text ends too early"), form
		}
		var k stringForm
		var closed bool
		switch s.b[i] {
		case '{', '[':
			i, k, closed = s.open(i)
		default:
			i, k = s.scalar(i)
			closed = true
		}
		if form |= k; i < 0 {
			return -1, form
		}
		for closed { // i stands after a whole value
			if len(s.stack) == 0 {
				return i, form
			}
			i, k, closed = s.next(i)
			if form |= k; i < 0 {
				return -1, form
			}
		}
	}
}

// open enters the array or object at i and returns the position of the first value in it. closed says that it is
// empty; the position is then behind it.
func (s *scanner) open(i int) (at int, form stringForm, closed bool) {
	if len(s.stack)+1 >= maxDepth {
		return s.fail("the values are nested too deeply"), 0, false
	}
	c := s.b[i]
	i = s.space(i + 1)
	if i < len(s.b) && s.b[i] == c+2 { // '{'+2 is '}', '['+2 is ']'
		return i + 1, 0, true
	}
	s.stack = append(s.stack, c)
	if c == '{' {
		i, form = s.name(i)
	}
	return i, form, false
}

// next goes from the end of a value to the next value of its container. closed says that the container ends instead;
// the position is then behind the container.
func (s *scanner) next(i int) (at int, form stringForm, closed bool) {
	c := s.stack[len(s.stack)-1]
	i = s.space(i)
	switch {
	case i >= len(s.b):
		return s.fail("the text ends too early"), 0, false
	case s.b[i] == c+2:
		s.stack = s.stack[:len(s.stack)-1]
		return i + 1, 0, true
	case s.b[i] != ',':
		return s.fail("a comma is missing"), 0, false
	}
	i = s.space(i + 1)
	if c == '{' {
		i, form = s.name(i)
	}
	return i, form, false
}

// name walks over a member's name and colon and returns the position of the member's value.
func (s *scanner) name(i int) (at int, form stringForm) {
	if i >= len(s.b) || s.b[i] != '"' {
		return s.fail("a member has no name"), 0
	}
	if i, form = s.string(i); i < 0 {
		return -1, form
	}
	if i = s.expect(i, ':', "a colon is missing"); i < 0 {
		return -1, form
	}
	return s.space(i), form
}
