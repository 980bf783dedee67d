package bigquery

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
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

// maxReceipts bounds the receipts that one statement appends. What comes later is added to the last receipt.
const maxReceipts = 1000

// receipts are the receipts of committed batches, deferred until the run is recorded. They are safe for concurrent use.
type receipts struct {
	mu       sync.Mutex
	deferred []statement.BatchReceipt
}

// deferReceipt keeps what a committed batch has used. span holds its windows.
func (r *receipts) deferReceipt(batch string, span pipeline.Span, used pipeline.Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.deferred); n == maxReceipts {
		last := &r.deferred[n-1]
		last.Used = job.Plus(last.Used, used)
		last.Span = pipeline.Span{Start: min(span.Start, last.Span.Start), End: max(span.End, last.Span.End)}
		return
	}
	r.deferred = append(r.deferred, statement.BatchReceipt{Batch: batch, Span: span, Used: used})
}

// list returns the receipts that are deferred.
func (r *receipts) list() []statement.BatchReceipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.deferred)
}

// drop drops the first n receipts, which are recorded.
func (r *receipts) drop(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deferred = r.deferred[n:]
}
