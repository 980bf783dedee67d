package httpclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// reach tells who can be met at an address. A vendor's link must not lead the machine to what only the machine, or its
// network, can reach.
type reach uint8

const (
	public    reach = iota
	private         // of the local network
	linkLocal       // of the wire, where cloud machines find their own credentials
	ownMachine
)

var reachNames = [...]string{"public", "private", "link-local", "loopback"}

func (r reach) String() string { return reachNames[r] }

// sharedSpace is what carriers and clouds use as private addresses (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func reachOf(a netip.Addr) reach {
	switch a = a.Unmap(); {
	case a.IsLoopback(), a.IsUnspecified(): // dialling "nowhere" reaches the own machine
		return ownMachine
	case a.IsLinkLocalUnicast(), a.IsLinkLocalMulticast(), a.IsInterfaceLocalMulticast():
		return linkLocal
	case a.IsPrivate(), sharedSpace.Contains(a):
		return private
	}
	return public
}

// reachOfHost is what a URL's host says by itself: an address, or a name that stands for loopback. Any other name is
// public until it is dialled.
func reachOfHost(host string) reach {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return ownMachine
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return reachOf(a)
	}
	return public
}

// Owner is whose data the host of the client's base serves, with the unit of the vendor's where it is known.
func (c *Client) Owner(unit string) pipeline.Owner {
	base := c.base
	if reachOfHost(base.Hostname()) == ownMachine {
		return pipeline.Simulated
	}
	host := strings.ToLower(strings.TrimSuffix(base.Hostname(), "."))
	if port := base.Port(); port != "" && port != "443" {
		host = net.JoinHostPort(host, port)
	}
	return pipeline.Owner(host).Of(unit)
}

// errInward ends a request whose link leads inward.
var errInward = errors.New("the link leads to a loopback, private or link-local address, and the configured host is none")

// linkGuard keeps links and redirects from leading inward: whatever is not the configured host must be public, or as
// near as the configured host is. A link's address is looked at twice, as it is written and as it is dialled.
type linkGuard struct {
	host   string // the configured one, in lower case
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	mu      sync.Mutex
	near    map[reach]bool  // of the configured host; nil: not resolved yet
	proxies map[string]bool // by host, in lower case
}

func newLinkGuard(base *url.URL) *linkGuard {
	return &linkGuard{host: strings.ToLower(base.Hostname()), lookup: net.DefaultResolver.LookupNetIP, proxies: map[string]bool{}}
}

// check looks at a URL as it is written.
func (g *linkGuard) check(u *url.URL) error {
	if r := reachOfHost(u.Hostname()); r != public && !g.own(u.Hostname()) && r != reachOfHost(g.host) {
		return errInward
	}
	return nil
}

func (g *linkGuard) own(host string) bool { return strings.EqualFold(host, g.host) }

// dial is the DialContext of a transport. It looks at every address but those of the configured host, and of a proxy,
// which the machine's owner has chosen and which resolves the names of links itself.
func (g *linkGuard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	host, _, err := net.SplitHostPort(address)
	if err != nil || !g.own(host) && !g.isProxy(host) {
		d.ControlContext = g.control
	}
	return d.DialContext(ctx, network, address)
}

func (g *linkGuard) isProxy(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.proxies[strings.ToLower(host)]
}

// control looks at an address before it is dialled.
func (g *linkGuard) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if r := reachOf(at.Addr()); r != public && !g.isNear(ctx, r) {
		return errInward
	}
	return nil
}

// isNear tells whether the configured host has an address of that reach. Its name is resolved once.
func (g *linkGuard) isNear(ctx context.Context, r reach) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.near == nil {
		near := map[reach]bool{reachOfHost(g.host): true}
		if _, err := netip.ParseAddr(g.host); err != nil {
			all, err := g.lookup(ctx, "ip", g.host)
			if err != nil {
				return near[r]
			}
			for _, a := range all {
				near[reachOf(a)] = true
			}
		}
		g.near = near
	}
	return g.near[r]
}

// guarded makes a transport dial through g, and g know the transport's proxies.
func guarded(t *http.Transport, g *linkGuard) *http.Transport {
	t.DialContext = g.dial
	if proxy := t.Proxy; proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			u, err := proxy(r)
			if u != nil {
				g.mu.Lock()
				g.proxies[strings.ToLower(u.Hostname())] = true
				g.mu.Unlock()
			}
			return u, err
		}
	}
	return t
}

// Loopback tells whether a URL's host is the machine itself.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
