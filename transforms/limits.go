package transforms

// What is larger than this is no report that a vendor makes, and condemns the document. The limits keep memory
// and work in proportion to a document's bytes, whatever the document holds.
const (
	// maxColumns bounds the columns of a CSV document and the members of a JSON row.
	maxColumns = 4096
	// maxRow bounds the bytes of a row.
	maxRow = 32 << 20
	// maxHeader bounds the bytes of a CSV header, which is read anew for each range, and maxName those of a column's name.
	// The name of a column that the mapping does not list stands in each row's extras again.
	maxHeader = 256 << 10
	maxName   = 1 << 10
	// maxAround bounds the bytes of the members around the rows, of which every row gets a copy.
	maxAround = 256 << 10
	// maxRangeRows bounds the rows of a range: in memory a short row takes a word for each column of its table. Rows of
	// reports are longer than 64 bytes, so that their ranges end before.
	maxRangeRows = 64 << 10
	// maxGrowth bounds how many bytes a byte of a range may become because of the names in extras. Ranges of a document
	// whose names are longer are shorter. maxCopies is that bound for copies of the members around the rows.
	maxGrowth = 12
	maxCopies = 4
)

// longRow names the limit, maxRow.
const longRow = "a row is longer than 32 MiB"
