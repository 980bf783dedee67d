package bigquery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

func TestTheSinksNameIsAProjectAndADataset(t *testing.T) {
	tests := []struct{ name, dsn, project, dataset, location, wrong string }{
		{"with a location", "bigquery://my-project/contact_centre?location=EU", "my-project", "contact_centre", "EU", ""},
		{"without one", "bigquery://my-project/d", "my-project", "d", "", ""},
		{"a region", "bigquery://my-project/d?location=europe-west1", "my-project", "d", "europe-west1", ""},
		{"a project of a domain", "bigquery://example.com:my-project/d", "example.com:my-project", "d", "", ""},
		{"another kind of sink", "gs://bucket/prefix", "", "", "", "bigquery://"},
		{"no dataset", "bigquery://my-project", "", "", "", "dataset id"},
		{"more than a dataset", "bigquery://my-project/d/t", "", "", "", "dataset id"},
		{"the longest dataset", "bigquery://my-project/" + strings.Repeat("d", 1000), "my-project", strings.Repeat("d", 1000), "", ""},
		{"a dataset too long", "bigquery://my-project/" + strings.Repeat("d", 1001), "", "", "", "dataset id"},
		{"a dataset that ends its quotes", "bigquery://my-project/d`; DROP", "", "", "", "dataset id"},
		{"a project that ends its quotes", "bigquery://p`p/d", "", "", "", "project id"},
		{"an unknown parameter", "bigquery://my-project/d?region=EU", "", "", "", `"region"`},
		{"a location that is none", "bigquery://my-project/d?location=E%20U", "", "", "", "no location"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, location, err := parse(tt.dsn)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("%v", err)
				}
				if _, err := Open(context.Background(), tt.dsn, Options{}); pipeline.KindOf(err) != pipeline.Invalid {
					t.Errorf("Open says %v", err)
				}
				return
			}
			if err != nil || n.project != tt.project || n.dataset != tt.dataset || location != tt.location {
				t.Errorf("%+v, %q, %v", n, location, err)
			}
		})
	}
}

func TestLookingCreatesNothing(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	if _, err := s.Ledger(ctx, agents); err != nil {
		t.Error(err)
	}
	if keys, err := s.Streams(ctx); err != nil || len(keys) != 0 {
		t.Error(keys, err)
	}
	if notes, err := s.Since(ctx, pipeline.TenantKey{Source: "dialpad", Account: "default"}, time.Now()); err != nil || len(notes) != 0 {
		t.Error(notes, err)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	for _, c := range p.server.Calls() {
		if strings.HasSuffix(c.Method, ".insert") && !strings.HasPrefix(c.Method, "jobs.") {
			t.Errorf("looking called %s", c.Method)
		}
	}
}

// noToken is what the client says when no access token is given.
func noToken(code int) error {
	return &url.Error{Op: "Get", URL: "https://x", Err: &auth.Error{Response: &http.Response{StatusCode: code}}}
}

func TestFaultsAreClassifiedByCodeAndReason(t *testing.T) {
	api := func(code int, reason string) error {
		e := &googleapi.Error{Code: code}
		if reason != "" {
			e.Errors = []googleapi.ErrorItem{{Reason: reason}}
		}
		return e
	}
	tests := []struct {
		name string
		err  error
		kind pipeline.Kind
		hint string
	}{
		{"401", api(401, "authError"), pipeline.Unauthorized, "Job User"},
		{"403 accessDenied", api(403, "accessDenied"), pipeline.Unauthorized, "Data Editor"},
		{"403 without a reason", api(403, ""), pipeline.Unauthorized, "Data Editor"},
		{"403 quotaExceeded", api(403, "quotaExceeded"), pipeline.Throttled, "quota"},
		{"403 rateLimitExceeded", api(403, "rateLimitExceeded"), pipeline.Throttled, ""},
		{"429", api(429, ""), pipeline.Throttled, ""},
		{"503", api(503, ""), pipeline.Unavailable, ""},
		{"a job's backendError", &failedJob{&bigquery.Error{Reason: "backendError"}}, pipeline.Unavailable, ""},
		{"a job's quotaExceeded", &failedJob{&bigquery.Error{Reason: "quotaExceeded"}}, pipeline.Throttled, ""},
		{"a job over its price", &failedJob{&bigquery.Error{Reason: "bytesBilledLimitExceeded"}}, pipeline.SinkFailed, "WINDROW_BIGQUERY_MAX_BYTES_BILLED"},
		{"a job that is refused", &failedJob{&bigquery.Error{Reason: "invalidQuery"}}, pipeline.SinkFailed, ""},
		{"400", api(400, "invalid"), pipeline.SinkFailed, ""},
		{"a lost connection", &url.Error{Op: "Post", URL: "https://x", Err: errors.New("reset")}, pipeline.Unavailable, ""},
		{"an answer that broke off", fmt.Errorf("decode: %w", io.ErrUnexpectedEOF), pipeline.Unavailable, ""},
		{"a signal", &url.Error{Op: "Post", URL: "https://x", Err: context.Canceled}, pipeline.Stopped, ""},
		{"no token for an expired login", noToken(400), pipeline.Unauthorized, "expired"},
		{"no token for the moment", noToken(503), pipeline.Unavailable, ""},
		{"no answer", context.DeadlineExceeded, pipeline.Unavailable, "next run"},
		{"a known error", &pipeline.Error{Kind: pipeline.Invalid}, pipeline.Invalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := fault("commit", tt.err)
			if pipeline.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("%v is of kind %s", err, pipeline.KindOf(err))
			}
		})
	}
	if fault("commit", nil) != nil {
		t.Error("no error became one")
	}
}

