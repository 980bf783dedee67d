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

const (
	// keptRanges bounds the freed buffers that are kept. It is the number of ranges that a process of at most four
	// cores has in memory by default. A process that has more allocates the others anew.
	keptRanges = 8
	// mostKept is the size in bytes above which a buffer is not kept: it held a row of unusual length.
	mostKept = 4 << 20
	// leastKept is the size in bytes from which it pays to keep a buffer.
	leastKept = 1 << 20
	// leastStep is how far a range that is longer than ranges are is read at least before its end is looked for again.
	leastStep = 1 << 20
)

// splitBuffers keeps freed buffers. A sync.Pool would lose them with each garbage collection, and collections are
// frequent under a memory limit.
var splitBuffers = make(chan []byte, keptRanges)

// newBuffer returns an empty buffer with room for exactly n bytes: where a document is cut must not depend on the
// buffers of documents that were read before.
func newBuffer(n int) []byte {
	if n >= leastKept {
		select {
		case b := <-splitBuffers:
			if cap(b) == n { // nearly all buffers are as large as a range
				return b[:0]
			}
		default:
		}
	}
	return make([]byte, 0, n)
}

// freeBuffer lets b be used again. The caller does not touch b afterwards.
func freeBuffer(b []byte) {
	if cap(b) < leastKept || cap(b) > mostKept {
		return
	}
	select {
	case splitBuffers <- b:
	default:
	}
}
