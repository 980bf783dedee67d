package personal

import (
	"bytes"

	"golang.org/x/text/unicode/norm"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms/phone"
)

// normal is the form of a text that all texts of the same meaning have. It is made by what the text is, and not by the
// field that it stands in, so that a person has one hash in fields of all vendors and in those that nobody knows.
func (p *policy) normal(text []byte, kind pipeline.Personal) []byte {
	text = bytes.TrimSpace(text)
	switch {
	case kind == pipeline.PersonalText, kind == pipeline.PersonalLink:
		return text
	case isEmail(text):
		return bytes.ToLower(norm.NFC.Bytes(text)) // an accent may be a sign of its own
	case kind == pipeline.PersonalName:
		return norm.NFC.Bytes(text)
	}
	if number, is := p.number(text); is && (kind != pipeline.PersonalUnlisted || len(number) >= fewestUnlisted) {
		return []byte(number)
	}
	return norm.NFC.Bytes(text)
}

// fewestUnlisted is how many characters a number has at least in a field of which nobody knows what it holds: shorter ones
// are counts, codes and the numbers of switchboards.
const fewestUnlisted = 7

// isEmail reports whether a text has the form of one e-mail address.
func isEmail(text []byte) bool {
	local, host, found := bytes.Cut(text, []byte("@"))
	return found && len(local) > 0 && bytes.IndexByte(host, '.') > 0 && !bytes.ContainsAny(text, " \t\r\n<>,;\"") && bytes.IndexByte(host, '@') < 0
}

// number is the international form of a telephone number, or its digits where nothing says its country. A number without
// a plus is one of the configured country, else one that lacks the plus alone: vendors leave it out.
func (p *policy) number(text []byte) (string, bool) {
	const fewest, most = 3, 64
	if len(text) < fewest || len(text) > most {
		return "", false
	}
	s := string(text)
	if international, is := phone.E164(s, p.Country); is {
		return international, true
	}
	digits, is := phone.Digits(s)
	if !is {
		return "", false
	}
	if len(digits) >= fewestInternational {
		if international, is := phone.E164("+"+digits, ""); is {
			return international, true
		}
	}
	return digits, true
}

// fewestInternational is how many digits a number has at least that can have a country's code before it.
const fewestInternational = 10

// appendEach appends the hashes of the numbers and addresses that a text lists, in its order.
func (p *policy) appendEach(dst, text []byte) []byte {
	parts := bytes.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '|' })
	if len(parts) == 0 {
		parts = [][]byte{text}
	}
	for i, part := range parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.appendHash(dst, p.normal(part, pipeline.PersonalAddress))
	}
	return dst
}
