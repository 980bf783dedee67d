package rowgroup

import (
	"context"
	endian "encoding/binary"
	"errors"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/thrift/lib/go/thrift"
	"github.com/klauspost/compress/zstd"
)

// longText is from how many bytes on a text is long. On its way to a page Arrow's writer has five copies of a text in
// memory. A column with a long one is therefore given to it with a stand-in of a few bytes for each distinct text, as a
// dictionary; the dictionary's page is made here of the texts themselves, compressed as they are read.
const longText = 1 << 20

// longColumn is a column of a record with long texts.
type longColumn struct {
	column int      // of the record, and of the row group
	texts  []string // the entries of its dictionary, in order: views of the record's memory
}

// longPage takes the place of a dictionary's page of stand-ins.
type longPage struct {
	from, to int // where the stand-ins lie in the pages
	page     blocks
}

// standIns returns the record with stand-ins in the columns that have long texts. The caller releases it.
func standIns(rec arrow.Record) (arrow.Record, []longColumn) {
	var long []longColumn
	var columns []arrow.Array
	for i, column := range rec.Columns() {
		if !hasLongText(column) {
			continue
		}
		if columns == nil {
			columns = append(columns, rec.Columns()...)
		}
		c := longColumn{column: i}
		columns[i] = c.standIn(column)
		defer columns[i].Release()
		long = append(long, c)
	}
	if long == nil {
		rec.Retain()
		return rec, nil
	}
	return array.NewRecord(rec.Schema(), columns, rec.NumRows()), long
}

// hasLongText looks at the lengths of a column's texts, where they are long together.
func hasLongText(column arrow.Array) bool {
	switch c := column.(type) {
	case *array.Dictionary:
		column = c.Dictionary()
	case *array.List:
		column = c.ListValues()
	}
	s, ok := column.(*array.String)
	if !ok || s.Len() == 0 || s.ValueOffset64(s.Len())-s.ValueOffset64(0) < longText {
		return false
	}
	for i := range s.Len() {
		if s.ValueOffset64(i+1)-s.ValueOffset64(i) >= longText {
			return true
		}
	}
	return false
}

// standIn returns the column with a stand-in for each of its texts, which it notes.
func (c *longColumn) standIn(column arrow.Array) arrow.Array {
	switch from := column.(type) {
	case *array.Dictionary: // its entries are distinct
		texts := from.Dictionary().(*array.String)
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		for i := range texts.Len() {
			b.Append(standInOf(len(c.texts)))
			c.texts = append(c.texts, texts.Value(i))
		}
		entries := b.NewArray()
		defer entries.Release()
		return array.NewDictionaryArray(from.DataType(), from.Indices(), entries)
	case *array.List:
		first, last := 0, 0
		if n := from.Len(); n > 0 {
			start, _ := from.ValueOffsets(0)
			_, end := from.ValueOffsets(n - 1)
			first, last = int(start), int(end)
		}
		items := c.distinct(from.ListValues().(*array.String), first, last)
		defer items.Release()
		data := array.NewData(from.DataType(), from.Len(), from.Data().Buffers(), []arrow.ArrayData{items.Data()}, from.NullN(), from.Data().Offset())
		defer data.Release()
		return array.NewListData(data)
	default:
		texts := column.(*array.String)
		return c.distinct(texts, 0, texts.Len())
	}
}

// distinct returns stand-ins for the texts in [first, last), in the order in which Arrow's writer will meet them. Others
// are not written.
func (c *longColumn) distinct(texts *array.String, first, last int) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	known := make(map[string]int)
	for i := range texts.Len() {
		switch {
		case texts.IsNull(i):
			b.AppendNull()
			continue
		case i < first || i >= last:
			b.Append("")
			continue
		}
		text := texts.Value(i)
		n, found := known[text]
		if !found {
			n = len(c.texts)
			known[text] = n
			c.texts = append(c.texts, text)
		}
		b.Append(standInOf(n))
	}
	return b.NewArray()
}

// standInOf is the stand-in of a dictionary's entry.
func standInOf(n int) string { return string(endian.LittleEndian.AppendUint32(nil, uint32(n))) }

// longProperties are the properties of a group with long columns, beside the usual ones.
func longProperties(s *arrow.Schema, long []longColumn) (props []parquet.WriterProperty) {
	if len(long) > 0 {
		props = append(props, parquet.WithDictionaryPageSizeLimit(16<<20)) // a stand-in for each row takes less
	}
	for _, c := range long {
		name := s.Field(c.column).Name
		if s.Field(c.column).Type.ID() == arrow.LIST {
			name += ".list.element"
		}
		props = append(props, parquet.WithDictionaryFor(name, true), parquet.WithStatsFor(name, false))
	}
	return props
}

