// Package dialpad reads the Dialpad Stats API: a report is asked for with POST
// /stats, polled with GET /stats/{id} and downloaded as CSV from a link.
//
// It posts, waits, downloads and keeps within the company's quota of reports.
// It parses no report: the mappings declare what a row means. It knows no ledger.
// A report is asked by "days ago", counted on the local calendar at the moment
// of the POST, and today is never among them.
//
// Start at [Config.Settings] for what can be set, at streams.go for the streams,
// at [Source.Plan] for how windows become reports, and at fetch.go for the life
// of one report. sharedquota.go counts POSTs across kills and tasks,
// postlimiter.go waits for the quota, pilots.go keeps what the vendor refuses from
// costing it. dutytime.go makes the time in a duty status of the changes of it.
package dialpad
