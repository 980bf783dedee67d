package views_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cloud "cloud.google.com/go/bigquery"
	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/views"
)

// The rows of the tests, as DuckDB makes them in tables of the names that stand for %[1]s (activity) and %[2]s (events).
//
// The calls of queue q are the worked example of six service levels: 230 came in, 200 were answered (160 within 20 s), 20
// were given up (6 within 20 s, of which 4 less than 6 s after they began), 10 were missed. Those of queue night came in
// during the hour that a clock in Chicago shows twice; the one call of queue Brief was given up at once. Agents whose day has
// no known state and operators whom nobody has judged are there too: what is divided by nothing is null.
const rows = `
INSERT INTO %[2]s (source, account, stream, scope, kind, event_id, entry_id, is_entry, direction, status, tags, started_at, queued_at, connected_at, ended_at, timezone, local_date,
  resource_type, resource_id, resource_name, answer_seconds, window_start, window_end, extracted_at, sync_id)
SELECT 'dialpad', 'default', 'dialpad.calls', 'callcenter:1', 'call', 'c' || i, 'c' || i, true, 'inbound',
  CASE WHEN i < 200 THEN 'incoming' WHEN i < 220 THEN 'abandoned' ELSE 'missed' END, CASE WHEN i IN (7, 9) THEN ['inbound', 'transferred_to'] END,
  t, CASE WHEN i BETWEEN 204 AND 219 THEN t + INTERVAL 1 SECOND END, CASE WHEN i < 200 THEN t + INTERVAL 10 SECOND END,
  t + to_seconds(CASE WHEN i < 200 THEN 100 WHEN i < 204 THEN 5 WHEN i < 206 THEN 15 ELSE 61 END),
  'America/Chicago', DATE '2025-09-08', 'call_center', '1', 'Sales', CASE WHEN i < 160 THEN 20.0 WHEN i < 200 THEN 20.5 END,
  TIMESTAMPTZ '2025-09-08 05:00:00+00', TIMESTAMPTZ '2025-09-09 05:00:00+00', TIMESTAMPTZ '2025-09-09 12:00:00+00', 'run'
FROM (SELECT i, TIMESTAMPTZ '2025-09-08 14:00:00+00' + to_seconds(i * 10) AS t FROM range(230) AS r(i));

INSERT INTO %[2]s (source, account, stream, scope, kind, event_id, entry_id, is_entry, direction, status, tags, started_at, connected_at, timezone, local_date,
  resource_type, resource_id, agent_id, agent_name, talk_seconds, hold_seconds, wrapup_seconds, window_start, window_end, extracted_at, sync_id)
SELECT 'dialpad', 'default', 'dialpad.calls', 'callcenter:1', 'call', 'l' || i, 'c' || i, false, 'inbound', CASE WHEN i < 200 THEN 'incoming' ELSE 'missed' END,
  CASE WHEN i IN (3, 7) THEN ['answered', 'transferred_out'] WHEN i = 5 THEN ['not_transferred_to', 'auto_transfer'] END,
  t, CASE WHEN i < 200 THEN t + INTERVAL 10 SECOND END, 'America/Chicago', DATE '2025-09-08', 'user', 'a' || i %% 2, 'a' || i %% 2, 'Agent ' || i %% 2,
  CASE WHEN i < 200 THEN 60.0 END, CASE WHEN i < 200 THEN 10.0 END, CASE WHEN i < 100 THEN 20.0 END,
  TIMESTAMPTZ '2025-09-08 05:00:00+00', TIMESTAMPTZ '2025-09-09 05:00:00+00', TIMESTAMPTZ '2025-09-09 12:00:00+00', 'run'
FROM (SELECT i, TIMESTAMPTZ '2025-09-08 14:00:00+00' + to_seconds(i * 10) AS t FROM range(230) AS r(i)) WHERE i < 200 OR i >= 220;

INSERT INTO %[2]s (source, account, stream, kind, event_id, entry_id, is_entry, direction, status, tags, started_at, connected_at, ended_at, timezone, local_date,
  resource_type, resource_id, resource_name, agent_id, agent_name, talk_seconds, customer_address, window_start, window_end, extracted_at, sync_id) VALUES
  ('dialpad', 'default', 'dialpad.calls', 'call', 'direct', 'direct', true, 'inbound', 'incoming', ['answered'], '2025-09-08 20:00:00+00', '2025-09-08 20:00:05+00', '2025-09-08 20:01:00+00',
    'America/Chicago', '2025-09-08', 'user', 'a0', 'Agent 0', 'a0', 'Agent 0', 30, '+13125550199', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', '2025-09-09 12:00:00+00', 'run'),
  ('dialpad', 'default', 'dialpad.calls', 'call', 'cdt', 'cdt', true, 'inbound', 'missed', NULL, '2025-11-02 06:40:00+00', NULL, '2025-11-02 06:41:00+00',
    'America/Chicago', '2025-11-02', 'call_center', '2', 'Night', NULL, NULL, NULL, '+13125550199', '2025-11-02 05:00:00+00', '2025-11-03 06:00:00+00', '2025-11-03 12:00:00+00', 'run'),
  ('dialpad', 'default', 'dialpad.calls', 'call', 'cst', 'cst', true, 'inbound', 'missed', NULL, '2025-11-02 07:40:00+00', NULL, '2025-11-02 07:41:00+00',
    'America/Chicago', '2025-11-02', 'call_center', '2', 'Night', NULL, NULL, NULL, '+13125550199', '2025-11-02 05:00:00+00', '2025-11-03 06:00:00+00', '2025-11-03 12:00:00+00', 'run'),
  ('dialpad', 'default', 'dialpad.calls', 'call', 'brief', 'brief', true, 'inbound', 'abandoned', NULL, '2025-09-08 14:30:00+00', NULL, '2025-09-08 14:30:02+00',
    'America/Chicago', '2025-09-08', 'call_center', '3', 'Brief', NULL, NULL, NULL, NULL, '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', '2025-09-09 12:00:00+00', 'run');

INSERT INTO %[2]s (source, account, stream, scope, kind, event_id, timezone, local_date, score, window_start, window_end, extracted_at, sync_id)
SELECT * FROM (VALUES
  ('dialpad', 'default', 'dialpad.csat', 'callcenter:1', 'csat', 'c1', 'America/Chicago', DATE '2025-09-08', 3.0),
  ('dialpad', 'default', 'dialpad.csat', 'callcenter:1', 'csat', 'c1', 'America/Chicago', DATE '2025-09-08', 5.0),
  ('dialpad', 'default', 'dialpad.csat', 'callcenter:1', 'csat', 'c2', 'America/Chicago', DATE '2025-09-08', 2.0),
  ('dialpad', 'default', 'dialpad.csat', 'callcenter:1', 'csat', 'c3', 'America/Chicago', DATE '2025-09-08', NULL),
  ('chattonic', 'default', 'chattonic.nps', NULL, 'nps', 'n1', 'UTC', DATE '2025-09-08', 10.0),
  ('chattonic', 'default', 'chattonic.nps', NULL, 'nps', 'n2', 'UTC', DATE '2025-09-08', 9.0),
  ('chattonic', 'default', 'chattonic.nps', NULL, 'nps', 'n3', 'UTC', DATE '2025-09-08', 7.0),
  ('chattonic', 'default', 'chattonic.nps', NULL, 'nps', 'n4', 'UTC', DATE '2025-09-08', 6.0)
) CROSS JOIN (SELECT TIMESTAMPTZ '2025-09-08 05:00:00+00', TIMESTAMPTZ '2025-09-09 05:00:00+00', TIMESTAMPTZ '2025-09-09 13:00:00+00', 'run');

INSERT INTO %[1]s (source, account, stream, resource_type, resource_id, resource_name, channel, interval_start, interval_end, timezone, local_date,
  interactions_in, interactions_out, answered, assigned, resolved, handle_seconds, nps, nps_responses, status, status_seconds, messages_in, users_total, avg_answer_seconds,
  window_start, window_end, extracted_at, sync_id)
SELECT *, TIMESTAMPTZ '2025-09-08 00:00:00+00', TIMESTAMPTZ '2025-09-09 00:00:00+00', TIMESTAMPTZ '2025-09-09 11:00:00+00', 'run' FROM (VALUES
  ('ucontact', 'default', 'ucontact.agents', 'agent', 'Ana', 'Ana', 'all', TIMESTAMPTZ '2025-09-08 14:00:00+00', TIMESTAMPTZ '2025-09-08 15:00:00+00', 'UTC', DATE '2025-09-08',
    10, 4, 8, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('ucontact', 'default', 'ucontact.agents', 'agent', 'Ana', 'Ana', 'all', '2025-09-08 15:00:00+00', '2025-09-08 16:00:00+00', 'UTC', '2025-09-08',
    5, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('ucontact', 'default', 'ucontact.campaigns', 'campaign', 'Sales', 'Sales', 'voice', '2025-09-08 14:00:00+00', '2025-09-08 15:00:00+00', 'UTC', '2025-09-08',
    20, 7, 15, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('ucontact', 'default', 'ucontact.campaigns', 'campaign', 'Sales', 'Sales', 'sms', '2025-09-08 14:00:00+00', '2025-09-08 15:00:00+00', 'UTC', '2025-09-08',
    3, 1, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('chattonic', 'default', 'chattonic.operators', 'operator', 'o1', 'Op', 'all', '2025-09-08 00:00:00+00', '2025-09-09 00:00:00+00', 'UTC', '2025-09-08',
    NULL, NULL, NULL, 12, 10, 600, 50, 10, NULL, NULL, NULL, NULL, NULL),
  ('chattonic', 'default', 'chattonic.operators', 'operator', 'o1', 'Op', 'all', '2025-09-08 00:00:00+00', '2025-09-09 00:00:00+00', 'UTC', '2025-09-08',
    NULL, NULL, NULL, 3, 2, 60, -20, 5, NULL, NULL, NULL, NULL, NULL),
  ('chattonic', 'default', 'chattonic.dashboard', 'team', 'acme', NULL, 'all', '2025-09-08 14:00:00+00', '2025-09-08 15:00:00+00', 'UTC', '2025-09-08',
    NULL, NULL, NULL, NULL, 6, NULL, 33, NULL, NULL, NULL, 75, 4000, 559.5),
  ('dialpad', 'default', 'dialpad.calls_stats', 'user', 'a0', 'Agent 0', 'voice', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'America/Chicago', '2025-09-08',
    999, 999, 999, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('dialpad', 'default', 'dialpad.onduty_time', 'user', 'a0', 'Agent 0', 'all', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'America/Chicago', '2025-09-08',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'available', 100, NULL, NULL, NULL),
  ('dialpad', 'default', 'dialpad.onduty_time', 'user', 'a0', 'Agent 0', 'all', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'America/Chicago', '2025-09-08',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'occupied', 200, NULL, NULL, NULL),
  ('dialpad', 'default', 'dialpad.onduty_time', 'user', 'a0', 'Agent 0', 'all', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'America/Chicago', '2025-09-08',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'wrapup', 100, NULL, NULL, NULL),
  ('dialpad', 'default', 'dialpad.onduty_time', 'user', 'a0', 'Agent 0', 'all', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'America/Chicago', '2025-09-08',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'busy', 50, NULL, NULL, NULL),
  ('dialpad', 'default', 'dialpad.onduty_time', 'user', 'a0', 'Agent 0', 'all', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'America/Chicago', '2025-09-08',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'unknown', 85950, NULL, NULL, NULL),
  ('dialpad', 'default', 'dialpad.onduty_time', 'user', 'a0', 'Agent 0', 'all', '2025-09-09 05:00:00+00', '2025-09-10 05:00:00+00', 'America/Chicago', '2025-09-09',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'unknown', 86400, NULL, NULL, NULL),
  ('chattonic', 'default', 'chattonic.operators', 'operator', 'o2', 'New', 'all', '2025-09-01 00:00:00+00', '2025-09-02 00:00:00+00', 'UTC', '2025-09-01',
    NULL, NULL, NULL, 1, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL)
);
`

