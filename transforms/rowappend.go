package transforms

import (
	"bytes"
	"cmp"
	"math"
	"sort"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// maxRaw is how many bytes of a rejected row's text are kept.
const maxRaw = 64 << 10

// begin starts the next record.
func (r *Row) begin() {
	r.number++
	clear(r.flags)
	clear(r.set)
	r.pending = r.pending[:0]
	r.unlisted = r.unlisted[:0]
	r.verbatim, r.verbatimHash, r.spoilt = r.verbatim[:0], pipeline.Hash{}, r.spoilt[:0]
	r.at, r.timed, r.limit, r.reason, r.culprit, r.failure = pipeline.NoInstant, -1, 0, "", -1, nil
	r.scratch = r.scratch[:0]
}

// forget makes every field absent, for a decoder that puts only the fields that are there.
func (r *Row) forget() {
	clear(r.fields)
	clear(r.there)
}

// put gives the record's value of field f. A value without text is absent.
func (r *Row) put(f int, v value) { r.fields[f] = v }

// putUnlisted gives the value of a field that the mapping does not list. It goes to extras. The name outlives the row.
func (r *Row) putUnlisted(n *extraName, v value) {
	r.unlisted = append(r.unlisted, unlisted{name: n, value: v})
}

// rejectRaw makes the record a reject that never reached the mapping.
func (r *Row) rejectRaw(raw []byte, reason string) {
	r.at, r.reason = pipeline.NoInstant, reason
	r.writeReject(raw)
}

// condemn rejects the record and says that the document is damaged here. The row's number is added.
func (r *Row) condemn(raw []byte, d pipeline.Damage) {
	r.rejectRaw(raw, d.What)
	if r.into.Damage.Row == 0 {
		d.Row = r.number
		r.into.Damage = d
	}
}

// end runs the mapping and appends the row, or rejects it. raw is the record's text. An error condemns the document.
func (r *Row) end(raw []byte) error {
	ok, err := r.accept(raw)
	if ok {
		r.write()
		r.close()
		err = r.failure
	}
	return err
}

// accept runs the mapping and rejects the row if need be. ok says that the row is to be written.
func (r *Row) accept(raw []byte) (ok bool, err error) {
	r.tidy()
	if r.mapping.Row != nil {
		r.mapping.Row(r)
	}
	if r.failure != nil {
		return false, r.failure
	}
	r.SetString(r.mapping.timezone, r.windowZone())
	if !r.isText {
		r.findSpoilt()
	}
	if r.reason == "" {
		r.requireKeys()
	}
	if r.reason != "" {
		r.writeReject(raw)
		return false, nil
	}
	r.tellStray()
	return true, nil
}

// tellStray tells the batch of the first row that is not of the asked days.
func (r *Row) tellStray() {
	days := r.meta.Days
	if days == nil || r.into.Stray.Row > 0 || r.timed < 0 || r.at == pipeline.NoInstant || days.Span.Has(r.at) {
		return
	}
	r.into.Stray = pipeline.Stray{Row: r.number, Field: r.mapping.Fields[r.timed].Source, Shape: pipeline.Shape(r.fields[r.timed].text)}
}

// windowZone is the zone of the window that the row belongs to.
func (r *Row) windowZone() string {
	if w := r.windowAt(r.at); w != nil {
		return w.Zone
	}
	if windows := r.meta.Request.Windows; len(windows) > 0 {
		return windows[0].Zone // where the rows outside all of them count
	}
	return cmp.Or(r.meta.Request.Zone, r.meta.ResponseZone, "UTC")
}

// windowAt is the window that holds the instant, of those that the document was asked for; nil where none does.
func (r *Row) windowAt(at pipeline.Instant) *pipeline.Window {
	windows := r.meta.Request.Windows
	i := sort.Search(len(windows), func(i int) bool { return windows[i].End > at })
	if i < len(windows) && windows[i].Has(at) {
		return &windows[i]
	}
	return nil
}

// maxUnit is how many digits a unit's number may have.
const maxUnit = 20

// tellUnit tells the batch of which of the vendor's units the row is.
func (r *Row) tellUnit(text []byte) {
	if id, ok := digits(text); ok && len(id) <= maxUnit && (len(id) > 1 || id[0] != '0') {
		r.into.Unit(id)
	}
}

// write appends the columns and opens the extras with the declared fields.
func (r *Row) write() {
	r.writeSettings()
	r.hash = pipeline.Hash{}
	r.extras = append(r.into.Open(r.mapping.extras), '{')
	r.begun = len(r.extras)
	clear(r.filled)
	for f := range r.fields {
		if r.fields[f].text != nil {
			r.filled.Add(f)
			r.writeField(f)
		}
	}
	for _, f := range r.mapping.limited {
		r.tellLimits(f)
	}
	r.into.Filled(r.filled, r.there)
}

// tellLimits tells the batch how many of its limits the number of field f is above.
func (r *Row) tellLimits(f int) {
	number, ok := parseNumber(r.fields[f].text)
	if !ok {
		return
	}
	passed := 0
	for _, l := range r.mapping.Fields[f].Limits {
		if number > l.Above {
			passed++
		}
	}
	if passed > 0 {
		r.into.Passed(f, passed)
	}
}

// close ends the extras and the row.
func (r *Row) close() {
	for _, members := range r.verbatim {
		r.writeMembers(members)
	}
	r.hash = r.hash.Add(r.verbatimHash)
	for i := range r.unlisted {
		r.writeUnlisted(r.unlisted[i].name, r.unlisted[i].value)
	}
	for _, n := range r.spoilt {
		r.into.UnreadOther(n.source)
	}
	if len(r.extras) > r.begun {
		r.into.Close(r.mapping.extras, append(r.extras, '}'))
	}
	r.into.EndRow(r.at, r.hash)
}

// findSpoilt marks the fields that hold bytes which are no text.
func (r *Row) findSpoilt() {
	for f := range r.fields {
		if text := r.fields[f].text; text != nil && !isText(text) {
			r.flags[f] |= unreadable
		}
	}
}

// requireKeys rejects a row in which a key is spoilt, or the field of a column that must not be null is blank or cannot be
// read.
func (r *Row) requireKeys() {
	for _, f := range r.mapping.keys {
		if r.flags[f]&unreadable != 0 {
			r.RejectField(r.at, f, "cannot be read: it is no text")
			return
		}
	}
	if r.strange >= 0 {
		r.RejectField(r.at, r.strange, "is not a number of digits alone")
		return
	}
	for _, f := range r.mapping.must {
		if r.set[r.mapping.cols[f]] || r.flags[f]&skipColumn != 0 {
			continue
		}
		text := r.fields[f].text
		if text == nil {
			r.RejectField(r.at, f, "is blank")
			return
		}
		if !r.mapping.readable(f, text) {
			r.RejectField(r.at, f, "cannot be read")
			return
		}
	}
}

// writeReject adds the row to the batch's rejects, with at most maxRaw bytes of its text.
func (r *Row) writeReject(raw []byte) {
	if len(raw) > maxRaw {
		end := maxRaw
		for end > maxRaw-utf8.UTFMax && !utf8.RuneStart(raw[end]) {
			end--
		}
		raw = raw[:end]
	}
	if personal := r.mapping.rejectPersonal; personal != pipeline.Impersonal {
		v, _ := r.outgoing(personal, noColumn, value{text: raw})
		raw = v.text
	}
	one := pipeline.Reject{
		Row:    r.number,
		At:     r.at,
		Reason: r.reason,
		Raw:    string(asText(raw)),
	}
	if r.culprit >= 0 {
		v := r.fields[r.culprit]
		if v.text == nil {
			v.text = v.token
		}
		one.Field, one.Shape = r.mapping.Fields[r.culprit].Source, pipeline.Shape(v.text)
	}
	r.into.Reject(one)
}

// writeSettings appends what Set… was told.
func (r *Row) writeSettings() {
	for i := range r.pending {
		s := &r.pending[i]
		switch s.typ {
		case setText:
			if personal := r.settingPersonal(s); personal != pipeline.Impersonal {
				r.writePersonal(s.col, personal, s.text)
			} else {
				r.into.Text(s.col, r.clean(s.text))
			}
		case setBool:
			r.into.Bool(s.col, s.bits != 0)
		case setInstant:
			r.into.Instant(s.col, pipeline.Instant(s.bits))
		case setNumber:
			r.into.Float(s.col, math.Float64frombits(s.bits))
		}
	}
}

// writeField appends a field that is present to its column, or to extras, or to both.
func (r *Row) writeField(f int) {
	d := &r.mapping.Fields[f]
	kept, unread := r.flags[f]&keepInExtras != 0, r.flags[f]&unreadable != 0
	switch {
	case d.Conv == Zone:
		kept = kept || string(r.fields[f].text) != r.windowZone()
	case d.Conv != Custom && r.flags[f]&skipColumn == 0:
		switch col := r.mapping.cols[f]; {
		case col < 0:
			kept = true
		case !r.set[col] && !r.convert(d.Conv, f, col, r.fields[f].text):
			kept, unread = true, true
		}
	}
	if unread {
		r.into.Unread(f, r.number, r.shapeOf(f))
	}
	if kept {
		personal := pipeline.Impersonal
		if r.redacts {
			personal = r.keptPersonal(f)
		}
		r.writeExtra(&r.mapping.names[f], personal, r.fields[f], d.Snapshot)
	}
}

// maxShapes bounds the shapes of one range of a document. Most of them are for nothing: a range has few windows.
const maxShapes = 1000

// shapeOf is the shape of a value that cannot be read, if it may be the first one of its field in a window.
func (r *Row) shapeOf(f int) string {
	if r.shown == nil {
		r.shown = make([]pipeline.Span, len(r.fields))
	}
	if r.shown[f].Has(r.at) || r.shapes == maxShapes {
		return ""
	}
	r.shapes++
	r.shown[f] = r.windowOf(r.at)
	return pipeline.Shape(r.fields[f].text)
}

// windowOf is the span of the window that holds the instant, of those that the document was asked for; all time where it was
// asked for none, or the row has no time.
func (r *Row) windowOf(at pipeline.Instant) pipeline.Span {
	if len(r.meta.Request.Windows) == 0 || at == pipeline.NoInstant {
		return pipeline.Span{Start: pipeline.NoInstant, End: math.MaxInt64}
	}
	if w := r.windowAt(at); w != nil {
		return w.Span
	}
	return pipeline.Span{}
}

// convert appends the text of field f to col; false means that the text cannot be read and nothing was appended. A text
// that the policy leaves out was read.
func (r *Row) convert(c Conv, f, col int, text []byte) bool {
	if personal := r.fieldPersonal(f); personal != pipeline.Impersonal {
		return r.convertPersonal(c, personal, col, text)
	}
	switch c {
	case Text, ID, Digits:
		r.into.Text(col, r.clean(text))
	case Lower:
		r.into.Text(col, r.lower(text))
	case Count:
		n, ok := r.mapping.count(f, text)
		if !ok {
			return false
		}
		r.into.Int(col, n)
	case Number, Minutes, Milliseconds:
		x, ok := r.mapping.measure(f, text)
		if !ok || r.limit > 0 && x > r.limit && r.mapping.checks[f]&bounded != 0 {
			return false
		}
		r.into.Float(col, x)
	case Bool:
		b, ok := parseBool(text)
		if !ok {
			return false
		}
		r.into.Bool(col, b)
	case Tags:
		return r.writeTags(col, pipeline.Impersonal, text)
	case Tag:
		r.into.Tags(col)
		r.into.Tag(col, r.clean(text))
	case Custom, Zone:
		return false
	}
	return true
}

// writeTags appends the items of text, each of that kind of personal data, to a list column.
func (r *Row) writeTags(col int, personal pipeline.Personal, text []byte) bool {
	text = r.clean(text)
	n, ok := readTags(text)
	if n == 0 {
		return ok
	}
	r.into.Tags(col)
	for tag := range tags(text) {
		if personal != pipeline.Impersonal {
			v, ok := r.outgoing(personal, col, value{text: tag})
			if !ok {
				continue
			}
			tag = r.clean(v.text)
		}
		r.into.Tag(col, tag)
	}
	return true
}

// readable reports whether convert would append the text of field f, whatever the row's interval.
func (c *compiledMapping) readable(f int, text []byte) bool {
	ok := true
	switch c.Fields[f].Conv {
	case Count:
		_, ok = c.count(f, text)
	case Number, Minutes, Milliseconds:
		_, ok = c.measure(f, text)
	case Bool:
		_, ok = parseBool(text)
	case Tags:
		_, ok = readTags(text)
	case Text, Lower, ID, Digits, Tag, Custom, Zone:
	}
	return ok
}

// clean returns b with NUL bytes and runs of invalid UTF-8 replaced by U+FFFD: string columns and JSON hold UTF-8 only.
func (r *Row) clean(b []byte) []byte {
	if r.isText || isText(b) {
		return b
	}
	return asText(b)
}

// lower returns b in lower case, valid during the row.
func (r *Row) lower(b []byte) []byte {
	b = r.clean(b)
	at := len(r.scratch)
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return bytes.ToLower(b)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		r.scratch = append(r.scratch, c)
	}
	return r.scratch[at:]
}
