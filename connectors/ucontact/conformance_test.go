package ucontact_test

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Setup {
		const token = "s3cr3t-token-0123456789"
		sim := connectortest.Simulate(t, vendorsim.Options{UContact: vendorsim.UContactOptions{Token: token}})
		set, faults := ucontact.Config{
			URL: sim.Servers.UContactURL, Token: token, Timezone: "America/Mexico_City", Agents: "Agent1,Agent2", Campaigns: "Ventas,Soporte<-",
		}.Settings(ucontact.Prefix)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		source, err := ucontact.New(set, ucontact.Options{
			Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		return connectortest.Setup{
			Source: source, Account: "mx", Busy: sim.Busy(), Extracted: sim.Clock, Secrets: []string{token},
			Trouble: sim.Trouble("ucontact", "ucontact", "/api/stats", token), Calls: sim.Calls,
		}
	})
}
