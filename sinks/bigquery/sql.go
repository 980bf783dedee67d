package bigquery

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// Every statement that the sink sends is built here. Identifiers come from a
// closed set: the tables and columns of the program, the project and dataset
// that Open has checked, and staging tables named by a digest. Everything else
// goes through quote, instant or date.

// maxStatement keeps a script under BigQuery's limit of 1 MB.
const maxStatement = 900 << 10

// errTooLong refuses a script that BigQuery would refuse; half of the batch may fit.
var errTooLong = errors.New("the statement is longer than BigQuery takes")

const checkStatement = "SELECT 1"

// table is a table's full name.
func (n names) table(name string) string {
	return "`" + n.project + "`.`" + n.dataset + "`.`" + name + "`"
}

func column(name string) string { return "`" + name + "`" }

func columns(list []string, prefix string) string {
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = prefix + column(name)
	}
	return strings.Join(quoted, ", ")
}

// quote is a string literal. What is not UTF-8 becomes the replacement character.
func quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// quoteOrNull is quote, and NULL for the empty string.
func quoteOrNull(s string) string {
	if s == "" {
		return "CAST(NULL AS STRING)"
	}
	return quote(s)
}

const (
	firstInstant = pipeline.Instant(-62135596800_000000) // 0001-01-01, BigQuery's first
	lastInstant  = pipeline.Instant(253402300799_999999) // 9999-12-31T23:59:59.999999
)

// instant is a timestamp literal; what lies outside of BigQuery's years is moved to their ends.
func instant(i pipeline.Instant) string {
	i = min(max(i, firstInstant), lastInstant)
	return "TIMESTAMP '" + i.Time().Format("2006-01-02 15:04:05.000000") + "+00:00'"
}

// instantOrNull is instant, and NULL for none.
func instantOrNull(i pipeline.Instant) string {
	if i == 0 || i == pipeline.NoInstant {
		return "CAST(NULL AS TIMESTAMP)"
	}
	return instant(i)
}

// date is a date literal.
func date(d arrow.Date32) string {
	return "DATE '" + d.ToTime().Format("2006-01-02") + "'"
}

