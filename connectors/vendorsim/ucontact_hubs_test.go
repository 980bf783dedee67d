package vendorsim

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

const oneList = `{"filename":"June","list":[{"clientIds":["+52 55 0000 0001","2"],"data":{"name":"A"}}]}`

func TestHubsTakeWhatTheirChannelCanHave(t *testing.T) {
	c := start(t, Options{})
	for _, x := range []struct {
		says, hub, kind, body string
		status                int
	}{
		{"a list", "Ventas", "lists", oneList, 200},
		{"leads", "Ventas", "freshLeads", `{"leads":[{"clientIds":["1"],"timezone":"America/Montevideo","scheduleDate":"2025-11-03 11:54:00"}]}`, 200},
		{"an e-mail", "Correo", "lists", `{"filename":"J","list":[{"clientId":"a@b.example","subject":"s","attachments":["x"]}]}`, 200},
		{"an agent of a preview hub", "Preview", "lists", `{"filename":"J","list":[{"clientIds":["1"],"agent":"ana"}]}`, 200},
		{"an agent of another hub", "Ventas", "lists", `{"filename":"J","list":[{"clientIds":["1"],"agent":"ana"}]}`, 400},
		{"a list's body for leads", "Ventas", "freshLeads", oneList, 400},
		{"a schedule in a list", "Ventas", "lists", `{"filename":"J","list":[{"clientIds":["1"],"scheduleDate":"2025-11-03 11:54:00"}]}`, 400},
		{"no name", "Ventas", "lists", `{"list":[{"clientIds":["1"]}]}`, 400},
		{"no contact", "Ventas", "lists", `{"filename":"J","list":[]}`, 400},
		{"a text's address by telephone", "Ventas", "lists", `{"filename":"J","list":[{"clientId":"1"}]}`, 400},
		{"a property that there is not", "WhatsApp", "lists", `{"filename":"J","list":[{"clientId":"1","colour":"red"}]}`, 400},
		{"half a document", "Ventas", "lists", oneList[:40], 400},
		{"a hub that there is not", "Nobody", "lists", oneList, 404},
	} {
		before := len(c.w.Accepted())
		status, _, text, err := c.do("POST", c.run.UContactURL+"/api/dialer/id/"+x.hub+"/"+x.kind, "ucontact-token", x.body)
		if status != x.status || err != nil || len(c.w.Accepted())-before != map[bool]int{true: 1}[x.status == 200] {
			t.Errorf("%s: %d %s %v", x.says, status, text, err)
		}
	}
	if status, _, _, _ := c.do("POST", c.run.UContactURL+"/api/dialer/id/Ventas/lists", "another", oneList); status != 401 {
		t.Errorf("another token: %d", status)
	}
}

func TestAHubTakesTheSameListTwice(t *testing.T) {
	at := noon
	c := start(t, Options{Real: func() time.Time { return at }, UContact: UContactOptions{Loading: time.Minute}})
	for range 2 {
		c.ok("POST", c.run.UContactURL+"/api/dialer/id/Ventas/lists", "ucontact-token", oneList)
	}
	all := c.w.Accepted()
	if len(all) != 2 || all[1].ID != 2 || all[1].Filename != "June" || !slices.Equal(all[1].Addresses(), []string{"+52 55 0000 0001", "2"}) || all[1].At != noon {
		t.Fatalf("%+v", all)
	}
	if all[0].State(noon) != "loading" || all[0].State(noon.Add(time.Minute)) != "inactive" {
		t.Errorf("%s, then %s", all[0].State(noon), all[0].State(noon.Add(time.Minute)))
	}
}

func TestFaultsOfAHubComeBeforeOrBehindTheEffect(t *testing.T) {
	c := start(t, Options{})
	address := c.run.UContactURL + "/api/dialer/id/Ventas/lists"
	for _, x := range []struct {
		says     string
		fault    Fault
		status   int
		accepted bool
	}{
		{"500 before", Fault{Kind: FaultStatus, Code: 500}, 500, false},
		{"500 behind", Fault{Kind: FaultStatus, Code: 500, Effect: true}, 500, true},
		{"nonsense", Fault{Kind: FaultRaw, Body: "HTTP/1.1 OK\r\n\r\n"}, 0, false},
		{"nonsense behind", Fault{Kind: FaultRaw, Body: "HTTP/1.1 OK\r\n\r\n", Effect: true}, 0, true},
		{"lost", Fault{Kind: FaultLost}, 0, true},
		{"a redirect", Fault{Kind: FaultStatus, Code: 307, Header: http.Header{"X-Test": {"1"}}}, 307, false},
	} {
		before := len(c.w.Accepted())
		c.w.Inject(x.fault)
		status, _, _, _ := c.do("POST", address, "ucontact-token", oneList)
		if got := len(c.w.Accepted()) > before; status != x.status || got != x.accepted {
			t.Errorf("%s: %d, accepted %t", x.says, status, got)
		}
	}
}

func TestAConnectionBreaksOffAtAByte(t *testing.T) {
	c := start(t, Options{})
	address := c.run.UContactURL + "/api/dialer/id/Ventas/lists"
	for _, x := range []struct {
		says     string
		b        Break
		accepted bool
	}{
		{"in the request", Break{Side: BreakRequest, Bytes: 150}, false},
		{"before it", Break{Side: BreakRequest, How: BreakClose}, false},
		{"before the answer", Break{Side: BreakAnswer}, true},
		{"in the status line", Break{Side: BreakAnswer, Bytes: 5, How: BreakClose}, true},
	} {
		before := len(c.w.Accepted())
		c.w.BreakOff(x.b)
		if status, _, _, err := c.do("POST", address, "ucontact-token", oneList); status != 0 || err == nil {
			t.Errorf("%s: %d, %v", x.says, status, err)
		}
		if got := len(c.w.Accepted()) > before; got != x.accepted {
			t.Errorf("%s: accepted %t", x.says, got)
		}
	}
	c.ok("POST", address, "ucontact-token", oneList)
}
