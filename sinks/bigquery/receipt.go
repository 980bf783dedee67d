package bigquery

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

var _ pipeline.Meter = (*Store)(nil)

// Receipt implements [pipeline.Meter]. Jobs are counted when they have come to
// an end, failed ones and reads included, each once; their bytes and slot time
// as far as BigQuery tells, which keeps no statistics of some.
func (s *Store) Receipt() pipeline.Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// bill is what one batch has used so far.
type bill struct {
	mu   sync.Mutex
	used pipeline.Receipt
}

type billKey struct{}

// withBill makes the jobs under the context count towards the bill too.
func withBill(ctx context.Context, b *bill) context.Context {
	return context.WithValue(ctx, billKey{}, b)
}

// take returns what was used since it was last taken.
func (b *bill) take() pipeline.Receipt {
	b.mu.Lock()
	defer b.mu.Unlock()
	used := b.used
	b.used = pipeline.Receipt{}
	return used
}

func plus(a, b pipeline.Receipt) pipeline.Receipt {
	a.LoadJobs += b.LoadJobs
	a.QueryJobs += b.QueryJobs
	a.BytesStaged += b.BytesStaged
	a.BytesBilled += b.BytesBilled
	a.SlotMillis += b.SlotMillis
	return a
}

// use counts a job that has come to an end.
func (s *Store) use(ctx context.Context, j *bigquery.Job, load bool) {
	var r pipeline.Receipt
	if load {
		r.LoadJobs = 1
	} else {
		r.QueryJobs = 1
	}
	if status := j.LastStatus(); status != nil && status.Statistics != nil {
		r.SlotMillis = status.Statistics.TotalSlotDuration.Milliseconds()
		switch d := status.Statistics.Details.(type) {
		case *bigquery.LoadStatistics:
			r.BytesStaged = d.InputFileBytes
		case *bigquery.QueryStatistics:
			r.BytesBilled = d.TotalBytesBilled
		}
	}
	s.mu.Lock()
	counted := s.counted[j.ID()]
	if !counted {
		s.counted[j.ID()] = true
		s.used = plus(s.used, r)
	}
	s.mu.Unlock()
	if b, ok := ctx.Value(billKey{}).(*bill); ok && !counted {
		b.mu.Lock()
		b.used = plus(b.used, r)
		b.mu.Unlock()
	}
}

// useRead counts a query whose answer came without statistics, and asks for
// them once: a receipt is not worth more.
func (s *Store) useRead(ctx context.Context, j *bigquery.Job) {
	if j == nil {
		return
	}
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, _ = j.Status(asking) // then it counts as a job without bytes
	s.use(ctx, j, false)
}

// batchReceipt is what one batch has used, on its way into the ledger.
type batchReceipt struct {
	batch string
	span  pipeline.Span // of its windows
	used  pipeline.Receipt
}

// maxReceipts bounds the receipts that one statement appends; what comes later
// is added to the last.
const maxReceipts = 1000

// owe keeps the receipt of a batch that is committed until the run is recorded.
func (s *Store) owe(group []*pending, batch string, used pipeline.Receipt) {
	r := batchReceipt{batch: batch, used: used}
	for _, p := range group {
		w := p.Sealed.Entry.Window.Span
		if r.span.Empty() {
			r.span = w
		}
		r.span = pipeline.Span{Start: min(r.span.Start, w.Start), End: max(r.span.End, w.End)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.owed); n == maxReceipts {
		last := &s.owed[n-1]
		last.used = plus(last.used, used)
		last.span = pipeline.Span{Start: min(r.span.Start, last.span.Start), End: max(r.span.End, last.span.End)}
		return
	}
	s.owed = append(s.owed, r)
}
