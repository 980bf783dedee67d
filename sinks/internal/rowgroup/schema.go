package rowgroup

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	pq "github.com/apache/arrow/go/v17/parquet/schema"
)

// The tables' types and Parquet's. Arrow's own package for this, pqarrow, knows all others too, and brings Arrow's compute
// kernels and flight with it: a seventh of what a build of the program takes.

// parquetSchema is the file's schema of the tables' one.
func parquetSchema(s *arrow.Schema, props *parquet.WriterProperties) (*pq.Schema, error) {
	nodes := make(pq.FieldList, 0, s.NumFields())
	for _, f := range s.Fields() {
		n, err := parquetNode(f)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	root, err := pq.NewGroupNode(props.RootName(), props.RootRepetition(), nodes, -1)
	if err != nil {
		return nil, err
	}
	return pq.NewSchema(root), nil
}

func parquetNode(f arrow.Field) (pq.Node, error) {
	repetition := parquet.Repetitions.Required
	if f.Nullable {
		repetition = parquet.Repetitions.Optional
	}
	node := func(t parquet.Type, means pq.LogicalType) (pq.Node, error) {
		return pq.NewPrimitiveNodeLogical(f.Name, repetition, means, t, -1, -1)
	}
	switch t := f.Type.(type) {
	case *arrow.StringType:
		return node(parquet.Types.ByteArray, pq.StringLogicalType{})
	case *arrow.DictionaryType: // which is an encoding
		return parquetNode(arrow.Field{Name: f.Name, Type: t.ValueType, Nullable: f.Nullable})
	case *arrow.Int64Type:
		return node(parquet.Types.Int64, pq.NewIntLogicalType(64, true))
	case *arrow.Float64Type:
		return node(parquet.Types.Double, pq.NoLogicalType{})
	case *arrow.BooleanType:
		return node(parquet.Types.Boolean, pq.NoLogicalType{})
	case *arrow.Date32Type:
		return node(parquet.Types.Int32, pq.DateLogicalType{})
	case *arrow.TimestampType:
		if t.Unit == arrow.Microsecond {
			return node(parquet.Types.Int64, pq.NewTimestampLogicalTypeForce(t.TimeZone != "", pq.TimeUnitMicros))
		}
	case *arrow.ListType:
		if t.Elem().ID() != arrow.STRING {
			break
		}
		item, err := parquetNode(arrow.Field{Name: f.Name, Type: t.Elem(), Nullable: true})
		if err != nil {
			return nil, err
		}
		return pq.ListOf(item, repetition, -1)
	}
	return nil, fmt.Errorf("the column %s has the type %s, which no table has", f.Name, f.Type)
}

// arrowSchema is the tables' schema of a file's one.
func arrowSchema(s *pq.Schema) (*arrow.Schema, error) {
	var fields []arrow.Field
	for i := range s.Root().NumFields() {
		n := s.Root().Field(i)
		t, err := arrowType(n)
		if err != nil {
			return nil, err
		}
		fields = append(fields, arrow.Field{Name: n.Name(), Type: t, Nullable: n.RepetitionType() == parquet.Repetitions.Optional})
	}
	return arrow.NewSchema(fields, nil), nil
}

func arrowType(n pq.Node) (arrow.DataType, error) {
	if g, is := n.(*pq.GroupNode); is && g.LogicalType().Equals(pq.ListLogicalType{}) && g.NumFields() == 1 {
		if list, is := g.Field(0).(*pq.GroupNode); is && list.NumFields() == 1 {
			item := list.Field(0)
			t, err := arrowType(item)
			return arrow.ListOfField(arrow.Field{Name: item.Name(), Type: t, Nullable: item.RepetitionType() == parquet.Repetitions.Optional}), err
		}
	}
	p, is := n.(*pq.PrimitiveNode)
	if !is {
		return nil, fmt.Errorf("the column %s is a group, which no table has", n.Name())
	}
	stamp, isStamp := p.LogicalType().(*pq.TimestampLogicalType)
	switch p.PhysicalType() {
	case parquet.Types.ByteArray:
		return arrow.BinaryTypes.String, nil
	case parquet.Types.Int64:
		switch {
		case !isStamp:
			return arrow.PrimitiveTypes.Int64, nil
		case stamp.IsAdjustedToUTC():
			return arrow.FixedWidthTypes.Timestamp_us, nil
		}
		return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
	case parquet.Types.Double:
		return arrow.PrimitiveTypes.Float64, nil
	case parquet.Types.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case parquet.Types.Int32:
		return arrow.FixedWidthTypes.Date32, nil
	}
	return nil, fmt.Errorf("the column %s has the type %s, which no table has", n.Name(), p.PhysicalType())
}
