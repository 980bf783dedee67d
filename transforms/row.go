package transforms

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/windrow-data/windrow/pipeline"
)

// Conv says how a source value becomes a column's value.
type Conv uint8

const (
	// Text is a string column: the cell's text, or the decoded JSON string. A JSON number stays as it was written, so
	// that long ids are not rounded.
	Text Conv = iota
	// Count is an int64 column, from "10" and from "10.0".
	Count
	// Number is a float64 column: the float64 nearest to the decimal text.
	Number
	// Minutes is a float64 column in seconds: the float64 nearest to the text in minutes, times 60 in float64. 2.86
	// gives 171.6.
	Minutes
	// Milliseconds is a float64 column in seconds: the float64 nearest to the text in milliseconds, divided by 1000.
	Milliseconds
	// Bool is a boolean column: true, false, 1 and 0, in any case.
	Bool
	// Tags is a list column from a text with a comma, a semicolon or a bar between the items, which may be written as a
	// program writes a list. They are trimmed, blank ones are left out; a bracket or a quote in one makes the text unreadable.
	Tags
	// Tag is a list column of one item: the text, commas included.
	Tag
	// Custom has no column: Mapping.Row reads the field and decides. The field stays out of extras unless Row.Keep is
	// called.
	Custom
	// Lower is Text in lower case.
	Lower
	// ID is Text that names a thing; 0 names none and is blank.
	ID
	// Digits is an ID of digits alone: ".0" behind them is taken off, anything else rejects the row.
	Digits
	// Zone names the zone of the row's local times, for Times and LocalDay, and has no column. It stays in extras where it is
	// another than the zone of the row's window.
	Zone
)

// Field declares what becomes of one source field.
type Field struct {
	Source string // header name or JSON key
	// Column is the table's column. Empty: the field stays in extras, or with Custom is left to Mapping.Row. Conv
	// then only says what the field holds.
	Column string
	Conv   Conv
	// Fills: Mapping.Row fills a column from it, although it has none of its own: what stands for nothing is blank here too.
	Fills bool
	// Snapshot marks a value that is true only at the moment of reading. Where it stays in extras, the fingerprint
	// leaves it out.
	Snapshot bool
	// Hint says what helps where too many of its values cannot be read.
	Hint string
	// Limits are what the greatest of its numbers tells, as of a unit that nobody has published; the smallest first.
	Limits []pipeline.FieldLimit
	// AnyCase: the name may come in any case (JSON alone). What stays in extras does so as the document spells it.
	AnyCase bool
	// Prefix: Source is only what the name begins with. The first such column that no other field lists is the field,
	// under its own name (CSV alone).
	Prefix bool
}

// Mapping is all that a vendor says about a document. It is not changed once a format is made of it.
type Mapping struct {
	Table *pipeline.Table
	// Fields are the source fields that the mapping knows what to do with. The column timezone is none of theirs: it holds
	// the zone of the row's window. Other fields go to extras verbatim. Blank
	// and absent values are left out; None, nan, null, N/A and - (in any case) as a whole value are blank but in names and
	// texts. A count or a duration that is negative, and a count with three decimals, cannot be read. A value that its Conv cannot read leaves the column null and stays in extras;
	// where the column must not be null, a blank or unreadable value rejects the row.
	Fields []Field
	// Keys are the source fields that make a row one: a CSV header without one is Malformed, and a JSON object in which all
	// of them are absent or null condemns the document. A key whose bytes are no text rejects the row.
	Keys []string
	// Columns are further names that a CSV header must have; their values may be anything.
	Columns []string
	// Last is the last column that the vendor is known to send (CSV). A document that is a header without a line end
	// and lacks this column is cut short. Empty: unknown.
	Last string
	// Unit is the source field that names whose data a row is, the vendor's unit of a [pipeline.Owner], by a number (CSV).
	// Empty: no field does. A row in which it is blank or no number tells nothing.
	Unit string
	// Row is called for each row before the declared fields are appended. It sets the row's time and derived columns,
	// and may reject the row. It is called concurrently, each time with a Row of its own, and does not block. May be
	// nil.
	Row func(r *Row)
	// Personal says which source fields hold personal data, listed in Fields or not, and of which kind. What is
	// inside an array or object is of its field's kind. A field that is not here but fills a personal column is of
	// that column's kind.
	Personal map[string]pipeline.Personal
	// Harmless names the source fields that are neither in Fields nor personal. A field of which the mapping says
	// nothing may hold anything: it is [pipeline.PersonalUnlisted].
	Harmless []string
	// Asked is the field that holds one of the names that the request lists: they are as personal as the field. Empty: none does.
	Asked string
}

