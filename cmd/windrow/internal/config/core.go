package config

import (
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/windrow-data/windrow/pipeline"
)

// Core holds the variables that belong to no vendor, as typed.
type Core struct {
	Sink        string `envconfig:"SINK" default:"./warehouse" desc:"where the tables go: a directory, file:// and its absolute path, or bigquery://project/dataset?location=EU"`
	From        string `envconfig:"FROM" desc:"first day to sync, a local date of each account; unset: 30 days before the first sync"`
	Streams     string `envconfig:"STREAMS" desc:"comma list of streams; unset: every stream of each configured source"`
	MaxBilled   string `envconfig:"BIGQUERY_MAX_BYTES_BILLED" default:"100GiB" desc:"cap on what each query job of BigQuery may bill"`
	MaxRejects  string `envconfig:"MAX_REJECTS" default:"0.01" desc:"share of rejected rows above which a window fails, 0 to 1"`
	Concurrency string `envconfig:"CONCURRENCY" default:"8" desc:"windows read at once"`
	RetryFor    string `envconfig:"RETRY_FOR" default:"2m" desc:"how long one request is retried"`
	LogLevel    string `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	LogFormat   string `envconfig:"LOG_FORMAT" default:"auto" desc:"auto (text and progress bars on a terminal, JSON elsewhere, Cloud Logging's JSON on Cloud Run), json or text"`
}

// The values of LOG_FORMAT; [ReadLogs] says what they come to.
const (
	formatAuto = "auto"
	formatJSON = "json"
	formatText = "text"
)

// Settings is Core, understood.
type Settings struct {
	Sink        string // of no scheme that this build refuses by name; the sink says whether it can be opened
	From        string // 2025-09-01, or empty
	Streams     []pipeline.StreamID
	MaxBilled   int64 // bytes
	MaxRejects  float64
	Concurrency int
	RetryFor    time.Duration
	LogLevel    slog.Level
}

const (
	dateLayout     = "2006-01-02"
	maxConcurrency = 256
	// leastBilled is what BigQuery bills at least for each table that a query
	// reads: https://cloud.google.com/bigquery/pricing
	leastBilled = 10 << 20
)

// Settings parses every variable and reports all that is wrong at once.
func (c Core) Settings() (Settings, []pipeline.ConfigError) {
	var faults []pipeline.ConfigError
	wrong := func(name, problem, example string) {
		faults = append(faults, pipeline.ConfigError{Variable: Prefix + name, Problem: problem, Example: example})
	}
	s := Settings{Sink: c.Sink, From: strings.TrimSpace(c.From), Streams: StreamList(c.Streams)}

	if scheme, unserved := unservedSink(c.Sink); unserved {
		wrong("SINK", "names "+scheme+"://, which is not served by this build; it writes to a local directory or to BigQuery", "./warehouse")
	}
	if _, err := time.Parse(dateLayout, s.From); s.From != "" && err != nil {
		wrong("FROM", "is not a date", "2025-09-01")
	}
	switch n, err := humanize.ParseBytes(c.MaxBilled); {
	case err != nil || n > math.MaxInt64:
		wrong("BIGQUERY_MAX_BYTES_BILLED", "is no number of bytes", "100GiB")
	case n < leastBilled:
		wrong("BIGQUERY_MAX_BYTES_BILLED", "is below 10MiB, the least that BigQuery bills, so every query would be refused", "100GiB")
	default:
		s.MaxBilled = int64(n)
	}
	var err error
	if s.MaxRejects, err = strconv.ParseFloat(c.MaxRejects, 64); err != nil || !(s.MaxRejects >= 0 && s.MaxRejects <= 1) {
		wrong("MAX_REJECTS", "is not a share between 0 and 1", "0.01")
	}
	if s.Concurrency, err = strconv.Atoi(c.Concurrency); err != nil || s.Concurrency < 1 || s.Concurrency > maxConcurrency {
		wrong("CONCURRENCY", "is not a number from 1 to "+strconv.Itoa(maxConcurrency), "8")
	}
	if s.RetryFor, err = time.ParseDuration(c.RetryFor); err != nil || s.RetryFor <= 0 {
		wrong("RETRY_FOR", "is not a duration above zero", "2m")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) || s.LogLevel.UnmarshalText([]byte(c.LogLevel)) != nil {
		wrong("LOG_LEVEL", "is none of debug, info, warn, error", "info")
	}
	if !slices.Contains([]string{formatAuto, formatJSON, formatText}, c.LogFormat) {
		wrong("LOG_FORMAT", "is none of auto, json, text", "auto")
	}
	return s, faults
}

// StreamList splits a comma list, leaving out blanks and repetitions.
func StreamList(s string) []pipeline.StreamID {
	var ids []pipeline.StreamID
	for name := range strings.SplitSeq(s, ",") {
		if id := pipeline.StreamID(strings.TrimSpace(name)); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// unservedSink names the scheme of a sink that this build does not write to.
func unservedSink(sink string) (scheme string, unserved bool) {
	scheme, _, ok := strings.Cut(sink, "://")
	return scheme, ok && slices.Contains(unservedSinks, scheme)
}
