package bigquery

import (
	"fmt"
	"regexp"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
)

var (
	sourcePattern  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	accountPattern = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	streamPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)
)

// checkKey refuses what would be no stream.
func checkKey(k pipeline.StreamKey) error {
	if !accountPattern.MatchString(string(k.Account)) {
		return fmt.Errorf("%q is no account", k.Account)
	}
	if !streamPattern.MatchString(string(k.Stream)) {
		return fmt.Errorf("%q is no stream", k.Stream)
	}
	return nil
}

// checkTenant refuses what would be no tenant.
func checkTenant(k pipeline.TenantKey) error {
	if !sourcePattern.MatchString(string(k.Source)) {
		return fmt.Errorf("%q is no source", k.Source)
	}
	if !accountPattern.MatchString(string(k.Account)) {
		return fmt.Errorf("%q is no account", k.Account)
	}
	return nil
}

// windowFault classifies an error of one window; a zero span means the stream.
func windowFault(op string, k pipeline.StreamKey, w pipeline.Span, err error) error {
	return pipeline.Locate(apierror.Classify(op, err), k.Stream, w)
}
