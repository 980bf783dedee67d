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
	views := exec.CommandContext(t.Context(), binary, "views", "--apply")
	views.Dir, views.Env = dir, append(os.Environ(), "WINDROW_SINK=warehouse-demo")
	if out, err := views.CombinedOutput(); err != nil {
		t.Fatalf("windrow views --apply: %v\n%s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(dir, "warehouse-demo", "_windrow", "views.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(made)); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		queries = append(queries, strings.Split(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(block[1]), ";")), ";\n")...)
	}
	if len(queries) != 10 {
		t.Fatalf("the README answers %d questions, not ten", len(queries))
	}
	for stream, where := range map[string]string{ // what the demo shows beside
		"dialpad.dispositions": "events WHERE kind = 'disposition' AND status LIKE '%~%' AND agent_email IS NOT NULL",
		"dialpad.csat":         "events WHERE kind = 'csat' AND score BETWEEN 1 AND 5",
		"dialpad.onduty_time":  "activity WHERE resource_type = 'user' AND status = 'occupied' AND status_seconds BETWEEN 1 AND 86400",
	} {
		table, condition, _ := strings.Cut(where, " WHERE ")
		queries = append(queries, fmt.Sprintf(`SELECT local_date, count(*) AS n
			FROM read_parquet('./warehouse-demo/%s/**/*.parquet', hive_partitioning=true, union_by_name=true)
			WHERE stream = '%s' AND %s GROUP BY 1 HAVING n > 0`, table, stream, condition))
	}
	_, printed, _ := strings.Cut(string(out), "In DuckDB:\n")
	printed, _, _ = strings.Cut(printed, ";")
	for _, q := range append(queries, printed) {
		rows, filled := scan(t, db, strings.ReplaceAll(q, "./warehouse-demo", filepath.Join(dir, "warehouse-demo")))
		if strings.Contains(q, "FROM restatements") { // nothing was read again
			continue
		}
		if rows == 0 || !filled {
			t.Errorf("%d rows, a value in every column somewhere: %t\n%s", rows, filled, q)
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
