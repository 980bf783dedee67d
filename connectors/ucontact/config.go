package ucontact

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Prefix begins the names of the variables of the source's default account.
const Prefix = "WINDROW_UCONTACT_"

// Config holds the variables as they were typed, without their prefix.
type Config struct {
	URL             string `envconfig:"URL" own:"true" desc:"root of the uContact host, https://<domain>.ucontactcloud.com; required with a token"`
	Token           string `envconfig:"TOKEN" own:"true" desc:"API token from the portal's user menu; setting it configures the source"`
	Timezone        string `envconfig:"TIMEZONE" desc:"IANA zone in which days are cut; required with a token"`
	Agents          string `envconfig:"AGENTS" shape:"asked" desc:"comma list of agent names; ucontact.agents needs it. A name cannot hold a comma, since the vendor's list cannot"`
	Campaigns       string `envconfig:"CAMPAIGNS" shape:"asked" desc:"comma list of campaign names; ucontact.campaigns needs it. A name cannot hold a comma"`
	Channels        string `envconfig:"CHANNELS" shape:"asked" default:"telephony,sms,email,whatsapp,messenger,instagram" desc:"comma list of the campaigns' channels"`
	GroupNum        string `envconfig:"GROUPNUM" shape:"asked" default:"60" desc:"interval of a row: minutes that divide a day (15, 30, 60), or mth, bim, tri, sem, yer"`
	AgentMetrics    string `envconfig:"AGENT_METRICS" shape:"asked" desc:"comma list of metrics of agents; unset: all that the vendor returns"`
	CampaignMetrics string `envconfig:"CAMPAIGN_METRICS" shape:"asked" desc:"comma list of metrics of campaigns; unset: all that the vendor returns"`
	Metrics         string `envconfig:"METRICS" shape:"meant" desc:"what metrics of yours are: name=column:unit (count, seconds, minutes, milliseconds) or name=extras:class (sum, mean, distinct, snapshot), in a comma list"`
	ResponseZone    string `envconfig:"RESPONSE_TIMEZONE" shape:"asked" default:"request" desc:"zone of the dates in answers: request (the zone that was asked in), UTC or an IANA zone"`
	Window          string `envconfig:"WINDOW" desc:"span that is read and committed as one: 1h, 6h, 1d, 7d, 1mo, 2mo, 3mo, 6mo, 1y, a multiple of the group; unset: 1d, or the group where that is longer"`
	Settle          string `envconfig:"SETTLE" default:"2h" desc:"after a window's end, when its numbers stop changing"`
	Lookback        string `envconfig:"LOOKBACK" default:"2d" desc:"trailing span that every run reads again"`
	DialerPath      string `envconfig:"DIALER_PATH" default:"/api/dialer/id/{hub}/{kind}" desc:"path that windrow push posts to: {hub} is the name of the hub, {kind} lists or freshLeads"`
	Rate            string `envconfig:"RATE" default:"5" desc:"requests per second"`
	Timeout         string `envconfig:"TIMEOUT" default:"2m" desc:"longest wait for an answer to begin, and for its next bytes"`
}

const (
	// requestZone stands for the zone that was asked in, as the zone of the dates in answers.
	requestZone = "request"

	exampleURL  = "https://acme.ucontactcloud.com"
	exampleZone = "America/Mexico_City"
)

// Configured reports whether the source is to be read.
func (c Config) Configured() bool { return strings.TrimSpace(c.Token) != "" }

// resources are what one stream asks about.
type resources struct {
	names   []string
	metrics []string // nil: all that the vendor returns
}

// Settings is a Config, understood.
type Settings struct {
	prefix       string
	shape        map[string]string // of the rows
	url          *url.URL
	token        string
	zone         *time.Location
	agents       resources
	campaigns    resources
	metrics      []metric // of which the account says what they are, by name
	channels     []string
	channelsSet  bool // the channels are not the default ones
	group        group
	responseZone string // "request" or an IANA name
	window       pipeline.Calendar
	dialerPath   string // the template of a hub's path
	pace         setting.Pace
}

