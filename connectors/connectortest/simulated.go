package connectortest

import (
	"net/http"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

// Simulated is a world that is served to one source over pipes.
type Simulated struct {
	World     *vendorsim.World
	Servers   *vendorsim.Running
	Transport http.RoundTripper
	// Clock is a weekday of 2025 that passes with the bubble's time.
	Clock func() time.Time
}

// Simulate serves a world until t ends. Call it inside the bubble.
func Simulate(t *testing.T, o vendorsim.Options) Simulated {
	t.Helper()
	begun := time.Now()
	clock := func() time.Time {
		return time.Date(2025, 9, 12, 18, 0, 0, 0, time.UTC).Add(time.Since(begun))
	}
	o.Clock, o.Real = clock, clock
	w := vendorsim.New(o)
	run, err := w.StartInMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Close)
	transport := run.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return Simulated{World: w, Servers: run, Transport: transport, Clock: clock}
}

// Busy is a weekday afternoon that is settled by Clock.
func (s Simulated) Busy() time.Time { return s.Clock().Add(-48 * time.Hour) }

// Trouble is the Setup's Trouble for the vendor at host, whose documents come
// from the given host and path. secret is what it repeats when it refuses.
func (s Simulated) Trouble(host, documentHost, documentPath, secret string) func(Trouble) {
	document := func(kind vendorsim.FaultKind) vendorsim.Fault {
		return vendorsim.Fault{Host: documentHost, Path: documentPath, Kind: kind}
	}
	faults := map[Trouble]vendorsim.Fault{
		Down:      {Host: host, Kind: vendorsim.FaultStatus, Code: http.StatusServiceUnavailable},
		Throttles: {Host: host, Kind: vendorsim.FaultStatus, Code: http.StatusTooManyRequests, RetryAfter: 3 * time.Second, Style: vendorsim.RetryAfterSeconds},
		Refuses:   {Host: host, Kind: vendorsim.FaultStatus, Code: http.StatusUnauthorized, Times: -1, Body: "not known: " + secret},
		BreaksOff: document(vendorsim.FaultCut),
		Page:      document(vendorsim.FaultHTML),
		Blank:     document(vendorsim.FaultBlank),
	}
	return func(t Trouble) {
		s.World.ClearFaults()
		s.World.Inject(faults[t])
	}
}

// Calls is the Setup's Calls.
func (s Simulated) Calls() int { return s.World.Count("", "", "") }
