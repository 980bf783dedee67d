package statement

import (
	"errors"
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// MaxBytes keeps a script under BigQuery's limit of 1 MB.
const MaxBytes = 900 << 10

// ErrTooLong refuses a script that BigQuery would refuse. Half of its lines may fit.
var ErrTooLong = errors.New("the statement is longer than BigQuery takes")

// Transaction is what one commit does.
type Transaction struct {
	ID       string          // of the batch; stands in its ledger entries
	Lines    []Line          // ledger entries; at least one
	Table    *pipeline.Table // whose rows are replaced; nil where none are
	Replaced Extent          // of the windows whose rows are replaced, old and new bounds
	// Rows and Rejects name staging tables; empty where there is nothing to insert.
	Rows, Rejects string
	RejectColumns []string // of the staging table of rejects
	History       []pipeline.HistoryRow
}

// Commit is the script of a transaction. Its only error is [ErrTooLong].
//
// Every commit replaces the row of [FenceTable] first. A transaction reads the tables as they were when it began, so
// the guard of the ledger's INSERT alone would miss a commit that ends meanwhile.
func (d Dataset) Commit(t Transaction) (string, error) {
	list := []string{
		"BEGIN TRANSACTION",
		fmt.Sprintf("DELETE FROM %s WHERE TRUE", d.table(FenceTable)),
		d.FenceRow(t.ID),
		d.insertLines(t.ID, t.Lines),
	}
	if len(t.History) > 0 {
		list = append(list, d.insertHistory(t.ID, t.Lines, t.History))
	}
	if !t.Replaced.Empty() {
		list = append(list, d.deleteRows(t))
		if t.Rows != "" {
			list = append(list, d.insertRows(t))
		}
		list = append(list, d.deleteRejects(t))
		if t.Rejects != "" {
			list = append(list, d.insertRejects(t))
		}
	}
	list = append(list, "COMMIT TRANSACTION")
	script := strings.Join(list, ";\n") + ";"
	if len(script) > MaxBytes {
		return "", ErrTooLong
	}
	return script, nil
}

// FenceRow adds the fence's row. A script that replaces the row deletes it first.
func (d Dataset) FenceRow(batch string) string {
	return fmt.Sprintf("INSERT INTO %s (`batch`) VALUES (%s)", d.table(FenceTable), quote(batch))
}

// replaced is the subquery for the entries of the batch that were inserted and that replace their windows' rows. The
// subquery is joined to a row by the row's stream and the condition.
func (d Dataset) replaced(t Transaction, row, condition string) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s AS l WHERE %s AND l.`batch` = %s AND l.`replaces`"+
		" AND l.`source` = %s.`source` AND l.`account` = %s.`account` AND l.`stream` = %s.`stream` AND %s)",
		d.table(LedgerTable), unseen("l", t.Lines), quote(t.ID), row, row, row, condition)
}

// overlaps and same relate the window of a row to that of a ledger entry.
func overlaps(row string) string {
	return fmt.Sprintf("l.`window_start` < %s.`window_end` AND l.`window_end` > %s.`window_start`", row, row)
}

func same(row string) string {
	return fmt.Sprintf("l.`window_start` = %s.`window_start` AND l.`window_end` = %s.`window_end`", row, row)
}

// deleteRows removes the rows of every window that overlaps a replaced one, whether or not the ledger knows that
// window. The bounds are literals, because BigQuery prunes partitions by nothing else.
func (d Dataset) deleteRows(t Transaction) string {
	return fmt.Sprintf("DELETE FROM %s AS t WHERE (%s) AND %s AND %s",
		d.table(t.Table.Name), t.Replaced.onDates(), t.Replaced.ofStreams(), d.replaced(t, "t", overlaps("t")))
}

func (d Dataset) insertRows(t Transaction) string {
	list := make([]string, len(t.Table.Columns))
	for i, c := range t.Table.Columns {
		list[i] = c.Name
	}
	return fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s FROM %s AS s WHERE %s",
		d.table(t.Table.Name), columns(list, ""), columns(list, "s."), d.table(t.Rows), d.replaced(t, "s", same("s")))
}

func (d Dataset) deleteRejects(t Transaction) string {
	return fmt.Sprintf("DELETE FROM %s AS t WHERE %s AND %s AND %s",
		d.table(RejectsTable), t.Replaced.within(), t.Replaced.ofStreams(), d.replaced(t, "t", overlaps("t")))
}

func (d Dataset) insertRejects(t Transaction) string {
	return fmt.Sprintf("INSERT INTO %s (%s, `extracted_at`, `sync_id`)\nSELECT %s, l.`extracted_at`, l.`sync_id` FROM %s AS s JOIN %s AS l"+
		" ON l.`source` = s.`source` AND l.`account` = s.`account` AND l.`stream` = s.`stream` AND %s WHERE %s AND l.`batch` = %s AND l.`replaces`",
		d.table(RejectsTable), columns(t.RejectColumns, ""), columns(t.RejectColumns, "s."), d.table(t.Rejects), d.table(LedgerTable), same("s"), unseen("l", t.Lines), quote(t.ID))
}
