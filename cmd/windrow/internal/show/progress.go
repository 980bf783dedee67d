package show

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// NewLog returns a logger of JSON lines, or of text.
func NewLog(w io.Writer, json bool, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// Progress tells what a run is doing: as log lines, and as bars where there
// are any. Without bars the windows that went well are told at level info;
// with them the bars say it. archived says that there may be answers to make windows
// again of.
func Progress(log *slog.Logger, bars *Bars, archived bool) func(engine.Event) {
	well := slog.LevelInfo
	if bars != nil {
		well = slog.LevelDebug
	}
	return func(e engine.Event) {
		if bars != nil {
			bars.observe(e)
		}
		switch e.Kind {
		case engine.EventPlanned:
			line(log, well, "planned", e, slog.Int("windows", e.Total))
		case engine.EventWaiting, engine.EventAwaited:
			if e.Until.IsZero() { // nobody knows how long
				line(log, well, e.Text, e)
				break
			}
			line(log, well, e.Text, e, slog.Time("until", e.Until.UTC()))
		case engine.EventReading:
			line(log, slog.LevelDebug, "reading", e)
		case engine.EventCommitted:
			c := e.Counts
			line(log, well, "committed", e, slog.Int64("read", c.Read), slog.Int64("rows", c.Rows),
				slog.Int64("rejected", c.Rejected), slog.Int64("outside", c.Outside), slog.Int64("duplicate", c.Duplicate))
		case engine.EventUnchanged:
			line(log, well, "unchanged", e, slog.Int64("kept", e.Counts.Rows))
		case engine.EventYielded:
			line(log, well, "another run read it later", e)
		case engine.EventFailed:
			line(log, slog.LevelError, "failed", e, slog.String("error_kind", pipeline.ErrorKind(e.Err)), slog.Any("error", e.Err))
		case engine.EventChanged:
			renew := "to read them again: " + refetchCommand(e.Stream.Stream, e.Changed)
			if archived {
				renew += "; `windrow plan` names those that `windrow replay` can make of the archive, without asking the vendor"
			}
			line(log, slog.LevelWarn, fmt.Sprintf("%s read under other settings; %s", plural(len(e.Changed), "settled window")+were(len(e.Changed)), renew), e)
		case engine.EventDated:
			line(log, slog.LevelWarn, datedNote(e.Dated), e)
		case engine.EventExpired:
			line(log, well, fmt.Sprintf("%s past the retention of the table: not read", plural(e.Total, "window")), e)
		case engine.EventSwept:
			line(log, slog.LevelWarn, fmt.Sprintf("%s named as a window's and belonging to none%s removed: %s", plural(e.Total, "file"), were(e.Total), e.Text), e)
		case engine.EventUnusual:
			w := e.Warning
			line(log, slog.LevelWarn, fmt.Sprintf("%s: %s", localDates(w.WindowStart, w.WindowEnd, w.Zone), w.Message), e,
				slog.String("kind", string(w.Kind)))
		case engine.EventNewFields:
			line(log, slog.LevelInfo, "the vendor sends fields that were not seen before: "+e.Text, e)
		case engine.EventUnit:
			line(log, slog.LevelInfo, e.Text, e)
		case engine.EventHole:
			line(log, slog.LevelWarn, fmt.Sprintf("%s is covered by no window and cannot be asked for; to let the watermark pass: %s",
				e.Hole, waiveCommand(e.Stream.Stream, e.Hole)), e)
		}
	}
}

func line(log *slog.Logger, level slog.Level, text string, e engine.Event, more ...slog.Attr) {
	ctx := context.Background()
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 4+len(more))
	if e.Stream.Stream != "" {
		attrs = append(attrs, slog.String("stream", string(e.Stream.Stream)), slog.String("account", string(e.Stream.Account)))
	}
	if !e.Window.Empty() {
		attrs = append(attrs, slog.String("window_start", e.Window.Start.String()), slog.String("window_end", e.Window.End.String()))
	}
	log.LogAttrs(ctx, level, text, append(attrs, more...)...)
}
