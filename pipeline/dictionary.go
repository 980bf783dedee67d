package pipeline

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/zeebo/xxh3"
)

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
