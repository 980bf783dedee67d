package endtoend

import (
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/pipeline/report"
)

// What a report tells is what DuckDB finds in the files of the ledger and of the history: over days on which clocks change,
// windows that were read again and changed, one that was waived and one that failed.
func TestTheReportEqualsTheFilesOfTheSink(t *testing.T) {
	s := newSite(t)
	s.from = "2025-10-31"
	s.world.SetNow(time.Date(2025, 11, 4, 18, 0, 0, 0, time.UTC))
	s.mustSync()
	s.world.Set(func(o *vendorsim.Options) { o.Seed++ })
	s.world.SetNow(s.world.Now().Add(26 * time.Hour))
	s.world.Inject(vendorsim.Fault{Host: "chattonic", Path: "/api/v1/acme/stats/operator", Kind: vendorsim.FaultStatus, Code: http.StatusNotFound, Times: 1})
	again := s.engine()
	again.Select.Refetch, again.Select.From, again.Select.To = true, "2025-10-31", "2025-11-03"
	s.run(again)
	waive := s.engine("dialpad.calls")
	waive.Select.From, waive.Select.To = "2025-09-01", "2025-09-05"
	if _, err := waive.Waive(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	e := s.engine()
	b := report.New(calendar.InstantOf(e.Clock()), 0)
	var order []pipeline.StreamKey
	survey, err := e.Survey(t.Context(), func(st plan.StreamStatus, of pipeline.Stream, l *pipeline.Ledger) {
		b.Stream(report.Input{Status: st, Stream: of, Ledger: l})
		order = append(order, of.Key)
	})
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range e.Store.(pipeline.HistoryReader).History(t.Context(), nil, pipeline.Span{Start: pipeline.NoInstant, End: math.MaxInt64}) {
		if err != nil {
			t.Fatal(err)
		}
		b.History(row)
	}
	m := b.Model(order)

	var months, streams, changes []string
	for _, of := range m.Months {
		months = append(months, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d", of.Stream, of.Month, of.Windows, of.Read, of.Rows, of.Rejected, of.Outside, of.Duplicate))
	}
	for _, of := range m.Streams {
		windows := map[report.State]int{}
		for _, span := range m.Spans {
			if span.Stream == of.Stream {
				windows[span.State] += span.Windows
			}
		}
		streams = append(streams, fmt.Sprintf("%s\t%d\t%d\t%d", of.Stream, windows[report.Settled]+windows[report.Empty], windows[report.Provisional], of.Rows))
		i := slices.IndexFunc(survey.States, func(st plan.StreamStatus) bool { return st.Stream == of.Stream })
		if st := survey.States[i]; st.Waived != windows[report.Waived] || st.Open != windows[report.Open]+windows[report.Failed] {
			t.Errorf("%s: waived %d, open %d; the spans have %v", of.Stream, st.Waived, st.Open, windows)
		}
	}
	for _, of := range m.Changes {
		changes = append(changes, fmt.Sprintf("%s\t%d\t%d\t%d", of.Stream, of.WindowStart.Time().Unix(), of.RowsBefore, of.RowsAfter))
	}
	if len(months) < 10 || len(changes) < 3 {
		t.Fatalf("%d months and %d changes", len(months), len(changes))
	}
	commits := fmt.Sprintf(`(SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY stream, w ORDER BY read_at DESC, n DESC) AS newest FROM (
		SELECT regexp_extract(filename, 'stream=([^/]*)/', 1) AS stream, filename AS n, l->>'$.window.start' AS w, l->>'$.window.zone' AS zone, l->>'$.read_at' AS read_at,
			coalesce(l->>'$.settled', 'false') = 'true' AS settled, (l->>'$.counts.read')::BIGINT AS r, (l->>'$.counts.rows')::BIGINT AS loaded, (l->>'$.counts.rejected')::BIGINT AS j,
			(l->>'$.counts.outside')::BIGINT AS o, (l->>'$.counts.duplicate')::BIGINT AS d
		FROM read_csv('%s', delim = '\x01', header = false, quote = '', escape = '', columns = {'l': 'VARCHAR'}, filename = true) WHERE l LIKE '{"kind":"commit"%%')) WHERE newest = 1)`,
		filepath.Join(s.root, "_windrow", "ledger", "*", "*", "*", "*.jsonl*"))
	same := func(got []string, text string) {
		t.Helper()
		slices.Sort(got)
		want := s.query(text)
		slices.Sort(want)
		sameLines(t, got, want)
	}
	same(months, `SELECT stream, strftime(w::TIMESTAMPTZ AT TIME ZONE zone, '%Y-%m'), count(*), sum(r)::BIGINT, sum(loaded)::BIGINT, sum(j)::BIGINT, sum(o)::BIGINT, sum(d)::BIGINT FROM `+commits+` GROUP BY 1, 2`)
	same(streams, `SELECT stream, count(*) FILTER (settled), count(*) FILTER (NOT settled), sum(loaded)::BIGINT FROM `+commits+` GROUP BY 1`)
	same(changes, fmt.Sprintf(`SELECT stream, epoch(window_start)::BIGINT, rows_before, rows_after FROM read_parquet('%s') WHERE kind = 'changed' AND after_settle`, filepath.Join(s.root, "_windrow", "history", "*", "*", "*.parquet")))
}
