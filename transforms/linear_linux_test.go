package transforms

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// threadTime is the CPU time that the calling thread has taken, without the system's, in nanoseconds: what others do at the same time on the
// machine does not count.
func threadTime(t *testing.T) int64 {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(1, &use); err != nil { // RUSAGE_THREAD
		t.Fatal(err)
	}
	return use.Utime.Nano()
}

// worked is the CPU time in which a document is read, whatever comes of it, without what the system takes for pages, which
// depends on the machine and its other processes: the mean of so many readings that the clock's steps do not count.
func worked(t *testing.T, f pipeline.Format, doc string) float64 {
	t.Helper()
	const enough = 50e6 // ns
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun, took, times := threadTime(t), int64(0), 0
	for took < enough {
		readOnce(f, doc)
		took, times = threadTime(t)-begun, times+1
	}
	return float64(took) / float64(times)
}

func readOnce(f pipeline.Format, doc string) {
	for chunk, err := range f.Split(strings.NewReader(doc), rangeOf) {
		if err != nil {
			return
		}
		batch := pipeline.NewBatch(pipeline.Events)
		err = f.Decode(&testMeta, chunk, batch)
		batch.Release()
		if chunk.Free != nil {
			chunk.Free()
		}
		if err != nil {
			return
		}
	}
}

func TestFourTimesTheBytesTakeFourTimesTheWork(t *testing.T) {
	csv := NewCSV(testMapping(), pipeline.Policy{})
	array := NewJSON(testMapping(), JSONOptions{}, pipeline.Policy{})
	object := NewJSON(testMapping(), JSONOptions{Rows: "rows"}, pipeline.Policy{})
	object1 := `{"id":"1","started":"2025-09-08 10:00:00","kind":"Call"`
	always := func(piece string) func(int) string { return func(n int) string { return strings.Repeat(piece, n) } }
	counted := func(format string) func(int) string {
		return func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, format, i)
			}
			return b.String()
		}
	}
	const some, many = 900, 256 << 10
	for _, c := range []struct {
		name   string
		format pipeline.Format
		first  string
		pieces func(int) string
		n      int
		last   string
	}{
		{"rows that are rejected", csv, minimal, always("a\n"), 10_000, ""},
		{"quotes in pairs", csv, minimal + `1,2025-09-08 10:00:00,"`, always(`""`), many, "\",UTC\n"},
		{"quotes anywhere", csv.Lenient(), minimal + `1,2025-09-08 10:00:00,x`, always(`"x`), many, "\",UTC\n"},
		{"quotes without an end", csv, minimal + row1 + `"`, always("\"\"\n"), many, ""},
		{"quotes without an end, read leniently", csv.Lenient(), minimal + row1 + `"`, always("\"\"\n"), many, ""},
		{"rows with quotes anywhere, of several ranges", csv.Lenient(), minimal, always(`1,2025-09-08 10:00:00,x"` + strings.Repeat(`"x`, 500) + ",UTC\n"), 5 << 10, ""},
		{"quotes that stay open in each row, of several ranges", csv.Lenient(), minimal, always(`1,2025-09-08 10:00:00,"` + strings.Repeat("x", 1000) + ",UTC\n"), 5 << 10, ""},
		{"lines in cells behind a quote anywhere, of several ranges", csv.Lenient(), minimal + "1,2025-09-08 10:00:00,x\"x,UTC\n",
			always(`1,2025-09-08 10:00:00,"` + strings.Repeat("x\n", 500) + "\",UTC\n"), 5 << 10, ""},
		{"lines in a cell", csv, minimal + `1,2025-09-08 10:00:00,"`, always("\n"), many, "\",UTC\n"},
		{"blank lines", csv, minimal + row1, always("\n"), many, row1},
		{"carriage returns", csv, minimal + row1, always("\r"), many, "\n" + row1},
		{"commas", csv, minimal + row1, always(","), many, "\n"},
		{"members", array, "[" + object1, counted(`,"m%d":1`), some, "}]"},
		{"equal members", array, "[" + object1, always(`,"m":1`), some, "}]"},
		{"values that are no rows", array, "[" + object1 + "}", always(",1"), 10_000, "," + object1 + "}]"},
		{"brackets", array, "[" + object1 + `,"x":`, always("["), many, ""},
		{"brackets around nothing", array, "[" + object1 + `,"x":[0`, always(",[]"), many, "]}]"},
		{"escaped quotes", array, "[" + object1 + `,"x":"`, always(`\"`), many, `"}]`},
		{"backslashes", array, "[" + object1 + `,"x":"`, always(`\\`), many, `"}]`},
		{"braces in texts", array, "[" + object1 + `,"x":"`, always(`},{`), many, `"}]`},
		{"rows inside an object", object, `{"rows":[` + object1 + "}", counted("," + object1 + `,"m":%d}`), 5_000, "]}"},
		{"members around rows", object, `{"rows":[` + object1 + "}]", counted(`,"m%d":1`), some, "}"},
		{"brackets inside an object", object, `{"rows":[`, always("["), many, ""},
		{"escapes inside an object", object, `{"rows":[{"x":"`, always(`\"`), many, `"}]}`},
		{"white space inside an object", object, `{"rows":[`, always(" "), many, "]}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var one, four float64
			for range 5 { // others on the machine may take the cache away; what is quadratic takes sixteen times each time
				one = worked(t, c.format, c.first+c.pieces(c.n)+c.last)
				four = worked(t, c.format, c.first+c.pieces(4*c.n)+c.last)
				t.Logf("%.1f and %.1f ms", one/1e6, four/1e6)
				if four <= 10*one {
					return
				}
			}
			t.Errorf("four times as much takes %.1f times the work: %.1f and %.1f ms", four/one, one/1e6, four/1e6)
		})
	}
}
