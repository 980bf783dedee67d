package job

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

// Receipt is what the runner's jobs have used. A job counts once, when the job has ended, also when it failed, and also
// when it was a read. Bytes and slot time count as far as BigQuery tells: of some jobs BigQuery keeps no statistics.
func (r *Runner) Receipt() pipeline.Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used
}

// Usage is what some of a runner's jobs have used.
type Usage struct {
	mu   sync.Mutex
	used pipeline.Receipt
}

type usageKey struct{}

// WithUsage makes the jobs under the context count towards the usage too.
func WithUsage(ctx context.Context, u *Usage) context.Context {
	return context.WithValue(ctx, usageKey{}, u)
}

// Take returns what was used since the last Take.
func (u *Usage) Take() pipeline.Receipt {
	u.mu.Lock()
	defer u.mu.Unlock()
	used := u.used
	u.used = pipeline.Receipt{}
	return used
}

// Plus adds up two receipts.
func Plus(a, b pipeline.Receipt) pipeline.Receipt {
	a.LoadJobs += b.LoadJobs
	a.QueryJobs += b.QueryJobs
	a.BytesStaged += b.BytesStaged
	a.BytesBilled += b.BytesBilled
	a.SlotMillis += b.SlotMillis
	return a
}

// count counts a job that has come to an end.
func (r *Runner) count(ctx context.Context, j *bigquery.Job, load bool) {
	var one pipeline.Receipt
	var ended time.Time
	if load {
		one.LoadJobs = 1
	} else {
		one.QueryJobs = 1
	}
	if status := j.LastStatus(); status != nil && status.Statistics != nil {
		ended = status.Statistics.EndTime
		one.SlotMillis = status.Statistics.TotalSlotDuration.Milliseconds()
		switch d := status.Statistics.Details.(type) {
		case *bigquery.LoadStatistics:
			one.BytesStaged = d.InputFileBytes
		case *bigquery.QueryStatistics:
			one.BytesBilled = d.TotalBytesBilled
		}
	}
	r.mu.Lock()
	if ended.After(r.ended) {
		r.ended = ended
	}
	counted := r.counted[j.ID()]
	if !counted {
		r.counted[j.ID()] = true
		r.used = Plus(r.used, one)
	}
	r.mu.Unlock()
	if u, ok := ctx.Value(usageKey{}).(*Usage); ok && !counted {
		u.mu.Lock()
		u.used = Plus(u.used, one)
		u.mu.Unlock()
	}
}

// countRead counts a query whose answer came without statistics, and asks for the statistics once: a receipt is not
// worth more.
func (r *Runner) countRead(ctx context.Context, j *bigquery.Job) {
	if j == nil {
		return
	}
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, _ = j.Status(asking) // without an answer the job counts without bytes
	r.count(ctx, j, false)
}
