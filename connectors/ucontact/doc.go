// Package ucontact reads net2phone uContact's Stats API: what agents and
// campaigns did, by interval. It also feeds the vendor's outbound hubs.
//
// One call answers for a span and a list of resources: the parameters stand in
// the URL, the names in the body. The vendor answers 408 when its query was
// too heavy; the call is then split, never repeated. The package asks and hands
// over bodies: the mappings declare what a row means, and transforms parses. It
// does no window arithmetic but the choice of the zone that a window is asked in.
//
// The way back is in the files hub*.go: contacts go to the outbound hubs, by one
// exchange that nothing repeats. Hub.Send begins it.
//
// Start at Source.Fetch in fetch.go. config.go is what can be set, plan.go the
// list of the streams and what is asked for a window, call.go the one HTTP call.
package ucontact
