package chattonic

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/connectors/internal/setting"
)

// npsSettings say where the exports of NPS answers arrive, and what they hold.
type npsSettings struct {
	folder   string   // or a place in a bucket; empty: a mailbox
	mailbox  *url.URL // without a password
	password string
	columns  npsColumns
	request  bool // each sync asks the vendor to mail the export
}

// npsColumns are the names of the export's columns; empty where it has none.
type npsColumns struct{ score, date, text string }

// digest is the part of the settings digest.
func (c npsColumns) digest() []string { return []string{c.score, c.date, c.text} }

const (
	exampleInbox   = "imaps://reports@mail.acme.example/NPS"
	exampleColumns = "score=Puntuación,date=Fecha,text=Comentario"
)

// placed reports whether there is an inbox.
func (s *npsSettings) placed() bool { return s != nil && (s.folder != "" || s.mailbox != nil) }

// readNPS is nil where nothing of it is set.
func readNPS(r *setting.Reader) *npsSettings {
	if !r.Given("NPS_FROM") {
		for _, name := range []string{"NPS_PASSWORD", "NPS_COLUMNS", "NPS_REQUEST"} {
			shared := name != "NPS_PASSWORD" && r.Prefix != Prefix // it may be meant for another account
			if r.Given(name) && r.Text(name) != r.Default(name) && !shared {
				r.Fault(name, "does nothing without "+r.Prefix+"NPS_FROM", "")
			}
		}
		if !r.Given("NPS_COLUMNS") {
			return nil
		}
		s := &npsSettings{} // what was read with an inbox can be read again without one
		s.readColumns(r)
		return s
	}
	s := &npsSettings{password: r.Secret("NPS_PASSWORD"), request: r.Flag("NPS_REQUEST")}
	s.readPlace(r)
	if r.Required("NPS_COLUMNS", "with "+r.Prefix+"NPS_FROM", exampleColumns) {
		s.readColumns(r)
	}
	return s
}

// readPlace reads the inbox's address. A password in it would stand in messages, so it has a variable of its own.
func (s *npsSettings) readPlace(r *setting.Reader) {
	const name = "NPS_FROM"
	value := r.Text(name)
	scheme, path, isURL := strings.Cut(value, "://")
	switch scheme = strings.ToLower(scheme); {
	case strings.ContainsFunc(value, unicode.IsControl) || strings.ContainsAny(value[:1], `"'~`):
		r.Fault(name, "begins with a quote or a ~, or holds a control character: name the folder as it is called", "/data/nps")
	case !isURL:
		s.folder = filepath.Clean(value)
	case scheme == "file" && filepath.IsAbs(path):
		s.folder = filepath.Clean(path)
	case scheme == "file":
		r.Fault(name, "must name an absolute path behind file://", "file:///data/nps")
	case scheme == "gs" || scheme == "s3":
		if s.folder = scheme + "://" + path; strings.HasPrefix(path+"/", "/") {
			r.Fault(name, "names no bucket", "gs://my-bucket/nps")
		}
	case scheme == "imaps" || scheme == "imap":
		s.readMailbox(r, value)
	default:
		r.Fault(name, "is neither a folder, nor a place in a bucket, nor a mailbox", exampleInbox)
	}
	if s.folder != "" && r.Given("NPS_PASSWORD") {
		r.Fault("NPS_PASSWORD", "is set, and "+r.Prefix+name+" is no mailbox", "")
	}
}

func (s *npsSettings) readMailbox(r *setting.Reader, value string) {
	const name = "NPS_FROM"
	fault := func(problem string) { r.Fault(name, problem, exampleInbox) }
	u, err := url.Parse(value)
	if err != nil {
		fault("is not a URL: in the user's name a % is written %25, a / %2F") // err would repeat a password in it
		return
	}
	_, hasPassword := u.User.Password()
	switch {
	case hasPassword:
		fault("must not hold the password: set " + r.Prefix + "NPS_PASSWORD")
	case u.User.Username() == "":
		fault("names no user")
	case u.Hostname() == "":
		fault("names no host")
	case u.RawQuery != "" || u.Fragment != "":
		fault("must end with the mailbox, without a query: a ? is written %3F, a # %23")
	case strings.Trim(u.Path, "/") == "":
		fault("names no mailbox behind the host, such as INBOX")
	case strings.EqualFold(u.Scheme, "imap") && !httpclient.Loopback(u.Hostname()):
		fault("must be imaps (imap is for loopback only)")
	default:
		s.mailbox = u
		r.Required("NPS_PASSWORD", "to read the mailbox "+r.Prefix+name, "")
	}
}

// readColumns reads role=column between commas.
func (s *npsSettings) readColumns(r *setting.Reader) {
	const name = "NPS_COLUMNS"
	roles := map[string]*string{"score": &s.columns.score, "date": &s.columns.date, "text": &s.columns.text}
	var taken []string
	for _, pair := range r.List(name, exampleColumns) {
		role, column, ok := strings.Cut(pair, "=")
		role, column = strings.TrimSpace(role), strings.TrimSpace(column)
		to := roles[role]
		switch {
		case !ok || column == "":
			r.Fault(name, fmt.Sprintf("has %q, which is not role=column", pair), exampleColumns)
		case to == nil:
			r.Fault(name, fmt.Sprintf("has the role %q, which is none of score, date and text", role), exampleColumns)
		case *to != "":
			r.Fault(name, fmt.Sprintf("has the role %s twice", role), exampleColumns)
		case slices.Contains(taken, column):
			r.Fault(name, fmt.Sprintf("names the column %q for two roles", column), exampleColumns)
		default:
			*to, taken = column, append(taken, column)
			continue
		}
		return
	}
	if s.columns.score == "" {
		r.Fault(name, "names no column of the score", exampleColumns)
	}
}
