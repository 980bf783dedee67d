package dialpad

import (
	"fmt"
	"slices"
	"strings"
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
)

// The API's values of export_type.
const (
	records    = "records"
	statistics = "stats"
)

// The API's values of group_by.
const (
	byUser  = "user"
	byDate  = "date"
	byGroup = "group"
)

// export is one stream: a pair of the API's stat_type and export_type, the
// table that its rows go to, and what they mean.
type export struct {
	name       string // behind "dialpad."
	statType   string
	exportType string
	table      *pipeline.Table
	mapping    func(*Settings) transforms.Mapping
	traits
}

// traits are what few of the exports have.
type traits struct {
	groupBy func(*Settings) string // the API's group_by
	targets []string               // the types of targets that have such data; nil: whatever is asked
	// undated: nobody has published whether the rows have a date. Until one is seen, a report serves one window.
	undated bool
	// unpublished: nobody has published a header, nor that the vendor answers at all.
	unpublished bool
	reduction   *pipeline.Reduction
	shape       func(*Settings) []any    // settings of its own that shape its rows; none: nothing
	unsaid      func(*Settings) []string // as in [pipeline.Stream]
}

// surveyed are the types of targets that have dispositions (the filter of GET
// /dispositions in the vendor's OpenAPI document). Of csat no list is known.
var surveyed = []string{"callcenter", "coachinggroup", "coachingteam", "office"}

// exports is the list of the vendor's streams. A stream is added by its mapping
// and its line here.
var exports = []export{
	{"calls", "calls", records, pipeline.Events, callsMapping, traits{}},
	{"texts", "texts", records, pipeline.Events, textsMapping, traits{}},
	{"voicemails", "voicemails", records, pipeline.Events, voicemailsMapping, traits{}},
	{"recordings", "recordings", records, pipeline.Events, recordingsMapping, traits{shape: (*Settings).recordingShape, unsaid: (*Settings).recordingUnsaid}},
	{"csat", "csat", records, pipeline.Events, csatMapping, traits{targets: surveyed, undated: true}},
	{"dispositions", "dispositions", records, pipeline.Events, dispositionsMapping, traits{targets: surveyed}},
	{"onduty", "onduty", records, pipeline.Events, onDutyMapping, traits{}},
	{"screenshare", "screenshare", records, pipeline.Events, screenshareMapping, traits{undated: true, unpublished: true}},
	{"calls_stats", "calls", statistics, pipeline.Activity, callStatsMapping, traits{groupBy: (*Settings).groupsBy}},
	{"texts_stats", "texts", statistics, pipeline.Activity, otherStatsMapping("sms"), traits{undated: true, unpublished: true}},
	{"voicemails_stats", "voicemails", statistics, pipeline.Activity, otherStatsMapping("voice"), traits{undated: true, unpublished: true}},
	{"recordings_stats", "recordings", statistics, pipeline.Activity, otherStatsMapping("voice"), traits{undated: true, unpublished: true}},
	{"onduty_stats", "onduty", statistics, pipeline.Activity, otherStatsMapping("all"), traits{undated: true, unpublished: true}},
	{"screenshare_stats", "screenshare", statistics, pipeline.Activity, otherStatsMapping("all"), traits{undated: true, unpublished: true}},
	{"onduty_time", "onduty", records, pipeline.Activity, dutyTimeMapping, traits{reduction: dutyTime}},
}

func (s *Settings) groupsBy() string { return s.groupBy }

func (s *Settings) recordingShape() []any {
	if s.recordingUnit == "" {
		return nil
	}
	return []any{"unit " + s.recordingUnit, "up to a day"}
}

// recordingUnsaid is the Unsaid of a stream whose durations stay raw.
func (s *Settings) recordingUnsaid() []string {
	if s.recordingUnit != "" {
		return nil
	}
	return []string{"how long recordings are stays in extras, as duration: the vendor publishes no unit, and " + s.prefix + "RECORDING_UNIT says it"}
}

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
		ZoneHint:   "the vendor counted the days of that zone, whatever was asked for, so that its sums are not those of your days; with that zone in " + shown.prefix + "TIMEZONE they are taken as they are",
		DueSettled: true, IntradayCache: todayCache,
		// One target's call shows up under another's, and a row that strays over
		// the seam of two reports of one window comes in both.
		Overlap:     e.table == pipeline.Events,
		Reduction:   e.reduction,
		Unpublished: e.unpublished,
	}
	day := pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: st.Calendar.Zone}
	if e.table == pipeline.Activity {
		st.Grain = day
	}
	if st.Calendar.Unit == calendar.Hours && (e.table == pipeline.Activity || e.undated) {
		st.Calendar = day
	}
	if s == nil {
		st.Missing = []string{Prefix + "TOKEN", Prefix + "TIMEZONE"}
		if e.targets != nil {
			st.Missing = append(st.Missing, Prefix+"TARGETS")
		}
		return st
	}
	if len(e.scopes(s)) == 0 {
		st.Missing = []string{s.prefix + "TARGETS (" + strings.Join(e.targets, ", ") + ")"}
		return st
	}
	if e.unsaid != nil {
		st.Unsaid = e.unsaid(s)
	}
	st.Format = e.format(s, p)
	st.Settings, st.Shape, st.Policy = p.Settings(e.digest(s)), s.typed, p
	return st
}

// scopes are what the export is asked for, in configured order.
func (e export) scopes(s *Settings) []scope {
	if e.targets == nil {
		return s.scopes
	}
	var asked []scope
	for _, scope := range s.scopes {
		if scope.kind == targetScope && slices.Contains(e.targets, scope.target) {
			asked = append(asked, scope)
		}
	}
	return asked
}

// lead is how many days before its windows the export is asked for too.
func (e export) lead() int {
	if e.reduction != nil {
		return 1
	}
	return 0
}

// alone tells whether a report serves one window: its rows carry no time, or may carry none as far as was seen.
func (e export) alone(s *Settings, seen pipeline.Fields) bool {
	return e.undated && !seen.Has(pipeline.StemName(anyDate)) || e.grouping(s) == byGroup
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
// counts: the first one keeps a row that several return. A setting that is not
// used adds nothing, so that windows read before it existed stay as they are.
func (e export) digest(s *Settings) string {
	asked := e.scopes(s)
	scopes := make([]string, len(asked))
	for i, scope := range asked {
		scopes[i] = fmt.Sprintf("%d %s", scope.kind, scope)
	}
	parts := []any{SourceID, mappingVersion, e.name, e.grouping(s), scopes}
	if s.company != "" {
		parts = append(parts, "company "+s.company)
	}
	if e.shape != nil {
		parts = append(parts, e.shape(s)...)
	}
	if slices.ContainsFunc(asked, s.asksTrainees) {
		parts = append(parts, "trainees")
	}
	return setting.Digest(parts...)
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
