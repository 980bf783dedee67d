package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/report"
)

var (
	//go:embed page.html
	text string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"when": when, "date": date, "days": days, "count": count, "bytes": bytesOf, "percent": percent, "change": change, "largest": largest, "lower": strings.ToLower,
}).Parse(text))

// view is what the template gets: the model, and its pictures.
type view struct {
	report.Model
	Policy        template.HTML
	Style         template.CSS
	Script        template.JS
	Streams       []stream
	Reconciled    []reconciled
	Restated      []restated
	Bars          runBars
	Nights        []report.Cost
	CostMonths    []report.Cost
	RecentRuns    []report.Run
	EarlierRuns   []report.Run
	Troubled      []report.Run // the newest that were killed, or failed
	States        []report.State
	ChangesHidden int
}

// stream is a stream with its pictures.
type stream struct {
	report.Stream
	ID         int
	Name       string
	Word       string // one word of its state
	Act        bool   // somebody must act
	Strip      strip
	Years      []yearPicture
	Spans      []report.Span
	MoreSpans  int
	Volume     report.Volume
	Bars       bars
	Weeks      []week
	Provisions int
}

// reconciled is the sums of a stream, and its months.
type reconciled struct {
	ID      int
	Name    string
	Derived bool
	Whole   bool
	pipeline.Counts
	Months  []report.Month
	Rejects []report.Rejects
	Unread  []unreadField
}

// unreadField is how many values of a source field could not be read.
type unreadField struct {
	Field  string
	Values int64
}

// restated is how old the changes of a stream are.
type restated struct {
	Name     string
	All      int
	Lookback float64
	Within   []within
	Caught   string
}

type within struct {
	Days    int
	Percent string
}

// mostTroubled is how many runs that did not end well are named.
const mostTroubled = 5

// mostSpans is how many spans of a stream the page lists; the document has all.
const mostSpans = 40

// Write draws the report.
func Write(w io.Writer, m report.Model) error {
	v := view{Model: m, Style: template.CSS(style), Script: template.JS(script), States: report.States, Bars: runBarsOf(m.Runs)}                                                           //nolint:gosec // both are ours
	v.Policy = template.HTML(fmt.Sprintf(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'">`, //nolint:gosec // two hashes
		hash(style), hash(script)))
	for i, s := range m.Streams {
		v.Streams = append(v.Streams, streamOf(i, s, m))
	}
	v.Reconciled = reconcile(m)
	v.Restated = restate(m)
	for _, c := range m.Costs {
		if strings.Count(c.Period, "-") == 1 {
			v.CostMonths = append(v.CostMonths, c)
		} else {
			v.Nights = append(v.Nights, c)
		}
	}
	v.RecentRuns = m.Runs[:min(len(m.Runs), 7)]
	v.EarlierRuns = m.Runs[len(v.RecentRuns):]
	for _, r := range m.Runs {
		if (r.FinishedAt == nil || *r.Exit != pipeline.ExitDone) && len(v.Troubled) < mostTroubled {
			v.Troubled = append(v.Troubled, r)
		}
	}
	return page.Execute(w, v)
}

// made is how a page says when it was made.
var made = regexp.MustCompile(`<meta name="windrow-made" content="([^"]*)">`)

