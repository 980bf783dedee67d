package httpclient

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

// leastSecret is the number of bytes from which a secret is taken out of texts. What is shorter stands in every text, which
// would become unreadable and so tell the secret.
const leastSecret = 4

// mostEscapes is how often a text may have been escaped: a URL in JSON is twice.
const mostEscapes = 2

// readings are the depths that are tried at each escape, in this order: what looks like an escape may stand for itself.
var readings = [][]int{{0, 1, 2}, {2, 1, 0}}

// escapeSigns begin an escape of a URL, of JSON and of HTML.
const escapeSigns = `%\&`

func isEscape(b byte) bool { return b == '%' || b == '\\' || b == '&' }

// spelledSecrets finds secrets in texts, however they are spelled there: plain, in hexadecimal, in base64 at any place of
// what was encoded, each with some or all bytes escaped for a URL, for JSON or for HTML. It reads a text once and allocates
// nothing where there is no secret. The zero value and nil find nothing.
type spelledSecrets struct {
	begins beginnings
	first  [3][256][]spelling // by alphabet and the first byte
}

// alphabet says which bytes are the same byte in a notation.
type alphabet uint8

const (
	plainText alphabet = iota // a space of a form is a plus
	base64Text
	hexText
)

// same maps bytes that are written for each other to one of them.
var same = [3][256]byte{plainText: alike(" +"), base64Text: alike(" +-+_/"), hexText: alike("AaBbCcDdEeFf")}

// alike maps each first byte of pairs to the second.
func alike(pairs string) (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
	}
	for i := 0; i < len(pairs); i += 2 {
		table[pairs[i]] = pairs[i+1]
	}
	return table
}

// beginnings are those of all spellings, of each length up to the least, and a few more.
type beginnings [1 << 16 / 64]uint64

// blurred does what each alphabet does.
var blurred = alike(" +-+_/AaBbCcDdEeFf")

func (b *beginnings) add(text string) {
	for n := range leastSecret {
		b.set(text[:n+1])
	}
}

func (b *beginnings) set(text string) { at := place(text); b[at/64] |= 1 << (at % 64) }

func (b *beginnings) has(text string) bool { at := place(text); return b[at/64]&(1<<(at%64)) != 0 }

func place(text string) uint32 {
	var key uint32
	for i := range len(text) {
		key = key<<8 | uint32(blurred[text[i]])
	}
	return (key ^ uint32(len(text))) * 0x9E3779B1 >> 16
}

// spelling is one notation of one secret, mapped by same.
type spelling struct {
	text  string
	least int // so much of it counts where a text was cut
	// bits of the secret are in the characters beside the text
	before, after bool
}

// spelled prepares the search for secrets.
func spelled(secrets ...string) *spelledSecrets {
	s := &spelledSecrets{}
	for _, secret := range secrets {
		plain := []string{secret}
		if _, token, ok := strings.Cut(secret, " "); ok { // "Bearer abc": the token alone is as secret
			plain = append(plain, token)
		}
		for _, p := range plain {
			if len(p) < leastSecret {
				continue
			}
			s.add(plainText, spelling{text: p, least: leastSecret})
			s.add(hexText, spelling{text: hex.EncodeToString([]byte(p)), least: 2 * leastSecret})
			for ahead := range 3 { // bytes of other text in the group of three
				bits := 8 * (ahead + len(p))
				whole := base64.StdEncoding.EncodeToString([]byte("xx"[:ahead] + p))[(8*ahead+5)/6 : bits/6]
				s.add(base64Text, spelling{text: whole, least: min(len(whole), 6), before: ahead > 0, after: bits%6 > 0})
			}
		}
	}
	return s
}

func (s *spelledSecrets) add(a alphabet, one spelling) {
	text := []byte(one.text)
	for i, b := range text {
		text[i] = same[a][b]
	}
	one.text = string(text)
	list := &s.first[a][text[0]]
	if !slices.Contains(*list, one) {
		*list = append(*list, one)
		s.begins.add(one.text)
	}
}

// span is a part of a text.
type span struct{ start, end int }

// hide replaces the secrets in text by the mask, also one that was cut in half where the text ends or a mask stands.
func (s *spelledSecrets) hide(text string) string {
	if s == nil {
		return text
	}
	var found []span
	escape := -1 // where the next one is
	for i := range len(text) {
		if escape < i {
			if escape = strings.IndexAny(text[i:], escapeSigns); escape < 0 {
				escape = len(text)
			} else {
				escape += i
			}
		}
		found = s.at(found, text, i, escape)
	}
	return masked(text, found)
}

// at adds the secrets that begin at i. escape is where the next one is; the text's length where there is none.
func (s *spelledSecrets) at(found []span, text string, i, escape int) []span {
	var read [2 * leastSecret]byte
	switch {
	case i+leastSecret <= escape:
		if !s.begins.has(text[i : i+leastSecret]) {
			return found
		}
	case escape == len(text):
		return found // less is left than the least
	case !s.mayBegin(text, i, read[:0]):
		return found
	}
	for _, depths := range readings {
		found = s.from(found, text, i, depths)
	}
	return found
}

// mayBegin tells whether a secret may begin with what was read and what stands at i.
func (s *spelledSecrets) mayBegin(text string, i int, read []byte) bool {
	last := 0
	for depth := range mostEscapes + 1 {
		c, n := decoded(text, i, depth)
		if n > last {
			more := append(read, c.bytes[:c.size]...)
			more = more[:min(len(more), leastSecret)]
			if s.begins.has(string(more)) && (len(more) == leastSecret || s.mayBegin(text, i+n, more)) {
				return true
			}
		}
		last = max(last, n)
		if i >= len(text) || !isEscape(text[i]) {
			break // it is the same at every depth
		}
	}
	return false
}

