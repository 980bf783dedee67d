package transforms

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"
	"unicode"

	"github.com/windrow-data/windrow/pipeline"
)

// Personal data leaves a format through one door. A value has four exits: a column, extras, a member that extras take
// verbatim from the document, and the text of a reject. Each of them knows the kind of personal data that the value
// is, and lets nothing but Impersonal values by without asking outgoing. Under a policy that keeps everything every
// kind is Impersonal.
//
// The kind of a value that goes to a column is that of its source field, or else that of the column. What goes to
// extras has the kind of its source field; a field that the mapping does not name is PersonalUnlisted, and so is a
// value that is not what the mapping says of its field.

// noColumn is where values go that leave by another exit than a column.
const noColumn = -1

// outgoing returns what of the personal value v may leave, to column col or to noColumn: v itself, what the policy
// puts in its place, or false for nothing.
func (r *Row) outgoing(personal pipeline.Personal, col int, v value) (value, bool) {
	required := col != noColumn && !r.mapping.Table.Columns[col].Nullable
	switch {
	case personal == pipeline.PersonalRow:
		return value{}, false
	case v.token == nil:
		text, ok := r.replaceText(personal, required, v.text)
		return value{text: text}, ok
	case isContainer(v.token):
		token := r.replaceInside(personal, v.token)
		return value{text: token, token: token}, true
	case !isPersonalScalar(personal, v.token[0]):
		return v, true
	}
	text, ok := r.replaceText(personal, required, v.text)
	if !ok || bytes.Equal(text, r.clean(v.text)) {
		return v, ok
	}
	return value{text: text, token: appendQuoted(nil, text, true)}, true
}

// writePersonal appends what may leave of a personal text to a string column.
func (r *Row) writePersonal(col int, personal pipeline.Personal, text []byte) {
	if v, ok := r.outgoing(personal, col, value{text: text}); ok {
		r.into.Text(col, r.clean(v.text))
	}
}

// convertPersonal is convert for a personal field, which has a text.
func (r *Row) convertPersonal(c Conv, personal pipeline.Personal, col int, text []byte) bool {
	switch c {
	case Tags:
		return r.writeTags(col, personal, text)
	case Lower:
		text = r.lower(text)
	}
	r.writePersonal(col, personal, text)
	return true
}

// isPersonalScalar reports whether a JSON value that begins with c is given to the policy: a string always is, a number
// where the mapping says what it holds, a literal never.
func isPersonalScalar(personal pipeline.Personal, c byte) bool {
	return c == '"' || (isDigit(c) || c == '-') && personal != pipeline.PersonalUnlisted
}

// replaceText returns what stands for text, good during the row; false: nothing does.
func (r *Row) replaceText(personal pipeline.Personal, required bool, text []byte) ([]byte, bool) {
	from := len(r.scratch)
	replace := r.mapping.policy.Replace
	if r.meta.Redacted != "" { // the policy fits, as whoever found the body has made sure
		replace = r.mapping.policy.Again
		if personal == pipeline.PersonalUnlisted {
			text = bytes.TrimSuffix(text, noList)
		}
	}
	if replace == nil {
		return r.clean(text), true
	}
	if personal == pipeline.PersonalRow {
		personal = pipeline.PersonalUnlisted // value by value
	}
	longer, ok := replace(r.scratch, r.clean(text), personal, required)
	if !ok {
		return nil, false
	}
	r.scratch = longer
	return longer[from:len(longer):len(longer)], true
}

// ToldName is what stands for the name of a field that no mapping names, or of a member inside a value, under a policy: the name
// itself, unless it is a person's number or address, by which vendors may sort values. false: nothing does. The name that a
// copy has for such a one is empty.
func ToldName(p pipeline.Policy, name string) (string, bool) {
	if p.Keeps() || name != "" && !isAddressee(name) {
		return name, true
	}
	told, ok := p.Replace(nil, []byte(cmp.Or(name, withheld)), pipeline.PersonalUnlisted, false)
	if !ok || name == "" {
		return "", ok
	}
	return strings.Trim(string(told), aroundNames), true
}

