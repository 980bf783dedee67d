package ucontact_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// counted counts connections, and the bytes of the last one.
type counted struct {
	net.Listener
	n       atomic.Int64
	in, out atomic.Int64
}

type countedConn struct {
	net.Conn
	l *counted
}

func (l *counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
		l.in.Store(0)
		l.out.Store(0)
		c = &countedConn{c, l}
	}
	return c, err
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.in.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.l.out.Add(int64(n))
	return n, err
}

// wired is simulated hubs of which each connection is counted, over TLS where protocols are named.
type wired struct {
	*hubs
	client      *ucontact.Hub
	connections *counted
	url         string
	roots       *x509.CertPool
}

func wire(t *testing.T, protocols ...string) *wired {
	t.Helper()
	w := &wired{hubs: &hubs{T: t, world: vendorsim.New(vendorsim.Options{UContact: vendorsim.UContactOptions{Token: hubToken}})}}
	s := httptest.NewUnstartedServer(w.world.UContact())
	w.connections = &counted{Listener: s.Listener}
	s.Listener, s.Config.ErrorLog = w.world.Breaking(w.connections), log.New(io.Discard, "", 0)
	if len(protocols) > 0 {
		s.TLS, s.EnableHTTP2 = &tls.Config{NextProtos: protocols}, slices.Contains(protocols, "h2")
		if !slices.Contains(protocols, "http/1.1") {
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP2(true)
		}
		s.StartTLS()
		w.roots = x509.NewCertPool()
		w.roots.AddCert(s.Certificate())
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	w.url = s.URL
	w.client = w.through(nil)
	return w
}

// through is a client that uses a proxy.
func (w *wired) through(proxy *url.URL) *ucontact.Hub {
	return w.at(w.url, func(_ *ucontact.Config, o *ucontact.Options) {
		o.Transport = &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: w.roots}}
	})
}

// trial makes one exchange and holds it against what must be true of every one.
func (w *wired) trial(t *testing.T, b vendorsim.Break) push.Outcome {
	t.Helper()
	before, connections := len(w.world.Accepted()), w.connections.n.Load()
	w.world.ClearFaults()
	w.world.BreakOff(b)
	o := w.client.Send(t.Context(), listKey(), twoContacts())
	accepted := len(w.world.Accepted()) - before
	switch {
	case accepted > 0 && o.Event != push.Accepted && o.Event != push.Uncertain:
		t.Errorf("%+v: accepted, and the client heard %+v", b, o)
	case accepted == 0 && o.Event == push.Accepted:
		t.Errorf("%+v: not accepted, and the client heard %+v", b, o)
	case accepted > 1:
		t.Errorf("%+v: accepted %d times", b, accepted)
	}
	if n := w.connections.n.Load() - connections; n > 1 {
		t.Errorf("%+v: %d connections", b, n)
	}
	return o
}

// sizes are the bytes of a whole exchange.
func (w *wired) sizes() (request, answer int) {
	w.Helper()
	w.world.ClearFaults()
	if o := w.client.Send(w.Context(), listKey(), twoContacts()); o.Event != push.Accepted {
		w.Fatalf("%+v", o)
	}
	return int(w.connections.in.Load()), int(w.connections.out.Load())
}

var endings = []vendorsim.BreakHow{vendorsim.BreakReset, vendorsim.BreakClose}

func TestAnExchangeCutAtAnyByteIsKnownForWhatItIs(t *testing.T) {
	t.Parallel()
	w := wire(t)
	request, answer := w.sizes() // of an answer whose id has one digit
	for _, how := range endings {
		for n := range request {
			o := w.trial(t, vendorsim.Break{Side: vendorsim.BreakRequest, Bytes: n, How: how})
			if o.Event != push.Uncertain && (n > 0 || o.Event != push.NotWritten) {
				t.Errorf("%d bytes of the request were read: %+v", n, o)
			}
		}
		for n := range answer + 4 {
			o, want := w.trial(t, vendorsim.Break{Side: vendorsim.BreakAnswer, Bytes: n, How: how}), push.Uncertain
			if n-answer >= len(strconv.Itoa(len(w.world.Accepted())))-1 {
				want = push.Accepted
			}
			if o.Event != want {
				t.Errorf("%d of %d bytes of the answer came: %+v", n, answer, o)
			}
		}
	}
}

