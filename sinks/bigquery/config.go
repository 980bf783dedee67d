package bigquery

import (
	"math"
	"net/url"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/windrow-data/windrow/pipeline"
)

// Config is the part of the environment that this sink alone obeys, as typed: names without the prefix, which is
// WINDROW_BIGQUERY_. The tags have the defaults.
type Config struct {
	MaxBytesBilled string `envconfig:"MAX_BYTES_BILLED" default:"100GiB" desc:"cap on what each query job of BigQuery may bill"`
}

// EmulatorConfig is a variable of Google's own clients that this sink obeys too, as typed. Its name has no prefix.
type EmulatorConfig struct {
	Host string `envconfig:"BIGQUERY_EMULATOR_HOST" desc:"a BigQuery emulator, instead of Google: its host and port, with or without http://. It is asked without credentials"`
}

// Settings is a [Config], understood.
type Settings struct {
	MaxBytesBilled int64 // cap on each query job
}

// leastBilled is what BigQuery bills at least for each table that a query names:
// https://cloud.google.com/bigquery/pricing
const leastBilled = 10 << 20

// Settings parses c and lists everything that is wrong with c. prefix begins the variables' names in faults:
// WINDROW_BIGQUERY_.
func (c Config) Settings(prefix string) (*Settings, []pipeline.ConfigError) {
	fault := pipeline.ConfigError{Variable: prefix + "MAX_BYTES_BILLED", Example: "100GiB"}
	n, err := humanize.ParseBytes(c.MaxBytesBilled)
	switch {
	case err != nil || n > math.MaxInt64:
		fault.Problem = "is no number of bytes"
	case n < leastBilled:
		fault.Problem = "is below 10MiB, the least that BigQuery bills, so every query would be refused"
	default:
		return &Settings{MaxBytesBilled: int64(n)}, nil
	}
	return nil, []pipeline.ConfigError{fault}
}

// URL is the root of the emulator, as [Options] take it; empty where no emulator is named. A fault does not repeat the
// value, which may hold a password.
func (c EmulatorConfig) URL() (string, []pipeline.ConfigError) {
	host := strings.TrimSpace(c.Host)
	if host == "" {
		return "", nil
	}
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	u, err := url.Parse(host)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "",
		u.User != nil, strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return "", []pipeline.ConfigError{{Variable: "BIGQUERY_EMULATOR_HOST", Problem: "is no host and port", Example: "localhost:9050"}}
	}
	return u.Scheme + "://" + u.Host, nil
}

// Access is what an account needs to write to a dataset. The roles are those of
// https://cloud.google.com/bigquery/docs/access-control#bigquery
type Access struct {
	Project     string
	ProjectRole string // has to be granted on the project
	DatasetRole string // has to be granted on the project, or on the dataset once it exists
}

// AccessOf returns what the sink of the address needs. Of an address that is wrong it returns the project as far as one
// is named, and the error of [CheckAddress].
func AccessOf(dsn string) (Access, error) {
	d, _, err := parse(dsn)
	return Access{Project: d.Project, ProjectRole: "roles/bigquery.jobUser", DatasetRole: "roles/bigquery.dataEditor"}, err
}
