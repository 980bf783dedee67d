package pipeline

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
)

// rowHasher computes the part of the fingerprint that the columns of one table give.
type rowHasher struct {
	seeds []uint64
	used  []bool
}

func newRowHasher(t *Table) *rowHasher {
	h := &rowHasher{seeds: make([]uint64, len(t.Columns)), used: make([]bool, len(t.Columns))}
	for i, c := range t.Columns {
		h.seeds[i] = NameSeed(c.Name)
		// Lineage says who read, snapshots say when: neither is what was read.
		// extras come hashed field by field, in the batch.
		h.used[i] = !c.Engine && c.Aggregation != Snapshot && c.Name != "extras"
	}
	return h
}

// HashRows turns the hashes of a finished batch's extras into those of its rows, once. The hashes stand in the same
// memory, good until Release.
func (b *Batch) HashRows() []Hash { return b.Table.hasher.rows(b) }

func (h *rowHasher) rows(b *Batch) []Hash {
	sums := b.ExtrasHash
	for i, c := range b.columns {
		if c != nil && h.used[i] && c.nulls < c.rows {
			addColumn(sums, c, h.seeds[i])
		}
	}
	for i := range sums {
		sums[i] = sums[i].mix()
	}
	return sums
}

func addColumn(sums []Hash, c *column, seed uint64) {
	switch c.typ.ID() {
	case arrow.STRING:
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(FieldHash(seed, c.textAt(i)))
			}
		}
	case arrow.DICTIONARY:
		distinct := make([]Hash, c.dictionary.values.rows)
		for n := range distinct {
			distinct[n] = FieldHash(seed, c.dictionary.values.textAt(n))
		}
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(distinct[c.index[i]])
			}
		}
	case arrow.LIST:
		addLists(sums, c, seed)
	case arrow.BOOL:
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(wordHash(seed, uint64(c.bits[i>>3]>>(i&7)&1)))
			}
		}
	case arrow.FLOAT64:
		for i := range sums {
			if c.isValid(i) { // −0 and 0 are one value
				sums[i] = sums[i].Add(wordHash(seed, math.Float64bits(math.Float64frombits(c.words[i])+0)))
			}
		}
	default:
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(wordHash(seed, c.words[i]))
			}
		}
	}
}

func wordHash(seed, v uint64) Hash {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], v)
	return FieldHash(seed, word[:])
}

// addLists hashes a list of strings with each item's length before it, so that
// ["ab"] and ["a","b"] differ.
func addLists(sums []Hash, c *column, seed uint64) {
	var buf []byte
	for i := range sums {
		if !c.isValid(i) {
			continue
		}
		buf = buf[:0]
		for j := c.offsets[i]; j < c.offsets[i+1]; j++ {
			v := c.items.textAt(int(j))
			buf = binary.AppendUvarint(buf, uint64(len(v)))
			buf = append(buf, v...)
		}
		sums[i] = sums[i].Add(FieldHash(seed, buf))
	}
}
