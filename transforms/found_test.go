package transforms

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestG_TheHeaderThatWasFoundIsNamed(t *testing.T) {
	m := &Mapping{Keys: []string{"date", "user_id"}, Fields: []Field{{Source: "date"}, {Source: "user_id"}, {Source: "all_calls"}}, Harmless: []string{"office 12345"}}
	for _, c := range []struct{ found, want string }{
		{"Fecha,Agente", "found instead: Fecha, Agente"},
		{"fecha;agente;llamadas", "found instead: fecha;agente;llamadas"},
		{"2025-09-08,Ana Lopez,ana@shop.example", "found instead: 9999-99-99, aaa aaaaa, aaa@aaaa.aaaaaaa"},
		{"a,b,c,d,e,f,g,h,i,j", "g, h, 2 more"},
		{"Ana,Ventas,12", "found instead: aaa, aaaaaa, 99"},
		{"Ana,Ventas,true", "found instead: aaa, aaaaaa, aaaa"},
		{"Ana,Ventas,N/A", "found instead: aaa, aaaaaa, a/a"},
		{"Ana López,Ventas", "found instead: aaa aaaaa, aaaaaa"},
		{"all_calls,Ana López,1:02:03", "found instead: aaa_aaaaa, aaa aaaaa, 9:99:99"},
		{"Date,All Calls,Ana López", "found instead: Date, All Calls, Ana López"}, // most of them are names
		{"Office 12345,Date,Total Calls", "found instead: Office 12345, Date, Total Calls"},
		{"Ana;Ventas;12", "found instead: aaa;aaaaaa;99"},
		{"date;user_id;all_calls", "found instead: date;user_id;all_calls"},
		{"No data available", "found instead: No data available"},
		{"Call Report", "found instead: Call Report"},
	} {
		h := &csvHeader{}
		for _, name := range strings.Split(c.found, ",") {
			h.columns = append(h.columns, csvColumn{source: name})
		}
		err := h.check(&compiledMapping{Mapping: *m}, false)
		if err == nil || !strings.Contains(err.Error(), "lacks ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v does not say %q", err, c.want)
		}
		if shapes := strings.ContainsAny(c.want, "9/") || strings.Contains(c.want, "aaa"); strings.Contains(err.Error(), "begin with a row") != shapes && c.found != "Office 12345,Date,Total Calls" {
			t.Errorf("%v", err)
		}
	}
}

func TestG_TheKeysOfAnObjectMayBeValues(t *testing.T) {
	names := strings.Join(memberNames([]byte(`{"status": 1, "ana@shop.example": {}, "+1 555 010": 2}`)), " ")
	if want := "status aaa@aaaa.aaaaaaa +9 999 999"; names != want {
		t.Errorf("%q, want %q", names, want)
	}
}

// What stood in a field that is blank to us is shown all the same: the vendor's placeholder.
func TestG_APlaceholderShowsItsShape(t *testing.T) {
	for cell, want := range map[string]string{"N/A": "a/a", "None": "aaaa", "-": "-", "": "", "  ": ""} {
		for _, document := range []struct {
			format pipeline.Format
			text   string
		}{
			{NewCSV(testMapping(), pipeline.Policy{}), minimal + cell + ",2025-09-08 10:00:00,Call,UTC\n" + row1},
			{NewJSON(testMapping(), JSONOptions{}, pipeline.Policy{}), `[{"id":"` + cell + `","started":"2025-09-08 10:00:00","kind":"Call","zone":"UTC"}]`},
		} {
			got, err := load(t, document.format, &testMeta, strings.NewReader(document.text), rangeOf)
			if cell != "None" && cell != "N/A" && cell != "-" && len(got.rejects) == 0 {
				continue // a JSON object without keys is damage
			}
			if err != nil || len(got.rejects) != 1 || got.rejects[0].Field != "id" || got.rejects[0].Shape != want {
				t.Errorf("%q in %.20s: %+v, %v", cell, document.text, got.rejects, err)
			}
		}
	}
}