// client is a client of the place's own, to look and to meddle.
func (p place) client(t testing.TB) *bigquery.Dataset {
	t.Helper()
	c, err := bigquery.NewClient(context.Background(), "test-project", p.server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.Dataset("contact_centre")
}

func TestTablesAreMadeWithPartitionsClustersAndMeanings(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	dataset := p.client(t)
	if md, err := dataset.Metadata(ctx); err != nil || md.Location != "EU" {
		t.Errorf("the dataset: %+v, %v", md, err)
	}
	for _, table := range pipeline.Tables() {
		md, err := dataset.Table(table.Name).Metadata(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if md.TimePartitioning == nil || md.TimePartitioning.Field != "local_date" || md.Clustering == nil || !slices.Equal(md.Clustering.Fields, streamColumns) {
			t.Errorf("%s: partitions %+v, clusters %+v", table.Name, md.TimePartitioning, md.Clustering)
		}
		for i, f := range md.Schema {
			if c := table.Columns[i]; f.Name != c.Name || !strings.Contains(f.Description, c.Meaning) || !strings.Contains(f.Description, "aggregation: "+string(c.Aggregation)) ||
				!strings.Contains(f.Description, c.Unit) || f.Required == (c.Nullable || f.Repeated) {
				t.Errorf("%s.%s: %+v", table.Name, c.Name, f)
			}
		}
	}
}

func TestANewColumnIsAddedAndATypeIsNeverChanged(t *testing.T) {
	ctx := context.Background()
	list, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	activity := list[0]
	tests := []struct {
		name   string
		meddle func(bigquery.Schema) bigquery.Schema
		wrong  string
	}{
		{"a column is missing", func(s bigquery.Schema) bigquery.Schema {
			return slices.DeleteFunc(s, func(f *bigquery.FieldSchema) bool { return f.Name == "csat" })
		}, ""},
		{"a column of the users' own", func(s bigquery.Schema) bigquery.Schema {
			return append(s, &bigquery.FieldSchema{Name: "ours", Type: bigquery.StringFieldType})
		}, ""},
		{"a column of another type", func(s bigquery.Schema) bigquery.Schema {
			s[slices.IndexFunc(s, func(f *bigquery.FieldSchema) bool { return f.Name == "answered" })].Type = bigquery.StringFieldType
			return s
		}, "answered is STRING, not INTEGER"},
		{"a column that must not be null", func(s bigquery.Schema) bigquery.Schema {
			s[slices.IndexFunc(s, func(f *bigquery.FieldSchema) bool { return f.Name == "csat" })].Required = true
			return s
		}, "csat is REQUIRED"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t)
			dataset := p.client(t)
			if err := dataset.Create(ctx, &bigquery.DatasetMetadata{Location: "EU"}); err != nil {
				t.Fatal(err)
			}
			old := activity
			old.schema = tt.meddle(bare(activity.schema))
			if err := dataset.Table("activity").Create(ctx, old.metadata()); err != nil {
				t.Fatal(err)
			}
			s := p.open(t, p.options())
			window := seal(t, s, dayWindow(0), 1, 0, "ana")
			if tt.wrong != "" {
				r := mustCommit(t, s, pipeline.Failed, window)[0]
				if pipeline.KindOf(r.Err) != pipeline.Invalid || !strings.Contains(r.Err.Error(), tt.wrong) || !strings.Contains(r.Err.Error(), "rename table contact_centre.activity away, and contact_centre._windrow_ledger with it") {
					t.Errorf("%v", r.Err)
				}
				return
			}
			mustCommit(t, s, pipeline.Committed, window)
			p.holds(t, "ana")
			md, err := dataset.Table("activity").Metadata(ctx)
			if err != nil || !slices.ContainsFunc(md.Schema, func(f *bigquery.FieldSchema) bool { return f.Name == "csat" && !f.Required }) {
				t.Errorf("%v, %v", md, err)
			}
		})
	}
}

func TestAViewOfAnEarlierVersionGetsItsQuery(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	view := p.client(t).Table(watermarksView)
	if _, err := view.Update(ctx, bigquery.TableMetadataToUpdate{ViewQuery: "SELECT 1 AS old"}, ""); err != nil {
		t.Fatal(err)
	}
	s = p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 1, 0, "eva"))
	md, err := view.Metadata(ctx)
	if err != nil || md.ViewQuery != s.names.watermarks() || !strings.Contains(md.Description, "WINDROW_FROM") {
		t.Errorf("%+v, %v", md, err)
	}
}

func TestADatasetElsewhereIsRefused(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	if err := p.client(t).Create(ctx, &bigquery.DatasetMetadata{Location: "US"}); err != nil {
		t.Fatal(err)
	}
	err := p.open(t, p.options()).Check(ctx)
	if pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "lies in US, not in EU") {
		t.Errorf("%v", err)
	}
}

func TestEveryQueryJobHasAPlaceAndASlowOneIsWaitedFor(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Polls: 2})
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	p.holds(t, "ana")
	for _, j := range p.server.Jobs() {
		if j.Location != "EU" {
			t.Errorf("job %s (%s) is at %q", j.ID, j.Kind, j.Location)
		}
	}
}