func boolean(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

// in lists the distinct values of a column, as a predicate.
func in(col string, values []string) string {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	for i, v := range values {
		values[i] = quote(v)
	}
	return column(col) + " IN (" + strings.Join(values, ", ") + ")"
}

// ofStream is the predicate of one stream's rows.
func ofStream(k pipeline.StreamKey) string {
	return fmt.Sprintf("`source` = %s AND `account` = %s AND `stream` = %s",
		quote(string(k.Stream.Source())), quote(string(k.Account)), quote(string(k.Stream)))
}

// readLedger reads the log of one stream in order: seq, batch, entry.
func (n names) readLedger(k pipeline.StreamKey) string {
	return fmt.Sprintf("SELECT `seq`, `batch`, `entry` FROM %s WHERE %s ORDER BY `seq`, `recorded_at`", n.table(ledgerTable), ofStream(k))
}

func (n names) streams() string {
	return fmt.Sprintf("SELECT DISTINCT `account`, `stream` FROM %s ORDER BY `stream`, `account`", n.table(ledgerTable))
}

func (n names) since(k pipeline.TenantKey, from pipeline.Instant) string {
	return fmt.Sprintf("SELECT `at`, `kind`, `text` FROM %s WHERE `source` = %s AND `account` = %s AND `at` >= %s ORDER BY `at`",
		n.table(journalTable), quote(string(k.Source)), quote(string(k.Account)), instant(from))
}

func (n names) addNote(note pipeline.Note) string {
	return fmt.Sprintf("INSERT INTO %s (`source`, `account`, `at`, `kind`, `text`) VALUES (%s, %s, %s, %s, %s)",
		n.table(journalTable), quote(string(note.Tenant.Source)), quote(string(note.Tenant.Account)),
		instant(pipeline.InstantOf(note.At)), quote(note.Kind), quoteOrNull(note.Text))
}

func (n names) addRun(sum pipeline.Summary, text string) string {
	return fmt.Sprintf("INSERT INTO %s (`sync_id`, `started_at`, `finished_at`, `exit`, `summary`) VALUES (%s, %s, %s, %d, %s)",
		n.table(runsTable), quote(string(sum.SyncID)), instantOrNull(sum.StartedAt), instantOrNull(sum.FinishedAt), sum.Exit, quote(text))
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

var ledgerColumns = func() (list []string) {
	for _, f := range ledgerSchema {
		list = append(list, f.Name)
	}
	return list
}()

// addEntries appends entries that come without data, in order.
func (n names) addEntries(lines []line) string {
	return n.insertEntries("", lines)
}

// insertEntries appends entries; those of a batch only where the guard lets them.
func (n names) insertEntries(batch string, lines []line) string {
	var b strings.Builder
	ledger := n.table(ledgerTable)
	fmt.Fprintf(&b, "INSERT INTO %s (%s)\nSELECT ", ledger, columns(ledgerColumns, ""))
	for i, name := range ledgerColumns {
		if i > 0 {
			b.WriteString(", ")
		}
		switch name {
		case "seq":
			fmt.Fprintf(&b, "(SELECT COALESCE(MAX(m.`seq`), 0) FROM %s AS m) + e.`n`", ledger)
		case "recorded_at":
			b.WriteString("CURRENT_TIMESTAMP()")
		case "batch":
			b.WriteString(quoteOrNull(batch))
		default:
			b.WriteString("e." + column(name))
		}
	}
	b.WriteString("\nFROM (\n")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\nUNION ALL ")
		}
		l.write(&b, i+1)
	}
	b.WriteString("\n) AS e")
	if batch != "" {
		// A newer reading than the verdict knew is among the commits that it did not know.
		fmt.Fprintf(&b, "\nWHERE NOT EXISTS (SELECT 1 FROM %s AS l WHERE l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream`"+
			" AND l.`kind` = 'commit' AND l.`seq` > e.`seen` AND l.`window_start` < e.`window_end` AND l.`window_end` > e.`window_start`)", ledger)
	}
	return b.String()
}

// write writes the entry as a row; the first of a UNION names and types the columns.
func (l line) write(b *strings.Builder, n int) {
	e := l.entry
	fmt.Fprintf(b, "SELECT %d AS `n`, %d AS `seen`", n, l.seen)
	put := func(name, literal string) { fmt.Fprintf(b, ", %s AS %s", literal, column(name)) }
	number := func(name string, v int64) { put(name, fmt.Sprint(v)) }
	put("source", quote(string(l.key.Stream.Source())))
	put("account", quote(string(l.key.Account)))
	put("stream", quote(string(l.key.Stream)))
	put("replaces", boolean(l.replaces))
	put("kind", quote(string(e.Kind)))
	put("window_start", instant(e.Window.Start))
	put("window_end", instant(e.Window.End))
	put("zone", quoteOrNull(e.Window.Zone))
	put("sync_id", quoteOrNull(string(e.SyncID)))
	put("extracted_at", instantOrNull(e.ExtractedAt))
	put("read_at", instantOrNull(e.ReadAt))
	put("committed_at", instantOrNull(e.CommittedAt))
	put("settled", boolean(e.Settled))
	put("unchanged", boolean(e.Unchanged))
	number("rows_read", e.Counts.Read)
	number("rows_loaded", e.Counts.Rows)
	number("rows_rejected", e.Counts.Rejected)
	number("rows_outside", e.Counts.Outside)
	number("rows_duplicate", e.Counts.Duplicate)
	number("bytes_staged", l.bytes)
	fingerprint := ""
	if e.Kind == pipeline.EntryCommit {
		fingerprint = e.Fingerprint.String()
	}
	put("fingerprint", quoteOrNull(fingerprint))
	put("settings", quoteOrNull(e.Settings))
	put("note", quoteOrNull(e.Note))
	put("entry", quote(l.text))
}

