package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/conc/stream"
	"golang.org/x/sync/semaphore"

	"github.com/windrow-data/windrow/pipeline"
)

// rangeBytes is about what one worker parses at a time.
const rangeBytes = 4 << 20

// reader turns bodies into batches. One reader serves the whole process: its
// pool and its memory do not grow with the number of windows.
type reader struct {
	slots   *semaphore.Weighted // bodies read at once
	workers *semaphore.Weighted // ranges parsed at once
	// ranges in memory: being read, waiting, or being parsed. Each body that is
	// read can have one, so that none waits for what a slow vendor still sends.
	ranges  *semaphore.Weighted
	width   int
	maxBody BodyLimit
	large   *semaphore.Weighted // ranges that are larger than a range should be
}

func newReader(concurrency int) *reader {
	n := runtime.GOMAXPROCS(0)
	return &reader{
		slots:   semaphore.NewWeighted(int64(max(concurrency, 1))),
		workers: semaphore.NewWeighted(int64(n)),
		ranges:  semaphore.NewWeighted(int64(rangesOf(concurrency, n))),
		width:   n,
		large:   semaphore.NewWeighted(1),
	}
}

// rangesOf is how many ranges may be in memory at once.
func rangesOf(concurrency, workers int) int { return max(concurrency, 2*workers) }

// bodySink takes the batches of one body.
type bodySink interface {
	// nextNumber numbers the batches of an extraction. The reader asks in the order of the body.
	nextNumber() int
	// partition prepares a batch. Workers call it side by side. It owns the batch.
	partition(b *pipeline.Batch, number int) (*partitioned, error)
	// add takes what partition returned, in the order of the body. before is the number of the body's rows in the
	// batches that were added before. The reader releases p afterwards.
	add(p *partitioned, before int64) error
}

// read parses one body.
func (r *reader) read(ctx context.Context, b pipeline.Body, f pipeline.Format, t *pipeline.Table, to bodySink) error {
	ctx, cancel := context.WithCancelCause(ctx) // also the body's, so that none is waited for in vain
	defer cancel(nil)
	opened, err := b.Open(ctx)
	if err != nil {
		return err
	}
	body := &boundedBody{ReadCloser: opened, ctx: ctx, limit: r.maxBody, large: r.large}
	defer body.Close() //nolint:errcheck // every byte that counts was read and checked

	p := &bodyReader{reader: r, meta: &b.Meta, format: f, table: t, to: to, cancel: cancel}
	p.run(ctx, body)
	if p.failed.Load() {
		return context.Cause(ctx)
	}
	return nil
}

// bodyReader carries one body through the workers.
type bodyReader struct {
	*reader
	meta   *pipeline.Meta
	format pipeline.Format
	table  *pipeline.Table
	to     bodySink
	before int64 // rows of the batches that were added
	failed atomic.Bool
	cancel context.CancelCauseFunc
}

// errPanicked ends the other work on a body; the panic itself comes with Wait.
var errPanicked = errors.New("a worker panicked")

// fail ends the reading; the first error counts.
func (p *bodyReader) fail(err error) {
	if p.failed.CompareAndSwap(false, true) {
		p.cancel(err)
	}
}

// run cuts the body into ranges, each read when there is room for it, and
// returns when nobody works on them any more.
func (p *bodyReader) run(ctx context.Context, body *boundedBody) {
	if err := p.ranges.Acquire(ctx, 1); err != nil {
		p.fail(err)
		return
	}
	room := true // for the range that Split reads next
	work := stream.New().WithMaxGoroutines(p.width)
	defer func() {
		if room {
			p.ranges.Release(1)
		}
		defer body.giveBack() // also when a worker panicked
		work.Wait()
	}()
	for chunk, err := range p.format.Split(body, rangeBytes) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			free(chunk)
			if isOfRow(err) { // its number is known behind the rows before
				work.Go(func() stream.Callback { return func() { p.add(nil, err) } })
				return
			}
			p.fail(err)
			return
		}
		number, done := p.to.nextNumber(), body.endRange()
		room = false // it is the worker's
		work.Go(func() stream.Callback {
			worked := false
			defer func() {
				if !worked {
					done()
				}
			}()
			s, err := p.work(ctx, chunk, number)
			worked = true
			return func() {
				defer done()
				p.add(s, err)
			}
		})
		if err := p.ranges.Acquire(ctx, 1); err != nil {
			p.fail(err)
			return
		}
		room = true
	}
}

// add takes what came of a range, in the order of the body.
func (p *bodyReader) add(s *partitioned, err error) {
	if err != nil {
		p.fail(p.countFromFirst(err))
		return
	}
	defer s.release()
	if p.failed.Load() {
		return
	}
	if err := p.to.add(s, p.before); err != nil {
		p.fail(err)
	}
	p.before += s.read
}

// isOfRow reports whether an error names one of the document's rows.
func isOfRow(err error) bool {
	var of *pipeline.RowError
	return errors.As(err, &of)
}

// countFromFirst has an error that names a row name it by its number in the body. The error is nobody else's.
func (p *bodyReader) countFromFirst(err error) error {
	var of *pipeline.RowError
	if errors.As(err, &of) {
		of.Row += p.before
	}
	return err
}

// work parses one chunk and partitions its rows. The chunk's memory and room are
// given back in between.
func (p *bodyReader) work(ctx context.Context, c pipeline.Chunk, number int) (*partitioned, error) {
	leave := sync.OnceFunc(func() { p.ranges.Release(1) })
	defer leave()
	share := int64(1)
	if len(c.Data) > rangeBytes+aboveRange {
		share = int64(p.width) // nothing else is worked on beside a large range
	}
	if err := p.workers.Acquire(ctx, share); err != nil {
		free(c)
		return nil, err
	}
	defer p.workers.Release(share)
	ended := false
	defer func() {
		if !ended {
			p.fail(errPanicked)
		}
	}()
	batch, bytes := pipeline.NewBatch(p.table), int64(len(c.Data))
	err := p.format.Decode(p.meta, c, batch)
	free(c)
	leave()
	if share > 1 {
		runtime.GC() // what decoding left behind would stand beside what encoding takes
	}
	var s *partitioned
	if err == nil {
		if s, err = p.to.partition(batch, number); err == nil {
			s.bytes = bytes
		}
	} else {
		batch.Release()
	}
	ended = true
	return s, err
}

func free(c pipeline.Chunk) {
	if c.Free != nil {
		c.Free()
	}
}
