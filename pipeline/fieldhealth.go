package pipeline

import (
	"maps"
	"math/bits"
	"slices"
	"sort"
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

// FieldHealth is the state of one source field over some rows.
type FieldHealth struct {
	Filled     int64 // rows in which it is not blank
	Unreadable int64 // rows of those in which it could not be read, or in part only
	// Row and Shape are those of the first value that could not be read, as in [Reject]; Row is 0 without one. Shape is
	// empty where there were many such values before, of other rows.
	Row   int64
	Shape string
}

// MappedField is a source field that a format's mapping names.
type MappedField struct {
	Name    string
	Measure bool // it fills a measure
}

// FieldTally is the state of the source fields over some rows. The zero FieldTally is of no rows.
type FieldTally struct {
	Fields   []MappedField
	Health   []FieldHealth // by field
	Others   FieldCounts   // values that could not be read, of fields that the mapping does not name
	Measured bool          // a row has a value in the column of a measure
}

// Add adds the rows of o. before is the number of rows of their document in front of o's batch.
func (t *FieldTally) Add(o *FieldTally, before int64) {
	if len(t.Health) < len(o.Health) { // the rows that a reduction makes have none
		t.Fields, t.Health = o.Fields, make([]FieldHealth, len(o.Health))
	}
	for f := range o.Health {
		to, from := &t.Health[f], &o.Health[f]
		to.Filled += from.Filled
		to.Unreadable += from.Unreadable
		if to.Row == 0 && from.Row > 0 {
			to.Row, to.Shape = from.Row+before, from.Shape
		}
	}
	t.Others.AddAll(o.Others)
	t.Measured = t.Measured || o.Measured
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
	unread []unreadCell
	shapes []cellShape
	others []string       // fields that the mapping does not name, with values that could not be read
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
	*n = fieldNotes{filled: n.filled[:0], unread: n.unread[:0], shapes: n.shapes[:0]}
}

// SetFields says which source fields the format's mapping names, before the first row. They must not change.
func (b *Batch) SetFields(mapped []MappedField) {
	b.fields.mapped, b.fields.words = mapped, (len(mapped)+63)/64
}

// Filled says which of the fields are not blank in the current row: bit f%64 of word f/64 is that of field f.
func (b *Batch) Filled(set []uint64) { b.fields.filled = append(b.fields.filled, set...) }

// Unread counts a value of the current row that could not be read, or in part only. number is the row's in its chunk,
// shape the value's, if anybody may ask for it.
func (b *Batch) Unread(field int, number int64, shape string) {
	n := &b.fields
	if shape != "" {
		n.shapes = append(n.shapes, cellShape{len(n.unread), shape})
	}
	n.unread = append(n.unread, unreadCell{int32(b.rows), int32(number), int32(field)})
}

// UnreadOther counts such a value of a field that the mapping does not name.
func (b *Batch) UnreadOther(name string) {
	n := &b.fields
	i, known := n.other[name]
	if !known {
		if len(n.others) >= mostFields {
			name = otherFields
			i, known = n.other[name]
		}
		if !known {
			if n.other == nil {
				n.other = make(map[string]int)
			}
			i = len(n.others)
			n.other[name], n.others = i, append(n.others, name)
		}
	}
	n.unread = append(n.unread, unreadCell{row: int32(b.rows), field: int32(len(n.mapped) + i)})
}

// Tally adds up what the batch knows of the fields over ranges of its rows, in order.
func (b *Batch) Tally(ranges []RowRange) *FieldTally {
	n := &b.fields
	t := &FieldTally{Fields: n.mapped, Health: make([]FieldHealth, len(n.mapped)), Measured: b.measured(ranges)}
	if len(n.filled) == b.rows*n.words {
		for w := range n.words {
			var count bitCounter
			for _, rows := range ranges {
				for row := rows.From; row < rows.To; row++ {
					count.add(n.filled[row*n.words+w])
				}
			}
			for f := 64 * w; f < min(64*(w+1), len(n.mapped)); f++ {
				t.Health[f].Filled = count.of(f - 64*w)
			}
		}
	}
	if len(n.unread) > 0 {
		for _, rows := range ranges {
			n.tallyUnread(t, rows)
		}
	}
	return t
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
