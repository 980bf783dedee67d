package bigquery

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

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
		if md.TimePartitioning == nil || md.TimePartitioning.Field != "local_date" || md.Clustering == nil || !slices.Equal(md.Clustering.Fields, statement.StreamColumns) {
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
	view := p.client(t).Table(statement.WatermarksView)
	if _, err := view.Update(ctx, bigquery.TableMetadataToUpdate{ViewQuery: "SELECT 1 AS old"}, ""); err != nil {
		t.Fatal(err)
	}
	s = p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 1, 0, "eva"))
	md, err := view.Metadata(ctx)
	if err != nil || md.ViewQuery != s.sql.Watermarks() || !strings.Contains(md.Description, "WINDROW_FROM") {
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
