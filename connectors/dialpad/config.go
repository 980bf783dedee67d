package dialpad

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Prefix begins the names of the variables of the source's default account.
const Prefix = "WINDROW_DIALPAD_"

// Config is the environment's part of this package, as typed: names without
// the prefix of the source or account. An empty field means its default.
type Config struct {
	URL       string `envconfig:"URL" own:"true" default:"https://dialpad.com/api/v2" desc:"root of the API"`
	Token     string `envconfig:"TOKEN" own:"true" desc:"API key of a company admin"`
	Timezone  string `envconfig:"TIMEZONE" desc:"tz database name of the calendar that days follow"`
	OfficeID  string `envconfig:"OFFICE_ID" shape:"asked" desc:"the office to ask for, when no targets are set; else the whole company"`
	Targets   string `envconfig:"TARGETS" shape:"asked" desc:"what every stream asks for, one report each: callcenter:123,department:456"`
	GroupBy   string `envconfig:"GROUP_BY" shape:"asked" default:"user" desc:"rows of calls_stats: user, date or group"`
	CompanyID string `envconfig:"COMPANY_ID" shape:"asked" desc:"the company that a key of several companies reads, sent as DP-Company-ID"`
	Trainees  string `envconfig:"TRAINEES" shape:"asked" default:"false" desc:"true: coaching targets mean their trainees' own statistics"`
	// No document says in which unit the vendor tells how long a recording is.
	RecordingUnit string `envconfig:"RECORDING_UNIT" shape:"meant" desc:"unit of recordings' duration: seconds, minutes or milliseconds; unset: it stays as it is, in extras"`
	PollFirst     string `envconfig:"POLL_FIRST" default:"15s" desc:"wait between ordering a report and the first look at it"`
	PollEvery     string `envconfig:"POLL_EVERY" default:"5s" desc:"wait between two looks"`
	PostQuota     string `envconfig:"POST_QUOTA" default:"200/1h" desc:"reports that may be ordered in any such span"`
	Window        string `envconfig:"WINDOW" default:"1d" desc:"length of a window: 1h 6h 1d 7d 1mo 2mo 3mo 6mo 1y"`
	Settle        string `envconfig:"SETTLE" default:"6h" desc:"how long after its end a day is first asked"`
	Lookback      string `envconfig:"LOOKBACK" default:"3d" desc:"trailing span that every run reads again"`
	Rate          string `envconfig:"RATE" default:"20" desc:"requests per second; downloads from a host of their own do not count"`
	Timeout       string `envconfig:"TIMEOUT" default:"60s" desc:"how long one request may stay without an answer"`
}

// Settings is a [Config], understood.
type Settings struct {
	prefix string // of the variables, for messages
	url    *url.URL
	token  string
	zone   *time.Location
	asked
	pollFirst time.Duration
	pollEvery time.Duration
	quota     quota
	window    pipeline.Calendar
	pace      setting.Pace
}

// asked is what shapes the rows, beside the zone.
type asked struct {
	scopes        []scope           // what every stream asks, in order; never empty
	groupBy       string            // of calls_stats
	company       string            // of several that the key may read; empty: the key's only one
	trainees      bool              // coaching targets mean their trainees
	recordingUnit string            // of recordings' duration; empty: nobody knows it
	typed         map[string]string // all of them, by variable
}

// Configured reports whether the source is to be read.
func (c Config) Configured() bool { return strings.TrimSpace(c.Token) != "" }

