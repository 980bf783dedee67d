package rowgroup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// footer is what a scan needs of a file's footer. Its memory is used again from file to file: the decoder that Thrift's
// compiler made allocates more for a small file than the file has bytes.
type footer struct {
	buf      []byte
	rows     int64
	elements []byte // of the schema, as they are encoded
	schema   *schema.Schema
	groups   []groupMeta
	chunks   []chunkMeta // of all groups
}

// groupMeta is a row group: its rows and its chunks among those of the footer.
type groupMeta struct {
	rows     int64
	from, to int
}

// chunkMeta is a column chunk.
type chunkMeta struct {
	codec                    int64
	values                   int64
	compressed, uncompressed int64
	dataPage, dictPage       int64 // offsets; of the dictionary 0 where there is none
}

var errFooter = errors.New("damaged: its footer makes no sense")

// read reads the footer of a file of size bytes, and tells where it begins.
func (f *footer) read(r io.ReaderAt, size int64) (end int64, err error) {
	text, end, err := readFooterOf(&f.buf, r, size)
	if err != nil {
		return 0, err
	}
	f.rows, f.groups, f.chunks = -1, f.groups[:0], f.chunks[:0]
	c := &compact{b: text}
	var elements []byte
	for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) { // FileMetaData of parquet.thrift
		switch {
		case id == 2 && kind == listField:
			before := c.b
			c.skip(kind)
			elements = before[:len(before)-len(c.b)]
		case id == 3:
			f.rows = c.int(kind)
		case id == 4 && kind == listField:
			f.readGroups(c)
		default:
			c.skip(kind)
		}
	}
	if c.bad || f.rows < 0 {
		return 0, errFooter
	}
	if f.schema == nil || !bytes.Equal(elements, f.elements) { // the files of a table nearly all have one
		meta, err := metadata.NewFileMetaData(text, nil)
		if err != nil {
			return 0, fmt.Errorf("the file's footer: %w", err)
		}
		f.schema, f.elements = meta.Schema, append(f.elements[:0], elements...)
	}
	return end, nil
}

func (f *footer) readGroups(c *compact) {
	for range c.list(structField) {
		g := groupMeta{from: len(f.chunks)}
		for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) { // RowGroup
			switch {
			case id == 1 && kind == listField:
				f.readChunks(c)
			case id == 3:
				g.rows = c.int(kind)
			default:
				c.skip(kind)
			}
		}
		if g.to = len(f.chunks); c.bad {
			return
		}
		f.groups = append(f.groups, g)
	}
}

func (f *footer) readChunks(c *compact) {
	for range c.list(structField) {
		var m chunkMeta
		for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) { // ColumnChunk
			if id == 3 && kind == structField {
				m.read(c)
			} else {
				c.skip(kind)
			}
		}
		if c.bad {
			return
		}
		f.chunks = append(f.chunks, m)
	}
}

func (m *chunkMeta) read(c *compact) {
	for id, kind := c.field(0); kind != stopField; id, kind = c.field(id) { // ColumnMetaData
		switch id {
		case 4:
			m.codec = c.int(kind)
		case 5:
			m.values = c.int(kind)
		case 6:
			m.uncompressed = c.int(kind)
		case 7:
			m.compressed = c.int(kind)
		case 9:
			m.dataPage = c.int(kind)
		case 11:
			m.dictPage = c.int(kind)
		default:
			c.skip(kind)
		}
	}
}

// Kinds of fields of Thrift's compact protocol.
const (
	stopField   = 0
	trueField   = 1
	falseField  = 2
	byteField   = 3
	int16Field  = 4
	int64Field  = 6
	doubleField = 7
	bytesField  = 8
	listField   = 9
	setField    = 10
	mapField    = 11
	structField = 12
)

// compact reads Thrift's compact protocol, in which Parquet's footers and page headers are written, from bytes that may
// be damaged. After the first thing that makes no sense it is bad, and all that follows is nothing.
type compact struct {
	b     []byte
	bad   bool
	depth int
}

func (c *compact) fail() { c.b, c.bad = nil, true }

func (c *compact) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *compact) varint() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (c *compact) byte() byte {
	if len(c.b) == 0 {
		c.fail()
		return 0
	}
	b := c.b[0]
	c.b = c.b[1:]
	return b
}

// field reads the head of the next field of a struct, of which the last one had the given id; 0 at its beginning.
func (c *compact) field(last int16) (id int16, kind byte) {
	head := c.byte()
	if kind = head & 15; kind == stopField {
		return 0, stopField
	}
	if delta := int16(head >> 4); delta != 0 {
		return last + delta, kind
	}
	if id = int16(c.varint()); c.bad {
		return 0, stopField
	}
	return id, kind
}

// int reads an integer.
func (c *compact) int(kind byte) int64 {
	if kind < int16Field || kind > int64Field {
		c.fail()
		return 0
	}
	return c.varint()
}

// list reads the head of a list, and returns its length.
func (c *compact) list(of byte) int {
	n, kind := c.listHead()
	if kind != of && n > 0 {
		c.fail()
		return 0
	}
	return n
}

// listHead reads the head of a list. Each item takes a byte at least.
func (c *compact) listHead() (n int, kind byte) {
	head := c.byte()
	long := uint64(head >> 4)
	if long == 15 {
		long = c.uvarint()
	}
	if long > uint64(len(c.b)) {
		c.fail()
		return 0, 0
	}
	return int(long), head & 15
}

func (c *compact) drop(n uint64) {
	if n > uint64(len(c.b)) {
		c.fail()
		return
	}
	c.b = c.b[n:]
}

// deepest is how deep structs may lie within each other. Parquet's lie five deep.
const deepest = 32

// skip leaves out the value of a field.
func (c *compact) skip(kind byte) {
	if c.depth++; c.depth > deepest {
		c.fail()
	}
	switch kind {
	case trueField, falseField: // the head has it
	default:
		c.skipItem(kind)
	}
	c.depth--
}

// skipItem leaves out a value that has a place of its own, as in a list.
func (c *compact) skipItem(kind byte) {
	switch kind {
	case trueField, falseField, byteField:
		c.drop(1)
	case int16Field, int16Field + 1, int64Field:
		c.uvarint()
	case doubleField:
		c.drop(8)
	case bytesField:
		c.drop(c.uvarint())
	case listField, setField:
		n, of := c.listHead()
		for ; n > 0 && !c.bad; n-- {
			c.skipNested(of)
		}
	case mapField:
		c.skipMap()
	case structField:
		for id, of := c.field(0); of != stopField; id, of = c.field(id) {
			c.skip(of)
		}
	default:
		c.fail()
	}
}

func (c *compact) skipNested(kind byte) {
	if c.depth++; c.depth > deepest {
		c.fail()
	}
	c.skipItem(kind)
	c.depth--
}

func (c *compact) skipMap() {
	n := c.uvarint()
	if n == 0 {
		return
	}
	kinds := c.byte()
	for ; n > 0 && !c.bad; n-- {
		c.skipNested(kinds >> 4)
		c.skipNested(kinds & 15)
	}
}