// batch is what one transaction does.
type batch struct {
	id      string
	table   *pipeline.Table
	lines   []line
	dates   []dateRange   // that hold rows to be deleted
	span    pipeline.Span // that holds the start of every window whose rejects are to be deleted
	rows    string        // staging tables; empty where there is nothing to insert
	rejects string        //
	keys    []pipeline.StreamKey
}

// dateRange is from first to last, both included.
type dateRange struct{ first, last arrow.Date32 }

// commit is the script of a batch: one transaction.
func (n names) commit(b batch) (string, error) {
	list := []string{
		"BEGIN TRANSACTION",
		fmt.Sprintf("DELETE FROM %s WHERE TRUE", n.table(turnTable)),
		n.takeTurn(b.id),
		n.insertEntries(b.id, b.lines),
	}
	if len(b.dates) > 0 {
		list = append(list, n.deleteRows(b))
		if b.rows != "" {
			list = append(list, n.insertRows(b))
		}
		list = append(list, n.deleteRejects(b))
		if b.rejects != "" {
			list = append(list, n.insertRejects(b))
		}
	}
	list = append(list, "COMMIT TRANSACTION")
	script := strings.Join(list, ";\n") + ";"
	if len(script) > maxStatement {
		return "", errTooLong
	}
	return script, nil
}

func (n names) takeTurn(batch string) string {
	return fmt.Sprintf("INSERT INTO %s (`batch`) VALUES (%s)", n.table(turnTable), quote(batch))
}

// replaced is the subquery for the entries of the batch that were inserted and
// replace their windows' rows, joined to a row by its stream and the condition.
func (n names) replaced(b batch, row, condition string) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s AS l WHERE l.`batch` = %s AND l.`replaces`"+
		" AND l.`source` = %s.`source` AND l.`account` = %s.`account` AND l.`stream` = %s.`stream` AND %s)",
		n.table(ledgerTable), quote(b.id), row, row, row, condition)
}

// overlaps and same relate the window of a row to that of a ledger entry.
func overlaps(row string) string {
	return fmt.Sprintf("l.`window_start` < %s.`window_end` AND l.`window_end` > %s.`window_start`", row, row)
}

func same(row string) string {
	return fmt.Sprintf("l.`window_start` = %s.`window_start` AND l.`window_end` = %s.`window_end`", row, row)
}

// ofBatch narrows a scan to the clusters of the batch's streams.
func (b batch) ofBatch() string {
	var lists [3][]string
	for _, k := range b.keys {
		lists[0] = append(lists[0], string(k.Stream.Source()))
		lists[1] = append(lists[1], string(k.Account))
		lists[2] = append(lists[2], string(k.Stream))
	}
	parts := make([]string, len(lists))
	for i, col := range streamColumns {
		parts[i] = in(col, lists[i])
	}
	return strings.Join(parts, " AND ")
}

// deleteRows removes the rows of every window that overlaps a replaced one,
// whether the ledger knows it or not. The bounds are literals, for BigQuery
// prunes partitions by nothing else.
func (n names) deleteRows(b batch) string {
	ranges := make([]string, len(b.dates))
	for i, r := range b.dates {
		ranges[i] = fmt.Sprintf("t.`local_date` BETWEEN %s AND %s", date(r.first), date(r.last))
	}
	return fmt.Sprintf("DELETE FROM %s AS t WHERE (%s) AND %s AND %s",
		n.table(b.table.Name), strings.Join(ranges, " OR "), b.ofBatch(), n.replaced(b, "t", overlaps("t")))
}

