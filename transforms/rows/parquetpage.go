package rows

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// checkedPages are the pages of a column. A page that has fewer levels or values than it says ends the reading here:
// Arrow's reader would look for the rest for ever.
type checkedPages struct {
	file.PageReader
	maxDef, maxRep int16
	err            error
}

func (p *checkedPages) Next() bool {
	if p.err != nil || !p.PageReader.Next() {
		return false
	}
	if !p.whole(p.Page()) {
		p.err = errDamaged
	}
	return p.err == nil
}

func (p *checkedPages) Err() error { return errors.Join(p.err, p.PageReader.Err()) }

// whole reports whether a page has what it says.
func (p *checkedPages) whole(page file.Page) bool {
	n, rest, ok := int(page.NumValues()), page.Data(), true
	switch page := page.(type) {
	case *file.DataPageV1:
		for _, l := range []struct {
			most     int16
			encoding parquet.Encoding
		}{{p.maxRep, page.RepetitionLevelEncoding()}, {p.maxDef, page.DefinitionLevelEncoding()}} {
			if l.most > 0 && ok {
				rest, ok = levels(rest, l.encoding, bits.Len16(uint16(l.most)), n)
			}
		}
	case *file.DataPageV2:
		rep, def := int(page.RepetitionLevelByteLen()), int(page.DefinitionLevelByteLen())
		if rep < 0 || def < 0 || rep+def > len(rest) {
			return false
		}
		ok = (p.maxRep == 0 || runs(rest[:rep], bits.Len16(uint16(p.maxRep)), n)) && (p.maxDef == 0 || runs(rest[rep:rep+def], bits.Len16(uint16(p.maxDef)), n))
		rest = rest[rep+def:]
	default:
		return true // a dictionary
	}
	if e := parquet.Encoding(page.Encoding()); ok && p.maxDef == 0 && (e == parquet.Encodings.RLEDict || e == parquet.Encodings.PlainDict) && n > 0 {
		return len(rest) > 0 && rest[0] <= 32 && runs(rest[1:], int(rest[0]), n)
	}
	return ok
}

// levels goes over the levels at the beginning of a page, and reports whether they are so many.
func levels(b []byte, encoding parquet.Encoding, width, n int) (rest []byte, ok bool) {
	const prefix = 4 // bytes of the length
	if encoding == parquet.Encodings.BitPacked {
		size := (n*width + 7) / 8
		return b[min(size, len(b)):], size <= len(b)
	}
	if len(b) < prefix || int64(binary.LittleEndian.Uint32(b)) > int64(len(b)-prefix) {
		return nil, false
	}
	end := prefix + int(binary.LittleEndian.Uint32(b))
	return b[end:], runs(b[prefix:end], width, n)
}

// runs reports whether Parquet's hybrid of runs and packed bits holds n values of a width in bits.
func runs(b []byte, width, n int) bool {
	for n > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 || head>>1 == 0 {
			return false
		}
		b = b[size:]
		count := int(min(head>>1, 1<<31))
		size = (width + 7) / 8
		if head&1 == 1 { // groups of eight
			size, count = count*width, 8*count
			if size > len(b) { // the last one may be cut where nothing is missing
				return 8*len(b) >= n*width
			}
		}
		if size > len(b) {
			return false
		}
		b = b[size:]
		n -= count
	}
	return true
}
