// Package postoffice is a mail server on loopback for tests: real IMAP, with TLS
// and a certificate of its own, or without. It can be made to misbehave.
package postoffice

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// The one user.
const (
	User     = "reports@acme.example"
	Password = "s3cr3t-of-the-mailbox"
)

// Office is a running server.
type Office struct {
	Secure string // host and port with TLS
	Plain  string // host and port without

	user *imapmemserver.User
	pem  []byte

	mu      sync.Mutex
	fault   Fault
	refusal Refusal
	logins  int
	servers []*imapserver.Server
	serving sync.WaitGroup
}

// Fault is what the server does to its connections from now on.
type Fault struct {
	Hangs bool // it takes connections and says nothing
	// CutAfter closes a connection behind so many bytes that the server sends; 0: never.
	CutAfter int
	Times    int // connections that meet the fault; 0: all
}

// Refusal is what the server answers to a login instead of looking at it; the zero Refusal is none.
type Refusal struct {
	Code  string // of the protocol: AUTHENTICATIONFAILED, UNAVAILABLE, LIMIT
	Text  string
	Times int // logins that meet it; 0: all
}

// Open starts a server with the given mailboxes.
func Open(mailboxes ...string) (*Office, error) {
	o := &Office{user: imapmemserver.NewUser(User, Password)}
	for _, name := range mailboxes {
		if err := o.user.Create(name, nil); err != nil {
			return nil, err
		}
	}
	certificate, err := o.certify()
	if err != nil {
		return nil, err
	}
	memory := imapmemserver.New()
	memory.AddUser(o.user)
	for _, of := range []struct {
		at     *string
		secure bool
	}{{&o.Secure, true}, {&o.Plain, false}} {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			o.Close()
			return nil, err
		}
		*of.at = l.Addr().String()
		l = &faulty{l, o}
		if of.secure {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
		}
		s := imapserver.New(&imapserver.Options{
			NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
				o.mu.Lock()
				o.logins++
				o.mu.Unlock()
				return &session{memory.NewSession(), o}, nil, nil
			},
			Caps:         imap.CapSet{imap.CapIMAP4rev1: {}},
			InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
		})
		o.servers = append(o.servers, s)
		o.serving.Go(func() { _ = s.Serve(l) })
	}
	return o, nil
}

// Close ends the server and its connections.
func (o *Office) Close() {
	for _, s := range o.servers {
		_ = s.Close()
	}
	o.serving.Wait()
}

// Certificate is the one to trust, in PEM.
func (o *Office) Certificate() []byte { return o.pem }

// Sessions is how many connections there have been.
func (o *Office) Sessions() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.logins
}

// Misbehave makes connections meet a fault; the zero Fault ends that.
func (o *Office) Misbehave(f Fault) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fault = f
}

// Refuse makes logins meet a refusal; the zero Refusal ends that.
func (o *Office) Refuse(r Refusal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refusal = r
}

// refused is the error of the next login; nil where it is looked at.
func (o *Office) refused() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.refusal
	if r == (Refusal{}) {
		return nil
	}
	if o.refusal.Times > 0 {
		if o.refusal.Times--; o.refusal.Times == 0 {
			o.refusal = Refusal{}
		}
	}
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCode(r.Code), Text: r.Text}
}

// session is a connection of a client.
type session struct {
	imapserver.Session
	office *Office
}

// Login implements [imapserver.Session].
func (s *session) Login(user, password string) error {
	if err := s.office.refused(); err != nil {
		return err
	}
	return s.Session.Login(user, password)
}

// Clear takes all mails out of a mailbox.
func (o *Office) Clear(mailbox string) error {
	return errors.Join(o.user.Delete(mailbox), o.user.Create(mailbox, nil))
}

// Deliver puts a mail into a mailbox, as arrived at a time.
func (o *Office) Deliver(mailbox string, mail []byte, at time.Time) error {
	_, err := o.user.Append(mailbox, literal{bytes.NewReader(mail)}, &imap.AppendOptions{Time: at})
	return err
}

// Unseen is how many mails of a mailbox nobody has marked as read.
func (o *Office) Unseen(mailbox string) (uint32, error) {
	s, err := o.user.Status(mailbox, &imap.StatusOptions{NumUnseen: true})
	if err != nil {
		return 0, err
	}
	return *s.NumUnseen, nil
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// faulty is a listener whose connections meet the office's fault.
type faulty struct {
	net.Listener
	office *Office
}

func (l *faulty) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		f := l.office.next()
		switch {
		case f.Hangs:
			l.office.serving.Go(func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
			continue
		case f.CutAfter > 0:
			c = &cut{Conn: c, left: f.CutAfter}
		}
		return c, nil
	}
}

func (o *Office) next() Fault {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.fault
	if o.fault.Times > 0 {
		if o.fault.Times--; o.fault.Times == 0 {
			o.fault = Fault{}
		}
	}
	return f
}

// cut closes a connection once so many bytes were written.
type cut struct {
	net.Conn
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	if c.left -= n; err == nil && n < len(p) {
		_ = c.Close()
		err = errors.New("postoffice: cut")
	}
	return n, err
}

// certify makes a certificate for loopback.
func (o *Office) certify() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postoffice"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	o.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
