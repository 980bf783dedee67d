package ucontact_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline/push"
)

const (
	hubToken = "s3cr3t-token-0123456789"
	number   = "+525512345678"
)

// hubs is a simulated vendor and a hub client of it.
type hubs struct {
	*testing.T
	world   *vendorsim.World
	servers *vendorsim.Running
}

func startHubs(t *testing.T, o vendorsim.Options) *hubs {
	t.Helper()
	o.UContact.Token = hubToken
	h := &hubs{T: t, world: vendorsim.New(o)}
	servers, err := h.world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	h.servers = servers
	return h
}

// at is a client of the hubs at an address.
func (h *hubs) at(url string, change func(*ucontact.Config, *ucontact.Options)) *ucontact.Hub {
	h.Helper()
	c, o := ucontact.Config{URL: url, Token: hubToken, Timezone: "UTC", Rate: "10000"}, ucontact.Options{Account: "mx"}
	if change != nil {
		change(&c, &o)
	}
	set, faults := c.Settings(ucontact.Prefix)
	if len(faults) > 0 {
		h.Fatal(faults)
	}
	client, err := ucontact.NewHub(set, o)
	if err != nil {
		h.Fatal(err)
	}
	return client
}

func listKey() push.Key {
	return push.Key{Account: "mx", Hub: "Ventas", Delivery: push.Lists, Name: "June"}
}

func leadKey() push.Key {
	return push.Key{Account: "mx", Hub: "Ventas", Delivery: push.Leads, Name: "June & July"}
}

func twoContacts() push.Batch {
	return push.Batch{ID: "b", Number: 3, Name: "June (3)", Contacts: []push.Payload{
		{JSON: []byte(`{"clientIds":["` + number + `"],"priority":7}`), Data: []byte(`{"name":"José Núñez","note":"a & b"}`)},
		{JSON: []byte(`{"clientIds":["2","3"]}`)},
	}}
}

func TestAHubGetsOneDocumentForABatch(t *testing.T) {
	h := startHubs(t, vendorsim.Options{})
	client := h.at(h.servers.UContactURL, nil)
	for _, k := range []push.Key{listKey(), leadKey()} {
		if o := client.Send(t.Context(), k, twoContacts()); o.Event != push.Accepted || o.Status != 200 || !strings.Contains(o.Text, `"contacts":`) {
			t.Fatalf("%+v", o)
		}
	}
	all, log := h.world.Accepted(), h.world.Log()
	if len(all) != 2 || all[0].Kind != "lists" || all[0].Filename != "June (3)" || all[1].Kind != "freshLeads" || all[1].Hub != "Ventas" {
		t.Fatalf("%+v", all)
	}
	if want := `{"filename":"June (3)","list":[{"clientIds":["+525512345678"],"priority":7,"data":{"name":"José Núñez","note":"a & b"}},{"clientIds":["2","3"]}]}`; string(log[0].Body) != want {
		t.Errorf("list:\n%s\nwant\n%s", log[0].Body, want)
	}
	if want := `{"leads":[{"clientIds":["+525512345678"],"priority":7,"data":{"name":"José Núñez","note":"a & b","windrow_push":{"key":"June & July","batch":3}}},` +
		`{"clientIds":["2","3"],"data":{"windrow_push":{"key":"June & July","batch":3}}}]}`; string(log[1].Body) != want {
		t.Errorf("leads:\n%s\nwant\n%s", log[1].Body, want)
	}
	for _, c := range log {
		if c.Header.Get("Authorization") != "Bearer "+hubToken || c.Header.Get("Content-Type") != "application/json" || c.Header.Get("Connection") != "close" || !json.Valid(c.Body) {
			t.Errorf("%s: %v", c.Path, c.Header)
		}
	}
}

func TestAHubsNameIsEscapedInThePath(t *testing.T) {
	name := "Año 2/3 %41?#{hub}"
	h := startHubs(t, vendorsim.Options{UContact: vendorsim.UContactOptions{Hubs: []vendorsim.Hub{{Name: name, Type: vendorsim.HubTelephony}}}})
	k := listKey()
	k.Hub = name
	if o := h.at(h.servers.UContactURL, nil).Send(t.Context(), k, twoContacts()); o.Event != push.Accepted {
		t.Errorf("%+v", o)
	}
	plural := h.at(h.servers.UContactURL, func(c *ucontact.Config, _ *ucontact.Options) { c.DialerPath = "/api/dialers/{kind}/{hub}" })
	if o := plural.Send(t.Context(), k, twoContacts()); o.Event != push.Declined || o.Status != 404 {
		t.Errorf("%+v", o)
	}
	if log := h.world.Log(); log[1].Path != "/api/dialers/lists/"+name {
		t.Errorf("asked %s", log[1].Path)
	}
	for _, bad := range []string{"", " ", ".", ".."} {
		k.Hub = bad
		if o := plural.Send(t.Context(), k, twoContacts()); o.Event != push.NotWritten || o.Text == "" {
			t.Errorf("%q: %+v", bad, o)
		}
	}
}

