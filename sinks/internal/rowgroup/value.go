package rowgroup

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/parquet"
)

// values are values of one column: of the slices the one of its type is filled.
type values struct {
	int64s []int64
	int32s []int32
	floats []float64
	bools  []bool
	texts  []parquet.ByteArray
}

// resize makes room for n values of a type; what they are is left open. It is false for a type that no table of Windrow's
// has.
func (v *values) resize(of parquet.Type, n int) bool {
	switch of {
	case parquet.Types.Int64:
		v.int64s = resized(v.int64s, n)
	case parquet.Types.Int32:
		v.int32s = resized(v.int32s, n)
	case parquet.Types.Double:
		v.floats = resized(v.floats, n)
	case parquet.Types.Boolean:
		v.bools = resized(v.bools, n)
	case parquet.Types.ByteArray:
		v.texts = resized(v.texts, n)
	default:
		return false
	}
	return true
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// valueReader reads the values of a page, in the encodings that Windrow writes.
type valueReader struct {
	of       parquet.Type
	encoding parquet.Encoding
	b        []byte
	bit      int // of plain booleans
	indices  runs
	dict     *values
	deltas   deltas
}

func (r *valueReader) open(encoding parquet.Encoding, data []byte, dict *values) error {
	r.encoding, r.b, r.bit, r.dict = encoding, data, 0, dict
	switch encoding {
	case parquet.Encodings.Plain:
		return nil
	case parquet.Encodings.RLEDict, parquet.Encodings.PlainDict:
		if dict == nil {
			return errPage
		}
		r.encoding, r.indices = parquet.Encodings.RLEDict, runs{}
		if len(data) > 0 { // a page of nulls has none
			r.indices = runs{b: data[1:], width: int(data[0])}
		}
		if r.indices.width > 32 {
			return errPage
		}
		return nil
	case parquet.Encodings.DeltaBinaryPacked:
		r.deltas.begin(data)
		return nil
	}
	return errPage
}

// read reads as many values as into has room for.
func (r *valueReader) read(into *values) bool {
	switch r.encoding {
	case parquet.Encodings.RLEDict:
		return r.readIndexed(into)
	case parquet.Encodings.DeltaBinaryPacked:
		return r.readDeltas(into)
	}
	return r.readPlain(into)
}

func (r *valueReader) readIndexed(into *values) bool {
	switch r.of {
	case parquet.Types.Int64:
		return indexed(&r.indices, r.dict.int64s, into.int64s)
	case parquet.Types.Int32:
		return indexed(&r.indices, r.dict.int32s, into.int32s)
	case parquet.Types.Double:
		return indexed(&r.indices, r.dict.floats, into.floats)
	case parquet.Types.ByteArray:
		return indexed(&r.indices, r.dict.texts, into.texts)
	}
	return false // booleans have no dictionary
}

func indexed[T any](indices *runs, dict, into []T) bool {
	for len(into) > 0 {
		n, ok := indices.next(len(into))
		if !ok {
			return false
		}
		for i := range into[:n] {
			at := indices.number()
			if uint64(at) >= uint64(len(dict)) {
				return false
			}
			into[i] = dict[at]
		}
		into = into[n:]
	}
	return true
}

func (r *valueReader) readDeltas(into *values) bool {
	switch r.of {
	case parquet.Types.Int64:
		return readDeltas(&r.deltas, into.int64s)
	case parquet.Types.Int32:
		return readDeltas(&r.deltas, into.int32s)
	}
	return false
}

func readDeltas[T int32 | int64](d *deltas, into []T) bool {
	for i := range into {
		v, ok := d.next()
		if !ok {
			return false
		}
		into[i] = T(v)
	}
	return true
}

func (r *valueReader) readPlain(into *values) bool {
	switch r.of {
	case parquet.Types.Int64:
		return plain(&r.b, into.int64s, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
	case parquet.Types.Int32:
		return plain(&r.b, into.int32s, 4, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) })
	case parquet.Types.Double:
		return plain(&r.b, into.floats, 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
	case parquet.Types.Boolean:
		if r.bit+len(into.bools) > 8*len(r.b) {
			return false
		}
		for i := range into.bools {
			into.bools[i] = r.b[r.bit>>3]>>(r.bit&7)&1 != 0
			r.bit++
		}
		return true
	}
	return r.readTexts(into.texts)
}

// plain reads values of a fixed size.
func plain[T any](b *[]byte, into []T, size int, value func([]byte) T) bool {
	if len(*b) < size*len(into) {
		return false
	}
	for i := range into {
		into[i] = value((*b)[size*i:])
	}
	*b = (*b)[size*len(into):]
	return true
}

// readTexts reads texts, each behind its length. They stay in the page's memory.
func (r *valueReader) readTexts(into []parquet.ByteArray) bool {
	for i := range into {
		if len(r.b) < 4 {
			return false
		}
		n := uint64(binary.LittleEndian.Uint32(r.b))
		if n > uint64(len(r.b)-4) {
			return false
		}
		into[i], r.b = parquet.ByteArray(r.b[4:4+n:4+n]), r.b[4+n:]
	}
	return true
}

// deltas are numbers as Parquet's DELTA_BINARY_PACKED has them: the first one, then differences in blocks of small parts.
type deltas struct {
	b       []byte
	begun   bool
	bad     bool
	part    int // numbers of a part
	parts   int // of a block
	left    uint64
	last    int64
	least   int64  // of the block's differences
	widths  []byte // bits of the differences in the block's parts that are to come
	current []byte // the present part
	width   int    // its bits
	at      int    // numbers of it that were read
}

// largestBlock bounds what a damaged header says of a block; Arrow's writer has 128.
const largestBlock = 1 << 16

func (d *deltas) begin(b []byte) { *d = deltas{b: b} }

func (d *deltas) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *deltas) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// next is the next number.
func (d *deltas) next() (int64, bool) {
	if !d.begun { // a page of nulls has no head
		d.begun = true
		block, parts := d.uvarint(), d.uvarint()
		d.left = d.uvarint()
		d.last = d.varint()
		if d.bad || d.left == 0 || parts == 0 || block > largestBlock || block%(8*parts) != 0 || block == 0 {
			return 0, false
		}
		d.part, d.parts = int(block/parts), int(parts)
		d.at = d.part
		d.left--
		return d.last, true
	}
	if d.left == 0 || d.at == d.part && !d.nextPart() {
		return 0, false
	}
	d.last += d.least + int64(bitsAt(d.current, d.at*d.width, d.width))
	d.at++
	d.left--
	return d.last, true
}

// nextPart begins the next part, of the next block where the present one has ended.
func (d *deltas) nextPart() bool {
	if len(d.widths) == 0 {
		d.least = d.varint()
		if d.bad || len(d.b) < d.parts {
			return false
		}
		d.widths, d.b = d.b[:d.parts], d.b[d.parts:]
	}
	d.width, d.widths = int(d.widths[0]), d.widths[1:]
	size := d.width * d.part / 8
	if d.width > 64 || size > len(d.b) {
		return false
	}
	d.current, d.b, d.at = d.b[:size], d.b[size:], 0
	return true
}
