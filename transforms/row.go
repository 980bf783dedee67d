package transforms

import (
	"unsafe"

	"github.com/windrow-data/windrow/pipeline"
)

// Conv says how a source value becomes a column's value.
type Conv uint8

const (
	// Text is a string column: the cell's text, or the decoded JSON string (a
	// JSON number stays as it was written, so a long id is unharmed).
	Text Conv = iota
	// Count is an int64 column: "10" and "10.0".
	Count
	// Number is a float64 column, the nearest to the decimal text.
	Number
	// Minutes is a float64 column in seconds: the float64 nearest to the text,
	// times 60, as one float64 product (2.86 gives 171.6).
	Minutes
	// Bool is a boolean column: true, false, 1 and 0, in any case.
	Bool
	// Tags is a list column from a comma-separated text: items trimmed, blank ones dropped.
	Tags
	// Custom has no column: Mapping.Row reads the field and decides. It stays
	// out of extras unless Row.Keep is called.
	Custom
	// Lower is Text in lower case.
	Lower
)

// Field declares what becomes of one source field.
type Field struct {
	Source string // header name or JSON key
	// Column is the table's column. Empty: the field stays in extras (or, with
	// Custom, is left to Mapping.Row); Conv then only says what it holds.
	Column string
	Conv   Conv
	// Snapshot flags a value that is true only at the moment of reading: where it
	// stays in extras it is left out of the fingerprint.
	Snapshot bool
}

// Mapping is all that a vendor says about a document.
type Mapping struct {
	Table *pipeline.Table
	// Fields are the known source fields. Others go to extras verbatim; blank and
	// absent ones are left out. A value that its Conv cannot read leaves the
	// column null and stays in extras; but a blank or unreadable value rejects the
	// row where the column must not be null.
	Fields []Field
	// Keys are the source fields that must exist: a CSV header without one is
	// Malformed, a JSON object without one is a rejected row.
	Keys []string
	// Last is the last column that the vendor is known to send (CSV). A document
	// that is a header without a line end and lacks it is cut short. Empty: unknown.
	Last string
	// Row is called for each row before its declared fields are appended: it sets
	// the row's time and derived columns, and may reject it. It is called
	// concurrently, each time with a Row of its own. May be nil.
	Row func(r *Row)
	// Personal says which source fields hold personal data, listed in Fields or not, and of which kind. What is inside an
	// array or object is of its field's kind. A field that is not here but fills a personal column is of that column's
	// kind.
	Personal map[string]pipeline.Personal
	// Harmless names the source fields that are neither in Fields nor personal. A field of which the mapping says nothing
	// may hold anything: it is [pipeline.PersonalUnlisted].
	Harmless []string
}

// Row is one source record on its way into a batch. What a mapping tells the Row takes effect after Mapping.Row returns,
// so that a row can be rejected at any point. Arguments named f are indexes into Mapping.Fields, col into Table.Columns.
//
// A Row and all bytes that it hands out are valid during the call only; bytes that it is given must stay untouched as
// long.
type Row struct {
	mapping *compiledMapping
	meta    *pipeline.Meta
	into    *pipeline.Batch
	zones   zones
	number  int64 // of the record, 1-based within the chunk
	utf8OK  bool  // the document is known to be valid UTF-8
	redacts bool  // the policy replaces personal values
	state   any   // the mapping's own

	source
	told
	output
	clock
}

// source is what the document says about the record.
type source struct {
	fields       []value // by field
	unlisted     []unlisted
	verbatim     [][]byte      // members of extras that stand in the document as they are to stand in extras
	verbatimHash pipeline.Hash // the sum of their hashes
}

// told is what Mapping.Row said about the record.
type told struct {
	flags   []fieldFlags // by field
	set     []bool       // by column: Set… was called
	pending []setting    // what Set… was told
	at      pipeline.Instant
	reason  string // why the row is rejected
	failure error
}

// output is what of the row is on its way into the batch.
type output struct {
	extras  []byte // the column's memory, with this row's members at its end
	begun   int    // its length when the row's object was opened
	hash    pipeline.Hash
	scratch []byte // texts of the current row that were made anew
}

// clock is the memory that Times uses again for each row.
type clock struct {
	times    []pipeline.Instant
	resolved []resolvedTime
}

