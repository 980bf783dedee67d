package rowgroup

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
)

var errPage = errors.New("damaged: a page makes no sense")

// pageStream has the pages of a column chunk, one after the other.
type pageStream struct {
	rest  []byte
	codec compress.Codec
	arena *arena
}

// pageHeader is PageHeader of parquet.thrift.
type pageHeader struct {
	kind                     int64
	uncompressed, compressed int64
	values                   int64
	encoding, defs, reps     int64
}

// Kinds of pages.
const (
	dataPage       = 0
	indexPage      = 1
	dictionaryPage = 2
)

func (h *pageHeader) read(c *compact) {
	for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) {
		switch {
		case id == 1:
			h.kind = c.int(kind)
		case id == 2:
			h.uncompressed = c.int(kind)
		case id == 3:
			h.compressed = c.int(kind)
		case (id == 5 || id == 7) && kind == structField: // DataPageHeader, DictionaryPageHeader
			h.readInner(c)
		default:
			c.skip(kind)
		}
	}
}

func (h *pageHeader) readInner(c *compact) {
	for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) {
		switch {
		case id == 1:
			h.values = c.int(kind)
		case id == 2:
			h.encoding = c.int(kind)
		case id == 3 && kind > falseField: // a dictionary's says whether it is sorted
			h.defs = c.int(kind)
		case id == 4:
			h.reps = c.int(kind)
		default:
			c.skip(kind)
		}
	}
}

// next is the next page, decompressed. Its data are good until the arena is reset.
func (p *pageStream) next() (h pageHeader, data []byte, err error) {
	in := compact{b: p.rest}
	h.read(&in)
	if in.bad || h.compressed < 0 || h.compressed > int64(len(in.b)) || h.uncompressed < 0 || h.uncompressed > p.arena.most ||
		h.values < 0 || h.values > math.MaxInt32 {
		return h, nil, errPage
	}
	body := in.b[:h.compressed]
	if p.rest = in.b[h.compressed:]; h.kind == indexPage {
		return h, nil, nil
	}
	if data = p.codec.Decode(p.arena.take(int(h.uncompressed)), body); int64(len(data)) != h.uncompressed {
		return h, nil, errPage
	}
	return h, data, nil
}

// dataReader reads the levels and the values of one data page.
type dataReader struct {
	left           int // values and nulls to come
	reps, defs     runs
	maxDef, maxRep int16
	values         valueReader
}

// open begins a data page. Windrow's files have no pages of version 2.
func (d *dataReader) open(h pageHeader, data []byte, dict *values) (err error) {
	d.left = int(h.values)
	if d.reps, data, err = levels(data, d.maxRep, h.reps); err != nil {
		return err
	}
	if d.defs, data, err = levels(data, d.maxDef, h.defs); err != nil {
		return err
	}
	return d.values.open(parquet.Encoding(h.encoding), data, dict)
}

// levels are the runs of the levels at the beginning of a page; none where a column has but one level.
func levels(data []byte, most int16, encoding int64) (r runs, rest []byte, err error) {
	if most == 0 {
		return r, data, nil
	}
	if parquet.Encoding(encoding) != parquet.Encodings.RLE || len(data) < 4 {
		return r, nil, errPage
	}
	size := uint64(binary.LittleEndian.Uint32(data))
	if data = data[4:]; size > uint64(len(data)) {
		return r, nil, errPage
	}
	return runs{b: data[:size], width: bits.Len16(uint16(most))}, data[size:], nil
}

// runs are numbers as Parquet's hybrid of run lengths and bit packing has them.
type runs struct {
	b       []byte
	width   int // bits of a number
	left    int // of the present run
	packed  []byte
	at      int // bits of packed that were read
	repeats uint32
}

// begin reads the head of the next run.
func (r *runs) begin() bool {
	head, n := binary.Uvarint(r.b)
	if n <= 0 || head>>1 == 0 || head>>1 > math.MaxInt32/8 {
		return false
	}
	r.b = r.b[n:]
	if head&1 == 1 { // groups of eight
		size := int(head>>1) * r.width
		if size > len(r.b) {
			return false
		}
		r.left, r.packed, r.at, r.b = int(head>>1)*8, r.b[:size], 0, r.b[size:]
		return true
	}
	size := (r.width + 7) / 8
	if size > len(r.b) {
		return false
	}
	r.left, r.packed, r.repeats = int(head>>1), nil, 0
	for i, b := range r.b[:size] {
		r.repeats |= uint32(b) << (8 * i)
	}
	r.b = r.b[size:]
	return true
}

// next hands over how many of the next n numbers are of one run. The numbers are equal, or at i is each of them.
func (r *runs) next(n int) (of int, ok bool) {
	if r.left == 0 && !r.begin() {
		return 0, false
	}
	of = min(n, r.left)
	r.left -= of
	return of, true
}

// number is the next number of the present run.
func (r *runs) number() uint32 {
	if r.packed == nil {
		return r.repeats
	}
	v := bitsAt(r.packed, r.at, r.width)
	r.at += r.width
	return uint32(v)
}

// levels reads the next levels, and counts those that are the given one.
func (r *runs) levels(dst []int16, counted int16) (count int, ok bool) {
	for len(dst) > 0 {
		n, ok := r.next(len(dst))
		if !ok {
			return 0, false
		}
		for i := range dst[:n] {
			l := int16(r.number())
			if dst[i] = l; l == counted {
				count++
			}
		}
		dst = dst[n:]
	}
	return count, true
}

// bitsAt is the number of so many bits, 64 at most, that begins at a bit of b. All of its bits are in b.
func bitsAt(b []byte, at, width int) uint64 {
	if width == 0 {
		return 0
	}
	from, shift := at>>3, at&7
	var v uint64
	if b = b[from:]; len(b) >= 8 {
		v = binary.LittleEndian.Uint64(b)
	} else {
		for i, one := range b {
			v |= uint64(one) << (8 * i)
		}
	}
	v >>= shift
	if shift+width > 64 {
		v |= uint64(b[8]) << (64 - shift)
	}
	return v & (^uint64(0) >> (64 - width))
}
