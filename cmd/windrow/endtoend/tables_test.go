package endtoend

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/windrow-data/windrow/cmd/windrow/internal/warehousetest"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// query runs DuckDB's SQL over the warehouse and returns the rows as text, tab
// between columns. {activity}, {events} and {rejects} stand for the tables;
// either has a column date, the local date of the window's start.
func query(t *testing.T, root, text string) []string {
	t.Helper()
	for _, table := range []string{"activity", "events", "rejects"} {
		if name := "{" + table + "}"; strings.Contains(text, name) {
			text = strings.ReplaceAll(text, name, tableIn(t, root, table))
		}
	}
	var rows [][]any
	if isBigQuery(root) {
		var err error
		if rows, err = serverOf(t, root).QueryDuckDB(t.Context(), text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	} else {
		rows = queryFiles(t, text)
	}
	out := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, c := range row {
			cells[j] = fmt.Sprint(c)
		}
		out[i] = strings.Join(cells, "\t")
	}
	return out
}

// tableIn is a table as DuckDB finds it; BigQuery's have the columns that the
// folders of Parquet files add.
func tableIn(t *testing.T, root, table string) string {
	t.Helper()
	if isBigQuery(root) {
		as := "local_date AS date"
		if table == "rejects" {
			table, as = "_windrow_rejects", `position AS "row"`
		}
		return fmt.Sprintf("(SELECT *, %s FROM %s)", as, inDataset(root, table))
	}
	if table == "rejects" {
		table = filepath.Join("_windrow", "rejects")
	}
	return fmt.Sprintf("read_parquet('%s', hive_partitioning=true, union_by_name=true)", filepath.Join(filesOf(t, root, table), table, "**", "*.parquet"))
}

// inDataset is the table's name in the DuckDB behind the server.
func inDataset(root, table string) string {
	return fmt.Sprintf(`"%s.%s"."%s"`, project, datasetOf(root), table)
}

func queryFiles(t *testing.T, text string) (all [][]any) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *site) query(text string) []string {
	s.Helper()
	return query(s.T, s.root, text)
}

// tables lists what the dataset has.
func tables(t *testing.T, root string) []string {
	t.Helper()
	return query(t, root, fmt.Sprintf("SELECT table_name FROM information_schema.tables WHERE table_schema = '%s.%s'", project, datasetOf(root)))
}

// has reports whether the warehouse has the table, with or without rows.
func has(t *testing.T, root, table string) bool {
	t.Helper()
	if isBigQuery(root) {
		return slices.Contains(tables(t, root), table)
	}
	files, _ := filepath.Glob(filepath.Join(filesOf(t, root, table), table, "*"))
	return len(files) > 0
}

// rejected counts the rejected rows that are kept.
func (s *site) rejected() int {
	s.Helper()
	if !isBigQuery(s.root) {
		if files, _ := filepath.Glob(filepath.Join(filesOf(s.T, s.root, "_windrow/rejects"), "_windrow", "rejects", "*", "*", "*", "*", "*.parquet")); len(files) == 0 {
			return 0
		}
	}
	return len(s.query("SELECT * FROM {rejects}"))
}

// everything is all that the warehouse holds, its own notes included, by name, also what it holds compressed.
func everything(t *testing.T, root string) map[string]string {
	t.Helper()
	if isBigQuery(root) {
		all := make(map[string]string)
		for _, table := range tables(t, root) {
			all[table] = strings.Join(query(t, root, "SELECT to_json(t)::VARCHAR FROM "+inDataset(root, table)+" t"), "\n")
		}
		for _, j := range serverOf(t, root).Jobs() {
			all[j.ID] = j.SQL
		}
		return all
	}
	return warehousetest.Everything(t, filesOf(t, root))
}

// contents is every row of both tables without the lineage that differs from
// run to run, in a fixed order, alike on either warehouse.
func contents(t *testing.T, root string) []string {
	t.Helper()
	return contentsOf(t, root, "true", func(c pipeline.Column) string { return `"` + c.Name + `"` })
}

// contentsOf is contents of the rows for which the condition holds. column is what is shown of a column, empty: nothing.
func contentsOf(t *testing.T, root, condition string, column func(pipeline.Column) string) []string {
	t.Helper()
	var all []string
	for _, table := range pipeline.Tables() {
		if !has(t, root, table.Name) {
			continue
		}
		var columns []string
		for _, c := range table.Columns {
			if shown := column(c); shown != "" && c.Name != "extracted_at" && c.Name != "sync_id" {
				columns = append(columns, shown)
			}
		}
		all = append(all, query(t, root, "SELECT to_json(t)::VARCHAR FROM (SELECT "+strings.Join(columns, ", ")+" FROM {"+table.Name+"} WHERE "+condition+") t ORDER BY 1")...)
	}
	return all
}

func (s *site) contents() []string {
	s.Helper()
	return contents(s.T, s.root)
}

// ledgers is what the ledger knows of every window, without what differs from
// run to run.
func ledgers(t *testing.T, root string) []string {
	t.Helper()
	return ledgersOf(t, root, func(*pipeline.Entry) bool { return true })
}

// ledgersOf is ledgers without the entries that keep, which may change them, leaves out.
func ledgersOf(t *testing.T, root string, keep func(*pipeline.Entry) bool) []string {
	t.Helper()
	store := openRoot(t, root)
	keys, err := store.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range keys {
		l, err := store.Ledger(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l.Entries() {
			if !keep(&e) {
				continue
			}
			e.SyncID, e.Order, e.ReadAt, e.CommittedAt, e.Unchanged, e.Staged, e.Bytes = "", 0, 0, 0, false, 0, 0
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, k.String()+" "+string(line))
		}
	}
	slices.Sort(all)
	return all
}

// state is the tables and the ledger.
func state(t *testing.T, root string) []string {
	t.Helper()
	return append(contents(t, root), ledgers(t, root)...)
}

// sameRows fails with the first differences between two warehouses.
func sameRows(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	count := make(map[string]int)
	for _, r := range got {
		count[r]++
	}
	for _, r := range want {
		count[r]--
	}
	shown := 0
	for r, n := range count {
		if n != 0 && shown < 6 {
			t.Errorf("%+d × %.400s", n, r)
			shown++
		}
	}
	t.Fatalf("%d rows, want %d", len(got), len(want))
}

// files lists every file below the root that is data, with its size and time, or its version in a bucket.
func (s *site) files() map[string]string {
	s.Helper()
	out := make(map[string]string)
	for _, table := range pipeline.Tables() {
		if isBucket(s.root) {
			for name, o := range objectsOf(s.T, s.root, table.Name) {
				out[name] = o.Version
			}
			continue
		}
		err := filepath.Walk(filepath.Join(s.root, table.Name), func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				out[path] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
	}
	return out
}

// stamp changes whenever data are written, and tells nothing else.
func (s *site) stamp() string {
	s.Helper()
	if !isBigQuery(s.root) {
		return fmt.Sprint(s.files())
	}
	var jobs []map[bigquerytest.JobKind]int
	for _, table := range pipeline.Tables() {
		jobs = append(jobs, serverOf(s.T, s.root).CountJobs(datasetOf(s.root)+"."+table.Name))
	}
	return fmt.Sprint(jobs)
}
