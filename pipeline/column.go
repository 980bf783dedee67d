package pipeline

import (
	"bytes"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"
)

// column collects the values of one column in Arrow's memory layout, so that
// it is an array without a copy, and can be emptied and filled again without
// new memory. Arrow's own builders give their memory away with each array; for
// a report of a gigabyte that is most of what the program allocates.
type column struct {
	typ   arrow.DataType
	rows  int
	nulls int
	valid []byte // a bit a row, set where the row has a value

	words   []uint64 // int64, float64, timestamp
	days    []int32  // date32
	bits    []byte   // boolean: a bit a row
	offsets []int32  // string, list: rows + 1
	text    []byte   // string
	items   *column  // list of strings

	index      []int32     // of a row's value in the dictionary
	dictionary *dictionary // of strings that repeat; nil for any other column
}

// newColumn returns an empty column of c's type; strings that repeat come as a
// dictionary.
func newColumn(c Column) *column {
	if c.repeats() {
		return &column{typ: dictionaryType, dictionary: newDictionary()}
	}
	return columnOf(c.Type)
}

func columnOf(t arrow.DataType) *column {
	c := &column{typ: t}
	switch t := t.(type) {
	case *arrow.StringType:
		c.offsets = []int32{0}
	case *arrow.ListType:
		c.offsets = []int32{0}
		c.items = columnOf(t.Elem())
	}
	return c
}

// reset empties the column; its memory stays.
func (c *column) reset() {
	c.rows, c.nulls = 0, 0
	c.valid, c.words, c.days, c.bits, c.text = c.valid[:0], c.words[:0], c.days[:0], c.bits[:0], c.text[:0]
	if c.offsets != nil {
		c.offsets = c.offsets[:1]
	}
	if c.items != nil {
		c.items.reset()
	}
	if c.dictionary != nil {
		c.index = c.index[:0]
		c.dictionary.reset()
	}
}

// trim lets go of texts that take more memory than kept, once the column is empty again.
func (c *column) trim(kept int) {
	if c.dictionary != nil {
		c = c.dictionary.values
	}
	if c.items != nil {
		c = c.items
	}
	if cap(c.text) > kept {
		c.text = nil
	}
}

// size is about the bytes of the values.
func (c *column) size() int {
	n := 8*len(c.words) + 4*len(c.days) + len(c.text) + 4*len(c.index)
	if c.items != nil {
		n += c.items.size()
	}
	if c.dictionary != nil {
		n += c.dictionary.values.size()
	}
	return n
}

// mark notes that the next row has a value.
func (c *column) mark() {
	if c.rows&7 == 0 {
		c.valid = append(c.valid, 0)
	}
	c.valid[c.rows>>3] |= 1 << (c.rows & 7)
	c.rows++
}

func (c *column) isValid(i int) bool { return c.valid[i>>3]>>(i&7)&1 != 0 }

func (c *column) addWord(v uint64) {
	c.words = append(c.words, v)
	c.mark()
}

func (c *column) addDay(v int32) {
	c.days = append(c.days, v)
	c.mark()
}

func (c *column) addBool(v bool) {
	if c.rows&7 == 0 {
		c.bits = append(c.bits, 0)
	}
	if v {
		c.bits[c.rows>>3] |= 1 << (c.rows & 7)
	}
	c.mark()
}

func (c *column) addText(v []byte) {
	if c.dictionary != nil {
		c.index = append(c.index, c.dictionary.find(v))
	} else {
		c.text = append(c.text, v...)
		c.offsets = append(c.offsets, int32(len(c.text)))
	}
	c.mark()
}

// addString is addText for a string.
func (c *column) addString(v string) { c.addText(unsafe.Slice(unsafe.StringData(v), len(v))) }

// textAt is the string of row i, good until the column is reset.
func (c *column) textAt(i int) []byte {
	if c.dictionary != nil {
		c, i = c.dictionary.values, int(c.index[i])
	}
	return c.text[c.offsets[i]:c.offsets[i+1]]
}

// addList begins a list whose items the caller appends to c.items before the
// next row.
func (c *column) addList() {
	c.endLists()
	c.offsets = append(c.offsets, int32(c.items.rows))
	c.mark()
}

// endLists lets the last list hold every item so far.
func (c *column) endLists() {
	if c.items != nil {
		c.offsets[len(c.offsets)-1] = int32(c.items.rows)
	}
}

// addNulls appends n rows without a value.
func (c *column) addNulls(n int) {
	c.endLists()
	c.nulls += n
	c.rows += n
	c.valid = grow(c.valid, bitBytes(c.rows))
	switch {
	case c.dictionary != nil:
		c.index = grow(c.index, c.rows)
	case c.offsets != nil:
		last := c.offsets[len(c.offsets)-1]
		for range n {
			c.offsets = append(c.offsets, last)
		}
	case c.typ.ID() == arrow.BOOL:
		c.bits = grow(c.bits, bitBytes(c.rows))
	case c.typ.ID() == arrow.DATE32:
		c.days = grow(c.days, c.rows)
	default:
		c.words = grow(c.words, c.rows)
	}
}

