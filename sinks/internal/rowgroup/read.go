package rowgroup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Rows is the number of rows of a closed [File] of size bytes, as its footer says. It reads the footer alone.
func Rows(r io.ReaderAt, size int64) (int64, error) {
	meta, _, err := readTail(r, size)
	if err != nil {
		return 0, err
	}
	return meta.NumRows, nil
}

// Count is [Rows] for those who look at very many files: of the footer it reads no more than the number, at a tenth of the
// cost, and so finds less damage.
func (s *Scanner) Count(r io.ReaderAt, size int64) (rows int64, err error) {
	text, _, err := readFooterOf(&s.footer.buf, r, size)
	if err != nil {
		return 0, err
	}
	rows = -1
	c := compact{b: text}
	for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) {
		if id == 3 { // FileMetaData.num_rows of parquet.thrift
			rows = c.int(kind)
			break
		}
		c.skip(kind)
	}
	if c.bad || rows < 0 {
		return 0, errFooter
	}
	return rows, nil
}

// source is what a file is read from.
type source interface {
	io.ReaderAt
	io.Seeker
}

// Records iterates over the rows of a closed [File] in their order, at least one record a row group. A record is good
// until the next one. The first error is the last pair. r stays the caller's.
//
// It reads a row group at a time, since Arrow's reader of batches fails on a file of many row groups.
func Records(ctx context.Context, r source) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		reader, groups, err := open(r)
		for i := 0; i < groups && err == nil; i++ {
			var group arrow.Table
			if group, err = read(ctx, reader, i); err != nil {
				break
			}
			records := array.NewTableReader(group, 0)
			for records.Next() {
				if !yield(records.Record(), nil) {
					records.Release()
					group.Release()
					return
				}
			}
			records.Release()
			group.Release()
		}
		if err != nil {
			yield(nil, fmt.Errorf("read parquet: %w", err))
		}
	}
}

// open begins to read a file, and tells how many row groups it has. Arrow's reader panics on some damage, which is an
// error here.
func open(r source) (reader *pqarrow.FileReader, groups int, err error) {
	defer recovered(&err)
	registerZstd()
	f, err := file.NewParquetReader(r)
	if err != nil {
		return nil, 0, err
	}
	reader, err = pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	return reader, f.NumRowGroups(), err
}

// read reads one row group, of all columns.
func read(ctx context.Context, reader *pqarrow.FileReader, group int) (t arrow.Table, err error) {
	defer recovered(&err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	columns := make([]int, reader.ParquetReader().MetaData().Schema.NumColumns())
	for i := range columns {
		columns[i] = i
	}
	t, err = reader.ReadRowGroups(ctx, columns, []int{group})
	if err == nil && t.NumRows() != reader.ParquetReader().MetaData().RowGroup(group).NumRows() {
		err = errors.New("damaged: a row group has not the rows that it says")
	}
	return t, err
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged: %v", p)
	}
}
