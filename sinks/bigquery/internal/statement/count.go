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
// It reads the columns that a sync reads, or those that are named: a policy tag on one of them is in the way, also of whoever
// may read it masked. partition is the column by which the table is partitioned; empty where it is not.
func (d Dataset) TryDelete(table, partition string, named ...string) string {
	where := []string{}
	switch partition {
	case "":
	case "local_date":
		where = append(where, column(partition)+" = DATE '0001-01-01'")
	default:
		where = append(where, column(partition)+" = "+instant(FirstInstant))
	}
	if len(named) == 0 {
		named = readColumns(table)
	}
	for _, name := range named {
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
	return fmt.Sprintf("SELECT COUNT(*) AS `seen` FROM %s AS t WHERE %s", d.table(table), everywhere(partition))
}

// partitionOf is the column by which a table of rows or rejects is partitioned.
func partitionOf(table string) string {
	if table == RejectsTable {
		return "window_start"
	}
	return "local_date"
}

// everywhere is true of every row, and a filter of the partitions.
func everywhere(partition string) string {
	switch partition {
	case "":
		return "TRUE"
	case "local_date":
		return "t.`local_date` >= DATE '0001-01-01'"
	}
	return "t." + column(partition) + " >= " + instant(FirstInstant)
}

// CountRows counts what the tables hold on the days of the extents, and the rejects of windows within that of rejects, where
// it has any, by window: account, stream, window_start, window_end, rows, whether they are rejects. Windows of which nothing
// is held are missing, and windows that merely share a day with one of an extent may be among the answers.
func (d Dataset) CountRows(tables []TableExtent, rejects Extent) string {
	const groups = " GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`"
	var parts []string
	for _, x := range tables {
		parts = append(parts, fmt.Sprintf("SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM %s AS t WHERE (%s) AND %s"+groups,
			d.table(x.Table.Name), x.onDates(), x.ofStreams()))
	}
	if !rejects.Empty() {
		parts = append(parts, fmt.Sprintf("SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, TRUE AS `rejected` FROM %s AS t WHERE %s AND %s"+groups,
			d.table(RejectsTable), rejects.within(), rejects.ofStreams()))
	}
	return strings.Join(parts, "\nUNION ALL\n")
}

// CountStream counts what the tables that are named hold of a stream, by window: window_start, window_end, rows, whether
// they are rejects.
func (d Dataset) CountStream(k pipeline.StreamKey, tables ...string) string {
	parts := make([]string, len(tables))
	for i, name := range tables {
		parts[i] = fmt.Sprintf("SELECT t.`window_start`, t.`window_end`, COUNT(*) AS `held`, %s AS `rejected` FROM %s AS t WHERE %s AND %s GROUP BY t.`window_start`, t.`window_end`",
			boolean(name == RejectsTable), d.table(name), everywhere(partitionOf(name)), inStreams("t.", []pipeline.StreamKey{k}))
	}
	return strings.Join(parts, "\nUNION ALL\n")
}

// Holders lists the streams of which the tables that are named hold anything: account, stream.
func (d Dataset) Holders(tables ...string) string {
	parts := make([]string, len(tables))
	for i, name := range tables {
		parts[i] = fmt.Sprintf("SELECT t.`account`, t.`stream` FROM %s AS t WHERE %s GROUP BY t.`account`, t.`stream`", d.table(name), everywhere(partitionOf(name)))
	}
	return strings.Join(parts, "\nUNION DISTINCT\n")
}

// RejectColumns names the columns that count towards the hash of rejects.
var RejectColumns = []string{"scope", "reason", "raw"}

// HashedColumns names the columns that count towards a fingerprint.
func HashedColumns(t *pipeline.Table) (list []string) {
	b := pipeline.NewBatch(t)
	defer b.Release()
	for i, c := range t.Columns {
		if !b.Engine(i) {
			list = append(list, c.Name)
		}
	}
	return list
}

// ReadRows reads columns of the rows on the days of an extent, window by window: window_start, window_end, the columns.
func (d Dataset) ReadRows(t *pipeline.Table, x Extent, list []string) string {
	return fmt.Sprintf("SELECT t.`window_start`, t.`window_end`, %s FROM %s AS t WHERE (%s) AND %s AND %s ORDER BY t.`window_start`, t.`window_end`",
		columns(list, "t."), d.table(t.Name), x.onDates(), x.ofStreams(), x.within())
}

// ReadRejects reads the rejects of the windows within an extent: window_start, window_end, scope, reason, raw.
func (d Dataset) ReadRejects(x Extent) string {
	return fmt.Sprintf("SELECT t.`window_start`, t.`window_end`, %s FROM %s AS t WHERE %s AND %s",
		columns(RejectColumns, "t."), d.table(RejectsTable), x.within(), x.ofStreams())
}

// ListRejects lists the rejects of the windows within an extent, in order: window_start, window_end, scope, position, reason,
// raw, row_time, field, shape. A table of earlier versions has no column field and no column shape.
func (d Dataset) ListRejects(x Extent, culprits bool) string {
	culprit := "t.`field`, t.`shape`"
	if !culprits {
		culprit = "CAST(NULL AS STRING) AS `field`, CAST(NULL AS STRING) AS `shape`"
	}
	return fmt.Sprintf("SELECT t.`window_start`, t.`window_end`, t.`scope`, t.`position`, t.`reason`, t.`raw`, t.`row_time`, %s FROM %s AS t WHERE %s AND %s "+
		"ORDER BY t.`window_start`, t.`window_end`, COALESCE(t.`scope`, ''), t.`position`, t.`reason`, t.`raw`",
		culprit, d.table(RejectsTable), x.within(), x.ofStreams())
}

// allDays is everywhere with an upper bound too, as a DELETE of days has.
func allDays(partition string) string {
	if partition != "local_date" {
		return everywhere(partition)
	}
	return "t.`local_date` BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
}

// Sweep is a transaction that removes the rows and rejects of windows that the ledger does not have, unless a window that
// overlaps them was committed after seen. It conflicts with every commit, as commits do with each other.
func (d Dataset) Sweep(id string, k pipeline.StreamKey, seen int64, spans []pipeline.Span, tables ...string) string {
	list := []string{"BEGIN TRANSACTION", fmt.Sprintf("DELETE FROM %s WHERE TRUE", d.table(FenceTable)), d.FenceRow(id)}
	windows := make([]string, len(spans))
	for i, s := range spans {
		windows[i] = fmt.Sprintf("(t.`window_start` = %s AND t.`window_end` = %s)", instant(s.Start), instant(s.End))
	}
	for _, name := range tables {
		list = append(list, fmt.Sprintf("DELETE FROM %s AS t WHERE %s AND %s AND (%s) AND NOT EXISTS (SELECT 1 FROM %s AS l WHERE l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND %s AND l.`seq` > %d AND l.`kind` = 'commit' AND %s)",
			d.table(name), allDays(partitionOf(name)), inStreams("t.", []pipeline.StreamKey{k}), strings.Join(windows, " OR "),
			d.table(LedgerTable), inStreams("l.", []pipeline.StreamKey{k}), seen, overlaps("t")))
	}
	return strings.Join(append(list, "COMMIT TRANSACTION"), ";\n") + ";"
}
