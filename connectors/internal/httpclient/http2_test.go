package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// An answer over HTTP/2 goes on arriving while nobody reads it: only its buffer
// ends that.
func TestAnAnswerThatWaitsToBeReadTakesOneBufferOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 16 << 20
		var sent atomic.Int64
		m := &memory{conns: make(chan net.Conn), gone: make(chan struct{})}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the request came by %s", r.Proto)
			}
			for part := make([]byte, 16<<10); sent.Load() < size; {
				n, err := w.Write(part)
				if sent.Add(int64(n)); err != nil {
					t.Error(err)
					return
				}
			}
		}))
		if err := s.Listener.Close(); err != nil {
			t.Fatal(err)
		}
		s.Listener, s.EnableHTTP2 = m, true
		s.StartTLS()
		defer s.Close()

		trusted := x509.NewCertPool()
		trusted.AddCert(s.Certificate())
		tr := defaultTransport(newLinkGuard(&url.URL{Host: "127.0.0.1"})).(*http.Transport)
		tr.TLSClientConfig = &tls.Config{RootCAs: trusted}
		tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			m.conns <- theirs
			return ours, nil
		}
		defer tr.CloseIdleConnections()
		c := newClient(t, Options{Base: parse(t, "https://127.0.0.1"), Transport: tr})
		answer, err := c.Do(t.Context(), get("/large"))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		synctest.Wait()
		if n := sent.Load(); n < streamBuffer || n > streamBuffer+64<<10 {
			t.Errorf("%d bytes were sent before any was read", n)
		}
		if n, err := io.Copy(io.Discard, answer.Body); n != size || err != nil {
			t.Errorf("%d bytes read, %v", n, err)
		}
	})
}
