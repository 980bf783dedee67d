package transforms

import (
	"errors"
	"fmt"
	"io"
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

// reserving is a body that knows what its format may take without a word, and how often more was asked for.
type reserving struct {
	*strings.Reader
	reserved bool
	times    int
	took     int // the largest buffer that it saw before
}

func (r *reserving) Reserve() error {
	if !r.reserved {
		r.reserved, r.times = true, r.times+1
	}
	return nil
}

func (r *reserving) Read(p []byte) (int, error) {
	if !r.reserved {
		r.took = max(r.took, cap(p))
	}
	return r.Reader.Read(p)
}

func TestALongRangeIsAskedForBeforeItTakesItsMemory(t *testing.T) {
	const size = leastKept
	for name, c := range map[string]struct {
		format           pipeline.Format
		first, row, last string
	}{
		"CSV":         {NewCSV(testMapping(), pipeline.Policy{}), minimal, "1,2025-09-08 10:00:00,%s,UTC,\n", ""},
		"lenient CSV": {NewCSV(testMapping(), pipeline.Policy{}).Lenient(), minimal, "1,2025-09-08 10:00:00,%s,UTC,\n", ""},
		"JSON":        {NewJSON(testMapping(), JSONOptions{}, pipeline.Policy{}), "[", `{"id":"1","text":"%s"},`, "{}]"},
	} {
		short, long := fmt.Sprintf(c.row, strings.Repeat("x", 1000)), fmt.Sprintf(c.row, strings.Repeat("x", 7*size))
		for says, d := range map[string]struct {
			rows string
			long int
		}{
			"short rows":            {strings.Repeat(short, 4*size/len(short)), 0},
			"rows that fill ranges": {strings.Repeat(fmt.Sprintf(c.row, strings.Repeat("x", size/2)), 8), 0},
			"a long row first":      {long + short, 1},
			"long rows among short": {short + long + strings.Repeat(short, 3*size/len(short)) + long + short, 2},
		} {
			body := &reserving{Reader: strings.NewReader(c.first + d.rows + c.last)}
			for chunk, err := range c.format.Split(body, size) {
				if err != nil {
					t.Fatalf("%s, %s: %v", name, says, err)
				}
				if longest := 10 * size; len(chunk.Data) > longest {
					t.Errorf("%s, %s: a range has %d bytes", name, says, len(chunk.Data))
				}
				body.reserved = false
			}
			if body.times != d.long || body.took > size {
				t.Errorf("%s, %s: %d ranges were asked for, want %d; %d bytes were taken without a word", name, says, body.times, d.long, body.took)
			}
		}
	}
}

func TestWhatABodySaysAboutRoomEndsTheDocument(t *testing.T) {
	row := strings.Repeat("x", 2*leastKept)
	for name, c := range map[string]struct {
		format pipeline.Format
		doc    string
	}{
		"CSV":  {NewCSV(testMapping(), pipeline.Policy{}), minimal + row},
		"JSON": {NewJSON(testMapping(), JSONOptions{}, pipeline.Policy{}), `["` + row},
	} {
		var failure error
		for _, err := range c.format.Split(full{strings.NewReader(c.doc)}, leastKept) {
			failure = err
		}
		if !errors.Is(failure, errFull) {
			t.Errorf("%s: %v", name, failure)
		}
	}
}

// full is a body that never has room.
type full struct{ io.Reader }

var errFull = errors.New("no room")

func (full) Reserve() error { return errFull }
