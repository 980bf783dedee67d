package ucontact_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

func TestAHubsAnswerIsHeldAgainstThisMachinesClock(t *testing.T) {
	h := startHubs(t, vendorsim.Options{})
	for _, c := range []struct {
		name  string
		off   time.Duration // of the vendor's clock
		wrong bool
		warns int
	}{
		{"right", 0, false, 0},
		{"a little behind", -10 * time.Minute, false, 1},
		{"an hour and more ahead", 61*time.Minute + 2*time.Second, true, 0},
		{"days behind", -50 * time.Hour, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(c.off).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusOK)
			}))
			t.Cleanup(server.Close)
			var warned []string
			client := h.at(server.URL, func(_ *ucontact.Config, o *ucontact.Options) {
				o.Warn = func(text string) { warned = append(warned, text) }
			})
			for range 2 {
				out := client.Send(t.Context(), listKey(), twoContacts())
				if out.Event != push.Accepted || (out.Clock != nil) != c.wrong {
					t.Fatalf("%+v", out)
				}
				if c.wrong && (pipeline.KindOf(out.Clock) != pipeline.ClockWrong || strings.Contains(out.Clock.Error(), number)) {
					t.Error(out.Clock)
				}
			}
			if len(warned) != c.warns {
				t.Errorf("warned of %q", warned)
			}
		})
	}
}