// addRange copies rows [from, to) of another column of the same type.
func (c *column) addRange(src *column, from, to int) {
	n := to - from
	switch {
	case src.nulls == src.rows, n == 1 && !src.isValid(from):
		c.addNulls(n)
		return
	case n == 1:
		c.addRow(src, from)
		return
	}
	if c.dictionary != nil {
		c.addTexts(src, from, to)
		return
	}
	c.endLists()
	at := c.rows
	c.rows += n
	c.valid = grow(c.valid, bitBytes(c.rows))
	bitutil.CopyBitmap(src.valid, from, n, c.valid, at)
	if src.nulls > 0 {
		c.nulls += n - bitutil.CountSetBits(src.valid, from, n)
	}
	switch {
	case c.offsets != nil:
		lo, hi := src.offsets[from], src.offsets[to]
		shift := c.offsets[len(c.offsets)-1] - lo
		for _, o := range src.offsets[from+1 : to+1] {
			c.offsets = append(c.offsets, o+shift)
		}
		if c.items != nil {
			c.items.addRange(src.items, int(lo), int(hi))
		} else {
			c.text = append(c.text, src.text[lo:hi]...)
		}
	case c.typ.ID() == arrow.BOOL:
		c.bits = grow(c.bits, bitBytes(c.rows))
		bitutil.CopyBitmap(src.bits, from, n, c.bits, at)
	case c.typ.ID() == arrow.DATE32:
		c.days = append(c.days, src.days[from:to]...)
	default:
		c.words = append(c.words, src.words[from:to]...)
	}
}

// addRow copies one row that has a value.
func (c *column) addRow(src *column, i int) {
	switch c.typ.ID() {
	case arrow.STRING, arrow.DICTIONARY:
		c.addText(src.textAt(i))
	case arrow.LIST:
		c.addList()
		c.items.addRange(src.items, int(src.offsets[i]), int(src.offsets[i+1]))
	case arrow.BOOL:
		c.addBool(src.bits[i>>3]>>(i&7)&1 != 0)
	case arrow.DATE32:
		c.addDay(src.days[i])
	default:
		c.addWord(src.words[i])
	}
}

// addTexts copies rows of a column of strings into a dictionary.
func (c *column) addTexts(src *column, from, to int) {
	for i := from; i < to; i++ {
		if src.isValid(i) {
			c.addText(src.textAt(i))
		} else {
			c.addNulls(1)
		}
	}
}

// array is a view of the column, good until it is reset or added to.
func (c *column) array() arrow.Array {
	c.endLists()
	data := c.data()
	defer data.Release()
	return array.MakeFromData(data)
}

func (c *column) data() *array.Data {
	buffers := []*memory.Buffer{nil}
	if c.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(c.valid)
	}
	var children []arrow.ArrayData
	switch {
	case c.dictionary != nil:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.index)))
		values := c.dictionary.values.data()
		defer values.Release()
		return array.NewDataWithDictionary(c.typ, c.rows, buffers, c.nulls, 0, values)
	case c.items != nil:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)))
		items := c.items.data()
		defer items.Release()
		children = []arrow.ArrayData{items}
	case c.offsets != nil:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)), memory.NewBufferBytes(c.text))
	case c.typ.ID() == arrow.BOOL:
		buffers = append(buffers, memory.NewBufferBytes(c.bits))
	case c.typ.ID() == arrow.DATE32:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.days)))
	default:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Uint64Traits.CastToBytes(c.words)))
	}
	return array.NewData(c.typ, c.rows, buffers, children, c.nulls, 0)
}

func bitBytes(n int) int { return (n + 7) / 8 }

// grow lengthens s to n elements; the new ones are zero.
func grow[T byte | int32 | uint64](s []T, n int) []T {
	old := len(s)
	for cap(s) < n {
		s = append(s[:cap(s)], 0)
	}
	s = s[:n]
	clear(s[old:])
	return s
}

// dictionaryType is the type of a column whose strings repeat.
var dictionaryType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// dictionary holds the distinct strings of a column. Whoever writes the column
// has them already sorted out, and the fingerprint hashes each once.
type dictionary struct {
	values *column
	hashes []uint64 // of the values
	slots  []int32  // an open table of the values' numbers from 1 on; 0 is free
	last   int32    // the value found last
}

func newDictionary() *dictionary {
	return &dictionary{values: columnOf(stringType), slots: make([]int32, 64)}
}

func (d *dictionary) reset() {
	d.values.reset()
	d.hashes = d.hashes[:0]
	clear(d.slots)
}

// find returns the number of v, which it adds if it is new.
func (d *dictionary) find(v []byte) int32 {
	if int(d.last) < d.values.rows && bytes.Equal(d.values.textAt(int(d.last)), v) {
		return d.last
	}
	h := xxh3.Hash(v)
	mask := uint64(len(d.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		n := d.slots[at] - 1
		if n < 0 {
			d.last = int32(d.values.rows)
			d.add(v, h, at)
			return d.last
		}
		if d.hashes[n] == h && bytes.Equal(d.values.textAt(int(n)), v) {
			d.last = n
			return n
		}
	}
}

func (d *dictionary) add(v []byte, h, slot uint64) {
	d.values.addText(v)
	d.hashes = append(d.hashes, h)
	d.slots[slot] = int32(d.values.rows)
	if 2*d.values.rows <= len(d.slots) {
		return
	}
	d.slots = make([]int32, 2*len(d.slots))
	mask := uint64(len(d.slots) - 1)
	for n, h := range d.hashes {
		at := h & mask
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = int32(n + 1)
	}
}
