package chattonic_test

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
)

func TestConformance(t *testing.T) {
	const secret = "s3cr3t-0123456789"
	for name, config := range map[string]chattonic.Config{
		"with a token": {Token: secret, Codename: "acme"},
		"with a login": {Username: "reports@acme.example", Password: secret},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, func(t *testing.T) connectortest.Setup {
				sim := connectortest.Simulate(t, vendorsim.Options{ChatTonic: vendorsim.ChatTonicOptions{Password: secret, StaticToken: config.Token}})
				c := config
				c.URL, c.Timezone, c.DurationUnit = sim.Servers.ChatTonicURL, "America/Argentina/Buenos_Aires", "seconds"
				set, faults := c.Settings(chattonic.Prefix)
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				source, err := chattonic.New(set, chattonic.Options{
					Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport,
				})
				if err != nil {
					t.Fatal(err)
				}
				return connectortest.Setup{
					Source: source, Account: "mx", Busy: sim.Busy(), Extracted: sim.Clock, Secrets: []string{secret},
					Trouble: sim.Trouble("chattonic", "chattonic", "/api/v1/acme/stats", secret), Calls: sim.Calls,
				}
			})
		})
	}
}
