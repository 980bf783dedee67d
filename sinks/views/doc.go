// Package views is the SQL of the views that analysts start from: of one definition the statements for DuckDB, over the
// files of a Parquet sink, and for BigQuery, over a dataset's tables.
//
// The package writes SQL and runs none. It knows the tables' columns and no sink; whoever keeps views hands it the place
// of the tables ([Place]). A view is a file below sql: two comment lines, which state its grain and its formula and
// become its description, and a query. What the dialects spell differently is a function of the template (dialect.go).
//
// Start at [Build].
package views
