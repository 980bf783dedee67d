package parquet

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/faults"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/sinktest"
)

var driver = sinktest.Driver{
	New:          func(t testing.TB) sinktest.Place { return newPlace(t) },
	LedgerWrites: compactEvery,
	Records:      mostRuns,
}

// place is a directory that does not exist yet.
type place struct{ root string }

// newPlace lies in memory where the system has a file system there: the sweeps
// sync some ten thousand times.
func newPlace(t testing.TB) place {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "windrow-test-")
	if err != nil {
		return place{filepath.Join(t.TempDir(), "warehouse")}
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return place{filepath.Join(dir, "warehouse")}
}

func clock() time.Time { return time.Date(2025, 10, 2, 0, 0, 0, 0, time.UTC) }

func (p place) Open(t testing.TB) pipeline.Store {
	t.Helper()
	s, err := Open(context.Background(), p.root, Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (p place) OpenFaulty(t testing.TB, n int, after bool) (pipeline.Store, func() bool) {
	t.Helper()
	plan := &faults.Plan{N: n, After: after}
	s := open(plan.Volume(volume.NewLocal(p.root, private)), p.root, Options{Now: clock})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, plan.Hit
}

// duck is one DuckDB for all tests: it keeps nothing.
var duck = sync.OnceValues(func() (*sql.DB, error) { return sql.Open("duckdb", "") })

// query runs SQL on DuckDB and hands each row to scan.
func query(t testing.TB, text string, scan func(*sql.Rows) error) {
	t.Helper()
	db, err := duck()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// table is what a user writes to read a table.
func (p place) table(name string) string {
	return fmt.Sprintf("read_parquet('%s/%s/**/*.parquet', hive_partitioning=true, union_by_name=true, filename=true)", p.root, name)
}

// tree lists the files beneath a folder of the root, with what changes when they are written.
func (p place) tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(filepath.Join(p.root, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(p.root, path)
		stat := info.Sys().(*syscall.Stat_t)
		tree[filepath.ToSlash(name)] = fmt.Sprint(info.Size(), info.ModTime().UnixNano(), stat.Ino, stat.Ctim) // reading moves another time
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func (p place) Rows(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) []sinktest.Row {
	t.Helper()
	if len(p.tree(t, table.Name)) == 0 {
		return nil
	}
	value := "answered"
	if table == pipeline.Events {
		value = "talk_seconds::BIGINT"
	}
	text := fmt.Sprintf(`SELECT resource_id, epoch_us(%s), %s, sync_id, epoch_us(window_start), epoch_us(window_end)
		FROM %s WHERE source = '%s' AND account = '%s' AND stream = '%s' ORDER BY window_start, filename, file_row_number`,
		table.TimeColumn, value, strings.Replace(p.table(table.Name), "filename=true", "filename=true, file_row_number=true", 1),
		k.Stream.Source(), k.Account, k.Stream)
	var list []sinktest.Row
	query(t, text, func(rows *sql.Rows) error {
		var r sinktest.Row
		if err := rows.Scan(&r.ID, &r.At, &r.Value, &r.Sync, &r.Window.Start, &r.Window.End); err != nil {
			return err
		}
		list = append(list, r)
		return nil
	})
	return list
}

func (p place) Rejects(t testing.TB, k pipeline.StreamKey) []sinktest.Rejected {
	t.Helper()
	if len(p.tree(t, layout.StreamDir(rejectsDir, k))) == 0 {
		return nil
	}
	text := fmt.Sprintf(`SELECT "row", reason, raw FROM read_parquet('%s/%s/**/*.parquet', file_row_number=true)
		ORDER BY window_start, file_row_number`, p.root, layout.StreamDir(rejectsDir, k))
	var list []sinktest.Rejected
	query(t, text, func(rows *sql.Rows) error {
		var r sinktest.Rejected
		if err := rows.Scan(&r.Row, &r.Reason, &r.Raw); err != nil {
			return err
		}
		list = append(list, r)
		return nil
	})
	return list
}

func (p place) Stamp(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) string {
	t.Helper()
	return fmt.Sprint(p.tree(t, layout.StreamDir(table.Name, k)), p.tree(t, layout.StreamDir(rejectsDir, k)))
}

func (p place) Lose(t testing.TB, table *pipeline.Table, k pipeline.StreamKey, w pipeline.Window) {
	t.Helper()
	name, err := windowFile(table.Name, k, w)
	if err == nil {
		err = os.Remove(filepath.Join(p.root, filepath.FromSlash(name)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p place) Litter(t testing.TB) []string {
	t.Helper()
	var names []string
	for name := range p.tree(t, private+"/tmp") {
		names = append(names, name)
	}
	return names
}
