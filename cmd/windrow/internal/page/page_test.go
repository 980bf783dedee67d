package page

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/pipeline/report"
)

// pages is where the pages of the tests are written for a browser to open: .ci/run page does.
var pages = flag.String("pages", "", "a folder to write the pages of the tests into")

// now is the time of the tests, in the morning after a night's sync.
var now = time.Date(2026, 3, 30, 7, 0, 0, 0, time.UTC)

// fill makes one stream's ledger: windows of the calendar from first to the last that has ended, each committed and settled
// unless change says otherwise.
func fill(t *testing.T, k pipeline.StreamKey, every, zone string, first time.Time, change func(n int, e *pipeline.Entry) bool) report.Input {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.ParseCalendar(every, loc)
	if err != nil {
		t.Fatal(err)
	}
	first = c.Window(calendar.InstantOf(midnight(first.In(loc)))).Start.Time()
	l := new(pipeline.Ledger)
	l.Apply(pipeline.Entry{Kind: pipeline.EntryOrigin, Window: pipeline.Window{Span: pipeline.Span{Start: calendar.InstantOf(first)}, Zone: zone}})
	for n, span := range c.Cut(pipeline.Span{Start: calendar.InstantOf(first), End: calendar.InstantOf(now)}) {
		if span.End > calendar.InstantOf(now) {
			break
		}
		rows := int64(100 + n%7*20)
		e := pipeline.Entry{Kind: pipeline.EntryCommit, Window: pipeline.Window{Span: span, Zone: zone}, SyncID: "run", ReadAt: span.End.Add(6 * time.Hour), ExtractedAt: span.End.Add(6 * time.Hour),
			CommittedAt: span.End.Add(6 * time.Hour), Settled: true, Counts: pipeline.Counts{Read: rows + 2, Rows: rows, Rejected: 1, Outside: 1}, Settings: "s", HasData: true}
		if change == nil || change(n, &e) {
			l.Apply(e)
		}
	}
	stream := pipeline.Stream{Key: k, Table: pipeline.Activity, Calendar: c, Settle: 2 * time.Hour, Lookback: 48 * time.Hour, From: first.In(loc).Format(time.DateOnly), Settings: "s"}
	return report.Input{Status: plan.Status(stream, l, calendar.InstantOf(now), plan.Kept{}), Stream: stream, Ledger: l}
}

func modelOf(streams ...report.Input) report.Model {
	b := report.New(calendar.InstantOf(now), 0)
	var order []pipeline.StreamKey
	for _, s := range streams {
		b.Stream(s)
		order = append(order, s.Stream.Key)
	}
	for night := range 95 {
		at := calendar.InstantOf(now.AddDate(0, 0, night-95))
		if night == 60 {
			continue // nobody ran it
		}
		run := pipeline.Summary{SyncID: pipeline.SyncID(fmt.Sprintf("night-%d", night)), StartedAt: at, FinishedAt: at.Add(time.Duration(60+night%9*10) * time.Second),
			Streams: []pipeline.StreamSummary{{Committed: 18, Unchanged: 36, Rows: 1800}}, Receipt: &pipeline.Receipt{LoadJobs: 3, QueryJobs: 2, BytesBilled: 20 << 20, SlotMillis: 900}}
		if night == 70 {
			run.FinishedAt = 0
		}
		if night == 80 {
			run.Exit = pipeline.ExitFailed
		}
		b.Run(run)
		if len(order) > 0 {
			b.History(pipeline.HistoryRow{Kind: pipeline.HistoryChanged, Key: order[night%len(order)], Window: pipeline.Span{Start: at.Add(-49 * time.Hour), End: at.Add(-25 * time.Hour)}, ReadAt: at,
				PreviousReadAt: at.Add(-24 * time.Hour), AfterSettle: night%5 == 0, RowsBefore: 100, RowsAfter: 104, Measures: map[string][2]float64{"talk_seconds": {620, 655.5}, "answered": {10, 12}}})
		}
	}
	return b.Model(order)
}

func key(i int) pipeline.StreamKey {
	return pipeline.StreamKey{Account: "default", Stream: pipeline.StreamID(fmt.Sprintf("dialpad.stream%02d", i))}
}

