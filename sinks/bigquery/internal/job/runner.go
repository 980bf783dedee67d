// Package job runs BigQuery's jobs. A job is started once, however often its request is sent; the runner waits for the
// job's end and counts what the job used.
//
// The package does not know what a job says (package statement does) nor when a job is to run (package bigquery does),
// and makes no tables.
//
// The name of a job is made of what the job does. The ids of the job are name_0, name_1, …: a request whose answer was
// lost finds the started job under the same id. The id of a job that has failed is burnt, and the next attempt has the
// next id.
//
// Start at [Runner].
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
	// tries bounds how often one call is made while BigQuery refuses the call for a while.
	tries = 5
	// burnable bounds the suffixes of a job's id.
	burnable = 50
)

// Runner runs jobs at one location. A runner is safe for concurrent use. Its methods block until the job or the context
// has ended, and repeat what BigQuery refuses for a while. Their errors are for [apierror.Classify].
type Runner struct {
	client    *bigquery.Client
	maxBilled int64
	pace      time.Duration

	mu       sync.Mutex
	location string
	used     pipeline.Receipt
	counted  map[string]bool // jobs, by id
	ended    time.Time       // when the last of them ended, by BigQuery's clock
}

// NewRunner returns a runner that sends jobs by the client, which stays the caller's. maxBilled caps each query, in
// bytes. pace is the first pause before something is tried again.
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

// Retry calls do until do succeeds, fails for good, or has failed too often.
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

// Ended is when the last job ended, by BigQuery's own clock; zero before the first. A machine's clock may be days off.
func (r *Runner) Ended() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
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

// Read runs a query and hands each row to scan, which may keep the row. reset is called before the first row, and again
// before everything is read anew after a failure.
func (r *Runner) Read(ctx context.Context, sql string, reset func(), scan func([]bigquery.Value) error) error {
	return r.read(ctx, r.query(sql).Read, reset, func(_ *bigquery.RowIterator, row []bigquery.Value) error { return scan(row) })
}

// bulk is about how many bytes of large rows one answer brings.
const bulk = 2 << 20

// ReadBulky is [Runner.Read] for rows that may be large. By itself BigQuery answers with 10 MB at once.
func (r *Runner) ReadBulky(ctx context.Context, sql string, reset func(), scan func([]bigquery.Value) error) error {
	var rows, bytes int
	start := func(ctx context.Context) (*bigquery.RowIterator, error) {
		rows, bytes = 0, 0
		j, err := r.query(sql).Run(ctx)
		if err != nil {
			return nil, err
		}
		it, err := j.Read(ctx)
		if err == nil {
			it.PageInfo().MaxSize = 1 // until it is known how large rows are
		}
		return it, err
	}
	return r.read(ctx, start, reset, func(it *bigquery.RowIterator, row []bigquery.Value) error {
		rows++
		for _, v := range row {
			if text, is := v.(string); is {
				bytes += len(text)
			}
		}
		it.PageInfo().MaxSize = max(1, bulk*rows/max(bytes, 1))
		return scan(row)
	})
}

func (r *Runner) read(ctx context.Context, start func(context.Context) (*bigquery.RowIterator, error), reset func(), scan func(*bigquery.RowIterator, []bigquery.Value) error) error {
	return r.Retry(ctx, func() error {
		reset()
		it, err := start(ctx)
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
			if err := scan(it, row); err != nil {
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

// spec describes a job that has a name of its own: started twice, the job runs once.
type spec struct {
	name string // made of what the job does
	// start sends the job under an id.
	start func(ctx context.Context, id string) (*bigquery.Job, error)
	// anew refuses the success of a job that this call of run did not start.
	anew bool
	load bool // not a query
}

// run runs the job once, whatever answers get lost. An id that is taken is the id of a job to wait for. The id of a
// failed job is burnt. Where BigQuery failed for a while, run starts the job again, under the next id.
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
