package chattonic

import (
	"slices"

	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	// SourceID is the vendor's name in the tables.
	SourceID pipeline.SourceID = "chattonic"

	Operators pipeline.StreamID = "chattonic.operators"
	Dashboard pipeline.StreamID = "chattonic.dashboard"
	NPS       pipeline.StreamID = "chattonic.nps"

	// mappingVersion is raised when a mapping changes what rows look like, so
	// that windows read before are listed as changed.
	mappingVersion = 2
)

// endpoint is one stream: what it is asked from, the table that its rows go to,
// what they mean, and the settings that shape them.
type endpoint struct {
	stream pipeline.StreamID
	path   string // below /api/v1/<codename>/
	table  *pipeline.Table
	format func(*Settings, pipeline.Policy) pipeline.Format
	shape  func(*Settings) []any // what the settings digest covers
}

// endpoints is the list of the vendor's streams.
var endpoints = []endpoint{
	{Operators, "stats/operator", pipeline.Activity, operatorsFormat, func(s *Settings) []any { return []any{s.unit} }},
	{Dashboard, "stats/bigquery", pipeline.Activity, dashboardFormat, func(s *Settings) []any { return []any{s.format, s.responseZone.String()} }},
	{NPS, "stats/nps/export", pipeline.Events, npsFormat, func(s *Settings) []any { return []any{s.nps.columns.digest(), s.responseZone.String()} }},
}

// endpointOf finds what a stream is asked from; false when nothing is.
func endpointOf(id pipeline.StreamID) (endpoint, bool) {
	for _, e := range endpoints {
		if e.stream == id {
			return e, true
		}
	}
	return endpoint{}, false
}

// Streams lists what the source offers; s is nil when it is not configured.
func Streams(s *Settings, account pipeline.AccountID, p pipeline.Policy) []pipeline.Stream {
	var missing []string
	if s == nil {
		missing = []string{Prefix + "TOKEN (or " + Prefix + "USERNAME and " + Prefix + "PASSWORD)", Prefix + "URL", Prefix + "TIMEZONE"}
		s, _ = Config{}.Settings(Prefix)
	}
	all := make([]pipeline.Stream, len(endpoints))
	for i, e := range endpoints {
		all[i] = e.describe(s, account, p, missing)
	}
	return all
}

func (e endpoint) describe(s *Settings, account pipeline.AccountID, p pipeline.Policy, missing []string) pipeline.Stream {
	st := pipeline.Stream{
		Key:      pipeline.StreamKey{Account: account, Stream: e.stream},
		Table:    e.table,
		Calendar: s.window,
		Settle:   s.pace.Settle,
		Lookback: s.pace.Lookback,
		Policy:   p,
		Shape:    s.shape,
		Missing:  missing,
	}
	if e.stream == NPS && !s.nps.placed() {
		st.Missing = append(slices.Clone(missing), s.variable("NPS_FROM"), s.variable("NPS_COLUMNS"))
	}
	if e.stream == NPS {
		st.Asks = pipeline.AsksNever
	}
	if e.stream == NPS && s.nps == nil {
		return st
	}
	st.Settings, st.Format = p.Settings(e.digest(s)), e.format(s, p)
	switch {
	case e.stream == Operators && s.unit == "":
		st.Unsaid = []string{"the operators' times stay in extras: the vendor publishes no unit, and " + s.variable("DURATION_UNIT") + " says it"}
	case e.stream == NPS && s.nps.request:
		st.Asks = pipeline.AsksOnce
	case e.stream == Dashboard:
		st.Calendar, st.Grain = s.dashWindow, s.grain
		if len(missing) == 0 && s.unfit != "" {
			st.Missing = []string{s.prefix + "DATE_FORMAT_GROUP (it " + s.unfit + ")"}
		}
	}
	return st
}

// digest covers what shapes the rows of a stream.
func (e endpoint) digest(s *Settings) string {
	return setting.Digest(append([]any{e.stream, mappingVersion}, e.shape(s)...)...)
}

// variable is the name of a variable of the account.
func (s *Settings) variable(name string) string { return s.prefix + name }
