package rowgroup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// Values is a piece of one column, in the order of its rows. Of the slices one is filled: the values that are not null, one
// after the other. They are good until the callback returns.
type Values struct {
	Column string // the name of the column; of a list, of the list
	// Defs and Reps are Parquet's definition and repetition levels, one for each value or null; Defs is nil where nothing
	// can be null, Reps where the column is no list. MaxDef is the definition level of a value that is there.
	Defs, Reps []int16
	MaxDef     int16

	Int64s []int64
	Int32s []int32
	Floats []float64
	Bools  []bool
	Texts  []parquet.ByteArray
}

// Scanner reads files column by column, for those who look at every value and keep none. It uses its memory again from
// file to file: what the Arrow readers allocate for a small file is more than the file. A Scanner belongs to
// one goroutine. The zero Scanner is ready.
type Scanner struct {
	footer footer
	body   []byte
	arena  arena
	data   dataReader
	dict   values
	defs   []int16
	reps   []int16
	values // of a piece
}

const (
	scanPiece = 4096    // values of a column that are handed over at once
	scanWhole = 1 << 20 // a file of at most so many bytes is read at once
)

// Scan reads a closed [File] of size bytes. For each row group it calls group with its rows, then column for the values of
// each column, in pieces. It returns the first error: theirs, the storage's, or one that says what makes no sense.
func (s *Scanner) Scan(ctx context.Context, r io.ReaderAt, size int64, group func(rows int) error, column func(Values) error) error {
	return s.scan(ctx, r, size, nil, group, column)
}

// ScanOnly is Scan for the columns that are wanted: of the others in a large file it reads nothing.
func (s *Scanner) ScanOnly(ctx context.Context, r io.ReaderAt, size int64, wanted func(column string) bool, column func(Values) error) error {
	return s.scan(ctx, r, size, wanted, func(int) error { return nil }, column)
}

func (s *Scanner) scan(ctx context.Context, r io.ReaderAt, size int64, wanted func(string) bool, group func(rows int) error, column func(Values) error) (err error) {
	defer recovered(&err)
	end, err := s.begin(r, size)
	if err != nil {
		return err
	}
	for _, g := range s.footer.groups {
		if err := errors.Join(ctx.Err(), group(int(g.rows))); err != nil {
			return err
		}
		if err := s.group(r, g, end, wanted, column); err != nil {
			return err
		}
	}
	return nil
}

// begin reads the footer, and a short file whole. end is where the row groups end.
func (s *Scanner) begin(r io.ReaderAt, size int64) (end int64, err error) {
	registerZstd()
	if end, err = s.footer.read(r, size); err != nil {
		return 0, err
	}
	rows := int64(0)
	for _, g := range s.footer.groups {
		rows += g.rows
	}
	if rows != s.footer.rows {
		return 0, errDamaged
	}
	if s.defs == nil {
		s.defs, s.reps = make([]int16, scanPiece), make([]int16, scanPiece)
	}
	if end <= scanWhole {
		s.body, err = readInto(s.body, r, 0, end)
	}
	return end, err
}

// group reads the columns of a row group; wanted chooses some (nil: all).
func (s *Scanner) group(r io.ReaderAt, g groupMeta, end int64, wanted func(string) bool, visit func(Values) error) error {
	if g.to-g.from != s.footer.schema.NumColumns() {
		return errFooter
	}
	for i, chunk := range s.footer.chunks[g.from:g.to] {
		descr := s.footer.schema.Column(i)
		if wanted != nil && !wanted(descr.ColumnPath()[0]) {
			continue
		}
		body, err := s.chunk(r, chunk, end <= scanWhole, end)
		if err != nil {
			return err
		}
		if err := s.column(descr, chunk, body, g.rows, visit); err != nil {
			return fmt.Errorf("column %s: %w", descr.Path(), err)
		}
	}
	return nil
}

var errDamaged = errors.New("damaged: it has not the rows that it says")

// chunk is the bytes of a column chunk.
func (s *Scanner) chunk(r io.ReaderAt, c chunkMeta, whole bool, end int64) (_ []byte, err error) {
	from, n := c.dataPage, c.compressed
	if c.dictPage > 0 {
		from = min(from, c.dictPage)
	}
	if from < 0 || n < 0 || from > end || n > end-from {
		return nil, errors.New("damaged: a column lies outside of the file")
	}
	if whole {
		return s.body[from : from+n], nil
	}
	s.body, err = readInto(s.body, r, from, n)
	return s.body, err
}

