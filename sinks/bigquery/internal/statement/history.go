package statement

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// historyValue is how one column of the history comes out of a row. A time is its microseconds.
type historyValue struct {
	column string
	typ    string // of the literal
	moment bool
	of     func(r *pipeline.HistoryRow) string
}

// historyValues are the columns of the history, in the order of their literals.
var historyValues = func() []historyValue {
	text := func(name string, of func(r *pipeline.HistoryRow) string) historyValue {
		return historyValue{name, "STRING", false, func(r *pipeline.HistoryRow) string { return quote(of(r)) }}
	}
	maybe := func(name string, of func(r *pipeline.HistoryRow) string) historyValue {
		return historyValue{name, "STRING", false, func(r *pipeline.HistoryRow) string {
			if v := of(r); v != "" {
				return quote(v)
			}
			return "NULL"
		}}
	}
	at := func(name string, of func(r *pipeline.HistoryRow) pipeline.Instant) historyValue {
		return historyValue{name, "INT64", true, func(r *pipeline.HistoryRow) string { return micros(of(r)) }}
	}
	ofChange := func(v historyValue) historyValue {
		of := v.of
		v.of = func(r *pipeline.HistoryRow) string {
			if r.Kind != pipeline.HistoryChanged {
				return "NULL"
			}
			return of(r)
		}
		return v
	}
	return []historyValue{
		text("kind", func(r *pipeline.HistoryRow) string { return string(r.Kind) }),
		text("sync_id", func(r *pipeline.HistoryRow) string { return string(r.SyncID) }),
		text("source", func(r *pipeline.HistoryRow) string { return string(r.Key.Stream.Source()) }),
		text("account", func(r *pipeline.HistoryRow) string { return string(r.Key.Account) }),
		text("stream", func(r *pipeline.HistoryRow) string { return string(r.Key.Stream) }),
		at("window_start", func(r *pipeline.HistoryRow) pipeline.Instant { return r.Window.Start }),
		at("window_end", func(r *pipeline.HistoryRow) pipeline.Instant { return r.Window.End }),
		at("read_at", func(r *pipeline.HistoryRow) pipeline.Instant { return r.ReadAt }),
		ofChange(at("previous_read_at", func(r *pipeline.HistoryRow) pipeline.Instant { return r.PreviousReadAt })),
		ofChange(historyValue{"after_settle", "BOOL", false, func(r *pipeline.HistoryRow) string { return boolean(r.AfterSettle) }}),
		ofChange(historyValue{"rows_before", "INT64", false, func(r *pipeline.HistoryRow) string { return strconv.FormatInt(r.RowsBefore, 10) }}),
		{"rows_after", "INT64", false, func(r *pipeline.HistoryRow) string {
			if !r.IsCommit() {
				return "NULL"
			}
			return strconv.FormatInt(r.RowsAfter, 10)
		}},
		maybe("measures", func(r *pipeline.HistoryRow) string { return r.MeasuresJSON() }),
		maybe("error_kind", func(r *pipeline.HistoryRow) string { return r.ErrorKind }),
		maybe("hint", func(r *pipeline.HistoryRow) string { return r.Hint }),
		maybe("unreadable", func(r *pipeline.HistoryRow) string { return r.UnreadableJSON() }),
		maybe("warning", func(r *pipeline.HistoryRow) string { return string(r.Warning) }),
	}
}()

// HistoryLiteral is a row of the history as a statement has it.
func HistoryLiteral(r *pipeline.HistoryRow) string {
	values := make([]string, len(historyValues))
	for i, v := range historyValues {
		values[i] = v.of(r)
	}
	return "(" + strings.Join(values, ",") + ")"
}

