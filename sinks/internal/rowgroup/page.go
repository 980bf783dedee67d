package rowgroup

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
)

var errPage = errors.New("damaged: a page makes no sense")

// pageReader is Arrow's [file.PageReader] over the bytes of a column chunk. It refuses the damaged pages at which Arrow's
// reader of columns would read nothing for ever, or ask for far more memory than the page can need. It counts runs and
// decodes no value.
type pageReader struct {
	rest           []byte
	codec          compress.Codec
	arena          *arena
	maxDef, maxRep int16
	rows           int64 // values that the column has
	seen           int64 // of them, in the pages so far
	dict           int   // values of the dictionary
	page           file.Page
	err            error
}

func (c *pageReader) Page() file.Page          { return c.page }
func (c *pageReader) Err() error               { return c.err }
func (c *pageReader) SetMaxPageHeaderSize(int) {}

// Reset is for those who read several columns with one reader; a scan makes a new one.
func (c *pageReader) Reset(parquet.BufferedReader, int64, compress.Compression, *file.CryptoContext) {
	c.err = errPage
}

func (c *pageReader) release() {
	if c.page != nil {
		c.page.Release()
		c.page = nil
	}
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
		switch id {
		case 1:
			h.values = c.int(kind)
		case 2:
			h.encoding = c.int(kind)
		case 3:
			if kind > falseField { // a dictionary's says whether it is sorted
				h.defs = c.int(kind)
			}
		case 4:
			h.reps = c.int(kind)
		default:
			c.skip(kind)
		}
	}
}

func (c *pageReader) Next() bool {
	c.release()
	for c.err == nil && c.seen < c.rows {
		head, in := pageHeader{}, compact{b: c.rest}
		head.read(&in)
		if in.bad || head.compressed < 0 || head.compressed > int64(len(in.b)) || head.uncompressed < 0 || head.uncompressed > c.arena.most ||
			head.values < 0 || head.values > math.MaxInt32 {
			c.err = errPage
			return false
		}
		body := in.b[:head.compressed]
		if c.rest = in.b[head.compressed:]; head.kind == indexPage {
			continue
		}
		data := c.codec.Decode(c.arena.take(int(head.uncompressed)), body)
		if c.page = c.open(head, data); c.page == nil {
			c.err = errPage
		}
		return c.err == nil
	}
	return false
}

// open makes a page of what is decompressed; nil where it makes no sense.
func (c *pageReader) open(h pageHeader, data []byte) file.Page {
	if int64(len(data)) != h.uncompressed {
		return nil
	}
	buffer, values, encoding := memory.NewBufferBytes(data), int32(h.values), parquet.Encoding(h.encoding)
	switch h.kind {
	case dictionaryPage:
		if c.dict = int(values); c.dict > 8*len(data) {
			return nil
		}
		return file.NewDictionaryPage(buffer, values, encoding)
	case dataPage:
		if c.seen += h.values; !c.sound(h, data) {
			return nil
		}
		return file.NewDataPageV1(buffer, values, encoding, parquet.Encoding(h.defs), parquet.Encoding(h.reps), int32(h.uncompressed))
	}
	return nil // Windrow's files have no pages of version 2
}

func (c *pageReader) sound(h pageHeader, data []byte) bool {
	if h.values > c.rows {
		return false
	}
	for _, l := range []struct {
		most     int16
		encoding parquet.Encoding
	}{{c.maxRep, parquet.Encoding(h.reps)}, {c.maxDef, parquet.Encoding(h.defs)}} {
		if l.most == 0 {
			continue
		}
		if l.encoding != parquet.Encodings.RLE || len(data) < 4 {
			return false
		}
		size := int64(binary.LittleEndian.Uint32(data))
		if size > int64(len(data)-4) || !hasLevels(data[4:4+size], bits.Len16(uint16(l.most)), h.values) {
			return false
		}
		data = data[4+size:]
	}
	switch parquet.Encoding(h.encoding) {
	case parquet.Encodings.DeltaBinaryPacked:
		return c.soundDelta(data)
	case parquet.Encodings.RLEDict, parquet.Encodings.PlainDict:
		return len(data) == 0 || int(data[0]) <= bits.Len(uint(c.dict))+1
	}
	return true
}

// soundDelta looks at the header of delta-encoded numbers: the block's size, its parts, the number of values.
func (c *pageReader) soundDelta(data []byte) bool {
	const largestBlock = 1 << 16 // values; Arrow's writer has 128
	var header [3]uint64
	for i := range header {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return false
		}
		header[i], data = v, data[n:]
	}
	return header[0] <= largestBlock && header[1] > 0 && header[1] <= header[0] && (header[2] > 0 || c.maxDef > 0)
}

// hasLevels reports whether runs of levels, each so many bits wide, are n levels or more.
func hasLevels(runs []byte, width int, n int64) bool {
	for n > 0 {
		head, used := binary.Uvarint(runs)
		count, bytes := int64(head>>1), int64(width+7)/8
		if used <= 0 || count == 0 || count > 1<<28-1 && head&1 == 1 || count > 1<<31-1 {
			return false
		}
		if head&1 == 1 { // groups of eight levels
			bytes, count = count*int64(width), count*8
		}
		if bytes > int64(len(runs)-used) {
			return false
		}
		runs, n = runs[int64(used)+bytes:], n-count
	}
	return true
}
