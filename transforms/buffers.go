package transforms

const (
	// keptRanges bounds the freed buffers that are kept: as many as a process with
	// WINDROW_CONCURRENCY at its default and at most four cores has ranges in
	// memory. One that has more makes the others anew.
	keptRanges = 8
	// leastKept is the size from which it pays to keep one.
	leastKept = 1 << 20
)

// splitBuffers keeps freed buffers. A sync.Pool would lose them with each
// garbage collection, and those are frequent under a memory limit.
var splitBuffers = make(chan []byte, keptRanges)

// newBuffer returns an empty buffer with room for n bytes, not more: where a
// document is cut must not depend on what was read before.
func newBuffer(n int) []byte {
	if n >= leastKept {
		select {
		case b := <-splitBuffers:
			if cap(b) == n { // nearly all are as large as a range
				return b[:0]
			}
		default:
		}
	}
	return make([]byte, 0, n)
}

// freeBuffer lets b be used again.
func freeBuffer(b []byte) {
	if cap(b) < leastKept {
		return
	}
	select {
	case splitBuffers <- b:
	default:
	}
}
