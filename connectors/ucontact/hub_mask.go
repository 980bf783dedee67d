package ucontact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline/push"
)

const (
	keptText = 512 // bytes of the vendor's text
	hidden   = "…"
)

// masked returns the first bytes of a vendor's text as one line, without whatever was sent: the token, each value of the
// batch's contacts, and whatever looks like an address or a number.
func masked(text []byte, token string, b push.Batch) string {
	plain := unescaped(httpclient.NewMask(token, "Bearer "+token).Message(inUTF8(text)))
	if strings.TrimSpace(plain) == "" {
		return ""
	}
	all := []*said{newSaid(plain)}
	var inside [][]int // of what each further text was unpacked
	for _, at := range packed.FindAllStringIndex(plain, -1) {
		for _, inner := range unpacked(plain[at[0]:at[1]]) {
			all, inside = append(all, newSaid(inner)), append(inside, at)
		}
	}
	hide := func(value string) {
		for _, s := range all {
			s.hideValue(value)
		}
	}
	hide(token)
	for _, c := range b.Contacts {
		eachLeaf(c.JSON, hide)
		eachLeaf(c.Data, hide)
	}
	for _, s := range all {
		s.hideNumbers()
		s.hideMail()
	}
	for i, at := range inside {
		if slices.Contains(all[i+1].hide, true) {
			all[0].hideBytes(at[0], at[1])
		}
	}
	if len(text) >= textLimit { // a value may have been cut at its end
		all[0].hideRunes(max(0, len(all[0].runes)-longestName), len(all[0].runes))
	}
	return firstBytes(all[0].String(), keptText)
}

// firstBytes cuts a text at a character.
func firstBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// inUTF8 reads a text that is no UTF-8 as Latin-1. NULs go, so that UTF-16 is read too.
func inUTF8(text []byte) string {
	s := strings.ReplaceAll(string(text), "\x00", "")
	if whole := strings.ToValidUTF8(s, ""); len(s)-len(whole) < utf8.UTFMax && strings.HasPrefix(s, whole) {
		return whole // at most its end was cut
	}
	runes := make([]rune, 0, len(s))
	for _, b := range []byte(s) {
		runes = append(runes, rune(b))
	}
	return string(runes)
}

var (
	escapes   = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+|\\[bfnrt"'/\\]`)
	percented = regexp.MustCompile(`(?:(?:%|\\x)[0-9A-Fa-f]{2})+`)
	// packed may be base64, or hexadecimal.
	packed = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)
)

// unescaped undoes the notations of JSON, URLs and HTML, also one inside of another.
func unescaped(s string) string {
	const depth = 4
	for range depth {
		before := s
		s = escapes.ReplaceAllStringFunc(s, func(e string) string {
			if e[1] != 'u' {
				return strings.NewReplacer("b", " ", "f", " ", "n", " ", "r", " ", "t", " ").Replace(e[1:])
			}
			var units []uint16
			for _, digits := range strings.Split(e, `\u`)[1:] {
				n, _ := strconv.ParseUint(digits, 16, 16)
				units = append(units, uint16(n))
			}
			return string(utf16.Decode(units))
		})
		s = percented.ReplaceAllStringFunc(s, func(e string) string {
			var b []byte
			for _, digits := range strings.Split(strings.ReplaceAll(e, `\x`, "%"), "%")[1:] {
				n, _ := strconv.ParseUint(digits, 16, 8)
				b = append(b, byte(n))
			}
			return inUTF8(b)
		})
		if s = html.UnescapeString(s); s == before {
			break
		}
	}
	return s
}

// unpacked undoes base64 and hexadecimal, where the text may be one of them.
func unpacked(s string) (texts []string) {
	note := func(b []byte, err error) {
		if err == nil && utf8.Valid(b) {
			texts = append(texts, unescaped(string(b)))
		}
	}
	note(hex.DecodeString(s[:len(s)-len(s)%2]))
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	note(base64.RawStdEncoding.DecodeString(s[:len(s)-len(s)%4]))
	return texts
}

// eachLeaf hands over the values of a JSON document, not its names.
func eachLeaf(document []byte, yield func(string)) {
	d := json.NewDecoder(strings.NewReader(string(document)))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		eachValue(v, yield)
	}
}

func eachValue(v any, yield func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			eachValue(member, yield)
		}
	case []any:
		for _, member := range v {
			eachValue(member, yield)
		}
	case nil:
	default:
		yield(fmt.Sprint(v))
	}
}

const (
	gram        = 8  // letters in a row by which a part of a value is known
	leastInside = 4  // letters of a value that is known inside of a word; a shorter one is known where it stands alone
	leastWord   = 3  // letters of a word of a value that is known where it stands alone
	longestName = 64 // letters of a value whose words are looked for: of a name, not of a message
	leastNumber = 5  // digits of what looks like a number
	widestGap   = 3  // characters between the digits of a number
)

