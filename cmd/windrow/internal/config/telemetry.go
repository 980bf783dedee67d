package config

import (
	"cmp"
	"strings"
)

// Telemetry holds the variables of OpenTelemetry that say whether and how anything is sent, as typed. All others
// (headers, timeouts, certificates, samplers, batches, resources) its SDK reads by itself:
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
type Telemetry struct {
	Endpoint        string `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"OpenTelemetry's collector; set, a sync sends spans and metrics"`
	TracesEndpoint  string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" desc:"the collector of spans alone"`
	MetricsEndpoint string `envconfig:"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" desc:"the collector of metrics alone"`
	Protocol        string `envconfig:"OTEL_EXPORTER_OTLP_PROTOCOL" default:"http/protobuf" desc:"http/protobuf or grpc"`
	TracesProtocol  string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" desc:"that of spans alone"`
	MetricsProtocol string `envconfig:"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL" desc:"that of metrics alone"`
	Traces          string `envconfig:"OTEL_TRACES_EXPORTER" default:"otlp" desc:"otlp, or none: no spans"`
	Metrics         string `envconfig:"OTEL_METRICS_EXPORTER" default:"otlp" desc:"otlp, or none: no metrics"`
	Disabled        string `envconfig:"OTEL_SDK_DISABLED" default:"false" desc:"true: nothing is sent"`
}

// Signal says how one kind of telemetry leaves.
type Signal struct {
	On       bool
	Protocol string
}

// Signals says what is sent, and how.
func (t Telemetry) Signals() (traces, metrics Signal) {
	of := func(endpoint, protocol, exporter string) Signal {
		return Signal{
			On:       (t.Endpoint != "" || endpoint != "") && !is(t.Disabled, "true") && !is(exporter, "none"),
			Protocol: strings.ToLower(strings.TrimSpace(cmp.Or(protocol, t.Protocol))),
		}
	}
	return of(t.TracesEndpoint, t.TracesProtocol, t.Traces), of(t.MetricsEndpoint, t.MetricsProtocol, t.Metrics)
}

func is(typed, word string) bool { return strings.EqualFold(strings.TrimSpace(typed), word) }
