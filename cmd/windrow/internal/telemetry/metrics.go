package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	outcomeOf     = attribute.Key("outcome")
	dispositionOf = attribute.Key("disposition")
)

// measures are the metrics of a run.
type measures struct {
	duration     metric.Float64Histogram
	lastSuccess  metric.Float64Gauge
	windows      metric.Int64Counter
	rows         metric.Int64Counter
	lag          metric.Int64Gauge
	open         metric.Int64Gauge
	restatements metric.Int64Counter
	wait         metric.Float64Histogram
	billed       metric.Int64Counter
}

func newMeasures(m metric.Meter) (*measures, error) {
	var all measures
	errs := make([]error, 9)
	seconds := metric.WithUnit("s")
	all.duration, errs[0] = m.Float64Histogram("windrow.run.duration", seconds, metric.WithDescription("How long the sync took."),
		metric.WithExplicitBucketBoundaries(1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800))
	all.lastSuccess, errs[1] = m.Float64Gauge("windrow.run.last_success", seconds, metric.WithDescription("When a sync last ended with exit code 0, in seconds since 1970."))
	all.windows, errs[2] = m.Int64Counter("windrow.windows", metric.WithUnit("{window}"), metric.WithDescription("Windows, by what became of them."))
	all.rows, errs[3] = m.Int64Counter("windrow.rows", metric.WithUnit("{row}"), metric.WithDescription("Source rows, by what became of them."))
	all.lag, errs[4] = m.Int64Gauge("windrow.stream.lag", seconds, metric.WithDescription("From a stream's watermark to the moment."))
	all.open, errs[5] = m.Int64Gauge("windrow.stream.open", metric.WithUnit("{window}"), metric.WithDescription("Windows that are due and not covered."))
	all.restatements, errs[6] = m.Int64Counter("windrow.restatements", metric.WithDescription("Settled windows whose rows a reading has changed."))
	all.wait, errs[7] = m.Float64Histogram("windrow.vendor.wait", seconds, metric.WithDescription("Waits for a vendor, by their reason."),
		metric.WithExplicitBucketBoundaries(0.1, 0.5, 1, 5, 15, 30, 60, 300, 900, 3600, 10800))
	all.billed, errs[8] = m.Int64Counter("windrow.sink.billed", metric.WithUnit("By"), metric.WithDescription("Bytes that the sink bills for its queries."))
	return &all, errors.Join(errs...)
}

// of are the attributes of a stream, and more.
func of(stream pipeline.StreamID, account pipeline.AccountID, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(append(more, streamKey.String(string(stream)), accountKey.String(string(account)))...)
}

func (m *measures) restated(k pipeline.StreamKey) {
	m.restatements.Add(context.Background(), 1, of(k.Stream, k.Account))
}

func (m *measures) waited(k pipeline.StreamKey, s pipeline.Stretch) {
	m.wait.Record(context.Background(), s.Ended.Sub(s.Began).Seconds(), of(k.Stream, k.Account, reasonKey.String(string(s.Reason))))
}

// end measures what the run came to.
func (m *measures) end(e Ending, began, now time.Time) {
	ctx := context.Background()
	m.duration.Record(ctx, now.Sub(began).Seconds())
	if e.Exit == pipeline.ExitDone {
		m.lastSuccess.Record(ctx, float64(now.UnixMilli())/1000)
	}
	for i := range e.Summary.Streams {
		m.stream(ctx, &e.Summary.Streams[i])
	}
	for _, s := range e.Streams {
		if !s.Configured {
			continue
		}
		if s.LagSeconds != nil {
			m.lag.Record(ctx, *s.LagSeconds, of(s.Stream, s.Account))
		}
		m.open.Record(ctx, int64(s.Open), of(s.Stream, s.Account))
	}
	if r := e.Summary.Receipt; r != nil {
		m.billed.Add(ctx, r.BytesBilled)
	}
}

func (m *measures) stream(ctx context.Context, s *pipeline.StreamSummary) {
	windows := func(n int, outcome string, more ...attribute.KeyValue) {
		if n > 0 {
			m.windows.Add(ctx, int64(n), of(s.Stream, s.Account, append(more, outcomeOf.String(outcome))...))
		}
	}
	windows(s.Committed, "committed")
	windows(s.Unchanged, "unchanged")
	windows(s.Yielded, "yielded")
	windows(s.Awaited, "awaited")
	for _, e := range s.Errors {
		windows(1, "failed", errorKey.String(e.ErrorKind))
	}
	for disposition, n := range map[string]int64{"loaded": s.Rows, "rejected": s.Rejected, "outside": s.Outside, "duplicate": s.Duplicate} {
		m.rows.Add(ctx, n, of(s.Stream, s.Account, dispositionOf.String(disposition)))
	}
}
