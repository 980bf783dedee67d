package bigquery

import (
	"context"
	"encoding/json"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
)

// AppendRun implements [pipeline.Store] with one job, which appends the receipts of the run's batches to the ledger and
// the summary to the runs, both or neither. A run that is recorded twice has one row.
func (s *Store) AppendRun(ctx context.Context, run pipeline.Summary) error {
	const op = "record the run"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	body, err := json.Marshal(run)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.dataset.ensure(ctx)
	}
	list := s.receipts.list()
	if err == nil {
		name := job.Digest(s.sql.Project, s.sql.Name, string(run.SyncID), string(body), run.FinishedAt.String())
		err = s.jobs.Write(ctx, "windrow_run_"+name, s.sql.RecordRun(run, string(body), list))
	}
	if err != nil {
		return apierror.Classify(op, s.missing(err))
	}
	s.receipts.drop(len(list))
	pipeline.Point(ctx, "bigquery.run-recorded")
	return nil
}
