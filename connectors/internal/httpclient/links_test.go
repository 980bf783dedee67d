package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestALinkInwardIsFollowedOnlyFromAHostOfTheSameReach(t *testing.T) {
	for _, tc := range []struct {
		base, link string
		followed   bool
	}{
		{"https://vendor.test", "https://storage.test/f", true},
		{"https://vendor.test", "https://8.8.8.8/f", true},
		{"https://vendor.test", "http://127.0.0.1/f", false},
		{"https://vendor.test", "http://localhost:8080/f", false},
		{"https://vendor.test", "https://files.localhost/f", false},
		{"https://vendor.test", "http://[::1]/f", false},
		{"https://vendor.test", "https://[::ffff:127.0.0.1]/f", false},
		{"https://vendor.test", "https://0.0.0.0/f", false},
		{"https://vendor.test", "https://10.1.2.3/f", false},
		{"https://vendor.test", "https://172.16.0.1/f", false},
		{"https://vendor.test", "https://192.168.1.1/f", false},
		{"https://vendor.test", "https://100.64.0.1/f", false},
		{"https://vendor.test", "https://[fd00::1]/f", false},
		{"https://vendor.test", "https://169.254.169.254/latest/meta-data", false},
		{"https://vendor.test", "https://[fe80::1]/f", false},
		{"https://10.1.2.3", "https://192.168.1.1/f", true},
		{"https://10.1.2.3", "https://169.254.169.254/f", false},
		{"https://10.1.2.3", "http://127.0.0.1/f", false},
		{"http://127.0.0.1:1", "http://localhost:2/f", true},
		{"http://127.0.0.1:1", "https://10.1.2.3/f", false},
		{"https://10.1.2.3", "https://10.1.2.3:444/f", true},
	} {
		for _, way := range []string{"link", "redirect"} {
			asked := &asked{redirect: way == "redirect", to: tc.link}
			c := newClient(t, Options{Base: parse(t, tc.base), Transport: asked})
			r := get("/x")
			if way == "link" {
				r.URL = parse(t, tc.link)
			}
			_, err := read(t, c, r)
			if got := asked.followed; got != tc.followed {
				t.Errorf("%s of %s to %s was followed: %v, %v", way, tc.base, tc.link, got, err)
			}
			if !tc.followed && (pipeline.KindOf(err) != pipeline.Refused || strings.Contains(err.Error(), parse(t, tc.link).Hostname())) {
				t.Errorf("%s of %s to %s: %v", way, tc.base, tc.link, err)
			}
		}
	}
}

// asked answers the first request with a redirect where it shall, and any other
// with 200. It notes whether the link was asked.
type asked struct {
	redirect bool
	to       string
	followed bool
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
	if a.redirect && r.URL.String() != a.to {
		answer.StatusCode = http.StatusFound
		answer.Header.Set("Location", a.to)
	}
	a.followed = a.followed || r.URL.String() == a.to
	return answer, nil
}

func TestANameThatResolvesInwardIsNotDialled(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "inside") }))
	defer inner.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inner.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		base     string
		resolved string // what the configured name resolves to
		dialled  bool
	}{
		{"https://vendor.test", "8.8.8.8", false},
		{"https://vendor.test", "10.0.0.1", false},
		{"https://vendor.test", "127.0.0.1", true},
		{"http://127.0.0.1:9", "", true},
	} {
		g := newLinkGuard(parse(t, tc.base))
		g.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
			if host != "vendor.test" {
				t.Errorf("%s was looked up", host)
			}
			return []netip.Addr{netip.MustParseAddr(tc.resolved)}, nil
		}
		// "localhost" stands for any name that the machine's resolver knows: dial sees no difference.
		c, err := g.dial(t.Context(), "tcp", net.JoinHostPort("localhost", port))
		if (err == nil) != tc.dialled || err != nil && !errors.Is(err, errInward) {
			t.Errorf("from %s, which is %q: %v", tc.base, tc.resolved, err)
		}
		if c != nil {
			c.Close() //nolint:errcheck // nothing was sent
		}
	}
}

func TestALinksNameIsLookedAtWhenItIsDialled(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("the link was followed") }))
	defer inner.Close()
	c := newClient(t, Options{Base: parse(t, "https://vendor.test"), RetryFor: time.Minute})
	c.links.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	}
	r := get("/")
	r.URL = parse(t, inner.URL)
	c.links = newLinkGuard(r.URL) // lets the link pass as it is written, like a name that resolves inward
	if _, err := c.Do(t.Context(), r); pipeline.KindOf(err) != pipeline.Refused || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("error %v", err)
	}
}

func TestAProxyMayBeAnywhere(t *testing.T) {
	g := newLinkGuard(parse(t, "https://vendor.test"))
	g.lookup = func(context.Context, string, string) ([]netip.Addr, error) { return nil, errors.New("unknown") }
	proxied := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { proxied = true }))
	defer proxy.Close()
	tr := guarded(&http.Transport{Proxy: http.ProxyURL(parse(t, proxy.URL))}, g)
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "storage.test"}, Header: http.Header{}})
	if err != nil || !proxied {
		t.Fatalf("%v, %v", proxied, err)
	}
	resp.Body.Close() //nolint:errcheck // it is empty
}

func TestTheOwnerIsTheHostAndAnyHostOfThisMachineIsSimulated(t *testing.T) {
	for address, want := range map[string]pipeline.Owner{
		"https://Acme.uContactCloud.com":      "acme.ucontactcloud.com/u",
		"https://acme.example.":               "acme.example/u",
		"https://acme.example:443/api/v2":     "acme.example/u",
		"https://acme.example:8443":           "acme.example:8443/u",
		"https://[2001:db8::1]:8443":          "[2001:db8::1]:8443/u",
		"https://192.168.0.7":                 "192.168.0.7/u",
		"http://127.0.0.1:41234":              pipeline.Simulated,
		"http://127.9.9.9":                    pipeline.Simulated,
		"https://[::1]:9":                     pipeline.Simulated,
		"https://[::ffff:127.0.0.1]":          pipeline.Simulated,
		"http://LocalHost:9":                  pipeline.Simulated,
		"https://localhost.":                  pipeline.Simulated,
		"https://dialpad.localhost":           pipeline.Simulated,
		"https://localhost.example":           "localhost.example/u",
		"https://127.0.0.1.attacker.example/": "127.0.0.1.attacker.example/u",
	} {
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Options{Base: base})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Owner("u"); got != want {
			t.Errorf("%s is of %q, want %q", address, got, want)
		}
	}
}
