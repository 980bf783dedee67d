package ucontact

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"

	"github.com/windrow-data/windrow/pipeline/push"
)

const (
	dialPatience = 30 * time.Second // for a connection, and again for TLS and for a proxy's word
	headerLimit  = 1 << 20          // bytes of status lines and headers
	textLimit    = 8 << 10          // of an answer's body, so that what was sent is seen whole before the text is cut
	bodyPatience = 2 * time.Minute  // for the whole of a body, which is read to its end however long it is
)

// exchange makes one request over a connection of its own. It speaks HTTP/1.1 and writes the request itself, because
// nothing below may send it again, and because whoever asks has to know whether a byte of it has left: net/http repeats
// requests of its own accord, and tells that headers were written when they lie in a buffer.
type exchange struct {
	base    *http.Transport
	timeout time.Duration // for the request and the answer's headers together, and for each further part of the answer
	prefix  string        // of the variables that hints name
}

// reply is how an exchange ended.
type reply struct {
	written bool // a byte of the request has left, or may have
	status  int  // of the final answer, whose headers are complete; 0: there is none
	header  http.Header
	whole   bool   // the answer's body was read to its end
	text    []byte // the beginning of it, without gzip
	problem string // what befell the exchange, where there is no whole answer
}

// event is what the send ledger hears. Nothing is "not written" once a byte has left.
func (a reply) event() push.Event {
	switch e := push.OfStatus(a.status); {
	case a.status == 0 && !a.written:
		return push.NotWritten
	case e == push.Accepted && !a.whole:
		return push.Uncertain
	default:
		return e
	}
}

// make sends req and reads the answer. It returns when ctx ends.
func (x exchange) make(ctx context.Context, req *http.Request) reply {
	defer req.Body.Close()
	c, err := x.connect(ctx, req)
	if err != nil {
		return reply{problem: x.unreached(ctx, err)}
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	if ctx.Err() != nil {
		return reply{problem: "cancelled before the request left"}
	}
	c.setDeadline(x.timeout)
	if err := req.Write(c); err != nil {
		if !c.below.begun() {
			return reply{problem: "the connection broke off before the request left"}
		}
		if late(ctx, err) {
			return reply{written: true, problem: x.broke(ctx, err)}
		}
		// A vendor may answer before it has read all, and hang up. What it has said can still be read.
	}
	a := x.read(ctx, req, c)
	a.written = true
	return a
}

// read reads the answer to a request that has left.
func (x exchange) read(ctx context.Context, req *http.Request, c *connection) (a reply) {
	limit := &io.LimitedReader{R: c, N: headerLimit}
	r := bufio.NewReader(limit)
	var resp *http.Response
	for resp == nil || resp.StatusCode < http.StatusOK && resp.StatusCode != http.StatusSwitchingProtocols {
		var err error
		if resp, err = http.ReadResponse(r, req); err != nil { //nolint:bodyclose // the connection is closed
			a.problem = x.broke(ctx, err)
			return a
		}
	}
	if resp.ProtoMajor != 1 || resp.StatusCode < http.StatusOK {
		a.problem = "the answer is none of HTTP/1.1"
		return a
	}
	a.status, a.header = resp.StatusCode, resp.Header
	limit.N = math.MaxInt64
	end := time.Now().Add(bodyPatience)
	body := readerFunc(func(p []byte) (int, error) {
		c.setDeadline(min(x.timeout, time.Until(end)))
		return resp.Body.Read(p)
	})
	var kept bytes.Buffer
	_, err := io.Copy(&kept, io.LimitReader(body, textLimit))
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	a.text = readable(resp.Header, kept.Bytes())
	if a.whole = err == nil; !a.whole {
		a.problem = x.broke(ctx, err)
	}
	return a
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// connection is a way to the vendor that carries one request.
type connection struct {
	net.Conn
	below *countedConn
}

// close ends the connection at once, also under a Read or a Write.
func (c *connection) close() { _ = c.below.Close() }

func (c *connection) setDeadline(d time.Duration) { _ = c.SetDeadline(time.Now().Add(d)) }

// countedConn knows whether any byte went to the network after arm: all that is written behind the handshakes is the
// request. A Write of zero bytes has brought none to the operating system.
type countedConn struct {
	net.Conn
	armed bool
	bytes int64
}

func (c *countedConn) arm() { c.armed = true }

func (c *countedConn) begun() bool { return c.bytes > 0 }

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.armed {
		c.bytes += int64(n)
	}
	return n, err
}

// connect opens a connection to the vendor, through the proxy that the machine's variables name, and ends all
// handshakes, so that what is written next is the request.
func (x exchange) connect(ctx context.Context, req *http.Request) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	c := &connection{}
	if err := x.dial(ctx, req, c); err != nil {
		if c.below != nil {
			c.close()
		}
		return nil, err
	}
	if req.URL.Scheme == "https" {
		if err := c.secure(ctx, x.base.TLSClientConfig, req.URL.Hostname()); err != nil {
			c.close()
			return nil, err
		}
	}
	c.below.arm()
	return c, nil
}

