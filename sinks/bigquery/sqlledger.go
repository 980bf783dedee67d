package bigquery

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// logFloor asks for the log of a stream above a seq.
type logFloor struct {
	pipeline.StreamKey
	floor int64
}

// readLedger reads the logs of streams, in order: account, stream, seq,
// recorded_at, batch, entry. The predicates that all share come first and are
// literals, so that clusters are pruned.
func (n names) readLedger(above []logFloor) string {
	lowest := above[0].floor
	var lists [3][]string
	each := make([]string, len(above))
	for i, a := range above {
		lowest = min(lowest, a.floor)
		lists[0] = append(lists[0], string(a.Stream.Source()))
		lists[1] = append(lists[1], string(a.Account))
		lists[2] = append(lists[2], string(a.Stream))
		each[i] = fmt.Sprintf("%s AND `seq` > %d", ofStream(a.StreamKey), a.floor)
	}
	where := each[0]
	if len(each) > 1 {
		where = fmt.Sprintf("%s AND `seq` > %d AND (%s)", inStreams("", lists), lowest, "("+strings.Join(each, ") OR (")+")")
	}
	return fmt.Sprintf("SELECT `account`, `stream`, `seq`, `recorded_at`, `batch`, `entry` FROM %s WHERE %s AND `kind` != 'receipt' ORDER BY `seq`, `recorded_at`, `entry`",
		n.table(ledgerTable), where)
}

func (n names) streams() string {
	return fmt.Sprintf("SELECT DISTINCT `account`, `stream` FROM %s WHERE `kind` != 'receipt' ORDER BY `stream`, `account`", n.table(ledgerTable))
}

// line is one entry on its way into the ledger.
type line struct {
	key      pipeline.StreamKey
	entry    pipeline.Entry
	text     string // the entry as JSON
	replaces bool   // its rows are replaced
	seen     int64  // the seq of the stream's last commit that the verdict knew
	bytes    int64
}

// ledgerValue is how one column of the ledger comes out of a line.
type ledgerValue struct {
	column string
	typ    string // of the literal; a time is its microseconds, which is shorter
	sql    string // the column's value; empty where it is the literal itself
	of     func(l line) string
}

func fromMicros(column string) string { return "TIMESTAMP_MICROS(e." + column + ")" }

// ledgerValues are the columns that differ from line to line, in the order of
// their literals.
var ledgerValues = func() []ledgerValue {
	text := func(name string, of func(l line) string) ledgerValue {
		return ledgerValue{name, "STRING", "", func(l line) string {
			if v := of(l); v != "" {
				return quote(v)
			}
			return "NULL"
		}}
	}
	number := func(name string, of func(l line) int64) ledgerValue {
		return ledgerValue{name, "INT64", "", func(l line) string { return strconv.FormatInt(of(l), 10) }}
	}
	flag := func(name string, of func(l line) bool) ledgerValue {
		return ledgerValue{name, "BOOL", "", func(l line) string { return boolean(of(l)) }}
	}
	always := func(name string, of func(l line) pipeline.Instant) ledgerValue {
		return ledgerValue{name, "INT64", fromMicros(name), func(l line) string { return micros(of(l)) }}
	}
	maybe := func(name string, of func(l line) pipeline.Instant) ledgerValue {
		return ledgerValue{name, "INT64", fromMicros(name), func(l line) string {
			if i := of(l); i != 0 && i != pipeline.NoInstant {
				return micros(i)
			}
			return "NULL"
		}}
	}
	return []ledgerValue{
		text("source", func(l line) string { return string(l.key.Stream.Source()) }),
		text("account", func(l line) string { return string(l.key.Account) }),
		text("stream", func(l line) string { return string(l.key.Stream) }),
		flag("replaces", func(l line) bool { return l.replaces }),
		text("kind", func(l line) string { return string(l.entry.Kind) }),
		always("window_start", func(l line) pipeline.Instant { return l.entry.Window.Start }),
		always("window_end", func(l line) pipeline.Instant { return l.entry.Window.End }),
		text("zone", func(l line) string { return l.entry.Window.Zone }),
		text("sync_id", func(l line) string { return string(l.entry.SyncID) }),
		maybe("extracted_at", func(l line) pipeline.Instant { return l.entry.ExtractedAt }),
		maybe("read_at", func(l line) pipeline.Instant { return l.entry.ReadAt }),
		maybe("committed_at", func(l line) pipeline.Instant { return l.entry.CommittedAt }),
		flag("settled", func(l line) bool { return l.entry.Settled }),
		flag("unchanged", func(l line) bool { return l.entry.Unchanged }),
		number("rows_read", func(l line) int64 { return l.entry.Counts.Read }),
		number("rows_loaded", func(l line) int64 { return l.entry.Counts.Rows }),
		number("rows_rejected", func(l line) int64 { return l.entry.Counts.Rejected }),
		number("rows_outside", func(l line) int64 { return l.entry.Counts.Outside }),
		number("rows_duplicate", func(l line) int64 { return l.entry.Counts.Duplicate }),
		number("bytes_staged", func(l line) int64 { return l.bytes }),
		text("fingerprint", func(l line) string {
			if l.entry.Kind != pipeline.EntryCommit {
				return ""
			}
			return l.entry.Fingerprint.String()
		}),
		text("settings", func(l line) string { return l.entry.Settings }),
		text("note", func(l line) string { return l.entry.Note }),
		text("entry", func(l line) string { return l.text }),
	}
}()

