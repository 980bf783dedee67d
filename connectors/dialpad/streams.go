package dialpad

import (
	"fmt"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/transforms"
)

// SourceID is the vendor's name in streams, variables and rows.
const SourceID pipeline.SourceID = "dialpad"

// mappingVersion counts the changes of the mappings that give other rows for
// the same report; it is part of the settings digest.
const mappingVersion = 2

const (
	// vendorCache is how long the vendor answers the same question from its
	// cache (Stats APIs page, "Cached Results").
	vendorCache = 3 * time.Hour
	// todayCache is the same for what is asked about today, and as often the vendor makes its numbers of today anew.
	todayCache = 30 * time.Minute
	staleHint  = "probably a cached report of other days; the windows stay open, and a sync after the vendor's cache of 3 hours has run out reads them"
	notServed  = "not served by this build"
)

// The API's values of export_type.
const (
	records    = "records"
	statistics = "stats"
)

// export is one stream: a pair of the API's stat_type and export_type, the
// table that its rows go to, and what they mean.
type export struct {
	name       string // behind "dialpad."
	statType   string
	exportType string
	table      *pipeline.Table
	mapping    func(*Settings) transforms.Mapping // nil: not served by this build
	groupBy    func(*Settings) string             // the API's group_by; nil: the export has none
}

// exports is the list of the vendor's streams. A stream is added by its mapping
// and its line here.
var exports = []export{
	{"calls", "calls", records, pipeline.Events, callsMapping, nil},
	{"texts", "texts", records, pipeline.Events, textsMapping, nil},
	{"voicemails", "voicemails", records, pipeline.Events, voicemailsMapping, nil},
	{"recordings", "recordings", records, pipeline.Events, nil, nil},
	{"csat", "csat", records, pipeline.Events, nil, nil},
	{"dispositions", "dispositions", records, pipeline.Events, nil, nil},
	{"onduty", "onduty", records, pipeline.Events, nil, nil},
	{"screenshare", "screenshare", records, pipeline.Events, nil, nil},
	{"calls_stats", "calls", statistics, pipeline.Activity, callStatsMapping, (*Settings).groupsBy},
	{"texts_stats", "texts", statistics, pipeline.Activity, nil, nil},
	{"voicemails_stats", "voicemails", statistics, pipeline.Activity, nil, nil},
	{"recordings_stats", "recordings", statistics, pipeline.Activity, nil, nil},
	{"onduty_stats", "onduty", statistics, pipeline.Activity, nil, nil},
	{"screenshare_stats", "screenshare", statistics, pipeline.Activity, nil, nil},
	{"onduty_time", "onduty", statistics, pipeline.Activity, nil, nil}, // derived here from the records of onduty
}

func (s *Settings) groupsBy() string { return s.groupBy }

// Streams lists every stream of the vendor. Without settings (nil) none is
// configured, and Missing names the variables that would change that.
func Streams(s *Settings, account pipeline.AccountID, p pipeline.Policy) []pipeline.Stream {
	all := make([]pipeline.Stream, len(exports))
	for i, e := range exports {
		all[i] = e.stream(s, account, p)
	}
	return all
}

// unconfigured holds the defaults, for the catalogue.
func unconfigured() *Settings {
	s, _ := Config{}.Settings(Prefix)
	return s
}

func (e export) id() pipeline.StreamID { return pipeline.StreamID(string(SourceID) + "." + e.name) }

func (e export) stream(s *Settings, account pipeline.AccountID, p pipeline.Policy) pipeline.Stream {
	shown := s
	if s == nil {
		shown = unconfigured()
	}
	st := pipeline.Stream{
		Key:        pipeline.StreamKey{Account: account, Stream: e.id()},
		Table:      e.table,
		Calendar:   shown.window,
		Settle:     shown.pace.Settle,
		Lookback:   shown.pace.Lookback,
		Cache:      vendorCache,
		StaleHint:  staleHint,
		DueSettled: true, IntradayCache: todayCache,
		// One target's call shows up under another's, and a row that strays over
		// the seam of two reports of one window comes in both.
		Overlap: e.exportType == records,
	}
	if e.exportType == statistics {
		st.Grain = pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: st.Calendar.Zone}
		if st.Calendar.Unit == calendar.Hours {
			st.Calendar = st.Grain
		}
	}
	switch {
	case e.mapping == nil:
		st.Missing = []string{notServed}
	case s == nil:
		st.Missing = []string{Prefix + "TOKEN", Prefix + "TIMEZONE"}
	default:
		st.Format = e.format(s, p)
		st.Settings = e.digest(s)
	}
	return st
}

// format reads the export: CSV with a header, whose columns are found by name,
// since the header grows from time to time. Durations in it are decimal minutes
// and become seconds. Local times stand in the zone that the row's timezone
// column names. Columns that no column of ours holds stay in extras.
func (e export) format(s *Settings, p pipeline.Policy) pipeline.Format {
	return transforms.NewCSV(e.mapping(s), p)
}

// grouping is the value of group_by; empty where the export has none.
func (e export) grouping(s *Settings) string {
	if e.groupBy == nil {
		return ""
	}
	return e.groupBy(s)
}

// digest hashes what shapes the rows of a window. The order of the scopes
// counts: the first one keeps a row that several return.
func (e export) digest(s *Settings) string {
	scopes := make([]string, len(s.scopes))
	for i, scope := range s.scopes {
		scopes[i] = fmt.Sprintf("%d %s", scope.kind, scope)
	}
	return setting.Digest(SourceID, mappingVersion, e.name, e.grouping(s), scopes)
}

// exportOf finds the stream of that name.
func exportOf(id pipeline.StreamID) (export, bool) {
	for _, e := range exports {
		if e.id() == id {
			return e, true
		}
	}
	return export{}, false
}