// isAddressee reports whether a name is a telephone number or an e-mail address. Dates, and the longer numbers of things, are
// neither.
func isAddressee(name string) bool {
	const fewest, fewestBare, most = 7, 8, 15
	digits := 0
	for _, c := range name {
		switch {
		case c == '@':
			return true
		case unicode.IsDigit(c):
			digits++
		}
	}
	if digits < fewest || digits > most || strings.ContainsFunc(name, unicode.IsLetter) {
		return false
	}
	if strings.HasPrefix(strings.TrimSpace(name), "+") {
		return true
	}
	return digits >= fewestBare && !strings.ContainsAny(name, ":_") && !isDate.MatchString(name)
}

// isDate matches a day, with or without dashes, and whatever stands behind it.
var isDate = regexp.MustCompile(`^\s*(?:19|20)\d\d[-./]?(?:0[1-9]|1[0-2])(?:[-./]?(?:0[1-9]|[12]\d|3[01]))?(?:\D.*)?$`)

// replaceInside returns a valid array or object with its strings, the numbers of a kind that the mapping declares, and names of
// members that are people's addresses replaced; null stands for what is left out.
func (r *Row) replaceInside(personal pipeline.Personal, token []byte) []byte {
	s := scanner{b: token}
	out := make([]byte, 0, len(token))
	for i := 0; i < len(token); {
		end := i + 1
		switch c := token[i]; {
		case c == '"':
			end, _ = s.string(i)
			if at := s.space(end); at < len(token) && token[at] == ':' {
				name := nameOf(token[i:end])
				told, kept := ToldName(r.mapping.policy, name)
				switch {
				case !kept:
					out = append(out, leftOut...)
					i, _ = s.value(s.space(at + 1))
					continue
				case told != name:
					out, i = appendQuoted(out, []byte(told), true), end
					continue
				}
				break
			}
			out = r.appendReplaced(out, personal, unescape(nil, token[i+1:end-1]), token[i:end])
			i = end
			continue
		case isDigit(c) || c == '-':
			end = s.number(i)
			if isPersonalScalar(personal, c) {
				out = r.appendReplaced(out, personal, token[i:end], token[i:end])
				i = end
				continue
			}
		}
		out = append(out, token[i:end]...)
		i = end
	}
	return out
}

// appendReplaced appends what stands for text, as a JSON value; token is how the text stands in the document.
func (r *Row) appendReplaced(out []byte, personal pipeline.Personal, text, token []byte) []byte {
	if isBlank(text) {
		return append(out, token...)
	}
	replaced, ok := r.replaceText(personal, false, text)
	switch {
	case !ok:
		return append(out, "null"...)
	case bytes.Equal(replaced, r.clean(text)):
		return append(out, token...)
	}
	return appendQuoted(out, replaced, true)
}

// fieldPersonal is the kind of personal data that field f holds in this row.
func (r *Row) fieldPersonal(f int) pipeline.Personal {
	if !r.redacts {
		return pipeline.Impersonal
	}
	if r.flags[f]&notPersonal == 0 {
		return r.mapping.names[f].personal
	}
	if col := r.mapping.cols[f]; col >= 0 {
		return r.mapping.columnPersonal[col]
	}
	return pipeline.Impersonal
}

// settingPersonal is the kind of personal data that Set… was told.
func (r *Row) settingPersonal(s *setting) pipeline.Personal {
	if !r.redacts {
		return pipeline.Impersonal
	}
	if personal := r.mapping.columnPersonal[s.col]; personal != pipeline.Impersonal || s.from < 0 {
		return personal
	}
	return r.fieldPersonal(s.from)
}

// keptPersonal is the kind of personal data of field f in extras, under a policy that replaces some. A value that the
// mapping does not expect in this field may be anything.
func (r *Row) keptPersonal(f int) pipeline.Personal {
	personal := r.fieldPersonal(f)
	if personal == pipeline.Impersonal && !r.isAsDeclared(f) {
		return pipeline.PersonalUnlisted
	}
	return personal
}

// isAsDeclared reports whether field f holds what its Conv says. Of a Custom field the Row alone knows whether it was
// read: as a day it was.
func (r *Row) isAsDeclared(f int) bool {
	if isContainer(r.fields[f].token) || r.flags[f]&spoilt != 0 {
		return false
	}
	conv := r.mapping.Fields[f].Conv
	if conv == Custom {
		return r.flags[f]&readAsDay != 0
	}
	return r.mapping.readable(f, r.fields[f].text)
}
