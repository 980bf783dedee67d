package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// HistoryKind says what a row of the history tells.
type HistoryKind string

const (
	// HistoryChanged: a commit replaced committed rows by others.
	HistoryChanged HistoryKind = "changed"
	// HistoryFailed: a window could not be read or committed; what was committed of it stayed.
	HistoryFailed HistoryKind = "failed"
	// HistoryUnreadable: a commit that replaced nothing has values that could not be read.
	HistoryUnreadable HistoryKind = "unreadable"
	// HistoryWarned: a run has warned of what a window, or several, hold.
	HistoryWarned HistoryKind = "warned"
)

// HistoryRow is one row of the history: what became of a window that is not simply new or as it was. No value of a row
// and no word of a vendor but names of fields is in it. Of a run and a window there is one row of each kind at most, of
// kind HistoryWarned one of each thing that was unusual.
type HistoryRow struct {
	Kind   HistoryKind
	SyncID SyncID
	Key    StreamKey
	Window Span
	ReadAt Instant // of the reading that was committed, or when the window failed, or the run warned

	// What follows is of a change alone, until something else is said.

	// PreviousReadAt is that of the reading that was replaced, of the newest of several.
	PreviousReadAt Instant
	AfterSettle    bool // a reading that was replaced was settled
	RowsBefore     int64
	RowsAfter      int64 // of each commit
	// Measures are the sums before and after, by column, where they differ: of the columns that [Table.Additive] lists. nil:
	// nobody could tell the sums before, since the rows were lost or not those of the ledger.
	Measures map[string][2]float64

	// ErrorKind is of a failure alone: why, as [ErrorKind] tells it. Hint is what closes the window then, and what was
	// unusual where the run warned.
	ErrorKind, Hint string
	// Unreadable counts the values that could not be read, by source field, of each commit.
	Unreadable FieldCounts
	// Warning is what was unusual. Of a change it is [WarnShrunk] or nothing.
	Warning WarningKind
}

// IsCommit reports whether the row tells of a commit.
func (r *HistoryRow) IsCommit() bool { return r.Kind == HistoryChanged || r.Kind == HistoryUnreadable }

// UnreadableJSON is the column unreadable: {"talk_duration":12}; empty where all values could be read.
func (r *HistoryRow) UnreadableJSON() string {
	if len(r.Unreadable) == 0 {
		return ""
	}
	b, _ := json.Marshal(r.Unreadable) //nolint:errcheck // names and numbers
	return string(b)
}

// ReadUnreadable is the opposite of UnreadableJSON.
func (r *HistoryRow) ReadUnreadable(text string) error {
	r.Unreadable = nil
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), &r.Unreadable)
}

// MeasuresJSON is the column measures: {"talk_seconds":[620,655.5]}; empty where the sums before are not known.
func (r *HistoryRow) MeasuresJSON() string {
	if r.Measures == nil {
		return ""
	}
	b, _ := json.Marshal(r.Measures) //nolint:errchkjson // sums are finite
	return string(b)
}

// ReadMeasures is the opposite of MeasuresJSON.
func (r *HistoryRow) ReadMeasures(text string) error {
	r.Measures = nil
	if text == "" {
		return nil
	}
	if r.Measures = plainMeasures(text); r.Measures != nil {
		return nil
	}
	return json.Unmarshal([]byte(text), &r.Measures)
}

// plainMeasures reads what MeasuresJSON writes of columns' names, in a tenth of the time: a history has tens of thousands.
// It returns nil for anything else.
func plainMeasures(text string) map[string][2]float64 {
	rest, ok := strings.CutPrefix(text, `{"`)
	inner, whole := strings.CutSuffix(rest, "]}")
	if !ok || !whole || strings.Contains(inner, `\`) {
		return nil
	}
	measures := make(map[string][2]float64, strings.Count(inner, ":"))
	for one := range strings.SplitSeq(inner, `],"`) {
		name, values, ok := strings.Cut(one, `":[`)
		before, after, two := strings.Cut(values, ",")
		b, err := strconv.ParseFloat(before, 64)
		a, err2 := strconv.ParseFloat(after, 64)
		if !ok || !two || err != nil || err2 != nil || strings.Trim(values, "0123456789.,-+e") != "" {
			return nil
		}
		measures[name] = [2]float64{b, a}
	}
	return measures
}

// CompareHistory orders rows as [HistoryReader] yields them.
func CompareHistory(a, b *HistoryRow) int {
	return cmp.Or(cmp.Compare(a.Key.Stream, b.Key.Stream), cmp.Compare(a.Key.Account, b.Key.Account),
		cmp.Compare(a.Window.Start, b.Window.Start), cmp.Compare(a.Window.End, b.Window.End),
		cmp.Compare(a.ReadAt, b.ReadAt), cmp.Compare(a.SyncID, b.SyncID), cmp.Compare(a.Kind, b.Kind))
}

