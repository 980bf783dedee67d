// Package bufferpool is the memory of the sinks' encoders: an Arrow allocator
// that uses buffers again. It knows no Parquet and no sink.
//
// An encoder asks for buffers of the same sizes with each row group. As garbage
// they would be most of what a large report leaves behind.
//
// Start at [Encoder], which every encoder of the process shares, and at
// [ReplaceDefault], which a program calls once at its start.
package bufferpool

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	// Buffers of 4 KiB to 4 MiB are kept. The collector handles smaller ones well, and larger ones are rare.
	smallestKept, largestKept = 12, 22
	// keptBytes bounds the buffers of each size that are kept.
	keptBytes = 4 << 20
)

// encoder serves every encoder of the process.
var encoder = newBufferPool()

// Encoder returns the allocator that all encoders of the process share. It is safe for concurrent use.
//
// Whoever takes memory from it must free that memory exactly once, and must not look at it afterwards: the next
// Allocate may return the same bytes, zeroed. Memory that is never freed goes to the garbage collector.
func Encoder() memory.Allocator { return encoder }

// ReplaceDefault replaces Arrow's default allocator by one that uses the buffers of [Encoder] again.
//
// Arrow's Parquet writer takes its page buffers from the default allocator, whatever allocator its properties name. The
// default allocator is a global variable without a lock, so the program calls ReplaceDefault at its start, before it
// starts any goroutine. A program that does not call it works alike and leaves more garbage. A second call changes
// nothing.
func ReplaceDefault() { memory.DefaultAllocator = growOnlyAllocator{encoder} }

// growOnlyAllocator uses a buffer again when its owner has grown out of it, which happens to each page buffer about ten
// times. It leaves freed memory to the garbage collector: Arrow's default allocator serves everybody, and somebody may
// still read a view of freed memory. A view of a buffer that grows is lost with any allocator.
type growOnlyAllocator struct{ *bufferPool }

// Free implements [memory.Allocator].
func (growOnlyAllocator) Free([]byte) {}

// bufferPool is an Arrow allocator that keeps freed buffers by size, rounded up to a power of two.
type bufferPool struct {
	kept [largestKept + 1]chan []byte
}

func newBufferPool() *bufferPool {
	p := &bufferPool{}
	for class := smallestKept; class <= largestKept; class++ {
		p.kept[class] = make(chan []byte, min(keptBytes>>class, 64))
	}
	return p
}

// class is the exponent of the power of two that holds n bytes.
func class(n int) int { return bits.Len(uint(max(n, 1) - 1)) }

// Allocate implements [memory.Allocator]: the memory is zero.
func (p *bufferPool) Allocate(n int) []byte {
	c := class(n)
	if c < smallestKept || c > largestKept {
		return make([]byte, n)
	}
	select {
	case b := <-p.kept[c]:
		b = b[:n]
		clear(b)
		return b
	default:
		return make([]byte, n, 1<<c)
	}
}

// Reallocate implements [memory.Allocator].
func (p *bufferPool) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) {
		if n > len(b) {
			clear(b[len(b):n])
		}
		return b[:n]
	}
	out := p.Allocate(n)
	copy(out, b)
	p.Free(b)
	return out
}

// Free implements [memory.Allocator].
func (p *bufferPool) Free(b []byte) {
	c := class(cap(b))
	if cap(b) != 1<<c || c < smallestKept || c > largestKept {
		return
	}
	select {
	case p.kept[c] <- b[:0]:
	default:
	}
}
