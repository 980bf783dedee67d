package inbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
)

// Mailbox is a folder of an IMAP account. It is examined: no flag of a mail changes.
type Mailbox struct {
	URL      *url.URL // imaps://user@host/Folder; imap without TLS
	Password string
	Date     string        // the column of dates
	Timeout  time.Duration // until the next bytes come
	RetryFor time.Duration // how long a look is retried
	Mask     pipeline.Mask // takes secrets out of what the server says
	Prefix   string        // of the variables in hints
	Disk     connectors.Disk
	Roots    *x509.CertPool // nil: the machine's

	late func() bool // whether nothing came on the connection for Timeout; nil: there is none
}

var _ Place = Mailbox{}

func (m Mailbox) String() string {
	return fmt.Sprintf("%s of %s", m.folder(), m.URL.Host)
}

func (m Mailbox) folder() string { return strings.Trim(m.URL.Path, "/") }

// Look implements [Place]. Mails are searched by the day on which they arrived; of those without a file attached only the
// structure is read.
func (m Mailbox) Look(ctx context.Context, since time.Time, mails []string, tell Tell, yield func(*File) error) error {
	files, err := m.lookAgain(ctx, since, mails, tell)
	for i, f := range files {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			closeAll(files[i:])
			return err
		}
		err = yield(f)
	}
	return err
}

// lookAgain looks until it has seen everything, or what keeps it from that will not pass.
func (m Mailbox) lookAgain(ctx context.Context, since time.Time, mails []string, tell Tell) ([]*File, error) {
	pauses := backoff.NewExponentialBackOff()
	deadline := time.Now().Add(m.RetryFor)
	for {
		files, err := m.look(ctx, since, mails)
		if err == nil {
			return files, nil
		}
		closeAll(files)
		wait := pauses.NextBackOff()
		if ctx.Err() != nil {
			return nil, &pipeline.Error{Op: "look into the inbox", Kind: pipeline.Stopped, Err: ctx.Err()}
		}
		if !pipeline.Retryable(err) || time.Now().Add(wait).After(deadline) {
			return nil, err
		}
		if tell != nil {
			tell("the mailbox could not be read to its end", time.Now().Add(wait))
		}
		began := time.Now()
		slept := pipeline.Sleep(ctx, wait)
		pipeline.TellWait(ctx, pipeline.WaitUnavailable, began, time.Now())
		if slept != nil {
			return nil, &pipeline.Error{Op: "look into the inbox", Kind: pipeline.Stopped, Err: slept}
		}
	}
}

func closeAll(files []*File) {
	for _, f := range files {
		f.Close()
	}
}

// look is one session with the server.
func (m Mailbox) look(ctx context.Context, since time.Time, mails []string) (files []*File, err error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return nil, m.unreachable(err)
	}
	paced := &pacedConn{Conn: conn, patience: m.Timeout}
	m.late = paced.late.Load
	client := imapclient.New(paced, nil)
	defer client.Close() //nolint:errcheck // what was read was checked
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	if err := client.WaitGreeting(); err != nil {
		return nil, m.broken("greet", err)
	}
	if err := client.Login(m.URL.User.Username(), m.Password).Wait(); err != nil {
		return nil, m.refused(err)
	}
	if _, err := client.Select(m.folder(), &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return nil, m.missing(err)
	}
	found, err := client.UIDSearch(criteria(since, mails), nil).Wait()
	if err != nil {
		return nil, m.broken("search", err)
	}
	uids := found.AllUIDs()
	if len(uids) == 0 {
		return nil, nil
	}
	arrivals, err := m.withFiles(client, uids)
	if err != nil {
		return nil, m.broken("fetch", err)
	}
	for _, a := range arrivals {
		more, err := m.fetch(ctx, client, a)
		files = append(files, more...)
		if err != nil {
			return files, err
		}
	}
	_ = client.Logout().Wait() // out of courtesy
	return files, nil
}

// criteria are those of mails that arrived since a day, and of those with an id. The server's zone may be any.
func criteria(since time.Time, mails []string) *imap.SearchCriteria {
	c := imap.SearchCriteria{Since: since.UTC().AddDate(0, 0, -1)}
	if since.Year() < 1970 {
		c = imap.SearchCriteria{}
	}
	for _, id := range mails {
		named := imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-Id", Value: id}}}
		c = imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{c, named}}}
	}
	return &c
}

// arrival is a mail that has a file attached.
type arrival struct {
	uid imap.UID
	at  time.Time
}

