package statement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

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

// The ends of BigQuery's years.
const (
	FirstInstant = pipeline.Instant(-62135596800_000000) // 0001-01-01
	LastInstant  = pipeline.Instant(253402300799_999999) // 9999-12-31T23:59:59.999999
)

// instant is a timestamp literal; what lies outside of BigQuery's years is moved to their ends.
func instant(i pipeline.Instant) string {
	i = min(max(i, FirstInstant), LastInstant)
	return "TIMESTAMP '" + i.Time().Format("2006-01-02 15:04:05.000000") + "+00:00'"
}

// micros is an instant as TIMESTAMP_MICROS takes it.
func micros(i pipeline.Instant) string {
	return strconv.FormatInt(int64(min(max(i, FirstInstant), LastInstant)), 10)
}

// instantOrNull is instant, and NULL for none.
func instantOrNull(i pipeline.Instant) string {
	if i == 0 || i == pipeline.NoInstant {
		return "CAST(NULL AS TIMESTAMP)"
	}
	return instant(i)
}

// integerOrNull is an integer literal, and NULL for none.
func integerOrNull(n *int64) string {
	if n == nil {
		return "CAST(NULL AS INT64)"
	}
	return strconv.FormatInt(*n, 10)
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

// inStreams is the predicate of the values of StreamColumns, each by itself.
func inStreams(prefix string, keys []pipeline.StreamKey) string {
	var lists [3][]string
	for _, k := range keys {
		lists[0] = append(lists[0], string(k.Stream.Source()))
		lists[1] = append(lists[1], string(k.Account))
		lists[2] = append(lists[2], string(k.Stream))
	}
	parts := make([]string, len(lists))
	for i, col := range StreamColumns {
		parts[i] = prefix + in(col, lists[i])
	}
	return strings.Join(parts, " AND ")
}

// OfStream is the predicate of one stream's rows.
func OfStream(k pipeline.StreamKey) string {
	return fmt.Sprintf("`source` = %s AND `account` = %s AND `stream` = %s",
		quote(string(k.Stream.Source())), quote(string(k.Account)), quote(string(k.Stream)))
}
