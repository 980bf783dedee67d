package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2"
)

// duckChild is the hidden first argument that makes this program run the SQL
// on its standard input in DuckDB and end: the process that is measured.
const duckChild = "duckdb-child"

// runDuck runs one job in DuckDB, by default settings with all cores, and
// measures its process. It reads the file from disk and leaves dir with Parquet.
func (o options) runDuck(ctx context.Context, j job, in input, dir string) (measure, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return measure{}, err
	}
	query, err := duckSQL(j, in, dir)
	if err != nil {
		return measure{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return measure{}, err
	}
	cmd := exec.CommandContext(ctx, self, duckChild)
	cmd.Stdin = strings.NewReader(query)
	return run(o.stopwatch, cmd, duckFiles(j, dir))
}

// duckFiles matches the Parquet files of a job.
func duckFiles(j job, dir string) string {
	if j.Windows > 1 {
		return filepath.Join(dir, "*", "*.parquet")
	}
	return filepath.Join(dir, "*.parquet")
}

// duckMain is the child.
func duckMain(ctx context.Context) error {
	query, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, string(query))
	return errors.Join(err, db.Close())
}

// duckSQL is the job as one COPY statement.
func duckSQL(j job, in input, dir string) (string, error) {
	rows, err := duckRows(j, in)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "rows.parquet")
	options := "FORMAT parquet, COMPRESSION zstd"
	if j.Windows > 1 {
		to = dir
		options += ", PARTITION_BY (local_date), WRITE_PARTITION_COLUMNS true, OVERWRITE_OR_IGNORE true"
	}
	return fmt.Sprintf("COPY (%s) TO %s (%s)", rows, quote(to), options), nil
}

// quote writes a string of SQL.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
