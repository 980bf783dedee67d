package statement

import (
	"fmt"
	"strings"
)

// The tables of a send ledger. PushFenceTable has one row, which every writer replaces, so that BigQuery cancels one of two
// at once; it is not that of the sink's commits, with which a push has nothing to do.
const (
	PushTable      = "_windrow_push"
	PushFenceTable = "_windrow_push_turn"
)

// PushLine is one line of a send ledger: a change.
type PushLine struct {
	Key    string // the log's key as JSON
	Change string // as JSON
	Proof  int64  // that nothing was changed
}

// PushFormat is the version of the lines.
const PushFormat = 1

// ReadPush reads the lines of a log behind a position, in order: position, item, items, format, key, change, proof.
func (d Dataset) ReadPush(log string, after uint64) string {
	return fmt.Sprintf("SELECT `position`, `item`, `items`, `format`, `key`, `change`, `proof` FROM %s WHERE `log` = %s AND `position` > %d ORDER BY `position`, `item`",
		d.table(PushTable), quote(log), after)
}

// PushLogs lists the logs and their keys: log, key.
func (d Dataset) PushLogs() string {
	return fmt.Sprintf("SELECT DISTINCT `log`, `key` FROM %s ORDER BY `log`, `key`", d.table(PushTable))
}

// PushWriter reads who has written behind a position: writer.
func (d Dataset) PushWriter(log string, after uint64) string {
	return fmt.Sprintf("SELECT `writer` FROM %s WHERE `log` = %s AND `position` = %d AND `item` = 1", d.table(PushTable), quote(log), after+1)
}

// PushFenceRow adds the row of the fence.
func (d Dataset) PushFenceRow(writer string) string {
	return fmt.Sprintf("INSERT INTO %s (`writer`) VALUES (%s)", d.table(PushFenceTable), quote(writer))
}

// AppendPush is the script that adds lines behind a position, where that is the log's end. Its only error is [ErrTooLong].
func (d Dataset) AppendPush(log string, after uint64, writer string, lines []PushLine) (string, error) {
	rows := make([]string, len(lines))
	for i, l := range lines {
		rows[i] = fmt.Sprintf("(%d,%s,%s,%d)", i+1, quote(l.Key), quote(l.Change), l.Proof)
	}
	table := d.table(PushTable)
	script := strings.Join([]string{
		"BEGIN TRANSACTION",
		fmt.Sprintf("DELETE FROM %s WHERE TRUE", d.table(PushFenceTable)),
		d.PushFenceRow(writer),
		fmt.Sprintf("INSERT INTO %s (`log`, `position`, `item`, `items`, `writer`, `recorded_at`, `format`, `key`, `change`, `proof`)\n"+
			"SELECT %s, %d, e.`item`, %d, %s, CURRENT_TIMESTAMP(), %d, e.`key`, e.`change`, e.`proof`\n"+
			"FROM UNNEST(ARRAY<STRUCT<`item` INT64, `key` STRING, `change` STRING, `proof` INT64>>[\n%s\n]) AS e\n"+
			"WHERE (SELECT COALESCE(MAX(p.`position`), 0) FROM %s AS p WHERE p.`log` = %s) = %d",
			table, quote(log), after+1, len(lines), quote(writer), PushFormat, strings.Join(rows, ",\n"), table, quote(log), after),
		"COMMIT TRANSACTION",
	}, ";\n") + ";"
	if len(script) > MaxBytes {
		return "", ErrTooLong
	}
	return script, nil
}