// from adds the secrets that begin at i and are read so.
func (s *spelledSecrets) from(found []span, text string, i int, depths []int) []span {
	for _, depth := range depths {
		c, n := decoded(text, i, depth)
		for a := range s.first {
			for _, one := range s.first[a][same[a][c.bytes[0]]] {
				if end := one.match(text, i, depths, &same[a]); n > 0 && end > 0 {
					found = append(found, one.around(text, span{i, end}))
				}
			}
		}
		if !isEscape(text[i]) {
			break
		}
	}
	return found
}

// masked replaces parts of a text.
func masked(text string, parts []span) string {
	if len(parts) == 0 {
		return text
	}
	slices.SortFunc(parts, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	from := 0
	for n, p := range parts {
		if n == 0 || p.start >= from {
			b.WriteString(text[from:p.start])
			b.WriteString(mask)
		}
		from = max(from, p.end)
	}
	b.WriteString(text[from:])
	return b.String()
}

// match is where the spelling ends that begins at i, 0 if it does not.
func (s *spelling) match(text string, i int, depths []int, same *[256]byte) (end int) {
	for k := 0; k < len(s.text); {
		size, n, over := s.next(text, i, k, depths, same)
		switch {
		case n > 0:
			k, i = k+size, i+n
		case !over || k < s.least:
			return 0
		default:
			if before, _, ok := strings.Cut(text[i:], mask); ok {
				return i + len(before) + len(mask)
			}
			return len(text)
		}
	}
	return i
}

// next compares what stands at i with the spelling's byte k: size bytes of it are n bytes of the text. over says that
// the text was cut here.
func (s *spelling) next(text string, i, k int, depths []int, same *[256]byte) (size, n int, over bool) {
	for _, depth := range depths {
		c, n := decoded(text, i, depth)
		if n == 0 {
			over = true
		} else if k+c.size <= len(s.text) && same[c.bytes[0]] == s.text[k] && (c.size == 1 || string(c.bytes[:c.size]) == s.text[k:k+c.size]) {
			return c.size, n, false
		}
		if i == len(text) || !isEscape(text[i]) {
			break
		}
	}
	return 0, 0, over
}

// around adds to a span the characters beside it that hold bits of the secret.
func (s *spelling) around(text string, at span) span {
	digit := func(i int) bool {
		return i >= 0 && i < len(text) && strings.IndexByte(base64Digits, text[i]) >= 0
	}
	if s.before && digit(at.start-1) {
		at.start--
	}
	if s.after && digit(at.end) {
		at.end++
	}
	return at
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"

// character is what one escape stands for, or one byte.
type character struct {
	bytes [utf8.UTFMax]byte
	size  int
}

// decoded reads what stands at i, of n bytes, for so many depths of escapes. Where the text ends, or a mask hides the rest,
// n is 0, also in the middle of an escape. What only looks like an escape stands for itself.
func decoded(text string, i, depth int) (c character, n int) {
	if i >= len(text) || strings.HasPrefix(text[i:], mask) {
		return c, 0
	}
	if depth == 0 || !isEscape(text[i]) {
		c.bytes[0], c.size = text[i], 1
		return c, 1
	}
	if c, n = decoded(text, i, depth-1); c.size != 1 {
		return c, n
	}
	e := escape{text: text, at: i + n, depth: depth - 1}
	r, ok := e.read(c.bytes[0])
	switch {
	case e.over:
		return c, 0
	case !ok:
		return c, n
	case r < utf8.RuneSelf || c.bytes[0] == '%': // a byte
		c.bytes[0] = byte(r)
	default:
		c.size = utf8.EncodeRune(c.bytes[:], r)
	}
	return c, e.at - i
}

// escape reads one.
type escape struct {
	text  string
	at    int
	depth int  // of escapes inside
	over  bool // the text ends inside
}

// read reads what is behind the byte that begins it.
func (e *escape) read(first byte) (r rune, ok bool) {
	switch first {
	case '%':
		return e.hex(2)
	case '\\':
		switch b := e.next(); b {
		case 'u':
			return e.hex(4)
		case 'x':
			return e.hex(2)
		case '/', '\\', '"', '\'':
			return rune(b), true
		case 'n':
			return '\n', true
		case 't':
			return '\t', true
		}
	case '&':
		entity := [10]byte{'&'}
		for n := 1; n < len(entity); n++ {
			b := e.next()
			if entity[n] = b; b == ';' {
				plain := html.UnescapeString(string(entity[:n+1]))
				r, size := utf8.DecodeRuneInString(plain)
				return r, size == len(plain)
			}
			if b != '#' && !('0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z') {
				break
			}
		}
	}
	return 0, false
}

// next is the next byte, 0 where there is none.
func (e *escape) next() byte {
	c, n := decoded(e.text, e.at, e.depth)
	if n == 0 {
		e.over = true
	}
	e.at += n
	if c.size != 1 {
		return 0
	}
	return c.bytes[0]
}

func (e *escape) hex(digits int) (r rune, ok bool) {
	for range digits {
		b := e.next()
		switch {
		case '0' <= b && b <= '9':
			b -= '0'
		case 'a' <= b && b <= 'f':
			b -= 'a' - 10
		case 'A' <= b && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}
