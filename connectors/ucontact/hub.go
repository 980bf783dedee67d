package ucontact

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

const (
	hubMark  = "{hub}"
	kindMark = "{kind}"
)

// readDialerPath reads the template of a hub's path.
func readDialerPath(r *setting.Reader) string {
	const name = "DIALER_PATH"
	path, example := r.Text(name), r.Default(name)
	plain := strings.NewReplacer(hubMark, "h", kindMark, "k").Replace(path)
	switch u, err := url.Parse(plain); {
	case strings.Count(path, hubMark) != 1 || strings.Count(path, kindMark) != 1:
		r.Fault(name, fmt.Sprintf("is %q, which must hold %s and %s once each", path, hubMark, kindMark), example)
	case err != nil, !strings.HasPrefix(plain, "/"), strings.HasPrefix(plain, "//"), u.Path != plain, u.EscapedPath() != plain, strings.ContainsAny(plain, "{}?#"):
		r.Fault(name, fmt.Sprintf("is %q, which is not a path, as it stands in a URL without a query", path), example)
	default:
		return path
	}
	return example
}

// Hub sends contacts to the outbound hubs of one uContact account. It implements [push.Hub]: hub_exchange.go makes the
// one exchange and knows whether a byte of it has left, hub_body.go writes what is sent, and hub_mask.go takes out of the
// vendor's words what was sent.
type Hub struct {
	set   *Settings
	base  *http.Transport // how this machine reaches others: proxies, dialler, roots of trust
	turns *rate.Limiter
	now   func() time.Time
	clock *httpclient.ClockGuard
}

var _ push.Hub = (*Hub)(nil)

// NewHub returns the hubs of one account. s is without faults. Of the options, Transport counts where it is an
// *[http.Transport]: its proxies, dialler and roots are used, and nothing else of it.
func NewHub(s *Settings, o Options) (*Hub, error) {
	o, err := o.Complete()
	if err != nil {
		return nil, err
	}
	if err := httpclient.CheckURL(s.url); err != nil {
		return nil, &pipeline.Error{Op: "vendor address", Kind: pipeline.Invalid, Err: err}
	}
	base, ok := o.Transport.(*http.Transport)
	if !ok {
		if base, ok = http.DefaultTransport.(*http.Transport); !ok {
			base = &http.Transport{Proxy: http.ProxyFromEnvironment}
		}
	}
	return &Hub{set: s, base: base, turns: rate.NewLimiter(rate.Limit(o.Rate(s.pace.Rate)), 1), now: o.Now, clock: httpclient.NewClockGuard(o.Now, o.Warn)}, nil
}

// Wait implements [push.Hub].
func (h *Hub) Wait(ctx context.Context) error { return h.turns.Wait(ctx) }

// Send implements [push.Hub].
func (h *Hub) Send(ctx context.Context, k push.Key, b push.Batch) push.Outcome {
	to, problem := h.address(k)
	if problem != "" {
		return push.Outcome{Event: push.NotWritten, Text: problem}
	}
	body := newHubBody(k, b)
	// The context is not the request's: whoever writes it watches that.
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, to.String(), body.reader())
	if err != nil {
		return push.Outcome{Event: push.NotWritten, Text: "the request cannot be formed"}
	}
	req.URL, req.ContentLength, req.Close = to, body.size(), true
	req.Header = http.Header{
		"Authorization": {"Bearer " + h.set.token}, "Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"windrow"},
	}
	x := exchange{base: h.base, timeout: h.set.pace.Timeout, prefix: h.set.prefix}
	sent := h.now()
	a := x.make(ctx, req)
	out := h.outcome(a, b)
	if a.status != 0 {
		// Nobody is asked for the time before: a request that carries no contacts would be one that the vendor has not published.
		out.Clock = h.clock.Hear("push", to.Hostname(), a.header, sent)
	}
	return out
}

// address is where contacts of a key go, or what is wrong with the hub's name.
func (h *Hub) address(k push.Key) (to *url.URL, problem string) {
	if name := strings.TrimSpace(k.Hub); name == "" || name == "." || name == ".." {
		return nil, fmt.Sprintf("%q is no hub's name", k.Hub)
	}
	fill := func(hub, kind string) string {
		return strings.NewReplacer(hubMark, hub, kindMark, kind).Replace(h.set.dialerPath)
	}
	to = &url.URL{Scheme: h.set.url.Scheme, Host: h.set.url.Host, Path: fill(k.Hub, string(k.Delivery))}
	to.RawPath = fill(url.PathEscape(k.Hub), string(k.Delivery))
	return to, ""
}

// outcome reads an exchange as the push contract does.
func (h *Hub) outcome(a reply, b push.Batch) push.Outcome {
	o := push.Outcome{Event: a.event(), Status: a.status, Text: a.problem}
	if said := masked(a.text, h.set.token, b); said != "" {
		if o.Text != "" {
			o.Text += ": "
		}
		o.Text = firstBytes(o.Text+said, keptText)
	}
	if o.Event == push.Throttled {
		o.RetryAfter = httpclient.RetryAfter(a.header, h.now())
	}
	return o
}
