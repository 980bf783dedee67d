package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cloud.google.com/go/bigquery"
	"github.com/cenkalti/backoff/v5"
	"google.golang.org/api/iterator"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// tries bounds how often one call is made while it is refused for a while.
	tries = 5
	// burnable bounds the suffixes of a job's id.
	burnable = 50
)

// waits returns the pauses between attempts.
func (s *Store) waits() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = s.pace, 30*s.pace
	return b
}

// again calls do until it succeeds or fails for good.
func (s *Store) again(ctx context.Context, do func() error) error {
	pause := s.waits()
	for n := 1; ; n++ {
		err := do()
		if err == nil || n == tries || ctx.Err() != nil || !pipeline.Retryable(fault("", err)) {
			return err
		}
		if err := pipeline.Sleep(ctx, pause.NextBackOff()); err != nil {
			return err
		}
	}
}

// job is one job that has a name of its own, so that starting it twice starts it once.
type job struct {
	name string // made of what the job does; its ids are name_0, name_1, …
	// start sends the job under an id.
	start func(ctx context.Context, id string) (*bigquery.Job, error)
	// anew refuses the success of a job that this call did not start: what that
	// one wrote is not there any more.
	anew bool
	load bool // not a query
}

// run runs the job once, whatever answers get lost: an id that is taken is a
// job to attach to, and the id of one that has failed is burnt. It starts
// again what BigQuery failed to do for a while.
func (s *Store) run(ctx context.Context, j job) error {
	mine := make(map[string]bool)
	return s.again(ctx, func() error {
		for n := range burnable {
			id := j.name + "_" + strconv.Itoa(n)
			found, err := s.begin(ctx, j, id, mine)
			if err != nil {
				return err
			}
			err = s.outcome(ctx, found, j.load)
			switch started := mine[id]; {
			case err == nil && (started || !j.anew):
				return nil
			case err != nil && !isFailedJob(err):
				return err
			case started:
				delete(mine, id) // burnt; what comes now is another attempt
				return err
			}
		}
		return fmt.Errorf("%d jobs named %s have failed", burnable, j.name)
	})
}

// begin sends the job, or finds the one that has its id.
func (s *Store) begin(ctx context.Context, j job, id string, mine map[string]bool) (*bigquery.Job, error) {
	started, err := j.start(ctx, id)
	switch {
	case err == nil:
		mine[id] = true
		return started, nil
	case httpStatus(err) != http.StatusConflict && pipeline.KindOf(fault("", err)) != pipeline.Unavailable:
		return nil, err
	}
	// It is there, or nobody knows whether it is: look.
	found, lookErr := s.client.JobFromIDLocation(ctx, id, s.place())
	if lookErr != nil {
		if absent(lookErr) {
			return nil, err
		}
		return nil, lookErr
	}
	return found, nil
}

// failedJob is the failure of a job, as opposed to that of a request.
type failedJob struct{ err error }

func (e *failedJob) Error() string { return e.err.Error() }
func (e *failedJob) Unwrap() error { return e.err }

func isFailedJob(err error) bool {
	var f *failedJob
	return errors.As(err, &f)
}

// outcome waits for the end of a job.
func (s *Store) outcome(ctx context.Context, j *bigquery.Job, load bool) error {
	status, err := j.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		// Waiting for a query reports the failure of the job as that of a request.
		var statusErr error
		if status, statusErr = j.Status(ctx); statusErr != nil || !status.Done() {
			return err
		}
	} else if err != nil {
		return err
	}
	s.use(ctx, j, load)
	if err := status.Err(); err != nil {
		return &failedJob{err}
	}
	return nil
}

// write runs statements as one job.
func (s *Store) write(ctx context.Context, name, sql string) error {
	return s.run(ctx, job{name: name, start: func(ctx context.Context, id string) (*bigquery.Job, error) {
		q := s.query(sql)
		q.JobID = id
		return q.Run(ctx)
	}})
}

func (s *Store) query(sql string) *bigquery.Query {
	q := s.client.Query(sql)
	q.Location = s.place()
	q.MaxBytesBilled = s.maxBill
	q.DisableQueryCache = true
	return q
}

// read runs a query and hands each row to scan; reset comes before the first,
// and again before everything is read anew after a fault.
func (s *Store) read(ctx context.Context, sql string, reset func(), scan func([]bigquery.Value) error) error {
	return s.again(ctx, func() error {
		reset()
		it, err := s.query(sql).Read(ctx)
		if err != nil {
			return err
		}
		defer func() { s.useRead(ctx, it.SourceJob()) }()
		for {
			var row []bigquery.Value
			if err := it.Next(&row); errors.Is(err, iterator.Done) {
				return nil
			} else if err != nil {
				return err
			}
			if err := scan(row); err != nil {
				return &pipeline.Error{Op: "read an answer", Kind: pipeline.SinkFailed, Err: err}
			}
		}
	})
}