// Settings parses c and lists everything that is wrong with it. prefix begins
// the variables' names in faults and hints: [Prefix], or that of an account.
func (c Config) Settings(prefix string) (*Settings, []pipeline.ConfigError) {
	r := setting.Read(prefix, c)
	s := &Settings{prefix: prefix, zone: time.UTC}
	if r.Required("TOKEN", "to read Dialpad", "") {
		s.token = r.Token("TOKEN")
	}
	s.url = readURL(r)
	if r.Required("TIMEZONE", "when "+prefix+"TOKEN is set", "America/Mexico_City") {
		s.zone = r.Zone("TIMEZONE", "America/Mexico_City")
	}
	s.groupBy = r.Text("GROUP_BY")
	if !slices.Contains([]string{byUser, byDate, byGroup}, s.groupBy) {
		r.Fault("GROUP_BY", fmt.Sprintf("is %q, which is none of user, date, group", s.groupBy), r.Default("GROUP_BY"))
	}
	s.scopes = readScopes(r, s.groupBy)
	s.company = readCompany(r)
	s.trainees = r.Flag("TRAINEES")
	s.recordingUnit = r.Text("RECORDING_UNIT")
	s.typed = r.Shape()
	if _, ok := recordingUnits[s.recordingUnit]; !ok {
		r.Fault("RECORDING_UNIT", fmt.Sprintf("is %q, which is none of seconds, minutes, milliseconds", s.recordingUnit), "seconds")
	}
	s.pollFirst = r.Duration("POLL_FIRST", 0)
	s.pollEvery = r.Duration("POLL_EVERY", time.Millisecond)
	var err error
	if s.quota, err = parseQuota(r.Text("POST_QUOTA")); err != nil {
		r.Fault("POST_QUOTA", fmt.Sprintf("is %q, which %s", c.PostQuota, err), r.Default("POST_QUOTA"))
	}
	hour := pipeline.Calendar{Unit: calendar.Hours, Every: 1, Zone: s.zone}
	day := pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: s.zone}
	s.window = r.Window("WINDOW", day, s.zone, hour, "an hour")
	s.pace = r.Pace()
	return s, r.Faults
}

// readURL reads the root of the API, which has a path.
func readURL(r *setting.Reader) *url.URL {
	u, err := url.Parse(r.Text("URL"))
	problem := ""
	switch {
	case err != nil:
		problem = "is not a URL" // err would repeat a password in it
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		problem = "must not have a query or a fragment"
	default:
		if err := httpclient.CheckURL(u); err != nil {
			problem = err.Error()
		}
	}
	if problem != "" {
		r.Fault("URL", problem, r.Default("URL"))
		return nil
	}
	return u
}

// readCompany reads the id of a company, one of the vendor's ids.
func readCompany(r *setting.Reader) string {
	company := r.Text("COMPANY_ID")
	if _, err := parseID(company); err != nil && company != "" {
		r.Fault("COMPANY_ID", fmt.Sprintf("is %q, which %s", company, err), "4567890123456789")
		return ""
	}
	return company
}

// asksTrainees tells whether a scope means the trainees of a coaching target.
func (s *Settings) asksTrainees(of scope) bool {
	return s.trainees && (of.target == coachingGroup || of.target == coachingTeam)
}

// readScopes tells what every stream asks: the targets, else the office, else
// the company.
func readScopes(r *setting.Reader, groupBy string) []scope {
	scopes := []scope{{}}
	if office := r.Text("OFFICE_ID"); office != "" {
		id, err := parseID(office)
		if err != nil {
			r.Fault("OFFICE_ID", fmt.Sprintf("is %q, which %s", office, err), "4567890123456789")
		}
		scopes = []scope{{kind: officeScope, id: id}}
	}
	if r.Given("TARGETS") {
		targets, err := parseTargets(r.Text("TARGETS"))
		if err != nil {
			r.Fault("TARGETS", err.Error(), "callcenter:123,department:456")
			return scopes
		}
		scopes = targets
	}
	notOffice := func(s scope) bool { return s.kind != officeScope && s.target != "office" }
	if i := slices.IndexFunc(scopes, notOffice); groupBy == byGroup && i >= 0 {
		r.Fault("GROUP_BY", fmt.Sprintf("is \"group\", which the vendor answers for an office alone and not for %s: set %sOFFICE_ID and no other targets",
			scopes[i], r.Prefix), r.Default("GROUP_BY"))
	}
	return scopes
}

// RealVendor tells whether the URL is the vendor's own service, whose clock no
// argument can set.
func (s *Settings) RealVendor() bool {
	host := strings.ToLower(strings.TrimSuffix(s.url.Hostname(), "."))
	return host == "dialpad.com" || strings.HasSuffix(host, ".dialpad.com")
}
