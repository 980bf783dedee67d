package bigquery

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// Scheme begins the addresses of this sink, before ://.
const Scheme = "bigquery"

// ExampleAddress is an address for messages.
const ExampleAddress = Scheme + "://my-project/contact_centre?location=EU"

// longestDataset is apart from the pattern, which every command compiles: a
// count in the pattern makes that a tenth of the start.
const longestDataset = 1000

// A project of a domain reads example.com:project.
var (
	projectPattern  = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{1,61}[a-z0-9]$`)
	datasetPattern  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	locationPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,63}$`)
)

// CheckAddress reports why dsn is no address of this sink. It opens nothing.
func CheckAddress(dsn string) error {
	_, _, err := parse(dsn)
	return err
}

// IsProject and IsLocation report whether a text has the form of a project's id, and of a location.
func IsProject(text string) bool  { return projectPattern.MatchString(text) }
func IsLocation(text string) bool { return locationPattern.MatchString(text) }

// Parse reads an address of this sink.
func Parse(dsn string) (d statement.Dataset, location string, err error) { return parse(dsn) }

// parse reads bigquery://project/dataset?location=EU.
func parse(dsn string) (d statement.Dataset, location string, err error) {
	rest, ok := strings.CutPrefix(dsn, Scheme+"://")
	if !ok {
		return d, "", errors.New("it does not begin with " + Scheme + "://")
	}
	rest, parameters, _ := strings.Cut(rest, "?")
	d.Project, d.Name, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if !projectPattern.MatchString(d.Project) {
		return d, "", fmt.Errorf("%q is no project id", d.Project)
	}
	if len(d.Name) > longestDataset || !datasetPattern.MatchString(d.Name) {
		return d, "", fmt.Errorf("%q is no dataset id: letters, digits and underscores", d.Name)
	}
	query, err := url.ParseQuery(parameters)
	if err != nil {
		return d, "", errors.New("the part after the question mark cannot be read")
	}
	for name := range query {
		if name != "location" {
			return d, "", fmt.Errorf("unknown parameter %q; only location is known", name)
		}
	}
	if location = query.Get("location"); location != "" && !locationPattern.MatchString(location) {
		return d, "", fmt.Errorf("%q is no location", location)
	}
	return d, location, nil
}

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
