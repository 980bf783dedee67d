package dialpad

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

// Options are what a [Source] needs besides its settings.
type Options = connectors.Options

// Source is one Dialpad company.
type Source struct {
	set      *Settings
	account  pipeline.AccountID
	clock    pipeline.Clock
	now      func() time.Time
	client   *httpclient.Client
	posts    *postLimiter
	pilots   pilots
	served   served
	meeting  chan struct{} // held by who asks whether the vendor is there
	streams  []pipeline.Stream
	made     time.Time // when the source was made, by now
	madeThen time.Time // the same moment by clock
}

var _ pipeline.Source = (*Source)(nil)

// New returns the source of one account.
func New(s *Settings, o Options) (*Source, error) {
	if s == nil {
		return nil, &pipeline.Error{Op: "dialpad", Kind: pipeline.Invalid, Err: errors.New("the source is not configured")}
	}
	o, err := o.Complete()
	if err != nil {
		return nil, err
	}
	if o.Tasks > 1 && o.Task == "" {
		return nil, &pipeline.Error{Op: "dialpad", Kind: pipeline.Internal, Err: errors.New("a process that shares the quota of reports has no name")}
	}
	client, err := httpclient.New(httpclient.Options{
		Base: s.url, Variable: s.prefix + "URL", Rate: o.Rate(s.pace.Rate), Timeout: s.pace.Timeout, RetryFor: o.RetryFor,
		Transport: o.Transport, Now: o.Now, Warn: o.Warn, HideValues: []string{s.token}, Policy: o.Policy,
	})
	if err != nil {
		return nil, err
	}
	src := &Source{
		set: s, account: o.Account, clock: o.Clock, now: o.Now, client: client, meeting: make(chan struct{}, 1),
		streams: connectors.OfAccount(Streams(s, o.Account, o.Policy), client.Mask(), func() pipeline.Owner { return client.Owner(s.company) }), made: o.Now(), madeThen: o.Clock(),
	}
	src.posts = newPostLimiter(s.quota, src.tenant(), o)
	return src, nil
}

// Streams lists the account's streams.
func (s *Source) Streams() []pipeline.Stream { return s.streams }

func (s *Source) tenant() pipeline.TenantKey {
	return pipeline.TenantKey{Source: SourceID, Account: s.account}
}

// timeless tells whether the rows of a stream carry no time of their own.
func (s *Source) timeless(id pipeline.StreamID) bool {
	e, ok := exportOf(id)
	return ok && e.grouping(s.set) == byGroup
}

// clockStands tells whether the planning clock is a fixed one, which no midnight
// comes over.
func (s *Source) clockStands() bool {
	return s.clock().Equal(s.madeThen) && !s.now().Equal(s.made)
}

// meet makes Check's call before the first POST, unless the vendor has answered
// something already: what the answer tells of this machine's clock and of the key
// must be known before a POST is noted and counts. Of requests that meet the
// vendor at once one asks.
func (s *Source) meet(ctx context.Context, notify func(string, time.Time)) error {
	select {
	case s.meeting <- struct{}{}:
		defer func() { <-s.meeting }()
	case <-ctx.Done():
		return stopped(ctx)
	}
	if heard, err := s.client.Heard(); heard {
		return err
	}
	err := s.probe(ctx, notify)
	switch pipeline.KindOf(err) {
	case pipeline.Refused, pipeline.Malformed, pipeline.TooHeavy:
		return nil // it has answered; what it says to a POST counts
	}
	return err
}

// probe asks for the report that cannot exist. With notify it waits while the
// vendor throttles.
func (s *Source) probe(ctx context.Context, notify func(string, time.Time)) error {
	return s.explain(s.lookAtNothing(ctx, s.credential(), notify))
}

// endpoint is /stats, or /stats/{id}.
func (s *Source) endpoint(id ...string) *url.URL {
	return s.set.url.JoinPath(append([]string{"stats"}, id...)...)
}

// header is what every request to the API carries, and more: name and value.
func (s *Source) header(more ...string) http.Header {
	h := http.Header{"Accept": {"application/json"}}
	if s.set.company != "" {
		h.Set("DP-Company-ID", s.set.company)
	}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func (s *Source) credential() string { return "Bearer " + s.set.token }

// explain adds a hint to an error that has none.
func (s *Source) explain(err error) error {
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	said := *e
	switch e.Kind {
	case pipeline.Unauthorized:
		said.Hint = "check " + s.set.prefix + "TOKEN: it must be an API key that a company admin made and that has not expired"
	case pipeline.Refused:
		said.Hint = "check " + s.set.prefix + "URL, _TIMEZONE, _OFFICE_ID and _TARGETS"
	case pipeline.Unavailable, pipeline.Throttled:
		said.Hint = "the next sync tries again"
	default:
		return err
	}
	return &said
}

// statusOf is the HTTP status behind err, 0 if there is none, and whether the
// configured host gave it.
func statusOf(err error) (code int, fromBase bool) {
	var s *httpclient.StatusError
	if !errors.As(err, &s) {
		return 0, false
	}
	return s.Code, s.FromBase
}