// MadeAt reads from the beginning of a page when it was made; known is false where that is no page of a report.
func MadeAt(r io.Reader) (at pipeline.Instant, known bool) {
	head, err := io.ReadAll(r)
	found := made.FindSubmatch(head)
	if err != nil || found == nil {
		return 0, false
	}
	err = at.UnmarshalText(found[1])
	return at, err == nil
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func streamOf(id int, s report.Stream, m report.Model) stream {
	of := stream{Stream: s, ID: id, Name: name(s.Stream, s.Account)}
	spans := spansOf(s, m.Spans)
	of.Strip, of.Years = stripOf(spans, s.Zone, m.MadeAt), years(spans)
	of.Spans = slices.Clone(spans)
	slices.Reverse(of.Spans)
	of.MoreSpans = max(0, len(of.Spans)-mostSpans)
	of.Spans = of.Spans[:len(of.Spans)-of.MoreSpans]
	for _, volume := range m.Volumes {
		if volume.Stream == s.Stream && volume.Account == s.Account {
			of.Volume, of.Bars, of.Weeks = volume, barsOf(volume), weeksOf(volume)
		}
	}
	switch {
	case s.LeftOut:
		of.Word = "left out"
	case !s.Configured && !m.Ledger:
		of.Word, of.Act = "not configured", true
	case s.Failed > 0:
		of.Word, of.Act = "failed", true
	case s.Late:
		of.Word, of.Act = "late", true
	case s.Open > 0:
		of.Word = "due"
	case s.Settled+s.Provisional == 0:
		of.Word = "new"
	default:
		of.Word = "whole"
	}
	if !s.Configured && !s.LeftOut && m.Ledger {
		of.Word += ", not configured"
	}
	return of
}

// spansOf are a stream's, what failed drawn over what is covered.
func spansOf(s report.Stream, all []report.Span) []report.Span {
	var list []report.Span
	for _, span := range all {
		if span.Stream == s.Stream && span.Account == s.Account {
			list = append(list, span)
		}
	}
	return list
}

func reconcile(m report.Model) []reconciled {
	var list []reconciled
	for i, s := range m.Streams {
		r := reconciled{ID: i, Name: name(s.Stream, s.Account), Whole: true}
		for _, month := range m.Months {
			if month.Stream == s.Stream && month.Account == s.Account {
				r.Counts = r.Counts.Add(month.Counts)
				r.Derived, r.Whole = month.Derived, r.Whole && month.Whole()
				r.Months = append(r.Months, month)
			}
		}
		slices.Reverse(r.Months)
		r.Unread = unreadOf(r.Months)
		for _, of := range m.Rejects {
			if of.Stream == s.Stream && of.Account == s.Account {
				r.Rejects = append(r.Rejects, of)
			}
		}
		list = append(list, r)
	}
	return list
}

// unreadOf adds up what could not be read of a stream, the most frequent first.
func unreadOf(months []report.Month) (list []unreadField) {
	var sums pipeline.FieldCounts
	for _, m := range months {
		sums.AddAll(m.Unreadable)
	}
	for _, field := range sums.ByFrequency() {
		list = append(list, unreadField{pipeline.ShownName(field), sums[field]})
	}
	return list
}

func restate(m report.Model) []restated {
	byName := make(map[string]*restated)
	var order []string
	for _, a := range m.Ages {
		n := name(a.Stream, a.Account)
		r := byName[n]
		if r == nil {
			r = &restated{Name: n, All: a.All, Lookback: a.Lookback}
			byName[n] = r
			order = append(order, n)
		}
		if a.Days <= 31 || a.Changes == a.All {
			r.Within = append(r.Within, within{a.Days, percent(a.Changes, a.All)})
		}
		if float64(a.Days) <= a.Lookback {
			r.Caught = percent(a.Changes, a.All)
		}
	}
	var list []restated
	for _, n := range order {
		list = append(list, *byName[n])
	}
	return list
}

// name is a stream for people: with its account where that is not the only one.
func name(s pipeline.StreamID, a pipeline.AccountID) string {
	if a == "default" {
		return string(s)
	}
	return string(s) + " @ " + string(a)
}

// when is a moment as a time element.
func when(at any) template.HTML {
	var i pipeline.Instant
	switch at := at.(type) {
	case pipeline.Instant:
		i = at
	case *pipeline.Instant:
		if at == nil {
			return "–"
		}
		i = *at
	}
	if i <= 0 {
		return "–"
	}
	t := i.Time()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339), t.Format("2006-01-02 15:04"))) //nolint:gosec // digits
}

// date is a moment as a local date, with the time where that is not midnight.
func date(at pipeline.Instant, zone string) template.HTML {
	t := at.In(location(zone))
	layout := "2006-01-02 15:04"
	if t.Equal(midnight(t)) {
		layout = time.DateOnly
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, at.Time().Format(time.RFC3339), t.Format(layout))) //nolint:gosec // digits
}

// days is a number of seconds in its two largest units.
func days(seconds *int64) string {
	if seconds == nil {
		return "–"
	}
	d := time.Duration(*seconds) * time.Second
	switch {
	case d < 0:
		return "0 h"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

func count(n any) string {
	switch n := n.(type) {
	case int:
		return thousands(int64(n))
	case int64:
		return thousands(n)
	case *int:
		if n == nil {
			return "–"
		}
		return thousands(int64(*n))
	}
	return fmt.Sprint(n)
}

// thousands writes a number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	digits := strings.TrimPrefix(s, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return strings.Repeat("-", len(s)-len(strings.TrimPrefix(s, "-"))) + digits
}

func bytesOf(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

func percent(part, all int) string {
	if all == 0 {
		return "–"
	}
	return strconv.FormatFloat(100*float64(part)/float64(all), 'f', 0, 64) + " %"
}

// change is a difference in percent.
func change(now int64, before *float64) string {
	if before == nil || *before == 0 {
		return ""
	}
	return fmt.Sprintf("%+.0f %%", 100*(float64(now)-*before)/(*before))
}

// moved is a measure that changed.
type moved struct {
	Name          string
	Before, After string
}

// largest are the three measures that changed most, as a share.
func largest(measures map[string][2]float64) []moved {
	names := slices.Sorted(maps.Keys(measures))
	share := func(n string) float64 {
		m := measures[n]
		return max(m[0]-m[1], m[1]-m[0]) / max(m[0], -m[0], 1)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch x, y := share(a), share(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	var list []moved
	for _, n := range names[:min(3, len(names))] {
		list = append(list, moved{n, number(measures[n][0]), number(measures[n][1])})
	}
	return list
}

func number(f float64) string {
	if f == float64(int64(f)) {
		return thousands(int64(f))
	}
	return strconv.FormatFloat(f, 'f', 1, 64)
}