// putTexts replaces the stand-ins by the texts, in the pages and in the footer.
func (g *Group) putTexts(long []longColumn) error {
	rg := g.meta.RowGroups[0]
	by := int64(0) // how far the pages that follow have moved
	for i, column := range rg.Columns {
		m := column.MetaData
		column.FileOffset += by
		if m.DictionaryPageOffset != nil {
			*m.DictionaryPageOffset += by
		}
		if len(long) > 0 && long[0].column == i {
			if m.DictionaryPageOffset == nil || *m.DictionaryPageOffset-by >= m.DataPageOffset {
				return errors.New("a long column has no dictionary")
			}
			p := longPage{from: int(*m.DictionaryPageOffset - by), to: int(m.DataPageOffset)}
			size, err := p.compress(long[0].texts)
			if err != nil {
				return err
			}
			g.long, long = append(g.long, p), long[1:]
			more := int64(p.page.size - (p.to - p.from))
			m.TotalCompressedSize += more
			m.TotalUncompressedSize += size - int64(p.to-p.from)
			rg.TotalByteSize += size - int64(p.to-p.from)
			if rg.TotalCompressedSize != nil {
				*rg.TotalCompressedSize += more
			}
			by += more
			column.FileOffset += more
		}
		m.DataPageOffset += by
	}
	return nil
}

// compress makes the page of a dictionary. size is what it takes without compression.
func (p *longPage) compress(texts []string) (size int64, err error) {
	var body blocks
	z, err := zstd.NewWriter(&body, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
	if err != nil {
		return 0, err
	}
	for _, text := range texts {
		length := endian.LittleEndian.AppendUint32(nil, uint32(len(text)))
		if _, err := z.Write(length); err != nil {
			return 0, err
		}
		if _, err := z.Write(unsafe.Slice(unsafe.StringData(text), len(text))); err != nil {
			return 0, err
		}
		size += int64(len(length) + len(text))
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	head, err := dictionaryHeader(size, int64(body.size), len(texts))
	if err != nil {
		return 0, err
	}
	p.page = blocks{all: append([][]byte{head}, body.all...), size: len(head) + body.size}
	return size + int64(len(head)), nil
}

// dictionaryHeader is the head of a dictionary's page, as parquet.thrift has it.
func dictionaryHeader(size, compressed int64, entries int) ([]byte, error) {
	ctx := context.Background() // it is bytes alone
	out := thrift.NewTMemoryBuffer()
	p := thrift.NewTCompactProtocolConf(out, &thrift.TConfiguration{})
	const isDictionary, entriesArePlain = 2, 0
	var errs []error
	number := func(id int16, n int64) {
		errs = append(errs, p.WriteFieldBegin(ctx, "", thrift.I32, id), p.WriteI32(ctx, int32(n)), p.WriteFieldEnd(ctx))
	}
	errs = append(errs, p.WriteStructBegin(ctx, ""))
	number(1, isDictionary)
	number(2, size)
	number(3, compressed)
	errs = append(errs, p.WriteFieldBegin(ctx, "", thrift.STRUCT, 7), p.WriteStructBegin(ctx, ""))
	number(1, int64(entries))
	number(2, entriesArePlain)
	errs = append(errs, p.WriteFieldStop(ctx), p.WriteStructEnd(ctx), p.WriteFieldEnd(ctx), p.WriteFieldStop(ctx), p.WriteStructEnd(ctx), p.Flush(ctx))
	return out.Bytes(), errors.Join(errs...)
}

// blocks is bytes in pieces: it grows without a copy of what is there.
type blocks struct {
	all  [][]byte
	size int
}

// blockBytes is the size of a piece.
const blockBytes = 256 << 10

// Write implements [io.Writer].
func (b *blocks) Write(p []byte) (int, error) {
	n := len(p)
	b.size += n
	for len(p) > 0 {
		if k := len(b.all) - 1; k < 0 || len(b.all[k]) == cap(b.all[k]) {
			b.all = append(b.all, make([]byte, 0, blockBytes))
		}
		last := &b.all[len(b.all)-1]
		m := min(len(p), cap(*last)-len(*last))
		*last, p = append(*last, p[:m]...), p[m:]
	}
	return n, nil
}
