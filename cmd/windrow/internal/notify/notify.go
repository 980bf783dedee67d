// Package notify tells others how runs go: a monitor that waits for pings ([Ping]), and an address that hears when a
// stream's state changes ([Webhook]).
//
// It decides nothing about a run, and nothing depends on it: each call is bounded in time, and what could not be delivered
// is an error that names no address, since addresses are secrets. Redirects are not followed: they would carry the secret
// to somebody else.
//
// Start at [Ping]; state.go says which changes are told, webhook.go how.
package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Within is how long one call may take, whatever the other side does.
const Within = 3 * time.Second

// Address is where something is told. Nothing prints it.
type Address struct{ url *url.URL }

// String hides the address.
func (Address) String() string { return "…" }

// GoString hides the address.
func (Address) GoString() string { return "…" }

// Set reports whether there is an address.
func (a Address) Set() bool { return a.url != nil }

// ParseAddress reads an address. The error continues the variable's name, and does not repeat it.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return Address{}, errors.New("is not a URL")
	case u.Hostname() == "":
		return Address{}, errors.New("is not an absolute URL with a host")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return Address{}, errors.New("must be https (http is for loopback only)")
	}
	u.Fragment = ""
	return Address{u}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// below is the address with something behind its path, before its query.
func (a Address) below(name string) *url.URL {
	u := *a.url
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+"/"+name, ""
	if raw := a.url.EscapedPath(); raw != a.url.Path {
		u.RawPath = strings.TrimSuffix(raw, "/") + "/" + name
	}
	return &u
}

// Ping is a monitor that speaks Healthchecks' protocol. The zero value is none.
type Ping struct{ Address }

// Start says that a run begins.
func (p Ping) Start(ctx context.Context) error {
	return post(ctx, p.below("start"), nil, nil)
}

// End says with which exit code a run ended. The record is what is told of it.
func (p Ping) End(ctx context.Context, exit int, record []byte) error {
	return post(ctx, p.below(strconv.Itoa(exit)), nil, record)
}

// client neither follows redirects nor keeps connections.
var client = &http.Client{
	Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: Within, ResponseHeaderTimeout: Within,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post sends a body, and waits for an answer no longer than [Within].
func post(ctx context.Context, to *url.URL, header http.Header, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be asked")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "windrow")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return wordless(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the other side can end well
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode/100 == 3:
		return fmt.Errorf("it answered %d, and a redirect is not followed", resp.StatusCode)
	}
	return fmt.Errorf("it answered %d", resp.StatusCode)
}

// wordless says what went wrong without the words of who found it, which hold the address.
func wordless(err error) error {
	var dns *net.DNSError
	var timeout net.Error
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("nobody answered in time")
	case errors.Is(err, context.Canceled):
		return errors.New("the program was to end")
	case errors.As(err, &dns):
		return errors.New("its host is not known")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused")
	case errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verification):
		return errors.New("its certificate is not trusted")
	}
	return errors.New("the connection broke off")
}
