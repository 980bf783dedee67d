// Package endtoend holds the tests of the whole program: real connectors talk
// to simulated vendors over HTTP, the real sinks write Parquet files or to a
// simulated BigQuery, and DuckDB reads what they wrote.
//
// It has no code of its own. Promises that need the whole program are proven
// here, in files named after them; kill_test.go kills a re-executed binary.
// Start at site_test.go, the vendors of a test, and warehouse_test.go, its tables.
package endtoend
