package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	nometrics "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nospans "go.opentelemetry.io/otel/trace/noop"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
)

// The protocols, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
const (
	overHTTP = "http/protobuf"
	overGRPC = "grpc"
)

// A collector that is not there is asked again soon: the run waits for three seconds at most.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = time.Second
	retriesFor   = 3 * time.Second
)

func none(context.Context) error { return nil }

// newTracers returns what makes spans and how to send the last of them.
func newTracers(ctx context.Context, s config.Signal, of *resource.Resource, g ids) (trace.TracerProvider, func(context.Context) error, error) {
	if !s.On {
		return nospans.NewTracerProvider(), none, nil
	}
	var to sdktrace.SpanExporter
	var err error
	switch s.Protocol {
	case overHTTP:
		to, err = otlptracehttp.New(ctx, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: retriesFor}))
	case overGRPC:
		to, err = otlptracegrpc.New(ctx, otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: retriesFor}))
	default:
		err = unknownProtocol(s.Protocol)
	}
	if err != nil {
		return nil, nil, err
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(to), sdktrace.WithResource(of), sdktrace.WithIDGenerator(g))
	return p, p.Shutdown, nil
}

// newMeters returns what measures and how to send the last of it.
func newMeters(ctx context.Context, s config.Signal, of *resource.Resource) (metric.MeterProvider, func(context.Context) error, error) {
	if !s.On {
		return nometrics.NewMeterProvider(), none, nil
	}
	var to sdkmetric.Exporter
	var err error
	switch s.Protocol {
	case overHTTP:
		to, err = otlpmetrichttp.New(ctx, otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
			Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: retriesFor}))
	case overGRPC:
		to, err = otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{
			Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: retriesFor}))
	default:
		err = unknownProtocol(s.Protocol)
	}
	if err != nil {
		return nil, nil, err
	}
	p := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(to)), sdkmetric.WithResource(of))
	return p, p.Shutdown, nil
}

func unknownProtocol(p string) error {
	return fmt.Errorf("the protocol of OTEL_EXPORTER_OTLP_PROTOCOL is %q; %s and %s are served", p, overHTTP, overGRPC)
}

// listen has the first thing that goes wrong in OpenTelemetry told, and nothing else: its own words name whole URLs,
// and the values of variables that it cannot read.
func listen(warn func(string)) {
	once := new(sync.Once)
	tell := func(text string) { once.Do(func() { warn(text) }) }
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		if err != nil {
			tell("spans and metrics do not arrive: " + reason(err))
		}
	}))
	otel.SetLogger(logr.New(faults{tell}))
}

// report hands an error to who listens.
func report(err error) { otel.Handle(err) }

// reason is why nothing arrives, without the collector's address and words.
func reason(err error) string {
	var of *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "the collector does not answer in time"
	case errors.As(err, &of) && !of.Timeout():
		return "the collector cannot be reached"
	case errors.As(err, &of):
		return "the collector does not answer in time"
	}
	return "the collector takes nothing, or not all"
}

// faults is a log of OpenTelemetry's own, of errors alone and without their values.
type faults struct{ tell func(string) }

func (faults) Init(logr.RuntimeInfo)            {}
func (faults) Enabled(int) bool                 { return false }
func (faults) Info(int, string, ...any)         {}
func (f faults) WithValues(...any) logr.LogSink { return f }
func (f faults) WithName(string) logr.LogSink   { return f }
func (f faults) Error(_ error, msg string, _ ...any) {
	f.tell("a variable of OpenTelemetry is wrong: " + msg)
}