func TestAnExchangeOverTLSCutAtAnyByteIsKnownForWhatItIs(t *testing.T) {
	t.Parallel()
	w := wire(t, "h2", "http/1.1")
	request, answer := w.sizes()
	ways := []string{"reset of the request", "end of the request", "reset of the answer", "end of the answer"}
	heard := map[push.Event]int{}
	soak.Sweep(t, max(request, answer), ways, func(t *testing.T, n, way int) {
		side := vendorsim.BreakSide(way / len(endings))
		o := w.trial(t, vendorsim.Break{Side: side, Bytes: n - 1, How: endings[way%len(endings)]})
		heard[o.Event]++
	})
	if len(heard) > 3 || heard[push.NotWritten] == 0 || heard[push.Uncertain] == 0 {
		t.Errorf("heard %v", heard)
	}
}

func TestHTTP2IsNotSpoken(t *testing.T) {
	both := wire(t, "h2", "http/1.1")
	if o := both.client.Send(t.Context(), listKey(), twoContacts()); o.Event != push.Accepted || both.connections.n.Load() != 1 {
		t.Errorf("a server of both: %+v over %d connections", o, both.connections.n.Load())
	}
	alone := wire(t, "another")
	o := alone.client.Send(t.Context(), listKey(), twoContacts())
	if o.Event != push.NotWritten || !strings.Contains(o.Text, "HTTP/1.1") || len(alone.world.Log()) > 0 || alone.connections.n.Load() != 1 {
		t.Errorf("a server that refuses HTTP/1.1: %+v over %d connections", o, alone.connections.n.Load())
	}
	// This one takes no other protocol either, and does not say so.
	silent := wire(t, "h2")
	if o := silent.client.Send(t.Context(), listKey(), twoContacts()); o.Event != push.Uncertain || len(silent.world.Log()) > 0 || silent.connections.n.Load() != 1 {
		t.Errorf("a server of HTTP/2 alone: %+v over %d connections", o, silent.connections.n.Load())
	}
}

func TestNothingHasLeftWhereThereIsNoConnection(t *testing.T) {
	h := &hubs{T: t}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	untrusted, plain := wire(t, "http/1.1"), wire(t)
	failing := func(err error) *http.Transport {
		return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
	}
	for says, c := range map[string]struct {
		client *ucontact.Hub
		text   string
	}{
		"refused":               {h.at(closed, nil), "nothing listens"},
		"no such name":          {h.at("https://hub.example", dialling(failing(&net.DNSError{Err: "no such host", Name: "hub.example", IsNotFound: true}))), "name is unknown: check WINDROW_UCONTACT_URL"},
		"no answer of DNS":      {h.at("https://hub.example", dialling(failing(&net.DNSError{Err: "timeout", IsTimeout: true}))), "could not be looked up"},
		"another failure":       {h.at("https://hub.example", dialling(failing(errors.New("network is\nunreachable")))), "network is unreachable"},
		"a strange certificate": {h.at(untrusted.url, nil), "certificate"},
		"no TLS":                {h.at(strings.Replace(plain.url, "http:", "https:", 1), nil), "does not speak https"},
	} {
		if o := c.client.Send(t.Context(), listKey(), twoContacts()); o.Event != push.NotWritten || o.Status != 0 || !strings.Contains(o.Text, c.text) {
			t.Errorf("%s: %+v", says, o)
		}
	}
	if len(untrusted.world.Log())+len(plain.world.Log()) > 0 {
		t.Error("a request came")
	}
}

func dialling(tr *http.Transport) func(*ucontact.Config, *ucontact.Options) {
	return func(_ *ucontact.Config, o *ucontact.Options) { o.Transport = tr }
}

func TestACancelledRequestIsNotSentOrUnknown(t *testing.T) {
	w := wire(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := w.client.Send(ctx, listKey(), twoContacts()); o.Event != push.NotWritten || len(w.world.Log()) > 0 {
		t.Errorf("cancelled before: %+v", o)
	}
	for _, effect := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		w.world.Inject(vendorsim.Fault{Kind: vendorsim.FaultHang, Effect: effect, Match: func(*http.Request) bool { cancel(); return true }})
		began := time.Now()
		if o := w.client.Send(ctx, listKey(), twoContacts()); o.Event != push.Uncertain || !strings.Contains(o.Text, "cancelled") || time.Since(began) > 30*time.Second {
			t.Errorf("cancelled while the vendor works: %+v after %s", o, time.Since(began))
		}
	}
}

