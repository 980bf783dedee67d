package main

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metricsservice "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traceservice "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// collector takes what OpenTelemetry's protocol brings, over HTTP or gRPC.
type collector struct {
	traceservice.UnimplementedTraceServiceServer
	metricsservice.UnimplementedMetricsServiceServer

	mu        sync.Mutex
	spans     []*traces.Span
	metrics   []*metrics.Metric
	resources []map[string]string
	all       strings.Builder // as JSON, to be searched
	faults    []string
}

func (c *collector) take(m proto.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, _ := protojson.Marshal(m)
	c.all.Write(text)
	switch m := m.(type) {
	case *traceservice.ExportTraceServiceRequest:
		for _, of := range m.ResourceSpans {
			c.resources = append(c.resources, values(of.Resource.Attributes))
			for _, scope := range of.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	case *metricsservice.ExportMetricsServiceRequest:
		for _, of := range m.ResourceMetrics {
			c.resources = append(c.resources, values(of.Resource.Attributes))
			for _, scope := range of.ScopeMetrics {
				c.metrics = append(c.metrics, scope.Metrics...)
			}
		}
	}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	of := map[string]proto.Message{
		"/v1/traces": &traceservice.ExportTraceServiceRequest{}, "/v1/metrics": &metricsservice.ExportMetricsServiceRequest{},
	}[r.URL.Path]
	body, err := io.ReadAll(r.Body)
	if of == nil || err != nil || proto.Unmarshal(body, of) != nil {
		c.mu.Lock()
		c.faults = append(c.faults, r.URL.Path)
		c.mu.Unlock()
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.take(of)
}

// overGRPC is the collector's other door.
type overGRPC struct {
	traceservice.UnimplementedTraceServiceServer
	c *collector
}

func (s overGRPC) Export(_ context.Context, r *traceservice.ExportTraceServiceRequest) (*traceservice.ExportTraceServiceResponse, error) {
	s.c.take(r)
	return &traceservice.ExportTraceServiceResponse{}, nil
}

type metricsOverGRPC struct {
	metricsservice.UnimplementedMetricsServiceServer
	c *collector
}

func (s metricsOverGRPC) Export(_ context.Context, r *metricsservice.ExportMetricsServiceRequest) (*metricsservice.ExportMetricsServiceResponse, error) {
	s.c.take(r)
	return &metricsservice.ExportMetricsServiceResponse{}, nil
}

// startCollector returns its address, of either protocol.
func startCollector(t *testing.T, protocol string) (*collector, string) {
	t.Helper()
	c := new(collector)
	if protocol != "grpc" {
		server := httptest.NewServer(c)
		t.Cleanup(server.Close)
		return c, server.URL
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	traceservice.RegisterTraceServiceServer(server, overGRPC{c: c})
	metricsservice.RegisterMetricsServiceServer(server, metricsOverGRPC{c: c})
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); served.Wait() })
	return c, "http://" + listener.Addr().String()
}

// values are attributes as text.
func values(list []*common.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, kv := range list {
		all[kv.Key] = kv.Value.GetStringValue()
	}
	return all
}

// points are the attributes of a metric's points, each with its unit and whether it is a sum, a gauge or a histogram.
func points(m *metrics.Metric) (shape string, all []map[string]string) {
	add := func(list []*common.KeyValue) { all = append(all, values(list)) }
	switch {
	case m.GetSum() != nil:
		shape = "sum"
		for _, p := range m.GetSum().DataPoints {
			add(p.Attributes)
		}
	case m.GetGauge() != nil:
		shape = "gauge"
		for _, p := range m.GetGauge().DataPoints {
			add(p.Attributes)
		}
	case m.GetHistogram() != nil:
		shape = "histogram"
		for _, p := range m.GetHistogram().DataPoints {
			add(p.Attributes)
		}
	}
	return shape + " in " + m.Unit, all
}

