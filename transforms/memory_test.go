package transforms

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/windrow-data/windrow/pipeline"
)

// where tells two pieces of memory apart.
func where(b []byte) *byte { return unsafe.SliceData(b) }

func TestAFreedBufferOfTheEncoderComesBackEmpty(t *testing.T) {
	r := newRecycler()
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
	}{"recycler": newRecycler(), "outgrown": outgrown{newRecycler()}} {
		b := m.Allocate(4096)
		copy(b, "abc")
		grown := m.Reallocate(9000, b)
		if len(grown) != 9000 || string(grown[:3]) != "abc" || !bytes.Equal(grown[4096:], make([]byte, 9000-4096)) {
			t.Errorf("%s: the grown buffer is not the old one followed by zeros", name)
		}
		if again := m.Allocate(4000); where(again) != where(b) {
			t.Errorf("%s: the outgrown buffer was not used again", name)
		}
	}
}

func TestWhatOthersFreeStaysAsItIs(t *testing.T) {
	m := outgrown{newRecycler()}
	b := m.Allocate(4096)
	copy(b, "seen by a view")
	m.Free(b)
	if again := m.Allocate(4096); where(again) == where(b) {
		t.Error("memory that a view may still show was handed out again")
	}
}

func TestTheNextRangeTakesItsMemoryOnlyWhenItIsRead(t *testing.T) {
	const size = leastKept
	var csv, array strings.Builder
	csv.WriteString(minimal)
	array.WriteByte('[')
	for i := range 6 * size / 40 {
		fmt.Fprintf(&csv, "%d,2025-09-08 10:00:00,Call,UTC,\n", i)
		fmt.Fprintf(&array, `{"id":"%d","started":"2025-09-08 10:00:00"},`, i)
	}
	array.WriteString("{}]")
	for name, c := range map[string]struct {
		format pipeline.Format
		doc    string
	}{
		"CSV":         {NewCSV(testMapping()), csv.String()},
		"lenient CSV": {NewCSV(testMapping()).Lenient(), csv.String()},
		"JSON":        {NewJSON(testMapping(), JSONOptions{}), array.String()},
	} {
		for len(splitBuffers) > 0 { // what other documents left
			<-splitBuffers
		}
		var large []*byte
		for chunk, err := range c.format.Split(strings.NewReader(c.doc), size) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if cap(chunk.Data) >= size/2 {
				large = append(large, where(chunk.Data[:1]))
			}
			if chunk.Free != nil {
				chunk.Free()
			}
		}
		if len(large) < 3 {
			t.Fatalf("%s: %d large ranges; the test needs three", name, len(large))
		}
		for i, at := range large[2:] {
			if distance := uintptr(unsafe.Pointer(at)) - uintptr(unsafe.Pointer(large[1])); distance > 64 && -distance > 64 {
				t.Errorf("%s: range %d has other memory than the one freed before it was read", name, i+2)
			}
		}
	}
}

func TestGroupsOfAFileKeepNoMoreThanTheirOwnFooter(t *testing.T) {
	var file bytes.Buffer
	f, err := NewGroupFile(&file, groupSchema)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Add(0, mustEncode(t, groupRecord(encoderMemory, 0, 100))); err != nil {
		t.Fatal(err)
	}
	kept := f.groups[0].meta
	if kept.Schema != nil || kept.FileMetaData.Schema != nil {
		t.Error("a group keeps the schema, which the file has")
	}
	some := false
	for _, c := range kept.RowGroups[0].Columns {
		if s := c.MetaData.Statistics; s != nil && len(s.MinValue) > 0 {
			some = true
			if cap(s.MinValue) > len(s.MinValue)+16 || cap(s.MaxValue) > len(s.MaxValue)+16 {
				t.Errorf("%v: statistics of %d and %d bytes hold %d and %d", c.MetaData.PathInSchema,
					len(s.MinValue), len(s.MaxValue), cap(s.MinValue), cap(s.MaxValue))
			}
		}
	}
	if !some {
		t.Error("no column has statistics")
	}
}
