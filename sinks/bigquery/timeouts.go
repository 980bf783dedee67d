package bigquery

import "time"

// BigQuery's client repeats a request that meets 5xx for as long as the context of the request lives. Every call of a
// store therefore has an end of its own.
const (
	callTime  = 5 * time.Minute
	groupTime = 20 * time.Minute // one load and one transaction, each in several attempts
)
