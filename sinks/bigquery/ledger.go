package bigquery

import (
	"context"
	"errors"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// Ledger implements [pipeline.Sink] with one query: for the whole log at first, for what is new later. The ledger is
// the caller's own.
func (s *Store) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	const op = "read the ledger"
	if err := checkKey(k); err != nil {
		return nil, windowFault(op, k, pipeline.Span{}, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := s.logs.read(ctx, []pipeline.StreamKey{k}, ""); err != nil {
		return nil, windowFault(op, k, pipeline.Span{}, err)
	}
	l := s.logs.of(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.folded.Clone(), nil
}

// Record implements [pipeline.Sink] with one INSERT, which counts towards no limit of load jobs and conflicts with
// nothing; with a second one where the history has to be told of failures.
func (s *Store) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	const op = "write the ledger"
	if len(entries) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := checkKey(k)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.dataset.ensure(ctx)
	}
	lines := make([]statement.Line, len(entries))
	for i, e := range entries {
		if err == nil {
			lines[i], err = statement.NewLine(k, e)
		}
	}
	if err == nil {
		script := s.sql.AddEntries(lines)
		if failures := staging.Failures(k, entries); len(failures) > 0 {
			script = s.sql.RecordWithHistory(lines, failures)
		}
		err = s.jobs.Write(ctx, "windrow_record_"+job.Nonce(), script)
	}
	s.logs.recorded(k)
	if err != nil {
		return windowFault(op, k, pipeline.Span{}, s.missing(err))
	}
	pipeline.Point(ctx, "bigquery.recorded")
	return nil
}

// Streams implements [pipeline.Store].
func (s *Store) Streams(ctx context.Context) ([]pipeline.StreamKey, error) {
	const op = "list the ledgers"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	there, err := s.dataset.locate(ctx)
	if err == nil && there {
		err = s.dataset.seesAll(ctx, statement.LedgerTable)
	}
	if err != nil || !there {
		return nil, apierror.Classify(op, err)
	}
	var keys []pipeline.StreamKey
	err = s.jobs.Read(ctx, s.sql.Streams(), func() { keys = nil }, func(row []bigquery.Value) error {
		if len(row) != 2 {
			return errors.New("a stream has not two columns")
		}
		account, _ := row[0].(string)
		stream, _ := row[1].(string)
		keys = append(keys, pipeline.StreamKey{Account: pipeline.AccountID(account), Stream: pipeline.StreamID(stream)})
		return nil
	})
	if err != nil && !apierror.Absent(err) {
		return nil, apierror.Classify(op, err)
	}
	return keys, nil
}

// checkLedgers reads every ledger, with one query, and says which of them cannot be read.
func (s *Store) checkLedgers(ctx context.Context) error {
	keys, err := s.Streams(ctx)
	if err != nil || len(keys) == 0 {
		return err
	}
	if _, err = s.logs.read(ctx, keys, ""); pipeline.KindOf(err) != pipeline.Damaged {
		return err
	}
	var damaged []error
	for _, k := range keys { // each by itself, to be named
		if _, err := s.Ledger(ctx, k); err != nil {
			damaged = append(damaged, err)
		}
	}
	return errors.Join(damaged...)
}
