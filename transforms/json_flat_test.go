package transforms

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/windrow-data/windrow/pipeline"
)

// rowSpan is where a row of an array stands.
type rowSpan struct{ from, to int }

// rowSpans asks jsontext where the rows stand between brackets that are added;
// false: they are not valid.
func rowSpans(rows []byte) (spans []rowSpan, valid bool) {
	doc := append(append([]byte{'['}, rows...), ']')
	d := jsontext.NewDecoder(bytes.NewReader(doc), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		end := int(d.InputOffset()) - 1
		spans = append(spans, rowSpan{end - len(v), end})
	}
	_, err := d.ReadToken()
	return spans, err == nil && int(d.InputOffset()) == len(doc)
}

// FuzzFlatScan proves that the end of a row is found without looking inside
// it exactly where jsontext sees one, from any reads.
func FuzzFlatScan(f *testing.F) {
	for _, rows := range []string{
		`{"a":1},{"b":"x"}`, `{"a":"},{"},{"b":"\"},{\\"} ,` + "\r\n\t" + `{"c":{"d":1},"e":"\\\""},{}`,
		`1,{"a":{"b":{"c":null}},"d":{}},{"a":{}},"x",{"a":2},true`, `{"a":"\\\\\"{\\"},{"\"":"}"}`, ` {"a":",{"} , {"}":1} `,
		"{\"\xff\":1},{}", `{"a":"]"},{"a":"}"},{"a":"\u007b"}`,
	} {
		for _, cut := range []int{0, 3, 9, 20, 100} {
			f.Add([]byte(rows), cut, cut/2)
		}
	}
	f.Fuzz(func(t *testing.T, rows []byte, cut, read int) {
		spans, valid := rowSpans(rows)
		if !valid || len(spans) == 0 || bytes.IndexByte(rows, '[') >= 0 {
			t.Skip("no rows, or not flat")
		}
		first := spans[0].from
		b := rows[:first+max(cut, 0)%(len(rows)-first+1)]
		scan := flatScan{on: true, pos: first}
		if !scan.scan(b[:first+max(read, 0)%(len(b)-first+1)]) || !scan.scan(b) {
			t.Fatal("flat rows are not seen to be")
		}
		want := -1
		for i := range spans[1:] {
			if next := spans[i+1].from; rows[spans[i].from] == '{' && rows[next] == '{' && next < len(b) {
				want = spans[i].to
			}
		}
		if got := scan.lastRowEnd(b, first); got != want {
			t.Fatalf("the last row of %q ends at %d, want %d", b, got, want)
		}
	})
}

func TestRowsWithArraysAreWalkedThrough(t *testing.T) {
	rows := []byte(`{"a":[{"b":1},{"b":2}]},{"a":3}`)
	scan := flatScan{on: true}
	if !scan.scan(rows[:5]) || scan.scan(rows) {
		t.Error("an array was not seen")
	}
}

func TestAPartIsCutAtTheSameRowHoweverItWasFound(t *testing.T) {
	// The string with a bracket in the first row of a part makes the splitter
	// walk through that part; rows are as long with another byte in its place.
	cuts := func(mark string) (sizes []int) {
		row := `{"resource":"A` + mark + `\"},{","n":1,"o":{"k":{}}}`
		doc := "[" + strings.Repeat(row+",\n ", 3000) + row + "]"
		for c, err := range NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}).Split(strings.NewReader(doc), 70_000) {
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(c.Data))
		}
		return sizes
	}
	quick, walked := cuts("("), cuts("[")
	if len(quick) < 2 || len(quick) != len(walked) {
		t.Fatalf("%d and %d parts", len(quick), len(walked))
	}
	for i := range quick {
		if quick[i] != walked[i] {
			t.Errorf("part %d has %d bytes, and %d when walked through", i, quick[i], walked[i])
		}
	}
}