// measured is a campaign and an agent of uContact whose rows have every measure.
const measured = `
INSERT INTO %[1]s (source, account, stream, resource_type, resource_id, resource_name, channel, interval_start, interval_end, timezone, local_date,
  interactions_in, interactions_out, answered, missed, abandoned, short_abandoned, handled, in_service_level, handle_seconds, talk_seconds, hold_seconds, wrapup_seconds, queue_seconds,
  login_seconds, away_seconds, free_seconds, window_start, window_end, extracted_at, sync_id)
SELECT 'ucontact', 'default', stream, kind, name, name, channel, TIMESTAMPTZ '2025-09-10 14:00:00+00' + to_hours(n), TIMESTAMPTZ '2025-09-10 15:00:00+00' + to_hours(n), 'UTC', DATE '2025-09-10', v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8],
  v[9], v[10], v[11], v[12], v[13], v[14], v[15], v[16], TIMESTAMPTZ '2025-09-10 00:00:00+00', TIMESTAMPTZ '2025-09-11 00:00:00+00', TIMESTAMPTZ '2025-09-09 11:00:00+00', 'run'
FROM (VALUES ('ucontact.campaigns', 'campaign', 'Full', 'voice'), ('ucontact.agents', 'agent', 'Bea', 'all')) AS r(stream, kind, name, channel),
  (VALUES (0, [10, 5, 8, 1, 2, 1, 13, 6, 1300, 1000, 200, 100, 80, 3600, 100, 500]), (1, [20, 7, 15, 2, 3, 1, 22, 12, 2200, 1700, 300, 200, 150, 3000, 50, 400])) AS h(n, v);
`

