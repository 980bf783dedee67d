package inbox

import (
	"bytes"
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim/postoffice"
	"github.com/windrow-data/windrow/pipeline"
)

func office(t *testing.T) (*postoffice.Office, Mailbox) {
	t.Helper()
	o, err := postoffice.Open("NPS", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.Certificate())
	return o, Mailbox{
		URL:      &url.URL{Scheme: "imaps", User: url.User(postoffice.User), Host: o.Secure, Path: "/NPS"},
		Password: postoffice.Password, Date: "Fecha", Timeout: time.Second, Prefix: "WINDROW_CHATTONIC_", Roots: roots, Disk: disk,
	}
}

func deliver(t *testing.T, o *postoffice.Office, mailbox string, at time.Time, mail []byte) {
	t.Helper()
	if err := o.Deliver(mailbox, mail, at); err != nil {
		t.Fatal(err)
	}
}

func csvPart(text string) string {
	return inBase64("Content-Type: text/csv; name=nps.csv\r\n", []byte(text))
}

func TestAMailboxIsSearchedAndOnlyRead(t *testing.T) {
	t.Parallel()
	o, m := office(t)
	deliver(t, o, "NPS", sent.AddDate(-2, 0, 0), mailOf("old@x", sent.AddDate(-2, 0, 0), csvPart("a\nold\n")))
	deliver(t, o, "NPS", sent.AddDate(-1, 0, 0), mailOf("named@x", sent.AddDate(-1, 0, 0), csvPart("a\nnamed\n")))
	deliver(t, o, "NPS", sent, mailOf("1@x", sent, csvPart("a\n1\n")))
	deliver(t, o, "NPS", sent, mailOf("2@x", sent, "Content-Type: text/plain\r\n\r\nno file"))
	deliver(t, o, "INBOX", sent, mailOf("3@x", sent, csvPart("a\n3\n")))
	var got []seen
	if err := m.Look(t.Context(), sent.Add(-24*time.Hour), []string{"named@x"}, nil, func(f *File) error {
		got = append(got, see(t, f))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b seen) int { return strings.Compare(a.mail, b.mail) })
	if want := []seen{{"nps.csv", "1@x", "a\n1\n", ""}, {"nps.csv", "named@x", "a\nnamed\n", ""}}; !slices.Equal(got, want) {
		t.Errorf("%+q, want %+q", got, want)
	}
	if n, err := o.Unseen("NPS"); err != nil || n != 4 {
		t.Errorf("%d mails are unread, %v: looking has marked some", n, err)
	}
	var all []seen
	if err := m.Look(t.Context(), pipeline.NoInstant.Time(), nil, nil, func(f *File) error {
		all = append(all, see(t, f))
		return nil
	}); err != nil || len(all) != 3 {
		t.Errorf("without a bound: %+q, %v", all, err)
	}
}