// Row is one source record on its way into a batch. What a mapping tells the Row takes effect after Mapping.Row
// returns, so that a row can be rejected at any point. Arguments named f are indexes into Mapping.Fields, col into
// Table.Columns.
//
// A Row and all bytes that it hands out are valid during the call only; bytes that it is given must stay untouched as
// long.
type Row struct {
	mapping *compiledMapping
	meta    *pipeline.Meta
	into    *pipeline.Batch
	zones   zones
	number  int64 // of the record, 1-based within the chunk
	isText  bool  // the document is known to be UTF-8 without NUL bytes
	redacts bool  // the policy replaces personal values
	state   any   // the mapping's own

	source
	told
	output
	noted
	clock
}

// source is what the document says about the record.
type source struct {
	fields       []value // by field
	unlisted     []unlisted
	verbatim     [][]byte      // members of extras that stand in the document as they are to stand in extras
	verbatimHash pipeline.Hash // the sum of their hashes
	spoilt       []*extraName  // of verbatim, those that could not be read
	strange      int           // the first field whose id is not digits; -1
}

// told is what Mapping.Row said about the record.
type told struct {
	flags   []fieldFlags // by field
	set     []bool       // by column: Set… was called
	pending []setting    // what Set… was told
	at      pipeline.Instant
	timed   int     // the field that Times or LocalDay read the time from; -1: none
	limit   float64 // of one person's durations, in seconds; 0: none
	reason  string  // why the row is rejected
	culprit int     // the field that the reason is about; -1: none
	failure error
}

// output is what of the row is on its way into the batch.
type output struct {
	extras  []byte // the column's memory, with this row's members at its end
	begun   int    // its length when the row's object was opened
	hash    pipeline.Hash
	scratch []byte // texts of the current row that were made anew
}

// noted is what the batch is told of the fields.
type noted struct {
	filled pipeline.FieldSet // those that are not blank in the row
	there  pipeline.FieldSet // those that the row has, blank or not, where a row says so by itself
	shown  []pipeline.Span   // by field: where one value that could not be read has shown its shape
	shapes int               // that were shown
}

// clock is the memory that Times uses again for each row.
type clock struct {
	times    []pipeline.Instant
	resolved []resolvedTime
}

// value is one source value.
type value struct {
	text []byte // the decoded value; nil when it is absent, blank or null
	// token is the value as it stands in a JSON document; nil in CSV, where extras have the text as a string. Without a text
	// it is the placeholder that was made blank.
	token []byte
}

// fieldFlags is what Mapping.Row said about a field.
type fieldFlags uint8

const (
	keepInExtras fieldFlags = 1 << iota // Keep
	skipColumn                          // Skip
	notPersonal                         // NotPersonal
	readAsDay                           // LocalDay read it
	unreadable                          // Unreadable
	readAsNumber                        // SetNumber read it
	spoilt                              // Spoil
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
	setNumber
)

// unlisted is a value of a field that the mapping does not list.
type unlisted struct {
	name *extraName
	value
}

// Meta describes the document.
func (r *Row) Meta() *pipeline.Meta { return r.meta }

// State returns what the mapping keeps from row to row within one range of a document, such as a loaded zone. The first
// call's create makes it.
func (r *Row) State(create func(*pipeline.Meta) any) any {
	if r.state == nil {
		r.state = create(r.meta)
	}
	return r.state
}

// Raw returns the text of field f: the cell, the decoded JSON string, or any other JSON value as it is written; nil
// when the field is absent, blank or null.
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

// SetNumber sets a float64 column to the number that field f holds, and reports whether it holds one. A number is not
// personal, whatever else the field may hold.
func (r *Row) SetNumber(col, f int) bool {
	x, ok := parseNumber(r.fields[f].text)
	if ok {
		r.setting(setting{col: col, typ: setNumber, bits: math.Float64bits(x)})
		r.flags[f] |= readAsNumber
	}
	return ok
}

