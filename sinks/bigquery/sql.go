package bigquery

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// micros is an instant as TIMESTAMP_MICROS takes it.
func micros(i pipeline.Instant) string {
	return strconv.FormatInt(int64(min(max(i, firstInstant), lastInstant)), 10)
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

// inStreams is the predicate of the values of streamColumns, each by itself.
func inStreams(prefix string, lists [3][]string) string {
	parts := make([]string, len(lists))
	for i, col := range streamColumns {
		parts[i] = prefix + in(col, lists[i])
	}
	return strings.Join(parts, " AND ")
}

// ofStream is the predicate of one stream's rows.
func ofStream(k pipeline.StreamKey) string {
	return fmt.Sprintf("`source` = %s AND `account` = %s AND `stream` = %s",
		quote(string(k.Stream.Source())), quote(string(k.Account)), quote(string(k.Stream)))
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

// batch is what one transaction does.
type batch struct {
	id      string
	table   *pipeline.Table // whose rows are replaced; nil where none are
	lines   []line
	dates   []dateRange          // that hold rows to be deleted
	span    pipeline.Span        // that holds the start of every window whose rejects are to be deleted
	rows    string               // staging tables; empty where there is nothing to insert
	rejects string               //
	keys    []pipeline.StreamKey // whose rows are replaced
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
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s AS l WHERE %s AND l.`batch` = %s AND l.`replaces`"+
		" AND l.`source` = %s.`source` AND l.`account` = %s.`account` AND l.`stream` = %s.`stream` AND %s)",
		n.table(ledgerTable), unseen("l", b.lines), quote(b.id), row, row, row, condition)
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
	return inStreams("t.", lists)
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
		" ON l.`source` = s.`source` AND l.`account` = s.`account` AND l.`stream` = s.`stream` AND %s WHERE %s AND l.`batch` = %s AND l.`replaces`",
		n.table(rejectsTable), columns(list, ""), columns(list, "s."), n.table(b.rejects), n.table(ledgerTable), same("s"), unseen("l", b.lines), quote(b.id))
}