// value is one source value.
type value struct {
	text  []byte // decoded; nil when absent, blank or null
	token []byte // as it stands in a JSON document; nil in CSV, where extras quotes the text
}

// fieldFlags is what Mapping.Row said about a field.
type fieldFlags uint8

const (
	keepInExtras fieldFlags = 1 << iota // Keep
	skipColumn                          // Skip
	notPersonal                         // NotPersonal
	readAsDay                           // LocalDay read it
)

// setting is one value for a column.
type setting struct {
	col  int
	from int // the field that a text was made from, -1 without one
	typ  settingType
	bits uint64
	text []byte
}

type settingType uint8

const (
	setText settingType = iota
	setBool
	setInstant
)

// unlisted is a value of a field that the mapping does not list.
type unlisted struct {
	name *extraName
	value
}

// Meta describes the document.
func (r *Row) Meta() *pipeline.Meta { return r.meta }

// State returns what the mapping keeps from row to row within one part of a
// document, such as a loaded zone: the answer of the first call's create.
func (r *Row) State(create func(*pipeline.Meta) any) any {
	if r.state == nil {
		r.state = create(r.meta)
	}
	return r.state
}

// Raw returns the text of field f: the cell, the decoded JSON string, or the
// JSON token of any other value; nil when it is absent, blank or null.
func (r *Row) Raw(f int) []byte { return r.fields[f].text }

// SetString sets a string column to what the mapping itself says: a kind of resource, a channel. It is no more personal
// than the column is.
func (r *Row) SetString(col int, v string) {
	r.setting(setting{col: col, from: -1, typ: setText, text: unsafe.Slice(unsafe.StringData(v), len(v))})
}

// SetFrom sets a string column to v, which was made from field f: v is as personal as that field.
func (r *Row) SetFrom(col, f int, v []byte) {
	r.setting(setting{col: col, from: f, typ: setText, text: v})
}

// SetBool sets a boolean column.
func (r *Row) SetBool(col int, v bool) {
	s := setting{col: col, typ: setBool}
	if v {
		s.bits = 1
	}
	r.setting(s)
}

// SetInstant sets a timestamp column; NoInstant leaves it null.
func (r *Row) SetInstant(col int, v pipeline.Instant) {
	if v != pipeline.NoInstant {
		r.setting(setting{col: col, typ: setInstant, bits: uint64(v)})
	}
}

// setting notes a value; the first one for a column stays.
func (r *Row) setting(s setting) {
	if !r.set[s.col] {
		r.set[s.col] = true
		r.pending = append(r.pending, s)
	}
}

// At is the row's time: it decides the row's window. Not called: the row has
// none and belongs to the window asked.
func (r *Row) At(t pipeline.Instant) { r.at = t }

// Keep leaves field f in extras verbatim, whatever else is done with it.
func (r *Row) Keep(f int) { r.flags[f] |= keepInExtras }

// NotPersonal says that field f, which the mapping declares as personal, is not so in this row: the name of a queue where
// others have a person's. A column that is personal by itself stays so.
func (r *Row) NotPersonal(f int) { r.flags[f] |= notPersonal }

// Skip leaves field f out of this row, unless it is kept: its column stays as it
// is, and a field without a column does not go to extras. A column that was set
// needs no Skip: Set… goes before the declared field.
func (r *Row) Skip(f int) { r.flags[f] |= skipColumn }

// Extra adds a member to extras: "_time_ambiguous". The value is JSON.
func (r *Row) Extra(member string, rawJSON []byte) {
	r.unlisted = append(r.unlisted, unlisted{name: newExtraName(member), value: value{text: rawJSON, token: rawJSON}})
}

// Reject makes the row a reject; nothing of it is loaded. The reason names the
// field and what is wrong, without the value. Where at is NoInstant the time
// told to At stands.
func (r *Row) Reject(at pipeline.Instant, reason string) {
	if r.reason != "" {
		return
	}
	r.reason = reason
	if at != pipeline.NoInstant {
		r.at = at
	}
}

// Rejected reports whether Reject was called for this row.
func (r *Row) Rejected() bool { return r.reason != "" }

// Fail condemns the whole document. err is a *pipeline.Error.
func (r *Row) Fail(err error) {
	if r.failure == nil {
		r.failure = err
	}
}