// SetInstant sets a timestamp column; NoInstant leaves it null.
func (r *Row) SetInstant(col int, v pipeline.Instant) {
	if v != pipeline.NoInstant {
		r.setting(setting{col: col, typ: setInstant, bits: uint64(v)})
	}
}

// setting notes a value for a column; the first value stays.
func (r *Row) setting(s setting) {
	if !r.set[s.col] {
		r.set[s.col] = true
		r.pending = append(r.pending, s)
	}
}

// At says the row's time, which decides the row's window. A row for which At is not called has no time and belongs to
// the window that was asked for.
func (r *Row) At(t pipeline.Instant) { r.at = t }

// Keep leaves field f in extras verbatim, whatever else is done with it.
func (r *Row) Keep(f int) { r.flags[f] |= keepInExtras }

// SetMeasure sets a float64 column to field f read as conv, Number, Minutes or Milliseconds, unless that is more than most.
// false: it is, or is no such number, and the column stays null.
func (r *Row) SetMeasure(col, f int, conv Conv, most float64) bool {
	x, ok := parseMeasure(conv, r.fields[f].text)
	if !ok {
		x, ok = parseHours(r.fields[f].text)
	}
	if ok = ok && x >= 0 && x <= most; ok {
		r.setting(setting{col: col, typ: setNumber, bits: math.Float64bits(x)})
	}
	return ok
}

// Unreadable says that the value of field f cannot be read, or in part only: it is counted with the loaded row. A key that
// cannot be read rejects the row. Of fields with a column the row finds out by itself.
func (r *Row) Unreadable(f int) { r.flags[f] |= unreadable }

// NotPersonal says that field f, which the mapping declares as personal, is not so in this row: the name of a queue
// where others have a person's. A column that is personal by itself stays so.
func (r *Row) NotPersonal(f int) { r.flags[f] |= notPersonal }

// Skip leaves field f out of this row: its column stays null or as Set… left it, and the field does not go to extras
// unless Keep is called. A column that was set needs no Skip: Set… goes before the declared field.
func (r *Row) Skip(f int) { r.flags[f] |= skipColumn }

// Extra adds a member to extras that the mapping itself makes, such as "_time_ambiguous". rawJSON is valid JSON and
// holds nothing personal.
func (r *Row) Extra(member string, rawJSON []byte) {
	r.unlisted = append(r.unlisted, unlisted{name: newExtraName(member), value: value{text: rawJSON, token: rawJSON}})
}

// Reject makes the row a reject: nothing of it is loaded. The reason names the field and says what is wrong, without
// the value. at is the row's time; where it is NoInstant, the time told to At stands. The first reason stays.
func (r *Row) Reject(at pipeline.Instant, reason string) {
	if r.reason != "" {
		return
	}
	r.reason = reason
	if at != pipeline.NoInstant {
		r.at = at
	}
}

// RejectField rejects the row because of field f. The reason is the field's name and what is wrong with it, without the value:
// "is blank".
func (r *Row) RejectField(at pipeline.Instant, f int, what string) {
	if r.reason == "" {
		r.culprit = f
		r.Reject(at, r.mapping.Fields[f].Source+" "+what)
	}
}

// Condemn rejects the row because of field f, and condemns the whole document for it. what is as in RejectField, and says no more
// of the value; the row's number and the value's shape are added.
func (r *Row) Condemn(f int, what string, why *pipeline.Error) {
	if r.reason != "" {
		return
	}
	r.RejectField(pipeline.NoInstant, f, what)
	if r.into.Damage.Row == 0 {
		r.into.Damage = pipeline.Damage{
			Row: r.number, What: fmt.Sprintf("has %s that %s, a value of the shape %s", r.mapping.Fields[f].Source, what, pipeline.Shape(r.fields[f].text)),
			Hint: why.Hint, Kind: why.Kind, Cause: why.Cause,
		}
	}
}

// Rejected reports whether Reject was called for this row.
func (r *Row) Rejected() bool { return r.reason != "" }

// Fail condemns the whole document. err is a *pipeline.Error without any value of the row. The first error stays.
func (r *Row) Fail(err error) {
	if r.failure == nil {
		r.failure = err
	}
}
