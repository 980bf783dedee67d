// Package job runs BigQuery's jobs: each is started once however often its
// request is sent, is waited for, and is counted.
//
// It does not know what a job says (package statement does) nor when it is to
// run (package bigquery does), and it makes no tables.
//
// A job has a name made of what it does, and its ids are name_0, name_1, …: a
// request whose answer was lost finds the job that it has started under the same
// id. The id of a job that has failed is burnt; the next attempt has another.
//
// Start at [Runner]. What its jobs used is its receipt.
package job

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/cenkalti/backoff/v5"
	"google.golang.org/api/iterator"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
)

const (
	// tries bounds how often one call is made while it is refused for a while.
	tries = 5
	// burnable bounds the suffixes of a job's id.
	burnable = 50
)

// Runner runs jobs at one location. It is safe for concurrent use. Its methods
// block until the job has ended or the context has, return what
// [apierror.Classify] understands, and repeat what BigQuery refuses for a while.
type Runner struct {
	client    *bigquery.Client
	maxBilled int64
	pace      time.Duration

	mu       sync.Mutex
	location string
	used     pipeline.Receipt
	counted  map[string]bool // jobs, by id
}

// NewRunner returns a runner that sends jobs by the client, which stays the
// caller's. maxBilled caps each query, in bytes; pace is the first pause before
// something is tried again.
func NewRunner(client *bigquery.Client, location string, maxBilled int64, pace time.Duration) *Runner {
	return &Runner{client: client, location: location, maxBilled: maxBilled, pace: pace, counted: make(map[string]bool)}
}

// MaxBilled is the cap on each query, in bytes.
func (r *Runner) MaxBilled() int64 { return r.maxBilled }

// Location is where jobs run.
func (r *Runner) Location() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.location
}

// SetLocation makes the jobs that are started from now on run there.
func (r *Runner) SetLocation(location string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.location = location
}

// Pauses returns the pauses between attempts.
func (r *Runner) Pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = r.pace, 30*r.pace
	return b
}

// Retry calls do until it succeeds or fails for good, but only some times.
func (r *Runner) Retry(ctx context.Context, do func() error) error {
	pause := r.Pauses()
	for n := 1; ; n++ {
		err := do()
		if err == nil || n == tries || ctx.Err() != nil || !pipeline.Retryable(apierror.Classify("", err)) {
			return err
		}
		if err := pipeline.Sleep(ctx, pause.NextBackOff()); err != nil {
			return err
		}
	}
}

// Write runs statements as one job of the name.
func (r *Runner) Write(ctx context.Context, name, sql string) error {
	return r.run(ctx, spec{name: name, start: func(ctx context.Context, id string) (*bigquery.Job, error) {
		q := r.query(sql)
		q.JobID = id
		return q.Run(ctx)
	}})
}

// Try has BigQuery look at statements without running them.
func (r *Runner) Try(ctx context.Context, sql string) error {
	return r.Retry(ctx, func() error {
		q := r.query(sql)
		q.DryRun = true
		_, err := q.Run(ctx)
		return err
	})
}

// Read runs a query and hands each row to scan, which may keep it. reset comes
// before the first row, and again before everything is read anew after a fault.
func (r *Runner) Read(ctx context.Context, sql string, reset func(), scan func([]bigquery.Value) error) error {
	return r.Retry(ctx, func() error {
		reset()
		it, err := r.query(sql).Read(ctx)
		if err != nil {
			return err
		}
		defer func() { r.countRead(ctx, it.SourceJob()) }()
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

func (r *Runner) query(sql string) *bigquery.Query {
	q := r.client.Query(sql)
	q.Location = r.Location()
	q.MaxBytesBilled = r.maxBilled
	q.DisableQueryCache = true
	return q
}

// spec is one job that has a name of its own, so that starting it twice starts it once.
type spec struct {
	name string // made of what the job does
	// start sends the job under an id.
	start func(ctx context.Context, id string) (*bigquery.Job, error)
	// anew refuses the success of a job that this call did not start.
	anew bool
	load bool // not a query
}

// run runs the job once, whatever answers get lost: an id that is taken is a
// job to attach to, and the id of one that has failed is burnt. It starts
// again what BigQuery failed to do for a while.
func (r *Runner) run(ctx context.Context, j spec) error {
	mine := make(map[string]bool)
	return r.Retry(ctx, func() error {
		for n := range burnable {
			id := j.name + "_" + strconv.Itoa(n)
			found, err := r.begin(ctx, j, id, mine)
			if err != nil {
				return err
			}
			err = r.outcome(ctx, found, j.load)
			switch started := mine[id]; {
			case err == nil && (started || !j.anew):
				return nil
			case err != nil && !isFailed(err):
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
func (r *Runner) begin(ctx context.Context, j spec, id string, mine map[string]bool) (*bigquery.Job, error) {
	started, err := j.start(ctx, id)
	switch {
	case err == nil:
		mine[id] = true
		return started, nil
	case apierror.Status(err) != http.StatusConflict && pipeline.KindOf(apierror.Classify("", err)) != pipeline.Unavailable:
		return nil, err
	}
	// The job is there, or nobody knows whether it is: look.
	found, lookErr := r.client.JobFromIDLocation(ctx, id, r.Location())
	if lookErr != nil {
		if apierror.Absent(lookErr) {
			return nil, err
		}
		return nil, lookErr
	}
	return found, nil
}

// failed is the failure of a job, as opposed to that of a request.
type failed struct{ err error }

func (e *failed) Error() string { return e.err.Error() }
func (e *failed) Unwrap() error { return e.err }

func isFailed(err error) bool {
	var f *failed
	return errors.As(err, &f)
}

// outcome waits for the end of a job.
func (r *Runner) outcome(ctx context.Context, j *bigquery.Job, load bool) error {
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
	r.count(ctx, j, load)
	if err := status.Err(); err != nil {
		return &failed{err}
	}
	return nil
}