// history is a change of the day, and one of a night that lasts 25 hours, of which no row is left.
const history = `
INSERT INTO %[1]s (kind, sync_id, source, account, stream, window_start, window_end, read_at, previous_read_at, after_settle, rows_before, rows_after, measures, error_kind, hint) VALUES
  ('changed', 'run', 'dialpad', 'default', 'dialpad.calls', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', '2025-09-11 05:00:00+00', '2025-09-09 12:00:00+00', true, 460, 461, '{"talk_seconds":[1,2]}', NULL, NULL),
  ('changed', 'run', 'dialpad', 'default', 'dialpad.calls', '2025-11-02 05:00:00+00', '2025-11-03 06:00:00+00', '2025-11-03 13:00:00+00', '2025-11-03 12:00:00+00', false, 3, 2, '{}', NULL, NULL),
  ('failed', 'run', 'dialpad', 'default', 'dialpad.texts', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', '2025-09-11 05:00:00+00', NULL, NULL, NULL, NULL, NULL, 'unavailable', NULL);
`

// notes are a run and a reject; %[3]s is the reject's position in its report.
const notes = `
INSERT INTO %[1]s (sync_id, command, started_at, finished_at, exit, committed, unchanged, failed, "rows", rejected, summary) VALUES
  ('run', 'sync', '2025-09-09 11:00:00+00', '2025-09-09 11:05:00+00', 3, 5, 1, 1, 470, 1, '{}'), ('killed', 'sync', '2025-09-10 11:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}');
INSERT INTO %[2]s (source, account, stream, window_start, window_end, scope, %[3]s, reason, raw, row_time, field, shape, extracted_at, sync_id) VALUES
  ('dialpad', 'default', 'dialpad.calls', '2025-09-08 05:00:00+00', '2025-09-09 05:00:00+00', 'callcenter:1', 7, 'no time', 'a,b', NULL, 'date_started', 'letters', '2025-09-09 12:00:00+00', 'run');
`

const project, dataset = "test-project", "contact_centre"

// warehouse is the rows as Parquet files, with DuckDB's views over them.
func warehouse(t *testing.T) *sql.DB {
	t.Helper()
	return store(t, filepath.Join(t.TempDir(), "it's a [ware]*house")) // DuckDB's patterns give these characters a meaning
}

