package pipeline

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/sourcegraph/conc/stream"
	"golang.org/x/sync/semaphore"
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
	ranges *semaphore.Weighted
	width  int
}

func newReader(concurrency int) *reader {
	n := runtime.GOMAXPROCS(0)
	return &reader{
		slots:   semaphore.NewWeighted(int64(max(concurrency, 1))),
		workers: semaphore.NewWeighted(int64(n)),
		ranges:  semaphore.NewWeighted(int64(rangesOf(concurrency, n))),
		width:   n,
	}
}

// rangesOf is how many ranges may be in memory at once.
func rangesOf(concurrency, workers int) int { return max(concurrency, 2*workers) }

// SoftMemory is the limit, in bytes, from which the collector should rather
// work than let a process grow that reads so many bodies at once. Below it a
// large report would keep the collector busy all the time.
func SoftMemory(concurrency int) int64 {
	const (
		worker = 12 << 20 // the rows of a range, and its row group on the way to Parquet
		rest   = 20 << 20
	)
	n := runtime.GOMAXPROCS(0)
	return int64(rest + n*worker + rangesOf(concurrency, n)*rangeBytes)
}

// into is what takes the batches of a body. sort is called by the workers, side
// by side; add follows in the order of the body, and may then forget the batch.
type into struct {
	place func() int
	sort  func(b *Batch, place int) (*sorted, error) // which owns the batch
	add   func(s *sorted, before int64) error
}

// read parses one body.
func (r *reader) read(ctx context.Context, b Body, f Format, t *Table, to into) error {
	body, err := b.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // every byte that counts was read and checked

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var before int64
	var failed atomic.Bool
	fail := func(err error) {
		if failed.CompareAndSwap(false, true) {
			cancel(err)
		}
	}
	work := stream.New().WithMaxGoroutines(r.width)
	if err := r.ranges.Acquire(ctx, 1); err != nil {
		return err
	}
	room := true // for the range that Split reads next
	for chunk, err := range f.Split(body, rangeBytes) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			free(chunk)
			fail(err)
			break
		}
		place := to.place()
		work.Go(func() stream.Callback {
			s, err := r.work(ctx, f, &b.Meta, chunk, t, func(batch *Batch) (*sorted, error) { return to.sort(batch, place) })
			return func() {
				switch {
				case err != nil && !failed.Load():
					fail(err)
				case err != nil:
				case failed.Load():
					s.release()
				default:
					if err := to.add(s, before); err != nil {
						fail(err)
					}
					before += s.read
					s.release()
				}
			}
		})
		if err := r.ranges.Acquire(ctx, 1); err != nil {
			room = false
			fail(err)
			break
		}
	}
	if room {
		r.ranges.Release(1)
	}
	work.Wait()
	if failed.Load() {
		return context.Cause(ctx)
	}
	return nil
}

// work parses one chunk and sorts its rows. The chunk's memory and room are
// given back in between.
func (r *reader) work(ctx context.Context, f Format, m *Meta, c Chunk, t *Table, sort func(*Batch) (*sorted, error)) (*sorted, error) {
	err := r.workers.Acquire(ctx, 1)
	if err != nil {
		free(c)
		r.ranges.Release(1)
		return nil, err
	}
	defer r.workers.Release(1)
	batch := NewBatch(t)
	err = f.Decode(m, c, batch)
	free(c)
	r.ranges.Release(1)
	if err != nil {
		batch.Release()
		return nil, err
	}
	return sort(batch)
}

func free(c Chunk) {
	if c.Free != nil {
		c.Free()
	}
}
