package transforms

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
)

// heldRows are the rows of a document that are held until it has ended. A short document's stay as they are. Those of a
// longer one are compressed range by range, so that what is held is a fraction of the document, and never more than
// maxHeld.
type heldRows struct {
	format     *jsonFormat
	rangeBytes int
	ranges     []heldRange
	elements   int
	size       int64 // bytes of the rows
	held       int   // bytes of them when they are compressed
}

// heldRange is a range of rows, as a chunk or compressed.
type heldRange struct {
	chunk  pipeline.Chunk
	frames [][]byte
	size   int // bytes without compression
}

const (
	// maxHeld bounds the bytes of rows that are held compressed.
	maxHeld = 64 << 20
	// heldFrame is how many bytes of a range are compressed at once.
	heldFrame = 1 << 20
)

// heldFrames packs and opens frames, for all documents.
var heldFrames = sync.OnceValue(func() (z struct {
	*zstd.Encoder
	*zstd.Decoder
}) {
	var err error
	if z.Encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(heldFrame), zstd.WithLowerEncoderMem(true)); err != nil {
		panic(err) // the options are constants
	}
	if z.Decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true)); err != nil {
		panic(err)
	}
	return z
})

// keep holds a chunk as it is.
func (h *heldRows) keep(c pipeline.Chunk) error {
	h.size += int64(len(c.Data))
	h.ranges = append(h.ranges, heldRange{chunk: c})
	return nil
}

// hold compresses a chunk and frees it.
func (h *heldRows) hold(c pipeline.Chunk) error {
	if c.Free != nil {
		defer c.Free()
	}
	r := heldRange{size: len(c.Data)}
	var scratch []byte
	for part := range slices.Chunk(c.Data, heldFrame) {
		scratch = heldFrames().EncodeAll(part, slices.Grow(scratch[:0], heldFrame+heldFrame/64))
		r.frames = append(r.frames, slices.Clone(scratch))
		if h.held += len(scratch); h.held > maxHeld {
			err := h.format.malformed("the answer's rows take more than %d MiB even compressed, and they are held until it has ended", maxHeld>>20)
			err.Hint = "ask for shorter windows"
			return err
		}
	}
	h.size += int64(r.size)
	h.ranges = append(h.ranges, r)
	return nil
}

// yield yields the rows with the head of each, range by range. What was yielded is held no longer.
func (h *heldRows) yield(head []byte, yield func(pipeline.Chunk, error) bool) error {
	most := max(min(maxRangeRows, maxCopies*h.rangeBytes/len(head)), 1)
	for i := range h.ranges {
		chunk, err := h.ranges[i].open(h.rangeBytes)
		if err != nil {
			return err
		}
		h.ranges[i] = heldRange{}
		chunk.Head = head
		if err := yieldRows(chunk, most, yield); err != nil {
			return err
		}
	}
	return nil
}

// open is the range as a chunk.
func (r *heldRange) open(rangeBytes int) (pipeline.Chunk, error) {
	if r.frames == nil {
		return r.chunk, nil
	}
	b := newBuffer(max(r.size, rangeBytes))
	for i, frame := range r.frames {
		var err error
		if b, err = heldFrames().DecodeAll(frame, b); err != nil {
			return pipeline.Chunk{}, fmt.Errorf("read JSON: what was held: %w", err)
		}
		r.frames[i] = nil
	}
	return pipeline.Chunk{Data: b, Free: sync.OnceFunc(func() { freeBuffer(b) })}, nil
}
