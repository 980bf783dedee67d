package bigquery

import (
	"context"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
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
			d, location, err := parse(tt.dsn)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("%v", err)
				}
				if _, err := Open(context.Background(), tt.dsn, Options{}); pipeline.KindOf(err) != pipeline.Invalid {
					t.Errorf("Open says %v", err)
				}
				return
			}
			if err != nil || d.Project != tt.project || d.Name != tt.dataset || location != tt.location {
				t.Errorf("%+v, %q, %v", d, location, err)
			}
		})
	}
}
