package bufferpool

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// where tells two pieces of memory apart.
func where(b []byte) *byte { return unsafe.SliceData(b) }

func TestAFreedBufferOfTheEncoderComesBackEmpty(t *testing.T) {
	r := newBufferPool()
	b := r.Allocate(5000)
	copy(b, "something")
	r.Free(b)
	again := r.Allocate(8000)
	if where(again) != where(b) {
		t.Error("a buffer of the same size class was not used again")
	}
	if len(again) != 8000 || !bytes.Equal(again, make([]byte, 8000)) {
		t.Error("the memory is not 8,000 zeros")
	}
	foreign := make([]byte, 5000)
	r.Free(foreign) // of no class
	if third := r.Allocate(5000); where(third) == where(foreign) {
		t.Error("a buffer smaller than its class was kept")
	}
}

func TestABufferThatGrowsKeepsItsBytesAndGivesBackWhatItLeaves(t *testing.T) {
	for name, m := range map[string]interface {
		Allocate(int) []byte
		Reallocate(int, []byte) []byte
	}{"the pool": newBufferPool(), "Arrow's default": growOnlyAllocator{newBufferPool()}} {
		b := m.Allocate(4096)
		copy(b, "abc")
		grown := m.Reallocate(9000, b)
		if len(grown) != 9000 || string(grown[:3]) != "abc" || !bytes.Equal(grown[4096:], make([]byte, 9000-4096)) {
			t.Errorf("%s: the grown buffer is not the old one followed by zeros", name)
		}
		if again := m.Allocate(4000); where(again) != where(b) {
			t.Errorf("%s: the buffer that was left was not used again", name)
		}
	}
}

func TestWhatOthersFreeStaysAsItIs(t *testing.T) {
	m := growOnlyAllocator{newBufferPool()}
	b := m.Allocate(4096)
	copy(b, "seen by a view")
	m.Free(b)
	if again := m.Allocate(4096); where(again) == where(b) {
		t.Error("memory that a view may still show was handed out again")
	}
}

func TestTheDefaultAllocatorIsReplacedOnRequestAlone(t *testing.T) {
	before := memory.DefaultAllocator
	defer func() { memory.DefaultAllocator = before }()
	if _, ours := before.(growOnlyAllocator); ours {
		t.Error("linking the package replaced Arrow's allocator")
	}
	for range 2 {
		ReplaceDefault()
		if a, ours := memory.DefaultAllocator.(growOnlyAllocator); !ours || a.bufferPool != Encoder() {
			t.Errorf("Arrow's default allocator is %T", memory.DefaultAllocator)
		}
	}
}
