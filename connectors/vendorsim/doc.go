// Package vendorsim serves simulated uContact, Chat-Tonic and Dialpad APIs
// over real HTTP, with the limits, caches, quotas and faults that the vendors
// document or that were seen at them. `windrow demo` and the tests point the
// connectors at it.
//
// Its data is a pure function of (seed, resource, time): [Data] computes the
// totals that a sync must arrive at without asking the servers. Nothing is
// random in the sense of unrepeatable, and nothing is stored but the reports
// that were asked for.
//
// It is not a mock: handlers know nothing of Windrow's connectors and import
// none of its packages, so that a shared misunderstanding cannot hide.
//
// Start at world.go ([New], [World.Start]); then one file per vendor
// (ucontact.go, chattonic.go, dialpad.go), their data (data_*.go) and faults.go.
package vendorsim
