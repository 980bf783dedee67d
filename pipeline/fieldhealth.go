package pipeline

import (
	"cmp"
	"encoding/base64"
	"maps"
	"math/bits"
	"slices"
	"sort"
	"strings"
)

// FieldCounts counts values by source field. It takes up to mostFields names; what comes under other names, and under
// very long ones, counts as otherFields, since documents may have any number of them. The zero FieldCounts is empty.
type FieldCounts map[string]int64

const (
	mostFields  = 100
	longestName = 200 // bytes of a field's name that a ledger keeps
	otherFields = "(other fields)"
)

// Add counts n more values of a field.
func (c *FieldCounts) Add(field string, n int64) {
	if *c == nil {
		*c = make(FieldCounts)
	}
	if _, known := (*c)[field]; !known && (len(*c) >= mostFields || len(field) > longestName) {
		field = otherFields
	}
	(*c)[field] += n
}

// AddAll adds what o counted.
func (c *FieldCounts) AddAll(o FieldCounts) {
	for _, field := range slices.Sorted(maps.Keys(o)) {
		c.Add(field, o[field])
	}
}

// ByFrequency lists the fields, the most frequent first.
func (c FieldCounts) ByFrequency() []string {
	return slices.SortedFunc(maps.Keys(c), func(a, b string) int { return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b)) })
}

// Fields is a set of names of source fields as a ledger keeps it: four characters of each name's hash, in order. It tells
// whether it has a name, not which it has. The zero Fields is that of no document.
type Fields string

const (
	codeSize  = 4
	mostCodes = 256 // of names that a ledger carries on from window to window
)

func codeOf(name string) string {
	h := NameSeed(name)
	return base64.RawURLEncoding.EncodeToString([]byte{byte(h), byte(h >> 8), byte(h >> 16)})
}

func (f Fields) codes() (codes []string) {
	for ; len(f) >= codeSize; f = f[codeSize:] {
		codes = append(codes, string(f[:codeSize]))
	}
	return codes
}

// FieldsOf is the set of the names.
func FieldsOf(names []string) Fields {
	var codes []string
	for _, name := range names {
		codes = append(codes, codeOf(name))
	}
	return joined(codes)
}

func joined(codes []string) Fields {
	slices.Sort(codes)
	return Fields(strings.Join(slices.Compact(codes), ""))
}

// Has reports whether the set has a name.
func (f Fields) Has(name string) bool { return slices.Contains(f.codes(), codeOf(name)) }

// With adds the names of o, as long as there are not too many.
func (f Fields) With(o Fields) Fields {
	both := joined(append(f.codes(), o.codes()...))
	if len(both) > mostCodes*codeSize {
		return f
	}
	return both
}

// Without leaves names out.
func (f Fields) Without(names []string) Fields {
	left := FieldsOf(names).codes()
	return Fields(strings.Join(slices.DeleteFunc(f.codes(), func(c string) bool { return slices.Contains(left, c) }), ""))
}

// HasMore reports whether one of the names stands for fields that were too many to keep.
func HasMore(names []string) bool { return slices.Contains(names, otherFields) }

// FieldSet is a set of the fields that a mapping names, by their index.
type FieldSet []uint64

// NewFieldSet returns an empty set of n fields.
func NewFieldSet(n int) FieldSet { return make(FieldSet, (n+63)/64) }

// Add puts field f into the set.
func (s FieldSet) Add(f int) { s[f/64] |= 1 << (f % 64) }

// Has reports whether field f is in the set.
func (s FieldSet) Has(f int) bool { return s[f/64]>>(f%64)&1 != 0 }

// FieldHealth is the state of one source field over some rows.
type FieldHealth struct {
	There      bool  // the header has it or, where there is none, some row, be it blank
	Filled     int64 // rows in which it is not blank
	Unreadable int64 // rows of those in which it could not be read, or in part only
	// Row and Shape are those of the first value that could not be read, as in [Reject]; Row is 0 without one. Shape is
	// empty where there were many such values before, of other rows.
	Row   int64
	Shape string
	// Passed is how many of the field's limits its greatest number passes.
	Passed int
}

// FieldLimit is a number that the values of a field cannot be above for something to be true, which Says what it tells.
type FieldLimit struct {
	Above float64
	Says  string
}

// MappedField is a source field that a format's mapping names.
type MappedField struct {
	Name    string
	Stem    string // what the name begins with, where that is how the field was found
	Measure bool   // it fills a measure
	Hint    string // what helps where too many of its values cannot be read; may be empty
	// Limits are what its numbers may tell, the smallest first; none: nobody looks.
	Limits []FieldLimit
}

// StemName stands in a set of [Fields] for a field that was found by what its name begins with.
func StemName(stem string) string { return stem + "…" }

