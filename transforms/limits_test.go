package transforms

import (
	"bytes"
	"fmt"
	"io"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// allocated is how many bytes do allocates, garbage included: no less than what it has in memory at once.
func allocated(do func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	do()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// parse reads a document as the engine does, and forgets its rows.
func parse(f pipeline.Format, doc io.Reader, rangeBytes int) (rows, rejects int, err error) {
	var v verdict
	for chunk, err := range f.Split(doc, rangeBytes) {
		if err != nil {
			return rows, rejects, err
		}
		batch := pipeline.NewBatch(tableOf(f))
		if err = f.Decode(&testMeta, chunk, batch); err == nil {
			err = v.judge(batch, int64(rows+rejects))
		}
		if chunk.Free != nil {
			chunk.Free()
		}
		rows, rejects = rows+batch.Rows(), rejects+batch.Rejects.Len()
		batch.Release()
		if err != nil {
			return rows, rejects, err
		}
	}
	return rows, rejects, v.end()
}

// rangeOf is the range of a sync.
const rangeOf = 4 << 20

func TestADocumentOfTooManyColumnsIsMalformedAtOnce(t *testing.T) {
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"m%d":1`, i)
		}
		return b.String()
	}
	list := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	around := NewJSON(jsonMapping, JSONOptions{Rows: "operators"}, pipeline.Policy{})
	table := NewCSV(testMapping(), pipeline.Policy{})
	for _, c := range []struct {
		name, doc string
		format    pipeline.Format
		says      string
	}{
		{"16 MB of commas as a header", strings.Repeat(",", 16_000_000), table, "the header is longer than 256 KiB"},
		{"16 MB of commas as a header, read leniently", strings.Repeat(",", 16_000_000), table.Lenient(), "the header is longer than 256 KiB"},
		{"16 MB of commas between two lines", minimal + strings.Repeat(",", 16_000_000) + "\n" + row1, table, ""},
		{"a column too many", strings.Repeat("a,", 4096) + "a\n", table, "the header has 4097 columns, more than 4096"},
		{"a column too many, read leniently", strings.Repeat("a,", 4096) + "a\n", table.Lenient(), "the header has 4097 columns, more than 4096"},
		{"a name that is too long", minimal[:len(minimal)-1] + "," + strings.Repeat("n", maxName+1) + "\n", table, "the name of column 5 is longer than 1024 bytes"},
		{"as many columns as there may be", minimal[:len(minimal)-1] + strings.Repeat(",a", 4092) + "\n", table, ""},
		{"as many members as there may be", `[{"resource":"A"` + members(4095) + `}]`, list, ""},
		{"a member too many", `[{"resource":"A"` + members(4096) + `}]`, list, "row 1: it has more than 4096 members"},
		{"a million members", `[{"resource":"A"},{"resource":"A"` + members(1_000_000) + `}]`, list, "it has more than 4096 members"},
		{"a million members around the rows", `{"operators":[]` + members(1_000_000) + `}`, around, "more than 4096 members around its rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			used := allocated(func() { _, _, err = parse(c.format, strings.NewReader(c.doc), rangeOf) })
			if c.says == "" && err != nil || c.says != "" && (pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if most := uint64(6*len(c.doc) + 8<<20); used > most {
				t.Errorf("%d MiB were allocated for %d bytes, more than %d MiB", used>>20, len(c.doc), most>>20)
			}
		})
	}
}

func TestEqualNamesCostWhatDifferentOnesCost(t *testing.T) {
	cells := func(name func(int) string) (head []byte, all []cell) {
		for i := range 25_000 {
			from := len(head)
			head = append(head, name(i)...)
			all = append(all, cell{lo: from, hi: len(head)})
			head = append(head, ',')
		}
		return head, all
	}
	different, ofDifferent := cells(func(i int) string { return fmt.Sprint("a", i) })
	equal, ofEqual := cells(func(int) string { return "a" })
	near, ofNear := cells(func(i int) string { return fmt.Sprint("a_", i%100) }) // invented names meet real ones
	cost := func(head []byte, all []cell) (names []string, used uint64) {
		used = allocated(func() { names = uniqueNames(head, all) })
		return names, used
	}
	_, most := cost(different, ofDifferent)
	for _, c := range []struct {
		head []byte
		all  []cell
	}{{equal, ofEqual}, {near, ofNear}} {
		names, used := cost(c.head, c.all)
		if used > 3*most {
			t.Errorf("%q…: %d bytes were allocated, %d for different names", c.head[:10], used, most)
		}
		seen := make(map[string]bool, len(names))
		for _, n := range names {
			if seen[n] {
				t.Fatalf("%s comes twice", n)
			}
			seen[n] = true
		}
	}
	names, _ := cost(equal, ofEqual)
	if names[0] != "a" || names[1] != "a_2" || names[24_999] != "a_25000" {
		t.Errorf("got %s, %s … %s", names[0], names[1], names[24_999])
	}
}

func TestRowsWithoutACommonNameAreForgotten(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteByte('[')
	rows := 0
	for ; doc.Len() < rangeOf; rows++ {
		fmt.Fprintf(&doc, `{"resource":"A","n%d":1},`, rows)
	}
	doc.WriteString(`{"n0":1,"resource":"B"}]`)
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	d := newJSONDecoder(f.(*jsonFormat), &testMeta, pipeline.Chunk{}, pipeline.NewBatch(pipeline.Activity))
	if problem := d.decode(pipeline.Chunk{Data: doc.Bytes()[1 : doc.Len()-1]}); problem != "" {
		t.Fatal(problem)
	}
	if d.row.into.Rows() != rows+1 || d.row.into.Rejects.Len() > 0 {
		t.Errorf("%d rows and %d rejects of %d", d.row.into.Rows(), d.row.into.Rejects.Len(), rows+1)
	}
	if n := len(d.spelled) + len(d.members); n > 4*maxColumns {
		t.Errorf("%d names are kept", n)
	}
}

func TestLongNamesMakeShortRanges(t *testing.T) {
	name := strings.Repeat("n", maxName-8)
	var doc strings.Builder
	doc.WriteString(strings.TrimSuffix(minimal, "\n"))
	for i := range 200 {
		fmt.Fprintf(&doc, ",%s%d", name, i)
	}
	doc.WriteByte('\n')
	row := strings.TrimSuffix(row1, "\n") + strings.Repeat(",x", 200) + "\n"
	rows := rangeOf / len(row)
	doc.WriteString(strings.Repeat(row, rows))
	var most, got int
	f := NewCSV(testMapping(), pipeline.Policy{})
	for chunk, err := range f.Split(strings.NewReader(doc.String()), rangeOf) {
		if err != nil {
			t.Fatal(err)
		}
		batch := pipeline.NewBatch(pipeline.Events)
		if err := f.Decode(&testMeta, chunk, batch); err != nil {
			t.Fatal(err)
		}
		most, got = max(most, batch.Rows()), got+batch.Rows()
		batch.Release()
	}
	if got != rows || most*200*len(name) > 2*maxGrowth*rangeOf {
		t.Errorf("%d of %d rows, at most %d in a range: that is %d MiB of names", got, rows, most, most*200*len(name)>>20)
	}
}

func TestARangeHasABoundedNumberOfRows(t *testing.T) {
	const rows = 3*maxRangeRows + 7
	short := Mapping{Table: pipeline.Activity, Fields: []Field{{Source: "resource", Column: "resource_id"}}, Keys: []string{"resource"}, Row: jsonMapping.Row}
	csv := NewCSV(short, pipeline.Policy{})
	lines := "resource,a\n" + strings.Repeat("A,\n", rows)
	objects := "[" + strings.Repeat(`{"resource":1},`, rows-1) + ` {"resource":"last"} ]`
	for _, c := range []struct {
		name, doc string
		format    pipeline.Format
		rejects   int
	}{
		{"CSV", lines, csv, 0},
		{"CSV without a last line end", strings.TrimSuffix(lines, "A,\n") + "A,\"\"", csv, 0},
		{"CSV, read leniently", lines, csv.Lenient(), 0},
		{"records of many lines", "resource,a\n" + strings.Repeat("A,\"\n\n\"\n", rows), csv, 0},
		{"one record of very many lines", lines + "A,\"" + strings.Repeat("\n", 2*maxRangeRows) + "\"\n", csv, -1},
		{"JSON", objects, NewJSON(short, JSONOptions{}, pipeline.Policy{}), 0},
		{"JSON with values that are no objects", strings.Replace(objects, "[", "[1,[2,{}],null ,", 1), NewJSON(short, JSONOptions{}, pipeline.Policy{}), 3},
		{"JSON inside an object", `{"operators":` + objects + `}`, NewJSON(short, JSONOptions{Rows: "operators"}, pipeline.Policy{}), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got, rejects, most int
			for chunk, err := range c.format.Split(strings.NewReader(c.doc), rangeOf) {
				if err != nil {
					t.Fatal(err)
				}
				batch := pipeline.NewBatch(pipeline.Activity)
				if err := c.format.Decode(&pipeline.Meta{Span: pipeline.Span{Start: 0, End: 1e6}}, chunk, batch); err != nil {
					t.Fatal(err)
				}
				if chunk.Free != nil {
					chunk.Free()
				}
				got, rejects, most = got+batch.Rows(), rejects+batch.Rejects.Len(), max(most, batch.Rows())
				batch.Release()
			}
			want := rows
			if c.rejects < 0 {
				want, c.rejects = rows+1, 0
			}
			if got != want || rejects != c.rejects || most > maxRangeRows {
				t.Errorf("%d rows of %d, %d rejects of %d, at most %d rows in a range", got, want, rejects, c.rejects, most)
			}
		})
	}
}
