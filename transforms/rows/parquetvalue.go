package rows

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/windrow-data/windrow/pipeline/push"
)

// errNotJSON says that a nested value cannot be written as JSON.
var errNotJSON = errors.New("no JSON")

// cell reads the field of the next row.
func (f *field) cell() (push.Cell, error) {
	if f.shape == aValue {
		cell, err := f.leaf.next()
		if cell.Kind == push.Text {
			cell = push.TextOf(cell.Text)
		}
		return cell, err
	}
	text, err := f.json(nil)
	if err != nil {
		return push.Cell{}, err
	}
	if string(text) == "null" {
		return push.Cell{}, nil
	}
	canonical, err := push.Canonical(text)
	if err != nil {
		return push.Cell{}, errNotJSON
	}
	return push.Cell{Kind: push.Nested, Text: string(canonical)}, nil
}

// json appends the field of the next row as JSON. A text that is no UTF-8 stands as it is, so that the whole is no JSON.
func (f *field) json(dst []byte) ([]byte, error) {
	if f.shape == aValue {
		cell, err := f.leaf.next()
		return cell.AppendJSON(dst), err
	}
	def, err := f.leaf.def()
	if err != nil {
		return nil, err
	}
	switch {
	case def < f.def:
		return append(dst, "null"...), f.pass()
	case f.shape == aStruct:
		dst = append(dst, '{')
		for i, member := range f.fields {
			if dst, err = member.member(dst, i == 0, push.Cell{Kind: push.Text, Text: member.name}); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	open, end := byte('['), byte(']')
	if f.shape == aMap {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	if def == f.def {
		return append(dst, end), f.pass()
	}
	for first := true; ; first = false {
		if f.shape == aMap {
			var key push.Cell
			if key, err = f.fields[0].cell(); err == nil {
				dst, err = f.fields[1].member(dst, first, key)
			}
		} else {
			if !first {
				dst = append(dst, ',')
			}
			dst, err = f.fields[0].json(dst)
		}
		if err != nil {
			return nil, err
		}
		if more, err := f.leaf.more(); err != nil || !more || f.leaf.reps[f.leaf.level] < f.rep {
			return append(dst, end), err
		}
	}
}

// member appends the field as a member of an object.
func (f *field) member(dst []byte, first bool, name push.Cell) ([]byte, error) {
	if !first {
		dst = append(dst, ',')
	}
	return f.json(append(push.Cell{Kind: push.Text, Text: name.Text}.AppendJSON(dst), ':'))
}

// pass goes over the place of a field that is not there, or of a list without elements.
func (f *field) pass() error {
	if f.shape == aValue {
		return f.leaf.pass()
	}
	for _, below := range f.fields {
		if err := below.pass(); err != nil {
			return err
		}
	}
	return nil
}

// leaf reads a column of values.
type leaf struct {
	maxDef, maxRep int16
	node           *schema.PrimitiveNode
	defs, reps     []int16
	level, levels  int // the next level, and how many are decoded
	value          int // the next value
	// fill decodes the next piece, and read is a value of it.
	fill    func() (levels int64, err error)
	read    func(i int) push.Cell
	failure func() error
}

func newLeaf(n *schema.PrimitiveNode, def, rep int16) *leaf {
	return &leaf{node: n, maxDef: def, maxRep: rep, defs: make([]int16, pieceValues), reps: make([]int16, pieceValues)}
}

// open begins a row group.
func (l *leaf) open(in *file.Reader, g *file.RowGroupReader, column int) error {
	if column >= g.NumColumns() {
		return errDamaged
	}
	descr := in.MetaData().Schema.Column(column)
	if descr.MaxDefinitionLevel() != l.maxDef || descr.MaxRepetitionLevel() != l.maxRep {
		return errDamaged
	}
	pages, err := g.GetColumnPageReader(column)
	if err != nil {
		return err
	}
	chunk := file.NewColumnReader(descr, &checkedPages{PageReader: pages, maxDef: l.maxDef, maxRep: l.maxRep}, memory.DefaultAllocator, in.BufferPool())
	l.level, l.levels, l.value, l.failure = 0, 0, 0, chunk.Err
	switch in := chunk.(type) {
	case *file.BooleanColumnChunkReader:
		bind(l, in.ReadBatch, func(v bool) push.Cell { return push.Cell{Kind: push.Bool, Text: strconv.FormatBool(v)} })
	case *file.Int32ColumnChunkReader:
		bind(l, in.ReadBatch, func(v int32) push.Cell { return l.integer(int64(v)) })
	case *file.Int64ColumnChunkReader:
		bind(l, in.ReadBatch, l.integer)
	case *file.Int96ColumnChunkReader:
		bind(l, in.ReadBatch, func(v parquet.Int96) push.Cell { return wallTime(v.ToTime()) })
	case *file.Float32ColumnChunkReader:
		bind(l, in.ReadBatch, func(v float32) push.Cell { return push.NumberOf(float64(v), 32) })
	case *file.Float64ColumnChunkReader:
		bind(l, in.ReadBatch, func(v float64) push.Cell { return push.NumberOf(v, 64) })
	case *file.ByteArrayColumnChunkReader:
		bind(l, in.ReadBatch, func(v parquet.ByteArray) push.Cell { return l.bytes(v) })
	case *file.FixedLenByteArrayColumnChunkReader:
		bind(l, in.ReadBatch, func(v parquet.FixedLenByteArray) push.Cell { return l.bytes(v) })
	default:
		return errDamaged
	}
	return nil
}

// bind makes a leaf read values of a type.
func bind[T any](l *leaf, read func(int64, []T, []int16, []int16) (int64, int, error), cell func(T) push.Cell) {
	values := make([]T, pieceValues)
	l.fill = func() (int64, error) {
		n, got, err := read(pieceValues, values, l.defs, l.reps)
		if l.maxDef > 0 && err == nil {
			for _, def := range l.defs[:n] {
				if def == l.maxDef {
					got--
				}
			}
			if got != 0 { // fewer values than the levels say
				err = errDamaged
			}
		}
		return n, err
	}
	l.read = func(i int) push.Cell { return cell(values[i]) }
}

// more reports whether the row group has another level.
func (l *leaf) more() (bool, error) {
	if l.level < l.levels {
		return true, nil
	}
	n, err := l.fill()
	if n == 0 && err == nil { // the end, or a page that cannot be read
		err = l.failure()
	}
	l.level, l.levels, l.value = 0, int(n), 0
	return n > 0, err
}

// def is the definition level that comes next.
func (l *leaf) def() (int16, error) {
	if more, err := l.more(); err != nil || !more {
		return 0, errors.Join(errDamaged, err)
	}
	return l.defs[l.level], nil
}

// next reads a value; it is blank where it is not there.
func (l *leaf) next() (push.Cell, error) {
	def, err := l.def()
	if err != nil {
		return push.Cell{}, err
	}
	l.level++
	if def < l.maxDef {
		return push.Cell{}, nil
	}
	l.value++
	return l.read(l.value - 1), nil
}

// pass goes over a level that has no value.
func (l *leaf) pass() error {
	def, err := l.def()
	if err == nil && def == l.maxDef && l.maxDef > 0 {
		err = errDamaged
	}
	l.level++
	return err
}

// integer is an integer by what its column says of itself.
func (l *leaf) integer(v int64) push.Cell {
	switch is := l.node.LogicalType().(type) {
	case schema.DateLogicalType:
		return push.Cell{Kind: push.Text, Text: time.Unix(v*24*60*60, 0).UTC().Format(time.DateOnly)}
	case *schema.TimestampLogicalType:
		return wallTime(inUnits(v, is.TimeUnit()))
	case *schema.TimeLogicalType:
		return push.Cell{Kind: push.Text, Text: inUnits(v, is.TimeUnit()).Format("15:04:05.999999999")}
	case *schema.DecimalLogicalType:
		return decimal(big.NewInt(v), int(is.Scale()))
	case *schema.IntLogicalType:
		if !is.IsSigned() && is.BitWidth() == 64 {
			return push.Cell{Kind: push.Number, Text: strconv.FormatUint(uint64(v), 10)}
		}
		if !is.IsSigned() {
			return push.Cell{Kind: push.Number, Text: strconv.FormatUint(uint64(uint32(v)), 10)}
		}
	}
	return push.Cell{Kind: push.Number, Text: strconv.FormatInt(v, 10)}
}

// inUnits is an instant in units since 1970.
func inUnits(v int64, unit schema.TimeUnitType) time.Time {
	switch unit {
	case schema.TimeUnitMillis:
		return time.UnixMilli(v).UTC()
	case schema.TimeUnitMicros:
		return time.UnixMicro(v).UTC()
	}
	return time.Unix(0, v).UTC()
}

// wallTime is what the file's clock shows, whichever zone it means.
func wallTime(t time.Time) push.Cell {
	return push.Cell{Kind: push.WallTime, Text: t.Format("2006-01-02 15:04:05.999999999")}
}

// bytes is a text by what its column says of itself.
func (l *leaf) bytes(b []byte) push.Cell {
	switch is := l.node.LogicalType().(type) {
	case *schema.DecimalLogicalType:
		n := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 { // two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return decimal(n, int(is.Scale()))
	case schema.JSONLogicalType:
		if v := (jsontext.Value)(b); v.IsValid() {
			if cell, err := push.CellOf(v); err == nil {
				return cell
			}
		}
	case schema.UUIDLogicalType:
		const digits = "0123456789abcdef"
		var out strings.Builder
		for i, c := range b {
			if i == 4 || i == 6 || i == 8 || i == 10 {
				out.WriteByte('-')
			}
			out.WriteByte(digits[c>>4])
			out.WriteByte(digits[c&15])
		}
		return push.Cell{Kind: push.Text, Text: out.String()}
	}
	return push.Cell{Kind: push.Text, Text: string(b)}
}

// decimal is a number with so many digits behind the point.
func decimal(n *big.Int, scale int) push.Cell {
	text := n.String()
	if scale <= 0 {
		return push.Cell{Kind: push.Number, Text: text + strings.Repeat("0", -scale)}
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	if len(text) <= scale {
		text = strings.Repeat("0", scale+1-len(text)) + text
	}
	return push.Cell{Kind: push.Number, Text: sign + text[:len(text)-scale] + "." + text[len(text)-scale:]}
}
