// Package endtoend holds the tests of the whole program: real connectors talk
// to simulated vendors over HTTP, the real sink writes Parquet, and DuckDB
// reads what it wrote.
//
// It has no code of its own. Promises that need the whole program are proven
// here, in files named after them; kill_test.go kills a re-executed binary.
// Start at site_test.go, the warehouse and the vendors of a test.
package endtoend