func TestTheDialerPathIsATemplate(t *testing.T) {
	for path, good := range map[string]bool{
		"": true, "/api/dialers/id/{hub}/{kind}": true, "/{kind}/{hub}": true, "/x%20y/{hub}.{kind}": false,
		"/api/{hub}": false, "/api/{kind}": false, "api/{hub}/{kind}": false, "/{hub}/{hub}/{kind}": false, "/{hub}/{kind}?a=b": false, "/{hub}/{kind}#x": false,
		"//evil.example/{hub}/{kind}": false, "/{hub}/{kind}/{x}": false, "/a b/{hub}/{kind}": false,
	} {
		_, faults := ucontact.Config{URL: "https://x.example", Token: "t", Timezone: "UTC", DialerPath: path}.Settings(ucontact.Prefix)
		if (len(faults) == 0) != good || !good && faults[0].Variable != "WINDROW_UCONTACT_DIALER_PATH" {
			t.Errorf("%q: %v", path, faults)
		}
	}
}

// The table of the push contract.
func TestWhatHappenedToARequestHasItsEvent(t *testing.T) {
	h := startHubs(t, vendorsim.Options{})
	client := h.at(h.servers.UContactURL, nil)
	status := func(code int) vendorsim.Fault { return vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: code} }
	behind := func(f vendorsim.Fault) vendorsim.Fault { f.Effect = true; return f }
	raw := func(s string) vendorsim.Fault {
		return vendorsim.Fault{Kind: vendorsim.FaultRaw, Body: s, Effect: true}
	}
	for _, c := range []struct {
		says     string
		fault    vendorsim.Fault
		event    push.Event
		status   int
		accepted bool
	}{
		{"200 with a page", vendorsim.Fault{Kind: vendorsim.FaultHTML, Effect: true}, push.Accepted, 200, true},
		{"a blank 200", vendorsim.Fault{Kind: vendorsim.FaultBlank}, push.Accepted, 200, true},
		{"201", behind(status(201)), push.Accepted, 201, true},
		{"204", behind(status(204)), push.Accepted, 204, true},
		{"202 that speaks of an error", behind(vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 202, Body: `{"error":"no"}`}), push.Accepted, 202, true},
		{"a 200 that ends with the connection", raw("HTTP/1.0 200 OK\r\n\r\nfine"), push.Accepted, 200, true},
		{"400", status(400), push.Declined, 400, false},
		{"401", status(401), push.Unauthorized, 401, false},
		{"403", status(403), push.Unauthorized, 403, false},
		{"404", status(404), push.Declined, 404, false},
		{"408", status(408), push.Uncertain, 408, false},
		{"413", status(413), push.Declined, 413, false},
		{"425", status(425), push.Uncertain, 425, false},
		{"429", status(429), push.Throttled, 429, false},
		{"500 before", status(500), push.Uncertain, 500, false},
		{"500 behind", behind(status(500)), push.Uncertain, 500, true},
		{"503 behind", behind(status(503)), push.Uncertain, 503, true},
		{"301", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 301, Header: http.Header{"Location": {h.servers.UContactURL + "/api/dialer/id/Correo/lists"}}}, push.Uncertain, 301, false},
		{"307", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 307, Header: http.Header{"Location": {h.servers.UContactURL + "/api/dialer/id/Ventas/lists"}}}, push.Uncertain, 307, false},
		{"304", status(304), push.Uncertain, 304, false},
		{"interim answers, then the final one", raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), push.Accepted, 200, true},
		{"interim answers alone", raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100)), push.Uncertain, 0, true},
		{"a long answer", raw("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 17<<20)), push.Accepted, 200, true},
		{"another protocol", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), push.Uncertain, 0, true},
		{"no status line", raw("hello\r\n\r\n"), push.Uncertain, 0, true},
		{"a status line of HTTP/2", raw("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"), push.Uncertain, 0, true},
		{"a status that is none", raw("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"), push.Uncertain, 0, true},
		{"two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), push.Uncertain, 0, true},
		{"nothing", raw(""), push.Uncertain, 0, true},
		{"headers without end", raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20)), push.Uncertain, 0, true},
		{"a body shorter than its length", raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), push.Uncertain, 200, true},
		{"a body without its last chunk", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), push.Uncertain, 200, true},
		{"a cut body of 400", raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nno"), push.Declined, 400, true},
		{"reset before the effect", vendorsim.Fault{Kind: vendorsim.FaultReset}, push.Uncertain, 0, false},
		{"reset behind it", vendorsim.Fault{Kind: vendorsim.FaultLost}, push.Uncertain, 0, true},
		{"slow", vendorsim.Fault{Kind: vendorsim.FaultSlow, Bytes: 16, Pause: 5 * time.Millisecond}, push.Accepted, 200, true},
	} {
		t.Run(c.says, func(t *testing.T) {
			before, asked := len(h.world.Accepted()), h.world.Count("ucontact", "", "")
			h.world.ClearFaults()
			h.world.Inject(c.fault)
			o := client.Send(t.Context(), listKey(), twoContacts())
			if accepted := len(h.world.Accepted()) > before; o.Event != c.event || o.Status != c.status || accepted != c.accepted {
				t.Errorf("%s, status %d, %q; accepted %t", o.Event, o.Status, o.Text, accepted)
			}
			if (o.Event == push.Uncertain && o.Status < 300) && o.Text == "" {
				t.Error("nothing says what befell the request")
			}
			if n := h.world.Count("ucontact", "", "") - asked; n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestAThrottledHubSaysHowLongToWait(t *testing.T) {
	now := time.Date(2025, 9, 8, 12, 0, 0, 0, time.UTC)
	h := startHubs(t, vendorsim.Options{Real: func() time.Time { return now }})
	client := h.at(h.servers.UContactURL, func(_ *ucontact.Config, o *ucontact.Options) { o.Now = func() time.Time { return now } })
	for header, want := range map[string]time.Duration{
		"": 0, "40": 40 * time.Second, "soon": 0, now.Add(time.Minute).Format(http.TimeFormat): time.Minute, fmt.Sprint(now.Add(2 * time.Minute).Unix()): 2 * time.Minute,
	} {
		h.world.Inject(vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 429, Header: http.Header{"Retry-After": {header}}})
		if o := client.Send(t.Context(), listKey(), twoContacts()); o.Event != push.Throttled || o.RetryAfter != want {
			t.Errorf("%q: %+v", header, o)
		}
	}
}

func TestTheRateIsThatOfTheAccount(t *testing.T) {
	h := startHubs(t, vendorsim.Options{})
	client := h.at(h.servers.UContactURL, func(c *ucontact.Config, _ *ucontact.Options) { c.Rate = "20" })
	began := time.Now()
	for range 3 {
		if err := client.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 95*time.Millisecond {
		t.Errorf("three requests at 20 a second may go after %s", took)
	}
}

func TestAHubThatHangsIsLeftAfterTheTimeout(t *testing.T) {
	for _, c := range []struct {
		says     string
		arm      func(*vendorsim.World)
		accepted bool
	}{
		{"before the effect", func(w *vendorsim.World) { w.Inject(vendorsim.Fault{Kind: vendorsim.FaultHang}) }, false},
		{"behind it", func(w *vendorsim.World) { w.Inject(vendorsim.Fault{Kind: vendorsim.FaultHang, Effect: true}) }, true},
		{"in the request", func(w *vendorsim.World) {
			w.BreakOff(vendorsim.Break{Side: vendorsim.BreakRequest, Bytes: 99, How: vendorsim.BreakHang})
		}, false},
		{"in the answer's body", func(w *vendorsim.World) {
			w.BreakOff(vendorsim.Break{Side: vendorsim.BreakAnswer, Bytes: 150, How: vendorsim.BreakHang})
		}, true},
		{"by a body without end", func(w *vendorsim.World) {
			w.Inject(vendorsim.Fault{Kind: vendorsim.FaultSlow, Bytes: 1, Pause: 20 * time.Second})
		}, true},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hubs{T: t, world: vendorsim.New(vendorsim.Options{UContact: vendorsim.UContactOptions{Token: hubToken}})}
				servers, err := h.world.StartInMemory(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				defer servers.Close()
				client := h.at(servers.UContactURL, func(c *ucontact.Config, o *ucontact.Options) { o.Transport = servers.Transport() })
				c.arm(h.world)
				began := time.Now()
				o := client.Send(t.Context(), listKey(), twoContacts())
				if took := time.Since(began); o.Event != push.Uncertain || took < 2*time.Minute || took > 4*time.Minute || !strings.Contains(o.Text, "WINDROW_UCONTACT_TIMEOUT") {
					t.Errorf("%+v after %s", o, took)
				}
				if accepted := len(h.world.Accepted()) > 0; accepted != c.accepted {
					t.Errorf("accepted %t", accepted)
				}
			})
		})
	}
}
