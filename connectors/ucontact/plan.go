package ucontact

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// SourceID is the vendor's name in the tables.
	SourceID pipeline.SourceID = "ucontact"

	Agents    pipeline.StreamID = "ucontact.agents"
	Campaigns pipeline.StreamID = "ucontact.campaigns"

	// mappingVersion is raised when mapping.go changes what rows look like, so
	// that windows read before are listed as changed.
	mappingVersion = 1

	// The vendor publishes no limit for a list of names; these keep a call far
	// from any that servers commonly have.
	namesPerCall = 50
	bytesPerCall = 4 << 10
)

// kind is what a stream asks about: the API's "type".
type kind struct {
	name      string
	stream    pipeline.StreamID
	variable  string // that names its resources
	byChannel bool
	resources func(*Settings) []string
	metrics   func(*Settings) []string
}

var kinds = []kind{
	{
		name: "agent", stream: Agents, variable: "AGENTS",
		resources: func(s *Settings) []string { return s.agents },
		metrics:   func(s *Settings) []string { return s.agentMetrics },
	},
	{
		name: "campaign", stream: Campaigns, variable: "CAMPAIGNS", byChannel: true,
		resources: func(s *Settings) []string { return s.campaigns },
		metrics:   func(s *Settings) []string { return s.campaignMetrics },
	},
}

func kindOf(id pipeline.StreamID) (kind, bool) {
	for _, k := range kinds {
		if k.stream == id {
			return k, true
		}
	}
	return kind{}, false
}

// Streams lists what the source offers; s is nil when it is not configured.
func Streams(s *Settings, account pipeline.AccountID) []pipeline.Stream {
	list := make([]pipeline.Stream, 0, len(kinds))
	shown := s
	if s == nil {
		shown = unconfigured()
	}
	for _, k := range kinds {
		list = append(list, pipeline.Stream{
			Key:      pipeline.StreamKey{Account: account, Stream: k.stream},
			Table:    pipeline.Activity,
			Calendar: shown.window,
			Grain:    shown.group.grain,
			Settle:   shown.settle,
			Lookback: shown.lookback,
			Format:   newFormat(k.name),
			Settings: shown.digest(k),
			Missing:  s.missing(k),
		})
	}
	return list
}

// unconfigured holds the defaults, for the catalogue.
func unconfigured() *Settings {
	s, _ := Config{}.Settings(Prefix)
	return s
}

// Plan asks for each window by itself. Several requests serve a window whose
// list of names is long.
func (s *Source) Plan(stream pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	k, ok := kindOf(stream.Key.Stream)
	if !ok {
		return nil
	}
	lists := chunk(k.resources(s.set))
	plan := make([]pipeline.Extraction, 0, len(due))
	for _, w := range due {
		zone := s.set.group.zoneFor(w)
		e := pipeline.Extraction{Windows: []pipeline.Window{w}}
		for _, names := range lists {
			e.Requests = append(e.Requests, pipeline.Request{
				Tenant:    pipeline.TenantKey{Source: SourceID, Account: stream.Key.Account},
				Stream:    stream.Key.Stream,
				Windows:   e.Windows,
				Span:      w.Span,
				Zone:      zone,
				Resources: names,
			})
		}
		plan = append(plan, e)
	}
	return plan
}

// zoneFor is the zone that a window is asked in. A sub-daily group is asked in
// UTC, where the repeated hour of a clock change stays two hours, unless the
// window's bounds do not lie on UTC's grid of the group (half-hour zones).
// Months and years are those of the zone that the window was cut in.
func (g group) zoneFor(w pipeline.Window) string {
	if step := g.length.Microseconds(); step > 0 && int64(w.Start)%step == 0 && int64(w.End)%step == 0 {
		return time.UTC.String()
	}
	return w.Zone
}

// chunk cuts a list of names into lists that one call may carry.
func chunk(names []string) [][]string {
	var lists [][]string
	begin, size := 0, 0
	for i, n := range names {
		if i-begin == namesPerCall || i > begin && size+len(n) > bytesPerCall {
			lists, begin, size = append(lists, names[begin:i:i]), i, 0
		}
		size += len(n) + 1
	}
	if begin < len(names) {
		lists = append(lists, names[begin:])
	}
	return lists
}
