package transforms

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/windrow-data/windrow/pipeline"
)

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
		"CSV":         {NewCSV(testMapping(), pipeline.Policy{}), csv.String()},
		"lenient CSV": {NewCSV(testMapping(), pipeline.Policy{}).Lenient(), csv.String()},
		"JSON":        {NewJSON(testMapping(), JSONOptions{}, pipeline.Policy{}), array.String()},
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
				large = append(large, unsafe.SliceData(chunk.Data))
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