// followedSync runs a sync of two sources of which one fails and the other throttles once, and another that goes well. It
// returns what both said.
func followedSync(t *testing.T, protocol string, c *collector, address string) (stderr string, secrets []string) {
	t.Helper()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10, Dialpad: vendorsim.DialpadOptions{Token: plantedToken}}
	o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, 1
	world, servers := vendorsWithFaults(t, o, now, []vendorsim.Fault{
		answering("ucontact", "", `{"error":"`+plantedLink+` `+plantedToken+`"}`),
		{Host: "dialpad", Method: "GET", Kind: vendorsim.FaultStatus, Code: 429, Times: 1, Style: vendorsim.RetryAfterSeconds, RetryAfter: time.Second},
	})
	env := append(append(quickVariables(servers), onCloudRun...), "OTEL_EXPORTER_OTLP_ENDPOINT="+address, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
		"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20"+plantedKey, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=proof",
		"WINDROW_RETRY_FOR=5s", "WINDROW_STREAMS=ucontact.agents,dialpad.texts")
	var text strings.Builder
	dir := t.TempDir()
	for _, want := range []int{pipeline.ExitFailed, pipeline.ExitDone} {
		cmd := process(t, "windrow", dir, env, "sync", "--as-of", noon)
		cmd.Stderr = &text
		if code := exitCodeOf(t, cmd.Run()); code != want {
			t.Fatalf("exit code %d\n%s", code, text.String())
		}
		c.mu.Lock()
		succeeded := slices.ContainsFunc(c.metrics, func(m *metrics.Metric) bool { return m.Name == "windrow.run.last_success" })
		c.mu.Unlock()
		if succeeded != (want == pipeline.ExitDone) {
			t.Errorf("after exit code %d the collector knows of a success: %v", want, succeeded)
		}
		world.ClearFaults()
	}
	return text.String(), append(sentTokens(world), plantedMark, "Signature", "?", "@", address, "127.0.0.1:")
}

// wantedMetrics are the metrics of the run, with the keys of their attributes.
var wantedMetrics = map[string]string{
	"windrow.run.duration":     "histogram in s: ",
	"windrow.run.last_success": "gauge in s: ",
	"windrow.windows":          "sum in {window}: error.type outcome windrow.account windrow.stream",
	"windrow.rows":             "sum in {row}: disposition windrow.account windrow.stream",
	"windrow.stream.lag":       "gauge in s: windrow.account windrow.stream",
	"windrow.stream.open":      "gauge in {window}: windrow.account windrow.stream",
	"windrow.vendor.wait":      "histogram in s: reason windrow.account windrow.stream",
}

func TestACollectorHearsOfASyncWithoutSecretsAndAddresses(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c, address := startCollector(t, protocol)
			stderr, secrets := followedSync(t, protocol, c, address)
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.faults) > 0 {
				t.Errorf("the collector does not understand %q", c.faults)
			}
			all := c.all.String()
			for _, s := range secrets {
				if i := strings.Index(all, s); i >= 0 {
					t.Errorf("telemetry holds %q: …%s…", s, all[max(0, i-100):min(len(all), i+60)])
				}
			}
			if number := regexp.MustCompile(`\+1\d{7}`).FindString(all); number != "" { // ids are in base64, where shorter ones occur
				t.Errorf("telemetry holds the number %s", number)
			}
			for _, of := range c.resources {
				if of["service.name"] != "windrow" || of["service.instance.id"] != "0" || of["deployment.environment.name"] != "proof" {
					t.Errorf("the resource is %v", of)
				}
			}
			for name, want := range wantedMetrics {
				i := slices.IndexFunc(c.metrics, func(m *metrics.Metric) bool { return m.Name == name })
				if i < 0 {
					t.Errorf("there is no metric %s", name)
					continue
				}
				shape, list := points(c.metrics[i])
				keys := make(map[string]bool)
				for _, p := range list {
					for k := range p {
						keys[k] = true
					}
				}
				if got := shape + ": " + strings.Join(slices.Sorted(maps.Keys(keys)), " "); got != want {
					t.Errorf("%s is a %s; want %s", name, got, want)
				}
			}
			checkSpans(t, c.spans, stderr)
		})
	}
}

