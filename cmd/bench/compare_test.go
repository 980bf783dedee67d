package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inDuck opens a database for the length of the test.
func inDuck(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func do(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v in %s", err, statement)
	}
}

// outputs writes the job's rows twice, the second time changed.
func outputs(t *testing.T, j job, change string) comparison {
	t.Helper()
	in, err := generate(t.TempDir(), j.want)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := duckRows(j, in)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := comparison{Job: j, Windrow: filepath.Join(dir, "w.parquet"), Duck: filepath.Join(dir, "d.parquet")}
	db := inDuck(t)
	do(t, db, fmt.Sprintf("COPY (%s) TO %s (FORMAT parquet)", rows, quote(c.Windrow)))
	do(t, db, fmt.Sprintf("COPY (SELECT %s) TO %s (FORMAT parquet)", fmt.Sprintf(change, "("+rows+")"), quote(c.Duck)))
	return c
}

func TestTheComparisonNamesTheColumnThatDiffers(t *testing.T) {
	calls, stats := job{want: want{"calls", 1, false}, Windows: 1}, job{want: want{"stats", 1, false}, Windows: 1}
	tests := []struct {
		job    job
		change string
		fault  string // begins one; empty: equal
	}{
		{calls, "* FROM %s", ""},
		{calls, "* FROM %s ORDER BY event_id", ""},
		{calls, "* REPLACE ('run' AS sync_id) FROM %s", ""},
		{calls, "* FROM %s WHERE event_id NOT IN ('6000388617283951')", "Windrow wrote"},
		{calls, "* REPLACE (if(ended_at = max(ended_at) OVER (), ended_at + INTERVAL 1 MICROSECOND, ended_at) AS ended_at) FROM %s", "column ended_at differs"},
		{calls, "* REPLACE (if(talk_seconds = max(talk_seconds) OVER (), talk_seconds + 1e-9, talk_seconds) AS talk_seconds) FROM %s", "column talk_seconds differs"},
		{calls, "* REPLACE (lead(customer_address) OVER (ORDER BY event_id) AS customer_address) FROM %s", "column customer_address differs"},
		{calls, "* REPLACE (list_reverse(tags) AS tags) FROM %s", "column tags differs"},
		{calls, "* REPLACE (nullif(agent_name, 'Mary García López') AS agent_name) FROM %s", "column agent_name differs"},
		{calls, "* REPLACE (replace(extras, 'turno 2', 'turno 3') AS extras) FROM %s", "column extras differs"},
		{calls, `* REPLACE (replace(extras, '{"', '{"more":"","') AS extras) FROM %s`, "column number of extras differs"},
		{calls, `* REPLACE (replace(extras, '"device"', '"devise"') AS extras) FROM %s`, "column extras differs"},
		{stats, "* FROM %s", ""},
		{stats, `* REPLACE (regexp_replace(extras, ':0\.0([,}])', ':0\1', 'g') AS extras) FROM %s`, ""}, // one number, written in two ways
		{stats, `* REPLACE (replace(extras, '"holds":1', '"holds":2') AS extras) FROM %s`, "column extras differs"},
		{stats, "* REPLACE (answered + 1 AS answered) FROM %s", "column answered differs"},
	}
	for _, tt := range tests {
		v, err := outputs(t, tt.job, tt.change).judge(t.Context(), inDuck(t))
		begins := func(f string) bool { return strings.HasPrefix(f, tt.fault) }
		switch {
		case err != nil:
			t.Errorf("%s: %v", tt.change, err)
		case tt.fault == "" && len(v.Faults) > 0:
			t.Errorf("%s: the outputs are equal, but %q was found", tt.change, v.Faults)
		case tt.fault != "" && !slices.ContainsFunc(v.Faults, begins):
			t.Errorf("%s: found %q, not %q", tt.change, v.Faults, tt.fault)
		case v.Rows == 0:
			t.Errorf("%s: no rows were compared", tt.change)
		}
	}
}

func TestADifferenceOfOutputsIsAnError(t *testing.T) {
	same, other := verdict{Rows: 1}, verdict{Rows: 1, Faults: []string{"column tags differs"}}
	if err := differences([]result{{Job: "a", Equal: &same}, {Job: "b"}}); err != nil {
		t.Errorf("equal outputs: %v", err)
	}
	err := differences([]result{{Job: "a", Equal: &same}, {Job: "b", Equal: &other}})
	if want := "b: column tags differs"; err == nil || err.Error() != want {
		t.Errorf("unequal outputs: %v, want %s", err, want)
	}
}
