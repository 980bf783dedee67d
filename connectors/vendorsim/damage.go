package vendorsim

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"net"
	"net/http"
	"strconv"
	"time"
)

// noted is a ResponseWriter that tells the log the status.
type noted struct {
	http.ResponseWriter
	note func(status int)
}

func (n *noted) WriteHeader(status int) {
	n.note(status)
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Write(b []byte) (int, error) {
	n.note(http.StatusOK)
	return n.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// reset closes the connection so that the client sees a reset.
func (n *noted) reset() {
	conn, _, err := http.NewResponseController(n.ResponseWriter).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // an aborted answer is the next best thing
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// raw answers with bytes that need not be HTTP.
func (n *noted) raw(answer string) {
	conn, _, err := http.NewResponseController(n.ResponseWriter).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write([]byte(answer))
	_ = conn.Close()
}

func (n *noted) flush() { _ = http.NewResponseController(n.ResponseWriter).Flush() }

// kept holds a whole answer back.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

// damage answers rightly at first and then not.
func (f *Fault) damage(out *noted, r *http.Request, h http.Handler) {
	if f.Kind == FaultSlow {
		h.ServeHTTP(&slowed{noted: out, r: r, piece: max(1, cmp.Or(f.Bytes, 256)), pause: f.Pause}, r)
		return
	}
	if f.Bytes > 0 {
		cut := &cutting{noted: out, kind: f.Kind, left: f.Bytes}
		h.ServeHTTP(cut, r)
		return
	}
	k := &kept{header: out.Header()}
	h.ServeHTTP(k, r)
	b := k.body.Bytes()
	at := len(b) / 2
	if f.Bytes < 0 {
		at = max(0, len(b)+f.Bytes)
	}
	if f.Kind == FaultShort {
		out.Header().Set("Content-Length", strconv.Itoa(len(b)))
	} else {
		out.Header().Del("Content-Length")
	}
	if k.status != 0 {
		out.WriteHeader(k.status)
	}
	_, _ = out.Write(b[:at])
	if f.Kind != FaultTruncate {
		out.flush()
		panic(http.ErrAbortHandler)
	}
}

// cutting passes a body through up to a number of bytes.
type cutting struct {
	*noted
	kind FaultKind
	left int
}

func (c *cutting) WriteHeader(status int) {
	c.Header().Del("Content-Length")
	if c.kind == FaultShort {
		c.Header().Set("Content-Length", strconv.Itoa(c.left+1<<20))
	}
	c.noted.WriteHeader(status)
}

func (c *cutting) Write(b []byte) (int, error) {
	if c.kind == FaultShort && c.Header().Get("Content-Length") == "" {
		c.WriteHeader(http.StatusOK)
	}
	n := min(c.left, len(b))
	c.left -= n
	if _, err := c.noted.Write(b[:n]); err != nil {
		return 0, err
	}
	if c.left == 0 && c.kind != FaultTruncate {
		c.flush()
		panic(http.ErrAbortHandler)
	}
	return len(b), nil
}

// slowed sends a body in pieces.
type slowed struct {
	*noted
	r     *http.Request
	piece int
	pause time.Duration
}

func (s *slowed) Write(b []byte) (int, error) {
	for done := 0; done < len(b); done += s.piece {
		timer := time.NewTimer(s.pause)
		select {
		case <-timer.C:
		case <-s.r.Context().Done():
			timer.Stop()
			return done, s.r.Context().Err()
		}
		if _, err := s.noted.Write(b[done:min(len(b), done+s.piece)]); err != nil {
			return done, err
		}
		s.flush()
	}
	return len(b), nil
}

// serveGzip compresses the answer.
func serveGzip(out *noted, r *http.Request, h http.Handler) {
	z := &zipped{noted: out}
	h.ServeHTTP(z, r)
	if z.z != nil {
		_ = z.z.Close()
	}
}

type zipped struct {
	*noted
	begun bool
	z     *gzip.Writer
}

func (z *zipped) WriteHeader(status int) {
	z.begun = true
	if status == http.StatusOK {
		z.Header().Del("Content-Length")
		z.Header().Set("Content-Encoding", "gzip")
		z.z = gzip.NewWriter(z.noted)
	}
	z.noted.WriteHeader(status)
}

func (z *zipped) Write(b []byte) (int, error) {
	if !z.begun {
		z.WriteHeader(http.StatusOK)
	}
	if z.z == nil {
		return z.noted.Write(b)
	}
	return z.z.Write(b)
}

// seconds is a duration as Retry-After writes it, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
