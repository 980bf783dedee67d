// Package report is what a page about a warehouse tells: of ledgers, the history, the records of runs and the rejects it
// makes a [Model], which a page draws and a document repeats. It reads no row of a table and asks nobody.
//
// No value of a row, no word of a vendor, no person and no place of the machine is in a model. The reasons of waivers, an
// operator's words, are in it only where the caller says so.
//
// Start at [Builder]: streams are added one by one, so that one ledger at a time is in memory, then the history and the
// runs, and [Builder.Model] draws the conclusions.
package report
