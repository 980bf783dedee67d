package transforms

import (
	"strings"
	"testing"
)

func TestG_TheHeaderThatWasFoundIsNamed(t *testing.T) {
	for _, c := range []struct{ found, want string }{
		{"Fecha,Agente", "found instead: Fecha, Agente"},
		{"fecha;agente;llamadas", "found instead: fecha;agente;llamadas"},
		{"2025-09-08,Ana Lopez,ana@shop.example", "found instead: 9999-99-99, aaa aaaaa, aaa@aaaa.aaaaaaa"},
		{"a,b,c,d,e,f,g,h,i,j", "g, h, 2 more"},
	} {
		h := &csvHeader{}
		for _, name := range strings.Split(c.found, ",") {
			h.columns = append(h.columns, csvColumn{source: name})
		}
		err := h.check(&Mapping{Keys: []string{"date", "user_id"}}, false)
		if err == nil || !strings.Contains(err.Error(), "lacks date, user_id") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v does not say %q", err, c.want)
		}
	}
}
