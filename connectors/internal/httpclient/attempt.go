package httpclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const maxRedirects = 10

// errSlow ends an attempt whose headers or next body bytes did not arrive in time.
var errSlow = errors.New("nothing arrived in time")

// attempt sends r once and follows redirects. The credential goes along with
// the first hop only, and only to Base.
func (c *Client) attempt(ctx context.Context, r Request) (*Response, error) {
	if _, err := c.Heard(); err != nil {
		return nil, err
	}
	c.secret.learn(r.Credential, r.URL)
	at := c.resolve(r.URL)
	if err := CheckURL(at); err != nil {
		return nil, &pipeline.Error{Op: r.Op, Kind: pipeline.Refused, Err: fmt.Errorf("the address %w", err)}
	}
	if err := c.links.check(at); err != nil {
		return nil, inward(r.Op)
	}
	h := hop{method: r.Method, url: at, body: r.Body, header: r.Header, first: true}
	for range maxRedirects + 1 {
		answer, next, err := c.hop(ctx, r, h)
		if err != nil || next == nil {
			return answer, err
		}
		h = *next
	}
	return nil, &pipeline.Error{Op: r.Op, Kind: pipeline.Refused, Err: fmt.Errorf("more than %d redirects", maxRedirects)}
}

// resolve completes a URL without a host: its path is put behind Base's.
func (c *Client) resolve(u *url.URL) *url.URL {
	if u.Host != "" || u.Scheme != "" {
		return u
	}
	full := *c.base
	full.Path = strings.TrimSuffix(c.base.Path, "/") + u.Path
	full.RawPath = strings.TrimSuffix(c.base.EscapedPath(), "/") + u.EscapedPath()
	full.RawQuery = u.RawQuery
	return &full
}

// hop is one request of a chain of redirects.
type hop struct {
	method string
	url    *url.URL
	body   []byte
	header http.Header
	first  bool
}

// hop sends one request. It returns an answer, or where to go next, or an error.
func (c *Client) hop(ctx context.Context, r Request, h hop) (answer *Response, next *hop, err error) {
	asked := c.now()
	if err := c.awaitRate(ctx, h.url, r.Since); err != nil {
		return nil, nil, stopped(r.Op, err)
	}
	pipeline.TellWait(ctx, pipeline.WaitRate, asked, c.now())
	own, cancel := context.WithCancelCause(ctx)
	req, err := c.newRequest(own, r, h)
	if err != nil {
		cancel(nil)
		return nil, nil, &pipeline.Error{Op: r.Op, Kind: pipeline.Invalid, Err: errors.New("the request cannot be formed")}
	}
	slow := newWatch(c.timeout, func() { cancel(errSlow) })
	slow.arm()
	sent := c.now()
	defer func() { c.tell(ctx, r, h, sent, err) }()
	resp, err := c.transport.RoundTrip(req)
	slow.disarm()
	if err != nil {
		err = c.transportError(ctx, own, r, err)
		cancel(nil)
		return nil, nil, err
	}
	if err := c.clock.Hear(r.Op, h.url.Hostname(), resp.Header, sent); err != nil {
		resp.Body.Close() //nolint:errcheck // nobody reads it
		cancel(nil)
		return nil, nil, err
	}
	if err := c.notReady(r, resp.StatusCode, resp.Header, sameOrigin(h.url, c.base)); err != nil {
		resp.Body.Close() //nolint:errcheck // it is not the answer
		cancel(nil)
		return nil, nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		body, err := c.newBody(ctx, own, cancel, r, resp)
		if err != nil {
			return nil, nil, err
		}
		return &Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: body}, nil, nil
	}
	defer cancel(nil)
	defer resp.Body.Close()
	if redirects(resp) && !r.Once {
		next, err := c.redirect(r, h, resp)
		return nil, next, err
	}
	text := c.errorPage(resp, func() { cancel(errSlow) })
	kind := kindOf(resp.StatusCode)
	status := &StatusError{
		Code:     resp.StatusCode,
		Excerpt:  c.policy.Say(excerpt(text, c.secrets(r))),
		Body:     text,
		FromBase: sameOrigin(h.url, c.base),
	}
	e := &pipeline.Error{Op: r.Op, Kind: kind, Err: status}
	if kind == pipeline.Throttled || kind == pipeline.Unavailable {
		wait, until := retryAfter(resp.Header, c.now())
		e.RetryAfter = wait
		status.Asks = wordAsk(wait, until, excerpt([]byte(resp.Header.Get("Retry-After")), c.secrets(r)))
	}
	return nil, nil, e
}

// tell tells whoever follows the run of a request, without its query, its headers and its answer. Where a redirect or a
// download leads is the vendor's to say, and may be a secret.
func (c *Client) tell(ctx context.Context, r Request, h hop, sent time.Time, err error) {
	s := pipeline.Stretch{Kind: pipeline.StretchRequest, Began: sent, Ended: c.now(), Method: h.method, Host: h.url.Hostname()}
	if err != nil {
		s.Failed = pipeline.ErrorKind(err)
	}
	if path, is := strings.CutPrefix(r.Op, r.Method+" "); is && h.first {
		s.Template = "/" + strings.TrimPrefix(path, "/")
	}
	pipeline.Tell(ctx, s)
}

// errorPage reads the beginning of an error's body. One that trickles, or never ends, does not hold the attempt: the
// status is known already.
func (c *Client) errorPage(resp *http.Response, late func()) []byte {
	patience := paceSpan
	if c.timeout > 0 {
		patience = min(patience, c.timeout)
	}
	slow := newWatch(patience, late)
	slow.arm()
	defer slow.disarm()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, excerptRead))
	return text
}

