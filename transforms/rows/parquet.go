package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/windrow-data/windrow/pipeline/push"
)

// Parquet reads a Parquet file: the fields of its schema are the columns, lists, structs and maps are JSON. It goes through
// Arrow's readers of columns, a page of each at a time, and assembles the rows itself: what assembles them for Arrow
// needs goroutines, in which damage would end the program.
type Parquet struct {
	source Source
	in     *file.Reader
	names  []string
	fields []*field
	leaves []*leaf // in the file's order
	row    push.Row
}

const (
	pieceValues = 256      // of a column that are decoded at once
	pageBuffer  = 64 << 10 // bytes of a column that are read at once
)

// NewParquet reads the schema of a file. An error is a *[pipeline.Error] of kind Invalid. body stays the caller's, and is
// read until the Parquet is closed.
func NewParquet(name string, body *io.SectionReader) (_ *Parquet, err error) {
	p := &Parquet{source: Source{Name: name}}
	defer func() {
		if problem := recover(); problem != nil {
			err = p.damaged(fmt.Errorf("its footer makes no sense: %v", problem))
		}
	}()
	properties := parquet.NewReaderProperties(nil)
	properties.BufferedStreamEnabled, properties.BufferSize = true, pageBuffer
	if p.in, err = file.NewParquetReader(body, file.WithReadProps(properties)); err != nil {
		return nil, p.damaged(err)
	}
	root := p.in.MetaData().Schema.Root()
	for i := range root.NumFields() {
		node := root.Field(i)
		if slices.Contains(p.names, node.Name()) {
			return nil, p.source.wrong("give each column a name of its own", "two columns are called %s", node.Name())
		}
		p.names = append(p.names, node.Name())
		p.fields = append(p.fields, p.field(node, 0, 0))
	}
	if len(p.leaves) != p.in.MetaData().Schema.NumColumns() {
		return nil, p.damaged(errDamaged)
	}
	return p, nil
}

var errDamaged = errors.New("it has not the values that it says")

func (p *Parquet) damaged(err error) error {
	return p.source.broken(err, "it is damaged or no Parquet; export it again. Nothing of it was sent")
}

// Columns implements [push.Rows].
func (p *Parquet) Columns() []string { return p.names }

// Close implements [push.Rows].
func (p *Parquet) Close() error { return nil }

// Read implements [push.Rows].
func (p *Parquet) Read(ctx context.Context, each func(push.Row) error) (err error) {
	called := false // the callback may panic: that is not the file's damage
	defer func() {
		if !called {
			if problem := recover(); problem != nil {
				err = p.damaged(fmt.Errorf("%v", problem))
			}
		}
	}()
	p.row.Number = 0
	for g := range p.in.NumRowGroups() {
		group := p.in.RowGroup(g)
		for i, l := range p.leaves {
			if err := l.open(p.in, group, i); err != nil {
				return p.damaged(err)
			}
		}
		for range group.NumRows() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := p.next(); err != nil {
				return p.damaged(err)
			}
			called = true
			if err := each(p.row); err != nil {
				return err
			}
			called = false
		}
		for _, l := range p.leaves {
			if more, err := l.more(); more || err != nil {
				return p.damaged(errors.Join(errDamaged, err))
			}
		}
	}
	return nil
}

// next reads a row.
func (p *Parquet) next() error {
	p.row = push.Row{Number: p.row.Number + 1, Cells: p.row.Cells[:0]}
	var problem, remedy string
	for i, f := range p.fields {
		cell, err := f.cell()
		switch {
		case err == errNotJSON:
			problem, remedy = p.names[i]+" is no JSON", "its texts are to be UTF-8, and no member may come twice"
		case err != nil:
			return fmt.Errorf("column %s: %w", p.names[i], err)
		}
		p.row.Cells = append(p.row.Cells, cell)
	}
	p.row.Problem, p.row.Remedy = problem, remedy
	return nil
}

// field is a node of the schema.
type field struct {
	name   string
	shape  shape
	def    int16    // the definition level from which on it is there
	rep    int16    // of a list: the repetition level of its further elements
	leaf   *leaf    // of a value; else the first one below
	fields []*field // the members of a struct, the element of a list, key and value of a map
}

type shape uint8

const (
	aValue shape = iota
	aStruct
	aList
	aMap
)

// field makes the field of a node. def and rep are the levels of what is around it.
func (p *Parquet) field(n schema.Node, def, rep int16) *field {
	switch n.RepetitionType() {
	case parquet.Repetitions.Optional:
		def++
	case parquet.Repetitions.Repeated: // a list without a name of its own
		return p.list(n.Name(), def, rep, n)
	}
	return p.present(n, def, rep)
}

// list makes a list whose elements are a repeated node's.
func (p *Parquet) list(name string, def, rep int16, repeated schema.Node) *field {
	f := &field{name: name, shape: aList, def: def, rep: rep + 1}
	element := p.present(repeated, def+1, rep+1)
	// Of the three levels of a list the one in the middle means nothing, but where old writers have left it out:
	// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
	if group, is := repeated.(*schema.GroupNode); is && group.NumFields() == 1 && name != repeated.Name() &&
		repeated.Name() != "array" && repeated.Name() != name+"_tuple" {
		element = element.fields[0]
	}
	f.fields, f.leaf = []*field{element}, element.leaf
	return f
}

// present makes the field of a node that is there at the level def.
func (p *Parquet) present(n schema.Node, def, rep int16) *field {
	f := &field{name: n.Name(), def: def}
	group, is := n.(*schema.GroupNode)
	if !is {
		f.leaf = newLeaf(n.(*schema.PrimitiveNode), def, rep)
		p.leaves = append(p.leaves, f.leaf)
		return f
	}
	if group.NumFields() == 1 && group.Field(0).RepetitionType() == parquet.Repetitions.Repeated {
		inner := group.Field(0)
		switch n.LogicalType().(type) {
		case schema.ListLogicalType:
			return p.list(n.Name(), def, rep, inner)
		case schema.MapLogicalType:
			if pair, is := inner.(*schema.GroupNode); is && pair.NumFields() == 2 {
				f.shape, f.rep = aMap, rep+1
				for i := range 2 {
					f.fields = append(f.fields, p.field(pair.Field(i), def+1, rep+1))
				}
				f.leaf = f.fields[0].leaf
				return f
			}
		}
	}
	f.shape = aStruct
	for i := range group.NumFields() {
		f.fields = append(f.fields, p.field(group.Field(i), def, rep))
	}
	f.leaf = f.fields[0].leaf
	return f
}