// addEntries appends entries that come without data, in order.
func (n names) addEntries(lines []line) string {
	return n.insertEntries("", lines)
}

// insertEntries appends entries; those of a batch only where the guard lets
// them. The lines are one array of typed structs, for what must fit into one
// script are hundreds of them: a UNION of as many queries would be twice as
// long, and BigQuery plans each of its parts.
func (n names) insertEntries(batch string, lines []line) string {
	var b strings.Builder
	ledger := n.table(ledgerTable)
	into := []string{"seq", "recorded_at", "batch"}
	from := []string{
		fmt.Sprintf("(SELECT COALESCE(MAX(m.`seq`), 0) FROM %s AS m) + e.`n`", ledger),
		"CURRENT_TIMESTAMP()", quoteOrNull(batch),
	}
	types := []string{"`n` INT64", "`seen` INT64"}
	for _, v := range ledgerValues {
		into = append(into, v.column)
		value := v.sql
		if value == "" {
			value = "e." + column(v.column)
		}
		from = append(from, value)
		types = append(types, column(v.column)+" "+v.typ)
	}
	fmt.Fprintf(&b, "INSERT INTO %s (%s)\nSELECT %s\nFROM UNNEST(ARRAY<STRUCT<%s>>[", ledger, columns(into, ""), strings.Join(from, ", "), strings.Join(types, ", "))
	for i, l := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n(%d,%d", i+1, l.seen)
		for _, v := range ledgerValues {
			b.WriteByte(',')
			b.WriteString(v.of(l))
		}
		b.WriteByte(')')
	}
	b.WriteString("\n]) AS e")
	if batch != "" {
		// A newer reading than the verdict knew is among the commits that it did not know.
		fmt.Fprintf(&b, "\nWHERE NOT EXISTS (SELECT 1 FROM %s AS l WHERE %s AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream`"+
			" AND l.`kind` = 'commit' AND l.`seq` > e.`seen` AND l.`window_start` < %s AND l.`window_end` > %s)",
			ledger, unseen("l", lines), fromMicros("window_end"), fromMicros("window_start"))
	}
	return b.String()
}

// unseen narrows a scan of the ledger to the clusters of the lines' streams
// above what their verdicts knew. BigQuery prunes by literals alone.
func unseen(row string, lines []line) string {
	var lists [3][]string
	seen := lines[0].seen
	for _, l := range lines {
		lists[0] = append(lists[0], string(l.key.Stream.Source()))
		lists[1] = append(lists[1], string(l.key.Account))
		lists[2] = append(lists[2], string(l.key.Stream))
		seen = min(seen, l.seen)
	}
	return fmt.Sprintf("%s AND %s.`seq` > %d", inStreams(row+".", lists), row, seen)
}

// endRun records a run, with the receipts of its batches where there are any.
func (n names) endRun(sum pipeline.Summary, text string, receipts []batchReceipt) string {
	if len(receipts) == 0 {
		return n.addRun(sum, text)
	}
	return strings.Join([]string{"BEGIN TRANSACTION", n.addReceipts(sum, receipts), n.addRun(sum, text), "COMMIT TRANSACTION"}, ";\n") + ";"
}

