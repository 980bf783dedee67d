package rowgroup

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
)

// File writes one Parquet file from row groups that arrive in any order. It writes the pages as they come, and its
// footer lists the groups by seq, so what a reader sees does not depend on which worker was faster. It keeps nothing in
// memory but the groups' metadata.
//
// All methods are safe for concurrent use. After the first error every call returns that error, and what was written is
// not a Parquet file.
type File struct {
	mu     sync.Mutex
	w      io.Writer
	meta   *metadata.FileMetaData // the footer, without groups until Close, which lets it go
	offset int64
	rows   int64
	groups []bookedGroup
	closed bool
	err    error
}

type bookedGroup struct {
	seq  int
	meta *metadata.FileMetaData
}

// Note is what else the file's key-value metadata have.
type Note struct{ Key, Value string }

// NewFile begins a file of the schema in w. The fields' metadata becomes one JSON object in the file's key-value
// metadata, under "windrow.columns". Notes follow it.
func NewFile(w io.Writer, schema *arrow.Schema, notes ...Note) (*File, error) {
	props := writerProperties(schema, 0, memory.DefaultAllocator)
	pq, err := parquetSchema(schema, props)
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
	for _, n := range notes {
		if err := kv.Append(n.Key, n.Value); err != nil {
			return nil, fmt.Errorf("parquet schema: %w", err)
		}
	}
	meta, err := metadata.NewFileMetadataBuilder(pq, props, kv).Snapshot()
	if err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	f := &File{w: w, meta: meta}
	f.write(magic)
	return f, f.err
}

// Add writes the group's pages and gives its memory back, also after an error. The footer lists the groups by seq,
// which is unique in the file. A group without rows leaves no trace.
func (f *File) Add(seq int, g Group) error {
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
	for b := range g.pages {
		f.write(b)
	}
	f.book(seq, g.meta, by)
	return f.err
}

// book adds the metadata's only group to the footer. Its pages were moved by so many bytes.
func (f *File) book(seq int, m *metadata.FileMetaData, by int64) {
	shift(m, by)
	m.Schema, m.FileMetaData.Schema = nil, nil // the file has its own
	f.groups = append(f.groups, bookedGroup{seq, m})
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
func (f *File) Rows() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows
}

// Size is the number of bytes written so far.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.offset
}

// Close writes the footer. It is idempotent and does not close the writer. A file without groups is valid and carries
// the schema.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || f.closed {
		return f.err
	}
	f.closed = true
	slices.SortFunc(f.groups, func(a, b bookedGroup) int { return a.seq - b.seq })
	for i, g := range f.groups {
		if i > 0 && f.groups[i-1].seq == g.seq {
			f.err = fmt.Errorf("parquet file: two row groups have number %d", g.seq)
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
	f.meta = nil // windows of a report wait for their commit together
	f.write(endian.LittleEndian.AppendUint32(nil, uint32(f.offset-before)))
	f.write(magic)
	return f.err
}

// write writes all of b unless something failed before. It sets f.err when it fails.
func (f *File) write(b []byte) {
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

func (f *File) fail(err error) {
	if f.err == nil {
		f.err = fmt.Errorf("parquet file: %w", err)
	}
}

// stickyWriter is the file's write as an io.Writer.
type stickyWriter struct{ f *File }

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
