package httpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	// throttlePatience bounds all waits of a request that waits out the vendor's 429s.
	throttlePatience = 3 * time.Hour
	jsonLimit        = 1 << 20
	idleConnections  = 32      // per host: whole runs talk to one
	streamBuffer     = 1 << 20 // bytes that arrive before they are read, of each answer over HTTP/2
)

// Options of a [Client]. One Client serves one account of one source.
type Options struct {
	Base     *url.URL // the vendor: https, or http on loopback
	Variable string   // that says where Base is, for messages; may be empty
	// Rate is requests per second to Base's host and its subdomains, each attempt and redirect counted; 0 is unlimited.
	Rate float64
	// Timeout is the longest wait for an attempt's response headers, and for the next bytes of a body; 0 is unlimited.
	Timeout    time.Duration
	RetryFor   time.Duration     // how long one request is retried
	Transport  http.RoundTripper // nil: a clone of http.DefaultTransport that looks at each address before it dials
	Now        func() time.Time  // the real clock; nil: time.Now
	Warn       func(string)      // told once when the machine's clock and a vendor's differ; nil: nobody listens
	UserAgent  string            // empty: "windrow"
	HideValues []string          // secrets to keep out of every message, beside each request's own
	Policy     pipeline.Policy   // what becomes of personal data: a vendor's own words may name people
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	variable  string
	queue     *queue // nil: no rate
	timeout   time.Duration
	retryFor  time.Duration
	transport http.RoundTripper
	links     *linkGuard
	clock     *ClockGuard
	now       func() time.Time
	agent     string
	secret    *secrets
	policy    pipeline.Policy
	outage    outage
}

// New returns a client for o.Base; the error is of kind Invalid.
func New(o Options) (*Client, error) {
	if o.Base == nil {
		return nil, &pipeline.Error{Op: "vendor address", Kind: pipeline.Invalid, Err: errors.New("no URL")}
	}
	if err := CheckURL(o.Base); err != nil {
		return nil, &pipeline.Error{Op: "vendor address", Kind: pipeline.Invalid, Err: err}
	}
	c := &Client{
		base: o.Base, variable: o.Variable, timeout: o.Timeout, retryFor: o.RetryFor,
		transport: o.Transport, links: newLinkGuard(o.Base), now: o.Now, agent: o.UserAgent, secret: newSecrets(o.HideValues), policy: o.Policy,
	}
	if c.transport == nil {
		c.transport = defaultTransport(c.links)
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.clock = NewClockGuard(c.now, o.Warn)
	if c.agent == "" {
		c.agent = "windrow"
	}
	if o.Rate > 0 {
		c.queue = newQueue(o.Rate)
	}
	return c, nil
}

// defaultTransport copies the one of net/http, with room for a run's connections
// and less memory for answers that wait to be read.
func defaultTransport(g *linkGuard) http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = idleConnections
	t.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: streamBuffer}
	return guarded(t, g)
}

// CheckURL says what is wrong with the address of a vendor or a download:
// https alone is allowed, loopback excepted, and no user name in it. The text
// does not repeat the URL.
func CheckURL(u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return errors.New("is not an absolute URL with a host")
	case u.User != nil:
		return errors.New("must not hold a user name or password")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return errors.New("must be https (http is for loopback only)")
}

// Request is what [Client.Do] sends.
type Request struct {
	Op     string // for errors: "POST /api/stats"; never a query string
	Method string
	URL    *url.URL    // absolute; or path and query alone, the path to stand behind Base's
	Header http.Header // without credentials
	Body   []byte      // sent again on a retry
	// Since is when the work began that this request is part of; zero is now.
	// Of the requests that wait for the rate the oldest goes first.
	Since time.Time
	// Credential is the value of Authorization. It is sent to Base's scheme,
	// host and port alone, and never along a redirect.
	Credential string
	MaxBody    int64 // reading past it is Malformed; 0 is unlimited
	// NoRetry makes one attempt only.
	NoRetry bool
	// Once: the request does something at the vendor and is never sent twice, neither here nor by net/http, which repeats a
	// GET that it believes unanswered. It is not redirected either.
	Once bool
	// TakesAccepted takes a 202 for an answer. It is one to an order, and to a look at what was ordered.
	TakesAccepted bool
	// Member is one that Ask's answer has: a 202 without it is none yet. Empty: any text is an answer.
	Member string
	// WaitThrottled waits for three hours while the vendor answers 429, as long as
	// no single wait that it asks for is longer than RetryFor; such waits do not
	// count against RetryFor.
	WaitThrottled bool
	// Admit decides when each attempt may be sent, beside the rate; it may be nil.
	Admit Admit
	// Notify tells people what is waited for; it may be nil.
	Notify func(text string, until time.Time)
}

