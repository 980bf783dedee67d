package bigquerytest

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/api/bigquery/v2"
)

// inherit gives a new table the dataset's default expirations. What the table names itself takes precedence, and of the
// two defaults a partitioned table inherits the one for partitions: REST reference,
// Dataset.defaultPartitionExpirationMs. A view inherits the one for tables: "Managing views", section "Update a view's
// expiration time".
func (d *dataset) inherit(m *bigquery.Table, now int64) {
	p := m.TimePartitioning
	switch {
	case p != nil && d.meta.DefaultPartitionExpirationMs > 0:
		if p.ExpirationMs == 0 {
			p.ExpirationMs = d.meta.DefaultPartitionExpirationMs
		}
	case m.ExpirationTime == 0 && d.meta.DefaultTableExpirationMs > 0:
		m.ExpirationTime = now + d.meta.DefaultTableExpirationMs
	}
}

// dropPartitions deletes the rows of partitions that have expired. A partition's expiration counts from the end of its
// day in UTC: "Manage partitioned tables", section "Set the partition expiration", where a day's partition with 6 hours
// expires at 06:00 of the following day. The caller holds db.exec.
func (s *Server) dropPartitions(ctx context.Context) *apiError {
	s.mu.Lock()
	now := s.now()
	var drop []string
	for _, d := range s.datasets {
		for _, t := range d.tables {
			p := t.meta.TimePartitioning
			if p == nil || p.ExpirationMs == 0 {
				continue
			}
			last := now.Add(-time.Duration(p.ExpirationMs)*time.Millisecond).UTC().AddDate(0, 0, -1)
			drop = append(drop, fmt.Sprintf("DELETE FROM %s WHERE CAST(%s AS DATE) <= DATE '%s'", refOf(t.meta.TableReference).duck(), duckName(p.Field), last.Format(time.DateOnly)))
		}
	}
	s.mu.Unlock()
	for _, q := range drop {
		if err := s.db.doLocked(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