// insertHistory appends rows of the history. Those of a batch follow the entries of their windows that the guard of
// insertLines has let through; empty: there is no batch.
func (d Dataset) insertHistory(batch string, lines []Line, rows []pipeline.HistoryRow) string {
	var into, from, types []string
	for _, v := range historyValues {
		into = append(into, v.column)
		value := "e." + column(v.column)
		if v.moment {
			value = fromMicros(v.column)
		}
		from = append(from, value)
		types = append(types, column(v.column)+" "+v.typ)
	}
	literals := make([]string, len(rows))
	for i := range rows {
		literals[i] = HistoryLiteral(&rows[i])
	}
	text := fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s\nFROM UNNEST(ARRAY<STRUCT<%s>>[\n%s\n]) AS e",
		d.table(HistoryTable), columns(into, ""), strings.Join(from, ", "), strings.Join(types, ", "), strings.Join(literals, ",\n"))
	if batch == "" {
		return text
	}
	return text + fmt.Sprintf("\nWHERE EXISTS (SELECT 1 FROM %s AS l WHERE %s AND l.`batch` = %s AND l.`kind` = 'commit'"+
		" AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND l.`window_start` = %s AND l.`window_end` = %s)",
		d.table(LedgerTable), unseen("l", lines), quote(batch), fromMicros("window_start"), fromMicros("window_end"))
}

// RecordWithHistory appends entries that come without data, and rows of the history: both, or nothing.
func (d Dataset) RecordWithHistory(lines []Line, rows []pipeline.HistoryRow) string {
	return strings.Join([]string{"BEGIN TRANSACTION", d.AddEntries(lines), d.insertHistory("", nil, rows), "COMMIT TRANSACTION"}, ";\n") + ";"
}

// AddHistory appends rows of the history that come without an entry.
func (d Dataset) AddHistory(rows []pipeline.HistoryRow) string { return d.insertHistory("", nil, rows) }

// HistoryColumns are those of [Dataset.History], in their order.
var HistoryColumns = []string{
	"kind", "sync_id", "account", "stream", "window_start", "window_end", "read_at", "previous_read_at", "after_settle", "rows_before", "rows_after",
	"measures", "error_kind", "hint", "unreadable", "warning",
}

// History reads the history of streams (nil: of all) whose windows overlap a span, in order: [HistoryColumns]. Of several
// streams there may be others among them. A table of earlier versions has not the last two.
func (d Dataset) History(keys []pipeline.StreamKey, over pipeline.Span, warned bool) string {
	list := columns(HistoryColumns, "t.")
	if !warned {
		list = columns(HistoryColumns[:len(HistoryColumns)-2], "t.") + ", CAST(NULL AS STRING) AS `unreadable`, CAST(NULL AS STRING) AS `warning`"
	}
	where := []string{
		"t.`window_start` >= " + instant(max(over.Start, FirstInstant.Add(staging.LongestWindow)).Add(-staging.LongestWindow)),
		"t.`window_start` < " + instant(over.End), "t.`window_end` > " + instant(over.Start),
	}
	if len(keys) > 0 {
		where = append(where, inStreams("t.", keys))
	}
	return fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s ORDER BY t.`stream`, t.`account`, t.`window_start`, t.`window_end`, t.`read_at`, t.`sync_id`, t.`kind`",
		list, d.table(HistoryTable), strings.Join(where, " AND "))
}

// Fractional reports whether a column's numbers have fractions.
func Fractional(t *pipeline.Table, name string) bool {
	return t.Columns[t.Index(name)].Type.ID() == arrow.FLOAT64
}

// SumRows adds up, by window, the additive columns of the rows on the days of an extent: account, stream, window_start,
// window_end, rows, and for each of [pipeline.Table.Additive] the sum of the whole parts and, where it has fractions, that of
// the billionths. Each number counts to the billionth, as it does in [pipeline.Total]. Windows that merely share a day with
// one of the extent may be among the answers. A number that no INT64 holds counts for nothing, since an overflow would fail
// the query.
func (d Dataset) SumRows(t *pipeline.Table, x Extent) string {
	var sums []string
	for _, name := range t.Additive() {
		value := "t." + column(name)
		if !Fractional(t, name) {
			sums = append(sums, fmt.Sprintf("SUM(CAST(%s AS NUMERIC))", value))
			continue
		}
		sums = append(sums, fmt.Sprintf("SUM(CAST(SAFE_CAST(TRUNC(%[1]s) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((%[1]s - TRUNC(%[1]s)) * 1000000000) AS INT64))", value))
	}
	return fmt.Sprintf("SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*), %s FROM %s AS t WHERE (%s) AND %s GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`",
		strings.Join(sums, ", "), d.table(t.Name), x.onDates(), x.ofStreams())
}