// said is a text that somebody may have made of what was sent, in any form. So it is read as the letters and digits
// alone, without case and accents: those of a phone number are the same however it is grouped.
type said struct {
	runes []rune
	hide  []bool // by rune
	// letters are what the runes come to, each with the rune that it is of.
	letters []rune
	of      []int
	// places are where each row of letters begins.
	places map[row][]int
}

// row is up to gram letters in a row, zeros behind them.
type row [gram]rune

func rowOf(letters []rune) (r row) {
	copy(r[:], letters)
	return r
}

func newSaid(text string) *said {
	s := &said{runes: []rune(text), places: map[row][]int{}}
	s.hide = make([]bool, len(s.runes))
	for i, r := range s.runes {
		for _, l := range letters(string(r)) {
			s.letters, s.of = append(s.letters, l), append(s.of, i)
		}
	}
	for i := range s.letters {
		for n := 1; n <= gram && i+n <= len(s.letters); n++ {
			at := rowOf(s.letters[i : i+n])
			s.places[at] = append(s.places[at], i)
		}
	}
	return s
}

// letters is a text without case, accents and all that is no letter and no digit.
func letters(text string) []rune {
	var all []rune
	for _, r := range norm.NFKD.String(text) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			all = append(all, unicode.ToLower(r))
		}
	}
	return all
}

// hideValue hides a value that was sent, its words and its parts.
func (s *said) hideValue(value string) {
	v := letters(value)
	switch {
	case len(v) == 0:
		s.hideSigns(strings.TrimSpace(value))
	case len(v) < leastInside:
		s.hideRow(v, true)
	case len(v) <= gram:
		s.hideRow(v, false)
	default:
		for i := range len(v) - gram + 1 {
			s.hideRow(v[i:i+gram], false)
		}
	}
	if len(v) > longestName {
		return
	}
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) }) {
		if w := letters(word); len(w) >= leastWord && len(w) <= gram {
			s.hideRow(w, true)
		}
	}
}

// hideRow hides at most gram letters, wherever it stands, or only where it stands alone.
func (s *said) hideRow(v []rune, alone bool) {
	for _, at := range s.places[rowOf(v)] {
		end := at + len(v) // behind it
		if alone && (at > 0 && s.adjoin(at-1, at) || end < len(s.letters) && s.adjoin(end-1, end)) {
			continue
		}
		s.hideRunes(s.of[at], s.of[end-1]+1)
	}
}

// adjoin tells whether two letters stand in one word.
func (s *said) adjoin(a, b int) bool {
	for _, r := range s.runes[s.of[a]:s.of[b]] {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) {
			return false
		}
	}
	return true
}

// hideSigns hides a value without letters, where it is more than punctuation.
func (s *said) hideSigns(value string) {
	v := []rune(value)
	if !strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII }) {
		return
	}
	for i := range s.runes {
		if i+len(v) <= len(s.runes) && string(s.runes[i:i+len(v)]) == value {
			s.hideRunes(i, i+len(v))
		}
	}
}

// hideNumbers hides digits in a row, however they are grouped.
func (s *said) hideNumbers() {
	const between = " \t()[].,-–—/·+\u00a0\u202f"
	begin, end, digits := 0, 0, 0
	done := func() {
		if digits >= leastNumber {
			s.hideRunes(begin, end)
		}
		digits = 0
	}
	for i, r := range s.runes {
		switch {
		case unicode.IsNumber(r):
			if digits == 0 {
				begin = i
			}
			digits, end = digits+1, i+1
		case !strings.ContainsRune(between, r) || i-end >= widestGap:
			done()
		}
	}
	done()
}

// hideMail hides what stands around an @ without a blank.
func (s *said) hideMail() {
	apart := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"'<>()[]{},;:=&|\`, r)
	}
	for i, r := range s.runes {
		if r != '@' && r != '＠' {
			continue
		}
		begin, end := i, i+1
		for begin > 0 && !apart(s.runes[begin-1]) {
			begin--
		}
		for end < len(s.runes) && !apart(s.runes[end]) {
			end++
		}
		s.hideRunes(begin, end)
	}
}

func (s *said) hideRunes(begin, end int) {
	for i := begin; i < end; i++ {
		s.hide[i] = true
	}
}

// hideBytes hides a part of the text by its bytes.
func (s *said) hideBytes(begin, end int) {
	at := 0
	for i, r := range s.runes {
		if at >= begin && at < end {
			s.hide[i] = true
		}
		at += utf8.RuneLen(r)
	}
}

// String is the text as one line, a sign in the place of what is hidden.
func (s *said) String() string {
	var b strings.Builder
	for i, r := range s.runes {
		switch {
		case s.hide[i] && i > 0 && s.hide[i-1]:
		case s.hide[i]:
			b.WriteString(hidden)
		case unicode.IsControl(r) || !unicode.IsPrint(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