func TestWhatGoesWrongWithAMailboxIsClassified(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for _, tc := range []struct {
		name  string
		spoil func(*postoffice.Office, *Mailbox)
		kind  pipeline.Kind
		says  string
	}{
		{"a wrong password", func(_ *postoffice.Office, m *Mailbox) { m.Password = "another-secret" }, pipeline.Unauthorized, "check the user of WINDROW_CHATTONIC_NPS_FROM and WINDROW_CHATTONIC_NPS_PASSWORD"},
		{"no such mailbox", func(_ *postoffice.Office, m *Mailbox) { m.URL.Path = "/Other" }, pipeline.Refused, "Other of 127.0.0.1"},
		{"a certificate that nobody trusts", func(_ *postoffice.Office, m *Mailbox) { m.Roots = x509.NewCertPool() }, pipeline.Refused, "certificate is not trusted"},
		{"no TLS on that port", func(o *postoffice.Office, m *Mailbox) { m.URL.Host = o.Plain }, pipeline.Refused, "does not speak TLS"},
		{"nothing listens", func(_ *postoffice.Office, m *Mailbox) { m.URL.Host = closed.Addr().String() }, pipeline.Unavailable, "nothing listens there"},
		{"it hangs before the greeting", func(o *postoffice.Office, m *Mailbox) {
			o.Misbehave(postoffice.Fault{Hangs: true})
			m.URL.Scheme, m.URL.Host, m.Timeout = "imap", o.Plain, 50*time.Millisecond
		}, pipeline.Unavailable, "said nothing for 50ms at greet"},
		{"it hangs within the handshake", func(o *postoffice.Office, m *Mailbox) {
			o.Misbehave(postoffice.Fault{Hangs: true})
			m.Timeout = 50 * time.Millisecond
		}, pipeline.Unavailable, "cannot be reached"},
		{"it closes within a mail", func(o *postoffice.Office, m *Mailbox) {
			o.Misbehave(postoffice.Fault{CutAfter: 3000})
			m.URL.Scheme, m.URL.Host = "imap", o.Plain
		}, pipeline.Unavailable, "broke off at fetch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, m := office(t)
			deliver(t, o, "NPS", sent, mailOf("1@x", sent, csvPart(strings.Repeat("a,b\n1,2\n", 2000))))
			tc.spoil(o, &m)
			err := m.Look(t.Context(), sent, nil, nil, func(f *File) error {
				f.Close()
				t.Errorf("%s was handed over", f)
				return nil
			})
			if pipeline.KindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, of kind %s", err, pipeline.KindOf(err))
			}
			if err != nil && (strings.Contains(err.Error(), postoffice.Password) || strings.Contains(err.Error(), "another-secret")) {
				t.Errorf("the password is told: %v", err)
			}
		})
	}
}

func TestALookThatBrokeOffIsTriedAgain(t *testing.T) {
	t.Parallel()
	for at := 100; at < 5500; at += 700 { // wherever it breaks off
		o, m := office(t)
		m.URL.Scheme, m.URL.Host, m.RetryFor = "imap", o.Plain, time.Minute
		deliver(t, o, "NPS", sent, mailOf("1@x", sent, csvPart(strings.Repeat("a,b\n1,2\n", 600))))
		o.Misbehave(postoffice.Fault{CutAfter: at, Times: 1})
		told := 0
		got := lookInto(t, m, func(what string, until time.Time) {
			if told++; what != "the mailbox could not be read to its end" || until.IsZero() {
				t.Errorf("told of %q until %s", what, until)
			}
		})
		if len(got) != 1 || got[0].fault != "" || len(got[0].text) != 600*8 || told != 1 {
			t.Errorf("cut after %d bytes, told %d times: %+q", at, told, got)
		}
	}
}

func TestALookEndsWithItsContext(t *testing.T) {
	t.Parallel()
	o, m := office(t)
	o.Misbehave(postoffice.Fault{Hangs: true})
	m.URL.Scheme, m.URL.Host, m.Timeout, m.RetryFor = "imap", o.Plain, time.Minute, time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	err := m.Look(ctx, sent, nil, nil, func(*File) error { return nil })
	if pipeline.KindOf(err) != pipeline.Stopped || time.Since(begun) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
}

func TestAMailThatArrivedInHalfIsBrokenAndNotAwaited(t *testing.T) {
	t.Parallel()
	o, m := office(t)
	whole := mailOf("1@x", sent, csvPart(strings.Repeat("a,b\n1,2\n", 50)))
	deliver(t, o, "NPS", sent, whole[:len(whole)-100])
	if got := lookInto(t, m); len(got) != 1 || got[0].fault == "" {
		t.Errorf("%+q", got)
	}
}

func TestScratchFilesLeaveNothingBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	o, m := office(t)
	deliver(t, o, "NPS", sent, mailOf("1@x", sent, csvPart("a;ó\n1;2\n"), inBase64("Content-Type: "+sheetType+"; name=r.xlsx\r\n", bytes.Repeat([]byte("no"), 100))))
	lookInto(t, m)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
