package inbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func TestDatesWithTheYearAtTheirEndAreReadWhereARowProvesTheirOrder(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want, fault string }{
		{"the day first", "Fecha;P\n05/09/2025;9\n13/09/2025 8:05;3\n", "Fecha,P\n2025-09-05,9\n2025-09-13 08:05,3\n", ""},
		{"the month first", "Fecha,P\n9/5/2025 1:05:07 PM,9\n9/13/2025 12:30 a. m.,3\n", "Fecha,P\n2025-09-05 13:05:07,9\n2025-09-13 00:30,3\n", ""},
		{"hyphens, dots and a comma", "P,Fecha\n9,13-09-2025 10:00\n9,\"05.09.2025, 10:00:01\"\n", "P,Fecha\n9,2025-09-13 10:00\n9,2025-09-05 10:00:01\n", ""},
		{"no row proves it", "Fecha,P\n09/09/2025,9\n05/09/2025,3\n", "", "such as 05/09/2025, may have the day or the month first, and no row tells which"},
		{"rows contradict", "Fecha,P\n13/09/2025,9\n09/13/2025,3\n", "", "some of its dates have the day first, others the month"},
		{"it makes no difference", "Fecha,P\n09/09/2025 10:00,9\n", "Fecha,P\n2025-09-09 10:00,9\n", ""},
		{"beside others", "Fecha,P\n2025-09-05 10:00,9\n13/09/2025,9\n,9\nhoy,9\n", "Fecha,P\n2025-09-05 10:00,9\n2025-09-13,9\n,9\nhoy,9\n", ""},
		{"beside others, without proof: the row is rejected by who reads it", "Fecha,P\n2025-09-05,9\n05/09/2025,9\n", "Fecha,P\n2025-09-05,9\n05/09/2025,9\n", ""},
		{"another column's dates are not touched", "Fecha,Otra\n2025-09-05,05/09/2025\n", "Fecha,Otra\n2025-09-05,05/09/2025\n", ""},
		{"the last row without an end", "\ufeff\"Fecha\",P\n13/09/2025,9\n13/09/2025,1", "Fecha,P\n2025-09-13,9\n2025-09-13,1", ""},
		{"irregular quotes, a row with cells less", "P,Fecha\n9\n8 \"x\",13/09/2025\n", "P,Fecha\n9\n\"8 \"\"x\"\"\",2025-09-13\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := lookInto(t, folderOf(t, map[string][]byte{"x.csv": []byte(tc.text)}))
			if len(got) != 1 || tc.fault != "" && !strings.Contains(got[0].fault, tc.fault) || tc.fault == "" && !slices.Equal(got, []seen{{name: "x.csv", text: tc.want}}) {
				t.Errorf("%+q, want %q%q", got, tc.want, tc.fault)
			}
		})
	}
}

func TestDatesThatAWorkbookHasAsTextAreReadToo(t *testing.T) {
	t.Parallel()
	book := workbook(t, func(f *excelize.File) {
		rows(f, "Sheet1", []any{"Fecha", "P"}, []any{"13/09/2025 10:00", 9}, []any{45908.5, 8})
	})
	if got := lookInto(t, folderOf(t, map[string][]byte{"x.xlsx": book})); len(got) != 1 || got[0].text != "Fecha,P\n2025-09-13 10:00,9\n2025-09-08 12:00:00,8\n" {
		t.Errorf("%+q", got)
	}
}