// store makes the rows files below a root, and returns DuckDB's views over them.
func store(t *testing.T, root string) *sql.DB {
	t.Helper()
	db := open(t)
	exec(t, db, strings.Join(empty(t), ";\n"))
	exec(t, db, "ALTER TABLE activity ADD COLUMN date DATE; ALTER TABLE events ADD COLUMN date DATE; ALTER TABLE rejects ADD COLUMN date DATE DEFAULT DATE '2025-09-08'")
	exec(t, db, fmt.Sprintf(rows+measured, "activity", "events")+fmt.Sprintf(history, "history"))
	exec(t, db, "UPDATE activity SET date = local_date; UPDATE events SET date = local_date")
	for _, table := range []string{"activity", "events"} {
		into := filepath.Join(root, table)
		if err := os.MkdirAll(into, 0o750); err != nil {
			t.Fatal(err)
		}
		exec(t, db, "COPY "+table+" TO '"+strings.ReplaceAll(into, "'", "''")+"' (FORMAT parquet, PARTITION_BY (source, account, stream, date))")
	}
	exec(t, db, fmt.Sprintf(notes, "runs", "rejects", `"row"`))
	for table, options := range map[string]string{"history": "", "runs": "", "rejects": ", PARTITION_BY (source, account, stream, date)"} {
		into := filepath.Join(root, "_windrow", table)
		if err := os.MkdirAll(into, 0o750); err != nil {
			t.Fatal(err)
		}
		if options == "" {
			into = filepath.Join(into, "a.parquet")
		}
		exec(t, db, "COPY "+table+" TO '"+strings.ReplaceAll(into, "'", "''")+"' (FORMAT parquet"+options+")")
	}
	for stream, read := range map[string]string{"ucontact/ucontact.agents": "2025-09-09T11:00:00Z", "dialpad/dialpad.calls": "2025-11-03T13:00:00Z"} {
		source, name, _ := strings.Cut(stream, "/")
		of := filepath.Join(root, "_windrow", "ledger", "source="+source, "account=default", "stream="+name)
		if err := os.MkdirAll(of, 0o750); err != nil {
			t.Fatal(err)
		}
		line := `{"kind":"commit","read_at":"` + read + `","settled":true}` + "\n" + `{"kind":"begin","read_at":"2030-01-01T00:00:00Z"}` + "\n"
		if err := os.WriteFile(filepath.Join(of, "00000001.jsonl"), []byte("windrow-ledger 3 a name\n"+line+"end 2 81a6e8f1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh := open(t)
	apply(t, fresh, views.Place{
		Dialect: views.DuckDB, Root: root, Held: map[string]bool{"activity": true, "events": true, "history": true, "runs": true, "rejects": true},
		Watermarks: []views.Watermark{{Key: pipeline.StreamKey{Account: "default", Stream: "dialpad.voicemails"}, At: pipeline.NoInstant}},
	})
	return fresh
}

// empty are the statements that make the relations as tables, without rows.
func empty(t *testing.T) []string {
	t.Helper()
	db := open(t)
	apply(t, db, views.Place{Dialect: views.DuckDB})
	var made []string
	for _, name := range []string{"activity", "events", "history"} {
		var columns []string
		for _, r := range query(t, db, "SELECT column_name, column_type FROM (DESCRIBE "+name+")") {
			columns = append(columns, fmt.Sprintf("%v %v", r[0], r[1]))
		}
		made = append(made, "CREATE TABLE "+name+" ("+strings.Join(columns, ", ")+")")
	}
	return append(made,
		`CREATE TABLE runs (sync_id VARCHAR, command VARCHAR, started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, exit BIGINT, committed BIGINT, unchanged BIGINT, failed BIGINT, "rows" BIGINT, rejected BIGINT, summary VARCHAR)`,
		`CREATE TABLE rejects (source VARCHAR, account VARCHAR, stream VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, scope VARCHAR, "row" BIGINT, reason VARCHAR, raw VARCHAR, row_time TIMESTAMPTZ, field VARCHAR, shape VARCHAR, extracted_at TIMESTAMPTZ, sync_id VARCHAR)`)
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func apply(t *testing.T, db *sql.DB, p views.Place) {
	t.Helper()
	list, err := views.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, views.Script(p, list))
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

func query(t *testing.T, db *sql.DB, statement string) [][]any {
	t.Helper()
	found, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	defer found.Close() //nolint:errcheck // it was read
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var list [][]any
	for found.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		list = append(list, values)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// printed is a row as text: numbers rounded, times in UTC.
func printed(row []any) string {
	words := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
			words[i] = "-"
		case float64:
			words[i] = fmt.Sprint(math.Round(v*1e6) / 1e6)
		case time.Time:
			words[i] = v.UTC().Format(time.RFC3339)
		default:
			words[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(words, " ")
}

// Each standard measure over rows whose result is known without SQL.
func TestEachMeasureIsThatOfTheWorkedExample(t *testing.T) {
	db := warehouse(t)
	for _, tt := range []struct{ measure, sql, want string }{
		{"service level, strict: 160 / 220", "SELECT numerator, denominator, service_level FROM service_level(1440, 20, 'strict') WHERE queue = 'Sales'", "160 220 0.727273"},
		{"answered only: 160 / 200", "SELECT numerator, denominator, service_level FROM service_level(1440, 20, 'answered_only') WHERE queue = 'Sales'", "160 200 0.8"},
		{"abandons left out: 160 / (200 + 14)", "SELECT numerator, denominator, service_level FROM service_level(1440, 20, 'abandons_left_out') WHERE queue = 'Sales'", "160 214 0.747664"},
		{"abandons credited: 166 / 220", "SELECT numerator, denominator, service_level FROM service_level(1440, 20, 'abandons_credited') WHERE queue = 'Sales'", "166 220 0.754545"},
		{"short abandons credited: 164 / 220", "SELECT numerator, denominator, service_level FROM service_level(1440, 20, 'short_credited') WHERE queue = 'Sales'", "164 220 0.745455"},
		{"as the screen: 160 / (230 - 4 - 10)", "SELECT numerator, denominator, service_level FROM service_level(1440, 20, 'screen') WHERE queue = 'Sales'", "160 216 0.740741"},
		{"the screen with another limit: 160 / (230 - 6 - 10)", "SELECT numerator, denominator, short_abandon_seconds FROM service_level(1440, 20, 'screen', short := 16) WHERE queue = 'Sales'", "160 214 16"},
		{"a higher threshold: 200 / 220", "SELECT numerator, denominator, threshold_seconds, variant FROM service_level(1440, 30, 'strict') WHERE queue = 'Sales'", "200 220 30 strict"},
		{"no answered and no abandoned call: null", "SELECT contacts, numerator, denominator, service_level FROM service_level(1440, 20, 'strict') WHERE queue = 'Night'", "2 0 0 -"},
		{"it re-aggregates", "SELECT sum(numerator), sum(denominator), count(*) > 1 FROM service_level(15, 20, 'screen') WHERE queue = 'Sales'", "160 216 true"},
		{"abandon rate: 20 / 230; ASA: (160 x 20 + 40 x 20.5) / 200; AHT: (200 x 70 + 100 x 20) / 200",
			"SELECT offered, abandoned, short_abandoned, abandon_rate, asa_seconds, aht_seconds FROM queue_interval(1440) WHERE queue = 'Sales'", "230 20 4 0.086957 20.1 80"},
		{"the hour that occurs twice", "SELECT interval_start, contacts FROM queue_interval(60) WHERE queue = 'Night' ORDER BY 1 LIMIT 1", "2025-11-02T06:00:00Z 1"},
		{"a day of 25 hours", "SELECT interval_start, contacts FROM queue_interval(1440) WHERE queue = 'Night'", "2025-11-02T05:00:00Z 2"},
		{"quarters of a day begin at local midnight", "SELECT interval_start, contacts FROM queue_interval(360) WHERE queue = 'Sales'", "2025-09-08T11:00:00Z 230"},
		{"an agent's day: 100 legs and a direct call; 100 x 70 + 50 x 20 + 30", "SELECT contacts, handled, handle_seconds FROM agent_day WHERE agent_id = 'a0'", "101 101 8030"},
		{"an agent of uContact", "SELECT contacts, answered, handled FROM agent_day WHERE agent_id = 'Ana'", "19 13 -"},
		{"an operator: 660 s over 12 resolved", "SELECT contacts, handled, handle_seconds / handled FROM agent_day WHERE agent_id = 'o1'", "15 12 55"},
		{"a campaign by channel", "SELECT contacts, interactions_in, answered FROM campaign_channel_day WHERE channel = 'voice' AND campaign = 'Sales'", "27 20 15"},
		{"NPS: (2 - 1) / 4", "SELECT responses, promoters, passives, detractors, score FROM satisfaction WHERE stream = 'chattonic.nps'", "4 2 1 1 25"},
		{"NPS of operators: (50 x 10 - 20 x 5) / 15", "SELECT responses, score FROM satisfaction WHERE stream = 'chattonic.operators' AND responses > 0", "15 26.666667"},
		{"NPS of nobody", "SELECT responses, score FROM satisfaction WHERE agent_id = 'o2'", "0 -"},
		{"CSAT: one of two calls", "SELECT responses, numerator, score FROM satisfaction WHERE measure = 'csat'", "2 1 50"},
		{"occupancy: 300 / 400", "SELECT numerator, denominator, occupancy, busy_seconds, total_seconds FROM duty_day WHERE local_date = '2025-09-08'", "300 400 0.75 50 86400"},
		{"occupancy of who was in no known state", "SELECT numerator, denominator, occupancy, unknown_seconds FROM duty_day WHERE local_date = '2025-09-09'", "0 0 - 86400"},
		{"transfers: two legs, one of them of a call whose entry says so too, and another entry", "SELECT (SELECT sum(transferred) FROM call_legs), (SELECT sum(transferred) FROM calls)", "2 3"},
		{"first response, as it is", "SELECT first_response_seconds, users_total_snapshot FROM dashboard_interval", "559.5 4000"},
		{"the wait of a call that was given up, from the queue", "SELECT wait_seconds, short_abandoned FROM calls WHERE call_id = 'c204'", "14 0"},
		{"the wait without a queue, from the start", "SELECT wait_seconds, short_abandoned FROM calls WHERE call_id = 'c200'", "5 1"},
		{"the agent of a call", "SELECT agent_name, handled, handle_seconds FROM calls WHERE call_id = 'c1'", "Agent 1 1 90"},
		{"days after", "SELECT days_after, after_settle, rows_before, rows_after, measures FROM restatements WHERE after_settle", `2 true 460 461 {"talk_seconds":[1,2]}`},
		{"a day that changed", "SELECT changed_at FROM changed_dates WHERE stream = 'dialpad.calls' AND local_date = '2025-11-02'", "2025-11-03T13:00:00Z"},
		{"all of a queue's day: (160 x 20 + 40 x 20.5) s of waits, 200 x 70 + 100 x 20 s of handling", "SELECT contacts, offered, answered, abandoned, short_abandoned, missed, answer_seconds, answer_count, handled, handle_seconds, interval_minutes, short_abandon_seconds FROM queue_interval(1440) WHERE queue_id = '1'",
			"230 230 200 20 4 10 4020 200 200 16000 1440 6"},
		{"all that a level is counted of", "SELECT contacts, answered, abandoned, short_abandoned, missed, interval_minutes FROM service_level(1440, 20, 'strict') WHERE queue_id = '1'", "230 200 20 4 10 1440"},
		{"all of a campaign's day", "SELECT contacts, interactions_in, interactions_out, answered, missed, abandoned, short_abandoned, abandon_rate, handled, in_service_level, handle_seconds, talk_seconds, hold_seconds, wrapup_seconds, queue_seconds FROM campaign_channel_day WHERE campaign = 'Full'",
			"42 30 12 23 3 5 2 0.166667 35 18 3500 2700 500 300 230"},
		{"all of an agent's day", "SELECT contacts, answered, handled, missed, handle_seconds, talk_seconds, hold_seconds, wrapup_seconds, login_seconds, away_seconds, free_seconds FROM agent_day WHERE agent_id = 'Bea'", "42 23 35 3 3500 2700 500 300 6600 150 900"},
		{"all of an agent's day of legs: 100 of 70 s, 50 of them 20 s longer, and five that nobody answered", "SELECT contacts, answered, handled, missed, handle_seconds, talk_seconds, hold_seconds, wrapup_seconds, login_seconds FROM agent_day WHERE agent_id = 'a1'", "100 100 100 5 8000 6000 1000 1000 -"},
		{"all of an interval of the dashboard", "SELECT messages_in, messages_out, resolved, expired, nps, csat, resolution_seconds FROM dashboard_interval", "75 - 6 - 33 - -"},
		{"a leg", "SELECT call_id, is_direct, queue_id, queue, handled, handle_seconds, transferred FROM call_legs WHERE leg_id = 'l7'", "c7 false 1 Sales 1 90 1"},
		{"a direct call is its own leg", "SELECT call_id, is_direct, queue, handled, handle_seconds FROM call_legs WHERE leg_id = 'direct'", "direct true - 1 30"},
		{"how long a call lasts", "SELECT duration_seconds, answered, abandoned, missed, handled, handle_seconds, agent_id FROM calls WHERE call_id = 'direct'", "60 1 0 0 1 30 a0"},
		{"CSAT of a target's day: 5 of (3, 5), and 2", "SELECT queue_id, responses, numerator, denominator, promoters FROM satisfaction WHERE measure = 'csat'", "callcenter:1 2 1 2 -"},
		{"mean talk time of a queue: from 10 s to 100 s after the start", "SELECT avg(epoch(ended_at - connected_at)) FROM calls WHERE queue = 'Sales'", "90"},
		{"calls per agent: (101 + 100) / 2", "SELECT sum(handled) / count(DISTINCT agent_id) FROM agent_day WHERE source = 'dialpad'", "100.5"},
		{"transfer rate: 3 / 200", "SELECT sum(transferred) / count(*) FILTER (handled > 0) FROM calls WHERE queue = 'Sales'", "0.015"},
		{"utilisation, unknown counting as logged in: 8030 / 86400", "SELECT a.handle_seconds / (d.total_seconds - coalesce(d.unavailable_seconds, 0)) FROM agent_day a JOIN duty_day d USING (source, account, local_date, agent_id) WHERE agent_id = 'a0'", "0.09294"},
		{"contacts that nobody repeated within a week: all but the one an hour before another",
			"SELECT count(*) FILTER (next IS NULL OR next - started_at > INTERVAL 7 DAY) / count(*) FROM (SELECT started_at, lead(started_at) OVER (PARTITION BY customer_address ORDER BY started_at) AS next FROM calls WHERE customer_address IS NOT NULL)", "0.666667"},
		{"a stream with rows", "SELECT table_name, first_date, last_date, rows, last_extracted_at FROM streams WHERE stream = 'dialpad.csat'", "events 2025-09-08T00:00:00Z 2025-09-08T00:00:00Z 4 2025-09-09T13:00:00Z"},
		{"a run that was killed", "SELECT sync_id, command, exit, committed, rows FROM runs WHERE finished_at IS NULL", "killed sync - - -"},
		{"a stream without rows", "SELECT rows, watermark FROM streams WHERE stream = 'dialpad.voicemails'", "- -"},
	} {
		t.Run(tt.measure, func(t *testing.T) {
			got := query(t, db, tt.sql)
			if len(got) != 1 || printed(got[0]) != tt.want {
				t.Errorf("%v, not %s", got, tt.want)
			}
		})
	}
}

// The README's ten queries, over the same rows. What they say was added up by hand: the legs of calls 0, 2, … 198 are Agent
// 0's, those of 1, 3, … 199 Agent 1's, of 70 s each and 20 s more below 100.
func TestTheReadmesQueriesAnswerTheirQuestions(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```sql\n")
	block, _, _ = strings.Cut(block, "```")
	answers := []struct{ question, rows string }{
		{"Service level by hour", "2025-09-08T00:00:00Z 2025-09-08T14:00:00Z Brief 0 1 0, 2025-09-08T00:00:00Z 2025-09-08T14:00:00Z Sales 160 220 0.727273, 2025-11-02T00:00:00Z 2025-11-02T06:00:00Z Night 0 0 -, 2025-11-02T00:00:00Z 2025-11-02T07:00:00Z Night 0 0 -"},
		{"Abandon rate", "2025-09-08T00:00:00Z Brief -, 2025-09-08T00:00:00Z Sales 0.070796, 2025-11-02T00:00:00Z Night 0"},                                                                                                                                                          // (20 - 4) / (230 - 4)
		{"Handle time per agent", "chattonic Op 55, dialpad Agent 0 79.50495, dialpad Agent 1 80, ucontact Bea 100"},                                                                                                                                                                 // 660 / 12; (100 x 70 + 50 x 20 + 30) / 101; (100 x 70 + 50 x 20) / 100
		{"Contacts per agent and day", "2025-09-01T00:00:00Z chattonic New 1, 2025-09-08T00:00:00Z chattonic Op 15, 2025-09-08T00:00:00Z dialpad Agent 0 101, 2025-09-08T00:00:00Z dialpad Agent 1 100, 2025-09-08T00:00:00Z ucontact Ana 19, 2025-09-10T00:00:00Z ucontact Bea 42"}, // 12 + 3; 10 + 4 + 5
		{"First response on chat", "2025-09-08T14:00:00Z acme 559.5 -"},
		{"Occupancy", "2025-09-08T00:00:00Z 0.75, 2025-09-09T00:00:00Z -"},
		{"NPS by week", "2025-09-01T00:00:00Z chattonic.operators -, 2025-09-08T00:00:00Z chattonic.nps 25, 2025-09-08T00:00:00Z chattonic.operators 26.666667"},
		{"Busiest hours", "9 231, 1 2, 15 1"},
		{"Transfers", "Brief 1 0 0, Night 2 0 0, Sales 230 200 3, - 1 1 0"},
		{"What changed since yesterday", "dialpad.calls 2025-11-02T05:00:00Z 3 2 {}"},
	}
	queries := strings.Split(strings.TrimSuffix(strings.TrimSpace(block), ";"), ";\n")
	if len(queries) != len(answers) {
		t.Fatalf("%d queries for %d questions", len(queries), len(answers))
	}
	db := warehouse(t)
	for i, q := range queries {
		if !strings.HasPrefix(q, "-- "+answers[i].question) {
			t.Errorf("question %d is %s", i+1, q)
		}
		var rows []string
		for _, r := range query(t, db, strings.Replace(q, "now()", "TIMESTAMPTZ '2025-11-04 00:00:00+00'", 1)) {
			rows = append(rows, printed(r))
		}
		if got, want := strings.Join(rows, ", "), answers[i].rows; got != want {
			t.Errorf("%s:\n got %s\nwant %s", answers[i].question, got, want)
		}
	}
}

// What the views count is what the tables hold: no row is lost, and none is counted twice.
func TestTheTotalsAreThoseOfTheTables(t *testing.T) {
	db := warehouse(t)
	for _, tt := range []struct{ of, view, table string }{
		{"calls", "SELECT count(*) FROM calls", "SELECT count(*) FROM events WHERE kind = 'call' AND is_entry"},
		{"legs", "SELECT count(*), sum(handled) FROM call_legs", "SELECT count(*), count(connected_at) FROM events WHERE kind = 'call' AND agent_id IS NOT NULL"},
		{"handle time", "SELECT sum(handle_seconds) FROM agent_day WHERE source = 'dialpad'", "SELECT sum(talk_seconds) + sum(hold_seconds) + sum(wrapup_seconds) FROM events WHERE agent_id IS NOT NULL AND connected_at IS NOT NULL"},
		{"agents of uContact", "SELECT sum(contacts) FROM agent_day WHERE source = 'ucontact'", "SELECT sum(interactions_in) + sum(interactions_out) FROM activity WHERE stream = 'ucontact.agents'"},
		{"queues", "SELECT sum(offered) FROM queue_interval(15)", "SELECT count(*) FROM events WHERE is_entry AND direction = 'inbound' AND resource_type = 'call_center'"},
		{"time on duty", "SELECT sum(total_seconds) FROM duty_day", "SELECT sum(status_seconds) FROM activity WHERE stream = 'dialpad.onduty_time'"},
	} {
		if view, table := printed(query(t, db, tt.view)[0]), printed(query(t, db, tt.table)[0]); view != table {
			t.Errorf("%s: the view says %s, the table %s", tt.of, view, table)
		}
	}
}

func TestAViewRefusesAParameterThatMeansNothing(t *testing.T) {
	db := warehouse(t)
	for _, call := range []string{"service_level(7, 20, 'strict')", "service_level(60, 20, 'STRICT')", "queue_interval(0)", "queue_interval(90)"} {
		var n int
		err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM (SELECT * FROM "+call+")").Scan(&n)
		if err == nil || !strings.Contains(err.Error(), "must") {
			t.Errorf("%s: %d rows, %v", call, n, err)
		}
	}
}

func TestTheViewsOfAnEmptyWarehouseHaveNoRows(t *testing.T) {
	db := open(t)
	p := views.Place{Dialect: views.DuckDB, Root: "/nowhere"}
	list, err := views.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, views.Script(p, list))
	for _, v := range list {
		from := v.Name
		if from == "service_level" {
			from = "service_level(60, 20, 'strict')"
		} else if from == "queue_interval" {
			from = "queue_interval(60)"
		}
		if n := query(t, db, "SELECT count(*) FROM "+from)[0][0]; n != int64(0) {
			t.Errorf("%s: %v rows", v.Name, n)
		}
		for _, word := range []string{"grain: ", "formula: "} {
			if !strings.Contains(v.Description, word) && !slices.Contains([]string{"activity", "events", "history"}, v.Name) {
				t.Errorf("%s: %q has no %s", v.Name, v.Description, word)
			}
		}
	}
	if n := query(t, db, "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND comment LIKE '%grain: %'")[0][0]; n != int64(len(list)-2) {
		t.Errorf("%v views state their grain, of %d and two macros", n, len(list))
	}
}

// Files of an older version lack columns, a table may have no file yet, and a name may hold a quote.
func TestAnOlderWarehouseIsReadAsFarAsItGoes(t *testing.T) {
	db, root := open(t), t.TempDir()
	exec(t, db, strings.Join(empty(t), ";\n"))
	exec(t, db, "ALTER TABLE events ADD COLUMN date DATE")
	exec(t, db, fmt.Sprintf(rows, "activity", "events")+"UPDATE events SET date = local_date")
	into := filepath.Join(root, "events")
	if err := os.MkdirAll(into, 0o750); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "COPY (SELECT * EXCLUDE (first_rang_at, agent_name, wrapup_seconds) FROM events) TO '"+into+"' (FORMAT parquet, PARTITION_BY (source, account, stream, date))")
	fresh := open(t)
	apply(t, fresh, views.Place{Dialect: views.DuckDB, Root: root + "/", Held: map[string]bool{"events": true},
		Watermarks: []views.Watermark{{Key: pipeline.StreamKey{Account: "o'hara", Stream: "dialpad.calls"}, At: pipeline.NoInstant}}})
	for _, tt := range []struct{ of, sql, want string }{
		{"waits, from the queue alone", "SELECT wait_seconds, agent_name FROM calls WHERE call_id = 'c204'", "14 -"},
		{"service level", "SELECT numerator, denominator FROM service_level(1440, 20, 'abandons_credited') WHERE queue = 'Sales'", "166 220"},
		{"handle time without wrap-up: 100 x 70 + 30", "SELECT agent_id, handled, handle_seconds, wrapup_seconds FROM agent_day WHERE agent_id = 'a0'", "a0 101 7030 -"},
		{"no row of statistics", "SELECT count(*) FROM campaign_channel_day", "0"},
		{"a quote", "SELECT account FROM streams WHERE rows IS NULL", "o'hara"},
	} {
		if got := query(t, fresh, tt.sql); len(got) != 1 || printed(got[0]) != tt.want {
			t.Errorf("%s: %v, not %s", tt.of, got, tt.want)
		}
	}
}

// The same rows in BigQuery's views and in DuckDB's.
func TestBothDialectsGiveTheSameRows(t *testing.T) {
	ctx := t.Context()
	server, err := bigquerytest.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	store, err := bigquery.Open(ctx, "bigquery://"+project+"/"+dataset, bigquery.Options{MaxBytesBilled: 1 << 40, TempDir: t.TempDir(), Pace: time.Millisecond, ClientOptions: server.Options()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if _, where, err := store.KeepViews(ctx, true); err != nil || where != "" {
		t.Fatalf("views that nobody asked for were made in %q, %v", where, err)
	}
	if _, where, err := store.KeepViews(ctx, false); err != nil || where != project+"."+dataset {
		t.Fatal(where, err)
	}
	if _, where, err := store.KeepViews(ctx, true); err != nil || where != "" {
		t.Fatalf("views that are as they should be were renewed in %q, %v", where, err)
	}
	table := func(name string) string { return `"` + project + "." + dataset + `".` + name }
	if err := server.ExecDuckDB(ctx, fmt.Sprintf(rows+measured, table("activity"), table("events"))+fmt.Sprintf(history, table("_windrow_history"))+fmt.Sprintf(notes, table("_windrow_runs"), table("_windrow_rejects"), "position")); err != nil {
		t.Fatal(err)
	}
	onFile(t, server)
	db := warehouse(t)
	compared := 0
	for _, v := range []struct{ duck, bigquery string }{
		{"calls", ""}, {"call_legs", ""}, {"agent_day", ""}, {"campaign_channel_day", ""}, {"dashboard_interval", ""}, {"satisfaction", ""}, {"duty_day", ""},
		{"restatements", ""}, {"runs", ""}, {"rejects", ""}, {"changed_dates", ""}, {"activity", ""}, {"events", ""},
		{"service_level(60, 20, 'screen')", "service_level WHERE interval_minutes = 60 AND threshold_seconds = 20 AND variant = 'screen'"},
		{"service_level(1440, 10, 'abandons_left_out')", "service_level WHERE interval_minutes = 1440 AND threshold_seconds = 10 AND variant = 'abandons_left_out'"},
		{"queue_interval(30)", "queue_interval WHERE interval_minutes = 30"},
		{"(SELECT * EXCLUDE (watermark) FROM streams WHERE rows > 0)", "streams"},
	} {
		name, where, _ := strings.Cut(v.bigquery, " ")
		if name == "" {
			name = v.duck
		}
		columns := columnsOf(t, db, v.duck)
		list := "`" + strings.Join(columns, "`, `") + "`"
		theirs, err := server.Query(ctx, project, "SELECT "+list+" FROM `"+project+"."+dataset+".windrow__"+name+"` "+where)
		if err != nil {
			t.Errorf("%s: %v", v.duck, err)
			continue
		}
		ours := sorted(query(t, db, "SELECT "+strings.ReplaceAll(list, "`", `"`)+" FROM "+v.duck))
		if got := sorted(theirs); !slices.Equal(got, ours) {
			t.Errorf("%s: BigQuery has\n%s\nand DuckDB\n%s", v.duck, strings.Join(got, "\n"), strings.Join(ours, "\n"))
		}
		compared += len(ours)
	}
	if compared < 900 {
		t.Errorf("only %d rows were compared", compared)
	}
}

var update = flag.Bool("update", false, "write the views on file anew")

// onFile compares BigQuery's views with those on file, which GoogleSQL's analyser judges: its module cannot call this
// one. The columns are those that the server tells of a view.
func onFile(t *testing.T, server *bigquerytest.Server) {
	t.Helper()
	type view struct {
		Name    string   `json:"name"`
		SQL     string   `json:"sql"`
		Columns []string `json:"columns"` // "name TYPE MODE"
	}
	client, err := cloud.NewClient(t.Context(), project, server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // nothing is left to do
	list, err := views.Build(views.Place{Dialect: views.BigQuery, Dataset: project + "." + dataset})
	if err != nil {
		t.Fatal(err)
	}
	var made []view
	for _, v := range list {
		md, err := client.Dataset(dataset).Table(v.Name).Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(md.Description, v.Description) || md.ViewQuery != v.SQL {
			t.Errorf("%s: %q, %s", v.Name, md.Description, md.ViewQuery)
		}
		of := view{Name: v.Name, SQL: v.SQL}
		for _, c := range md.Schema {
			mode := "NULLABLE"
			if c.Repeated {
				mode = "REPEATED"
			}
			of.Columns = append(of.Columns, fmt.Sprintf("%s %s %s", c.Name, c.Type, mode))
		}
		made = append(made, of)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(made); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "bigquery.json")
	if *update {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(file); err != nil || !bytes.Equal(was, text.Bytes()) {
		t.Errorf("the views are not those on file, %v: `go test ./sinks/views -update` writes them, and .ci/run googlesql judges them", err)
	}
}

func columnsOf(t *testing.T, db *sql.DB, from string) []string {
	t.Helper()
	var names []string
	for _, r := range query(t, db, "SELECT column_name FROM (DESCRIBE SELECT * FROM "+from+")") {
		names = append(names, r[0].(string))
	}
	return names
}

func sorted(rows [][]any) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = printed(r)
	}
	slices.Sort(list)
	return list
}
