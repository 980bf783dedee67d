package transforms

import (
	"bytes"
	"io"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// A redacted copy of a document is made by reading the document: each row runs through the mapping, and what the exits
// would let out of a field is what the copy has in its place. So the two cannot disagree, and the copy, which is read with
// [pipeline.Policy.Again], gives the same rows. Of a row that is rejected everything is replaced but the time that it was
// found to have, so that the copy's row is rejected in the same window.

// redactRange is how many bytes are redacted at once.
const redactRange = 256 << 10

// withheld stands in a rejected row for a value of which nothing may stay. It is not blank, and nothing that is read from a
// field, so that the row is rejected again.
const withheld = "?"

// noList stands behind the copy of a text that cannot be read as a list, for what stands for it could be.
var noList = []byte{'['}

// asked is the Asked of [pipeline.Redactor].
func (c *compiledMapping) asked(names []string) []string {
	personal := c.Personal[c.Asked]
	if c.Asked == "" || personal == pipeline.Impersonal || !c.redacts() {
		return names
	}
	out := make([]string, len(names))
	for i, name := range names {
		told, _ := c.policy.Replace(nil, []byte(name), personal, true)
		out[i] = string(told)
	}
	return out
}

// stored is what a copy has in the place of field f of a row that is loaded; false: the value itself.
func (r *Row) stored(f int) (value, bool) {
	v, col, conv := r.fields[f], r.mapping.cols[f], r.mapping.Fields[f].Conv
	if v.text == nil {
		return v, false
	}
	personal := r.fieldPersonal(f)
	switch {
	case personal != pipeline.Impersonal:
		if r.flags[f]&readAsNumber != 0 {
			return v, false
		}
	case r.isAsDeclared(f), conv == Custom && !isContainer(v.token) && r.flags[f]&(keepInExtras|unreadable) == 0:
		return v, false
	default:
		personal = pipeline.PersonalUnlisted
	}
	filled := col >= 0 && !r.set[col] && r.flags[f]&skipColumn == 0
	switch {
	case filled && conv == Lower:
		v = value{text: r.lower(v.text)}
	case filled && conv == Tags:
		if n, ok := readTags(r.clean(v.text)); ok {
			return r.storedTags(col, personal, v, n)
		}
	}
	out := r.instead(personal, r.requiredColumn(f), v)
	if conv == Tags && filled && personal == pipeline.PersonalUnlisted && out.text != nil && !isContainer(out.token) {
		out = value{text: append(slices.Clip(out.text), noList...)}
	}
	return out, !bytes.Equal(out.text, r.fields[f].text)
}

// instead is outgoing, without a text where nothing may leave.
func (r *Row) instead(personal pipeline.Personal, col int, v value) value {
	if out, ok := r.outgoing(personal, col, v); ok {
		return out
	}
	return value{}
}

// storedTags is stored for a list of n items.
func (r *Row) storedTags(col int, personal pipeline.Personal, v value, n int) (value, bool) {
	if n == 0 {
		return v, false
	}
	var list []byte
	for tag := range tags(r.clean(v.text)) {
		if out, ok := r.outgoing(personal, col, value{text: tag}); ok {
			if len(list) > 0 {
				list = append(list, ',')
			}
			list = append(list, out.text...)
		}
	}
	return value{text: list}, true
}

// requiredColumn is a column that must not be null and that field f fills; else noColumn.
func (r *Row) requiredColumn(f int) int {
	columns := r.mapping.Table.Columns
	if col := r.mapping.cols[f]; col >= 0 && !columns[col].Nullable {
		return col
	}
	for i := range r.pending {
		if s := &r.pending[i]; s.from == f && s.typ == setText && !columns[s.col].Nullable {
			return s.col
		}
	}
	return noColumn
}

// storedReject is what a copy has in the place of a value of a rejected row, field f's or, below 0, nobody's; false: the
// value itself. That of the field that the row is rejected for is no text, so that it is again, whatever the reason was.
func (r *Row) storedReject(f int, text []byte) ([]byte, bool) {
	if f >= 0 && (isPlaceholder(text, r.mapping.checks[f]) || r.toldTime(f, text)) {
		return nil, false
	}
	out, ok := r.replaceText(pipeline.PersonalRow, false, text)
	if !ok {
		out = []byte(withheld)
	}
	if f >= 0 && f == r.culprit {
		out = append(slices.Clip(out), 0)
	}
	return out, true
}

// toldTime reports whether a value of a rejected row says when the row was, or in which zone, and nothing else.
func (r *Row) toldTime(f int, text []byte) bool {
	d := &r.mapping.Fields[f]
	switch {
	case r.redacts && r.mapping.names[f].personal != pipeline.Impersonal:
		return false
	case d.Conv == Zone:
		return r.zones.find(text, r.meta) != nil
	case d.Conv != Custom, r.at == pipeline.NoInstant, f == r.culprit:
		return false
	}
	_, isTime := parseWallTime(bytes.TrimSpace(text))
	return isTime || slices.Contains(r.mapping.Keys, d.Source)
}

// wholeCopy says that a copy is of a document that has ended: of a broken one nobody makes rows.
func wholeCopy(r io.Reader) io.Reader { return wholeReader{r} }

// redact copies a document range by range; part appends the copy of one.
func redact(f pipeline.Format, r io.Reader, w io.Writer, part func(out []byte, c pipeline.Chunk, first bool) ([]byte, error)) error {
	var out []byte
	first := true
	for c, err := range f.Split(wholeCopy(r), redactRange) {
		if err != nil {
			return err
		}
		out, err = part(out[:0], c, first)
		if c.Free != nil {
			c.Free()
		}
		if err != nil {
			return err
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		first = false
	}
	return nil
}

// Asked implements [pipeline.Redactor].
func (f *csvFormat) Asked(names []string) []string { return f.mapping.asked(names) }

// Redact implements [pipeline.Redactor]. It reads leniently, which comes to the same rows where that is not needed.
func (f *csvFormat) Redact(m *pipeline.Meta, r io.Reader, w io.Writer) error {
	lenient := &csvFormat{mapping: f.mapping, lenient: true}
	return redact(lenient, r, w, func(out []byte, c pipeline.Chunk, first bool) ([]byte, error) {
		batch := pipeline.NewBatch(f.mapping.Table)
		defer batch.Release()
		d, err := lenient.decoder(m, c, batch)
		if err != nil {
			return nil, err
		}
		if first {
			if d.head.mayBeRow(&f.mapping.Mapping) { // where no key tells them apart
				return nil, malformed(pipeline.OtherDocument, "the document may begin with a row, without a header", "the header may be a row of values")
			}
			out = append(out, d.head.stored...)
		}
		for at := 0; at < len(d.data); {
			if n := lineEnd(d.data[at:]); n > 0 {
				out, at = append(out, d.data[at:at+n]...), at+n
				continue
			}
			end, err := d.record(at)
			if err != nil {
				return nil, err
			}
			out = append(d.appendStored(out, at, end), endOfLine(d.data[at:end])...)
			at = end
		}
		return out, nil
	})
}

// endOfLine is the line end of a record; nil where it has none.
func endOfLine(record []byte) []byte {
	body := bytes.TrimSuffix(record, lineFeed)
	if len(body) < len(record) {
		body = bytes.TrimSuffix(body, []byte{'\r'})
	}
	return record[len(body):]
}

// appendStored appends the copy of the record that has just been decoded, without its line end.
func (d *csvDecoder) appendStored(out []byte, at, end int) []byte {
	r := d.row
	if r.reason == strayQuote {
		text, _ := r.storedReject(-1, bytes.TrimSpace(d.data[at:end]))
		return append(append(append(out, '"'), bytes.ReplaceAll(text, quote, nil)...), `"x`...) // irregular again, and open to nothing
	}
	for i := range d.cells {
		if i > 0 {
			out = append(out, ',')
		}
		out = d.appendCell(out, i)
	}
	return append(out, bytes.Repeat(comma, d.beyond)...)
}

// appendCell appends the copy of a cell. Every cell of a copy is quoted regularly.
func (d *csvDecoder) appendCell(out []byte, i int) []byte {
	c := &d.cells[i]
	v, quoted := value{text: d.text(c)}, c.quoted || len(d.cells) == 1
	if text := d.present(c); text != nil {
		if stored, changed := d.storedCell(i, text); changed {
			v = stored
		}
	}
	if !quoted && bytes.IndexByte(v.text, ',') < 0 && bytes.IndexByte(v.text, '"') < 0 && bytes.IndexByte(v.text, '\n') < 0 {
		return append(out, v.text...)
	}
	return append(append(append(out, '"'), bytes.ReplaceAll(v.text, quote, []byte(`""`))...), '"')
}

// storedCell is what the copy has in the place of a cell; false: the cell itself.
func (d *csvDecoder) storedCell(i int, text []byte) (value, bool) {
	var column csvColumn
	if column.field = -1; i < len(d.head.columns) {
		column = d.head.columns[i]
	}
	switch r := d.row; {
	case r.reason != "":
		out, changed := r.storedReject(column.field, text)
		return value{text: out}, changed
	case column.field >= 0:
		return r.stored(column.field)
	case column.name.personal == pipeline.Impersonal:
		return value{}, false
	default:
		return r.instead(column.name.personal, noColumn, value{text: text}), true
	}
}

// Asked implements [pipeline.Redactor].
func (f *jsonFormat) Asked(names []string) []string { return f.mapping.asked(names) }

// Redact implements [pipeline.Redactor].
func (f *jsonFormat) Redact(m *pipeline.Meta, r io.Reader, w io.Writer) error {
	opened := false
	err := redact(f, r, w, func(out []byte, c pipeline.Chunk, first bool) ([]byte, error) {
		batch := pipeline.NewBatch(f.mapping.Table)
		defer batch.Release()
		d := newJSONDecoder(f, m, c, batch)
		if first {
			out = d.appendStoredHead(out, c.Head)
		}
		if opened && len(c.Data) > 0 {
			out = append(out, ',', '\n')
		}
		opened = opened || len(c.Data) > 0
		return d.appendStored(out, c)
	})
	if err != nil {
		return err
	}
	end := "]"
	if f.options.Rows != "" {
		end = "]}"
	}
	_, err = io.WriteString(w, end)
	return err
}

// appendStored appends the copy of a range of rows.
func (d *jsonDecoder) appendStored(out []byte, c pipeline.Chunk) ([]byte, error) {
	if len(c.Head) > 0 {
		d.readEnvelope(c.Head)
	}
	s := &d.scan
	s.b, s.problem = c.Data, ""
	for at := 0; ; {
		i := s.space(at)
		if i < len(s.b) && s.b[i] == ',' {
			i = s.space(i + 1)
		}
		if out = append(out, s.b[at:i]...); i == len(s.b) {
			return out, nil
		}
		end := d.element(i)
		switch {
		case d.failure != nil:
			return nil, d.failure
		case end < 0:
			return nil, d.format.malformedRow(d.row.number, ": "+s.problem)
		case d.row.reason != "":
			out = d.appendRejected(out, i, end)
		default:
			out = d.appendObject(out, i, d.storedMember)
		}
		at = end
	}
}

// appendStoredHead opens the copy: the members around the rows and the array of these.
func (d *jsonDecoder) appendStoredHead(out, head []byte) []byte {
	o := &d.format.options
	if o.Rows == "" {
		return append(out, '[')
	}
	out = append(out, '{')
	if o.True != "" {
		out = append(append(appendQuoted(out, []byte(o.True), false), ":true"...), ',')
	}
	d.row.begin()
	s := scanner{b: head}
	for i := s.space(1); i < len(head) && head[i] == '"'; i = s.space(i) {
		at, _ := s.name(i)
		after, _ := s.string(i)
		d.scan.b, d.decoded = head, d.decoded[:0]
		v, end := d.value(at)
		if at < 0 || end < 0 {
			break // Split has checked them
		}
		m := d.named(nameOf(head[i:after]))
		personal := d.envelopePersonal(m, v)
		switch kept := m.appendName(out, head[i:at]); {
		case kept == nil: // around the rows a name stands once
		case personal == pipeline.Impersonal || v.text == nil || m.title == errorMember: // an error that says nothing
			out = append(append(kept, head[at:end]...), ',')
		default:
			out = append(appendToken(kept, d.row.instead(personal, noColumn, v)), ',')
		}
		if i = s.space(end); i < len(head) && head[i] == ',' {
			i++
		}
	}
	return append(appendQuoted(out, []byte(o.Rows), false), ":["...)
}

// leftOut stands for a member of whose name nothing may stay.
const leftOut = `"":null`

// appendName appends what a copy has in the place of a member's name, which is spelled so with its colon; nil: nothing may stay.
func (m *jsonMember) appendName(out, spelled []byte) []byte {
	switch {
	case m.name == nil || !m.name.hidden:
		return append(out, spelled...)
	case m.name.left:
		return nil
	}
	return append(out, m.name.member...)
}

// appendToken appends a value as JSON; null where there is none.
func appendToken(out []byte, v value) []byte {
	switch {
	case v.text == nil:
		return append(out, "null"...)
	case v.token != nil:
		return append(out, v.token...)
	}
	return appendQuoted(out, v.text, true)
}

// appendObject appends the copy of the object at i, in which stored tells what stands for a member's value, false: the value.
func (d *jsonDecoder) appendObject(out []byte, i int, stored func(*jsonMember, value) (value, bool)) []byte {
	s, moved := &d.scan, d.row.moved()
	from := i
	for i = s.space(i + 1); s.b[i] == '"'; {
		at, _ := s.name(i)
		after, _ := s.string(i)
		m := d.named(nameOf(s.b[i:after]))
		v, end := d.value(at)
		of, changed := stored(m, v)
		if v.text == nil && m.field >= 0 {
			if to, is := moved[m.field]; is {
				of, changed = to, true
				delete(moved, m.field)
			}
		}
		switch {
		case m.name != nil && m.name.left:
			out, from = append(append(out, s.b[from:i]...), leftOut...), end
		case changed:
			out, from = appendToken(m.appendName(append(out, s.b[from:i]...), s.b[i:at]), of), end
		case m.name != nil && m.name.hidden:
			out, from = m.appendName(append(out, s.b[from:i]...), s.b[i:at]), at
		}
		if i = s.space(end); s.b[i] == ',' {
			i = s.space(i + 1)
		}
	}
	out = append(out, s.b[from:i]...)
	for f, to := range moved { // a row without members has none
		out = append(append(out, ','), d.format.mapping.names[f].member...)
		out = appendToken(out, to)
	}
	return append(out, '}')
}

// moved are the personal texts that the mapping has made of other fields, by the field that has none and fills their column:
// of the replaced fields nobody could make them again.
func (r *Row) moved() map[int]value {
	if r.reason != "" {
		return nil
	}
	var all map[int]value
	for i := range r.pending {
		s := &r.pending[i]
		if s.typ != setText || s.from < 0 || r.settingPersonal(s) == pipeline.Impersonal || bytes.Equal(s.text, r.fields[s.from].text) {
			continue
		}
		f := slices.Index(r.mapping.cols, s.col)
		if f < 0 || r.fields[f].text != nil {
			continue
		}
		if out, ok := r.outgoing(r.settingPersonal(s), s.col, value{text: s.text}); ok {
			if all == nil {
				all = make(map[int]value)
			}
			all[f] = out
		}
	}
	return all
}

// storedMember is what the copy has in the place of a member of a row that is loaded.
func (d *jsonDecoder) storedMember(m *jsonMember, v value) (value, bool) {
	switch {
	case v.text == nil:
		return v, false
	case m.field >= 0:
		return d.row.stored(m.field)
	case m.name.personal == pipeline.Impersonal, m.title == errorMember: // an error that says nothing
		return v, false
	}
	return d.row.instead(m.name.personal, noColumn, v), true
}

// appendRejected appends the copy of a rejected element.
func (d *jsonDecoder) appendRejected(out []byte, i, end int) []byte {
	if d.scan.b[i] == '{' {
		return d.appendObject(out, i, d.storedLost)
	}
	if v, changed := d.storedLost(&jsonMember{field: -1}, value{text: d.scan.b[i:end], token: d.scan.b[i:end]}); changed {
		return appendToken(out, v)
	}
	return append(out, d.scan.b[i:end]...)
}

// storedLost is storedMember for a row that is rejected.
func (d *jsonDecoder) storedLost(m *jsonMember, v value) (value, bool) {
	switch {
	case v.text == nil, m.title == errorMember && errorText(v.token) == "":
		return v, false
	case isContainer(v.token):
		token := d.row.replaceInside(pipeline.PersonalRow, v.token)
		return value{text: token, token: token}, true
	case !isPersonalScalar(pipeline.PersonalRow, v.token[0]):
		return v, false
	}
	text, changed := d.row.storedReject(m.field, v.text)
	if !changed {
		return v, false
	}
	if clean, spoilt := bytes.CutSuffix(text, nul); spoilt { // as such: an escape would spoil nothing
		token := appendQuoted(nil, clean, true)
		return value{text: text, token: append(token[:len(token)-1], 0, '"')}, true
	}
	return value{text: text}, true
}
