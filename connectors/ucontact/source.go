package ucontact

import (
	"golang.org/x/sync/semaphore"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

// callsAtOnce bounds the calls that the vendor's database works on for us;
// each is held open until its answer is read.
const callsAtOnce = 4

// Options are what a [Source] needs besides its settings.
type Options = connectors.Options

// Source is one uContact account. It implements [pipeline.Source].
type Source struct {
	set    *Settings
	opt    Options
	client *httpclient.Client
	calls  *semaphore.Weighted
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
		Transport: o.Transport, Now: o.Now, Warn: o.Warn, HideValues: []string{s.token}, Policy: o.Policy,
	})
	if err != nil {
		return nil, err
	}
	return &Source{set: s, opt: o, client: c, calls: semaphore.NewWeighted(int64(o.Share(callsAtOnce)))}, nil
}

// Streams lists the account's streams.
func (s *Source) Streams() []pipeline.Stream {
	return connectors.OfAccount(Streams(s.set, s.opt.Account, s.opt.Policy), s.client.Mask(), s.owner)
}

// owner is the host: a uContact customer has one of its own.
func (s *Source) owner() pipeline.Owner { return s.client.Owner("") }
