package rowgroup

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

var errPage = errors.New("damaged: a page makes no sense")

// checkedPages refuses the damaged pages at which Arrow's reader of columns would read nothing for ever, or ask for far
// more memory than the page can need. It counts runs and decodes no value.
type checkedPages struct {
	file.PageReader
	maxDef, maxRep int16
	rows           int64 // values that the column has
	dict           int   // values of the dictionary
	err            error
}

func (c *checkedPages) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.PageReader.Err()
}

func (c *checkedPages) Next() bool {
	if c.err != nil || !c.PageReader.Next() {
		return false
	}
	switch page := c.Page().(type) {
	case *file.DictionaryPage:
		if c.dict = int(page.NumValues()); c.dict > 8*len(page.Data()) {
			c.err = errPage
		}
	case *file.DataPageV1:
		if !c.sound(page) {
			c.err = errPage
		}
	case *file.DataPageV2:
		c.err = errPage // Windrow's files have none
	}
	return c.err == nil
}

func (c *checkedPages) sound(page *file.DataPageV1) bool {
	n, data := int64(page.NumValues()), page.Data()
	if n > c.rows {
		return false
	}
	for _, l := range []struct {
		most     int16
		encoding parquet.Encoding
	}{{c.maxRep, page.RepetitionLevelEncoding()}, {c.maxDef, page.DefinitionLevelEncoding()}} {
		if l.most == 0 {
			continue
		}
		if l.encoding != parquet.Encodings.RLE || len(data) < 4 {
			return false
		}
		size := int64(binary.LittleEndian.Uint32(data))
		if size > int64(len(data)-4) || !hasLevels(data[4:4+size], bits.Len16(uint16(l.most)), n) {
			return false
		}
		data = data[4+size:]
	}
	switch parquet.Encoding(page.Encoding()) {
	case parquet.Encodings.DeltaBinaryPacked:
		return c.soundDelta(data)
	case parquet.Encodings.RLEDict, parquet.Encodings.PlainDict:
		return len(data) == 0 || int(data[0]) <= bits.Len(uint(c.dict))+1
	}
	return true
}

// soundDelta looks at the header of delta-encoded numbers: the block's size, its parts, the number of values.
func (c *checkedPages) soundDelta(data []byte) bool {
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
