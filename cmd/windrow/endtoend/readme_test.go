package endtoend

import (
	"database/sql"
	"fmt"
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
	for stream, where := range map[string]string{ // what the demo shows beside
		"dialpad.dispositions": "events WHERE kind = 'disposition' AND status LIKE '%~%' AND agent_email IS NOT NULL",
		"dialpad.csat":         "events WHERE kind = 'csat' AND score BETWEEN 1 AND 5",
		"dialpad.onduty_time":  "activity WHERE resource_type = 'user' AND status = 'occupied' AND status_seconds BETWEEN 1 AND 86400",
	} {
		table, condition, _ := strings.Cut(where, " WHERE ")
		queries = append(queries, []string{"", fmt.Sprintf(`SELECT local_date, count(*) AS n
			FROM read_parquet('./warehouse-demo/%s/**/*.parquet', hive_partitioning=true, union_by_name=true)
			WHERE stream = '%s' AND %s GROUP BY 1 HAVING n > 0`, table, stream, condition)})
	}
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
