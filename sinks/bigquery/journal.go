package bigquery

import (
	"context"
	"errors"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// Add implements [pipeline.Journal] with one INSERT. Load jobs would not do, because BigQuery allows 1,500 of them on a
// table and day.
func (s *Store) Add(ctx context.Context, n pipeline.Note) error {
	const op = "write the journal"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := checkTenant(n.Tenant)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.dataset.ensure(ctx)
	}
	if err == nil {
		err = s.jobs.Write(ctx, "windrow_note_"+job.Nonce(), s.sql.AddNote(n))
	}
	if err != nil {
		return apierror.Classify(op, s.missing(err))
	}
	pipeline.Point(ctx, "bigquery.noted")
	return nil
}

// Since implements [pipeline.Journal].
func (s *Store) Since(ctx context.Context, k pipeline.TenantKey, t time.Time) ([]pipeline.Note, error) {
	const op = "read the journal"
	if err := checkTenant(k); err != nil {
		return nil, apierror.Classify(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	there, err := s.dataset.holds(ctx, statement.JournalTable)
	if err == nil && there {
		err = s.dataset.seesAll(ctx, statement.JournalTable)
	}
	if err != nil || !there {
		return nil, apierror.Classify(op, err)
	}
	var notes []pipeline.Note
	err = s.jobs.Read(ctx, s.sql.Notes(k, pipeline.InstantOf(t)), func() { notes = nil }, func(row []bigquery.Value) error {
		if len(row) != 3 {
			return errors.New("a note has not three columns")
		}
		at, _ := row[0].(time.Time)
		kind, _ := row[1].(string)
		text, _ := row[2].(string)
		notes = append(notes, pipeline.Note{Tenant: k, At: at.UTC(), Kind: kind, Text: text})
		return nil
	})
	if err != nil && !apierror.Absent(err) {
		return nil, apierror.Classify(op, err)
	}
	return notes, nil
}
