package engine

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/sinks/memory"
)

// twoDays is a cutter of the 8th and the 9th, whose rows go to memory.
func twoDays(t *testing.T) *cutter {
	t.Helper()
	store := memory.New(memory.Options{})
	t.Cleanup(func() { _ = store.Close() })
	c := &cutter{ctx: t.Context(), stream: pipeline.Stream{Table: pipeline.Events}, held: new(atomic.Int64)}
	for n := 8; n <= 9; n++ {
		w := calendar.Window{Span: calendar.Span{Start: day(n), End: day(n + 1)}, Zone: "UTC"}
		stage, err := store.Stage(t.Context(), pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}, pipeline.Events, w)
		if err != nil {
			t.Fatal(err)
		}
		c.windows = append(c.windows, &openWindow{window: w, zone: time.UTC, stage: stage})
	}
	return c
}

// bring adds a batch with so many rows of a day.
func (c *cutter) bring(t *testing.T, n, rows int) {
	t.Helper()
	b := pipeline.NewBatch(pipeline.Events)
	for i := range rows {
		at := day(n).Add(time.Duration(i) * time.Second)
		b.String(pipeline.Events.Index("kind"), "call")
		b.String(pipeline.Events.Index("timezone"), "UTC")
		b.String(pipeline.Events.Index("event_id"), fmt.Sprint(i))
		b.Instant(pipeline.Events.Index("started_at"), at)
		b.EndRow(at, pipeline.Hash{})
	}
	meta := &pipeline.Meta{Span: calendar.Span{Start: day(8), End: day(10)}}
	body := &bodyCutter{cutter: c, meta: meta}
	p, err := body.partition(b, c.nextNumber())
	if err == nil {
		defer p.release()
		err = body.add(p, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// waits are the rows that each window holds in memory.
func (c *cutter) waits() (rows [2]int) {
	for i, w := range c.windows {
		if w.buffer != nil {
			rows[i] = w.buffer.Rows()
		}
	}
	return rows
}

func TestPromise12_TheBytesHeldAreThoseOfTheRowsThatWait(t *testing.T) {
	c := twoDays(t)
	holds := func(says string, rows [2]int) {
		t.Helper()
		bytes := int64(0)
		for _, w := range c.windows {
			bytes += int64(w.size())
		}
		if got := c.waits(); got != rows || c.held.Load() != bytes || (bytes > 0) != (rows != [2]int{}) {
			t.Errorf("%s: %d rows wait, want %d; %d bytes are counted, %d are there", says, got, rows, c.held.Load(), bytes)
		}
	}
	c.bring(t, 8, 10)
	c.bring(t, 9, 20)
	c.bring(t, 8, 5)
	holds("after three batches", [2]int{15, 20})
	if err := c.flush(c.windows[0]); err != nil {
		t.Fatal(err)
	}
	holds("one window is written out", [2]int{0, 20})
	c.bring(t, 8, 3)
	c.close()
	holds("closed", [2]int{})
}

func TestPromise12_ALotOfRowsOfAllExtractionsIsWrittenOut(t *testing.T) {
	c := twoDays(t)
	c.bring(t, 8, 10)
	c.bring(t, 9, 20)
	others := heldBytes - c.held.Load() - 1 // other extractions hold so much
	c.held.Add(others)
	c.bring(t, 8, 1)
	if got := c.waits(); got != [2]int{11, 0} {
		t.Errorf("%d rows wait; the larger window is to be written out", got)
	}

	c = twoDays(t)
	c.bring(t, 8, 10)
	c.held.Add(heldBytes/2 - c.held.Load() - 1)
	if err := c.endBody(); err != nil || c.waits() != [2]int{10, 0} {
		t.Errorf("memory is not half full, and %d rows wait: %v", c.waits(), err)
	}
	c.held.Add(1)
	if err := c.endBody(); err != nil || c.waits() != [2]int{} {
		t.Errorf("memory is half full, and %d rows still wait: %v", c.waits(), err)
	}
}

func TestRowGroupsAreOrderedByTheBatchesThatTheyCameWith(t *testing.T) {
	var o rowOrder
	last := o.seq()
	for _, batch := range []int{1, 1, 1, 2, 5, 3, 5, 6} { // a body's batches may come later than another body's
		if batch > o.batch && (rowOrder{batch: batch}).seq() <= last {
			t.Errorf("batch %d itself does not come after what was buffered before", batch)
		}
		o = o.after(batch)
		if o.seq() <= last || o.seq() == (rowOrder{batch: batch}).seq() {
			t.Errorf("what is buffered with batch %d has the number %d after %d", batch, o.seq(), last)
		}
		last = o.seq()
	}
}

func TestPromise12_RowsThatScatterOverVeryManyWindowsAreHeldWithinTheBound(t *testing.T) {
	const windows, times = 20_000, 4 // of four seconds, in a day
	store := memory.New(memory.Options{})
	t.Cleanup(func() { _ = store.Close() })
	c := &cutter{ctx: t.Context(), stream: pipeline.Stream{Table: pipeline.Events}, held: new(atomic.Int64)}
	for i := range windows {
		start := day(8).Add(time.Duration(i) * 4 * time.Second)
		w := calendar.Window{Span: calendar.Span{Start: start, End: start.Add(4 * time.Second)}, Zone: "UTC"}
		stage, err := store.Stage(t.Context(), pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}, pipeline.Events, w)
		if err != nil {
			t.Fatal(err)
		}
		c.windows = append(c.windows, &openWindow{window: w, zone: time.UTC, stage: stage})
	}
	var most int64
	for range times {
		c.bring(t, 8, 4*windows)
		bytes := int64(0)
		for _, w := range c.windows {
			bytes += int64(w.size())
		}
		if bytes != c.held.Load() {
			t.Errorf("%d bytes are held, %d are counted", bytes, c.held.Load())
		}
		most = max(most, bytes)
	}
	if most > heldBytes || most < heldBytes/2 {
		t.Errorf("%d MiB are held at once", most>>20)
	}
	rows := int64(0)
	for _, w := range c.windows {
		if w.counts.Rows != 4*times {
			t.Fatalf("a window has %d rows", w.counts.Rows)
		}
		rows += w.counts.Rows
	}
	if rows != 4*times*windows {
		t.Errorf("%d rows", rows)
	}
}
