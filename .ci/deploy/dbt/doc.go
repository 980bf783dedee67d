// Package dbt checks the dbt package in deploy/dbt as far as that can be done
// without dbt: a Jinja engine renders every model, test and query of it, with
// stand-ins for what dbt hands to Jinja. BigQuery's text is that of the views;
// DuckDB's is kept on file, and the tests of the views run it.
package dbt
