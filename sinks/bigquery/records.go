package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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
	there, err := s.readable(ctx, statement.JournalTable)
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

// AppendRun implements [pipeline.Store] with one job; with two at the end of a run that has committed batches, whose
// receipts the first one appends to the ledger. A beginning is an INSERT of values, for which BigQuery bills nothing.
func (s *Store) AppendRun(ctx context.Context, run pipeline.Summary) error {
	const op = "record the run"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	body, err := json.Marshal(pipeline.RecordOf(run))
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.dataset.ensure(ctx)
	}
	name := job.Digest(s.sql.Project, s.sql.Name, string(run.SyncID), string(body), run.FinishedAt.String())
	switch {
	case err != nil:
	case !run.Finished():
		err = s.jobs.Write(ctx, "windrow_begin_"+name, s.sql.BeginRun(run, string(body)))
	default:
		if err = s.recordReceipts(ctx, run); err == nil {
			err = s.jobs.Write(ctx, "windrow_run_"+name, s.sql.EndRun(run, string(body)))
		}
	}
	if err != nil {
		return apierror.Classify(op, s.missing(err))
	}
	pipeline.Point(ctx, "bigquery.run-recorded")
	if run.Finished() && run.Exit != pipeline.ExitStopped {
		s.forgetNotes(ctx, run.StartedAt)
	}
	return nil
}

// recordReceipts appends the receipts of a run's batches to the ledger, once.
func (s *Store) recordReceipts(ctx context.Context, run pipeline.Summary) error {
	list := s.receipts.list()
	if len(list) == 0 {
		return nil
	}
	parts := []string{s.sql.Project, s.sql.Name, string(run.SyncID)}
	for _, r := range list {
		parts = append(parts, r.Batch)
	}
	if err := s.jobs.Write(ctx, "windrow_receipts_"+job.Digest(parts...), s.sql.AddReceipts(run, list)); err != nil {
		return err
	}
	s.receipts.drop(len(list))
	return nil
}

const (
	// notesKept is longer than any quota that notes are counted for: what is older may go.
	notesKept = 7 * 24 * time.Hour
	// mostNotes is how many there may be before anybody removes old ones, which is a job.
	mostNotes = 512
)

// forgetNotes removes the notes that are a week older than the run, by its clock and by BigQuery's, once the journal is
// long. Nobody counts them any more, so that it does not matter who removes which, nor whether it fails: a later run tries
// again. The table's own number of rows costs nothing to ask.
func (s *Store) forgetNotes(ctx context.Context, started pipeline.Instant) {
	until := min(started, pipeline.InstantOf(s.jobs.Ended())).Add(-notesKept) - 1
	md, err := s.dataset.metadata(ctx, statement.JournalTable)
	if err != nil || md.NumRows <= mostNotes || until <= statement.FirstInstant {
		return
	}
	_ = s.jobs.Write(ctx, "windrow_notes_"+job.Nonce(), s.sql.ForgetNotes(until))
	pipeline.Point(ctx, "bigquery.notes-forgotten")
}

// Runs implements [pipeline.RunReader] with one query.
func (s *Store) Runs(ctx context.Context, from pipeline.Instant, last int) iter.Seq2[pipeline.Summary, error] {
	return func(yield func(pipeline.Summary, error) bool) {
		runs, err := s.runs(ctx, from, last)
		if err != nil {
			yield(pipeline.Summary{}, apierror.Classify("read the runs", err))
			return
		}
		for _, run := range runs {
			if !yield(run, nil) {
				return
			}
		}
	}
}

// runs reads the runs of which [Store.Runs] tells.
func (s *Store) runs(ctx context.Context, from pipeline.Instant, last int) ([]pipeline.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if there, err := s.readable(ctx, statement.RunsTable); err != nil || !there {
		return nil, err
	}
	md, err := s.dataset.metadata(ctx, statement.RunsTable)
	if err != nil {
		return nil, err
	}
	latest := make(map[pipeline.SyncID]recordedRun)
	err = s.jobs.Read(ctx, s.sql.Runs(from, hasColumn(md, "recorded_at")), func() { clear(latest) }, func(row []bigquery.Value) error {
		r, err := recordedRunOf(row)
		if err != nil {
			return err
		}
		if other, ok := latest[r.run.SyncID]; !ok || other.at.Before(r.at) {
			latest[r.run.SyncID] = r
		}
		return nil
	})
	if err != nil && !apierror.Absent(err) {
		return nil, s.missing(err)
	}
	runs := make([]pipeline.Summary, 0, len(latest))
	for _, r := range latest {
		runs = append(runs, r.run)
	}
	return pipeline.LastRuns(runs, last), nil
}

// hasColumn reports whether a table has a column: one of an earlier version may lack it.
func hasColumn(md *bigquery.TableMetadata, name string) bool {
	return slices.ContainsFunc(md.Schema, func(f *bigquery.FieldSchema) bool { return f.Name == name })
}

// recordedRun is a run, and when BigQuery took its record; records of earlier versions tell no time.
type recordedRun struct {
	run pipeline.Summary
	at  time.Time
}

// recordedRunOf understands a row of [statement.Dataset.Runs].
func recordedRunOf(row []bigquery.Value) (r recordedRun, err error) {
	if len(row) != 4 {
		return r, errors.New("a run has not four columns")
	}
	text, _ := row[3].(string)
	var record pipeline.RunRecord
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return r, fmt.Errorf("a run cannot be read: %w", err)
	}
	r.at, _ = row[2].(time.Time)
	for i, to := range []*pipeline.Instant{&record.StartedAt, &record.FinishedAt} {
		if at, ok := row[i].(time.Time); ok {
			*to = pipeline.InstantOf(at)
		}
	}
	r.run = record.Run()
	return r, nil
}

// readable reports whether one of Windrow's own tables is there, every row of which must be seen.
func (s *Store) readable(ctx context.Context, table string) (there bool, err error) {
	if there, err = s.dataset.holds(ctx, table); err == nil && there {
		err = s.dataset.seesAll(ctx, table)
	}
	return there, err
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
