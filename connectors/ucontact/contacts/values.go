package contacts

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/zeebo/xxh3"
	"golang.org/x/text/unicode/norm"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/transforms/phone"
)

// The functions of this file read the properties.

// readNumbers reads the numbers of a contact that is called. The first of two that are the same counts.
func readNumbers(r *reading, cells []column) ([]byte, *fault) {
	var out []byte
	f := items(cells, func(c column, text string) *fault {
		sent, id, ok := number(text, r.in.options.Country)
		if !ok {
			return r.badNumber(c, text)
		}
		if !r.take(id) {
			return nil
		}
		b, f := quoted(c, sent)
		if f != nil {
			return f
		}
		if out == nil {
			out = append(out, '[')
		} else {
			out = append(out, ',')
		}
		out = append(out, b...)
		return nil
	})
	if f != nil || out == nil {
		return nil, f
	}
	return append(out, ']'), nil
}

// number is a phone number as it is sent, and its normalised form: the digits of E.164, and those of a number that does not
// say its country without an international prefix. So +59891234567 and 59891234567 are one person's.
func number(text, country string) (sent, id string, ok bool) {
	if country != "" || phone.IsInternational(text) {
		sent, ok = phone.E164(text, country)
		return sent, strings.TrimPrefix(sent, "+"), ok
	}
	digits, ok := phone.Digits(text)
	return text, withoutPrefix(digits), ok
}

// withoutPrefix is digits without the usual international prefix.
func withoutPrefix(digits string) string {
	if bare := strings.TrimPrefix(digits, "00"); bare != "" {
		return bare
	}
	return digits
}

func (r *reading) badNumber(c column, text string) *fault {
	remedy := "write the number with + and its country, like +59891234567"
	if c.Kind == push.Number || strings.Contains(strings.ToUpper(text), "E+") {
		remedy += "; a spreadsheet keeps all digits in a column of text"
	}
	return c.fault("is no phone number", remedy)
}

// readAddress reads the one address of a contact that is written to.
func readAddress(r *reading, cells []column) ([]byte, *fault) {
	var out []byte
	f := items(cells, func(c column, text string) (f *fault) {
		sent, id, ok := text, mailID(text), isEmail(text)
		if r.in.options.HubType != Email {
			sent, id, ok = number(text, r.in.options.Country)
		}
		switch {
		case !ok && r.in.options.HubType == Email:
			return c.fault("is no e-mail address", "write it like john.smith@mycompany.net, without a name around it")
		case !ok:
			return r.badNumber(c, text)
		case !r.take(id):
			return nil
		case out != nil:
			return c.fault("holds several addresses", "give each address a row: a contact of such a hub has one")
		}
		out, f = quoted(c, sent)
		return f
	})
	return out, f
}

// readText reads a text, without blanks around it.
func readText(_ *reading, cells []column) ([]byte, *fault) {
	if len(cells) == 0 {
		return nil, nil
	}
	text, f := cells[0].text()
	if f != nil {
		return nil, f
	}
	return quoted(cells[0], strings.TrimSpace(text))
}

// readContent reads a message, which is sent as it is.
func readContent(_ *reading, cells []column) ([]byte, *fault) {
	if len(cells) == 0 {
		return nil, nil
	}
	text, f := cells[0].text()
	if f != nil {
		return nil, f
	}
	return quoted(cells[0], text)
}

// readList reads a list of texts.
func readList(_ *reading, cells []column) ([]byte, *fault) {
	var out []byte
	f := items(cells, func(c column, text string) *fault {
		b, f := quoted(c, text)
		if out == nil {
			out = append(out, '[')
		} else {
			out = append(out, ',')
		}
		out = append(out, b...)
		return f
	})
	if f != nil || out == nil {
		return nil, f
	}
	return append(out, ']'), nil
}

// readPriority reads an integer. A spreadsheet may have written it as 5.0.
func readPriority(_ *reading, cells []column) ([]byte, *fault) {
	if len(cells) == 0 {
		return nil, nil
	}
	text, f := cells[0].text()
	if f != nil {
		return nil, f
	}
	text = strings.TrimSpace(text)
	if whole, zeros, found := strings.Cut(text, "."); found && zeros != "" && strings.Trim(zeros, "0") == "" {
		text = whole
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || cells[0].Kind == push.Bool {
		return nil, cells[0].fault("is no integer", "write a whole number; the lower one is sooner, and 0 the first")
	}
	return strconv.AppendInt(nil, n, 10), nil
}

// mailID is the normalised form of an e-mail address: letters with accents may be written as one sign or as two.
func mailID(text string) string { return strings.ToLower(norm.NFC.String(text)) }

// isEmail reports whether a text has the form of an e-mail address as mail servers accept it: a local part of letters,
// digits and the signs of RFC 5322, with single dots inside, and a domain of two labels or more. What RFC 5322 allows
// beside that (quotes, comments, domains of one label or of numbers) is no person's address.
func isEmail(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	if !found || len(text) > 254 || len(local) > 64 || !isLocal(local) {
		return false
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && len(last) > 1 && strings.Trim(last, "0123456789") != ""
}

func isLocal(local string) bool {
	if local == "" || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for _, c := range local {
		if !isLetter(c) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", c) {
			return false
		}
	}
	return true
}

func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for _, c := range label {
		if !isLetter(c) && c != '-' {
			return false
		}
	}
	return true
}

// idHash stands for a normalised address where many are remembered.
type idHash [16]byte

func hashOf(id string) idHash { return xxh3.HashString128(id).Bytes() }

// isLetter reports whether a character is a letter or a digit, of any alphabet.
func isLetter(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.Is(unicode.Mn, c)
}
