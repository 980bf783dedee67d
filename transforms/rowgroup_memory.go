package transforms

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	// Buffers of 4 KiB to 4 MiB are kept; what is smaller the collector handles
	// well, what is larger is rare.
	smallestKept, largestKept = 12, 22
	// keptBytes bounds the buffers of each size that are kept.
	keptBytes = 4 << 20
)

// recycler is an Arrow allocator that keeps freed buffers by size, to the next
// power of two. The encoder asks for the same sizes with each row group; as
// garbage they would be two thirds of what a large report leaves behind.
type recycler struct {
	kept [largestKept + 1]chan []byte
}

// encoderMemory serves every encoder of the process.
var encoderMemory memory.Allocator = newRecycler()

// The encoder's page buffers come from Arrow's default allocator, whatever the
// writer's properties say.
func init() { memory.DefaultAllocator = outgrown{encoderMemory} } //nolint:gochecknoinits // before any goroutine reads it

// outgrown uses a buffer again when its owner has moved to a larger one, which
// page buffers do ten times over. What is freed it leaves to the collector:
// anyone may use Arrow's default allocator, and views of freed memory stay good.
// A view of a buffer that grows is lost with any allocator.
type outgrown struct{ memory.Allocator }

// Free implements [memory.Allocator].
func (outgrown) Free([]byte) {}

func newRecycler() *recycler {
	r := &recycler{}
	for class := smallestKept; class <= largestKept; class++ {
		r.kept[class] = make(chan []byte, min(keptBytes>>class, 64))
	}
	return r
}

// class is the exponent of the power of two that holds n bytes.
func class(n int) int { return bits.Len(uint(max(n, 1) - 1)) }

// Allocate implements [memory.Allocator]: the memory is zero.
func (r *recycler) Allocate(n int) []byte {
	c := class(n)
	if c < smallestKept || c > largestKept {
		return make([]byte, n)
	}
	select {
	case b := <-r.kept[c]:
		b = b[:n]
		clear(b)
		return b
	default:
		return make([]byte, n, 1<<c)
	}
}

// Reallocate implements [memory.Allocator].
func (r *recycler) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) {
		if n > len(b) {
			clear(b[len(b):n])
		}
		return b[:n]
	}
	out := r.Allocate(n)
	copy(out, b)
	r.Free(b)
	return out
}

// Free implements [memory.Allocator].
func (r *recycler) Free(b []byte) {
	c := class(cap(b))
	if cap(b) != 1<<c || c < smallestKept || c > largestKept {
		return
	}
	select {
	case r.kept[c] <- b[:0]:
	default:
	}
}
