// Package transforms turns the bytes that a vendor sends into rows of the
// shared tables. It is pure: no I/O, no clock, no state between documents.
//
// A vendor declares a [Mapping]: which source field goes into which column,
// and a function for what a table cannot express. [NewCSV] and [NewJSON] make
// a [pipeline.Format] of it. Everything that the mapping does not name lands in
// the column extras, so that nothing is lost silently.
//
// It does not know any vendor, does not decide which window a row belongs to,
// and never guesses: a document that is not what it should be is an error, a
// row that cannot be read is a reject with its raw text.
//
// Where the time goes: CSV is tokenised eight bytes at a time (swar.go) and
// converted cell by cell; half of the reading is the cells, a quarter writes
// extras, a tenth resolves local times. JSON is cut into ranges by counting
// quotes (json_flat.go), a sixth of its parsing; the rest is spent where numbers
// end, in each field's hash, and in copying extras once.
//
// Start at row.go (what a mapping sees), then csv.go and json.go.
package transforms
