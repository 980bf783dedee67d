package transforms

import (
	"bytes"
	"iter"
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

// mendSurrogates appends a valid JSON value with each half of a surrogate pair written as \ufffd. Readers of extras
// would refuse the halves.
func mendSurrogates(dst, token []byte) []byte {
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
			if r, _ := hex4(token, 2); utf16.IsSurrogate(r) {
				if low, ok := lowHalf(token, 6); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					n = 12
				} else {
					dst = append(dst, `\ufffd`...)
					token = token[6:]
					continue
				}
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
