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

// Runs reads the runs that started at an instant or later: started_at, finished_at, recorded_at, summary. Without an
// instant it reads all, those too that tell no start. A table of earlier versions has no column recorded_at.
func (d Dataset) Runs(from pipeline.Instant, recorded bool) string {
	at := "`recorded_at`"
	if !recorded {
		at = "CAST(NULL AS TIMESTAMP) AS `recorded_at`"
	}
	where := "TRUE"
	if from > FirstInstant {
		where = "`started_at` >= " + instant(from)
	}
	return fmt.Sprintf("SELECT `started_at`, `finished_at`, %s, `summary` FROM %s WHERE %s", at, d.table(RunsTable), where)
}

func (d Dataset) addRun(sum pipeline.Summary, text string) string {
	return fmt.Sprintf("INSERT INTO %s (`sync_id`, `started_at`, `finished_at`, `exit`, `summary`, `recorded_at`) VALUES (%s, %s, %s, %d, %s, CURRENT_TIMESTAMP())",
		d.table(RunsTable), quote(string(sum.SyncID)), instantOrNull(sum.StartedAt), instantOrNull(sum.FinishedAt), sum.Exit, quote(text))
}

// RecordRun records a run, with the receipts of its batches where there are any.
func (d Dataset) RecordRun(sum pipeline.Summary, text string, receipts []BatchReceipt) string {
	if len(receipts) == 0 {
		return d.addRun(sum, text)
	}
	return strings.Join([]string{"BEGIN TRANSACTION", d.addReceipts(sum, receipts), d.addRun(sum, text), "COMMIT TRANSACTION"}, ";\n") + ";"
}

// addReceipts appends a row for each batch. The row belongs to no stream and has no seq. The bytes that the batch
// staged stand in the rows of its windows.
func (d Dataset) addReceipts(sum pipeline.Summary, receipts []BatchReceipt) string {
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