func (n names) insertRows(b batch) string {
	list := make([]string, len(b.table.Columns))
	for i, c := range b.table.Columns {
		list[i] = c.Name
	}
	return fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s FROM %s AS s WHERE %s",
		n.table(b.table.Name), columns(list, ""), columns(list, "s."), n.table(b.rows), n.replaced(b, "s", same("s")))
}

func (n names) deleteRejects(b batch) string {
	return fmt.Sprintf("DELETE FROM %s AS t WHERE t.`window_start` >= %s AND t.`window_start` < %s AND %s AND %s",
		n.table(rejectsTable), instant(b.span.Start), instant(b.span.End), b.ofBatch(), n.replaced(b, "t", overlaps("t")))
}

func (n names) insertRejects(b batch) string {
	list := make([]string, rejectsSchema.NumFields())
	for i, f := range rejectsSchema.Fields() {
		list[i] = f.Name
	}
	return fmt.Sprintf("INSERT INTO %s (%s, `extracted_at`, `sync_id`)\nSELECT %s, l.`extracted_at`, l.`sync_id` FROM %s AS s JOIN %s AS l"+
		" ON l.`source` = s.`source` AND l.`account` = s.`account` AND l.`stream` = s.`stream` AND %s WHERE l.`batch` = %s AND l.`replaces`",
		n.table(rejectsTable), columns(list, ""), columns(list, "s."), n.table(b.rejects), n.table(ledgerTable), same("s"), quote(b.id))
}

// watermarks is the query of the view: for each stream the end of the unbroken
// run of settled or waived windows from its first day on. A window counts by
// its last commit, until one that overlaps it takes its place.
func (n names) watermarks() string {
	ledger := n.table(ledgerTable)
	return "WITH origins AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `first_day` FROM " + ledger + " WHERE `kind` = 'origin' GROUP BY `source`, `account`, `stream`\n" +
		"), covered AS (\n" +
		"  SELECT c.`source`, c.`account`, c.`stream`, c.`window_start`, c.`window_end` FROM " + ledger + " AS c\n" +
		"  WHERE ((c.`kind` = 'commit' AND c.`settled`) OR c.`kind` = 'waive')\n" +
		"  AND NOT EXISTS (SELECT 1 FROM " + ledger + " AS d WHERE d.`source` = c.`source` AND d.`account` = c.`account` AND d.`stream` = c.`stream`\n" +
		"    AND d.`kind` = 'commit' AND d.`seq` > c.`seq` AND d.`window_start` < c.`window_end` AND d.`window_end` > c.`window_start`)\n" +
		"), ordered AS (\n" +
		"  SELECT v.*, o.`first_day`, MAX(v.`window_end`) OVER (PARTITION BY v.`source`, v.`account`, v.`stream` ORDER BY v.`window_start`, v.`window_end`\n" +
		"    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS `reached`\n" +
		"  FROM covered AS v JOIN origins AS o ON o.`source` = v.`source` AND o.`account` = v.`account` AND o.`stream` = v.`stream`\n" +
		"  WHERE v.`window_end` > o.`first_day`\n" +
		"), holes AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `hole` FROM ordered\n" +
		"  WHERE `window_start` > COALESCE(`reached`, `first_day`) GROUP BY `source`, `account`, `stream`\n" +
		")\n" +
		"SELECT o.`source`, o.`account`, o.`stream`, o.`first_day`,\n" +
		"  MAX(CASE WHEN h.`hole` IS NULL OR v.`window_start` < h.`hole` THEN v.`window_end` END) AS `watermark`\n" +
		"FROM origins AS o\n" +
		"LEFT JOIN ordered AS v ON v.`source` = o.`source` AND v.`account` = o.`account` AND v.`stream` = o.`stream`\n" +
		"LEFT JOIN holes AS h ON h.`source` = o.`source` AND h.`account` = o.`account` AND h.`stream` = o.`stream`\n" +
		"GROUP BY o.`source`, o.`account`, o.`stream`, o.`first_day`"
}
