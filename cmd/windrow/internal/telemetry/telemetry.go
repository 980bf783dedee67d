// Package telemetry tells OpenTelemetry's collector what a sync does: spans of the run, its windows and what they spend
// their time with, and the run's metrics.
//
// It hears of a run by the engine's events and by the run's summary, and holds up neither: what the collector does not
// take in time is dropped. It sets no global provider, so that no client of another library sends spans of its own,
// which would hold whole URLs. Nothing that it sends has an error's text: kinds of errors, and no words.
//
// Start at [Start]; spans.go has the spans, metrics.go the metrics, exporters.go where they go.
package telemetry

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// scope names who measures.
const scope = "github.com/windrow-data/windrow"

// Options say what is told, and of whom.
type Options struct {
	Config   config.Telemetry
	Version  string
	Instance string        // the task's index
	Trace    trace.TraceID // the zero id: one by chance
	Now      func() time.Time
	Began    time.Time         // when the process did
	Warn     func(text string) // told once why nothing arrives
}

// Run is a sync that is told of. A nil Run tells nothing.
type Run struct {
	options  Options
	shutdown []func(context.Context) error
	tracer   trace.Tracer
	root     trace.Span
	below    context.Context // root's, of its children
	measures *measures

	mu      sync.Mutex
	windows map[windowKey]trace.Span
}

// Ending is what a run came to.
type Ending struct {
	Summary pipeline.Summary
	Streams []plan.StreamStatus // where each stands afterwards; nil: nobody knows
	Exit    int
}

// Start begins the span of a sync. It returns nil where no telemetry is wanted.
func Start(ctx context.Context, o Options) (*Run, error) {
	traces, metrics := o.Config.Signals()
	if !traces.On && !metrics.On {
		return nil, nil
	}
	listen(o.Warn)
	of, err := resourceOf(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &Run{options: o, windows: make(map[windowKey]trace.Span)}
	tracers, end, err := newTracers(ctx, traces, of, ids{o.Trace})
	if err != nil {
		return nil, err
	}
	r.shutdown = append(r.shutdown, end)
	meters, end, err := newMeters(ctx, metrics, of)
	if err != nil {
		return nil, err
	}
	r.shutdown = append(r.shutdown, end)
	if r.measures, err = newMeasures(meters.Meter(scope)); err != nil {
		return nil, err
	}
	r.tracer = tracers.Tracer(scope, trace.WithInstrumentationVersion(o.Version))
	r.below, r.root = r.tracer.Start(context.WithoutCancel(ctx), "windrow sync", trace.WithNewRoot(), trace.WithTimestamp(o.Began))
	return r, nil
}

// resourceOf describes the process: the variables of OpenTelemetry win, but for the task's index.
func resourceOf(ctx context.Context, o Options) (*resource.Resource, error) {
	of, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "windrow"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv(), resource.WithAttributes(attribute.String("service.instance.id", o.Instance)))
	if errors.Is(err, resource.ErrPartialResource) { // its text holds the value of a variable
		o.Warn("OTEL_RESOURCE_ATTRIBUTES is no list of name=value; what is wrong in it is left out")
		err = nil
	}
	return of, err
}

// End tells how the run ended, and waits for the collector no longer than patience.
func (r *Run) End(e Ending, patience time.Duration) {
	if r == nil {
		return
	}
	now := r.options.Now()
	r.endWindows(now)
	if e.Exit != pipeline.ExitDone {
		r.root.SetStatus(codes.Error, "")
	}
	r.root.End(trace.WithTimestamp(now))
	r.measures.end(e, r.options.Began, now)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all sync.WaitGroup
	for _, end := range r.shutdown {
		all.Go(func() { report(end(ctx)) })
	}
	all.Wait()
}

// ids gives all spans of a run the trace's id.
type ids struct{ trace trace.TraceID }

func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id := g.trace
	for !id.IsValid() {
		for i := range id {
			id[i] = byte(rand.Uint32())
		}
	}
	return id, g.NewSpanID(ctx, id)
}

func (g ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		for i := range id {
			id[i] = byte(rand.Uint32())
		}
	}
	return id
}
