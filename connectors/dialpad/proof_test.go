package dialpad

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

func TestCheckTellsDialpadFromOtherHosts(t *testing.T) {
	const (
		ok      = pipeline.Internal // stands for no error
		notHere = "the host does not answer as Dialpad does"
	)
	for _, c := range []struct {
		says    string
		code    int
		body    string
		keyless int // the code for who shows no key; 0: as with it
		kind    pipeline.Kind
		tells   string
	}{
		{"a report that is unknown", 404, `{"error":{"code":404,"message":"Request with id 0 not found","errors":[{"reason":"notFound"}]}}`, 0, ok, ""},
		{"a report that has expired", 400, `{"error":{"message":"Results have expired"}}`, 0, ok, ""},
		{"an error of which a code is known alone", 404, `{"error":{"code":404}}`, 0, ok, ""},
		{"a state", 200, `{"status":"failed"}`, 0, ok, ""},
		{"a bare 404 of a host that wants a key", 404, "", 401, ok, ""},
		{"a page that is not found, of a host that wants a key", 404, "<html>no</html>", 403, ok, ""},
		{"a 404 for everything", 404, "", 0, pipeline.Refused, notHere},
		{"a 404 for everything, as a page", 404, "<html><title>Not Found</title></html>", 0, pipeline.Refused, notHere},
		{"a 404 that comes from another API", 404, `{"message":"Not Found","documentation_url":"https://docs.test"}`, 0, pipeline.Refused, notHere},
		{"a 404 of another API still", 404, `{"error":"not found"}`, 0, pipeline.Refused, notHere},
		{"an empty error", 404, `{"error":{}}`, 0, pipeline.Refused, notHere},
		{"a text that is no error", 404, `{"error":null}`, 0, pipeline.Refused, notHere},
		{"a page", 200, "<html>sign in</html>", 0, pipeline.Malformed, notHere},
		{"a blank", 200, "", 0, pipeline.Malformed, notHere},
		{"another API's document", 200, `{"ok":true}`, 0, pipeline.Malformed, notHere},
		{"a list", 200, `[]`, 0, pipeline.Malformed, notHere},
		{"another refusal", 409, `{"error":{"code":409}}`, 0, pipeline.Refused, notHere},
		{"another method wanted", 405, "", 0, pipeline.Refused, notHere},
		{"a key that is refused", 401, "", 0, pipeline.Unauthorized, "check WINDROW_DIALPAD_TOKEN"},
		{"a key that is forbidden", 403, `{"error":{"code":403}}`, 0, pipeline.Unauthorized, "check WINDROW_DIALPAD_TOKEN"},
		{"trouble", 500, "", 0, pipeline.Unavailable, "the next sync tries again"},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				keyless := 0
				v.onMeet = func(w http.ResponseWriter) bool {
					w.WriteHeader(c.code)
					_, _ = io.WriteString(w, c.body)
					return true
				}
				s := newTestSource(t, vendorWithoutKey{v, c.keyless, &keyless}, Options{RetryFor: time.Second}, nil)
				err := s.Check(t.Context())
				if c.kind == ok && err != nil || c.kind != ok && (pipeline.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.tells)) {
					t.Errorf("%v", err)
				}
				if c.tells == notHere && !strings.Contains(err.Error(), "https://dialpad.com/api/v2") {
					t.Errorf("no remedy: %v", err)
				}
				if len(v.posts) != 0 || len(v.looks) != 0 || keyless > 1 {
					t.Errorf("%d POSTs, %d looks, %d calls without the key", len(v.posts), len(v.looks), keyless)
				}
			})
		})
	}
}

// vendorWithoutKey answers who shows no key by a code, where it has one.
type vendorWithoutKey struct {
	*vendor
	code  int
	asked *int
}