// The warehouses of the tests.
var warehouses = map[string]func(t *testing.T) report.Model{
	"empty": func(t *testing.T) report.Model {
		return report.New(calendar.InstantOf(now), 0).Model(nil)
	},
	"week": func(t *testing.T) report.Model {
		return modelOf(fill(t, key(1), "1d", "America/Chicago", now.AddDate(0, 0, -8), nil), fill(t, key(2), "1h", "UTC", now.AddDate(0, 0, -3), nil))
	},
	"five years": func(t *testing.T) report.Model {
		var list []report.Input
		for i := range 18 {
			zone := []string{"America/Chicago", "America/Santiago", "Europe/Madrid"}[i%3]
			list = append(list, fill(t, key(i), "1d", zone, now.AddDate(-5, 0, 0), func(n int, e *pipeline.Entry) bool {
				if n%97 == 0 {
					e.Counts = pipeline.Counts{}
				}
				return true
			}))
		}
		return modelOf(list...)
	},
	"bad night": func(t *testing.T) report.Model {
		failing := fill(t, key(1), "1d", "America/Chicago", now.AddDate(0, -3, 0), func(n int, e *pipeline.Entry) bool {
			switch {
			case n >= 86:
				e.Kind, e.Settled, e.Counts, e.ErrorKind, e.Note = pipeline.EntryFail, false, pipeline.Counts{}, "unavailable", "<b>vendor</b>"
			case n == 50:
				e.Kind, e.Counts, e.Note = pipeline.EntryWaive, pipeline.Counts{}, "deleted at the vendor"
			case n == 85:
				e.Settled = false
			case n == 84:
				e.Counts = pipeline.Counts{Read: 3, Rows: 3}
			}
			return true
		})
		late := fill(t, key(2), "7d", "Europe/Madrid", now.AddDate(-1, 0, 0), func(n int, e *pipeline.Entry) bool { return n < 40 })
		m := modelOf(failing, late, fill(t, key(3), "6h", "UTC", now.AddDate(0, 0, -40), nil), fill(t, key(4), "1mo", "UTC", now.AddDate(-2, 0, 0), nil))
		m.ToDo = append(m.ToDo, report.Task{Stream: key(1).Stream, Account: "default", What: "the window failed. To give it up:", Command: "windrow sync --streams dialpad.stream01 --from 2026-03-29 --to 2026-03-29 --waive REASON"})
		return m
	},
	"hostile": func(t *testing.T) report.Model {
		evil := pipeline.StreamKey{Account: "default", Stream: `dialpad."><script>document.title='owned'</script><img src=x onerror=alert(1)>`}
		m := modelOf(fill(t, evil, "1d", "UTC", now.AddDate(0, 0, -9), nil))
		m.Rejects = []report.Rejects{{Stream: evil.Stream, Account: "default", Field: `</script><svg onload=alert(2)>`, Rows: 3}}
		m.ToDo = []report.Task{{What: `</code><script>alert(3)</script>`, Command: `windrow "$(reboot)" </code>`}}
		return m
	},
}

func draw(t *testing.T, m report.Model) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAPageIsSmallWhateverTheWarehouse(t *testing.T) {
	for name, make := range warehouses {
		t.Run(name, func(t *testing.T) {
			text := draw(t, make(t))
			if *pages != "" {
				if err := os.WriteFile(filepath.Join(*pages, strings.ReplaceAll(name, " ", "-")+".html"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			if _, err := z.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			root, err := html.Parse(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > 1e6 || packed.Len() > 200e3 {
				t.Errorf("%d bytes, %d packed", len(text), packed.Len())
			}
			if n := visible(root); n > 3000 {
				t.Errorf("%d elements before a <details> is opened", n)
			}
		})
	}
}

// visible counts the elements outside of what a closed details hides.
func visible(n *html.Node) int {
	count := 0
	if n.Type == html.ElementNode {
		count++
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if n.Type == html.ElementNode && n.Data == "details" && !(c.Type == html.ElementNode && c.Data == "summary") {
			continue
		}
		count += visible(c)
	}
	return count
}

// What a model holds is text on the page, whatever it is.
func TestHostileTextIsInert(t *testing.T) {
	root, err := html.Parse(strings.NewReader(draw(t, warehouses["hostile"](t))))
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Fields("html head meta title style body svg pattern path header p h1 h2 h3 time span nav a label input main section ul li b code article details summary div table thead tbody tr th td script")
	scripts := 0
	var look func(n *html.Node)
	look = func(n *html.Node) {
		if n.Type == html.ElementNode {
			if !slices.Contains(allowed, n.Data) {
				t.Errorf("an element %s", n.Data)
			}
			if n.Data == "script" {
				scripts++
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			look(c)
		}
	}
	look(root)
	if scripts != 1 {
		t.Errorf("%d scripts", scripts)
	}
}

// The page's own words for what it found.
func TestTheVerdictSaysWhatIsWrong(t *testing.T) {
	for name, want := range map[string]string{
		"empty": "There is no stream yet.", "week": "All 2 streams are whole.", "five years": "All 18 streams are whole.", "bad night": "2 of 4 streams are late; 4 windows failed.",
	} {
		if m := warehouses[name](t); m.Verdict != want || m.Good != (name != "bad night") {
			t.Errorf("%s: %q, good %t, not %q", name, m.Verdict, m.Good, want)
		}
	}
}

// The sums of spans are those of the status.
func TestSpansAddUpToTheStatus(t *testing.T) {
	for name, make := range warehouses {
		m := make(t)
		for _, s := range m.Streams {
			sums := map[report.State]int{}
			for _, span := range m.Spans {
				if span.Stream == s.Stream {
					sums[span.State] += span.Windows
				}
			}
			if got, want := []int{sums[report.Settled] + sums[report.Empty], sums[report.Provisional], sums[report.Open] + sums[report.Failed], sums[report.Waived]}, []int{s.Settled, s.Provisional, s.Open, s.Waived}; !slices.Equal(got, want) {
				t.Errorf("%s: %s: the spans have %v and the status %v of settled, provisional, open, waived", name, s.Stream, got, want)
			}
		}
	}
}
