// Package chattonic reads Mobile Tonic's Chat-Tonic: what operators did in a
// window, and the dashboard's numbers by interval.
//
// It asks with a token, or logs in and renews the login once when the vendor
// no longer takes its token. It asks and hands over bodies: the mappings declare
// what a row means, and transforms parses.
//
// Start at Source.Fetch in fetch.go. config.go is what can be set, streams.go the
// list of the streams, plan.go what is asked for a window, session.go the login.
package chattonic
