package pipeline

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// rowHasher computes the part of the fingerprint that the columns of one table give.
type rowHasher struct {
	table *Table
	seeds []uint64
	used  []bool
}

func newRowHasher(t *Table) *rowHasher {
	h := &rowHasher{table: t, seeds: make([]uint64, len(t.Columns)), used: make([]bool, len(t.Columns))}
	for i, c := range t.Columns {
		h.seeds[i] = NameSeed(c.Name)
		// Lineage says who read, snapshots say when: neither is what was read.
		// extras come hashed field by field, in the batch.
		h.used[i] = !c.Engine && c.Aggregation != Snapshot && c.Name != "extras"
	}
	return h
}

// rows returns the hash of every row of a batch.
func (h *rowHasher) rows(cols []arrow.Array, extras []Hash) []Hash {
	sums := make([]Hash, len(extras))
	copy(sums, extras)
	for i, col := range cols {
		if col != nil && h.used[i] && col.NullN() < col.Len() {
			addColumn(sums, col, h.seeds[i])
		}
	}
	for i := range sums {
		sums[i] = sums[i].mix()
	}
	return sums
}

func addColumn(sums []Hash, col arrow.Array, seed uint64) {
	var word [8]byte
	add := func(i int, v uint64) {
		binary.LittleEndian.PutUint64(word[:], v)
		sums[i] = sums[i].Add(FieldHash(seed, word[:]))
	}
	switch a := col.(type) {
	case *array.String:
		for i := range sums {
			if a.IsValid(i) {
				sums[i] = sums[i].Add(FieldHash(seed, stringBytes(a, i)))
			}
		}
	case *array.Int64:
		for i := range sums {
			if a.IsValid(i) {
				add(i, uint64(a.Value(i)))
			}
		}
	case *array.Float64:
		for i := range sums {
			if a.IsValid(i) {
				add(i, math.Float64bits(a.Value(i)+0)) // −0 and 0 are one value
			}
		}
	case *array.Timestamp:
		for i := range sums {
			if a.IsValid(i) {
				add(i, uint64(a.Value(i)))
			}
		}
	case *array.Boolean:
		for i := range sums {
			if a.IsValid(i) {
				v := uint64(0)
				if a.Value(i) {
					v = 1
				}
				add(i, v)
			}
		}
	case *array.List:
		addLists(sums, a, seed)
	}
}

// addLists hashes a list of strings with each item's length before it, so that
// ["ab"] and ["a","b"] differ.
func addLists(sums []Hash, a *array.List, seed uint64) {
	items := a.ListValues().(*array.String)
	var buf []byte
	for i := range sums {
		if a.IsNull(i) {
			continue
		}
		start, end := a.ValueOffsets(i)
		buf = buf[:0]
		for j := start; j < end; j++ {
			v := items.Value(int(j))
			buf = binary.AppendUvarint(buf, uint64(len(v)))
			buf = append(buf, v...)
		}
		sums[i] = sums[i].Add(FieldHash(seed, buf))
	}
}

// stringBytes is the value without a copy.
func stringBytes(a *array.String, i int) []byte {
	off := a.ValueOffset(i)
	return a.ValueBytes()[off-a.ValueOffset(0):][:a.ValueLen(i)]
}
