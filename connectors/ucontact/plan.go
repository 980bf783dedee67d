package ucontact

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

const (
	// SourceID is the vendor's name in the tables.
	SourceID pipeline.SourceID = "ucontact"

	Agents    pipeline.StreamID = "ucontact.agents"
	Campaigns pipeline.StreamID = "ucontact.campaigns"

	// mappingVersion is raised when a mapping changes what rows look like, so
	// that windows read before are listed as changed.
	mappingVersion = 2

	// The vendor publishes no limit for a list of names; these keep a call far
	// from any that servers commonly have.
	namesPerCall = 50
	bytesPerCall = 4 << 10
)

// statsType is one stream: a value of the API's "type", the table that its rows
// go to, what they mean, and the settings that it asks with.
type statsType struct {
	stream    pipeline.StreamID
	name      string // the API's type
	table     *pipeline.Table
	mapping   func(*Settings, statsType) transforms.Mapping
	variable  string // names the resources
	byChannel bool
	resources func(*Settings) resources
}

// statsTypes is the list of the vendor's streams.
var statsTypes = []statsType{
	{Agents, "agent", pipeline.Activity, agentMapping, "AGENTS", false, func(s *Settings) resources { return s.agents }},
	{Campaigns, "campaign", pipeline.Activity, campaignMapping, "CAMPAIGNS", true, func(s *Settings) resources { return s.campaigns }},
}

func statsTypeOf(id pipeline.StreamID) (statsType, bool) {
	for _, t := range statsTypes {
		if t.stream == id {
			return t, true
		}
	}
	return statsType{}, false
}

// format reads an answer of the Stats API, an array of flat objects.
func (t statsType) format(s *Settings, p pipeline.Policy) pipeline.Format {
	return transforms.NewJSON(t.mapping(s, t), transforms.JSONOptions{
		Hint: fmt.Sprintf("check that %sURL is the root of the uContact host, and read the window again", s.prefix),
	}, p)
}

// Streams lists what the source offers; s is nil when it is not configured.
func Streams(s *Settings, account pipeline.AccountID, p pipeline.Policy) []pipeline.Stream {
	list := make([]pipeline.Stream, 0, len(statsTypes))
	shown := s
	if s == nil {
		shown = unconfigured()
	}
	shown = shown.under(p)
	for _, t := range statsTypes {
		list = append(list, pipeline.Stream{
			Key:       pipeline.StreamKey{Account: account, Stream: t.stream},
			Table:     t.table,
			Calendar:  shown.window,
			Grain:     shown.group.grain,
			Settle:    shown.pace.Settle,
			Lookback:  shown.pace.Lookback,
			Format:    t.format(shown, p),
			Settings:  p.Settings(shown.digest(t)),
			Policy:    p,
			Shape:     shown.shape,
			Asked:     pipeline.AskedFields{Names: t.resources(shown).metrics, Setting: shown.prefix + strings.ToUpper(t.name) + "_METRICS"},
			Catalogue: shown.prefix + "METRICS",
			Untested:  shown.untested(t),
			Missing:   s.missing(t),
		})
	}
	return list
}

// under has agents called as the policy says, in what is kept of the settings too. Who is called so already, as in settings
// that were kept, stays.
func (s *Settings) under(p pipeline.Policy) *Settings {
	if p.NameOf("name") == "name" || len(s.agents.names) == 0 {
		return s
	}
	own := *s
	own.agents.names = slices.Clone(s.agents.names)
	for i, name := range own.agents.names {
		if _, err := hex.DecodeString(name); err != nil || len(name) != len(p.NameOf(name)) {
			own.agents.names[i] = p.NameOf(name)
		}
	}
	own.shape = maps.Clone(s.shape)
	own.shape["AGENTS"] = strings.Join(own.agents.names, ",")
	return &own
}

// unconfigured holds the defaults, for the catalogue.
func unconfigured() *Settings {
	s, _ := Config{}.Settings(Prefix)
	return s
}

// Plan asks for each window by itself. Several requests serve a window whose
// list of names is long.
func (s *Source) Plan(stream pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	t, ok := statsTypeOf(stream.Key.Stream)
	if !ok {
		return nil
	}
	lists := splitNames(t.resources(s.set).names)
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

// splitNames cuts a list of names into lists that one call may carry.
func splitNames(names []string) [][]string {
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
