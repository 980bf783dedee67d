package transforms

import (
	"reflect"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// healthFormats read the same rows from both kinds of document: the time as a number of instants, an id, and a count.
func healthFormats() map[string]pipeline.Format {
	m := Mapping{
		Table: pipeline.Activity,
		Fields: []Field{
			{Source: "id", Column: "resource_id"},
			{Source: "at", Conv: Custom},
			{Source: "n", Column: "answered", Conv: Count},
		},
		Keys: []string{"id"},
		Row: func(r *Row) {
			n, ok := parseCount(r.Raw(1))
			if !ok {
				r.RejectField(pipeline.NoInstant, 1, "is not a time")
				return
			}
			at := pipeline.Instant(n)
			r.At(at)
			r.SetString(pipeline.Activity.Index("resource_type"), "agent")
			r.SetString(pipeline.Activity.Index("channel"), "all")
			r.SetString(pipeline.Activity.Index("timezone"), "UTC")
			r.SetInstant(pipeline.Activity.Index("interval_start"), at)
			r.SetInstant(pipeline.Activity.Index("interval_end"), at+1)
		},
	}
	return map[string]pipeline.Format{"CSV": NewCSV(m, pipeline.Policy{}), "JSON": NewJSON(m, JSONOptions{}, pipeline.Policy{})}
}

// healthDocument has a row for each list of id, at and n, and the member extra, which no mapping knows.
func healthDocument(kind string, rows [][4]string) string {
	var list []string
	for _, r := range rows {
		if kind == "CSV" {
			list = append(list, strings.Join(r[:], ","))
			continue
		}
		var members []string
		for i, name := range [...]string{"id", "at", "n", "extra"} {
			members = append(members, `"`+name+`":"`+r[i]+`"`)
		}
		list = append(list, "{"+strings.Join(members, ",")+"}")
	}
	if kind == "CSV" {
		return "id,at,n,extra\n" + strings.Join(list, "\n") + "\n"
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestD_EachWindowShowsItsFirstUnreadableValue(t *testing.T) {
	rows := [][4]string{
		{"a", "0", "1", "x"}, {"b", "1", "34s", "x"}, {"c", "2", "1234", ""}, {"d", "never", "5s", "x"},
		{"e", "10", "7;5", "x"}, {"f", "11", "", "\xff"}, {"g", "3", "8s", "x"}, {"h", "50", "9s", "x"}, {"i", "12", "x9s", "x"},
	}
	window := func(from, to pipeline.Instant) pipeline.Window {
		return pipeline.Window{Span: pipeline.Span{Start: from, End: to}, Zone: "UTC"}
	}
	meta := &pipeline.Meta{Span: pipeline.Span{Start: 0, End: 20}, Request: pipeline.Request{Windows: []pipeline.Window{window(0, 10), window(10, 20)}}}
	full := func(n int64) pipeline.FieldHealth { return pipeline.FieldHealth{There: true, Filled: n} }
	for kind, f := range healthFormats() {
		b := pipeline.NewBatch(pipeline.Activity)
		for c, err := range f.Split(strings.NewReader(healthDocument(kind, rows)), 1<<20) {
			if err == nil {
				err = f.Decode(meta, c, b)
			}
			if err != nil {
				t.Fatal(kind, err)
			}
		}
		if err := b.Finish(); err != nil || b.Rows() != 8 {
			t.Fatalf("%s: %d rows, %v", kind, b.Rows(), err)
		}
		first := b.Tally([]pipeline.RowRange{{From: 0, To: 3}, {From: 5, To: 6}})
		if want := []pipeline.FieldHealth{full(4), full(4), {There: true, Filled: 4, Unreadable: 2, Row: 2, Shape: "99a"}}; !reflect.DeepEqual(first.Health, want) || len(first.Others) > 0 {
			t.Errorf("%s: the first window is %+v", kind, first)
		}
		second := b.Tally([]pipeline.RowRange{{From: 3, To: 5}, {From: 7, To: 8}})
		if want := []pipeline.FieldHealth{full(3), full(3), {There: true, Filled: 2, Unreadable: 2, Row: 5, Shape: "9;9"}}; !reflect.DeepEqual(second.Health, want) ||
			!reflect.DeepEqual(second.Others, pipeline.FieldCounts{"extra": 1}) {
			t.Errorf("%s: the second window is %+v", kind, second)
		}
		b.Release()
	}
}

func TestD_AnObjectWhereAValueShouldBeCannotBeRead(t *testing.T) {
	got, err := decodeDocument(NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}),
		strings.NewReader(`[{"resource":"a","n":{"value":1},"x":[2],"label":"A"},{"resource":"b","n":3,"x":4}]`), 1<<20)
	if want := (pipeline.FieldCounts{"n": 1, "x": 1}); err != nil || !reflect.DeepEqual(got.unreadable, want) {
		t.Errorf("it counts %v, %v", got.unreadable, err)
	}
	if e := got.rows[0]["extras"]; !strings.Contains(e, `"n":{"value":1}`) || !strings.Contains(e, `"x":[2]`) {
		t.Errorf("extras are %s", e)
	}
}

// TestD_WhatADocumentHas: a header tells what a table has. In JSON each row does, and a member that is null is there.
func TestD_WhatADocumentHas(t *testing.T) {
	tests := []struct {
		name, doc string
		there     []bool // of id, at and n, over all rows
		unnamed   []string
		rows      int64
	}{
		{"a header", "at,id,new,n\n1,a,,\n", []bool{true, true, true}, []string{"new"}, 1},
		{"a header without a field", "id,at,m\na,1,5\n", []bool{true, true, false}, []string{"m"}, 1},
		{"a header with names between quotes and a mark", "\uFEFF\"id\",\"at\",\" n \"\na,1,5\n", []bool{true, true, true}, nil, 1},
		{"members", `[{"id":"a","at":1,"n":4,"new":{"n":1}}]`, []bool{true, true, true}, []string{"new"}, 1},
		{"members that are null, blank and a placeholder", `[{"id":"a","at":1,"n":null},{"id":"b","at":2},{"id":"c","at":3}]`, []bool{true, true, true}, nil, 3},
		{"a blank one", `[{"id":"a","at":1},{"id":"b","at":2,"n":" "}]`, []bool{true, true, true}, nil, 2},
		{"a placeholder", `[{"id":"a","at":1,"n":"N/A"}]`, []bool{true, true, true}, nil, 1},
		{"an object in its place", `[{"id":"a","at":1,"n":{}}]`, []bool{true, true, true}, nil, 1},
		{"in a rejected row alone", `[{"id":"a","at":1},{"id":"b","at":"never","n":4}]`, []bool{true, true, false}, nil, 1},
		{"in no row", `[{"id":"a","at":1,"N":4}]`, []bool{true, true, false}, []string{"N"}, 1},
	}
	formats := healthFormats()
	for _, tt := range tests {
		f := formats["CSV"]
		if tt.doc[0] == '[' {
			f = formats["JSON"]
		}
		b := pipeline.NewBatch(pipeline.Activity)
		for c, err := range f.Split(strings.NewReader(tt.doc), 1<<20) {
			if err == nil {
				err = f.Decode(&pipeline.Meta{}, c, b)
			}
			if err != nil {
				t.Fatal(tt.name, err)
			}
		}
		if err := b.Finish(); err != nil {
			t.Fatal(tt.name, err)
		}
		got := b.Tally([]pipeline.RowRange{{From: 0, To: b.Rows()}})
		var there []bool
		for _, h := range got.Health {
			there = append(there, h.There)
		}
		if !reflect.DeepEqual(there, tt.there) || !reflect.DeepEqual(got.Unnamed, tt.unnamed) || got.Rows != tt.rows || got.Header != (tt.doc[0] != '[') {
			t.Errorf("%s: %v, %v of %d rows, a header: %v", tt.name, there, got.Unnamed, got.Rows, got.Header)
		}
		b.Release()
	}
}
