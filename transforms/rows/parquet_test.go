package rows

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// fileOf is a Parquet file of rows in JSON.
func fileOf(t testing.TB, s *arrow.Schema, rows string, options ...parquet.WriterProperty) []byte {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(s, &out, parquet.NewWriterProperties(options...), pqarrow.NewArrowWriterProperties(pqarrow.WithDeprecatedInt96Timestamps(false)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func columnOf(name string, of arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: of, Nullable: true}
}

var text = arrow.BinaryTypes.String

func TestAParquetFileIsReadAsItIsTyped(t *testing.T) {
	data := arrow.StructOf(columnOf("name", text), columnOf("tags", arrow.ListOf(text)), columnOf("at", arrow.StructOf(columnOf("x", arrow.PrimitiveTypes.Int64), columnOf("y", arrow.ListOf(arrow.StructOf(columnOf("z", text)))))))
	for _, c := range []struct {
		name string
		of   arrow.DataType
		rows string // values of the column a
		want string
	}{
		{"texts", text, `"x",null," ",""`, "x|||"},
		{"integers", arrow.PrimitiveTypes.Int64, `59891234567,null,-1`, "number:59891234567||number:-1"},
		{"unsigned ones", arrow.PrimitiveTypes.Uint64, `9223372036854775808`, "number:9223372036854775808"},
		{"small unsigned ones", arrow.PrimitiveTypes.Uint32, `4294967295`, "number:4294967295"},
		{"floating-point numbers", arrow.PrimitiveTypes.Float64, `5.5,5.0,59891234567`, "number:5.5|number:5|number:5.9891234567e+10"},
		{"yes and no", arrow.FixedWidthTypes.Boolean, `true,false,null`, "bool:true|bool:false|"},
		{"days", arrow.FixedWidthTypes.Date32, `"2026-12-25"`, "2026-12-25"},
		{"wall times", &arrow.TimestampType{Unit: arrow.Microsecond}, `"2026-12-25 09:30:00","2026-12-25 09:30:00.25"`, "time:2026-12-25 09:30:00|time:2026-12-25 09:30:00.25"},
		{"instants, as their clock shows them", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, `"2026-12-25 09:30:00"`, "time:2026-12-25 09:30:00"},
		{"nanoseconds", &arrow.TimestampType{Unit: arrow.Nanosecond}, `"2026-12-25 09:30:00"`, "time:2026-12-25 09:30:00"},
		{"times of day", arrow.FixedWidthTypes.Time64us, `"09:30:00"`, "09:30:00"},
		{"decimals", &arrow.Decimal128Type{Precision: 20, Scale: 2}, `"5.00","-0.07","12345678901234567.89"`, "number:5.00|number:-0.07|number:12345678901234567.89"},
		{"lists", arrow.ListOf(text), `["a",null,"b"],[],null,[" "]`, `json:["a",null,"b"]|json:[]||json:[" "]`},
		{"lists of lists", arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int64)), `[[1,2],[],null,[3]],[],null,[[4]]`, `json:[[1,2],[],null,[3]]|json:[]||json:[[4]]`},
		{"structs", data, `{"name":"Ana","tags":["x","y"],"at":{"x":1,"y":[{"z":"p"},{"z":null},null]}},{"tags":[]},null,{"name":"a\"b","at":{"y":[]}}`,
			`json:{"at":{"x":1,"y":[{"z":"p"},{},null]},"name":"Ana","tags":["x","y"]}|json:{"tags":[]}||json:{"at":{"y":[]},"name":"a\"b"}`},
		{"maps", arrow.MapOf(text, arrow.PrimitiveTypes.Int64), `[{"key":"b","value":1},{"key":"a","value":null}],[],null,[{"key":"c","value":3}]`, `json:{"b":1}|json:{}||json:{"c":3}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := arrow.NewSchema([]arrow.Field{columnOf("a", c.of), columnOf("n", arrow.PrimitiveTypes.Int32)}, nil)
			var rows []string
			for i, v := range splitJSON(c.rows) {
				rows = append(rows, fmt.Sprintf(`{"a":%s,"n":%d}`, v, i+1))
			}
			var want []string
			for i, cell := range strings.Split(c.want, "|") {
				want = append(want, fmt.Sprintf("%d %s|number:%d", i+1, cell, i+1))
			}
			for _, options := range [][]parquet.WriterProperty{
				nil,
				{parquet.WithDictionaryDefault(false), parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDataPageVersion(parquet.DataPageV2)},
				{parquet.WithMaxRowGroupLength(1), parquet.WithCompression(compress.Codecs.Snappy)},
			} {
				p, err := NewParquet("contacts", section(fileOf(t, s, "["+strings.Join(rows, ",")+"]", options...)))
				if got := shown(t, p, err); got != "a|n\n"+strings.Join(want, "\n") {
					t.Errorf("%s\nwant\n%s", got, strings.Join(want, "\n"))
				}
			}
		})
	}
}

// splitJSON splits values at the commas between them.
func splitJSON(list string) (values []string) {
	depth, from, quoted := 0, 0, false
	for i, c := range list {
		switch {
		case c == '"' && (i == 0 || list[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			values, from = append(values, list[from:i]), i+1
		}
	}
	return append(values, list[from:])
}

// Old writers leave the level in the middle of a list out.
func TestListsOfOldWritersAreRead(t *testing.T) {
	number := func(name string, r parquet.Repetition) schema.Node { return schema.NewInt64Node(name, r, -1) }
	group := func(name string, r parquet.Repetition, fields ...schema.Node) schema.Node {
		return schema.MustGroup(schema.NewGroupNode(name, r, fields, -1))
	}
	list := func(of schema.Node) schema.Node {
		return schema.MustGroup(schema.NewGroupNodeLogical("a", parquet.Repetitions.Optional, schema.FieldList{of}, schema.NewListLogicalType(), -1))
	}
	for _, c := range []struct {
		name string
		node schema.Node
		want string
	}{
		{"a repeated value", number("a", parquet.Repetitions.Repeated), "json:[1,2]"},
		{"a list of two levels", list(number("element", parquet.Repetitions.Repeated)), "json:[1,2]"},
		{"a list of three levels", list(group("list", parquet.Repetitions.Repeated, number("element", parquet.Repetitions.Required))), "json:[1,2]"},
		{"a list of structs", list(group("array", parquet.Repetitions.Repeated, number("x", parquet.Repetitions.Required))), `json:[{"x":1},{"x":2}]`},
		{"a list of structs of Avro's", list(group("a_tuple", parquet.Repetitions.Repeated, number("x", parquet.Repetitions.Required))), `json:[{"x":1},{"x":2}]`},
		{"a repeated struct", group("a", parquet.Repetitions.Repeated, number("x", parquet.Repetitions.Required)), `json:[{"x":1},{"x":2}]`},
	} {
		var out bytes.Buffer
		w := file.NewParquetWriter(&out, group("root", parquet.Repetitions.Required, c.node).(*schema.GroupNode))
		g := w.AppendRowGroup()
		column, err := g.NextColumn()
		if err != nil {
			t.Fatal(err)
		}
		def := column.Descr().MaxDefinitionLevel()
		if _, err := column.(*file.Int64ColumnChunkWriter).WriteBatch([]int64{1, 2}, []int16{def, def, 0}, []int16{0, 1, 0}); err != nil {
			t.Fatal(err)
		}
		if err := errorsOf(column.Close(), g.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		empty := "\n2 "
		if def == 1 && c.node.RepetitionType() == parquet.Repetitions.Repeated {
			empty = "\n2 json:[]"
		}
		p, err := NewParquet("contacts", section(out.Bytes()))
		if got := shown(t, p, err); got != "a\n1 "+c.want+empty {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestDecimalsAreReadHoweverTheyAreStored(t *testing.T) {
	for text, n := range map[string]decimal128.Num{"-12345.6": decimal128.FromI64(-123456), "0.5": decimal128.FromI64(5), "-0.1": decimal128.FromI64(-1)} {
		if got := decimal(n.BigInt(), 1); got.Text != text {
			t.Errorf("%s: %s", text, got.Text)
		}
	}
	if got := decimal(decimal128.FromI64(5).BigInt(), -2); got.Text != "500" {
		t.Error(got)
	}
	if got := push.NumberOf(math.NaN(), 64); got.Kind != push.Blank {
		t.Error(got)
	}
}

func TestAParquetFileWithoutItsEndIsRefused(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{columnOf("a", arrow.ListOf(text)), columnOf("b", arrow.StructOf(columnOf("c", arrow.PrimitiveTypes.Float64)))}, nil)
	whole := fileOf(t, s, `[{"a":["x","y"],"b":{"c":1.5}}`+strings.Repeat(`,{"a":[],"b":null}`, 50)+`]`)
	for n := range whole {
		if _, err := NewParquet("contacts", section(whole[:n])); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "(it is damaged or no Parquet; export it again. Nothing of it was sent)") {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// Whatever a byte of a file is changed to, the reader ends, with rows or with an error, and does not panic.
func TestADamagedParquetFileEndsTheReading(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{columnOf("a", arrow.ListOf(text)), columnOf("b", arrow.StructOf(columnOf("c", arrow.PrimitiveTypes.Float64))), {Name: "d", Type: arrow.PrimitiveTypes.Int32}}, nil)
	rows := `[{"a":["x","y"],"b":{"c":1.5},"d":1}` + strings.Repeat(`,{"a":[],"b":null,"d":2}`, 50) + `]`
	for _, options := range [][]parquet.WriterProperty{nil, {parquet.WithDataPageVersion(parquet.DataPageV2)}} {
		whole := fileOf(t, s, rows, options...)
		damaged := 0
		for i := range whole {
			for _, flip := range []byte{0x01, 0x20} {
				b := bytes.Clone(whole)
				b[i] ^= flip
				p, err := NewParquet("contacts", section(b))
				if err == nil {
					err = p.Read(t.Context(), func(push.Row) error { return nil })
				}
				if err != nil {
					damaged++
					if pipeline.KindOf(err) != pipeline.Invalid {
						t.Errorf("byte %d: %v", i, err)
					}
				}
			}
		}
		if damaged < len(whole)/3 {
			t.Errorf("of %d damaged files %d were found", 2*len(whole), damaged)
		}
	}
}

func TestTextsThatAreNoUTF8AreTheProblemOfTheirRow(t *testing.T) {
	node := schema.MustGroup(schema.NewGroupNode("root", parquet.Repetitions.Required, schema.FieldList{schema.NewByteArrayNode("a", parquet.Repetitions.Repeated, -1)}, -1))
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, node)
	g := w.AppendRowGroup()
	column, err := g.NextColumn()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := column.(*file.ByteArrayColumnChunkWriter).WriteBatch([]parquet.ByteArray{parquet.ByteArray("\xff"), parquet.ByteArray("y")}, []int16{1, 1}, []int16{0, 0}); err != nil {
		t.Fatal(err)
	}
	if err := errorsOf(column.Close(), g.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	p, err := NewParquet("contacts", section(out.Bytes()))
	if got := shown(t, p, err); got != "a\n1  (a is no JSON; its texts are to be UTF-8, and no member may come twice)\n2 json:[\"y\"]" {
		t.Errorf("%q", got)
	}
}

// A file is read a page at a time, however many rows a row group has.
func TestMemoryDoesNotGrowWithARowGroup(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{columnOf("a", arrow.ListOf(text)), columnOf("b", text)}, nil)
	long := func(rows int) []byte {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		defer b.Release()
		for i := range rows {
			list := b.Field(0).(*array.ListBuilder)
			list.Append(true)
			list.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprintf("+598912%05d", i))
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("%0200d", i))
		}
		rec := b.NewRecord()
		defer rec.Release()
		var out bytes.Buffer
		w, err := pqarrow.NewFileWriter(s, &out, parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(64<<10)), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		if err := errorsOf(w.Write(rec), w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	held := func(rows int) uint64 {
		p, err := NewParquet("contacts", section(long(rows)))
		if err != nil {
			t.Fatal(err)
		}
		var before, at, most runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		n := 0
		if err := p.Read(t.Context(), func(push.Row) error {
			if n++; n%(rows/4) == 0 {
				runtime.GC()
				runtime.ReadMemStats(&at)
				if at.HeapAlloc > most.HeapAlloc {
					most = at
				}
			}
			return nil
		}); err != nil || n != rows {
			t.Fatal(n, err)
		}
		return most.HeapAlloc - min(before.HeapAlloc, most.HeapAlloc)
	}
	small, large := held(2_000), held(40_000)
	t.Logf("%d and %d KiB", small>>10, large>>10)
	if large > small+1<<20 {
		t.Errorf("%d KiB for 2,000 rows, %d KiB for 40,000", small>>10, large>>10)
	}
}
