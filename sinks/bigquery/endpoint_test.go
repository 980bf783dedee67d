package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/sinktest"
)

const (
	// emulatorHost names an endpoint that asks for no credentials, as for Google's own clients.
	emulatorHost = "BIGQUERY_EMULATOR_HOST"
	// realDataset names a dataset of a real project, bigquery://project/dataset?location=EU.
	// Every proof makes one of its own beside it, whose name begins alike, and drops it.
	realDataset = "WINDROW_TEST_BIGQUERY"
)

// endpoint is a place behind whatever speaks BigQuery's REST API. It is looked
// at through that API alone.
type endpoint struct {
	dsn     string // of a dataset that is not there yet
	dataset string
	options []option.ClientOption
	client  *bigquery.Client
	temp    string
}

// endpointDriver proves the sink against the endpoint that the environment
// names; without says why there is none.
func endpointDriver(t *testing.T) (d sinktest.Driver, without string) {
	t.Helper()
	base, options := os.Getenv(realDataset), []option.ClientOption(nil)
	if host := os.Getenv(emulatorHost); host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		options = []option.ClientOption{option.WithEndpoint(strings.TrimSuffix(host, "/") + "/bigquery/v2/"), option.WithoutAuthentication()}
		if base == "" {
			base = "bigquery://test-project/windrow_test"
		}
	}
	if base == "" {
		return d, fmt.Sprintf("neither %s nor %s names an endpoint", emulatorHost, realDataset)
	}
	n, location, err := parse(base)
	if err != nil {
		t.Fatalf("%s: %v", realDataset, err)
	}
	return sinktest.Driver{
		New: func(t testing.TB) sinktest.Place { return newEndpoint(t, n, location, options) },
		Without: withoutReading(map[sinktest.Ability]string{
			sinktest.Stamps: "an endpoint does not tell when a table was written",
			sinktest.Faults: "an endpoint cannot be broken",
			sinktest.Loses:  "rows that were just written cannot be deleted by hand everywhere",
		}),
	}, ""
}

func newEndpoint(t testing.TB, n statement.Dataset, location string, options []option.ClientOption) *endpoint {
	t.Helper()
	ctx := context.Background()
	client, err := bigquery.NewClient(ctx, n.Project, options...)
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{dataset: n.Name + "_" + job.Nonce(), options: options, client: client, temp: t.TempDir()}
	e.dsn = "bigquery://" + n.Project + "/" + e.dataset
	if location != "" {
		e.dsn += "?location=" + url.QueryEscape(location)
	}
	t.Cleanup(func() {
		if err := client.Dataset(e.dataset).DeleteWithContents(ctx); err != nil && !apierror.Absent(err) {
			t.Errorf("dataset %s is left behind: %v", e.dataset, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *endpoint) Open(t testing.TB) pipeline.Store {
	t.Helper()
	s, err := Open(context.Background(), e.dsn, Options{MaxBytesBilled: 100 << 30, TempDir: e.temp, ClientOptions: e.options, Pace: 100 * time.Millisecond})
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

// query looks at a table; one that is missing has no rows.
func (e *endpoint) query(t testing.TB, format string, args ...any) [][]any {
	t.Helper()
	it, err := e.client.Query(fmt.Sprintf(format, args...)).Read(context.Background())
	var rows [][]any
	for err == nil {
		var row []bigquery.Value
		if err = it.Next(&row); err == nil {
			values := make([]any, len(row))
			for i, v := range row {
				values[i] = v
			}
			rows = append(rows, values)
		}
	}
	if !errors.Is(err, iterator.Done) && !apierror.Absent(err) {
		t.Fatal(err)
	}
	return rows
}

func (e *endpoint) Rows(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) []sinktest.Row {
	t.Helper()
	return rowsOf(e.query(t, "%s", rowsQuery(e.dataset, table, k)))
}

func (e *endpoint) Rejects(t testing.TB, k pipeline.StreamKey) []sinktest.Rejected {
	t.Helper()
	return rejectsOf(e.query(t, "%s", rejectsQuery(e.dataset, k)))
}

// Litter lists staging tables and staged files.
func (e *endpoint) Litter(t testing.TB) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(e.temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range entries {
		list = append(list, f.Name())
	}
	for tables := e.client.Dataset(e.dataset).Tables(context.Background()); ; {
		table, err := tables.Next()
		if errors.Is(err, iterator.Done) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(table.TableID, statement.StagePrefix) {
			list = append(list, table.TableID)
		}
	}
}

// It is the suite that runs against bigquerytest, without broken calls; against
// BigQuery itself a commit takes some seconds, so give it -timeout 6h.
func TestTheSinksContractAgainstAnEndpoint(t *testing.T) {
	d, without := endpointDriver(t)
	if without != "" {
		t.Skip("NOT PROVEN against an endpoint: " + without)
	}
	sinktest.Run(t, d)
}

// The way to an endpoint is proven with the only one that is always there.
func TestAnEndpointIsWhatTheEnvironmentNames(t *testing.T) {
	t.Setenv(emulatorHost, "")
	t.Setenv(realDataset, "")
	if _, without := endpointDriver(t); without == "" {
		t.Error("there is an endpoint although none is named")
	}
	server, err := bigquerytest.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	t.Setenv(emulatorHost, server.URL())
	t.Setenv(realDataset, "bigquery://my-project/mine?location=EU")
	d, without := endpointDriver(t)
	if without != "" {
		t.Fatal(without)
	}
	for _, promise := range []int{0, 1, 8} { // what takes long is proven elsewhere
		t.Run(fmt.Sprint("promise ", promise), func(t *testing.T) { sinktest.Promise(t, d, promise) })
	}
	loads := 0
	for _, j := range server.Jobs() {
		if j.Project != "my-project" || j.Location != "EU" || len(j.Writes) > 0 && !strings.HasPrefix(j.Writes[0], "mine_") {
			t.Errorf("job %s of project %s at %s writes to %v", j.ID, j.Project, j.Location, j.Writes)
		}
		if j.Kind == bigquerytest.Load {
			loads++
		}
	}
	made, dropped := 0, 0
	for _, c := range server.Calls() {
		if c.Status >= 300 {
			continue
		}
		switch c.Method {
		case "datasets.insert":
			made++
		case "datasets.delete":
			dropped++
		}
	}
	if loads == 0 || made == 0 || made != dropped {
		t.Errorf("%d loads, %d datasets made, %d dropped", loads, made, dropped)
	}
}
