package statement

import (
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// BatchReceipt is what the jobs of one batch have used.
type BatchReceipt struct {
	Batch string
	Span  pipeline.Span // of its windows
	Used  pipeline.Receipt
}

// Notes reads the notes of a tenant from an instant on: at, kind, text.
func (d Dataset) Notes(k pipeline.TenantKey, from pipeline.Instant) string {
	return fmt.Sprintf("SELECT `at`, `kind`, `text` FROM %s WHERE `source` = %s AND `account` = %s AND `at` >= %s ORDER BY `at`",
		d.table(JournalTable), quote(string(k.Source)), quote(string(k.Account)), instant(from))
}

// AddNote appends a note to the journal.
func (d Dataset) AddNote(note pipeline.Note) string {
	return fmt.Sprintf("INSERT INTO %s (`source`, `account`, `at`, `kind`, `text`) VALUES (%s, %s, %s, %s, %s)",
		d.table(JournalTable), quote(string(note.Tenant.Source)), quote(string(note.Tenant.Account)),
		instant(pipeline.InstantOf(note.At)), quote(note.Kind), quoteOrNull(note.Text))
}

// ForgetNotes removes the notes of all tenants that are as old as an instant, or older.
func (d Dataset) ForgetNotes(until pipeline.Instant) string {
	return fmt.Sprintf("DELETE FROM %s WHERE `at` BETWEEN %s AND %s", d.table(JournalTable), instant(FirstInstant), instant(until))
}

// Runs reads the runs that started at an instant or later: started_at, finished_at, recorded_at, summary. A table of
// earlier versions has no column recorded_at.
func (d Dataset) Runs(from pipeline.Instant, recorded bool) string {
	at := "`recorded_at`"
	if !recorded {
		at = "CAST(NULL AS TIMESTAMP) AS `recorded_at`"
	}
	return fmt.Sprintf("SELECT `started_at`, `finished_at`, %s, `summary` FROM %s WHERE `started_at` >= %s", at, d.table(RunsTable), instant(from))
}

// BeginRun records that a run has begun.
func (d Dataset) BeginRun(sum pipeline.Summary, text string) string {
	names, values := runColumns(sum.Row(), text)
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", d.table(RunsTable), columns(names, ""), strings.Join(values, ", "))
}

// EndRun puts the end of a run in the place of its beginning, and adds it where there is none. The bounds leave the one
// partition in which the beginning is.
func (d Dataset) EndRun(sum pipeline.Summary, text string) string {
	names, values := runColumns(sum.Row(), text)
	at := instant(sum.StartedAt)
	changed := make([]string, 0, len(names))
	for i, name := range names {
		if name != "sync_id" && name != "started_at" {
			changed = append(changed, column(name)+" = "+values[i])
		}
	}
	return strings.Join([]string{
		fmt.Sprintf("MERGE %s AS T", d.table(RunsTable)),
		"USING (SELECT 1 AS `one`) AS S",
		fmt.Sprintf("ON T.`started_at` BETWEEN %s AND %s AND T.`sync_id` = %s", at, at, quote(string(sum.SyncID))),
		"WHEN MATCHED THEN UPDATE SET " + strings.Join(changed, ", "),
		fmt.Sprintf("WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)", columns(names, ""), strings.Join(values, ", ")),
	}, "\n")
}

// runColumns are the columns of a run, and their values as literals.
func runColumns(r pipeline.RunRow, text string) (names, values []string) {
	for _, f := range pipeline.RunSchema.Fields() {
		names = append(names, f.Name)
	}
	command := ""
	if r.Command != nil {
		command = string(*r.Command)
	}
	values = []string{quote(string(r.SyncID)), quoteOrNull(command)}
	for _, at := range []*pipeline.Instant{r.StartedAt, r.FinishedAt} {
		values = append(values, instantOrNull(orNone(at)))
	}
	for _, n := range r.Counts() {
		values = append(values, integerOrNull(n))
	}
	return append(names, "summary", "recorded_at"), append(values, quote(text), "CURRENT_TIMESTAMP()")
}

// orNone is an instant, or none.
func orNone(i *pipeline.Instant) pipeline.Instant {
	if i == nil {
		return pipeline.NoInstant
	}
	return *i
}

// AddReceipts appends a row to the ledger for each batch of a run. The row belongs to no stream and has no seq. The bytes
// that the batch staged stand in the rows of its windows.
func (d Dataset) AddReceipts(sum pipeline.Summary, receipts []BatchReceipt) string {
	rows := make([]string, len(receipts))
	for i, r := range receipts {
		rows[i] = fmt.Sprintf("('', '', '', 0, CURRENT_TIMESTAMP(), %s, FALSE, 'receipt', %s, %s, %s, FALSE, FALSE, 0, 0, 0, 0, 0, 0, '{}', %d, %d, %d)",
			quote(r.Batch), instant(r.Span.Start), instant(r.Span.End), quoteOrNull(string(sum.SyncID)), r.Used.BytesBilled, r.Used.SlotMillis, r.Used.LoadJobs+r.Used.QueryJobs)
	}
	into := []string{
		"source", "account", "stream", "seq", "recorded_at", "batch", "replaces", "kind", "window_start", "window_end", "sync_id", "settled", "unchanged",
		"rows_read", "rows_loaded", "rows_rejected", "rows_outside", "rows_duplicate", "bytes_staged", "entry", "bytes_billed", "slot_ms", "jobs",
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES\n%s", d.table(LedgerTable), columns(into, ""), strings.Join(rows, ",\n"))
}
