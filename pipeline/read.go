package pipeline

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/sourcegraph/conc/stream"
	"golang.org/x/sync/semaphore"
)

const (
	// rangeBytes is about what one worker parses at a time.
	rangeBytes = 4 << 20
	// chunkBudget bounds the bytes of all chunks that are being parsed.
	chunkBudget = 48 << 20
)

// reader turns bodies into batches. One reader serves the whole process: its
// pool and its byte budget do not grow with the number of windows.
type reader struct {
	slots   *semaphore.Weighted // bodies read at once
	workers *semaphore.Weighted // chunks parsed at once
	budget  *semaphore.Weighted // bytes of chunks in memory
	width   int
	mem     memory.Allocator
}

func newReader(concurrency int, mem memory.Allocator) *reader {
	n := runtime.GOMAXPROCS(0)
	return &reader{
		slots:   semaphore.NewWeighted(int64(max(concurrency, 1))),
		workers: semaphore.NewWeighted(int64(n)),
		budget:  semaphore.NewWeighted(chunkBudget),
		width:   n,
		mem:     mem,
	}
}

// read parses one body and hands its batches, in order, to cut.
func (r *reader) read(ctx context.Context, b Body, f Format, t *Table, cut func(batch *Batch, before int64) error) error {
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
	for chunk, err := range f.Split(body, rangeBytes) {
		if err == nil {
			err = ctx.Err()
		}
		size := min(int64(cap(chunk.Data)), chunkBudget)
		if err == nil {
			err = r.budget.Acquire(ctx, size)
		}
		if err != nil {
			free(chunk)
			fail(err)
			break
		}
		work.Go(func() stream.Callback {
			batch, err := r.decode(ctx, f, &b.Meta, chunk, t)
			free(chunk)
			r.budget.Release(size)
			return func() {
				defer batch.Release()
				switch {
				case failed.Load():
				case err != nil:
					fail(err)
				default:
					n := batch.Read()
					if err := cut(batch, before); err != nil {
						fail(err)
					}
					before += n
				}
			}
		})
	}
	work.Wait()
	if failed.Load() {
		return context.Cause(ctx)
	}
	return nil
}

func (r *reader) decode(ctx context.Context, f Format, m *Meta, c Chunk, t *Table) (*Batch, error) {
	batch := NewBatch(t, r.mem)
	if err := r.workers.Acquire(ctx, 1); err != nil {
		return batch, err
	}
	defer r.workers.Release(1)
	return batch, f.Decode(m, c, batch)
}

func free(c Chunk) {
	if c.Free != nil {
		c.Free()
	}
}
