package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/transforms"
)

// acme is a whole connector: one stream, calls, that GET /calls answers as JSON.
type acme struct {
	connectors.Options
	client *httpclient.Client
	token  string
}

func newAcme(base *url.URL, token string, o connectors.Options) (*acme, error) {
	o, err := o.Complete()
	if err != nil {
		return nil, err
	}
	client, err := httpclient.New(httpclient.Options{Base: base, RetryFor: o.RetryFor, Transport: o.Transport, Now: o.Now, HideValues: []string{token}})
	return &acme{Options: o, client: client, token: token}, err
}

// calls says what the members of a call mean.
var calls = transforms.Mapping{
	Table: pipeline.Events,
	Fields: []transforms.Field{
		{Source: "began", Conv: transforms.Custom},
		{Source: "id", Column: "event_id"},
		{Source: "seconds", Column: "talk_seconds", Conv: transforms.Number},
	},
	Row: func(r *transforms.Row) {
		if times := r.Times(-1, 0); times != nil {
			r.At(times[0])
			r.SetInstant(pipeline.Events.Index("started_at"), times[0])
			r.SetString(pipeline.Events.Index("kind"), "call")
		}
	},
}

func (a *acme) Streams() []pipeline.Stream {
	return []pipeline.Stream{{
		Key:      pipeline.StreamKey{Account: a.Account, Stream: "acme.calls"},
		Table:    pipeline.Events,
		Calendar: pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: time.UTC},
		Format:   transforms.NewJSON(calls, transforms.JSONOptions{}, a.Policy),
		Settings: "1",
		Owner:    func() pipeline.Owner { return a.client.Owner("") },
	}}
}

func (a *acme) Plan(s pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	plan := make([]pipeline.Extraction, len(due))
	for i, w := range due {
		r := pipeline.Request{
			Tenant: pipeline.TenantKey{Source: "acme", Account: a.Account}, Stream: s.Key.Stream, Windows: due[i : i+1], Span: w.Span, Zone: "UTC",
		}
		plan[i] = pipeline.Extraction{Windows: r.Windows, Requests: []pipeline.Request{r}}
	}
	return plan
}

func (a *acme) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	meta := pipeline.Meta{Request: r, Span: r.Span, ExtractedAt: pipeline.InstantOf(a.Clock()), ReadAt: pipeline.InstantOf(a.Now()), ResponseZone: "UTC"}
	answer, err := httpclient.Prefetch(ctx, func(ctx context.Context) (*httpclient.Response, error) {
		return a.client.Do(ctx, a.get(r.Span, connectors.Notifier(env, r)))
	})
	if err != nil {
		return advise(err)
	}
	defer answer.Close()
	return yield(pipeline.Body{Meta: meta, Open: answer.Open})
}

func (a *acme) Check(ctx context.Context) error {
	var list []any
	return advise(a.client.JSON(ctx, a.get(pipeline.Span{}, nil), &list))
}

func (a *acme) get(s pipeline.Span, notify func(string, time.Time)) httpclient.Request {
	query := url.Values{"from": {s.Start.String()}, "to": {s.End.String()}}
	return httpclient.Request{
		Op: "GET /calls", Method: http.MethodGet, URL: &url.URL{Path: "/calls", RawQuery: query.Encode()},
		Credential: "Bearer " + a.token, Notify: notify,
	}
}

// advise says what helps where the vendor refuses the token.
func advise(err error) error {
	if e := new(pipeline.Error); errors.As(err, &e) && e.Kind == pipeline.Unauthorized {
		e.Hint = "check the token"
	}
	return err
}

// A connector passes the suite together with a handler that answers as its vendor does.
func TestAWholeConnectorKeepsEveryPromise(t *testing.T) {
	vendor := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `[{"id":"1","began":%q,"seconds":12.5}]`, r.FormValue("from"))
	}
	connectortest.Run(t, func(t *testing.T) connectortest.Setup {
		v := connectortest.Serve(t, http.HandlerFunc(vendor), "/calls")
		base, err := url.Parse(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		source, err := newAcme(base, "s3cr3t", connectors.Options{Account: "mx", Clock: v.Clock, Now: v.Clock, RetryFor: time.Minute, Transport: v.Transport})
		if err != nil {
			t.Fatal(err)
		}
		return v.Setup(connectortest.Setup{Source: source, Account: "mx", Secrets: []string{"s3cr3t"}})
	})
}