// Admit holds an attempt back until it may be sent, as a quota does that
// outlives the process. It may change r, whose Body may depend on the moment.
// The time that it takes does not count against RetryFor, and its error is
// final, whatever its kind. It obeys ctx while it waits.
//
// answered is called exactly once for each admitted attempt, with the attempt's
// error. A Throttled attempt is repeated without a pause: Admit has been told
// of it and says how long to wait, or gives up.
type Admit func(ctx context.Context, r *Request) (answered func(error), err error)

// Response is a 2xx answer. Body undoes gzip, reports a connection that broke
// off, stalled or trickled as *[pipeline.Error] of kind Unavailable, keeps MaxBody, and
// must be closed.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       io.ReadCloser
}

// RetryFor is how long one request is retried.
func (c *Client) RetryFor() time.Duration { return c.retryFor }

// Mask takes out of a text what the client knows to be secret: HideValues, each credential that it sent, and the signatures
// of the URLs that it asked.
func (c *Client) Mask() pipeline.Mask { return c.secret }

// Heard tells whether any answer has come, so that the vendor's clock is known where the vendor tells it. The error, of
// kind ClockWrong, is that of an answer by which the machine's clock is wrong.
func (c *Client) Heard() (bool, error) { return c.clock.hasHeard() }

// Do sends r until a 2xx answer, a final error or the end of RetryFor. Errors
// are *[pipeline.Error]: 401 and 403 Unauthorized, 408 TooHeavy, 429 Throttled,
// 5xx and network faults Unavailable, every other status Refused; their cause
// is a *[StatusError] where the vendor answered. An answer by whose Date the
// machine's clock is wrong by more than an hour is ClockWrong, whatever else it
// is, and so is every request behind it, which is not sent. Throttled and Unavailable are
// retried with jittered exponential pauses, or after the vendor's Retry-After. A
// Retry-After that RetryFor does not allow ends the request at once, and the
// error says what the vendor asked for.
// The context governs the request and its body alike.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	var answer *Response
	err := c.retry(ctx, r, func(r Request) error {
		var err error
		answer, err = c.attempt(ctx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// JSON does Do and decodes the whole answer, of at most r.MaxBody bytes (1 MiB
// unless set). A blank answer or one that is not JSON is Malformed; one that
// broke off is retried, and so is a blank 202.
func (c *Client) JSON(ctx context.Context, r Request, into any) error {
	_, err := c.Ask(ctx, r, into)
	return err
}

// Ask is JSON. said is what the vendor says in the answer about an error, masked, at most 200 bytes: vendors answer errors with
// 200 too, and the caller knows whether this is one.
func (c *Client) Ask(ctx context.Context, r Request, into any) (said string, err error) {
	r.TakesAccepted = true
	if r.MaxBody == 0 {
		r.MaxBody = jsonLimit
	}
	var text []byte
	err = c.retry(ctx, r, func(r Request) error {
		answer, err := c.attempt(ctx, r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err = io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode == http.StatusAccepted && r.lacksAnswer(text) {
			r.TakesAccepted = false
			return c.notReady(r, answer.StatusCode, answer.Header, true)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	malformed := func(problem string) error {
		return &pipeline.Error{Op: r.Op, Kind: pipeline.Malformed, Cause: pipeline.OtherDocument, Err: errors.New(problem)}
	}
	if problem := c.notJSON(text); problem != "" {
		return "", malformed(problem)
	}
	said = c.ErrorText(text)
	if err := json.Unmarshal(text, into); err != nil { // its text may quote values
		return said, NotTheAnswer(r.Op, "the answer is not the JSON document expected", said, "")
	}
	return said, nil
}

// lacksAnswer reports whether what came with a 202 is no answer yet.
func (r *Request) lacksAnswer(text []byte) bool {
	return len(bytes.TrimSpace(text)) == 0 || r.Member != "" && !bytes.Contains(text, []byte(strconv.Quote(r.Member)))
}

// ErrorText is what an answer says about an error, in the vendor's own words as far as they may be told. The answer may be
// cut off. It is empty where the answer says nothing.
func (c *Client) ErrorText(answer []byte) string {
	return c.policy.Say(c.secret.Message(transforms.ErrorText(answer)))
}

// NotTheAnswer is the error of an answer of success that is not what was asked for. said is what the vendor says of itself;
// where it says nothing, hint tells what to check.
func NotTheAnswer(op, problem, said, hint string) error {
	e := &pipeline.Error{Op: op, Kind: pipeline.Malformed, Cause: pipeline.OtherDocument, Err: errors.New(Saying(problem, said)), Hint: hint}
	if said != "" {
		e.Cause, e.Hint = pipeline.VendorError, "the words are the vendor's; the next sync asks again"
	}
	return e
}

// Saying is a text with what the vendor said behind it, if anything.
func Saying(text, said string) string {
	if said == "" {
		return text
	}
	return text + ": " + said
}

func (c *Client) notJSON(text []byte) string {
	switch s := strings.TrimSpace(string(text)); {
	case s == "":
		return "the answer is blank"
	case s[0] == '<':
		return "the answer is " + c.policy.Say(excerpt(text, c.secret.all())) + ", not JSON"
	}
	return ""
}

// retry is the only loop of the connectors that repeats a request. It calls try
// again while the error may pass and time is left: the request's own time, and
// the time of an outage which other requests have met already.
func (c *Client) retry(ctx context.Context, r Request, try func(Request) error) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: firstWait, RandomizationFactor: backoff.DefaultRandomizationFactor,
		Multiplier: 2, MaxInterval: longestWait,
	}
	deadline := time.Now().Add(c.retryFor)
	patience := throttlePatience
	for {
		asked := time.Now()
		answered, err := r.admit(ctx)
		if err != nil {
			return err
		}
		sent := time.Now()
		deadline = deadline.Add(sent.Sub(asked))
		err = try(r)
		answered(err)
		outageEnd := c.outage.note(err, time.Now()).Add(c.retryFor)
		if err == nil || r.NoRetry || r.Once || !pipeline.Retryable(err) || errors.Is(err, errEndless) || ctx.Err() != nil {
			return err
		}
		throttled := pipeline.KindOf(err) == pipeline.Throttled
		if throttled && r.Admit != nil {
			deadline = deadline.Add(time.Since(sent))
			continue
		}
		wait := r.pause(err, pauses.NextBackOff())
		patient := throttled && r.WaitThrottled && wait <= patience && askedFor(err) <= c.retryFor
		next := time.Now().Add(wait)
		// Admit may wait for longer than an outage lasts, so an old outage says nothing then.
		if late := next.After(deadline) || r.Admit == nil && next.After(outageEnd); late && !patient {
			return c.late(err)
		}
		if patient {
			deadline, patience = deadline.Add(wait), patience-wait
		}
		if r.Notify != nil {
			r.Notify(waitText(err), c.now().Add(wait))
		}
		began, reason := c.now(), waitReason(err)
		slept := pipeline.Sleep(ctx, wait)
		pipeline.TellWait(ctx, reason, began, c.now())
		if slept != nil {
			return stopped(r.Op, slept)
		}
	}
}

// late is the error of a request that is not repeated because the time for that is over, or would be.
func (c *Client) late(err error) error {
	var e *pipeline.Error
	if errors.As(err, &e) && e.Hint == "" && e.RetryAfter > c.retryFor {
		e.Hint = fmt.Sprintf("longer than the %s of WINDROW_RETRY_FOR: a sync after that time reads it", c.retryFor)
	}
	return err
}

func (r *Request) admit(ctx context.Context) (answered func(error), err error) {
	if r.Admit == nil {
		return func(error) {}, nil
	}
	return r.Admit(ctx, r)
}

// pause is how long to wait before the next attempt: as long as the vendor
// asked for, else own. An attempt that was admitted used up some quota, so its
// pauses grow whatever the vendor asked for.
func (r *Request) pause(err error, own time.Duration) time.Duration {
	switch asked := askedFor(err); {
	case asked <= 0:
		return own
	case r.Admit != nil:
		return max(own, asked)
	default:
		return asked
	}
}

// askedFor is how long the vendor asked to wait, 0 if it did not say.
func askedFor(err error) time.Duration {
	var e *pipeline.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func waitReason(err error) pipeline.WaitReason {
	if pipeline.KindOf(err) == pipeline.Throttled {
		return pipeline.WaitThrottled
	}
	return pipeline.WaitUnavailable
}

func waitText(err error) string {
	if pipeline.KindOf(err) == pipeline.Throttled {
		return "throttled by the vendor"
	}
	var s *StatusError
	if errors.As(err, &s) {
		return fmt.Sprintf("the vendor answered %d", s.Code)
	}
	return "the vendor could not be reached"
}

// stopped wraps the end of the caller's context: Stopped when it was
// cancelled, Unavailable when its time was over.
func stopped(op string, err error) error {
	kind := pipeline.Stopped
	if errors.Is(err, context.DeadlineExceeded) {
		kind = pipeline.Unavailable
	}
	return &pipeline.Error{Op: op, Kind: kind, Err: err}
}
