package dialpad

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// shown writes targets as people see them.
func shown(targets []pipeline.Target) (lines []string) {
	for _, t := range targets {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", t.Target, t.Name, t.PartOf)))
	}
	return lines
}

func TestTargetsAreListedPageByPageAndUsersAreNot(t *testing.T) {
	answers := map[string]string{
		"/offices":           `{"items":[{"id":789,"name":"North  \n office"},{"id":"790"}]}`,
		"/callcenters":       `{"cursor":"a b&c","items":[{"id":"1","name":"Support","office_id":789}]}`,
		"/callcenters?a b&c": `{"cursor":"last","items":[{"id":"2","name":"Sales","office_id":"790"}]}`,
		"/callcenters?last":  `{"cursor":"last","items":[{"id":"3","name":"Night","office_id":null}]}`,
		"/departments":       `{"items":[]}`,
		"/coachingteams":     `{}`,
	}
	var asked []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/api/v2")
		if c := r.URL.Query().Get("cursor"); c != "" {
			key += "?" + c
		}
		asked = append(asked, key)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answers[key])
	})
	got, err := targetsSource(t, h).Targets(t.Context())
	want := []string{"office:789 North office", "office:790", "callcenter:1 Support office:789", "callcenter:2 Sales office:790", "callcenter:3 Night"}
	if err != nil || !slices.Equal(shown(got), want) {
		t.Errorf("%q, %v", shown(got), err)
	}
	if len(asked) != 6 || slices.ContainsFunc(asked, func(path string) bool { return strings.Contains(path, "user") }) {
		t.Errorf("asked %q", asked)
	}
}

func TestNoTargetTellsASecret(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"id":"7","name":"of planted-0123456789"}]}`)
	})
	s := newTestSource(t, handled{h}, Options{}, func(c *Config) { c.Token, c.Rate = "planted-0123456789", "1000" })
	got, err := s.Targets(t.Context())
	if err != nil || len(got) == 0 || got[0].Name != "of …" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestACollectionThatTheKeyMayNotSeeLeavesTheOthers(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/callcenters") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"items":[{"id":"7","name":"x"}]}`)
	})
	got, err := targetsSource(t, h).Targets(t.Context())
	if want := []string{"office:7 x", "department:7 x", "coachingteam:7 x"}; !slices.Equal(shown(got), want) {
		t.Errorf("%q", shown(got))
	}
	if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "the callcenters are not listed") {
		t.Error(err)
	}
}

func TestTheSimulatedVendorsTargetsAreListed(t *testing.T) {
	world := vendorsim.New(vendorsim.Options{Dialpad: vendorsim.DialpadOptions{Token: "key"}})
	got, err := targetsSource(t, world.Dialpad()).Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(shown(got), "\n")
	for _, c := range append(vendorsim.CallCenters(), vendorsim.CoachingTeam()) {
		if !strings.Contains(lines, c.String()) {
			t.Errorf("%s is missing of\n%s", c, lines)
		}
	}
	if !strings.Contains(lines, "callcenter:6529000000000102 Soporte, 24/7 office:5710000000000001") || strings.Contains(lines, "user:") {
		t.Error(lines)
	}
}

// targetsSource is a source whose vendor is h.
func targetsSource(t *testing.T, h http.Handler) *Source {
	t.Helper()
	return newTestSource(t, handled{h}, Options{}, func(c *Config) { c.Token, c.Rate = "key", "1000" })
}

// handled answers requests by a handler.
type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}
