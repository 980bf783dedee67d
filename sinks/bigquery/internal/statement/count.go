package statement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// TableExtent is where the windows of one table lie.
type TableExtent struct {
	Table *pipeline.Table
	Extent
}

// TryDelete is a statement that deletes nothing, to have BigQuery say whether the rows of a table may be seen and deleted.
// It reads the columns that Windrow reads: a policy tag on one of them is in the way. partition is the column by which the
// table is partitioned; empty where it is not.
func (d Dataset) TryDelete(table, partition string) string {
	where := []string{}
	switch partition {
	case "":
	case "local_date":
		where = append(where, column(partition)+" = DATE '0001-01-01'")
	default:
		where = append(where, column(partition)+" = "+instant(FirstInstant))
	}
	for _, name := range readColumns(table) {
		where = append(where, column(name)+" IS NOT NULL")
	}
	return fmt.Sprintf("DELETE FROM %s WHERE %s", d.table(table), strings.Join(append(where, "FALSE"), " AND "))
}

// readColumns are the columns of a table that Windrow reads beside the partition.
func readColumns(table string) []string {
	switch table {
	case JournalTable:
		return []string{"source", "account", "kind", "text"}
	case RunsTable, FenceTable:
		return nil
	case LedgerTable:
		return append(slices.Clone(StreamColumns), "window_start", "window_end", "seq", "recorded_at", "batch", "replaces", "kind", "extracted_at", "sync_id", "entry")
	}
	return append(slices.Clone(StreamColumns), "window_start", "window_end")
}

// CountAll counts the rows of a table, as far as they may be seen.
func (d Dataset) CountAll(table, partition string) string {
	where := "TRUE"
	if partition != "" {
		where = column(partition) + " >= " + instant(FirstInstant)
	}
	return fmt.Sprintf("SELECT COUNT(*) AS `seen` FROM %s WHERE %s", d.table(table), where)
}

// CountRows counts what the tables hold on the days of the extents, by window: account, stream, window_start,
// window_end, rows. Windows of which the tables hold nothing are missing, and windows that merely share a day with one
// of an extent may be among the answers.
func (d Dataset) CountRows(tables []TableExtent) string {
	parts := make([]string, len(tables))
	for i, x := range tables {
		parts[i] = fmt.Sprintf("SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held` FROM %s AS t WHERE (%s) AND %s"+
			" GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`",
			d.table(x.Table.Name), x.onDates(), x.ofStreams())
	}
	return strings.Join(parts, "\nUNION ALL\n")
}
