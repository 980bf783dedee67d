package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
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
