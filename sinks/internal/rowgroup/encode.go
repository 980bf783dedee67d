// Package rowgroup writes rows of the tables as Parquet, for every sink that writes files.
//
// [Encode] turns a record into a row group, without a lock. A [File] takes row groups in any order and lists them in
// the order of their sequence numbers, so that a file is a function of its rows and not of the goroutines that encoded
// them. [File.AddFile] joins files without decoding them.
//
// The package knows no window, no ledger and no storage, and shares nothing with the parsers of package transforms.
// Its pages are small, since each column that is being encoded has several buffers of a page's size; their memory comes
// from package bufferpool.
//
// Start at encode.go, then file.go.
package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/metadata"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bufferpool"
)

// Group is one Parquet row group, encoded and compressed. It belongs to no file until [File.Add] takes it. Encoding is
// the costly part and needs no lock, so each worker encodes its own groups.
type Group struct {
	rows int64
	buf  *bytes.Buffer // magic bytes, then the pages
	long []longPage    // that are to stand in the place of some of buf, in order
	meta *metadata.FileMetaData
}

// Rows is the number of rows in the group.
func (g Group) Rows() int64 { return g.rows }

// Size is the number of bytes that the group takes in a file.
func (g Group) Size() int64 {
	if g.buf == nil {
		return 0
	}
	size := int64(g.buf.Len() - len(magic))
	for _, p := range g.long {
		size += int64(p.page.size - (p.to - p.from))
	}
	return size
}

// pages are the group's pages, piece by piece.
func (g *Group) pages(yield func([]byte) bool) {
	at, buf := len(magic), g.buf.Bytes()
	for _, p := range g.long {
		if !yield(buf[at:p.from]) {
			return
		}
		for _, b := range p.page.all {
			if !yield(b) {
				return
			}
		}
		at = p.to
	}
	yield(buf[at:])
}

// Discard gives back the memory of a group that no file wants. Add gives it back too.
func (g *Group) Discard() {
	if g.buf != nil && g.buf.Cap() <= maxPooledBuffer {
		g.buf.Reset()
		pageBuffers.Put(g.buf)
	}
	g.buf, g.long, g.meta = nil, nil, nil
}

var (
	magic       = []byte("PAR1")
	pageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// maxPooledBuffer keeps an unusually large group from holding on to its memory.
const maxPooledBuffer = 32 << 20

// leastPage is about what a page of a column holds. Each column that is being encoded has several buffers of this size.
// Pages of 1 MiB, Arrow's own choice, take more memory and no byte less on disk.
const leastPage = 128 << 10

// pageBytes is the page size of a group of so many rows. No column of numbers fills such a page before the group ends:
// where a delta-encoded column fills a page and only nulls follow, Arrow's writer ends the same page twice and fails.
func pageBytes(rows int64) int64 {
	const widest = 9 // bytes of a delta-encoded value, with its block's header
	return max(leastPage, widest*rows+1<<10)
}

// Encode encodes rec as one row group in memory. The record stays the caller's. Encode is safe for concurrent use.
func Encode(rec arrow.Record) (Group, error) {
	return encode(rec, bufferpool.Encoder())
}

func encode(rec arrow.Record, mem memory.Allocator) (g Group, err error) {
	registerZstd()
	rec, long := standIns(rec)
	defer rec.Release()
	buf := newPages(rec)
	g = Group{rows: rec.NumRows(), buf: buf}
	// Arrow's writer reports several kinds of misuse by a panic, which must fail the window and not the run.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("encode row group: %v", p)
		}
		if err != nil {
			g.Discard()
			g = Group{}
		}
	}()
	// The Arrow schema is not stored: DuckDB and BigQuery do not read it, and in base64 it would outweigh the rows of a
	// small window. The file's metadata has what the schema would add (unit, aggregation, meaning), in readable form.
	// Not every failure is reported. readFooter proves what was written.
	props := append(longProperties(rec.Schema(), long), tightProperties(rec)...)
	if err := writeFile(buf, rec, writerProperties(rec.Schema(), rec.NumRows(), mem, props...)); err != nil {
		return g, fmt.Errorf("encode row group: %w", err)
	}
	if g.meta, err = readFooter(buf); err != nil {
		return g, fmt.Errorf("encode row group: %w", err)
	}
	if n := len(g.meta.RowGroups); n != 1 || g.meta.NumRows != g.rows {
		return g, fmt.Errorf("encode row group: wrote %d groups with %d of %d rows", n, g.meta.NumRows, g.rows)
	}
	if err := g.putTexts(long); err != nil {
		return g, fmt.Errorf("encode row group: %w", err)
	}
	return g, nil
}

