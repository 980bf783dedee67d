// Package dialpad reads the Dialpad Stats API: a report is ordered with POST
// /stats, watched with GET /stats/{id} and downloaded as CSV from a link.
//
// It orders, waits, downloads and keeps within the company's quota of reports;
// it parses no report (mapping.go declares the formats) and it knows no ledger.
// A report is asked by "days ago", counted on the local calendar at the moment
// of the POST, and today is never among them.
//
// Start at [Config.Settings] for what can be set, at [Source.Plan] for how
// windows become reports, and at fetch.go for the life of one report. gate.go
// holds the quota that survives a kill, places.go how tasks share it.
package dialpad
