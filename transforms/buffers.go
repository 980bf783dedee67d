package transforms

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
