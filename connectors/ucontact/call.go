package ucontact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	statsPath = "/api/stats"
	statsOp   = "POST " + statsPath
	wallClock = "2006-01-02 15:04:05"
)

// statsQuery is one call of the Stats API.
type statsQuery struct {
	stats statsType
	span  pipeline.Span
	zone  *time.Location
	group string
	names []string
	// channels narrows the configured ones; nil: all of them
	channels []string
}

// parameters writes the query of the URL. Blanks become %20: the vendor's own
// examples encode them so, and "+" is not every server's blank.
func (s *Settings) parameters(q statsQuery) string {
	params := [][2]string{
		{"type", q.stats.name},
		{"initialdate", q.span.Start.In(q.zone).Format(wallClock) + " " + q.zone.String()},
		// inclusive to the second, as in the vendor's samples
		{"finaldate", q.span.End.Add(-time.Second).In(q.zone).Format(wallClock) + " " + q.zone.String()},
		{"groupnum", q.group},
	}
	if channels := s.channels; q.stats.byChannel {
		if q.channels != nil {
			channels = q.channels
		}
		params = append(params, [2]string{"channels", strings.Join(channels, ",")})
	}
	if metrics := q.stats.resources(s).metrics; len(metrics) > 0 {
		params = append(params, [2]string{"metrics", strings.Join(metrics, ",")})
	}
	params = append(params, [2]string{"byResource", "true"})
	if q.stats.byChannel {
		params = append(params, [2]string{"byChannel", "true"})
	}
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p[0])
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(p[1]), "+", "%20"))
	}
	return b.String()
}

// body is the JSON document: one string, the names between commas.
func (q statsQuery) body() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // campaign names end in "<-"
	err := e.Encode(struct {
		Stats string `json:"stats"`
	}{strings.Join(q.names, ",")})
	return bytes.TrimSpace(b.Bytes()), err
}

// post sends q. Its errors say what a person can do.
func (s *Source) post(ctx context.Context, q statsQuery, finish func(*httpclient.Request)) (*httpclient.Response, error) {
	r, err := s.request(q)
	if err != nil {
		return nil, err
	}
	finish(&r)
	answer, err := s.client.Do(ctx, r)
	return answer, s.advise(err, q)
}

func (s *Source) request(q statsQuery) (httpclient.Request, error) {
	body, err := q.body()
	if err != nil {
		return httpclient.Request{}, &pipeline.Error{Op: statsOp, Kind: pipeline.Invalid, Err: errors.New("the names cannot be written as JSON")}
	}
	return httpclient.Request{
		Op: statsOp, Method: http.MethodPost,
		URL:        &url.URL{Path: statsPath, RawQuery: s.set.parameters(q)},
		Header:     http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:       body,
		Credential: "Bearer " + s.set.token,
	}, nil
}

// advise adds to an error where it happened and what helps.
func (s *Source) advise(err error, q statsQuery) error {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err
	}
	e.Stream, e.Window = q.stats.stream, q.span
	if e.Hint != "" {
		return err
	}
	var status *httpclient.StatusError
	if !errors.As(e, &status) {
		return err
	}
	p := s.set.prefix
	switch {
	case !status.FromBase:
		e.Hint = fmt.Sprintf("the answer came after a redirect, which the token does not follow: check %sURL", p)
	case status.Code == http.StatusUnauthorized:
		e.Hint = fmt.Sprintf("%sTOKEN is wrong or revoked: make an API token in the user menu of the portal", p)
	case status.Code == http.StatusForbidden:
		e.Hint = fmt.Sprintf("the user who made %sTOKEN may not see these statistics", p)
	case status.Code == http.StatusNotFound:
		e.Hint = fmt.Sprintf("there is no Stats API at %sURL: it must be the root of the uContact host", p)
	case status.Code == http.StatusBadRequest:
		e.Hint = fmt.Sprintf("the vendor did not take the parameters: check the names in %[1]s%[2]s, and %[1]sCHANNELS, %[1]sGROUPNUM and the metrics", p, q.stats.variable)
	}
	return err
}
