package config

import (
	"net/url"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// Google holds variables that belong to Google's own tools and that Windrow
// obeys too, as typed. They have no prefix.
type Google struct {
	EmulatorHost string `envconfig:"BIGQUERY_EMULATOR_HOST" desc:"a BigQuery emulator, instead of Google: its host and port, with or without http://. It is asked without credentials"`
	Project      string `envconfig:"GOOGLE_CLOUD_PROJECT" desc:"project of the traces that log lines on Cloud Run name, where the sink names none"`
}

// EmulatorURL is the root of the emulator without a slash at its end; empty
// where there is none.
func (g Google) EmulatorURL() (string, []pipeline.ConfigError) {
	host := strings.TrimSpace(g.EmulatorHost)
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
