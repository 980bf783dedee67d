package statement

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// LogFloor asks for the log of a stream above a seq.
type LogFloor struct {
	pipeline.StreamKey
	Floor int64
}

// ReadLedger reads the logs of streams, in order: account, stream, seq,
// recorded_at, batch, entry. The predicates that all share come first and are
// literals, so that clusters are pruned.
func (d Dataset) ReadLedger(above []LogFloor) string {
	lowest := above[0].Floor
	keys, each := make([]pipeline.StreamKey, len(above)), make([]string, len(above))
	for i, a := range above {
		lowest = min(lowest, a.Floor)
		keys[i] = a.StreamKey
		each[i] = fmt.Sprintf("%s AND `seq` > %d", OfStream(a.StreamKey), a.Floor)
	}
	where := each[0]
	if len(each) > 1 {
		where = fmt.Sprintf("%s AND `seq` > %d AND (%s)", inStreams("", keys), lowest, "("+strings.Join(each, ") OR (")+")")
	}
	return fmt.Sprintf("SELECT `account`, `stream`, `seq`, `recorded_at`, `batch`, `entry` FROM %s WHERE %s AND `kind` != 'receipt' ORDER BY `seq`, `recorded_at`, `entry`",
		d.table(LedgerTable), where)
}

// Streams lists the streams that have a log: account, stream.
func (d Dataset) Streams() string {
	return fmt.Sprintf("SELECT DISTINCT `account`, `stream` FROM %s WHERE `kind` != 'receipt' ORDER BY `stream`, `account`", d.table(LedgerTable))
}

// Line is one entry on its way into the ledger.
type Line struct {
	Key      pipeline.StreamKey
	Entry    pipeline.Entry
	Text     string // the entry as JSON
	Replaces bool   // the rows of its window are replaced
	Seen     int64  // the seq of the stream's last commit that the verdict knew
	Owned    int64  // the seq of the last note of the stream's owner that the verdict knew; Seen where that is greater
	Bytes    int64  // staged
}

// Format is the version of the entries' JSON. Entries of versions that knew none have 0 and are read like those of
// format 1. A change that earlier versions would misread raises the number, so that those versions refuse the entry.
const Format = 1

// formatted is an entry as the ledger keeps it.
type formatted struct {
	Format int `json:"format,omitempty"`
	pipeline.Entry
}

// NewLine is the line of an entry that comes without data.
func NewLine(k pipeline.StreamKey, e pipeline.Entry) (Line, error) {
	text, err := json.Marshal(formatted{Format, e})
	return Line{Key: k, Entry: e, Text: string(text)}, err
}

// ErrNewer refuses an entry that a newer version has written.
var ErrNewer = errors.New("written by a newer version of Windrow")

// ParseEntry reads the JSON of an entry. An entry of a newer format or of an unknown kind is [ErrNewer]; any other
// error says that the text is no entry.
func ParseEntry(text string) (pipeline.Entry, error) {
	var f formatted
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f.Entry, err
	}
	if f.Format > Format {
		return f.Entry, fmt.Errorf("it has format %d, and this version knows %d: %w", f.Format, Format, ErrNewer)
	}
	switch f.Kind {
	case pipeline.EntryOrigin, pipeline.EntryFirst, pipeline.EntryOwner, pipeline.EntryAdopt, pipeline.EntryUnplaced:
	case pipeline.EntryBegin, pipeline.EntryReopen, pipeline.EntryCommit, pipeline.EntryFail, pipeline.EntryWaive, pipeline.EntryAsk:
		if f.Window.Empty() {
			return f.Entry, fmt.Errorf("it is of kind %q and names no window", f.Kind)
		}
	case "":
		return f.Entry, errors.New("it has no kind")
	default:
		return f.Entry, fmt.Errorf("it is of the kind %q, which this version does not know: %w", f.Kind, ErrNewer)
	}
	return f.Entry, nil
}

// ledgerValue is how one column of the ledger comes out of a line.
type ledgerValue struct {
	column string
	typ    string // of the literal; a time is its microseconds, which is shorter
	sql    string // the column's value; empty where it is the literal itself
	of     func(l Line) string
}

func fromMicros(column string) string { return "TIMESTAMP_MICROS(e." + column + ")" }

