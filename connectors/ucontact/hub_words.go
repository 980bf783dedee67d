package ucontact

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"
)

// late tells an end that a deadline or the caller has made from one that the other side has.
func late(ctx context.Context, err error) bool {
	var n net.Error
	return ctx.Err() != nil || errors.As(err, &n) && n.Timeout()
}

// broke words why there is no whole answer to a request that has left. It repeats nothing that came from the network.
func (x exchange) broke(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return "cancelled before the answer was whole"
	case late(ctx, err):
		return fmt.Sprintf("nothing more of the answer within %s (%sTIMEOUT)", x.timeout, x.prefix)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return "the connection broke off before the answer was whole"
	}
	if alerted(err) {
		return "the vendor ended TLS before the answer was whole"
	}
	return "what came is no valid answer of HTTP/1.1"
}

// unreached words why there was no connection to send a request on, with the remedy.
func (x exchange) unreached(ctx context.Context, err error) string {
	var (
		certificate *tls.CertificateVerificationError
		notTLS      tls.RecordHeaderError
		dns         *net.DNSError
	)
	setting := x.prefix + "URL"
	switch {
	case ctx.Err() != nil:
		return "cancelled before the request left"
	case errors.Is(err, errProxy):
		return err.Error()
	case errors.As(err, &certificate):
		return "the host's certificate is not trusted: check " + setting + ", or the machine's root certificates"
	case errors.As(err, &notTLS):
		return "the host does not speak https on this port: check " + setting
	case alerted(err):
		return "the host refused TLS, or HTTP/1.1 over it: " + err.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host's name is unknown: check " + setting
	case errors.As(err, &dns):
		return "the host's name could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at the host's port: check " + setting
	case late(ctx, err):
		return fmt.Sprintf("no connection within %s", dialPatience)
	}
	return "no connection: " + strings.Join(strings.Fields(err.Error()), " ")
}

// alerted tells whether the other side has ended TLS by an alert.
func alerted(err error) bool {
	var e *net.OpError
	return errors.As(err, &e) && e.Op == "remote error"
}

// readable is the beginning of a body as a text, without gzip. What is packed otherwise is none.
func readable(h http.Header, body []byte) []byte {
	packed := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding")))
	gzipped := bytes.HasPrefix(body, []byte{0x1f, 0x8b})
	switch {
	case gzipped:
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil
		}
		text, _ := io.ReadAll(io.LimitReader(z, textLimit)) // the body may end in the middle
		return text
	case packed == "", packed == "identity":
		return body
	}
	return nil
}