// HistoryReader is a [Store] that keeps, for good, what reading again has changed, what has failed, and what could not be
// read. Such a store writes a row of kind HistoryChanged with each commit that replaces committed rows of the window, or of
// windows that it supersedes, by others, and a row of kind HistoryFailed with each recorded failure; of a first commit
// it writes one of kind HistoryUnreadable where values could not be read, else none. An equal reading and one that yields
// leave none. A commit whose row cannot be written fails. A crash at any point leaves no row twice, and
// none that a repeat of the commit does not put right.
type HistoryReader interface {
	// History yields the rows of these streams (nil: of all that it has any of) whose windows overlap the span, by stream,
	// account, window and the time of reading: see [CompareHistory]. The memory needed does not grow with the years. A sink
	// that bills asks once for all streams. A row of a commit that has begun and not ended may be among them.
	History(ctx context.Context, keys []StreamKey, over Span) iter.Seq2[HistoryRow, error]
	// Warn adds rows that come with no entry of the ledger: of kind HistoryWarned, and HistoryFailed of a replay. All, or,
	// where it fails, maybe some. Calls may overlap, also with those of other processes.
	Warn(ctx context.Context, rows ...HistoryRow) error
}

// Shrank reports whether a reading has lost more than half of the rows of a settled one.
func Shrank(settled bool, before, after int64) bool { return settled && 2*after < before }

// FailureRow is the row of a recorded failure.
func FailureRow(k StreamKey, e *Entry) HistoryRow {
	return HistoryRow{Kind: HistoryFailed, SyncID: e.SyncID, Key: k, Window: e.Window.Span, ReadAt: e.ReadAt, ErrorKind: e.ErrorKind, Hint: HintOf(e.ErrorKind)}
}

// Sums are the sums of a window's additive columns, by name; a column that is not there has 0. nil: not known.
type Sums map[string]float64

// Add returns the sums of both; nil where one is not known.
func (s Sums) Add(o Sums) Sums {
	if s == nil || o == nil {
		return nil
	}
	both := maps.Clone(s)
	for name, v := range o {
		both[name] += v
	}
	return both
}

// Changed are the sums that differ after, as [HistoryRow] has them.
func (s Sums) Changed(after Sums) map[string][2]float64 {
	if s == nil || after == nil {
		return nil
	}
	changed := make(map[string][2]float64)
	for _, of := range []Sums{s, after} {
		for name := range of {
			if s[name] != after[name] {
				changed[name] = [2]float64{s[name], after[name]}
			}
		}
	}
	return changed
}

// Total adds up numbers. Their order makes no difference, as it does to sums of floating-point numbers: each number counts
// to the billionth.
type Total struct{ whole, billionths int64 }

const billion = 1_000_000_000

// AddInt adds n.
func (t *Total) AddInt(n int64) {
	sum := t.whole + n
	if n > 0 && sum < t.whole {
		sum = math.MaxInt64
	} else if n < 0 && sum > t.whole {
		sum = math.MinInt64
	}
	t.whole = sum
}

// Add adds v; a number that is none, or is not finite, adds nothing.
func (t *Total) Add(v float64) {
	const most = 1 << 62
	whole, part := math.Modf(v)
	if math.IsNaN(part) || math.IsInf(v, 0) {
		return
	}
	t.AddParts(int64(max(-most, min(most, whole))), int64(math.Round(part*billion)))
}

// AddParts adds numbers that were added up elsewhere: their whole parts, and the billionths of the rest.
func (t *Total) AddParts(whole, billionths int64) {
	t.AddInt(whole)
	t.AddInt(billionths / billion)
	t.billionths += billionths % billion
	t.AddInt(t.billionths / billion)
	t.billionths %= billion
}

// Value is the sum. It is the same however the number was added up.
func (t *Total) Value() float64 {
	whole, rest := t.whole, t.billionths
	if whole > 0 && rest < 0 {
		whole, rest = whole-1, rest+billion
	} else if whole < 0 && rest > 0 {
		whole, rest = whole+1, rest-billion
	}
	return float64(whole) + float64(rest)/billion
}

// SumsOf are the sums of totals by column, those that are 0 left out.
func SumsOf(totals map[string]*Total) Sums {
	sums := make(Sums)
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		if v := totals[name].Value(); v != 0 {
			sums[name] = v
		}
	}
	return sums
}
