package transforms

import (
	"bytes"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// jsonDecoder reads the rows of one chunk.
//
// The decoder predicts each member's name from the row before: vendors write the same members in the same order, and
// it is cheaper to compare a name than to look it up.
type jsonDecoder struct {
	format  *jsonFormat
	row     *Row
	scan    scanner
	failure error // of the mapping

	spelled                  map[string]*jsonKey    // by the name as it stands in the text
	members                  map[string]*jsonMember // by the name itself
	first                    *jsonKey               // the first name of the row before
	envelope                 []envelopeValue
	decoded                  []byte     // texts of the current row that do not stand in the chunk
	form                     stringForm // of the value just read
	last                     []byte     // the element just read, where it is no object
	said                     string     // what the member error of the current row says
	verbatimFrom, verbatimTo int        // members for extras that the row has not been given yet
}

// jsonKey is one spelling of a name.
type jsonKey struct {
	*jsonMember
	as       string // the name itself
	text     []byte // that with its quotes and the colon
	verbatim bool   // its members stand in extras as they stand in the text
	tells    errorWords
	next     *jsonKey // the name that followed this one the last time
}

// jsonMember is a name that rows have.
type jsonMember struct {
	field int        // index in the mapping, or -1
	name  *extraName // where field is -1
	row   int64      // the last row that has it
	there int64      // the last row in which it is not null
	title string
}

// told is the member's name as messages have it.
func (m *jsonMember) told() string {
	if m.name != nil {
		return m.name.source
	}
	return m.title
}

// envelopeValue is a member of the object around the rows.
type envelopeValue struct {
	*jsonMember
	value
	renamed *extraName // its name in rows that have a member of that name themselves
}

func newJSONDecoder(f *jsonFormat, m *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) *jsonDecoder {
	return &jsonDecoder{
		format:  f,
		row:     f.mapping.newRow(m, into, isText(c.Data) && isText(c.Head)),
		spelled: make(map[string]*jsonKey),
		members: make(map[string]*jsonMember),
	}
}

// decode reads the whole chunk and returns what is wrong with it as JSON; empty when nothing is.
func (d *jsonDecoder) decode(c pipeline.Chunk) (problem string) {
	if len(c.Head) > 0 {
		d.readEnvelope(c.Head)
	}
	s := &d.scan
	s.b, s.problem = c.Data, ""
	i := s.space(0)
	defer d.tellTail()
	for i < len(s.b) && d.failure == nil {
		if i = d.element(i); i < 0 {
			return s.problem
		}
		if i = s.space(i); i == len(s.b) {
			break
		}
		if i = s.expect(i, ',', "a comma is missing between rows"); i < 0 {
			return s.problem
		}
		if i = s.space(i); i == len(s.b) {
			return "a row is missing beside the comma behind it"
		}
	}
	return ""
}

// tellTail tells the batch of a last element that is no object.
func (d *jsonDecoder) tellTail() {
	if d.last == nil {
		d.row.into.Tail = pipeline.Damage{}
		return
	}
	t := pipeline.Damage{Kind: pipeline.Malformed, Row: d.row.number, What: "is not an object", Hint: endHint, Cause: pipeline.CutShort}
	if said := errorText(d.last); d.last[0] == '"' && strings.Contains(said, " ") { // a sentence
		t.What += ": " + d.format.mapping.policy.Say(said)
		t.Cause = pipeline.VendorError
	} else {
		t.What += ", but has the shape " + pipeline.Shape(d.last)
	}
	d.row.into.Tail = t
}

// element reads the element at i and returns the position behind it, -1 after a problem.
func (d *jsonDecoder) element(i int) int {
	s, r := &d.scan, d.row
	r.begin()
	r.forget()
	d.forgetNames()
	d.last = nil
	if s.b[i] != '{' {
		end, _ := s.value(i)
		if end >= 0 {
			d.last = s.b[i:end]
			r.rejectRaw(d.last, "the row is not an object")
		}
		return end
	}
	end, repeated := d.object(i)
	if end < 0 {
		return -1
	}
	raw := s.b[i:end]
	if d.said != "" {
		r.condemn(raw, pipeline.Damage{Kind: pipeline.Malformed, What: "holds an error of the vendor: " + d.format.mapping.policy.Say(d.said), Hint: sentErrorHint, Cause: pipeline.VendorError})
		return end
	}
	if !d.hasKey() {
		if said := messageText(raw); said != "" {
			r.condemn(raw, pipeline.Damage{Kind: pipeline.Malformed, What: "has no key, and a message of the vendor: " + d.format.mapping.policy.Say(said), Hint: sentErrorHint, Cause: pipeline.VendorError})
			return end
		}
		r.condemn(raw, pipeline.Damage{Kind: pipeline.Malformed, What: d.keyless(raw), Hint: noKeyHint, Cause: pipeline.MissingField})
		return end
	}
	if repeated != nil {
		r.rejectRaw(raw, "the row has the field "+repeated.told()+" twice")
		return end
	}
	d.putEnvelope()
	if reason := d.checkFields(); reason != "" {
		r.rejectRaw(raw, reason)
		return end
	}
	d.failure = r.end(raw)
	return end
}

const (
	sentErrorHint = "the next sync asks again"
	noKeyHint     = "the row may be a total or a message, or the vendor renamed its fields"
)

// keyless says what the current row has instead of a key: the names of its members.
func (d *jsonDecoder) keyless(raw []byte) string {
	what := "has nothing in " + strings.Join(d.format.mapping.Keys, ", ")
	if names := memberNames(raw); len(names) > 0 {
		what += "; its members are " + strings.Join(names, ", ")
	}
	return what
}

// noteError keeps what a member error says, if anything.
func (d *jsonDecoder) noteError(token []byte) {
	if said := errorText(token); said != "" {
		d.said = said
	}
}

// hasKey reports whether one of the keys of the current row is there and not null. Only then is it a row at all.
func (d *jsonDecoder) hasKey() bool {
	r, l := d.row, d.format.mapping
	for _, f := range l.keys {
		if r.fields[f].text != nil {
			return true // nearly always
		}
	}
	for _, source := range l.Keys {
		if m := d.members[source]; m != nil && m.there == r.number {
			return true
		}
	}
	return len(l.Keys) == 0
}

// tooManyMembers names the limit, maxColumns.
const tooManyMembers = "it has more than 4096 members"

// forgetNames forgets the names of earlier rows once there are many: rows may have no name in common.
func (d *jsonDecoder) forgetNames() {
	if len(d.spelled) < 2*maxColumns {
		return
	}
	clear(d.spelled)
	clear(d.members)
	d.first = nil
	for _, e := range d.envelope {
		d.members[e.title] = e.jsonMember
	}
}

// object reads the members of the object at i into the row. repeated is a member that the object has more than once.
func (d *jsonDecoder) object(i int) (end int, repeated *jsonMember) {
	s := &d.scan
	d.decoded, d.verbatimFrom, d.verbatimTo, d.said = d.decoded[:0], 0, 0, ""
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == '}' {
		return i + 1, nil
	}
	follow := &d.first
	for members := 1; ; members++ {
		if members > maxColumns {
			return s.fail(tooManyMembers), nil
		}
		key, at := d.key(i, *follow)
		if at < 0 {
			if i < len(s.b) {
				s.problem += " where the text has the shape " + pipeline.Shape(s.b[i:])
			}
			return -1, nil
		}
		if *follow != key {
			*follow = key
		}
		follow = &key.next
		if key.row == d.row.number && (key.name == nil || !key.name.left) {
			repeated = key.jsonMember
		}
		key.row = d.row.number
		end := d.member(key, i, at)
		if end < 0 {
			return -1, nil
		}
		if end+1 < len(s.b) && s.b[end] == ',' && s.b[end+1] == '"' {
			i = end + 1
			continue
		}
		if i = s.space(end); i < len(s.b) && s.b[i] == '}' {
			d.flushVerbatim()
			return i + 1, repeated
		}
		if i = s.expect(i, ',', "a comma is missing between members, or the row ends too early"); i < 0 {
			return -1, nil
		}
		i = s.space(i)
	}
}

// member reads the value at position at, whose name stands at i.
func (d *jsonDecoder) member(k *jsonKey, i, at int) (end int) {
	verbatim := k.verbatim && at == i+len(k.text)
	if b := d.scan.b; verbatim && at < len(b) && isDigit(b[at]) { // nearly all values are numbers
		if end = d.scan.number(at); end < 0 {
			return d.blame(k, at)
		}
		d.keepVerbatim(k, i, at, end)
		return end
	}
	v, end := d.value(at)
	if end < 0 {
		return d.blame(k, at)
	}
	if v.text != nil || d.scan.b[at] == '"' {
		k.there = d.row.number
	}
	if k.field >= 0 {
		d.row.there.Add(k.field)
	}
	if v.text != nil && (k.tells == anyWords || k.tells == noNumber && (v.token[0] == '"' || isContainer(v.token))) {
		d.noteError(v.token)
	}
	switch {
	case v.text == nil:
	case k.field >= 0:
		d.row.put(k.field, v)
		if d.row.mapping.Fields[k.field].AnyCase {
			d.respell(k)
		}
		switch {
		case d.form&noNumbers != 0:
			d.row.flags[k.field] |= unreadable | skipColumn | keepInExtras
		case d.form&escapedNULs != 0, d.form&loneSurrogates != 0 && !slices.Contains(d.format.mapping.keys, k.field):
			d.row.flags[k.field] |= unreadable
		}
	case verbatim && d.row.isText && len(v.token) == end-at && &v.token[0] == &d.scan.b[at]:
		d.keepVerbatim(k, i, at, end)
	default:
		d.keepRewritten(k, v)
	}
	return end
}

// blame adds to what is wrong in which member it is, and how its value begins.
func (d *jsonDecoder) blame(k *jsonKey, at int) int {
	value := d.scan.b[at:]
	if len(value) > 0 && value[0] != '"' && !isContainer(value) {
		if end := bytes.IndexAny(value, ",}]\n"); end > 0 {
			value = value[:end]
		}
	}
	d.scan.problem += " in " + pipeline.ShownName(k.as)
	if shape := pipeline.Shape(value); shape != "" {
		d.scan.problem += ", which begins with the shape " + shape
	}
	return -1
}

// respell has a field that stays in extras called as the document spells it.
func (d *jsonDecoder) respell(k *jsonKey) {
	if r := d.row; r.mapping.Fields[k.field].Source != k.as {
		r.mapping = r.mapping.renamed(k.field, k.as)
	}
}

// keepVerbatim leaves a member in extras that is written as extras have it: its name stands at i, its value from at
// to end. Members that stand side by side are given to the row in one piece.
func (d *jsonDecoder) keepVerbatim(k *jsonKey, i, at, end int) {
	r, b := d.row, d.scan.b
	r.verbatimHash = r.verbatimHash.Add(pipeline.FieldHash(k.name.seed, b[at:end]))
	if i != d.verbatimTo+1 || b[d.verbatimTo] != ',' || d.verbatimFrom == d.verbatimTo {
		d.flushVerbatim()
		d.verbatimFrom = i
	}
	d.verbatimTo = end
}

// keepRewritten leaves a member in extras that has to be written anew: its name, its text or its value differs from
// what the document has.
func (d *jsonDecoder) keepRewritten(k *jsonKey, v value) {
	r := d.row
	if k.name.left {
		return
	}
	if d.form&^escapes != 0 || !r.isText && !isText(v.token) {
		r.spoilt = append(r.spoilt, k.name)
	}
	if personal := k.name.personal; personal != pipeline.Impersonal {
		var ok bool
		if v, ok = r.outgoing(personal, noColumn, v); !ok {
			return
		}
	}
	token := r.clean(v.token)
	r.verbatimHash = r.verbatimHash.Add(pipeline.FieldHash(k.name.seed, token))
	d.flushVerbatim()
	n := len(d.decoded)
	d.decoded = append(append(d.decoded, k.name.member...), token...)
	r.verbatim = append(r.verbatim, d.decoded[n:])
}

// flushVerbatim gives the row the members that keepVerbatim has collected.
func (d *jsonDecoder) flushVerbatim() {
	if d.verbatimFrom < d.verbatimTo {
		d.row.verbatim = append(d.row.verbatim, d.scan.b[d.verbatimFrom:d.verbatimTo])
		d.verbatimFrom, d.verbatimTo = 0, 0
	}
}

// put gives the row a member's value, unless the value is absent.
func (d *jsonDecoder) put(m *jsonMember, v value) {
	switch {
	case v.text == nil:
	case m.field >= 0:
		d.row.put(m.field, v)
	default:
		d.row.putUnlisted(m.name, v)
	}
}

// key reads the name at i and its colon, and returns the position of the value, -1 after a problem.
func (d *jsonDecoder) key(i int, predicted *jsonKey) (*jsonKey, int) {
	s := &d.scan
	if predicted != nil && bytes.HasPrefix(s.b[i:], predicted.text) {
		if i += len(predicted.text); i < len(s.b) && s.b[i] > ' ' {
			return predicted, i
		}
		return predicted, s.space(i)
	}
	at, _ := s.name(i)
	if at < 0 {
		return nil, -1
	}
	end, _ := s.string(i)
	spelled := s.b[i:end]
	if k := d.spelled[string(spelled)]; k != nil {
		return k, at
	}
	k := &jsonKey{as: nameOf(spelled), text: append(bytes.Clone(spelled), ':')}
	k.jsonMember = d.named(k.as)
	k.tells = errorWordsOf(k.as)
	k.verbatim = k.name != nil && k.tells == noWords && k.name.personal == pipeline.Impersonal && bytes.Equal(k.text, k.name.member)
	d.spelled[string(spelled)] = k
	return k, at
}

// nameOf is the name that a string of the document spells.
func nameOf(spelled []byte) string {
	name := unescape(nil, spelled[1:len(spelled)-1])
	if !isText(name) {
		name = asText(name)
	}
	return string(name)
}

// named finds or makes the member called title.
func (d *jsonDecoder) named(title string) *jsonMember {
	m := d.members[title]
	if m == nil {
		f := d.format.mapping.field(title)
		if f >= 0 && d.format.mapping.Fields[f].Source != title { // another spelling of a name that may come in any case
			m = d.named(d.format.mapping.Fields[f].Source)
			d.members[title] = m
			return m
		}
		m = &jsonMember{field: f, title: title}
		if m.field < 0 {
			if m.name = d.format.mapping.unlistedName(title); !m.name.left {
				d.row.into.Other(m.name.source)
			}
		}
		d.members[title] = m
	}
	return m
}

// value reads the value at i and returns the position behind it. Null and blank strings are absent: their text is nil.
func (d *jsonDecoder) value(i int) (value, int) {
	s := &d.scan
	end, form := s.value(i)
	if end < 0 {
		return value{}, -1
	}
	token := s.b[i:end]
	if d.form = form; form&(loneSurrogates|escapedNULs) != 0 {
		token = mendEscapes(nil, token)
	}
	if form&noNumbers != 0 {
		token = mendNoNumbers(nil, token)
	}
	switch token[0] {
	case 'n':
		return value{}, end
	case '"':
		text := token[1 : len(token)-1]
		if form&escapes != 0 {
			n := len(d.decoded)
			d.decoded = unescape(d.decoded, text)
			text = d.decoded[n:len(d.decoded):len(d.decoded)]
		}
		if len(text) == 0 || text[0] <= ' ' && isBlank(text) {
			return value{}, end
		}
		return value{text: text, token: token}, end
	}
	return value{text: token, token: token}, end
}

// checkFields keeps arrays and objects out of columns: there they cannot be read. reason says why the row is rejected.
func (d *jsonDecoder) checkFields() (reason string) {
	r, l := d.row, d.format.mapping
	for f := range r.fields {
		if isContainer(r.fields[f].token) && l.cols[f] >= 0 {
			if !l.Table.Columns[l.cols[f]].Nullable {
				r.culprit = f
				return l.Fields[f].Source + " cannot be read"
			}
			r.flags[f] |= keepInExtras | skipColumn | unreadable
		}
	}
	return ""
}

// readEnvelope reads the members around the rows, which Split has checked.
func (d *jsonDecoder) readEnvelope(head []byte) {
	s := &d.scan
	s.b = head
	for i := s.space(1); i < len(head) && head[i] == '"'; {
		key, at := d.key(i, nil)
		if at < 0 {
			return
		}
		v, end := d.value(at)
		if end < 0 {
			return
		}
		if v.text != nil {
			renamed := newExtraName("_envelope." + key.title)
			if key.name != nil {
				renamed = newExtraName("_envelope." + key.name.source)
				renamed.left = key.name.left
			}
			renamed.personal = d.envelopePersonal(key.jsonMember, v)
			d.envelope = append(d.envelope, envelopeValue{key.jsonMember, value{bytes.Clone(v.text), v.token}, renamed})
		}
		i = s.space(end)
		if i < len(head) && head[i] == ',' {
			i = s.space(i + 1)
		}
	}
}

// envelopePersonal is the kind of personal data of a member around the rows that goes to extras under another name.
func (d *jsonDecoder) envelopePersonal(m *jsonMember, v value) pipeline.Personal {
	if m.field < 0 {
		return m.name.personal
	}
	l := d.format.mapping
	personal := l.names[m.field].personal
	if personal == pipeline.Impersonal && l.redacts() && (isContainer(v.token) || !l.readable(m.field, v.text)) {
		personal = pipeline.PersonalUnlisted
	}
	return personal
}

// putEnvelope adds the members around the rows to the row.
func (d *jsonDecoder) putEnvelope() {
	for _, e := range d.envelope {
		if e.row == d.row.number {
			d.row.putUnlisted(e.renamed, e.value)
			continue
		}
		d.put(e.jsonMember, e.value)
	}
}
