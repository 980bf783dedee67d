package chattonic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const utcMillis = "2006-01-02T15:04:05.000Z"

// Fetch yields the one body that answers r. It counts as one of
// the few calls under way from the request until the answer is read.
func (s *Source) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	from, ok := endpointOf(r.Stream)
	if !ok {
		return &pipeline.Error{Op: "fetch", Stream: r.Stream, Kind: pipeline.Internal, Err: errors.New("not a stream that Chat-Tonic is asked for")}
	}
	if r.Stream == NPS && s.inbox != nil {
		return s.fetchNPS(ctx, r, env, yield)
	}
	if err := s.calls.Acquire(ctx, 1); err != nil {
		return &pipeline.Error{Op: "fetch", Stream: r.Stream, Window: r.Span, Kind: pipeline.Stopped, Err: err}
	}
	defer s.calls.Release(1)

	meta := s.meta(r)
	notify := connectors.Notifier(env, r)
	answer, err := httpclient.Prefetch(ctx, func(ctx context.Context) (answer *httpclient.Response, err error) {
		err = s.withAccess(ctx, notify, func(a access) error {
			meta.Request.Resources = []string{a.codename} // a login may have told it
			call := s.call(a, from, r.Span)
			call.Notify = notify
			answer, err = s.client.Do(ctx, call)
			return err
		})
		return answer, locate(s.advise(err), r.Stream, r.Span)
	})
	if err != nil {
		return err
	}
	defer answer.Close()
	return yield(pipeline.Body{Meta: meta, Open: answer.Open})
}

// meta describes the body that answers r.
func (s *Source) meta(r pipeline.Request) pipeline.Meta {
	m := pipeline.Meta{
		Request:     r,
		Span:        r.Span,
		ExtractedAt: pipeline.InstantOf(s.opt.Clock()),
		ReadAt:      pipeline.InstantOf(s.opt.Now()),
	}
	switch r.Stream {
	case Dashboard:
		m.Group, m.ResponseZone = s.set.format, s.set.responseZone.String()
	case NPS:
		m.ResponseZone = s.set.responseZone.String()
	}
	return m
}

// withAccess calls with a token and, when the vendor no longer takes it, once
// more with that of a new login.
func (s *Source) withAccess(ctx context.Context, notify func(string, time.Time), call func(access) error) error {
	a, err := s.session.access(ctx, "", notify)
	if err != nil {
		return err
	}
	err = call(a)
	if !s.session.canRenew() || !answered(err, http.StatusUnauthorized) {
		return err
	}
	if a, err = s.session.access(ctx, a.token, notify); err != nil {
		return err
	}
	return call(a)
}

func answered(err error, code int) bool {
	var status *httpclient.StatusError
	return errors.As(err, &status) && status.FromBase && status.Code == code
}

// call is the GET of a stream's statistics, as on the vendor's Stats page: both
// ends are UTC with milliseconds, and the last one is read as included.
func (s *Source) call(a access, from endpoint, span pipeline.Span) httpclient.Request {
	params := [][2]string{}
	switch from.stream {
	case Dashboard:
		params = append(params, [2]string{"dateFormatGroup", s.set.format}, [2]string{"queryName", "dashboard"})
	case NPS:
		params = append(params, [2]string{"typeUser", "all"})
	}
	params = append(params,
		[2]string{"startDate", span.Start.Time().Format(utcMillis)},
		[2]string{"endDate", span.End.Add(-time.Millisecond).Time().Format(utcMillis)})
	var query strings.Builder
	for i, p := range params {
		if i > 0 {
			query.WriteByte('&')
		}
		query.WriteString(p[0] + "=" + strings.ReplaceAll(url.QueryEscape(p[1]), "+", "%20"))
	}
	return httpclient.Request{
		Op:     "GET " + from.path,
		Method: http.MethodGet,
		URL: &url.URL{
			Path:     "/api/v1/" + a.codename + "/" + from.path,
			RawPath:  "/api/v1/" + url.PathEscape(a.codename) + "/" + from.path,
			RawQuery: query.String(),
		},
		Header:     http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Credential: "Bearer " + a.token,
	}
}

// advise adds what a person can do.
func (s *Source) advise(err error) error {
	var e *pipeline.Error
	var status *httpclient.StatusError
	if !errors.As(err, &e) || e.Hint != "" || !errors.As(e, &status) {
		return err
	}
	p := s.set.prefix
	switch {
	case !status.FromBase:
		e.Hint = fmt.Sprintf("the answer came after a redirect, which the token does not follow: check %sURL", p)
	case status.Code == http.StatusUnauthorized && s.session.canRenew():
		e.Hint = "the vendor does not take the token of a login made just now"
	case status.Code == http.StatusUnauthorized:
		e.Hint = fmt.Sprintf("%sTOKEN is wrong or over; set %sUSERNAME and %sPASSWORD to have it renewed", p, p, p)
	case status.Code == http.StatusForbidden:
		e.Hint = fmt.Sprintf("the user may not read the statistics of this bot: check %sCODENAME", p)
	case status.Code == http.StatusNotFound:
		e.Hint = fmt.Sprintf("check %sCODENAME, and that %sURL is the root of the Chat-Tonic host", p, p)
	case status.Code == http.StatusRequestTimeout:
		e.Hint = fmt.Sprintf("the vendor took too long: set a shorter %sWINDOW", p)
	}
	return err
}

// locate adds where an error happened. A refused login is shared by all
// windows, so the error is copied.
func locate(err error, stream pipeline.StreamID, span pipeline.Span) error {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err
	}
	at := *e
	at.Stream, at.Window = stream, span
	return &at
}
