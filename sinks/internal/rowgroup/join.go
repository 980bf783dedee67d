package rowgroup

import (
	endian "encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// AddFile appends the row groups of a closed File of the same schema, size bytes long. It copies the pages and moves
// their offsets, without decoding them. The footer lists the n groups as seq to seq+n-1.
func (f *File) AddFile(seq int, r io.ReaderAt, size int64) (groups int, err error) {
	meta, end, err := readTail(r, size)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	switch {
	case err != nil:
		f.fail(err)
	case f.closed:
		f.fail(errors.New("a row group came after the end"))
	case !f.meta.Schema.Equals(meta.Schema):
		f.fail(errors.New("the file has another schema"))
	}
	if f.err != nil || len(meta.RowGroups) == 0 {
		return 0, f.err
	}
	by := f.offset - int64(len(magic))
	if _, err := io.Copy(stickyWriter{f}, io.NewSectionReader(r, int64(len(magic)), end-int64(len(magic)))); err != nil {
		f.fail(err)
		return 0, f.err
	}
	for i := range meta.RowGroups {
		one, inner := *meta, *meta.FileMetaData
		inner.RowGroups = meta.RowGroups[i : i+1 : i+1]
		one.FileMetaData = &inner
		f.book(seq+i, &one, by)
	}
	return len(meta.RowGroups), nil
}

// guessedFooter is how much of a file's end is read at once; the footer of a small window is in it.
const guessedFooter = 16 << 10

// readTail reads the footer of a file, and where it begins.
func readTail(r io.ReaderAt, size int64) (*metadata.FileMetaData, int64, error) {
	var buf []byte
	footer, end, err := readFooterOf(&buf, r, size)
	if err != nil {
		return nil, 0, err
	}
	meta, err := metadata.NewFileMetaData(footer, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("the file's footer: %w", err)
	}
	trimStatistics(meta)
	return meta, end, nil
}

// readFooterOf reads the footer of a file into the memory of buf, which grows where it must, and tells where it begins.
func readFooterOf(buf *[]byte, r io.ReaderAt, size int64) (footer []byte, end int64, err error) {
	const tail = 8 // the footer's length and the closing magic
	if size < int64(len(magic))+tail {
		return nil, 0, errors.New("the file is too short")
	}
	guess := min(size, guessedFooter)
	if *buf, err = readInto(*buf, r, size-guess, guess); err != nil {
		return nil, 0, err
	}
	last := (*buf)[guess-tail:]
	n := int64(endian.LittleEndian.Uint32(last[:4]))
	end = size - tail - n
	if string(last[4:]) != string(magic) || end < int64(len(magic)) {
		return nil, 0, errors.New("the file has no footer")
	}
	if n+tail > guess {
		*buf, err = readInto(*buf, r, end, n)
		return *buf, end, err
	}
	return (*buf)[guess-tail-n : guess-tail], end, nil
}
