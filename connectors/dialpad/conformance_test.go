package dialpad_test

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/vendorsim"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Setup {
		const key = "s3cr3t-key-0123456789"
		sim := connectortest.Simulate(t, vendorsim.Options{Dialpad: vendorsim.DialpadOptions{Token: key}})
		set, faults := dialpad.Config{
			URL: sim.Servers.DialpadURL, Token: key, Timezone: "America/Chicago", Targets: vendorsim.CallCenters()[0].String(),
		}.Settings("WINDROW_DIALPAD_")
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		source, err := dialpad.New(set, dialpad.Options{
			Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		return connectortest.Setup{
			Source: source, Account: "mx", Busy: sim.Busy(), Extracted: sim.Clock, Secrets: []string{key},
			Trouble: sim.Trouble("dialpad", "download", "/", key), Calls: sim.Calls,
		}
	})
}
