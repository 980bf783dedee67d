// Package transforms turns the bytes that a vendor sends into rows of the shared tables. It is pure: no I/O, no
// clock, no state between documents. It writes no files and knows no file format of a sink.
//
// A vendor declares a [Mapping]: which source field goes into which column, which fields hold personal data, and a
// function for what a table cannot express. [NewCSV] and [NewJSON] make a [pipeline.Format] of the mapping and of a
// [pipeline.Policy], which says what becomes of personal data. Everything that the mapping does not name lands in the
// column extras, so that nothing is lost silently.
//
// The package knows no vendor, does not decide which window a row belongs to, and never guesses: a document that is
// not what it should be is an error, a row that cannot be read is a reject with its raw text.
//
// A format first cuts a document into ranges of whole records (csvsplit.go, json_split.go), then decodes the ranges
// independently of each other (csvtoken.go, json_decode.go). Each record becomes a [Row]: the mapping's function sees
// it, and rowappend.go appends what became of it to the batch. Every personal value that leaves a Row passes
// personal.go.
//
// Start at row.go (what a mapping sees), then csv.go and json.go. The example of [Mapping] shows a whole one.
package transforms
