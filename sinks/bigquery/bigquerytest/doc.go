// Package bigquerytest is BigQuery for tests: a server of the parts of BigQuery's
// REST API v2 that a sink needs, executing on DuckDB in this process. Real
// clients speak to it over real HTTP.
//
// It is not an emulator for general use. It models datasets, tables, views,
// Parquet load jobs, query jobs, scripts of one transaction, their limits and
// their ways to fail; whatever else it is asked for fails with the reason
// "notImplemented" and the name of the feature, never silently. It does not
// check GoogleSQL's grammar or types beyond what DuckDB needs: what BigQuery
// would refuse and DuckDB accepts must be proven elsewhere. Prices are
// estimates: bytes processed count the logical bytes of the tables and literal
// partition bounds that a statement names.
//
// It is for tests alone: DuckDB must never be linked into the program.
//
// Start here: [Start] serves, [Server.URL] and [Server.Options] tell clients
// where, [Server.Inject] and [Server.FailNth] break things, [Server.Settle] ends
// slow jobs, [Server.Jobs] tells what was asked for, and [Server.Query] looks at
// the tables from behind.
package bigquerytest
