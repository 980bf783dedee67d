package chattonic

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Prefix begins the names of the variables of the source's default account.
const Prefix = "WINDROW_CHATTONIC_"

// Config holds the variables as they were typed, without their prefix.
type Config struct {
	URL             string `envconfig:"URL" own:"true" desc:"root of the Chat-Tonic host, which the vendor tells you; required with credentials"`
	Codename        string `envconfig:"CODENAME" desc:"the bot's codename; required with a token, found by itself with a login"`
	Token           string `envconfig:"TOKEN" own:"true" desc:"access token; setting it, or user name and password, configures the source"`
	Username        string `envconfig:"USERNAME" own:"true" desc:"user name of a login, instead of a token"`
	Password        string `envconfig:"PASSWORD" own:"true" desc:"password of that login"`
	Timezone        string `envconfig:"TIMEZONE" desc:"IANA zone in which days are cut; required with credentials"`
	DateFormatGroup string `envconfig:"DATE_FORMAT_GROUP" shape:"asked" default:"%Y-%m-%d %H" desc:"interval of a dashboard row, as its label: %Y, %m, %d, %H, %M and what stands between them"`
	ResponseZone    string `envconfig:"RESPONSE_TIMEZONE" shape:"asked" default:"UTC" desc:"IANA zone of the dashboard's labels"`
	DurationUnit    string `envconfig:"DURATION_UNIT" shape:"meant" desc:"unit of the operators' durations: seconds or minutes; unset: their columns stay null and the raw values are kept"`
	NPSFrom         string `envconfig:"NPS_FROM" own:"true" desc:"inbox of the NPS exports: imaps://user@host/Folder, or a folder or gs://… or s3://… with .eml, .csv and .xlsx; chattonic.nps needs it"`
	NPSPassword     string `envconfig:"NPS_PASSWORD" own:"true" desc:"password of that mailbox"`
	NPSColumns      string `envconfig:"NPS_COLUMNS" shape:"meant" desc:"the export's columns: score=Puntuación,date=Fecha,text=Comentario; score is required with NPS_FROM"`
	NPSRequest      string `envconfig:"NPS_REQUEST" default:"false" desc:"true: each sync asks the vendor to mail the export, at most once for each window"`
	Window          string `envconfig:"WINDOW" desc:"span that is read and committed as one: 1h, 6h, 1d, 7d, 1mo, 2mo, 3mo, 6mo, 1y, a multiple of the dashboard's interval; unset: 1d, or that interval where it is longer"`
	Settle          string `envconfig:"SETTLE" default:"2h" desc:"after a window's end, when its numbers stop changing"`
	Lookback        string `envconfig:"LOOKBACK" default:"2d" desc:"trailing span that every run reads again"`
	Rate            string `envconfig:"RATE" default:"5" desc:"requests per second"`
	Timeout         string `envconfig:"TIMEOUT" default:"2m" desc:"longest wait for an answer to begin, and for its next bytes"`
}

const (
	exampleURL  = "https://api.chat-tonic.example"
	exampleZone = "America/Argentina/Buenos_Aires"
)

// Configured reports whether the source is to be read.
func (c Config) Configured() bool {
	return strings.TrimSpace(c.Token+c.Username+c.Password) != ""
}

// credentials are a token, or user name and password, and whose they are.
type credentials struct {
	token    string // empty: log in
	username string
	password string
	codename string // empty: the login tells it
}

// Settings is a Config, understood.
type Settings struct {
	prefix       string
	shape        map[string]string // of the rows
	url          *url.URL
	credentials  credentials
	zone         *time.Location
	format       string
	grain        pipeline.Calendar // the dashboard's intervals, in the zone of its labels
	unfit        string            // why the dashboard cannot be read with these settings; empty when it can
	responseZone *time.Location
	unit         string
	window       pipeline.Calendar // the operators'
	dashWindow   pipeline.Calendar // the dashboard's
	nps          *npsSettings      // nil: no inbox
	pace         setting.Pace
}

// Settings parses c and lists everything that is wrong with it. prefix begins
// the variables' names in faults and hints: [Prefix], or that of an account.
func (c Config) Settings(prefix string) (*Settings, []pipeline.ConfigError) {
	r := setting.Read(prefix, c)
	s := &Settings{prefix: prefix, shape: r.Shape(), zone: time.UTC}
	because := "when Chat-Tonic's credentials are set"
	s.credentials = readCredentials(r)
	if r.Required("URL", because, exampleURL) {
		s.url = r.Root("URL", exampleURL)
	}
	if r.Required("TIMEZONE", because, exampleZone) {
		s.zone = r.Zone("TIMEZONE", exampleZone)
	}
	s.responseZone = r.Zone("RESPONSE_TIMEZONE", r.Default("RESPONSE_TIMEZONE"))
	switch s.unit = r.Text("DURATION_UNIT"); s.unit {
	case "", "seconds", "minutes":
	default:
		r.Fault("DURATION_UNIT", fmt.Sprintf("is %q, which is neither seconds nor minutes", s.unit), "minutes")
	}
	s.readWindows(r)
	s.nps = readNPS(r)
	s.pace = r.Pace()
	return s, r.Faults
}

