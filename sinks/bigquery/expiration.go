package bigquery

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// expiration is what would empty a table that must not be emptied.
type expiration struct {
	what   string // the table does of itself
	option string // of the table, as GoogleSQL names it
}

// expirations lists what the table has and must not have. Partitions of a table with rows of windows may expire: that
// is the owner's wish for retention.
func (l layout) expirations(md *bigquery.TableMetadata) (list []expiration) {
	if !md.ExpirationTime.IsZero() {
		list = append(list, expiration{"is deleted at " + md.ExpirationTime.UTC().Format(time.RFC3339), "expiration_timestamp"})
	}
	if p := md.TimePartitioning; !l.retained && p != nil && p.Expiration > 0 {
		list = append(list, expiration{"loses its partitions after " + days(p.Expiration), "partition_expiration_days"})
	}
	return list
}

// days says a time in days, as BigQuery's console does.
func days(d time.Duration) string {
	return fmt.Sprintf("%g days", d.Hours()/24)
}

// checkExpiration refuses a table that would be emptied in silence.
func (d *dataset) checkExpiration(l layout, md *bigquery.TableMetadata) error {
	list := l.expirations(md)
	if len(list) == 0 || d.mayUnexpire(md) {
		return nil
	}
	return &pipeline.Error{Op: "check table " + l.name, Kind: pipeline.Invalid,
		Err: fmt.Errorf("it expires: it %s", list[0].what),
		Hint: fmt.Sprintf("what it has would be lost; take the expiration off: ALTER TABLE `%s.%s.%s` SET OPTIONS (%s = NULL)",
			d.sql.Project, d.sql.Name, l.name, list[0].option)}
}

// mayUnexpire reports whether an expiration that the table has inherited of the dataset may be taken off without
// asking: the table is new, for all tables are made before one of them gets its first row.
func (d *dataset) mayUnexpire(md *bigquery.TableMetadata) bool {
	return d.inherits() && md.NumRows == 0
}

// inherits reports whether new tables inherit an expiration of the dataset.
func (d *dataset) inherits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expires
}

// unexpire takes off what a new table has inherited of the dataset's default expirations: the API has no way to make a
// table without. Several processes may do so at once.
func (d *dataset) unexpire(ctx context.Context, l layout, md *bigquery.TableMetadata) error {
	var change bigquery.TableMetadataToUpdate
	for _, e := range l.expirations(md) {
		switch p := md.TimePartitioning; e.option {
		case "expiration_timestamp":
			change.ExpirationTime = bigquery.NeverExpire
		default:
			change.TimePartitioning = &bigquery.TimePartitioning{Type: p.Type, Field: p.Field, RequirePartitionFilter: p.RequirePartitionFilter}
		}
	}
	err := d.jobs.Retry(ctx, func() error {
		_, err := d.handle.Table(l.name).Update(ctx, change, md.ETag)
		return err
	})
	if apierror.Status(err) == http.StatusPreconditionFailed {
		return nil // another process has changed the table; look again
	}
	return apierror.Classify("take the expiration off table "+l.name, err)
}

// keep notes how long a table keeps its rows, or the rejects theirs.
func (d *dataset) keep(l layout, md *bigquery.TableMetadata) {
	if !l.retained {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = make(map[string]pipeline.Retention)
	}
	d.kept[l.name] = retentionOf(md)
}

func retentionOf(md *bigquery.TableMetadata) pipeline.Retention {
	if md.TimePartitioning == nil {
		return 0
	}
	return pipeline.Retention(md.TimePartitioning.Expiration)
}

// retention is how long the table keeps its rows, as it was when the tables were looked at.
func (d *dataset) retention(t *pipeline.Table) pipeline.Retention {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept[t.Name]
}

// retentionOfRejects is how long the rejects are kept, by the day in UTC on which their window starts.
func (d *dataset) retentionOfRejects() pipeline.Retention {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept[statement.RejectsTable]
}

// Retention implements [pipeline.Keeper]: it is the partition expiration of the table. BigQuery counts from the end of
// a day in UTC; a day counts as expired from its begin on, so that no window is written of which a part is about to go.
func (s *Store) Retention(ctx context.Context, t *pipeline.Table) (pipeline.Retention, error) {
	const op = "read the retention"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	there, err := s.dataset.locate(ctx)
	if err != nil || !there {
		return 0, apierror.Classify(op, err)
	}
	md, err := s.dataset.metadata(ctx, t.Name)
	if err != nil {
		return 0, apierror.Classify(op, err)
	}
	return retentionOf(md), nil
}

// expired reports whether the owner of the window's table no longer wants its rows.
func (s *Store) expired(p *pending) bool {
	return s.dataset.retention(p.Table).Expired(p.Sealed.Entry.Window, s.now())
}

// refuseExpired settles the windows whose rows would be dropped as soon as they are written, and returns the others. A
// window without rows loses nothing.
func (s *Store) refuseExpired(group []*pending) (open []*pending) {
	for _, p := range group {
		if p.Outcome != pipeline.Committed || p.Verdict.Entry.Counts.Rows == 0 || !s.expired(p) {
			open = append(open, p)
			continue
		}
		p.Fail("commit", &pipeline.Error{Op: "commit", Kind: pipeline.Invalid,
			Err: fmt.Errorf("the window has expired: table %s drops the rows of a day after %s", p.Table.Name, days(time.Duration(s.dataset.retention(p.Table)))),
			Hint: fmt.Sprintf("begin later by --from or WINDROW_FROM, or keep the rows longer: ALTER TABLE `%s.%s.%s` SET OPTIONS (partition_expiration_days = …)",
				s.sql.Project, s.sql.Name, p.Table.Name)})
	}
	return open
}

// unexpireView takes an inherited expiration off a view.
func (d *dataset) unexpireView(ctx context.Context, name string) error {
	if !d.inherits() {
		return nil
	}
	return d.jobs.Retry(ctx, func() error {
		_, err := d.handle.Table(name).Update(ctx, bigquery.TableMetadataToUpdate{ExpirationTime: bigquery.NeverExpire}, "")
		return err
	})
}
