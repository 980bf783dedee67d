package bigquery

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// DefaultLocation is where a dataset is created when the sink names no location.
const DefaultLocation = "US"

// dataset is the dataset and the tables in it, as BigQuery has them.
type dataset struct {
	handle *bigquery.Dataset
	sql    statement.Dataset
	jobs   *job.Runner
	now    func() time.Time

	setup sync.Mutex // held while the dataset and the tables are made

	mu sync.Mutex
	found
}

// found is what was found of the dataset and its tables.
type found struct {
	location string                        // as asked for, then as found
	located  bool                          // the dataset is there, at the location
	ready    bool                          // the tables are there
	expires  bool                          // new tables inherit an expiration
	kept     map[string]pipeline.Retention // of data tables, by name
	whole    map[string]bool               // tables of which no policy hides a row
	summable map[string]bool               // whether the columns that are added up may be read as they are, by table
}

// locate finds out whether the dataset is there, and where.
func (d *dataset) locate(ctx context.Context) (there bool, err error) {
	d.mu.Lock()
	located, want := d.located, d.location
	d.mu.Unlock()
	if located {
		return true, nil
	}
	var md *bigquery.DatasetMetadata
	err = d.jobs.Retry(ctx, func() (err error) {
		md, err = d.handle.Metadata(ctx)
		return err
	})
	if apierror.Status(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if want != "" && !strings.EqualFold(want, md.Location) {
		return false, &pipeline.Error{Op: "find the dataset", Kind: pipeline.Invalid,
			Err:  fmt.Errorf("dataset %s lies in %s, not in %s", d.sql.Name, md.Location, want),
			Hint: "a dataset cannot be moved: correct location in WINDROW_SINK, or name another dataset"}
	}
	d.mu.Lock()
	d.location, d.located = md.Location, true
	d.expires = md.DefaultTableExpiration > 0 || md.DefaultPartitionExpiration > 0
	d.mu.Unlock()
	d.jobs.SetLocation(md.Location)
	return true, nil
}

// lookAgain makes the next locate ask BigQuery: an old answer proves nothing now.
func (d *dataset) lookAgain() {
	d.mu.Lock()
	d.located = false
	d.mu.Unlock()
}

// forget makes the next write look at the dataset and its tables again.
func (d *dataset) forget() {
	d.mu.Lock()
	d.ready, d.located = false, false
	d.mu.Unlock()
}

// holds reports whether a table of ours is there. In a dataset that is being made a table may come later than the dataset.
func (d *dataset) holds(ctx context.Context, name string) (there bool, err error) {
	d.mu.Lock()
	ready := d.ready
	d.mu.Unlock()
	if there, err = d.locate(ctx); err != nil || !there || ready {
		return there, err
	}
	md, err := d.metadata(ctx, name)
	return err == nil && len(md.Schema) > 0, err
}

// metadata returns what BigQuery knows of a table. The metadata of a missing table are empty.
func (d *dataset) metadata(ctx context.Context, name string) (md *bigquery.TableMetadata, err error) {
	err = d.jobs.Retry(ctx, func() error {
		md, err = d.handle.Table(name).Metadata(ctx)
		return err
	})
	if apierror.Absent(err) {
		return &bigquery.TableMetadata{}, nil
	}
	return md, err
}
