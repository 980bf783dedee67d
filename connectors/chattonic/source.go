package chattonic

import (
	"golang.org/x/sync/semaphore"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
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
	inbox   *npsInbox // nil: none
}

var _ pipeline.Source = (*Source)(nil)

// New returns the source of one account. s is without faults.
func New(s *Settings, o Options) (*Source, error) {
	o, err := o.Complete()
	if err != nil {
		return nil, err
	}
	c, err := httpclient.New(httpclient.Options{
		Base: s.url, Variable: s.prefix + "URL", Rate: o.Rate(s.pace.Rate), Timeout: s.pace.Timeout, RetryFor: o.RetryFor,
		Transport: o.Transport, Now: o.Now, Warn: o.Warn, HideValues: s.secrets(), Policy: o.Policy,
	})
	if err != nil {
		return nil, err
	}
	source := &Source{set: s, opt: o, client: c, session: newSession(s, c, o.Now), calls: semaphore.NewWeighted(int64(o.Share(callsAtOnce)))}
	if s.nps.placed() {
		source.inbox = &npsInbox{
			place: s.nps.newPlace(s, o, c.Mask()), format: npsFormat(s, o.Policy), zone: s.responseZone, now: o.Now, clock: o.Clock,
			window: s.window, lookback: s.pace.Lookback, lock: make(chan struct{}, 1),
		}
	}
	return source, nil
}

// Streams lists the account's streams.
func (s *Source) Streams() []pipeline.Stream {
	return connectors.OfAccount(Streams(s.set, s.opt.Account, s.opt.Policy), s.client.Mask(), s.owner)
}

// owner is the host and the bot, whose codename a login may have to tell.
func (s *Source) owner() pipeline.Owner { return s.client.Owner(s.session.codename()) }