func readInto(b []byte, r io.ReaderAt, from, n int64) ([]byte, error) {
	if int64(cap(b)) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	if got, err := r.ReadAt(b, from); int64(got) < n {
		return b, err
	}
	return b, nil
}

// column reads one column chunk.
func (s *Scanner) column(descr *schema.Column, c chunkMeta, body []byte, rows int64, visit func(Values) error) error {
	codec, err := compress.GetCodec(compress.Compression(c.codec))
	if err != nil {
		return err
	}
	s.arena.reset()
	s.arena.most = arenaBytes + min(c.uncompressed, int64(len(body))*mostCompressed)
	in := pageStream{rest: body, codec: codec, arena: &s.arena}
	data := &s.data
	*data = dataReader{maxDef: descr.MaxDefinitionLevel(), maxRep: descr.MaxRepetitionLevel(), values: valueReader{of: descr.PhysicalType()}}
	piece := Values{Column: descr.ColumnPath()[0], MaxDef: data.maxDef}
	var dict *values
	seen, begun := int64(0), int64(0)
	for seen < c.values {
		head, page, err := in.next()
		switch {
		case err != nil:
			return err
		case head.kind == indexPage:
			continue
		case head.kind == dictionaryPage && dict == nil && seen == 0:
			if err := s.dictionary(descr.PhysicalType(), head, page); err != nil {
				return err
			}
			dict = &s.dict
			continue
		case head.kind != dataPage || head.values > c.values-seen:
			return errPage
		}
		if err := data.open(head, page, dict); err != nil {
			return err
		}
		seen += head.values
		for data.left > 0 {
			n, err := s.piece(data, &piece)
			if err == nil {
				err = visit(piece)
			}
			if err != nil {
				return err
			}
			begun += n
		}
	}
	if begun != rows {
		return errDamaged
	}
	return nil
}

// dictionary reads a dictionary page.
func (s *Scanner) dictionary(of parquet.Type, h pageHeader, data []byte) error {
	if e := parquet.Encoding(h.encoding); e != parquet.Encodings.Plain && e != parquet.Encodings.PlainDict || h.values > int64(8*len(data)) || !s.dict.resize(of, int(h.values)) {
		return errPage
	}
	read := valueReader{of: of, encoding: parquet.Encodings.Plain, b: data}
	if !read.read(&s.dict) {
		return errPage
	}
	return nil
}

// piece reads the next values of a page. n counts the rows that begin in it.
func (s *Scanner) piece(data *dataReader, p *Values) (n int64, err error) {
	count := min(data.left, scanPiece)
	data.left -= count
	n, present, ok := int64(count), count, true
	if p.Reps = nil; data.maxRep > 0 {
		p.Reps = s.reps[:count]
		first, whole := data.reps.levels(p.Reps, 0)
		n, ok = int64(first), whole
	}
	if p.Defs = nil; data.maxDef > 0 && ok {
		p.Defs = s.defs[:count]
		present, ok = data.defs.levels(p.Defs, data.maxDef)
	}
	if !ok || !s.values.resize(data.values.of, present) || !data.values.read(&s.values) {
		return 0, errPage
	}
	switch data.values.of {
	case parquet.Types.Int64:
		p.Int64s = s.int64s
	case parquet.Types.Int32:
		p.Int32s = s.int32s
	case parquet.Types.Double:
		p.Floats = s.floats
	case parquet.Types.Boolean:
		p.Bools = s.bools
	default:
		p.Texts = s.texts
	}
	return n, nil
}

// arena is memory that goes all at once: what a column needs is forgotten with the column.
type arena struct {
	b      []byte
	used   int
	lacked int   // bytes that had no room
	most   int64 // bytes of one page: a damaged one asks for more
}

// mostCompressed is the most that zstd makes of a byte: a block of 128 KiB takes four.
const mostCompressed = 1 << 15

// arenaBytes is what an arena keeps at most: what a column has lacked, the next one has. Larger pages are the collector's.
const arenaBytes = 1 << 20

func (a *arena) reset() {
	if room := min(2*(a.used+a.lacked), arenaBytes); a.lacked > 0 && room > len(a.b) {
		a.b = make([]byte, room)
	}
	a.used, a.lacked = 0, 0
}

// take lends memory that is to be written as a whole.
func (a *arena) take(n int) []byte {
	from := a.used
	if from+n > len(a.b) {
		a.lacked += n
		return make([]byte, n)
	}
	a.used = from + n
	return a.b[from:a.used:a.used]
}
