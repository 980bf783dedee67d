package chattonic

import (
	"golang.org/x/sync/semaphore"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	// SourceID is the vendor's name in the tables.
	SourceID pipeline.SourceID = "chattonic"

	Operators pipeline.StreamID = "chattonic.operators"
	Dashboard pipeline.StreamID = "chattonic.dashboard"
	NPS       pipeline.StreamID = "chattonic.nps"

	// mappingVersion is raised when mapping.go changes what rows look like, so
	// that windows read before are listed as changed.
	mappingVersion = 1
)

// callsAtOnce bounds the calls that the vendor works on for us; each is held
// open until its answer is read.
const callsAtOnce = 4

// Options are what a [Source] needs besides its settings.
type Options = connectors.Options

// Source is one Chat-Tonic bot. It implements [pipeline.Source].
type Source struct {
	set     *Settings
	opt     Options
	client  *httpclient.Client
	session *session
	calls   *semaphore.Weighted
}

var _ pipeline.Source = (*Source)(nil)

// New returns the source of one account. s is without faults.
func New(s *Settings, o Options) (*Source, error) {
	o = o.WithDefaults()
	c, err := httpclient.New(httpclient.Options{
		Base: s.url, Rate: o.Rate(s.rate), Timeout: s.timeout, RetryFor: o.RetryFor,
		Transport: o.Transport, Now: o.Now, HideValues: []string{s.token, s.password},
	})
	if err != nil {
		return nil, err
	}
	return &Source{set: s, opt: o, client: c, session: newSession(s, c, o.Now), calls: semaphore.NewWeighted(int64(o.Part(callsAtOnce)))}, nil
}

// Streams lists what the source offers; s is nil when it is not configured.
func Streams(s *Settings, account pipeline.AccountID) []pipeline.Stream {
	missing := []string(nil)
	if s == nil {
		missing = []string{Prefix + "TOKEN (or " + Prefix + "USERNAME and " + Prefix + "PASSWORD)", Prefix + "URL", Prefix + "TIMEZONE"}
		s, _ = Config{}.Settings(Prefix)
	}
	stream := func(id pipeline.StreamID) pipeline.Stream {
		return pipeline.Stream{
			Key:      pipeline.StreamKey{Account: account, Stream: id},
			Table:    pipeline.Activity,
			Calendar: s.window,
			Settle:   s.settle,
			Lookback: s.lookback,
			Settings: s.digest(id),
			Missing:  missing,
		}
	}
	operators := stream(Operators)
	operators.Format = newOperatorsFormat(s.unit)

	dashboard := stream(Dashboard)
	dashboard.Format = newDashboardFormat()
	dashboard.Calendar, dashboard.Grain = s.dashWindow, s.grain
	if len(missing) == 0 && s.unfit != "" {
		dashboard.Missing = []string{s.prefix + "DATE_FORMAT_GROUP (it " + s.unfit + ")"}
	}

	nps := stream(NPS)
	nps.Table = pipeline.Events
	nps.Missing = []string{"an inbox for the vendor's e-mail, which this build does not read"}
	return []pipeline.Stream{operators, dashboard, nps}
}

// Streams lists the account's streams.
func (s *Source) Streams() []pipeline.Stream { return Streams(s.set, s.opt.Account) }