// An answer that comes before the vendor has read everything counts, though the rest cannot be written.
func TestAVendorMayAnswerBeforeItHasReadAll(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.Close() // with bytes unread, which is a reset
		}
	}()
	large := twoContacts()
	large.Contacts[0].Data = []byte(`{"note":"` + strings.Repeat("x", 8<<20) + `"}`)
	for range 3 {
		if o := (&hubs{T: t}).at("http://"+l.Addr().String(), nil).Send(t.Context(), listKey(), large); o.Event != push.Unauthorized && o.Event != push.Uncertain {
			t.Fatalf("%+v", o)
		}
	}
	if o := (&hubs{T: t}).at("http://"+l.Addr().String(), nil).Send(t.Context(), listKey(), twoContacts()); o.Event != push.Unauthorized || o.Text != "no" {
		t.Errorf("%+v", o)
	}
}

// tunnels is a proxy of HTTP or SOCKS, which counts what it let through.
type tunnels struct {
	net.Listener
	serve func(net.Conn, *bufio.Reader) (to string)
	n     atomic.Int64
}

func serveTunnels(t *testing.T, serve func(net.Conn, *bufio.Reader) string) *tunnels {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		t.Fatal(err)
	}
	p := &tunnels{Listener: l, serve: serve}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(c)
		}
	}()
	return p
}

func (p *tunnels) pass(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	to := p.serve(c, r)
	if to == "" {
		return
	}
	behind, err := net.Dial("tcp", to) //nolint:noctx // a test's
	if err != nil {
		return
	}
	p.n.Add(1)
	defer behind.Close()
	go func() { _, _ = io.Copy(behind, r) }()
	_, _ = io.Copy(c, behind)
}

func connectProxy(c net.Conn, r *bufio.Reader) string {
	req, err := http.ReadRequest(r)
	if err != nil || req.Method != http.MethodConnect {
		return ""
	}
	if req.Header.Get("Proxy-Authorization") != "Basic dTpw" { // u:p
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
		return ""
	}
	_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
	return req.Host
}

func socksProxy(c net.Conn, r *bufio.Reader) string {
	var head [2]byte
	_, _ = io.ReadFull(r, head[:])
	_, _ = r.Discard(int(head[1]))
	_, _ = c.Write([]byte{5, 0})
	var ask [4]byte
	_, _ = io.ReadFull(r, ask[:])
	host := make([]byte, 4)
	if ask[3] != 1 {
		return ""
	}
	_, _ = io.ReadFull(r, host)
	var port [2]byte
	_, _ = io.ReadFull(r, port[:])
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return (&net.TCPAddr{IP: host, Port: int(binary.BigEndian.Uint16(port[:]))}).String()
}

func TestAProxyPassesTheRequestOn(t *testing.T) {
	w := wire(t, "http/1.1")
	for says, c := range map[string]struct {
		proxy  *tunnels
		scheme string
		user   *url.Userinfo
		event  push.Event
	}{
		"HTTP":                    {serveTunnels(t, connectProxy), "http", url.UserPassword("u", "p"), push.Accepted},
		"HTTP, without its word":  {serveTunnels(t, connectProxy), "http", nil, push.NotWritten},
		"SOCKS":                   {serveTunnels(t, socksProxy), "socks5", nil, push.Accepted},
		"SOCKS that is cut":       {serveTunnels(t, func(net.Conn, *bufio.Reader) string { return "" }), "socks5", nil, push.NotWritten},
		"a proxy of another kind": {serveTunnels(t, connectProxy), "ftp", nil, push.NotWritten},
	} {
		before := len(w.world.Accepted())
		o := w.through(&url.URL{Scheme: c.scheme, User: c.user, Host: c.proxy.Addr().String()}).Send(t.Context(), listKey(), twoContacts())
		want := map[bool]int{true: 1}[c.event == push.Accepted]
		if o.Event != c.event || int(c.proxy.n.Load()) != want || len(w.world.Accepted())-before != want {
			t.Errorf("%s: %+v; %d passed", says, o, c.proxy.n.Load())
		}
		if strings.Contains(o.Text, "u:p") || strings.Contains(o.Text, "dTpw") {
			t.Errorf("%s tells its password: %s", says, o.Text)
		}
	}
}
