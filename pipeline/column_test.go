package pipeline

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// columnKinds are a column of every type that the tables have.
var columnKinds = []Column{
	{Name: "string", Type: stringType, HighCardinality: true}, {Name: "string that repeats", Type: stringType},
	{Name: "int", Type: intType}, {Name: "float", Type: floatType}, {Name: "bool", Type: boolType},
	{Name: "date", Type: dateType}, {Name: "timestamp", Type: Timestamp}, {Name: "list", Type: tagsType},
}

// twin is a column and the Arrow builder that is told the same.
type twin struct {
	*column
	builder array.Builder
	rng     *rand.Rand
}

func newTwin(c Column, rng *rand.Rand) twin {
	return twin{newColumn(c), array.NewBuilder(memory.DefaultAllocator, c.Type), rng}
}

// word is short, and often one that came before.
func (w twin) word() string {
	return []string{"", "wörd", "a", "b", "wörd and more"}[w.rng.IntN(5)]
}

func (w twin) add() {
	n := w.rng.Int64()
	switch b := w.builder.(type) {
	case *array.StringBuilder:
		v := w.word()
		w.addString(v)
		b.Append(v)
	case *array.Int64Builder:
		w.addWord(uint64(n))
		b.Append(n)
	case *array.Float64Builder:
		w.addWord(uint64(n) >> 2) // no NaN, which is unlike itself
		b.AppendValues(arrow.Float64Traits.CastFromBytes(arrow.Uint64Traits.CastToBytes([]uint64{uint64(n) >> 2})), nil)
	case *array.BooleanBuilder:
		w.addBool(n%2 == 0)
		b.Append(n%2 == 0)
	case *array.Date32Builder:
		w.addDay(int32(n))
		b.Append(arrow.Date32(n))
	case *array.TimestampBuilder:
		w.addWord(uint64(n))
		b.Append(arrow.Timestamp(n))
	case *array.ListBuilder:
		w.addList()
		b.Append(true)
		for range w.rng.IntN(4) {
			v := w.word()
			w.items.addString(v)
			b.ValueBuilder().(*array.StringBuilder).Append(v)
		}
	}
}

func (w twin) addNull(n int) {
	w.addNulls(n)
	w.builder.AppendNulls(n)
}

// text is an array's values, whether they come as a dictionary or not.
func text(a arrow.Array) []string {
	list := make([]string, a.Len())
	for i := range list {
		list[i] = a.ValueStr(i)
		if a.IsNull(i) {
			list[i] = "(null)"
		}
	}
	return list
}

func TestAColumnHoldsWhatABuilderHolds(t *testing.T) {
	for _, kind := range columnKinds {
		t.Run(kind.Name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(len(kind.Name))))
			source, copied := newTwin(kind, rng), newColumn(kind)
			for round := range 40 { // the memory is used again and again
				source.column.reset()
				copied.reset()
				for range rng.IntN(60) {
					switch rng.IntN(5) {
					case 0:
						source.addNull(rng.IntN(12))
					default:
						source.add()
					}
				}
				want := source.builder.NewArray()
				got := source.array()
				if fmt.Sprint(text(got)) != fmt.Sprint(text(want)) || got.NullN() != want.NullN() {
					t.Fatalf("round %d: the column holds\n%v, the builder\n%v", round, text(got), text(want))
				}
				var expect []string
				for range 5 {
					from := rng.IntN(want.Len() + 1)
					to := from + rng.IntN(want.Len()-from+1)
					if rng.IntN(3) == 0 && from < want.Len() {
						to = from + 1
					}
					copied.addRange(source.column, from, to)
					expect = append(expect, text(want)[from:to]...)
				}
				if got := copied.array(); fmt.Sprint(text(got)) != fmt.Sprint(expect) {
					t.Fatalf("round %d: the copy holds\n%v, not\n%v", round, text(got), expect)
				}
			}
		})
	}
}

func TestADictionaryHoldsEachStringOnce(t *testing.T) {
	c := newColumn(Column{Type: stringType})
	for i := range 5000 {
		c.addString(fmt.Sprint(i % 1000))
	}
	if n := c.dictionary.values.rows; n != 1000 {
		t.Fatalf("1000 distinct strings are held as %d", n)
	}
	for i := range 5000 {
		if got := string(c.textAt(i)); got != fmt.Sprint(i%1000) {
			t.Fatalf("row %d holds %q", i, got)
		}
	}
	c.reset()
	c.addString("new")
	if n := c.dictionary.values.rows; n != 1 || string(c.textAt(0)) != "new" {
		t.Fatalf("after the reset %d strings are held, and row 0 holds %q", n, c.textAt(0))
	}
}
