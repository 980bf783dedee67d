package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

func TestARunsMetricsHaveTheirNamesUnitsAttributesAndValues(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	m, err := newMeasures(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(scope))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Unix(1_757_527_200, 0)
	calls, lag := pipeline.StreamKey{Account: "us", Stream: "dialpad.calls"}, int64(7200)
	m.restated(calls)
	m.waited(calls, pipeline.Stretch{Reason: pipeline.WaitQuota, Began: began, Ended: began.Add(4 * time.Second)})
	m.end(Ending{
		Exit: pipeline.ExitDone,
		Summary: pipeline.Summary{Receipt: &pipeline.Receipt{BytesBilled: 10 << 20}, Streams: []pipeline.StreamSummary{{
			Stream: calls.Stream, Account: calls.Account, Committed: 3, Unchanged: 2, Failed: 1, Rows: 40, Rejected: 2, Outside: 5, Duplicate: 6,
			Errors: []pipeline.WindowError{{ErrorKind: "throttled", Message: "words of the vendor"}},
		}}},
		Streams: []plan.StreamStatus{
			{Stream: calls.Stream, Account: calls.Account, Configured: true, LagSeconds: &lag, Open: 4},
			{Stream: "ucontact.agents", Account: "us", LagSeconds: &lag, Open: 9}, // no run reads it
		},
	}, began, began.Add(90*time.Second))

	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, metric := range all.ScopeMetrics[0].Metrics {
		got[metric.Name+" "+metric.Unit] = strings.Join(pointsOf(metric.Data), "; ")
	}
	const of = " windrow.account=us windrow.stream=dialpad.calls"
	want := map[string]string{
		"windrow.run.duration s":     "90",
		"windrow.run.last_success s": "1757527290",
		"windrow.windows {window}":   "1 error.type=throttled outcome=failed" + of + "; 2 outcome=unchanged" + of + "; 3 outcome=committed" + of,
		"windrow.rows {row}": "2 disposition=rejected" + of + "; 40 disposition=loaded" + of +
			"; 5 disposition=outside" + of + "; 6 disposition=duplicate" + of,
		"windrow.stream.lag s":         "7200" + of,
		"windrow.stream.open {window}": "4" + of,
		"windrow.restatements ":        "1" + of,
		"windrow.vendor.wait s":        "4 reason=quota" + of,
		"windrow.sink.billed By":       "10485760",
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s\nwant %s", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d metrics, want %d: %v", len(got), len(want), slices.Sorted(maps.Keys(got)))
	}
}

func TestARunThatFailedHasNoLastSuccess(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	m, err := newMeasures(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(scope))
	if err != nil {
		t.Fatal(err)
	}
	m.end(Ending{Exit: pipeline.ExitFailed}, time.Unix(0, 0), time.Unix(1, 0))
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if list := all.ScopeMetrics[0].Metrics; len(list) != 1 || list[0].Name != "windrow.run.duration" {
		t.Errorf("the metrics of a failed run are %v", list)
	}
}

// pointsOf are the values of a metric with their attributes, sorted.
func pointsOf(data metricdata.Aggregation) (list []string) {
	add := func(value any, of attribute.Set) {
		text := fmt.Sprint(value)
		for _, kv := range of.ToSlice() {
			text += fmt.Sprintf(" %s=%s", kv.Key, kv.Value.String())
		}
		list = append(list, text)
	}
	switch d := data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			add(p.Value, p.Attributes)
		}
	case metricdata.Gauge[int64]:
		for _, p := range d.DataPoints {
			add(p.Value, p.Attributes)
		}
	case metricdata.Gauge[float64]:
		for _, p := range d.DataPoints {
			add(int64(p.Value), p.Attributes)
		}
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			add(p.Sum, p.Attributes)
		}
	}
	slices.Sort(list)
	return list
}
