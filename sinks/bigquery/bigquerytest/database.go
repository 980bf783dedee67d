package bigquerytest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// database is the DuckDB behind a server. A BigQuery dataset is a schema named
// project.dataset.
type database struct {
	db *sql.DB
	// exec is held while statements run: one at a time, so that what overlaps is
	// decided by the jobs' lifetimes and not by DuckDB.
	exec sync.Mutex
}

func openDatabase(ctx context.Context) (*database, error) {
	connector, err := duckdb.NewConnector("", func(c driver.ExecerContext) error {
		// Nulls are the smallest values: "Query syntax", section "ORDER BY clause".
		_, err := c.ExecContext(ctx, "SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc'", nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := &database{db: sql.OpenDB(connector)}
	for _, q := range []string{"SET GLOBAL threads = 1", macros} {
		if _, err := d.db.ExecContext(ctx, q); err != nil {
			_ = d.db.Close()
			return nil, err
		}
	}
	return d, nil
}

func (d *database) close() error { return d.db.Close() }

// do runs DDL, each statement by itself.
func (d *database) do(ctx context.Context, statements ...string) *apiError {
	d.exec.Lock()
	defer d.exec.Unlock()
	for _, q := range statements {
		if _, err := d.db.ExecContext(ctx, q); err != nil {
			return duckFailed(err)
		}
	}
	return nil
}

func (d *database) peek(ctx context.Context, project, query string) ([][]any, error) {
	tokens, e := tokenize(query)
	if e != nil {
		return nil, e
	}
	if len(tokens) == 0 {
		return nil, invalidQuery("Syntax error: empty query")
	}
	st, e := compile(tokens, &scope{project: project, now: time.Now(), temps: map[string]bool{}})
	if e != nil {
		return nil, e
	}
	if st.verb != "SELECT" {
		return nil, fmt.Errorf("bigquerytest: only SELECT looks from behind, not %s", st.verb)
	}
	d.exec.Lock()
	defer d.exec.Unlock()
	r, e := collect(ctx, d.db, st.duck)
	if e != nil {
		return nil, e
	}
	return r.rows, nil
}

// querier is a connection, a transaction or the whole database.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// rowset is a result: DuckDB's types beside Go's values.
type rowset struct {
	names, types []string
	rows         [][]any
}

func collect(ctx context.Context, q querier, query string) (*rowset, *apiError) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, duckFailed(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, duckFailed(err)
	}
	r := &rowset{}
	for _, c := range columns {
		r.names = append(r.names, c.Name())
		r.types = append(r.types, c.DatabaseTypeName())
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, duckFailed(err)
		}
		for i, v := range row {
			if row[i], err = plain(v); err != nil {
				return nil, invalidQuery(err.Error())
			}
		}
		r.rows = append(r.rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, duckFailed(err)
	}
	return r, nil
}

// number runs a query of one number; null is 0.
func number(ctx context.Context, q querier, query string) (int64, *apiError) {
	r, err := collect(ctx, q, query)
	if err != nil {
		return 0, err
	}
	if len(r.rows) != 1 {
		return 0, &apiError{500, "internalError", "expected one row"}
	}
	n, _ := r.rows[0][0].(int64)
	return n, nil
}

// plain narrows DuckDB's values: every integer is an int64.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case int8:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint8:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case *big.Int:
		if !v.IsInt64() {
			return nil, fmt.Errorf("integer overflow: %s", v)
		}
		return v.Int64(), nil
	case duckdb.Decimal:
		return v.String(), nil
	case []any:
		for i := range v {
			p, err := plain(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = p
		}
	}
	return v, nil
}

// duckFailed says an error of DuckDB in BigQuery's words: a conflict of
// transactions, or else a query that cannot run.
func duckFailed(err error) *apiError {
	text := err.Error()
	if strings.Contains(text, "TransactionContext Error") && strings.Contains(strings.ToLower(text), "conflict") {
		return aborted("a table of the script")
	}
	return invalidQuery(text)
}

// doLocked is do for those who hold exec.
func (d *database) doLocked(ctx context.Context, statement string) *apiError {
	if _, err := d.db.ExecContext(ctx, statement); err != nil {
		return duckFailed(err)
	}
	return nil
}