// FieldTally is the state of the source fields over some rows. The zero FieldTally is of no rows.
type FieldTally struct {
	Fields   []MappedField
	Health   []FieldHealth // by field
	Others   FieldCounts   // values that could not be read, of fields that the mapping does not name
	Unnamed  []string      // fields that the mapping does not name, of all rows of the batches
	Measured bool          // a row has a value in the column of a measure
	Rows     int64         // of those that have fields
	Header   bool          // it says which fields there are
}

// Add adds the rows of o. before is the number of rows of their document in front of o's batch.
func (t *FieldTally) Add(o *FieldTally, before int64) {
	if len(t.Health) < len(o.Health) { // the rows that a reduction makes have none
		t.Fields, t.Health = o.Fields, make([]FieldHealth, len(o.Health))
	}
	for f := range o.Health {
		t.addThere(f, o)
		to, from := &t.Health[f], &o.Health[f]
		to.Filled += from.Filled
		to.Unreadable += from.Unreadable
		to.Passed = max(to.Passed, from.Passed)
		if to.Row == 0 && from.Row > 0 {
			to.Row, to.Shape = from.Row+before, from.Shape
		}
	}
	t.Others.AddAll(o.Others)
	t.Measured = t.Measured || o.Measured
	t.Header = t.Header || o.Header
	t.Rows += o.Rows
	for _, name := range o.Unnamed {
		if !slices.Contains(t.Unnamed, name) {
			t.Unnamed = append(t.Unnamed, name)
		}
	}
}

// addThere adds whether o's rows have field f. Of several headers each must have it.
func (t *FieldTally) addThere(f int, o *FieldTally) {
	there := &t.Health[f].There
	switch {
	case o.Rows == 0:
	case t.Rows == 0:
		*there = o.Health[f].There
	case o.Header:
		*there = *there && o.Health[f].There
	default:
		*there = *there || o.Health[f].There
	}
}

// Unreadable counts by field the values that could not be read.
func (t *FieldTally) Unreadable() (c FieldCounts) {
	for f, h := range t.Health {
		if h.Unreadable > 0 {
			c.Add(t.Fields[f].Name, h.Unreadable)
		}
	}
	c.AddAll(t.Others)
	return c
}

// fieldNotes is what a batch knows of the source fields of its rows: so little of each row that the rows of any window
// can be told from others.
type fieldNotes struct {
	mapped []MappedField
	words  int      // of a set of them
	filled []uint64 // by row: the set of the fields that are not blank
	blank  []uint64 // by row, as far as there is any: the set of those that are there and blank
	header FieldSet // nil where each row says what it has
	unread []unreadCell
	shapes []cellShape
	passed []passedCell
	others []string       // fields that the mapping does not name
	other  map[string]int // their indexes
}

// unreadCell is a value that could not be read.
type unreadCell struct {
	row, number int32 // index among the batch's rows; number in the document's part, from 1 on
	field       int32 // index of its field; those of others follow
}

// cellShape is the shape of a value that could not be read.
type cellShape struct {
	cell  int // its index
	shape string
}

func (n *fieldNotes) reset() {
	*n = fieldNotes{filled: n.filled[:0], blank: n.blank[:0], unread: n.unread[:0], shapes: n.shapes[:0], passed: n.passed[:0]}
}

// passedCell is a number above some of its field's limits.
type passedCell struct{ row, field, limits int32 }

// SetFields says which source fields the format's mapping names, before the first row. They must not change.
func (b *Batch) SetFields(mapped []MappedField) {
	b.fields.mapped, b.fields.words = mapped, (len(mapped)+63)/64
}

// SetHeader says which of the fields the document's header has, and which other names.
func (b *Batch) SetHeader(fields FieldSet, others []string) {
	b.fields.header = fields
	for _, name := range others {
		b.Other(name)
	}
}

// Filled says which of the fields are not blank in the current row. there are those that the row has, blank or not; what
// is filled need not be among them.
func (b *Batch) Filled(filled, there FieldSet) {
	n := &b.fields
	n.filled = append(n.filled, filled...)
	for w := range there {
		if blank := there[w] &^ filled[w]; blank != 0 {
			if want := (b.rows + 1) * n.words; len(n.blank) < want {
				n.blank = append(n.blank, make([]uint64, want-len(n.blank))...)
			}
			n.blank[b.rows*n.words+w] = blank
		}
	}
}

// Other notes a field that the mapping does not name.
func (b *Batch) Other(name string) { b.fields.index(name) }

// index is that of a field that the mapping does not name.
func (n *fieldNotes) index(name string) int {
	if i, known := n.other[name]; known {
		return i
	}
	if len(n.others) >= mostFields || len(name) > longestName {
		name = otherFields
		if i, known := n.other[name]; known {
			return i
		}
	}
	if n.other == nil {
		n.other = make(map[string]int)
	}
	i := len(n.others)
	n.other[name], n.others = i, append(n.others, name)
	return i
}

