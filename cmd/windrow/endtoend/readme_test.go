package endtoend

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's queries are run as they stand there, on what the demo leaves.
func TestTheReadmesQueriesRunOnTheDemosWarehouse(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "windrow")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/windrow-data/windrow/cmd/windrow").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	demo := exec.CommandContext(t.Context(), binary, "demo")
	demo.Dir = dir
	out, err := demo.Output()
	if err != nil {
		t.Fatalf("windrow demo: %v\n%s", err, out)
	}
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	queries := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(queries) < 3 {
		t.Fatalf("the README has %d queries, want three", len(queries))
	}
	_, printed, _ := strings.Cut(string(out), "In DuckDB:\n")
	printed, _, _ = strings.Cut(printed, ";")
	queries = append(queries, []string{"", printed})

	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range queries {
		query := strings.ReplaceAll(q[1], "./warehouse-demo", filepath.Join(dir, "warehouse-demo"))
		rows, filled := scan(t, db, query)
		if rows == 0 || !filled {
			t.Errorf("%d rows, a value in every column somewhere: %t\n%s", rows, filled, q[1])
		}
	}
}

// scan counts a query's rows and tells whether every column has a value in one of them.
func scan(t *testing.T, db *sql.DB, query string) (n int, filled bool) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]bool, len(columns))
	for rows.Next() {
		n++
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			seen[i] = seen[i] || *v.(*any) != nil
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	filled = true
	for _, s := range seen {
		filled = filled && s
	}
	return n, filled
}