// secure begins TLS. HTTP/1.1 alone is offered.
func (c *connection) secure(ctx context.Context, config *tls.Config, host string) error {
	if config == nil {
		config = &tls.Config{} //nolint:gosec // its least version is the standard library's
	}
	config = config.Clone()
	config.ServerName, config.NextProtos = cmp.Or(config.ServerName, host), []string{"http/1.1"}
	t := tls.Client(c.Conn, config)
	c.Conn = t
	return t.HandshakeContext(ctx)
}

// dial reaches the vendor's port, or a proxy that passes on what is written.
func (x exchange) dial(ctx context.Context, req *http.Request, c *connection) error {
	through := (*url.URL)(nil)
	if x.base.Proxy != nil {
		var err error
		if through, err = x.base.Proxy(req); err != nil {
			return errProxy
		}
	}
	if through == nil {
		return x.open(ctx, c, hostPort(req.URL))
	}
	switch through.Scheme {
	case "http", "https":
		if err := x.open(ctx, c, hostPort(through)); err != nil {
			return err
		}
		if through.Scheme == "https" {
			if err := c.secure(ctx, x.base.TLSClientConfig, through.Hostname()); err != nil {
				return err
			}
		}
		return c.tunnel(ctx, through, hostPort(req.URL))
	case "socks5", "socks5h":
		d, err := proxy.FromURL(through, forward(func(ctx context.Context, network, address string) (net.Conn, error) {
			err := x.open(ctx, c, address)
			return c.Conn, err
		}))
		if err != nil {
			return errProxy
		}
		through, ok := d.(proxy.ContextDialer)
		if !ok {
			return errProxy
		}
		_, err = through.DialContext(ctx, "tcp", hostPort(req.URL))
		return err
	}
	return errProxy
}

var errProxy = errors.New("the proxy of HTTPS_PROXY cannot be used: it must be http, https or socks5")

type forward func(ctx context.Context, network, address string) (net.Conn, error)

func (f forward) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

func (f forward) Dial(network, address string) (net.Conn, error) {
	return f(context.Background(), network, address)
}

// open dials an address.
func (x exchange) open(ctx context.Context, c *connection, address string) error {
	dial := x.base.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	c.below = &countedConn{Conn: conn}
	c.Conn = c.below
	return nil
}

// tunnel asks a proxy for a way to an address.
func (c *connection) tunnel(ctx context.Context, through *url.URL, address string) error {
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {"windrow"}}}
	if u := through.User; u != nil {
		password, _ := u.Password()
		plain := http.Request{Header: http.Header{}}
		plain.SetBasicAuth(u.Username(), password)
		req.Header.Set("Proxy-Authorization", plain.Header.Get("Authorization"))
	}
	if err := req.Write(c); err != nil {
		return err
	}
	// One byte at a time: what stands behind the proxy's answer is the vendor's.
	resp, err := http.ReadResponse(bufio.NewReaderSize(oneByte{io.LimitReader(c, headerLimit)}, 16), req) //nolint:bodyclose // it has none
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy answered HTTP %d", resp.StatusCode)
	}
	return nil
}

// oneByte keeps a buffered reader from reading ahead.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(port, "1080"))
}