// readCredentials reads a token, or user name and password, and the codename.
func readCredentials(r *setting.Reader) credentials {
	c := credentials{token: r.Token("TOKEN"), username: r.Secret("USERNAME"), password: r.Secret("PASSWORD"), codename: r.Text("CODENAME")}
	login := r.Given("USERNAME") || r.Given("PASSWORD")
	switch {
	case r.Given("TOKEN") && login:
		r.Fault("TOKEN", "is set beside a user name or a password: set one of the two", "")
	case r.Given("TOKEN"):
		r.Required("CODENAME", "when "+r.Prefix+"TOKEN is set", "acme")
	case login:
		r.Required("USERNAME", "when "+r.Prefix+"PASSWORD is set", "reports@acme.example")
		r.Required("PASSWORD", "when "+r.Prefix+"USERNAME is set", "")
	default:
		r.Fault("TOKEN", "is required to read Chat-Tonic, or "+r.Prefix+"USERNAME and "+r.Prefix+"PASSWORD", "")
	}
	if c.codename != "" && !validCodename(c.codename) {
		r.Fault("CODENAME", "cannot stand in a URL's path", "acme")
	}
	return c
}

// validCodename keeps a codename one part of a path.
func validCodename(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsFunc(s, func(c rune) bool { return c == '/' || c == '\\' || unicode.IsControl(c) })
}

// readWindows reads the dashboard's intervals and the windows of both streams.
// A window must hold whole intervals, and these are of the labels' zone.
func (s *Settings) readWindows(r *setting.Reader) {
	s.format = r.Text("DATE_FORMAT_GROUP")
	unit, every, err := finest(s.format)
	if err != nil {
		r.Fault("DATE_FORMAT_GROUP", fmt.Sprintf("is %q, which %s", s.format, err), r.Default("DATE_FORMAT_GROUP"))
		s.format = r.Default("DATE_FORMAT_GROUP")
		unit, every, _ = finest(s.format)
	}
	s.grain = pipeline.Calendar{Unit: unit, Every: every, Zone: s.responseZone}
	local := pipeline.Calendar{Unit: unit, Every: every, Zone: s.zone}
	day := pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: s.zone}
	s.window = r.Window("WINDOW", day, s.zone, local, fmt.Sprintf("the interval of %sDATE_FORMAT_GROUP, %q", r.Prefix, s.format))
	s.dashWindow = s.window
	if !r.Given("WINDOW") && !day.Multiple(local) {
		s.dashWindow = local
	}
	if s.dashWindow.Multiple(s.grain) {
		return
	}
	s.unfit = fmt.Sprintf("groups by intervals of %sRESPONSE_TIMEZONE (%s), and a window of %s holds no whole number of them", r.Prefix, s.responseZone, s.zone)
	if s.format != r.Default("DATE_FORMAT_GROUP") || s.responseZone.String() != r.Default("RESPONSE_TIMEZONE") {
		r.Fault("DATE_FORMAT_GROUP", fmt.Sprintf("%s; where the vendor's labels are of your zone, set %sRESPONSE_TIMEZONE=%s, else name shorter intervals", s.unfit, r.Prefix, s.zone), "%Y-%m-%d %H:%M")
	}
}

// directives are the parts of a label that are understood, coarsest first,
// with the interval that a label ending there names.
var directives = []struct {
	letter byte
	unit   calendar.Unit
	every  int
}{
	{'Y', calendar.Months, 12}, {'m', calendar.Months, 1}, {'d', calendar.Days, 1}, {'H', calendar.Hours, 1}, {'M', calendar.Minutes, 1},
}

// finest returns the interval that a strftime format tells apart. The format
// must name every coarser part too, or its labels would repeat.
func finest(format string) (calendar.Unit, int, error) {
	seen := map[byte]bool{}
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case c < ' ' || c > '~':
			return 0, 0, fmt.Errorf("holds a character that is not plain ASCII")
		case c != '%':
			continue
		}
		i++
		if i == len(format) || !strings.Contains("YmdHM", format[i:i+1]) {
			return 0, 0, fmt.Errorf("has a directive other than %%Y, %%m, %%d, %%H and %%M")
		}
		if seen[format[i]] {
			return 0, 0, fmt.Errorf("has %%%c twice", format[i])
		}
		seen[format[i]] = true
	}
	last := -1
	for i, d := range directives {
		if seen[d.letter] {
			last = i
		}
	}
	for i := range max(last, 1) {
		if d := directives[i]; !seen[d.letter] {
			return 0, 0, fmt.Errorf("lacks %%%c", d.letter)
		}
	}
	return directives[last].unit, directives[last].every, nil
}
