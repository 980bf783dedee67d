package inbox

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/emersion/go-imap/v2"

	"github.com/windrow-data/windrow/pipeline"
)

// What a server says, or does not say, is classified here once.

// fault is an error of the mailbox. What the server said is in it, without secrets.
func (m Mailbox) fault(kind pipeline.Kind, cause pipeline.Cause, what string, err error, hint string) error {
	text := err.Error()
	if m.Mask != nil {
		text = m.Mask.Message(text)
	}
	return &pipeline.Error{Op: "look into the inbox", Kind: kind, Cause: cause, Err: fmt.Errorf("%s %s: %s", m, what, text), Hint: hint}
}

// unreachable is the error of a server with which no connection could be made.
func (m Mailbox) unreachable(err error) error {
	var (
		certificate *tls.CertificateVerificationError
		notTLS      tls.RecordHeaderError
		dns         *net.DNSError
	)
	const what = "cannot be reached"
	switch {
	case errors.As(err, &certificate):
		return m.fault(pipeline.Refused, pipeline.NoCause, what, err, "the host's certificate is not trusted: check "+m.Prefix+"NPS_FROM, or the machine's root certificates")
	case errors.As(err, &notTLS):
		return m.fault(pipeline.Refused, pipeline.NoCause, what, err, "the host does not speak TLS on this port: check "+m.Prefix+"NPS_FROM")
	case errors.As(err, &dns) && dns.IsNotFound:
		return m.fault(pipeline.Unavailable, pipeline.Unreachable, what, err, "the host name is unknown: check "+m.Prefix+"NPS_FROM")
	case errors.Is(err, syscall.ECONNREFUSED):
		return m.fault(pipeline.Unavailable, pipeline.Unreachable, what, err, "nothing listens there: check host and port of "+m.Prefix+"NPS_FROM")
	}
	return m.fault(pipeline.Unavailable, pipeline.Unreachable, what, err, "the next sync tries again")
}

// refused is the error of a login.
func (m Mailbox) refused(err error) error {
	said, ok := answered(err)
	if !ok || said.Code == imap.ResponseCodeUnavailable || said.Code == imap.ResponseCodeLimit || said.Code == imap.ResponseCodeInUse || said.Type == imap.StatusResponseTypeBye {
		return m.broken("login", err)
	}
	return m.fault(pipeline.Unauthorized, pipeline.NoCause, "refuses the login", err, fmt.Sprintf("check the user of %[1]sNPS_FROM and %[1]sNPS_PASSWORD; some hosts want a password that is made for programs", m.Prefix))
}

// missing is the error of a mailbox that cannot be opened.
func (m Mailbox) missing(err error) error {
	said, ok := answered(err)
	if !ok || said.Code == imap.ResponseCodeUnavailable || said.Type == imap.StatusResponseTypeBye {
		return m.broken("open", err)
	}
	return m.fault(pipeline.Refused, pipeline.NoCause, "cannot be opened", err, "check the mailbox behind the host in "+m.Prefix+"NPS_FROM")
}

// broken is the error of a session that did not end well.
func (m Mailbox) broken(step string, err error) error {
	what := "broke off at " + step
	if m.late != nil && m.late() {
		what = fmt.Sprintf("said nothing for %s at %s", m.Timeout, step)
	}
	if said, ok := answered(err); ok && said.Type == imap.StatusResponseTypeBad {
		return m.fault(pipeline.Refused, pipeline.NoCause, "refuses to "+step, err, "the server may not speak IMAP as it should")
	}
	return m.fault(pipeline.Unavailable, pipeline.BrokenOff, what, err, "the next sync tries again")
}

// answered is what the server itself said.
func answered(err error) (*imap.Error, bool) {
	var said *imap.Error
	ok := errors.As(err, &said)
	return said, ok
}