// newPages returns an empty buffer for the pages of a record. Pages of unusual size get room for all of them at once: a
// buffer that doubles would take three times as much for a moment.
func newPages(rec arrow.Record) *bytes.Buffer {
	if n := textBytes(rec); n > maxPooledBuffer/8 {
		return bytes.NewBuffer(make([]byte, 0, n+n/64+1<<20))
	}
	return pageBuffers.Get().(*bytes.Buffer)
}

// textBytes is the number of bytes of the record's strings, each entry of a dictionary counted once.
func textBytes(rec arrow.Record) (n int) {
	for _, column := range rec.Columns() {
		if d, ok := column.(*array.Dictionary); ok {
			column = d.Dictionary()
		}
		n += stringBytes(column)
	}
	return n
}

// stringBytes is the number of bytes of a column's strings; 0 of any other column.
func stringBytes(column arrow.Array) int {
	if s, ok := column.(*array.String); ok && s.Len() > 0 {
		return int(s.ValueOffset64(s.Len()) - s.ValueOffset64(0))
	}
	return 0
}

// tightProperties has the texts of a day compressed by a tenth more, which costs some milliseconds. Of fewer it saves
// nothing to speak of, and of a large report it would cost more than all the rest.
func tightProperties(rec arrow.Record) (props []parquet.WriterProperty) {
	const least, most, level = 64 << 10, 1 << 20, 7
	for i, column := range rec.Columns() {
		if n := stringBytes(column); n >= least && n <= most {
			props = append(props, parquet.WithCompressionLevelFor(rec.ColumnName(i), level))
		}
	}
	return props
}

// readFooter parses the footer of a whole file in buf and cuts it off.
func readFooter(buf *bytes.Buffer) (*metadata.FileMetaData, error) {
	const tail = 8 // the footer's length and the closing magic
	b := buf.Bytes()
	if len(b) < len(magic)+tail || !bytes.HasSuffix(b, magic) {
		return nil, errors.New("no footer was written")
	}
	end := len(b) - tail
	size := int(uint32(b[end]) | uint32(b[end+1])<<8 | uint32(b[end+2])<<16 | uint32(b[end+3])<<24)
	if size > end-len(magic) {
		return nil, errors.New("the footer is longer than the file")
	}
	meta, err := metadata.NewFileMetaData(b[end-size:end], nil)
	if err != nil {
		return nil, err
	}
	buf.Truncate(end - size)
	trimStatistics(meta)
	return meta, nil
}

// trimStatistics moves the smallest and greatest values into memory of their own size. The footer's decoder reads each
// value into half a KiB, and a file keeps the values of all its groups until the end.
func trimStatistics(m *metadata.FileMetaData) {
	for _, g := range m.RowGroups {
		for _, c := range g.Columns {
			if s := c.MetaData.Statistics; s != nil {
				s.Min, s.Max = bytes.Clone(s.Min), bytes.Clone(s.Max)
				s.MinValue, s.MaxValue = bytes.Clone(s.MinValue), bytes.Clone(s.MaxValue)
			}
		}
	}
}

func writerProperties(s *arrow.Schema, rows int64, mem memory.Allocator, more ...parquet.WriterProperty) *parquet.WriterProperties {
	props := []parquet.WriterProperty{
		parquet.WithAllocator(mem),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithDataPageSize(pageBytes(rows)),
		// The writer's default root is REPEATED, which several readers refuse.
		parquet.WithRootRepetition(parquet.Repetitions.Required),
		parquet.WithDictionaryDefault(false),
	}
	for _, f := range s.Fields() {
		switch f.Type.ID() {
		case arrow.DICTIONARY:
			// The writer would have to search for the smallest and the greatest value.
			props = append(props, parquet.WithDictionaryFor(f.Name, true), parquet.WithStatsFor(f.Name, false))
		case arrow.STRING:
			props = append(props, parquet.WithDictionaryFor(f.Name, !pipeline.ColumnNamed(f.Name).HighCardinality))
			if pipeline.ColumnNamed(f.Name).Unordered {
				props = append(props, parquet.WithStatsFor(f.Name, false))
			}
		case arrow.LIST:
			props = append(props, parquet.WithDictionaryFor(f.Name+".list.element", true))
		case arrow.TIMESTAMP, arrow.INT64, arrow.DATE32:
			props = append(props, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaBinaryPacked))
		case arrow.FLOAT64:
			// Whole and half minutes in seconds: few distinct values.
			props = append(props, parquet.WithDictionaryFor(f.Name, true))
		}
	}
	return parquet.NewWriterProperties(append(props, more...)...)
}
