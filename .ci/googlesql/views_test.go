package googlesql

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-googlesql"
)

// viewFunctions are those that analysts' views need beside the sink's own.
var viewFunctions = []string{
	"$divide", "$extract", "$extract_date", "$multiply", "$subtract", "$case_with_value", "count", "date", "generate_date_array", "mod", "nullif", "sum", "timestamp",
	"timestamp_diff", "timestamp_sub", "timestamp_trunc",
}

// The views that `windrow views` makes, over the sink's tables and over each other. The columns on file are those of the
// double that executes them: the analyser must find the same names and types.
func TestEveryViewForAnalystsIsGoogleSQLThatBigQueryTakes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "sinks", "views", "testdata", "bigquery.json"))
	if err != nil {
		t.Fatal(err)
	}
	var views []struct {
		Table
		SQL string `json:"sql"`
	}
	if err := json.Unmarshal(text, &views); err != nil {
		t.Fatal(err)
	}
	d, err := ReadDataset(filepath.Join(testdata, "tables.json"))
	if err != nil {
		t.Fatal(err)
	}
	// The sink's own view, which the views read.
	d.Tables = append(d.Tables, Table{Name: "_windrow_watermarks", Columns: []string{
		"source STRING NULLABLE", "account STRING NULLABLE", "stream STRING NULLABLE", "watermark TIMESTAMP NULLABLE",
	}})
	for _, v := range views {
		d.Tables = append(d.Tables, v.Table)
	}
	a, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	own := functions
	functions = slices.Concat(own, viewFunctions)
	defer func() { functions = own }()
	for _, v := range views {
		t.Run(v.Name, func(t *testing.T) {
			list, err := a.Analyse(v.SQL)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range checkKinds(list[0]) {
				t.Error(fault)
			}
			for _, fault := range CheckView(v.SQL, list) {
				t.Error(fault)
			}
			columns, err := outputs(list[0])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(columns, v.Columns) {
				t.Errorf("the columns are\n%v\nand on file\n%v", columns, v.Columns)
			}
		})
	}
	if len(views) < 14 {
		t.Errorf("%d views on file", len(views))
	}
}

// outputs are the columns of a query as tables on file have them: "name TYPE MODE".
func outputs(s Statement) ([]string, error) {
	q, ok := s.Root.(*googlesql.ResolvedQueryStmt)
	if !ok {
		return nil, fmt.Errorf("a view that is not a query")
	}
	var list []string
	for _, c := range must(q.OutputColumnList()) {
		typ := must(must(must(c.Column()).Type()).DebugString(false))
		mode := "NULLABLE"
		if of, found := strings.CutPrefix(typ, "ARRAY<"); found {
			typ, mode = strings.TrimSuffix(of, ">"), "REPEATED"
		}
		if legacy, is := map[string]string{"INT64": "INTEGER", "DOUBLE": "FLOAT", "BOOL": "BOOLEAN"}[typ]; is {
			typ = legacy
		}
		list = append(list, must(c.Name())+" "+typ+" "+mode)
	}
	return list, nil
}