// ledgerValues are the columns that differ from line to line, in the order of
// their literals.
var ledgerValues = func() []ledgerValue {
	text := func(name string, of func(l Line) string) ledgerValue {
		return ledgerValue{name, "STRING", "", func(l Line) string {
			if v := of(l); v != "" {
				return quote(v)
			}
			return "NULL"
		}}
	}
	number := func(name string, of func(l Line) int64) ledgerValue {
		return ledgerValue{name, "INT64", "", func(l Line) string { return strconv.FormatInt(of(l), 10) }}
	}
	flag := func(name string, of func(l Line) bool) ledgerValue {
		return ledgerValue{name, "BOOL", "", func(l Line) string { return boolean(of(l)) }}
	}
	always := func(name string, of func(l Line) pipeline.Instant) ledgerValue {
		return ledgerValue{name, "INT64", fromMicros(name), func(l Line) string { return micros(of(l)) }}
	}
	maybe := func(name string, of func(l Line) pipeline.Instant) ledgerValue {
		return ledgerValue{name, "INT64", fromMicros(name), func(l Line) string {
			if i := of(l); i != 0 && i != pipeline.NoInstant {
				return micros(i)
			}
			return "NULL"
		}}
	}
	return []ledgerValue{
		text("source", func(l Line) string { return string(l.Key.Stream.Source()) }),
		text("account", func(l Line) string { return string(l.Key.Account) }),
		text("stream", func(l Line) string { return string(l.Key.Stream) }),
		flag("replaces", func(l Line) bool { return l.Replaces }),
		text("kind", func(l Line) string { return string(l.Entry.Kind) }),
		always("window_start", func(l Line) pipeline.Instant { return l.Entry.Window.Start }),
		always("window_end", func(l Line) pipeline.Instant { return l.Entry.Window.End }),
		text("zone", func(l Line) string { return l.Entry.Window.Zone }),
		text("sync_id", func(l Line) string { return string(l.Entry.SyncID) }),
		maybe("extracted_at", func(l Line) pipeline.Instant { return l.Entry.ExtractedAt }),
		maybe("read_at", func(l Line) pipeline.Instant { return l.Entry.ReadAt }),
		maybe("committed_at", func(l Line) pipeline.Instant { return l.Entry.CommittedAt }),
		flag("settled", func(l Line) bool { return l.Entry.Settled }),
		flag("unchanged", func(l Line) bool { return l.Entry.Unchanged }),
		number("rows_read", func(l Line) int64 { return l.Entry.Counts.Read }),
		number("rows_loaded", func(l Line) int64 { return l.Entry.Counts.Rows }),
		number("rows_rejected", func(l Line) int64 { return l.Entry.Counts.Rejected }),
		number("rows_outside", func(l Line) int64 { return l.Entry.Counts.Outside }),
		number("rows_duplicate", func(l Line) int64 { return l.Entry.Counts.Duplicate }),
		number("bytes_staged", func(l Line) int64 { return l.Bytes }),
		text("fingerprint", func(l Line) string {
			if l.Entry.Kind != pipeline.EntryCommit {
				return ""
			}
			return l.Entry.Fingerprint.String()
		}),
		text("settings", func(l Line) string { return l.Entry.Settings }),
		text("error_kind", func(l Line) string { return l.Entry.ErrorKind }),
		text("note", func(l Line) string { return l.Entry.Note }),
		text("entry", func(l Line) string { return l.Text }),
	}
}()

// AddEntries appends entries that come without data, in order.
func (d Dataset) AddEntries(lines []Line) string {
	return d.insertLines("", lines)
}

// insertLines appends entries. Entries of a batch are appended only where the guard lets them. The lines are one array
// of typed structs, because hundreds of lines must fit into one script: a UNION of as many queries would be twice as
// long, and BigQuery would plan each part of the UNION.
func (d Dataset) insertLines(batch string, lines []Line) string {
	var b strings.Builder
	ledger := d.table(LedgerTable)
	into := []string{"seq", "recorded_at", "batch"}
	from := []string{
		fmt.Sprintf("(SELECT COALESCE(MAX(m.`seq`), 0) FROM %s AS m) + e.`n`", ledger),
		"CURRENT_TIMESTAMP()", quoteOrNull(batch),
	}
	types := []string{"`n` INT64", "`seen` INT64", "`owned` INT64"}
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
		fmt.Fprintf(&b, "\n(%d,%d,%d", i+1, l.Seen, max(l.Seen, l.Owned))
		for _, v := range ledgerValues {
			b.WriteByte(',')
			b.WriteString(v.of(l))
		}
		b.WriteByte(')')
	}
	b.WriteString("\n]) AS e")
	if batch != "" {
		// A newer reading than the verdict knew is among the commits that it did not know. A window that was reopened
		// since does not hold what the verdict believes, unless its rows are replaced. An owner that was noted since may be
		// another one.
		fmt.Fprintf(&b, "\nWHERE NOT EXISTS (SELECT 1 FROM %s AS l WHERE %s AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream`"+
			" AND ((l.`kind` IN ('owner', 'adopt') AND l.`seq` > e.`owned`)"+
			" OR ((l.`kind` = 'commit' OR (l.`kind` = 'reopen' AND NOT e.`replaces`)) AND l.`seq` > e.`seen` AND l.`window_start` < %s AND l.`window_end` > %s)))",
			ledger, unseen("l", lines), fromMicros("window_end"), fromMicros("window_start"))
	}
	return b.String()
}

// unseen narrows a scan of the ledger to the clusters of the lines' streams, above what the verdicts knew. BigQuery
// prunes by literals alone.
func unseen(row string, lines []Line) string {
	keys, seen := make([]pipeline.StreamKey, len(lines)), lines[0].Seen
	for i, l := range lines {
		keys[i] = l.Key
		seen = min(seen, l.Seen)
	}
	return fmt.Sprintf("%s AND %s.`seq` > %d", inStreams(row+".", keys), row, seen)
}
