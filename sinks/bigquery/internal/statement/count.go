package statement

import (
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// TableExtent is where the windows of one table lie.
type TableExtent struct {
	Table *pipeline.Table
	Extent
}

// TryDelete is a statement that deletes nothing, to have BigQuery say whether the rows of a table may be deleted.
// partition is the column by which the table is partitioned; empty where it is not.
func (d Dataset) TryDelete(table, partition string) string {
	where := "FALSE"
	switch partition {
	case "":
	case "local_date":
		where = column(partition) + " = DATE '0001-01-01' AND FALSE"
	default:
		where = column(partition) + " = " + instant(FirstInstant) + " AND FALSE"
	}
	return fmt.Sprintf("DELETE FROM %s WHERE %s", d.table(table), where)
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
