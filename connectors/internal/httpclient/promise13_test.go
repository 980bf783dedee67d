package httpclient

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

const key = "Bearer s3cr3t-key-0123456789"

// keys records the Authorization header of every request by host and path.
type keys struct {
	sync.Mutex
	seen []string
}

func (k *keys) note(who string, r *http.Request) {
	k.Lock()
	defer k.Unlock()
	k.seen = append(k.seen, fmt.Sprintf("%s %s %s auth=%q body=%d", who, r.Method, r.URL.Path, r.Header.Get("Authorization")+r.Header.Get("Cookie"), r.ContentLength))
}

func TestPromise13_TheKeyNeverFollowsARedirect(t *testing.T) {
	var k keys
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { k.note("other", r); io.WriteString(w, "file") })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		k.note("base", r)
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/file?signature=abc", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/file", http.StatusTemporaryRedirect)
		default:
			io.WriteString(w, "file")
		}
	})
	c := newClient(t, Options{Base: parse(t, base.URL)})
	for _, path := range []string{"/away", "/here"} {
		r := get(path)
		r.Credential = key
		r.Header = http.Header{"Authorization": {"Bearer smuggled"}, "Cookie": {"; a=b"}}
		if text, err := read(t, c, r); err != nil || text != "file" {
			t.Fatalf("%s: %q, %v", path, text, err)
		}
	}
	want := []string{
		`base GET /away auth="` + key + `; a=b" body=0`, `other GET /file auth="" body=0`,
		`base GET /here auth="` + key + `; a=b" body=0`, `base GET /file auth="" body=0`,
	}
	if got := strings.Join(k.seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("seen:\n%s", got)
	}
}

func TestPromise13_TheKeyGoesToTheConfiguredOriginAlone(t *testing.T) {
	var k keys
	h := func(w http.ResponseWriter, r *http.Request) { k.note("x", r); io.WriteString(w, "ok") }
	base, other := serve(t, h), serve(t, h)
	_, port, _ := strings.Cut(strings.TrimPrefix(base.URL, "http://"), ":")
	c := newClient(t, Options{Base: parse(t, base.URL)})
	for address, want := range map[string]bool{
		base.URL + "/a":                  true,
		other.URL + "/b":                 false, // another port
		"http://localhost:" + port + "/": false, // another name
	} {
		k.seen = nil
		r := get("/")
		r.URL, r.Credential = parse(t, address), key
		if _, err := read(t, c, r); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := strings.Contains(k.seen[0], "s3cr3t"); got != want {
			t.Errorf("%s: the key was sent: %v", address, got)
		}
	}
}

func TestPromise13_RedirectsNeverStepDownOrLeak(t *testing.T) {
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusPermanentRedirect)
	}))
	defer tls.Close()
	plain := serve(t, func(w http.ResponseWriter, r *http.Request) {
		t.Error("the redirect was followed")
		io.WriteString(w, "x")
	})
	c := newClient(t, Options{Base: parse(t, tls.URL), Transport: tls.Client().Transport})
	for name, to := range map[string]string{
		"from https to http on loopback": plain.URL + "/?signature=hidden-value",
		"to http on another host":        "http://example.com/?signature=hidden-value",
		"to another scheme":              "file:///etc/passwd?signature=hidden-value",
		"to a user name":                 "https://hidden-value@example.com/",
		"round and round":                "?to=%3Fto%3Dhidden-value",
		"to an unreadable place":         "https://[::hidden-value",
	} {
		t.Run(name, func(t *testing.T) {
			r := get("/")
			r.URL = &url.URL{Path: "/", RawQuery: "to=" + url.QueryEscape(to)}
			if name == "round and round" {
				r.URL.RawQuery = "to=" + url.QueryEscape("/?to=/")
			}
			_, err := read(t, c, r)
			if pipeline.KindOf(err) != pipeline.Refused {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(err.Error(), "hidden-value") {
				t.Errorf("the error tells where to: %v", err)
			}
		})
	}
}