// addReceipts appends a row for each batch. It belongs to no stream, and to no
// place in the order of the log; the bytes that it staged stand in its windows' rows.
func (n names) addReceipts(sum pipeline.Summary, receipts []batchReceipt) string {
	rows := make([]string, len(receipts))
	for i, r := range receipts {
		rows[i] = fmt.Sprintf("('', '', '', 0, CURRENT_TIMESTAMP(), %s, FALSE, 'receipt', %s, %s, %s, FALSE, FALSE, 0, 0, 0, 0, 0, 0, '{}', %d, %d, %d)",
			quote(r.batch), instant(r.span.Start), instant(r.span.End), quoteOrNull(string(sum.SyncID)), r.used.BytesBilled, r.used.SlotMillis, r.used.LoadJobs+r.used.QueryJobs)
	}
	into := []string{
		"source", "account", "stream", "seq", "recorded_at", "batch", "replaces", "kind", "window_start", "window_end", "sync_id", "settled", "unchanged",
		"rows_read", "rows_loaded", "rows_rejected", "rows_outside", "rows_duplicate", "bytes_staged", "entry", "bytes_billed", "slot_ms", "jobs",
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES\n%s", n.table(ledgerTable), columns(into, ""), strings.Join(rows, ",\n"))
}

// watermarks is the query of the view: for each stream the end of the unbroken
// run of settled or waived windows from its first day on, which is the last one
// in the order of the log, else its origin. A window counts by its last commit,
// until one that overlaps it takes its place.
func (n names) watermarks() string {
	ledger := n.table(ledgerTable)
	return "WITH origins AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `origin` FROM " + ledger + " WHERE `kind` = 'origin' GROUP BY `source`, `account`, `stream`\n" +
		"), firsts AS (\n" +
		"  SELECT f.`source`, f.`account`, f.`stream`, MAX(f.`window_start`) AS `first_day` FROM " + ledger + " AS f\n" +
		"  WHERE f.`kind` = 'first'\n" +
		"  AND NOT EXISTS (SELECT 1 FROM " + ledger + " AS g WHERE g.`source` = f.`source` AND g.`account` = f.`account` AND g.`stream` = f.`stream`\n" +
		"    AND g.`kind` = 'first' AND (g.`seq` > f.`seq` OR (g.`seq` = f.`seq` AND g.`recorded_at` > f.`recorded_at`)))\n" +
		"  GROUP BY f.`source`, f.`account`, f.`stream`\n" +
		"), days AS (\n" +
		"  SELECT o.`source`, o.`account`, o.`stream`, COALESCE(f.`first_day`, o.`origin`) AS `first_day` FROM origins AS o\n" +
		"  LEFT JOIN firsts AS f ON f.`source` = o.`source` AND f.`account` = o.`account` AND f.`stream` = o.`stream`\n" +
		"), covered AS (\n" +
		"  SELECT c.`source`, c.`account`, c.`stream`, c.`window_start`, c.`window_end` FROM " + ledger + " AS c\n" +
		"  WHERE ((c.`kind` = 'commit' AND c.`settled`) OR c.`kind` = 'waive')\n" +
		"  AND NOT EXISTS (SELECT 1 FROM " + ledger + " AS d WHERE d.`source` = c.`source` AND d.`account` = c.`account` AND d.`stream` = c.`stream`\n" +
		"    AND d.`kind` = 'commit' AND d.`seq` > c.`seq` AND d.`window_start` < c.`window_end` AND d.`window_end` > c.`window_start`)\n" +
		"), ordered AS (\n" +
		"  SELECT v.*, f.`first_day`, MAX(v.`window_end`) OVER (PARTITION BY v.`source`, v.`account`, v.`stream` ORDER BY v.`window_start`, v.`window_end`\n" +
		"    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS `reached`\n" +
		"  FROM covered AS v JOIN days AS f ON f.`source` = v.`source` AND f.`account` = v.`account` AND f.`stream` = v.`stream`\n" +
		"  WHERE v.`window_end` > f.`first_day`\n" +
		"), holes AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `hole` FROM ordered\n" +
		"  WHERE `window_start` > COALESCE(`reached`, `first_day`) GROUP BY `source`, `account`, `stream`\n" +
		")\n" +
		"SELECT f.`source`, f.`account`, f.`stream`, f.`first_day`,\n" +
		"  MAX(CASE WHEN h.`hole` IS NULL OR v.`window_start` < h.`hole` THEN v.`window_end` END) AS `watermark`\n" +
		"FROM days AS f\n" +
		"LEFT JOIN ordered AS v ON v.`source` = f.`source` AND v.`account` = f.`account` AND v.`stream` = f.`stream`\n" +
		"LEFT JOIN holes AS h ON h.`source` = f.`source` AND h.`account` = f.`account` AND h.`stream` = f.`stream`\n" +
		"GROUP BY f.`source`, f.`account`, f.`stream`, f.`first_day`"
}
