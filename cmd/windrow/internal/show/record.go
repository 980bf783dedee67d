package show

import (
	"context"
	"log/slog"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Finished is the message of the last line of a sync, which alerts match.
const Finished = "sync finished"

// Ending is how a sync ended.
type Ending struct {
	pipeline.Summary
	Stand *Standing // nil where nobody has looked at the streams
}

// Standing is where the streams stand after a sync, whatever it was asked for.
type Standing struct{ Configured, Late int }

// Record is what that line tells. A run that had no windows to read, or never
// came to them, has zeros.
func Record(s Ending, exit int, took time.Duration) []slog.Attr {
	var t pipeline.StreamSummary
	for _, r := range s.Streams {
		t.Committed += r.Committed
		t.Unchanged += r.Unchanged
		t.Yielded += r.Yielded
		t.Failed += r.Failed
		t.Rows += r.Rows
		t.Rejected += r.Rejected
	}
	attrs := []slog.Attr{slog.Int("exit", exit)}
	if s.SyncID != "" {
		attrs = append(attrs, slog.String(syncIDKey, string(s.SyncID)))
	}
	attrs = append(attrs,
		slog.Float64("duration_seconds", float64(took.Milliseconds())/1000),
		slog.Group("windows", slog.Int("committed", t.Committed), slog.Int("unchanged", t.Unchanged), slog.Int("yielded", t.Yielded), slog.Int("failed", t.Failed)),
		slog.Int64("rows", t.Rows), slog.Int64("rejected", t.Rejected))
	if s.Stand != nil {
		attrs = append(attrs, slog.Group("streams", slog.Int("configured", s.Stand.Configured), slog.Int("late", s.Stand.Late)))
	}
	if s.Receipt != nil {
		attrs = append(attrs, slog.Any("receipt", s.Receipt))
	}
	return attrs
}

// OfRun returns a logger whose lines all name the run, while there is one.
func OfRun(log *slog.Logger, id func() pipeline.SyncID) *slog.Logger {
	return slog.New(runHandler{log.Handler(), id})
}

// runHandler adds the run's id to the lines that do not have it.
type runHandler struct {
	slog.Handler
	id func() pipeline.SyncID
}

func (h runHandler) Handle(ctx context.Context, r slog.Record) error {
	named := false
	r.Attrs(func(a slog.Attr) bool {
		named = a.Key == syncIDKey
		return !named
	})
	if id := h.id(); id != "" && !named {
		r = r.Clone() // its attributes are shared with whoever else handles it
		r.AddAttrs(slog.String(syncIDKey, string(id)))
	}
	return h.Handler.Handle(ctx, r)
}

func (h runHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return runHandler{h.Handler.WithAttrs(attrs), h.id}
}

func (h runHandler) WithGroup(name string) slog.Handler {
	return runHandler{h.Handler.WithGroup(name), h.id}
}
