package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// Attributes, as OpenTelemetry or the deployment's pages name them.
const (
	streamKey  = attribute.Key("windrow.stream")
	accountKey = attribute.Key("windrow.account")
	startKey   = attribute.Key("windrow.window.start")
	endKey     = attribute.Key("windrow.window.end")
	outcomeKey = attribute.Key("windrow.outcome")
	errorKey   = attribute.Key("error.type")
	methodKey  = attribute.Key("http.request.method")
	hostKey    = attribute.Key("server.address")
	pathKey    = attribute.Key("url.template")
	reasonKey  = attribute.Key("reason")
)

// stopped is the outcome of a window whose run ended before it did.
const stopped = "stopped"

type windowKey struct {
	stream pipeline.StreamKey
	window calendar.Window
}

// Observe hears an event of the engine. It may be called from any goroutine.
func (r *Run) Observe(e engine.Event) {
	if r == nil {
		return
	}
	key := windowKey{e.Stream, e.Window}
	switch e.Kind {
	case engine.EventBegun:
		r.window(key)
	case engine.EventSpent:
		r.spent(key, e.Stretch)
	case engine.EventRestated:
		r.measures.restated(e.Stream)
	case engine.EventCommitted, engine.EventUnchanged, engine.EventYielded, engine.EventAwaited:
		r.endWindow(key, string(e.Kind), "")
	case engine.EventFailed:
		r.endWindow(key, string(e.Kind), pipeline.ErrorKind(e.Err))
	}
}

// window is the span of a window, which begins now unless it has begun.
func (r *Run) window(k windowKey) trace.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	span, is := r.windows[k]
	if !is {
		_, span = r.tracer.Start(r.below, "window", trace.WithTimestamp(r.options.Now()), trace.WithAttributes(
			streamKey.String(string(k.stream.Stream)), accountKey.String(string(k.stream.Account)),
			startKey.String(k.window.Start.String()), endKey.String(k.window.End.String())))
		r.windows[k] = span
	}
	return span
}

func (r *Run) endWindow(k windowKey, outcome, failed string) {
	span := r.window(k)
	r.mu.Lock()
	delete(r.windows, k)
	r.mu.Unlock()
	end(span, r.options.Now(), outcome, failed)
}

// endWindows ends those that nothing more will be heard of.
func (r *Run) endWindows(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, span := range r.windows {
		end(span, now, stopped, "")
	}
	clear(r.windows)
}

func end(span trace.Span, now time.Time, outcome, failed string) {
	span.SetAttributes(outcomeKey.String(outcome))
	fail(span, failed)
	span.End(trace.WithTimestamp(now))
}

// fail marks a span as failed, by the kind of its error.
func fail(span trace.Span, kind string) {
	if kind != "" {
		span.SetAttributes(errorKey.String(kind))
		span.SetStatus(codes.Error, "")
	}
}

// spent is the span of a stretch, below that of its window.
func (r *Run) spent(k windowKey, s pipeline.Stretch) {
	of := []trace.SpanStartOption{trace.WithTimestamp(s.Began)}
	switch s.Kind {
	case pipeline.StretchRequest:
		of = append(of, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(methodKey.String(s.Method), hostKey.String(s.Host)))
		if s.Template != "" {
			of = append(of, trace.WithAttributes(pathKey.String(s.Template)))
		}
	case pipeline.StretchWait:
		of = append(of, trace.WithAttributes(reasonKey.String(string(s.Reason))))
		r.measures.waited(k.stream, s)
	}
	below := trace.ContextWithSpan(context.Background(), r.window(k))
	_, span := r.tracer.Start(below, string(s.Kind), of...)
	fail(span, s.Failed)
	span.End(trace.WithTimestamp(s.Ended))
}
