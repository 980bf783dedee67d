package staging

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// Spool keeps the rejects of a window out of memory until the window is sealed or its entry is known, since a document
// may be nothing but rejects, and of any size. A run has one for each window with rejects, so its own memory is small.
// A Spool is guarded by its stage's lock.
type Spool struct {
	buf  *bufio.Writer
	rows int64
	one  []byte // the reject that is being written
}

// NewSpool returns an empty spool that writes to w.
func NewSpool(w io.Writer) *Spool { return &Spool{buf: bufio.NewWriterSize(w, 4<<10)} }

// Add appends rejects.
func (s *Spool) Add(rejects []pipeline.Reject) error {
	for _, r := range rejects {
		b := binary.AppendVarint(s.one[:0], r.Row)
		b = binary.AppendVarint(b, int64(r.At))
		for _, text := range []string{r.Scope, r.Reason, r.Raw, r.Field, r.Shape} {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
		if _, err := s.buf.Write(b); err != nil {
			return err
		}
		s.one = b
		if cap(b) > maxKept {
			s.one = nil
		}
		s.rows++
	}
	return nil
}

// maxKept bounds the memory that a spool keeps from reject to reject.
const maxKept = 4 << 10

// Rows is the number of rejects added. A nil spool has none.
func (s *Spool) Rows() int64 {
	if s == nil {
		return 0
	}
	return s.rows
}

// Flush writes what still waits in memory. More may be added.
func (s *Spool) Flush() error { return s.buf.Flush() }

const (
	// A row group of rejects ends at either bound.
	rejectRows  = 8 << 10
	rejectBytes = 4 << 20
)

// Groups adds the rejects to a Parquet file of the schema, in row groups of bounded size. from reads what the flushed
// spool wrote; appendTo appends one reject to every column of a builder of the schema. Groups fails where from holds
// more or fewer rejects than were added.
func (s *Spool) Groups(file *rowgroup.File, from io.Reader, schema *arrow.Schema, appendTo func(*array.RecordBuilder, pipeline.Reject)) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	pending, size, seq := 0, 0, 0
	flush := func() error {
		rec := b.NewRecord()
		defer rec.Release()
		group, err := rowgroup.Encode(rec)
		if err != nil {
			return err
		}
		seq++
		pending, size = 0, 0
		return file.Add(seq, group)
	}
	for r, err := range readSpool(from) {
		if err != nil {
			return fmt.Errorf("read the staged rejects: %w", err)
		}
		appendTo(b, r)
		pending, size = pending+1, size+len(r.Raw)+len(r.Reason)+len(r.Field)+len(r.Shape)
		if pending >= rejectRows || size >= rejectBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if pending > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if file.Rows() != s.rows {
		return fmt.Errorf("%d of %d staged rejects were read", file.Rows(), s.rows)
	}
	return nil
}

// readSpool reads what Add wrote. The first error is the last element.
func readSpool(from io.Reader) iter.Seq2[pipeline.Reject, error] {
	return func(yield func(pipeline.Reject, error) bool) {
		r := &spoolReader{buf: bufio.NewReader(from)}
		for {
			if _, err := r.buf.Peek(1); errors.Is(err, io.EOF) {
				return
			}
			one := pipeline.Reject{Row: r.varint(), At: pipeline.Instant(r.varint()), Scope: r.text(), Reason: r.text(), Raw: r.text(), Field: r.text(), Shape: r.text()}
			if !yield(one, r.err) || r.err != nil {
				return
			}
		}
	}
}

// spoolReader keeps the first error of its reads.
type spoolReader struct {
	buf *bufio.Reader
	err error
}

func (r *spoolReader) varint() int64 {
	v, err := binary.ReadVarint(r.buf)
	r.note(err)
	return v
}

func (r *spoolReader) text() string {
	n, err := binary.ReadUvarint(r.buf)
	if r.note(err); r.err != nil {
		return ""
	}
	if n > maxText {
		r.note(fmt.Errorf("a text of %d bytes", n))
		return ""
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r.buf, b)
	r.note(err)
	return string(b)
}

// maxText is more than any text of a reject: what says more is not a spool.
const maxText = 256 << 20

func (r *spoolReader) note(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if r.err == nil {
		r.err = err
	}
}
