package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// compareChild is the hidden first argument that makes this program compare
// two outputs: in a process of its own, whose memory is free again afterwards.
const compareChild = "compare-child"

// comparison is what the child is asked.
type comparison struct {
	Job           job
	Windrow, Duck string // patterns of Parquet files
}

// verdict is the child's answer.
type verdict struct {
	Rows      int64    `json:"rows"`
	Ambiguous int64    `json:"ambiguous_rows"` // with a time that the clock shows twice: compared apart
	Moved     int64    `json:"moved_rows"`     // of those, the rows for which the two policies differ
	Faults    []string `json:"faults,omitempty"`
}

// compare has both outputs of a job compared column by column.
func compare(ctx context.Context, j job, windrow, duck string) (v verdict, err error) {
	self, err := os.Executable()
	if err != nil {
		return v, err
	}
	question, err := json.Marshal(comparison{j, windrow, duck})
	if err != nil {
		return v, err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, self, compareChild)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), &out, &said
	if err := cmd.Run(); err != nil {
		return v, fmt.Errorf("compare: %w\n%s", err, said.Bytes())
	}
	return v, json.Unmarshal(out.Bytes(), &v)
}

// compareMain is the child.
func compareMain(ctx context.Context) error {
	var c comparison
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	v, err := c.judge(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(v)
}

// open makes the views w and d of both outputs. The rows whose times the clock
// shows twice, which Windrow flags, are marked as such in both.
func (c comparison) open(ctx context.Context, db *sql.DB) error {
	read := func(files string) string {
		return "SELECT * FROM read_parquet(" + quote(files) + ", hive_partitioning = false)"
	}
	keys, marked := "event_id", "event_id IN (SELECT * FROM ambiguous)"
	if c.Job.Format == "stats" {
		keys, marked = "resource_id", "false" // asked in UTC, where no hour repeats
	}
	for _, statement := range []string{
		fmt.Sprintf("CREATE TABLE ambiguous AS SELECT %s FROM (%s) WHERE contains(extras, '%s')", keys, read(c.Windrow), flagged),
		fmt.Sprintf("CREATE VIEW w AS SELECT *, %s AS repeated FROM (%s)", marked, read(c.Windrow)),
		fmt.Sprintf("CREATE VIEW d AS SELECT *, %s AS repeated FROM (%s)", marked, read(c.Duck)),
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (c comparison) judge(ctx context.Context, db *sql.DB) (v verdict, err error) {
	if err := c.open(ctx, db); err != nil {
		return v, err
	}
	if v.Ambiguous, err = one(ctx, db, "SELECT count(*) FROM ambiguous"); err != nil {
		return v, err
	}
	if v.Rows, err = one(ctx, db, "SELECT count(*) FROM w"); err != nil {
		return v, err
	}
	other, err := one(ctx, db, "SELECT count(*) FROM d")
	if err == nil && other != v.Rows {
		v.Faults = append(v.Faults, fmt.Sprintf("Windrow wrote %d rows, DuckDB %d", v.Rows, other))
	}
	if err != nil {
		return v, err
	}
	if err := c.compareSums(ctx, db, &v); err != nil {
		return v, err
	}
	return v, c.comparePolicy(ctx, db, &v)
}

// compareSums compares, per column, the sum of hashes of (key, value): equal
// when both sides have the same values in the same rows. Times of ambiguous
// rows are left out.
func (c comparison) compareSums(ctx context.Context, db *sql.DB, v *verdict) error {
	columns := c.columns()
	sums := make([]string, len(columns))
	for i, col := range columns {
		sums[i] = fmt.Sprintf("CAST(sum(hash(%s, %s)) FILTER (%s) AS VARCHAR)", c.key(), col.form, col.where())
	}
	var got [2][]string
	for side, table := range []string{"w", "d"} {
		rows, err := texts(ctx, db, "SELECT "+strings.Join(sums, ", ")+" FROM "+table)
		if err != nil {
			return err
		}
		got[side] = rows[0]
	}
	for i, col := range columns {
		if got[0][i] == got[1][i] {
			continue
		}
		fault, err := c.difference(ctx, db, col)
		if err != nil {
			return err
		}
		v.Faults = append(v.Faults, fault)
	}
	return nil
}

// difference shows the first rows that only one side has.
func (c comparison) difference(ctx context.Context, db *sql.DB, col compared) (string, error) {
	one := func(table string) string {
		return fmt.Sprintf("SELECT %s, %s AS v FROM %s WHERE %s", c.key(), col.form, table, col.where())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "column %s differs", col.name)
	for _, side := range [][3]string{{"Windrow", "w", "d"}, {"DuckDB", "d", "w"}} {
		q := fmt.Sprintf("SELECT * FROM (%s EXCEPT ALL %s) ORDER BY ALL LIMIT 3", one(side[1]), one(side[2]))
		rows, err := texts(ctx, db, q)
		if err != nil {
			return "", err
		}
		for _, r := range rows {
			fmt.Fprintf(&b, "\n  %s alone: %s", side[0], strings.Join(r, " | "))
		}
	}
	return b.String(), nil
}

// comparePolicy compares the times of ambiguous rows: each is either the same
// instant or, where the policies differ, one hour apart.
func (c comparison) comparePolicy(ctx context.Context, db *sql.DB, v *verdict) error {
	if v.Ambiguous == 0 || len(v.Faults) > 0 {
		return nil
	}
	var same, near []string
	for _, col := range c.columns() {
		if !col.time || col.name == "local_date" {
			continue
		}
		same = append(same, fmt.Sprintf("w.%[1]s IS NOT DISTINCT FROM d.%[1]s", col.name))
		near = append(near, fmt.Sprintf("(w.%[1]s IS NOT DISTINCT FROM d.%[1]s OR d.%[1]s - w.%[1]s = INTERVAL 1 HOUR)", col.name))
	}
	from := fmt.Sprintf("SELECT count(*) FROM w JOIN d USING (%s) WHERE w.repeated AND ", c.key())
	moved, err := one(ctx, db, from+"NOT ("+strings.Join(same, " AND ")+")")
	if err != nil {
		return err
	}
	v.Moved = moved
	odd, err := one(ctx, db, from+"NOT ("+strings.Join(near, " AND ")+")")
	if err == nil && odd > 0 {
		v.Faults = append(v.Faults, fmt.Sprintf("%d rows of a repeated hour have times that are neither equal nor an hour apart", odd))
	}
	return err
}

// one asks for a single number.
func one(ctx context.Context, db *sql.DB, query string) (n int64, err error) {
	return n, db.QueryRowContext(ctx, query).Scan(&n)
}

// texts reads every value of the answer as text.
func texts(ctx context.Context, db *sql.DB, query string) (all [][]string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, query)
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		line := make([]string, len(values))
		for i, v := range values {
			line[i] = fmt.Sprint(v)
		}
		all = append(all, line)
	}
	return all, nil
}

// flagged is how extras say that a time is ambiguous.
const flagged = `"_time_ambiguous":`

// compared is one column as both sides have it, in a form in which equal
// values are identical.
type compared struct {
	name, form string
	time       bool // where the policy for the repeated hour shows
}

// columns lists what is compared: every column of the files but sync_id, which
// names the run. extras are compared as parsed JSON: the value of each member
// that the input can have, and the number of members.
func (c comparison) columns() []compared {
	var all []compared
	for _, f := range c.Job.table().StageSchema().Fields() {
		switch f.Name {
		case "sync_id":
		case "extras":
			names := callsUnmapped()
			if c.Job.Format == "stats" {
				names = statsUnmapped()
			}
			for i, n := range names {
				kind := `"VARCHAR"`
				if c.Job.Format == "stats" && n != statsNotes {
					kind = `"DOUBLE"`
				}
				names[i] = `"` + n + `":` + kind
			}
			form := "json_transform(extras, '{" + strings.Join(names, ",") + "}')"
			all = append(all, compared{name: "extras", form: form},
				compared{name: "number of extras", form: "len(json_keys(extras)) - CAST(contains(extras, '" + flagged + "') AS INTEGER)"})
		default:
			all = append(all, compared{f.Name, f.Name, strings.HasSuffix(f.Name, "_at") && f.Name != "extracted_at" || f.Name == "local_date"})
		}
	}
	return all
}

// key tells the rows of a table apart.
func (c comparison) key() string {
	if c.Job.Format == "stats" {
		return "resource_id, channel, interval_start"
	}
	return "event_id"
}

// where leaves out the rows that are compared apart.
func (col compared) where() string {
	if col.time {
		return "NOT repeated"
	}
	return "true"
}