// awaitRate waits for the rate, which is the vendor's: a host that has nothing to
// do with Base, as the storage that a signed link leads to, does not count.
func (c *Client) awaitRate(ctx context.Context, to *url.URL, since time.Time) error {
	if c.queue == nil || !sameOrigin(to, c.base) && !below(to, c.base) {
		return ctx.Err()
	}
	if since.IsZero() {
		since = c.now()
	}
	return c.queue.wait(ctx, since)
}

func (c *Client) newRequest(ctx context.Context, r Request, h hop) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, h.method, h.url.String(), bytes.NewReader(h.body))
	if err != nil {
		return nil, err
	}
	if len(h.body) == 0 {
		req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	}
	if r.Once && len(h.body) == 0 {
		req.Body = io.NopCloser(bytes.NewReader(nil)) // a body that cannot be had again: nothing is sent, and nothing is repeated
	}
	for name, values := range h.header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept-Encoding", "gzip") // undone in body.go, so that Content-Length is checked too
	req.Header.Del("Authorization")
	if r.Credential != "" && h.first && sameOrigin(h.url, c.base) {
		req.Header.Set("Authorization", r.Credential)
	}
	return req, nil
}

func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// redirect decides where an answer leads. It never steps down from https, and
// a body, which may hold a password, does not leave Base.
func (c *Client) redirect(r Request, from hop, resp *http.Response) (*hop, error) {
	refuse := func(text string) error {
		return &pipeline.Error{Op: r.Op, Kind: pipeline.Refused, Err: fmt.Errorf("HTTP %d: %s", resp.StatusCode, text),
			Hint: "the vendor's address in the configuration may be out of date"}
	}
	to, err := from.url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, refuse("the redirect leads nowhere")
	}
	if err := CheckURL(to); err != nil {
		return nil, refuse("the redirect's address " + err.Error())
	}
	if from.url.Scheme == "https" && to.Scheme != "https" {
		return nil, refuse("the redirect leads from https to http")
	}
	if err := c.links.check(to); err != nil {
		return nil, inward(r.Op)
	}
	next := &hop{method: from.method, url: to, body: from.body, header: harmless(from.header)}
	keep := resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect
	if !keep && from.method != http.MethodGet && from.method != http.MethodHead {
		next.method, next.body = http.MethodGet, nil
	}
	if len(next.body) > 0 && !sameOrigin(to, c.base) {
		return nil, refuse("the redirect would send the request's body to another host")
	}
	return next, nil
}

// harmless keeps the headers that say what is asked for.
func harmless(h http.Header) http.Header {
	kept := http.Header{}
	for _, name := range []string{"Accept", "Content-Type"} {
		if v := h.Values(name); len(v) > 0 {
			kept[name] = v
		}
	}
	return kept
}

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// below tells whether a's host is a subdomain of b's.
func below(a, b *url.URL) bool {
	return strings.HasSuffix(strings.ToLower(a.Hostname()), "."+strings.ToLower(b.Hostname()))
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

func (c *Client) secrets(r Request) *spelledSecrets {
	c.secret.learn(r.Credential, r.URL)
	return c.secret.all()
}

// transportError classifies a request that got no answer. The cause is text
// only: errors of net/http carry the URL with its query.
func (c *Client) transportError(ctx, own context.Context, r Request, err error) error {
	if ctx.Err() != nil {
		return stopped(r.Op, ctx.Err())
	}
	e := &pipeline.Error{Op: r.Op, Kind: pipeline.Unavailable, Cause: pipeline.Unreachable}
	if errors.Is(context.Cause(own), errSlow) {
		e.Err = fmt.Errorf("no answer within %s", c.timeout)
		return e
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var (
		certificate *tls.CertificateVerificationError
		notTLS      tls.RecordHeaderError
		dns         *net.DNSError
	)
	switch {
	case errors.Is(err, errInward):
		return inward(r.Op)
	case errors.As(err, &certificate):
		e.Kind, e.Cause, e.Hint = pipeline.Refused, pipeline.NoCause, "the host's certificate is not trusted: check the address, or the machine's root certificates"
	case errors.As(err, &notTLS):
		e.Kind, e.Cause, e.Hint = pipeline.Refused, pipeline.NoCause, "the host does not speak https on this port"
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Hint = "the host name is unknown: check " + c.address(r) + ", and the machine's network"
	case errors.As(err, &dns):
		e.Hint = "the host's name cannot be looked up: check the machine's network"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Hint = "nothing listens there: check the host and port of " + c.address(r)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		e.Hint = "no way leads there from this machine: check its network"
	}
	e.Err = errors.New(redact(err.Error(), c.secrets(r)))
	return e
}

// address names what says where a request goes.
func (c *Client) address(r Request) string {
	if c.variable != "" && (r.URL.Host == "" || r.URL.Host == c.base.Host) {
		return c.variable
	}
	return "the address"
}

// inward is the error of a link or a redirect that leads where only the machine or its network can reach.
func inward(op string) error {
	return &pipeline.Error{Op: op, Kind: pipeline.Refused, Err: errInward,
		Hint: "it was not followed: the vendor's answer may be forged, or the address in the configuration out of date"}
}

// watch calls off an attempt in which nothing arrives for a while.
type watch struct {
	limit time.Duration
	timer *time.Timer
}

func newWatch(limit time.Duration, late func()) *watch {
	w := &watch{limit: limit}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, late)
		w.timer.Stop()
	}
	return w
}

func (w *watch) arm() {
	if w.timer != nil {
		w.timer.Reset(w.limit)
	}
}

func (w *watch) disarm() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
