package googlesql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var testdata = filepath.Join("..", "..", "sinks", "bigquery", "internal", "statement", "testdata")

// newAnalyser knows the tables of the sink.
func newAnalyser(t *testing.T) (*Analyser, Dataset) {
	t.Helper()
	d, err := ReadDataset(filepath.Join(testdata, "tables.json"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return a, d
}

type named struct{ name, sql string }

// readStatements reads statements.sql: each script begins with a line "-- name".
func readStatements(t *testing.T) []named {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testdata, "statements.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var list []named
	for _, part := range strings.Split("\n"+string(text), "\n-- ")[1:] {
		name, sql, _ := strings.Cut(part, "\n")
		list = append(list, named{name, strings.TrimSpace(sql)})
	}
	if len(list) == 0 {
		t.Fatal("no statement on file")
	}
	return list
}

func TestEveryStatementIsGoogleSQLThatBigQueryTakes(t *testing.T) {
	a, _ := newAnalyser(t)
	for _, s := range readStatements(t) {
		t.Run(s.name, func(t *testing.T) {
			list, err := a.Analyse(s.sql)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range a.Check(s.sql, list) {
				t.Error(fault)
			}
			if !strings.HasPrefix(s.name, "view ") {
				return
			}
			for _, fault := range CheckView(s.sql, list) {
				t.Error(fault)
			}
		})
	}
}

func TestEveryTableIsOneThatBigQueryTakes(t *testing.T) {
	_, d := newAnalyser(t)
	if len(d.Tables) < 7 {
		t.Errorf("%d tables on file", len(d.Tables))
	}
	for _, table := range d.Tables {
		for _, fault := range CheckTable(table) {
			t.Error(fault)
		}
	}
}
