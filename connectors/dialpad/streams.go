package dialpad

import (
	"fmt"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// SourceID is the vendor's name in streams, variables and rows.
const SourceID pipeline.SourceID = "dialpad"

// mappingVersion counts the changes of mapping.go that give other rows for
// the same report; it is part of the settings digest.
const mappingVersion = 1

const (
	// vendorCache is how long the vendor answers the same question from its
	// cache (Stats APIs page, "Cached Results").
	vendorCache = 3 * time.Hour
	notServed   = "not served by this build"
)

// export is one stream: a pair of the API's stat_type and export_type.
type export struct {
	name   string // behind "dialpad."
	stat   string // stat_type
	kind   string // export_type: records, stats
	served bool
}

var exports = []export{
	{"calls", "calls", "records", true},
	{"texts", "texts", "records", true},
	{"voicemails", "voicemails", "records", true},
	{"recordings", "recordings", "records", false},
	{"csat", "csat", "records", false},
	{"dispositions", "dispositions", "records", false},
	{"onduty", "onduty", "records", false},
	{"screenshare", "screenshare", "records", false},
	{"calls_stats", "calls", "stats", true},
	{"texts_stats", "texts", "stats", false},
	{"voicemails_stats", "voicemails", "stats", false},
	{"recordings_stats", "recordings", "stats", false},
	{"onduty_stats", "onduty", "stats", false},
	{"screenshare_stats", "screenshare", "stats", false},
	{"onduty_time", "onduty", "stats", false}, // derived here from the records of onduty
}

// Streams lists every stream of the vendor. Without settings (nil) none is
// configured, and Missing names the variables that would change that.
func Streams(s *Settings, account pipeline.AccountID) []pipeline.Stream {
	all := make([]pipeline.Stream, len(exports))
	for i, e := range exports {
		all[i] = e.stream(s, account)
	}
	return all
}

func (e export) id() pipeline.StreamID { return pipeline.StreamID(string(SourceID) + "." + e.name) }

func (e export) stream(s *Settings, account pipeline.AccountID) pipeline.Stream {
	st := pipeline.Stream{
		Key:        pipeline.StreamKey{Account: account, Stream: e.id()},
		Table:      pipeline.Events,
		Calendar:   pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: time.UTC},
		Settle:     6 * time.Hour,
		Lookback:   3 * 24 * time.Hour,
		Cache:      vendorCache,
		DueSettled: true,
	}
	if s != nil {
		st.Calendar, st.Settle, st.Lookback = s.window, s.settle, s.lookback
	}
	if e.kind == "stats" {
		st.Table = pipeline.Activity
		st.Grain = pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: st.Calendar.Zone}
		if st.Calendar.Unit == calendar.Hours {
			st.Calendar = st.Grain
		}
	} else {
		// One target's call shows up under another's, and a row that strays over
		// the seam of two reports of one window comes in both.
		st.Overlap = true
	}
	switch {
	case !e.served:
		st.Missing = []string{notServed}
	case s == nil:
		st.Missing = []string{"WINDROW_DIALPAD_TOKEN", "WINDROW_DIALPAD_TIMEZONE"}
	default:
		st.Format = newFormat(e.stat, e.kind, e.groupBy(s))
		st.Settings = e.digest(s)
	}
	return st
}

// groupBy is the export's group_by; only statistics of calls have one.
func (e export) groupBy(s *Settings) string {
	if e.kind == "stats" && e.stat == "calls" {
		return s.groupBy
	}
	return ""
}

// digest hashes what shapes the rows of a window. The order of the scopes
// counts: the first one keeps a row that several return.
func (e export) digest(s *Settings) string {
	scopes := make([]string, len(s.scopes))
	for i, scope := range s.scopes {
		scopes[i] = fmt.Sprintf("%d %s", scope.kind, scope)
	}
	return setting.Digest(SourceID, mappingVersion, e.name, e.groupBy(s), scopes)
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
