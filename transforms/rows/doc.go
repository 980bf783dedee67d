// Package rows reads tables of contacts: CSV, JSON Lines and Parquet become numbered rows of typed cells, which
// [push.Rows] describes. It opens nothing: a caller hands over bytes that can be read again, since where columns are known
// and whether quoting is irregular shows only at the end.
//
// It knows no vendor and does not know what a column means. A row that cannot be read is handed over with its problem; a
// document that is broken (its end is missing, its header comes again, it is another document) is refused as a whole.
//
// Start with [CSV], [JSONLines] and [Parquet].
package rows