// checkSpans checks the tree of spans, and that its trace is that of the log's lines.
func checkSpans(t *testing.T, spans []*traces.Span, stderr string) {
	t.Helper()
	byID := make(map[string]*traces.Span)
	for _, s := range spans {
		byID[string(s.SpanId)] = s
	}
	found := make(map[string]map[string]string) // attributes by name; of windows by outcome, of waits by reason
	for _, s := range spans {
		above, of := byID[string(s.ParentSpanId)].GetName(), values(s.Attributes)
		want := map[string]string{"windrow sync": "", "window": "windrow sync"}
		if is, known := want[s.Name]; known && above != is || !known && above != "window" {
			t.Errorf("the span %s is below %q", s.Name, above)
		}
		if s.EndTimeUnixNano < s.StartTimeUnixNano || s.Status.GetMessage() != "" {
			t.Errorf("the span %s ends before it begins, or tells %q", s.Name, s.Status.GetMessage())
		}
		if !strings.Contains(stderr, `"projects/around/traces/`+hexOf(s.TraceId)+`"`) {
			t.Errorf("the span %s is of the trace %x, the log's lines are not", s.Name, s.TraceId)
		}
		found[s.Name+of["windrow.outcome"]+of["reason"]] = of
	}
	for name, keys := range map[string]string{
		"windrow sync":    "",
		"windowcommitted": "windrow.account windrow.outcome windrow.stream windrow.window.end windrow.window.start",
		"windowfailed":    "error.type windrow.account windrow.outcome windrow.stream windrow.window.end windrow.window.start",
		"request":         "http.request.method server.address url.template",
		"waitthrottled":   "reason", "waitreport": "reason", "read": "", "commit": "",
	} {
		of, is := found[name]
		got := strings.Join(slices.Sorted(maps.Keys(of)), " ")
		if !is || name != "request" && name != "read" && got != keys { // a download has no template, a read may have failed
			t.Errorf("the span %s has the attributes %q, want %q", name, got, keys)
		}
	}
	if i := slices.IndexFunc(spans, func(s *traces.Span) bool {
		of := values(s.Attributes)
		return of["url.template"] == "/stats/{id}" && of["http.request.method"] == "GET" && of["server.address"] == "127.0.0.1"
	}); i < 0 {
		t.Error("no request names the template of a report's state")
	}
}

func hexOf(id []byte) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, x := range id {
		b.WriteByte(digits[x>>4])
		b.WriteByte(digits[x&15])
	}
	return b.String()
}

// silent is a collector that takes connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	t.Cleanup(func() { close(over); server.Close() })
	return server.URL
}

func TestPromise14_ACollectorThatIsDeadOrHangsDelaysNoEndAndChangesNoExitCode(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]func(*testing.T) string{
		"dead": func(*testing.T) string { return "http://127.0.0.1:1/" + plantedMark + "?key=" + plantedMark }, "hanging": silent,
	} {
		for _, stop := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10}
				o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
				var faults []vendorsim.Fault
				if stop {
					faults = []vendorsim.Fault{{Host: "chattonic", Path: operatorsPath, Kind: vendorsim.FaultHang, Times: -1}}
				}
				_, servers := vendorsWithFaults(t, o, now, faults)
				env := append(quickVariables(servers), "OTEL_EXPORTER_OTLP_ENDPOINT="+address(t), "OTEL_BSP_SCHEDULE_DELAY=50", "WINDROW_STREAMS=chattonic.operators", "WINDROW_LOG_LEVEL=debug")
				cmd := process(t, "windrow", t.TempDir(), env, "sync", "--as-of", noon)
				stderr, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				said, want, within := "", pipeline.ExitDone, time.Minute
				if stop {
					readUntil(t, stderr, "planned")
					want, within = pipeline.ExitStopped, 8*time.Second
				}
				began := time.Now()
				if stop {
					send(t, cmd, syscall.SIGTERM)
				}
				rest, _ := io.ReadAll(stderr)
				said += string(rest)
				if code := exitCodeOf(t, cmd.Wait()); code != want || time.Since(began) > within {
					t.Errorf("exit code %d after %s, want %d\n%s", code, time.Since(began), want, said)
				}
				if !strings.Contains(said, "spans and metrics do not arrive: the collector") {
					t.Errorf("nobody is told:\n%s", said)
				}
				if strings.Contains(said, plantedMark) {
					t.Errorf("the collector's address is told:\n%s", said)
				}
			})
		}
	}
}
