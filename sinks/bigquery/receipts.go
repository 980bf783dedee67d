package bigquery

import (
	"slices"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

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
