// Package statement builds every SQL statement that the BigQuery sink sends:
// text out of values.
//
// It sends nothing and knows no client (package job does), makes no tables (they
// are made through the REST API, so no DDL is here), and does not decide which
// windows replace what (package bigquery does).
//
// Identifiers come from a closed set: the tables and columns of the program, the
// project and dataset of a checked address, and staging tables that are named by
// a digest. Everything else becomes a literal.
//
// testdata/statements.sql has every statement, each with every part that it can
// have, and GoogleSQL's analyser judges that file (.ci/googlesql). A test of the
// sink fails when a statement is sent whose shape is not on file.
//
// Start at [Dataset.Commit], which is the transaction that everything is about.
package statement
