package engine

import (
	"fmt"
	"sync/atomic"

	"github.com/windrow-data/windrow/pipeline"
)

// reducedBytes bounds what the reducer of one extraction may keep.
const reducedBytes = 16 << 20

// reduction is the stage between Decode and partition of a stream whose rows are made of several source rows each.
type reduction struct {
	reducer pipeline.Reducer
	bytes   int64         // that the reducer keeps
	held    *atomic.Int64 // bytes of rows in memory, of the whole run
}

func newReduction(j job, held *atomic.Int64) *reduction {
	return &reduction{reducer: j.stream.Reduction.New(j.extraction.Windows), held: held}
}

// prepare ends a decoded batch, whose rows belong to no window yet. Workers call it concurrently. It owns the batch.
func (d *reduction) prepare(m *pipeline.Meta, b *pipeline.Batch, number int) (*partitioned, error) {
	if err := b.Finish(); err != nil {
		b.Release()
		return nil, err
	}
	return partitionedOf(m, b, number), nil
}

// noteFields adds up the state of the source rows' fields, by the window in which the rows lie.
func (c *cutter) noteFields(p *partitioned, before int64) {
	source := &partitioned{}
	c.cut(source, p.meta, p.batch.Times)
	for _, r := range source.windows {
		fields := p.batch.Tally(r.ranges)
		fields.Measured = false // the rows that are made of them may be
		r.window.fields.Add(fields, before)
	}
}

// add hands the rows of a batch to the reducer.
func (d *reduction) add(p *partitioned) error {
	if err := d.reducer.Add(p.meta, p.batch); err != nil {
		return err
	}
	d.book(int64(d.reducer.Bytes()))
	if d.bytes > reducedBytes {
		return &pipeline.Error{
			Op: "read", Kind: pipeline.TooHeavy,
			Err:  fmt.Errorf("the rows to be reduced take more than %d MiB", reducedBytes>>20),
			Hint: "shorter windows have fewer rows",
		}
	}
	return nil
}

// book notes what the reducer keeps.
func (d *reduction) book(bytes int64) {
	d.held.Add(bytes - d.bytes)
	d.bytes = bytes
}

// close gives back the room of what the reducer kept.
func (d *reduction) close() { d.book(0) }

// reduce makes the rows of every window out of the source rows.
func (c *cutter) reduce() error {
	for _, w := range c.windows {
		if err := c.reduceWindow(w); err != nil {
			return err
		}
	}
	return nil
}

// reduceWindow makes the rows of one window. What was read of it are the source rows, not those.
func (c *cutter) reduceWindow(w *openWindow) error {
	b := pipeline.NewBatch(c.stream.Table)
	read, err := c.reduction.reducer.Reduce(w.window, b)
	if err != nil {
		b.Release()
		return err
	}
	meta := &pipeline.Meta{Span: w.window.Span, ExtractedAt: c.extractedAt, ReadAt: c.readAt}
	p, err := c.partition(meta, b, c.nextNumber())
	if err != nil {
		return err
	}
	defer p.release()
	if p.outside > 0 || p.rejects.Len() > 0 {
		return fmt.Errorf("the reducer of %s made %d rows outside of the window and %d rejects", c.stream.Key.Stream, p.outside, p.rejects.Len())
	}
	read += w.counts.Read
	for _, r := range p.windows {
		if err := c.addRows(p, r, 0); err != nil {
			return err
		}
	}
	w.counts.Read = read
	return nil
}
