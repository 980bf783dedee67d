package transforms

import (
	endian "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// GroupFile writes one Parquet file from row groups that arrive in any order:
// their pages are written as they come, and the footer lists the groups by
// seq, so what a reader sees does not depend on who was faster. Its memory is
// the groups' metadata alone.
//
// All methods are safe for concurrent use. After the first error every call
// returns that error, and what was written is not a Parquet file.
type GroupFile struct {
	mu     sync.Mutex
	w      io.Writer
	meta   *metadata.FileMetaData // the footer, without groups until Close
	offset int64
	rows   int64
	groups []placedGroup
	closed bool
	err    error
}

type placedGroup struct {
	seq  int
	meta *metadata.FileMetaData
}

// NewGroupFile begins a file of the schema in w. The field metadata goes to
// the file's key-value metadata as one JSON object, under "windrow.columns".
func NewGroupFile(w io.Writer, schema *arrow.Schema) (*GroupFile, error) {
	props := writerProperties(schema, 0, memory.DefaultAllocator)
	pq, err := pqarrow.ToParquet(schema, props, arrowProperties(memory.DefaultAllocator))
	if err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	columns, err := columnsMetadata(schema)
	if err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	kv := metadata.NewKeyValueMetadata()
	if err := kv.Append("windrow.columns", columns); err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	meta, err := metadata.NewFileMetadataBuilder(pq, props, kv).Snapshot()
	if err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	f := &GroupFile{w: w, meta: meta}
	f.write(magic)
	return f, f.err
}

// Add writes the group's pages and gives its memory back, also after an error.
// seq, unique in the file, is the group's place. A group without rows leaves no trace.
func (f *GroupFile) Add(seq int, g RowGroup) error {
	defer g.Discard()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	switch {
	case f.closed:
		f.err = errors.New("parquet file: a row group came after the end")
	case g.buf == nil:
		f.err = errors.New("parquet file: the row group is empty or was used before")
	case !f.meta.Schema.Equals(g.meta.Schema):
		f.err = errors.New("parquet file: the row group has another schema")
	}
	if f.err != nil || g.rows == 0 {
		return f.err
	}
	by := f.offset - int64(len(magic))
	f.write(g.buf.Bytes()[len(magic):])
	f.place(seq, g.meta, by)
	return f.err
}

// place books the metadata's only group, whose pages were moved by so many bytes.
func (f *GroupFile) place(seq int, m *metadata.FileMetaData, by int64) {
	shift(m, by)
	m.Schema, m.FileMetaData.Schema = nil, nil // the file has its own
	f.groups = append(f.groups, placedGroup{seq, m})
	f.rows += m.RowGroups[0].NumRows
}

// shift moves every offset of the metadata's only group.
func shift(m *metadata.FileMetaData, by int64) {
	g := m.RowGroups[0]
	if g.FileOffset != nil {
		*g.FileOffset += by
	}
	for _, c := range g.Columns {
		c.FileOffset += by
		c.MetaData.DataPageOffset += by
		if c.MetaData.DictionaryPageOffset != nil {
			*c.MetaData.DictionaryPageOffset += by
		}
	}
}

// Rows is the number of rows added so far.
func (f *GroupFile) Rows() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows
}

// Size is the number of bytes written so far.
func (f *GroupFile) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.offset
}

// Close writes the footer. It does not close the writer, and it is idempotent.
// A file without groups is a valid one that carries the schema.
func (f *GroupFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || f.closed {
		return f.err
	}
	f.closed = true
	slices.SortFunc(f.groups, func(a, b placedGroup) int { return a.seq - b.seq })
	for i, g := range f.groups {
		if i > 0 && f.groups[i-1].seq == g.seq {
			f.err = fmt.Errorf("parquet file: two row groups have place %d", g.seq)
			return f.err
		}
		rg := g.meta.RowGroups[0]
		rg.Ordinal = nil // an optional int16
		if i <= math.MaxInt16 {
			n := int16(i)
			rg.Ordinal = &n
		}
		f.meta.RowGroups = append(f.meta.RowGroups, rg)
	}
	f.meta.NumRows = f.rows
	f.groups = nil
	before := f.offset
	if _, err := f.meta.WriteTo(stickyWriter{f}, nil); err != nil {
		f.fail(err)
	}
	f.write(endian.LittleEndian.AppendUint32(nil, uint32(f.offset-before)))
	f.write(magic)
	return f.err
}

// write writes all of b unless something failed before; f.err tells.
func (f *GroupFile) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	f.offset += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		f.fail(err)
	}
}

func (f *GroupFile) fail(err error) {
	if f.err == nil {
		f.err = fmt.Errorf("parquet file: %w", err)
	}
}

// stickyWriter is the file's write as an io.Writer.
type stickyWriter struct{ f *GroupFile }

func (w stickyWriter) Write(b []byte) (int, error) {
	if w.f.write(b); w.f.err != nil {
		return 0, w.f.err
	}
	return len(b), nil
}

// columnsMetadata renders the fields' metadata: {"nps":{"aggregation":"mean",…},…}.
func columnsMetadata(schema *arrow.Schema) (string, error) {
	columns := make(map[string]map[string]string, schema.NumFields())
	for _, f := range schema.Fields() {
		if f.Metadata.Len() > 0 {
			columns[f.Name] = f.Metadata.ToMap()
		}
	}
	b, err := json.Marshal(columns) // sorted by name
	return string(b), err
}
