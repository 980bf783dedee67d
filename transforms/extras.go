package transforms

import (
	"fmt"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// extraName is a source field's name, ready to be written into extras.
type extraName struct {
	source   string
	seed     uint64            // of the hashes of the field's values
	member   []byte            // `"name":`
	personal pipeline.Personal // what its values are; Impersonal where the policy keeps
	hidden   bool              // something else stands for the name that the document has
	left     bool              // nothing does, and so nothing is written of the field
}

func newExtraName(source string) *extraName {
	source = string(asText([]byte(source)))
	return &extraName{
		source: source,
		seed:   pipeline.NameSeed(source),
		member: append(appendQuoted(nil, []byte(source), false), ':'),
	}
}

// writeExtra adds a member to the row's extras and, unless it is a snapshot, to their hash. A CSV cell becomes a JSON
// string. A JSON value stays as it was written, except that bytes that are no text become U+FFFD. personal is the
// kind of personal data that v is.
func (r *Row) writeExtra(n *extraName, personal pipeline.Personal, v value, snapshot bool) {
	if n.left {
		return
	}
	if personal != pipeline.Impersonal {
		var ok bool
		if v, ok = r.outgoing(personal, noColumn, v); !ok {
			return
		}
	}
	if len(v.text) > maxRow/maxEscape && !r.roomFor(v) {
		return
	}
	if len(r.extras) > r.begun {
		r.extras = append(r.extras, ',')
	}
	r.extras = append(r.extras, n.member...)
	raw := r.clean(v.text) // the fingerprint is of what is stored: a stored row has it too
	if v.token != nil {
		raw = r.clean(v.token)
		r.extras = append(r.extras, raw...)
	} else {
		r.extras = appendQuoted(r.extras, raw, true)
	}
	if !snapshot {
		r.hash = r.hash.Add(pipeline.FieldHash(n.seed, raw))
	}
}

// writeUnlisted adds a member that the mapping does not list, and counts one whose bytes are no text.
func (r *Row) writeUnlisted(n *extraName, v value) {
	if !n.left && !r.isText && !isText(v.text) {
		r.into.UnreadOther(n.source)
	}
	r.writeExtra(n, n.personal, v, false)
}

// maxEscape is how many bytes a byte of a text may become in a JSON string.
const maxEscape = 6

// roomFor reports whether a long value may stand in extras. Where its escapes make the row longer than rows may be, it
// condemns the document.
func (r *Row) roomFor(v value) bool {
	size := len(v.token)
	if v.token == nil {
		size = len(v.text)
		for _, c := range v.text {
			switch {
			case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
				size++
			case c < ' ':
				size += maxEscape - 1
			}
		}
	}
	if len(r.extras)-r.begun+size <= maxRow {
		r.extras = slices.Grow(r.extras, size+maxAround) // at once: each step on the way would leave a copy
		return true
	}
	r.Fail(&pipeline.Error{Op: "read rows", Kind: pipeline.Malformed, Hint: "it may be another document", Err: &pipeline.RowError{
		Row: r.number, What: fmt.Sprintf(" is longer than %d MiB, with its control characters escaped", maxRow>>20)}})
	return false
}

// writeMembers adds members to the row's extras that are already written as extras have them.
func (r *Row) writeMembers(members []byte) {
	if len(r.extras) > r.begun {
		r.extras = append(r.extras, ',')
	}
	r.extras = append(r.extras, members...)
}

// appendQuoted appends s as a JSON string. NUL bytes and runs of invalid UTF-8 become U+FFFD; clean says that s
// has none.
func appendQuoted(dst, s []byte, clean bool) []byte {
	if !clean && !isText(s) {
		s = asText(s)
	}
	dst = append(dst, '"')
	for {
		i := nextEscape(s, 0)
		dst = append(dst, s[:i]...)
		if i == len(s) {
			return append(dst, '"')
		}
		dst = appendEscaped(dst, s[i])
		s = s[i+1:]
	}
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends the JSON escape of a quote, a backslash or a control character.
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
