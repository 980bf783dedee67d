package bigquery

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/sinktest"
)

const testSink = "bigquery://test-project/contact_centre?location=EU"

var driver = sinktest.Driver{
	New:     func(t testing.TB) sinktest.Place { return newPlace(t) },
	Without: withoutReading(nil),
}

// withoutReading adds the abilities of reading, which the sink does not have yet.
func withoutReading(without map[sinktest.Ability]string) map[sinktest.Ability]string {
	all := map[sinktest.Ability]string{
		sinktest.ReadsHoldings: "a count by window is a job that is billed",
	}
	maps.Copy(all, without)
	return all
}

// place is a BigQuery without a dataset.
type place struct {
	server *bigquerytest.Server
	temp   string
}

func newPlace(t testing.TB) place {
	t.Helper()
	server, err := bigquerytest.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { checkSent(t, server) })
	return place{server, t.TempDir()}
}

func (p place) options(more ...option.ClientOption) Options {
	return Options{MaxBytesBilled: 100 << 30, TempDir: p.temp, Pace: time.Millisecond, ClientOptions: append(p.server.Options(), more...)}
}

func (p place) open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), testSink, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (p place) Open(t testing.TB) pipeline.Store { return p.open(t, p.options()) }

// OpenFaulty breaks the connection of the n-th request, once: so that every
// fault is the sink's own to survive, for the client repeats what is answered
// with 5xx.
func (p place) OpenFaulty(t testing.TB, n int, after bool) (pipeline.Store, func() bool) {
	f := &faultyTransport{n: n, after: after}
	return p.open(t, p.options(option.WithHTTPClient(&http.Client{Transport: f}))), f.hit
}

type faultyTransport struct {
	n     int
	after bool

	mu    sync.Mutex
	calls int
}

func (f *faultyTransport) hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls > f.n
}

func (f *faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	mine := f.calls == f.n
	f.calls++
	f.mu.Unlock()
	if mine && !f.after {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errBroken
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if mine && err == nil {
		_ = res.Body.Close()
		return nil, errBroken
	}
	return res, err
}

var errBroken = fmt.Errorf("the line went dead")

// Stamp is when the data were written last: BigQuery's rows say it not, its jobs do.
func (p place) Stamp(t testing.TB, table *pipeline.Table, _ pipeline.StreamKey) string {
	t.Helper()
	return fmt.Sprint(p.server.CountJobs("contact_centre." + table.Name))
}

// Litter lists staging tables and staged files.
func (p place) Lose(t testing.TB, table *pipeline.Table, k pipeline.StreamKey, w pipeline.Window) {
	t.Helper()
	text := fmt.Sprintf(`DELETE FROM "test-project.contact_centre"."%s" WHERE account = '%s' AND stream = '%s' AND window_start = TIMESTAMPTZ '%s'`,
		table.Name, k.Account, k.Stream, w.Start.Time().Format("2006-01-02 15:04:05+00"))
	if err := p.server.ExecDuckDB(context.Background(), text); err != nil {
		t.Fatal(err)
	}
}

func (p place) Litter(t testing.TB) []string {
	t.Helper()
	var list []string
	entries, err := os.ReadDir(p.temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	for _, j := range p.server.Jobs() {
		for _, name := range j.Writes {
			if !strings.Contains(name, statement.StagePrefix) {
				continue
			}
			if _, err := p.server.Query(context.Background(), "test-project", "SELECT 1 FROM `"+strings.ReplaceAll(name, ".", "`.`")+"`"); err == nil {
				list = append(list, name)
			}
		}
	}
	return list
}

// query looks at the tables from behind; a table that is missing has no rows.
func (p place) query(t testing.TB, table, text string) [][]any {
	t.Helper()
	if !slices.ContainsFunc(p.server.Calls(), func(c bigquerytest.Call) bool {
		return c.Method == "tables.insert" && strings.HasSuffix(c.Table, "."+table)
	}) {
		return nil
	}
	rows, err := p.server.Query(context.Background(), "test-project", text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rows
}

func at(v any) pipeline.Instant { return pipeline.InstantOf(v.(time.Time)) }

func (p place) Rows(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) []sinktest.Row {
	t.Helper()
	return rowsOf(p.query(t, table.Name, rowsQuery("contact_centre", table, k)))
}

func (p place) Rejects(t testing.TB, k pipeline.StreamKey) []sinktest.Rejected {
	t.Helper()
	return rejectsOf(p.query(t, statement.RejectsTable, rejectsQuery("contact_centre", k)))
}

// rowsQuery orders rows by time: BigQuery's tables keep no order.
func rowsQuery(dataset string, table *pipeline.Table, k pipeline.StreamKey) string {
	value := "answered"
	if table == pipeline.Events {
		value = "talk_seconds"
	}
	return fmt.Sprintf("SELECT resource_id, %s, %s, sync_id, window_start, window_end FROM %s.%s WHERE %s ORDER BY window_start, %s",
		table.TimeColumn, value, dataset, table.Name, statement.OfStream(k), table.TimeColumn)
}

func rowsOf(rows [][]any) (list []sinktest.Row) {
	for _, r := range rows {
		row := sinktest.Row{ID: r[0].(string), At: at(r[1]), Sync: pipeline.SyncID(r[3].(string)), Window: pipeline.Span{Start: at(r[4]), End: at(r[5])}}
		switch v := r[2].(type) {
		case int64:
			row.Value = v
		case float64:
			row.Value = int64(v)
		}
		list = append(list, row)
	}
	return list
}

func rejectsQuery(dataset string, k pipeline.StreamKey) string {
	return fmt.Sprintf("SELECT position, reason, raw FROM %s.%s WHERE %s ORDER BY window_start, position", dataset, statement.RejectsTable, statement.OfStream(k))
}

func rejectsOf(rows [][]any) (list []sinktest.Rejected) {
	for _, r := range rows {
		list = append(list, sinktest.Rejected{Row: r[0].(int64), Reason: r[1].(string), Raw: r[2].(string)})
	}
	return list
}
