package rowgroup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
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
// file to file: what the Arrow reader of [Records] allocates for a small file is more than the file. A Scanner belongs to
// one goroutine. The zero Scanner is ready.
type Scanner struct {
	footer footer
	body   []byte
	arena  arena
	pages  pageReader
	defs   []int16
	reps   []int16
	values
}

// values is the memory of a piece.
type values struct {
	int64s []int64
	int32s []int32
	floats []float64
	bools  []bool
	texts  []parquet.ByteArray
}

const (
	scanPiece = 4096    // values of a column that are handed over at once
	scanWhole = 1 << 20 // a file of at most so many bytes is read at once
)

// Scan reads a closed [File] of size bytes. For each row group it calls group with its rows, then column for the values of
// each column, in pieces. It returns the first error: theirs, the storage's, or one that says what makes no sense.
func (s *Scanner) Scan(ctx context.Context, r io.ReaderAt, size int64, group func(rows int) error, column func(Values) error) (err error) {
	defer recovered(&err)
	registerZstd()
	end, err := s.footer.read(r, size)
	if err != nil {
		return err
	}
	if s.defs == nil {
		s.defs, s.reps = make([]int16, scanPiece), make([]int16, scanPiece)
		s.values = values{make([]int64, scanPiece), make([]int32, scanPiece), make([]float64, scanPiece), make([]bool, scanPiece), make([]parquet.ByteArray, scanPiece)}
	}
	whole := end <= scanWhole
	if whole {
		if s.body, err = readInto(s.body, r, 0, end); err != nil {
			return err
		}
	}
	rows := int64(0)
	for _, g := range s.footer.groups {
		rows += g.rows
		if err := errors.Join(ctx.Err(), group(int(g.rows))); err != nil {
			return err
		}
		if g.to-g.from != s.footer.schema.NumColumns() {
			return errFooter
		}
		for i, chunk := range s.footer.chunks[g.from:g.to] {
			body, err := s.chunk(r, chunk, whole, end)
			if err != nil {
				return err
			}
			descr := s.footer.schema.Column(i)
			if err := s.column(descr, chunk, body, g.rows, column); err != nil {
				return fmt.Errorf("column %s: %w", descr.Path(), err)
			}
		}
	}
	if rows != s.footer.rows {
		return errDamaged
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
	pages := &s.pages
	*pages = pageReader{rest: body, codec: codec, arena: &s.arena, maxDef: descr.MaxDefinitionLevel(), maxRep: descr.MaxRepetitionLevel(), rows: c.values}
	defer pages.release()
	read := file.NewColumnReader(descr, pages, &s.arena, nil)
	piece := Values{Column: descr.ColumnPath()[0], MaxDef: descr.MaxDefinitionLevel()}
	seen, begun := int64(0), int64(0)
	for read.HasNext() {
		n, err := s.piece(read, &piece)
		if err != nil {
			return err
		}
		if n == 0 {
			return errDamaged
		}
		if seen += n; piece.MaxDef > 0 {
			piece.Defs = s.defs[:n]
		}
		if descr.MaxRepetitionLevel() > 0 {
			piece.Reps = s.reps[:n]
			for _, rep := range piece.Reps {
				if rep == 0 {
					begun++
				}
			}
		} else {
			begun = seen
		}
		if err := visit(piece); err != nil {
			return err
		}
	}
	if err := errors.Join(read.Err(), pages.Err()); err != nil {
		return err
	}
	if seen != c.values || begun != rows {
		return errDamaged
	}
	return nil
}

// piece reads the next values of a column. n counts the nulls too.
func (s *Scanner) piece(read file.ColumnChunkReader, p *Values) (n int64, err error) {
	switch read := read.(type) {
	case *file.Int64ColumnChunkReader:
		p.Int64s, n, err = readPiece(s, read, s.int64s)
	case *file.Int32ColumnChunkReader:
		p.Int32s, n, err = readPiece(s, read, s.int32s)
	case *file.Float64ColumnChunkReader:
		p.Floats, n, err = readPiece(s, read, s.floats)
	case *file.BooleanColumnChunkReader:
		p.Bools, n, err = readPiece(s, read, s.bools)
	case *file.ByteArrayColumnChunkReader:
		p.Texts, n, err = readPiece(s, read, s.texts)
	default:
		err = errors.New("it has a type that no table of Windrow's has")
	}
	return n, err
}

// readPiece reads the next values of a column of any type into buf.
func readPiece[T any](s *Scanner, read interface {
	ReadBatch(batch int64, values []T, defs, reps []int16) (total int64, got int, err error)
}, buf []T) (values []T, n int64, err error) {
	n, got, err := read.ReadBatch(scanPiece, buf, s.defs, s.reps)
	return buf[:got], n, err
}

// arena is an allocator whose memory goes all at once: what a column needs is forgotten with the column.
type arena struct {
	b    []byte
	used int
	most int64 // bytes of one buffer: a damaged page asks for more
}

// mostCompressed is the most that zstd makes of a byte: a block of 128 KiB takes four.
const mostCompressed = 1 << 15

// arenaBytes is what an arena keeps. Larger buffers are the collector's.
const arenaBytes = 1 << 20

var _ memory.Allocator = (*arena)(nil)

func (a *arena) reset() { a.used = 0 }

func (a *arena) Allocate(n int) []byte {
	b := a.take(n)
	clear(b)
	return b
}

// take is Allocate for memory that is written as a whole.
func (a *arena) take(n int) []byte {
	const align = 64
	if int64(n) > a.most {
		panic(errPage) // Scan makes an error of it: Arrow's allocators have none
	}
	if a.b == nil {
		a.b = make([]byte, arenaBytes)
	}
	from := (a.used + align - 1) / align * align
	if from+n > len(a.b) {
		return make([]byte, n)
	}
	a.used = from + n
	return a.b[from:a.used:a.used]
}

func (a *arena) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	larger := a.Allocate(n)
	copy(larger, b)
	return larger
}

func (a *arena) Free([]byte) {}