// Unread counts a value of the current row that could not be read, or in part only. number is the row's in its chunk,
// shape the value's, if anybody may ask for it.
func (b *Batch) Unread(field int, number int64, shape string) {
	n := &b.fields
	if shape != "" {
		n.shapes = append(n.shapes, cellShape{len(n.unread), shape})
	}
	n.unread = append(n.unread, unreadCell{int32(b.rows), int32(number), int32(field)})
}

// Passed says that the number of a field of the current row is above so many of the field's limits.
func (b *Batch) Passed(field, limits int) {
	b.fields.passed = append(b.fields.passed, passedCell{int32(b.rows), int32(field), int32(limits)})
}

// UnreadOther counts such a value of a field that the mapping does not name.
func (b *Batch) UnreadOther(name string) {
	n := &b.fields
	n.unread = append(n.unread, unreadCell{row: int32(b.rows), field: int32(len(n.mapped) + n.index(name))})
}

// Tally adds up what the batch knows of the fields over ranges of its rows, in order.
func (b *Batch) Tally(ranges []RowRange) *FieldTally {
	n := &b.fields
	t := &FieldTally{Fields: n.mapped, Health: make([]FieldHealth, len(n.mapped)), Measured: b.measured(ranges)}
	if len(n.mapped) > 0 && len(n.filled) == b.rows*n.words {
		n.tallyFilled(t, ranges)
	}
	if len(n.unread) > 0 {
		for _, rows := range ranges {
			n.tallyUnread(t, rows)
		}
	}
	for _, rows := range ranges {
		i := sort.Search(len(n.passed), func(i int) bool { return int(n.passed[i].row) >= rows.From })
		for ; i < len(n.passed) && int(n.passed[i].row) < rows.To; i++ {
			h := &t.Health[n.passed[i].field]
			h.Passed = max(h.Passed, int(n.passed[i].limits))
		}
	}
	return t
}

// tallyFilled counts the fields that are not blank, and notes those that are there.
func (n *fieldNotes) tallyFilled(t *FieldTally, ranges []RowRange) {
	there := NewFieldSet(len(n.mapped))
	for w := range n.words {
		var count bitCounter
		for _, rows := range ranges {
			for row := rows.From; row < rows.To; row++ {
				i := row*n.words + w
				count.add(n.filled[i])
				there[w] |= n.filled[i]
				if i < len(n.blank) {
					there[w] |= n.blank[i]
				}
			}
		}
		for f := 64 * w; f < min(64*(w+1), len(n.mapped)); f++ {
			t.Health[f].Filled = count.of(f - 64*w)
		}
	}
	for _, rows := range ranges {
		t.Rows += int64(rows.To - rows.From)
	}
	if t.Header = n.header != nil; t.Header {
		there = n.header
	}
	for f := range t.Health {
		t.Health[f].There = there.Has(f)
	}
	if t.Rows > 0 {
		t.Unnamed = n.others
	}
}

// measured reports whether one of the rows has a value in the column of a measure. Nearly always it is the first.
func (b *Batch) measured(ranges []RowRange) bool {
	for i, c := range b.columns {
		if c == nil || !b.Table.Columns[i].IsMeasure() || c.nulls == c.rows {
			continue
		}
		for _, rows := range ranges {
			for row := rows.From; row < rows.To; row++ {
				if c.isValid(row) {
					return true
				}
			}
		}
	}
	return false
}

// tallyUnread adds the values that could not be read of a range of rows.
func (n *fieldNotes) tallyUnread(t *FieldTally, rows RowRange) {
	i := sort.Search(len(n.unread), func(i int) bool { return int(n.unread[i].row) >= rows.From })
	for ; i < len(n.unread) && int(n.unread[i].row) < rows.To; i++ {
		f := int(n.unread[i].field)
		if f >= len(t.Health) {
			t.Others.Add(n.others[f-len(t.Health)], 1)
			continue
		}
		h := &t.Health[f]
		if h.Unreadable++; h.Row == 0 {
			h.Row = int64(n.unread[i].number)
			if at, found := slices.BinarySearchFunc(n.shapes, i, func(s cellShape, i int) int { return s.cell - i }); found {
				h.Shape = n.shapes[at].shape
			}
		}
	}
}

// bitCounter counts 64 things at once, each by a bit: a sum of its bits k of all planes makes its count.
type bitCounter [32]uint64

// add counts the things of a set.
func (c *bitCounter) add(set uint64) {
	for k := 0; set != 0; k++ {
		c[k], set = c[k]^set, c[k]&set
	}
}

// of is the count of one thing.
func (c *bitCounter) of(bit int) (n int64) {
	for k := range c {
		n |= int64(bits.RotateLeft64(c[k], -bit)&1) << k
	}
	return n
}
