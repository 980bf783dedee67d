package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// end ends the run for an error that concerns all windows: a vendor has said that this machine's clock is wrong, or the
// sink takes no entry. Nothing more is asked, committed or noted. The first such error counts.
func (r *run) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = unlocated(err)
		r.cancel()
	}
}

// comparingFor is how long a run that reads nothing waits for a vendor's answer.
const comparingFor = 30 * time.Second

// compareClock asks a vendor for the time where nothing is due, and so nobody would be asked: to a machine that is days behind
// nothing is. What else an answer says is for the run that reads.
func (r *run) compareClock(ctx context.Context, plans []plannedStream) {
	ctx, r.cancel = context.WithTimeout(ctx, comparingFor)
	defer r.cancel()
	var asked []pipeline.Source
	for _, p := range plans {
		if slices.Contains(asked, p.source) {
			continue
		}
		asked = append(asked, p.source)
		err := p.source.Check(ctx)
		if pipeline.KindOf(err) == pipeline.ClockWrong {
			r.end(err)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
	}
}

// unlocated is an error without the stream and the window that happened to meet it.
func unlocated(err error) error {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err
	}
	bare := *e
	bare.Stream, bare.Window = "", pipeline.Span{}
	return &bare
}

// unnotedDays are the days that a stream's ledger lacks. They stand before the run's first other entry, and are not
// noted before a vendor has answered: they come of this machine's clock, which the answer may prove wrong.
type unnotedDays struct {
	mu      sync.Mutex
	entries []pipeline.Entry
}

// noteDays enters the days that a stream's ledger lacks, once. Where the sink does not take them, the run ends.
func (r *run) noteDays(ctx context.Context, k pipeline.StreamKey) error {
	d := r.days[k]
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.entries) == 0 {
		return nil
	}
	if err := r.Store.Record(ctx, k, d.entries...); err != nil {
		if ctx.Err() == nil {
			r.end(err)
		}
		return err
	}
	d.entries = nil
	return nil
}