// Settings parses c and lists everything that is wrong with it. prefix begins
// the variables' names in faults and hints: [Prefix], or that of an account.
func (c Config) Settings(prefix string) (*Settings, []pipeline.ConfigError) {
	r := setting.Read(prefix, c)
	s := &Settings{prefix: prefix, shape: r.Shape(), zone: time.UTC}
	because := "when " + prefix + "TOKEN is set"
	if r.Required("TOKEN", "to read uContact", "") {
		s.token = r.Token("TOKEN")
	}
	if r.Required("URL", because, exampleURL) {
		s.url = r.Root("URL", exampleURL)
	}
	if r.Required("TIMEZONE", because, exampleZone) {
		s.zone = r.Zone("TIMEZONE", exampleZone)
	}
	s.agents.names = r.List("AGENTS", "Agent1,Agent2")
	s.campaigns.names = r.List("CAMPAIGNS", "Sales,Support")
	s.channels = r.Words("CHANNELS", r.Default("CHANNELS"))
	s.channelsSet = r.Text("CHANNELS") != r.Default("CHANNELS")
	s.agents.metrics = r.Words("AGENT_METRICS", "inInteractions,connected")
	s.campaigns.metrics = r.Words("CAMPAIGN_METRICS", "inInteractions,outInteractions")
	s.readMetrics(r)
	s.responseZone = readResponseZone(r)
	s.group = readGroup(r, s.zone)
	s.window = r.Window("WINDOW", s.group.window, s.zone, s.group.grain, "the group "+s.group.name)
	s.dialerPath = readDialerPath(r)
	s.pace = r.Pace()
	return s, r.Faults
}

func readResponseZone(r *setting.Reader) string {
	if r.Text("RESPONSE_TIMEZONE") == requestZone {
		return requestZone
	}
	return r.Zone("RESPONSE_TIMEZONE", "UTC").String()
}

func readGroup(r *setting.Reader, zone *time.Location) group {
	g, err := parseGroup(r.Text("GROUPNUM"), zone)
	if err != nil {
		r.Fault("GROUPNUM", err.Error(), r.Default("GROUPNUM"))
		g, _ = parseGroup(r.Default("GROUPNUM"), zone)
	}
	return g
}

// group is the vendor's groupnum: the interval that one row covers.
type group struct {
	name   string            // as the vendor spells it
	grain  pipeline.Calendar // its intervals, in the account's zone
	window pipeline.Calendar // the default window: a day, or the group where that is longer
	length time.Duration     // of sub-daily groups, which may be asked in UTC; else zero
}

// calendarGroups are the named groups of the vendor's Stats page, in months.
var calendarGroups = map[string]int{"mth": 1, "bim": 2, "tri": 3, "sem": 6, "yer": 12}

const minutesPerDay = 24 * 60

// parseGroup reads a groupnum.
func parseGroup(name string, zone *time.Location) (group, error) {
	if months, ok := calendarGroups[name]; ok {
		c := pipeline.Calendar{Unit: calendar.Months, Every: months, Zone: zone}
		return group{name: name, grain: c, window: c}, nil
	}
	day := pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: zone}
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > minutesPerDay || minutesPerDay%n != 0 {
		return group{}, fmt.Errorf("is %q, which is neither mth, bim, tri, sem, yer nor minutes that divide a day, like 15, 30, 60", name)
	}
	g := group{name: strconv.Itoa(n), grain: day, window: day}
	if n < minutesPerDay {
		g.grain = pipeline.Calendar{Unit: calendar.Minutes, Every: n, Zone: zone}
		g.length = time.Duration(n) * time.Minute
	}
	return g, nil
}

// in is the group's intervals on the clock of another zone.
func (g group) in(zone *time.Location) pipeline.Calendar {
	c := g.grain
	c.Zone = zone
	return c
}

// digest covers what shapes the rows of a stream.
func (s *Settings) digest(t statsType) string {
	var channels []string
	if t.byChannel {
		channels = setting.Sorted(s.channels)
	}
	parts := []any{"ucontact", mappingVersion, t.name, setting.Sorted(t.resources(s).names), channels,
		setting.Sorted(t.resources(s).metrics), s.group.name, s.responseZone}
	for _, m := range s.metrics {
		parts = append(parts, []any{m.name, m.column, m.unit, m.class})
	}
	return setting.Digest(parts...)
}

// missing names the variables without which a stream cannot be read.
func (s *Settings) missing(t statsType) []string {
	switch {
	case s == nil:
		return []string{Prefix + "TOKEN", Prefix + "URL", Prefix + "TIMEZONE", Prefix + t.variable}
	case len(t.resources(s).names) == 0:
		return []string{s.prefix + t.variable}
	}
	return nil
}