// withFiles are the mails whose structure shows a file.
func (m Mailbox) withFiles(client *imapclient.Client, uids []imap.UID) (list []arrival, err error) {
	listed := client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{
		UID: true, InternalDate: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
	})
	defer listed.Close() //nolint:errcheck // it was, below
	for message := listed.Next(); message != nil; message = listed.Next() {
		data, err := message.Collect()
		if err != nil {
			return nil, err
		}
		if data.BodyStructure == nil || showsFile(data.BodyStructure) {
			list = append(list, arrival{data.UID, data.InternalDate})
		}
	}
	return list, listed.Close()
}

// showsFile reports whether a part may be an export. A part whose name is encoded in any way is looked at.
func showsFile(s imap.BodyStructure) (found bool) {
	s.Walk(func(_ []int, part imap.BodyStructure) bool {
		single, ok := part.(*imap.BodyStructureSinglePart)
		if !ok || found {
			return !found
		}
		name, _, _ := strings.Cut(single.Filename(), "?=")
		kind := single.MediaType()
		found = isExport(single.Filename()) || isOther(single.Filename()) || strings.HasPrefix(name, "=?") ||
			kind == "text/csv" || kind == sheetType || slices.Contains(archiveTypes, kind) ||
			single.Filename() == "" && kind == "application/octet-stream"
		for key := range dispositionOf(single) {
			found = found || strings.HasPrefix(strings.ToLower(key), "filename*") // RFC 2231, which not every server decodes
		}
		return !found
	})
	return found
}

func dispositionOf(part *imap.BodyStructureSinglePart) map[string]string {
	if d := part.Disposition(); d != nil {
		return d.Params
	}
	return nil
}

// fetch takes the files of one mail, without marking it as read. A mail that somebody has removed meanwhile has none.
func (m Mailbox) fetch(ctx context.Context, client *imapclient.Client, a arrival) (files []*File, err error) {
	whole := &imap.FetchItemBodySection{Peek: true}
	fetched := client.Fetch(imap.UIDSetNum(a.uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{whole}})
	for message := fetched.Next(); message != nil; message = fetched.Next() {
		for item := message.Next(); item != nil; item = message.Next() {
			section, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || section.Literal == nil {
				continue
			}
			text := &literal{Reader: section.Literal, left: section.Literal.Size()}
			err := readMail(ctx, arrived{name: fmt.Sprintf("number %d", a.uid), at: a.at, date: m.Date, disk: m.Disk, body: text}, func(f *File) error {
				files = append(files, f)
				return nil
			})
			if text.err != nil { // the client is left alone: its own goroutine reads what is left of the connection
				return files, m.broken("fetch", text.err)
			}
			if err != nil {
				_ = fetched.Close()
				return files, err
			}
		}
	}
	if err := fetched.Close(); err != nil {
		return files, m.broken("fetch", err)
	}
	return files, nil
}

// literal is the text of a mail as the server sends it. It remembers that it broke off, which who reads a mail takes for
// the mail's own fault.
type literal struct {
	io.Reader
	left int64
	err  error
}

func (l *literal) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err // the connection is the client's again
	}
	n, err := l.Reader.Read(p)
	l.left -= int64(n)
	if errors.Is(err, io.EOF) && l.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// dial connects, with TLS unless the address is without.
func (m Mailbox) dial(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: m.Timeout}
	host, port := m.URL.Hostname(), m.URL.Port()
	if strings.EqualFold(m.URL.Scheme, "imap") {
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, portOr(port, "143")))
	}
	ctx, cancel := context.WithTimeout(ctx, m.Timeout) // also of the handshake
	defer cancel()
	secure := &tls.Dialer{NetDialer: dialer, Config: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: m.Roots}}
	return secure.DialContext(ctx, "tcp", net.JoinHostPort(host, portOr(port, "993")))
}

func portOr(port, usual string) string {
	if port == "" {
		return usual
	}
	return port
}

// pacedConn is a connection on which bytes must come and go within a time.
type pacedConn struct {
	net.Conn
	patience time.Duration
	late     atomic.Bool // they did not, which the client tells in words alone
}

func (c *pacedConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.note(c.Conn.Read(p))
}

func (c *pacedConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.note(c.Conn.Write(p))
}

func (c *pacedConn) note(n int, err error) (int, error) {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.late.Store(true)
	}
	return n, err
}

// The client sets deadlines of its own, which are longer or shorter than the account's setting.
func (*pacedConn) SetDeadline(time.Time) error      { return nil }
func (*pacedConn) SetReadDeadline(time.Time) error  { return nil }
func (*pacedConn) SetWriteDeadline(time.Time) error { return nil }
