package transforms

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errorMember is the member by which a JSON object says that it is no row.
const errorMember = "error"

// errorWords says what of a row's member is the vendor's word that it is no row.
type errorWords uint8

const (
	noWords  errorWords = iota
	anyWords            // whatever its value says
	noNumber            // its value, unless it is a number: how many errors there were may be a metric
)

// errorWordsOf is what a member of that name tells.
func errorWordsOf(name string) errorWords {
	switch {
	case name == errorMember:
		return anyWords
	case strings.EqualFold(name, errorMember), strings.EqualFold(name, "errors"):
		return noNumber
	}
	return noWords
}

// errorMembers are the members, in lower case, that hold a vendor's own words about an error, the likeliest first.
var errorMembers = []string{
	errorMember, "errors", "error_description", "error_message", "errormessage", "message", "msg", "detail", "details", "reason", "truncation_reason",
	"description", "title",
}

const (
	// mostSaid bounds the bytes of a vendor's words in a message.
	mostSaid = 200
	// deepestSaid bounds how deep an error may hold the words.
	deepestSaid = 6
)

// ErrorText is what a JSON answer says about an error, in the vendor's own words: one line of at most 200 bytes, without
// addresses. It is empty where the answer says nothing. The answer may be cut off. Secrets are the caller's to mask.
func ErrorText(answer []byte) string {
	answer = bytes.TrimLeft(bytes.TrimPrefix(answer, byteOrderMark), jsonSpace)
	if !isContainer(answer) {
		return ""
	}
	return shortened(wordsOf(answer, deepestSaid))
}

// messageText is what an element that is no row says about an error, under a name that is of a message and of nothing else.
func messageText(element []byte) string {
	for _, name := range memberNames(element) {
		switch strings.ReplaceAll(strings.ToLower(name), "_", "") {
		case "errormessage", "errordescription", "message", "msg":
			return ErrorText(element)
		}
	}
	return ""
}

// errorText is what the value of a member error says; empty where the value says that there is none: null, false, 0, blank,
// or nothing in it.
func errorText(value []byte) string {
	if s := shortened(wordsOf(value, deepestSaid)); s != "" || !isContainer(value) {
		return s
	}
	if len(bytes.Trim(value, "[]{}"+jsonSpace)) == 0 {
		return ""
	}
	if keys := memberNames(value); len(keys) > 0 {
		return "an object with the members " + strings.Join(keys, ", ")
	}
	return "without words"
}

// wordsOf finds the words in a JSON value, which may be cut off.
func wordsOf(value []byte, depth int) string {
	if len(value) == 0 || depth == 0 {
		return ""
	}
	switch value[0] {
	case '"':
		s := scanner{b: value}
		if end, _ := s.string(0); end > 0 {
			return string(unescape(nil, value[1:end-1]))
		}
		return ""
	case '[':
		s := scanner{b: value}
		return wordsOf(value[s.space(1):], depth-1)
	case '{':
		return wordsInside(value, depth-1)
	}
	end := 0
	for end < len(value) && !isSpace(value[end]) && bytes.IndexByte([]byte(",]}"), value[end]) < 0 {
		end++
	}
	switch word := string(value[:end]); word {
	case "null", "false", "0", "0.0", "":
		return ""
	default:
		return word
	}
}

// wordsInside finds the words in an object, by the names of its members.
func wordsInside(object []byte, depth int) string {
	found := make(map[string]string)
	s := scanner{b: object}
	for i := s.space(1); i < len(object); {
		at, _ := s.name(i)
		if at < 0 {
			break
		}
		end, _ := s.string(i)
		found[strings.ToLower(string(unescape(nil, object[i+1:end-1])))] = wordsOf(object[at:], depth)
		if i, _ = s.value(at); i < 0 {
			break
		}
		if i = s.expect(i, ',', ""); i < 0 || len(found) > maxColumns {
			break
		}
		i = s.space(i)
	}
	flag := ""
	for _, name := range errorMembers {
		switch words := found[name]; {
		case words == "":
		case words == "true" || len(bytes.Trim([]byte(words), "0123456789")) == 0:
			flag = words // the words stand elsewhere
		default:
			return words
		}
	}
	return flag
}

var (
	// addresses are what a vendor may quote of a row: e-mail addresses, and numbers as long as a telephone's.
	addresses = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+|\+?\d[\d ().-]{7,}\d`)
	pageTitle = regexp.MustCompile(`(?is)<(?:title|message)[^>]*>(.*?)</`)
)

// shortened makes one line of a text, of at most mostSaid bytes and without addresses.
func shortened(s string) string {
	if len(s) > 8*mostSaid {
		s = s[:8*mostSaid]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	s = addresses.ReplaceAllString(s, "…")
	if len(s) > mostSaid {
		s = s[:mostSaid-len("…")]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return s
}

// pageText is the title of a page of HTML, or the message of an XML document, for people; empty when it has none.
func pageText(page []byte) string {
	const enough = 8 << 10
	if found := pageTitle.FindSubmatch(page[:min(len(page), enough)]); found != nil {
		if s := shortened(string(found[1])); s != "" {
			return "titled " + s
		}
	}
	return ""
}

// messageIn is what a record of a CSV document says that is no row but an error; empty for everything else.
func messageIn(record []byte) string {
	const enough = 8 << 10
	record = record[:min(len(record), enough)]
	switch {
	case isContainer(record):
		return ErrorText(record)
	case len(record) > len("error") && bytes.EqualFold(record[:len("error")], []byte("error")):
		return shortened(string(record))
	}
	return ""
}