func (v vendorWithoutKey) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") != "" {
		return v.vendor.RoundTrip(r)
	}
	*v.asked++
	if v.code == 0 {
		return v.vendor.RoundTrip(r)
	}
	return &http.Response{StatusCode: v.code, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// targets asks for these, of the simulated vendor.
func targets(t *testing.T, o vendorsim.Options, list string) (*vendorsim.World, *Source) {
	t.Helper()
	w, s := simulated(t, o)
	scopes, err := parseTargets(list)
	if err != nil {
		t.Fatal(err)
	}
	s.set.scopes = scopes
	return w, s
}

func TestEveryTargetIsLookedUp(t *testing.T) {
	good := vendorsim.CallCenters()[0].String()
	office, user := vendorsim.Offices()[0].String(), fmt.Sprintf("user:%d", vendorsim.Users()[0].ID)
	const absent, silent = "Dialpad has no callcenter:999: correct it in WINDROW_DIALPAD_TARGETS", "could not be proven"
	for _, c := range []struct {
		says    string
		style   vendorsim.NeighbourStyle
		fault   vendorsim.Fault
		targets string
		kinds   []pipeline.Kind // of each target's error; Internal: none
		tells   string          // what some error or warning has
		warns   int
	}{
		{says: "all are there", targets: good + "," + office + "," + user + ",department:6529000000000201", kinds: make([]pipeline.Kind, 4)},
		{says: "one is not", targets: good + ",callcenter:999", kinds: []pipeline.Kind{0, pipeline.Refused}, tells: absent},
		{says: "the only one is not", targets: "callcenter:999", kinds: []pipeline.Kind{pipeline.Refused}, tells: absent},
		{says: "the id of another kind", targets: "department" + strings.TrimPrefix(good, "callcenter"), kinds: []pipeline.Kind{pipeline.Refused}, tells: "Dialpad has no department:"},
		{says: "kinds without a question", targets: "coachinggroup:7,staffgroup:8", kinds: make([]pipeline.Kind, 2), tells: "no question for a staffgroup", warns: 2},
		{says: "a gateway that knows reports alone", style: vendorsim.NeighboursPage, targets: good + ",user:999", kinds: make([]pipeline.Kind, 2), tells: silent, warns: 2},
		{says: "one that says so as the vendor would", style: vendorsim.NeighboursError, targets: good, kinds: make([]pipeline.Kind, 1), tells: silent, warns: 1},
		{says: "an error that is about the id", style: vendorsim.NeighboursError, targets: "callcenter:999", kinds: []pipeline.Kind{pipeline.Refused}, tells: absent,
			fault: vendorsim.Fault{Path: "/api/v2/callcenters/999", Kind: vendorsim.FaultStatus, Code: 404, Times: -1, Body: `{"error":{"code":404,"message":"Call center with id 999 not found"}}`}},
		{says: "an error that repeats the path", style: vendorsim.NeighboursPage, targets: "callcenter:999", kinds: make([]pipeline.Kind, 1), tells: silent, warns: 1,
			fault: vendorsim.Fault{Path: "/api/v2/callcenters/999", Kind: vendorsim.FaultStatus, Code: 404, Times: -1, Body: `<p>No such page</p>`}},
		{says: "a list that has the id, without the question for one", targets: good, kinds: make([]pipeline.Kind, 1),
			fault: vendorsim.Fault{Path: "/api/v2/callcenters/", Kind: vendorsim.FaultStatus, Code: 404, Times: -1}},
		{says: "a scope that the key lacks", targets: good, kinds: []pipeline.Kind{pipeline.Unauthorized}, tells: "scope",
			fault: vendorsim.Fault{Path: "/api/v2/callcenters", Kind: vendorsim.FaultStatus, Code: 403, Times: -1, Body: `{"error":{"code":403,"message":"Requires scope agent_groups:read"}}`}},
		{says: "a page instead of one", targets: good, kinds: make([]pipeline.Kind, 1), tells: silent, warns: 1,
			fault: vendorsim.Fault{Path: "/api/v2/callcenters", Kind: vendorsim.FaultHTML, Times: -1}},
		{says: "trouble with one", targets: good + "," + office, kinds: []pipeline.Kind{pipeline.Unavailable, 0}, tells: "HTTP 503",
			fault: vendorsim.Fault{Path: "/api/v2/callcenters", Kind: vendorsim.FaultStatus, Code: 503, Times: -1}},
		{says: "one that never answers", targets: good + "," + office, kinds: []pipeline.Kind{pipeline.Unavailable, 0}, tells: "no answer within",
			fault: vendorsim.Fault{Path: "/api/v2/callcenters", Kind: vendorsim.FaultHang, Times: -1}},
		{says: "trouble that passes", targets: good, kinds: make([]pipeline.Kind, 1),
			fault: vendorsim.Fault{Path: "/api/v2/callcenters", Kind: vendorsim.FaultStatus, Code: 503}},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, s := targets(t, vendorsim.Options{Dialpad: vendorsim.DialpadOptions{Neighbours: c.style}}, c.targets)
				if c.fault.Kind != 0 {
					w.Inject(c.fault)
				}
				began := time.Now()
				proofs := s.Prove(t.Context(), nil)
				if took := time.Since(began); took > 4*time.Minute {
					t.Errorf("it took %s", took)
				}
				var kinds []pipeline.Kind
				var texts []string
				warned := 0
				for _, p := range proofs[1:] {
					kinds, warned = append(kinds, pipeline.KindOf(p.Err)), warned+len(p.Warnings)
					texts = append(texts, fmt.Sprint(p.What, ": ", p.Err, p.Warnings))
				}
				if proofs[0].Err != nil || !slices.Equal(kinds, c.kinds) || warned != c.warns || !strings.Contains(strings.Join(texts, "\n"), c.tells) {
					t.Errorf("%v, %d warnings, %v\n%s", kinds, warned, proofs[0].Err, strings.Join(texts, "\n"))
				}
				if posts := w.Count("dialpad", "POST", ""); posts != 0 {
					t.Errorf("%d POSTs", posts)
				}
			})
		})
	}
}

func TestTheOfficeIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := simulated(t, vendorsim.Options{})
		s.set.scopes = []scope{{kind: officeScope, id: 999}}
		proofs := s.Prove(t.Context(), nil)
		if len(proofs) != 2 || pipeline.KindOf(proofs[1].Err) != pipeline.Refused || !strings.Contains(proofs[1].Err.Error(), "correct it in WINDROW_DIALPAD_OFFICE_ID") {
			t.Errorf("%+v", proofs)
		}
		s.set.scopes = []scope{{}}
		if proofs := s.Prove(t.Context(), nil); len(proofs) != 1 || proofs[0].Err != nil {
			t.Errorf("the company: %+v", proofs)
		}
	})
}

func TestAHundredTargetsKeepTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := make([]string, 100)
		for i := range list {
			list[i] = fmt.Sprintf("callcenter:%d", i+1)
		}
		w, s := targets(t, vendorsim.Options{}, strings.Join(list, ","))
		for _, p := range s.Prove(t.Context(), nil)[1:] {
			if pipeline.KindOf(p.Err) != pipeline.Refused {
				t.Errorf("%s: %v", p.What, p.Err)
			}
		}
		for _, c := range w.Log() {
			if c.Status == http.StatusTooManyRequests {
				t.Fatal("the vendor had to throttle")
			}
		}
	})
}
