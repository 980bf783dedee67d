package config

import (
	"cmp"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/windrow-data/windrow/pipeline"
)

// Scope holds the variables that say what is synced and where to, as typed.
type Scope struct {
	Sink    string `envconfig:"SINK" default:"./warehouse" desc:"where the tables go: a directory, file:// and its absolute path, gs://bucket/prefix, s3://bucket/prefix?region=…, or bigquery://project/dataset?location=EU"`
	Archive string `envconfig:"ARCHIVE" desc:"where the vendors' answers are kept as they came: a directory, gs://…, s3://…, or off; unset: raw/ under a Parquet sink, off for BigQuery"`
	Days    string `envconfig:"ARCHIVE_DAYS" default:"0" desc:"days after which answers go that no committed window is made of; 0: never"`
	From    string `envconfig:"FROM" desc:"first day to sync, a local date of each account; unset: 30 days before the first sync"`
	Streams string `envconfig:"STREAMS" default:"default" desc:"comma list of streams; default: every stream of each configured source whose answer is published"`
	// Intraday is a text, so that a wrong one is told with all other faults.
	Intraday string `envconfig:"INTRADAY" default:"false" desc:"also read the window that is still open: replaced by each run, provisional; true or false"`
}

// Operation holds the variables that say how a run is made, as typed.
type Operation struct {
	MaxRejects  string `envconfig:"MAX_REJECTS" default:"0.01" desc:"share of rejected rows above which a window fails, 0 to 1"`
	MaxUnread   string `envconfig:"MAX_UNREADABLE" default:"0.2" desc:"share of a field's values that cannot be read above which a window fails, 0 to 1"`
	OnDrift     string `envconfig:"ON_DRIFT" default:"fail" desc:"what becomes of a window that lacks a field which the stream had before, or a metric that was asked for: fail or warn"`
	MaxBody     string `envconfig:"MAX_BODY" default:"8GiB" desc:"size of an answer, without compression, above which its window fails, in either unit: 8GiB, 8GB"`
	Concurrency string `envconfig:"CONCURRENCY" default:"8" desc:"windows read at once"`
	RetryFor    string `envconfig:"RETRY_FOR" default:"2m" desc:"how long one request is retried"`
	Report      string `envconfig:"REPORT" desc:"where each sync writes its report at its end: a file, file:// and its absolute path, or an object: gs://bucket/report.html, s3://…"`
	LogLevel    string `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	LogFormat   string `envconfig:"LOG_FORMAT" default:"auto" desc:"auto (text and progress bars on a terminal, JSON elsewhere, Cloud Logging's JSON on Cloud Run), json or text"`
}

// The values of LOG_FORMAT; [ReadLogs] says what they come to.
const (
	formatAuto = "auto"
	formatJSON = "json"
	formatText = "text"
)

// The values of ON_DRIFT.
const (
	driftFails = "fail"
	driftWarns = "warn"
)

// WarnOfDrift is how to say that drifted windows pass.
const WarnOfDrift = Prefix + "ON_DRIFT=" + driftWarns

// Settings are [Scope] and [Operation], understood.
type Settings struct {
	Sink        string // of no scheme that this build refuses by name; the sink says whether it can be opened
	Archive     string // a directory, an address of a bucket, ArchiveOff, or empty: the sink's own
	ArchiveDays int    // 0: for ever
	From        string // 2025-09-01, or empty
	Streams     []pipeline.StreamID
	Intraday    bool // the window that is still open is read too
	MaxRejects  float64
	MaxUnread   float64
	DriftWarns  bool
	MaxBody     int64 // bytes
	Concurrency int
	RetryFor    time.Duration
	Report      string // a file; empty: none is written
	LogLevel    slog.Level
}

const (
	dateLayout     = "2006-01-02"
	maxConcurrency = 256
)

// faultList collects what is wrong with variables.
type faultList []pipeline.ConfigError

func (l *faultList) add(name, problem, example string) {
	*l = append(*l, pipeline.ConfigError{Variable: Prefix + name, Problem: problem, Example: example})
}

// Parse sets the scope in s and lists everything that is wrong with it.
func (c Scope) Parse(s *Settings) []pipeline.ConfigError {
	var faults faultList
	s.Sink, s.From, s.Streams = strings.TrimSpace(c.Sink), strings.TrimSpace(c.From), StreamList(c.Streams)
	if problem, instead := mistyped(s.Sink); problem != "" {
		faults.add("SINK", problem, instead)
	}
	c.parseArchive(s, &faults)
	if _, err := time.Parse(dateLayout, s.From); s.From != "" && err != nil {
		faults.add("FROM", "is not a date", "2025-09-01")
	}
	var err error
	if s.Intraday, err = strconv.ParseBool(cmp.Or(strings.ToLower(strings.TrimSpace(c.Intraday)), "false")); err != nil {
		faults.add("INTRADAY", "is neither true nor false", "true")
	}
	return faults
}

// parseReport is the file of a REPORT, or the address of an object.
func parseReport(typed string, faults *faultList) string {
	report := strings.TrimSpace(typed)
	scheme, path, isURL := strings.Cut(report, "://")
	const example = "/var/lib/windrow/report.html"
	switch {
	case isURL && !Place(scheme):
		faults.add("REPORT", "names "+scheme+"://, which is neither a file nor an object of a bucket", example)
	case isURL && scheme != "file":
		return report
	case isURL && !strings.HasPrefix(path, "/"):
		faults.add("REPORT", "is no file:// with an absolute path", "file://"+example)
	case isURL:
		return path
	case strings.HasSuffix(report, "/"):
		faults.add("REPORT", "names a folder, not a file", example)
	}
	return report
}

// ArchiveOff is the ARCHIVE that keeps nothing.
const ArchiveOff = "off"

// mostArchiveDays is far beyond any use, and far from overflow.
const mostArchiveDays = 36_500

func (c Scope) parseArchive(s *Settings, faults *faultList) {
	s.Archive = strings.TrimSpace(c.Archive)
	scheme, _, isURL := strings.Cut(s.Archive, "://")
	if problem, instead := mistyped(s.Archive); problem != "" {
		faults.add("ARCHIVE", problem, instead)
	} else if isURL && !Place(scheme) {
		faults.add("ARCHIVE", "names "+scheme+"://, which is neither a directory nor a bucket", "/var/lib/windrow/raw")
	}
	var err error
	if s.ArchiveDays, err = strconv.Atoi(cmp.Or(strings.TrimSpace(c.Days), "0")); err != nil || s.ArchiveDays < 0 || s.ArchiveDays > mostArchiveDays {
		faults.add("ARCHIVE_DAYS", "is not a number of days from 0 to "+strconv.Itoa(mostArchiveDays), "90")
	}
}

// Parse sets the operation in s and lists everything that is wrong with it.
func (c Operation) Parse(s *Settings) []pipeline.ConfigError {
	var faults faultList
	var err error
	s.Report = parseReport(c.Report, &faults)
	share := func(name, text, example string) float64 {
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(n >= 0 && n <= 1) {
			faults.add(name, "is not a share between 0 and 1", example)
		}
		return n
	}
	s.MaxRejects = share("MAX_REJECTS", c.MaxRejects, "0.01")
	s.MaxUnread = share("MAX_UNREADABLE", c.MaxUnread, "0.2")
	if s.DriftWarns = c.OnDrift == driftWarns; !s.DriftWarns && c.OnDrift != driftFails {
		faults.add("ON_DRIFT", "is none of "+driftFails+", "+driftWarns, driftWarns)
	}
	if s.MaxBody, err = bodySize(c.MaxBody); err != nil {
		faults.add("MAX_BODY", "is not a size above zero with its unit", "8GiB")
	}
	if s.Concurrency, err = strconv.Atoi(c.Concurrency); err != nil || s.Concurrency < 1 || s.Concurrency > maxConcurrency {
		faults.add("CONCURRENCY", "is not a number from 1 to "+strconv.Itoa(maxConcurrency), "8")
	}
	if s.RetryFor, err = time.ParseDuration(c.RetryFor); err != nil || s.RetryFor <= 0 {
		faults.add("RETRY_FOR", "is not a duration above zero", "2m")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) || s.LogLevel.UnmarshalText([]byte(c.LogLevel)) != nil {
		faults.add("LOG_LEVEL", "is none of debug, info, warn, error", "info")
	}
	if !slices.Contains([]string{formatAuto, formatJSON, formatText}, c.LogFormat) {
		faults.add("LOG_FORMAT", "is none of auto, json, text", "auto")
	}
	return faults
}

var errBodySize = errors.New("no size that an answer can be bounded to")

// bodySize reads a size in bytes. It has a unit: a bare number of bytes is more likely a number of something else.
func bodySize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n < 1 || n > math.MaxInt64 || !strings.ContainsAny(text, "bB") {
		return 0, errBodySize
	}
	return int64(n), nil
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