func TestPromise13_ABodyStaysWithItsHost(t *testing.T) {
	var k keys
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { k.note("other", r) })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		k.note("base", r)
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusTemporaryRedirect)
		case "/see":
			http.Redirect(w, r, other.URL+"/x", http.StatusSeeOther)
		case "/moved":
			http.Redirect(w, r, "/x", http.StatusPermanentRedirect)
		}
	})
	c := newClient(t, Options{Base: parse(t, base.URL)})
	send := func(path string) error {
		_, err := read(t, c, Request{Op: "POST " + path, Method: http.MethodPost, URL: &url.URL{Path: path}, Body: []byte(`{"password":"x"}`)})
		return err
	}
	if err := send("/away"); pipeline.KindOf(err) != pipeline.Refused {
		t.Errorf("a password left for another host: %v", err)
	}
	if err := send("/see"); err != nil {
		t.Error(err)
	}
	if err := send("/moved"); err != nil {
		t.Error(err)
	}
	want := []string{
		`base POST /away auth="" body=16`,
		`base POST /see auth="" body=16`, `other GET /x auth="" body=0`,
		`base POST /moved auth="" body=16`, `base POST /x auth="" body=16`,
	}
	if got := strings.Join(k.seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("seen:\n%s", got)
	}
}

func TestPromise13_ErrorsHoldNoSecrets(t *testing.T) {
	const password = `p"w/ 1%`
	for name, body := range map[string]string{
		"the key":                    "no such token: s3cr3t-key-0123456789",
		"the whole header":           "Authorization: " + key,
		"another key":                `{"error":"Bearer s3cr3t-other.abc-_~+/= is expired"}`,
		"a signed URL":               `see https://bucket.example.com/f.csv?X-Goog-Signature=s3cr3t&Expires=1 for more`,
		"a signed URL without names": "see https://bucket.example.com/f.csv?s3cr3t for more",
		"a path and its query":       "cannot GET /x?a=s3cr3t&b=s3cr3t",
		"a signed URL in JSON":       `{"url":"https:\/\/bucket.example.com\/f.csv?sig=s3cr3t&a=1"}`,
		"query values":               "apikey=s3cr3t token=s3cr3t&signature=s3cr3t; access_token: s3cr3t",
		"JSON members":               `{"token":"s3cr3t","client_secret": "s3cr3t"}`,
		"a JSON web token":           "eyJhbGciOiJFUzUxMiJ9.s3cr3t-s3cr3t.sig is no good",
		"the password":               "wrong password " + password,
		"the password as JSON":       `{"password":"p\"w/ 1%"}`,
		"the password in a query":    "?q=" + url.QueryEscape(password),
		"a key cut by the limit":     strings.Repeat(" ", excerptRead-len("s3cr3t-key-0123")) + "s3cr3t-key-0123456789",
		"a page":                     "<html><head><title>Bearer s3cr3t</title></head><body>s3cr3t</body></html>",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); io.WriteString(w, body) })
			c := newClient(t, Options{Base: parse(t, s.URL), HideValues: []string{password}})
			r := get("/x")
			r.URL.RawQuery = "apikey=s3cr3t"
			r.Credential = key
			_, err := c.Do(t.Context(), r)
			text := err.Error()
			for _, secret := range []string{"s3cr3t", password, `p\"w`, url.QueryEscape(password)} {
				if strings.Contains(text, secret) {
					t.Errorf("the error holds %s: %s", secret, text)
				}
			}
			if strings.ContainsAny(text, "\n\r\t") || len(text) > 300 {
				t.Errorf("not one short line: %q", text)
			}
		})
	}
}

func TestPromise13_TransportErrorsHoldNoURL(t *testing.T) {
	c := newClient(t, Options{Base: parse(t, "https://example.com"), Transport: failing{}})
	r := get("/x")
	r.URL.RawQuery = "signature=s3cr3t"
	r.Credential = key
	_, err := c.Do(t.Context(), r)
	if pipeline.KindOf(err) != pipeline.Unavailable || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("error %v", err)
	}
}

// failing breaks like a proxy that repeats what it was asked.
type failing struct{}

func (failing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: fmt.Errorf("proxy refused %s with %s", r.URL, r.Header.Get("Authorization"))}
}

func TestAVendorsWordsSurviveRedaction(t *testing.T) {
	for in, want := range map[string]string{
		`{"error":"groupnum is not valid"}`:                        `{"error":"groupnum is not valid"}`,
		"<html><head><title>502 Bad Gateway</title></head></html>": "an HTML page titled 502 Bad Gateway",
		"line\x00 one\r\n\tline two":                               "line one line two",
		strings.Repeat("ä", 300):                                   strings.Repeat("ä", 98) + mask,
	} {
		if got := excerpt([]byte(in), nil); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
