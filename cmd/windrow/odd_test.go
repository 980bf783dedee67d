package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/bufferpool"
	"github.com/windrow-data/windrow/sinks/parquet"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
	"github.com/windrow-data/windrow/transforms"
)

// oddBody is a body that is made while it is read, so that it takes no memory: a beginning, a piece that comes many
// times, and an end. A piece may end with so many bytes of a filling, and a tail.
type oddBody struct {
	first, piece, last string
	times              int
	filling, tail      string
	long               int
}

func (b oddBody) open() io.ReadCloser {
	return io.NopCloser(io.MultiReader(strings.NewReader(b.first), &pieces{oddBody: b}, strings.NewReader(b.last)))
}

// pieces reads the pieces of a body.
type pieces struct {
	oddBody
	filled int // of the current piece
	rest   string
}

func (p *pieces) Read(b []byte) (n int, err error) {
	for n < len(b) && (p.rest != "" || p.next()) {
		m := copy(b[n:], p.rest)
		p.rest, n = p.rest[m:], n+m
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// next begins what comes next; false at the end.
func (p *pieces) next() bool {
	switch {
	case p.filled > 0:
		p.filled -= len(p.filling)
		if p.rest = p.filling; p.filled <= 0 {
			p.rest += p.tail
		}
	case p.times > 0:
		p.times--
		p.rest = p.piece
		if p.filling != "" {
			p.filled = p.long
		}
	default:
		return false
	}
	return true
}

const (
	oddHead = "id,kind,note\n"
	oddRow  = "1,call,fine\n"
	long    = 15_000_000
	longest = 28 << 20 // a multiple of each filling
)

// oddBodies are well-formed answers of several sizes of rows, and what vendors do not send.
var oddBodies = map[string]func() oddBody{
	"rows":             func() oddBody { return oddBody{oddHead, oddRow, "", 8 << 20 / len(oddRow), "", "", 0} },
	"the shortest row": func() oddBody { return oddBody{oddHead, "1,,\n", "", 4 << 20 / 4, "", "", 0} },
	"short JSON rows":  func() oddBody { return oddBody{"[", `{"id":1},`, `{"id":2}]`, 1 << 20, "", "", 0} },
	"long rows":        func() oddBody { return oddBody{oddHead, "1,call,", "", 4, strings.Repeat("x", 1000), "\n", long} },
	"long JSON rows": func() oddBody {
		return oddBody{"[", `{"id":"1","note":"`, `{"id":"2"}]`, 4, strings.Repeat("x", 1000), `"},`, long}
	},
	"longest rows": func() oddBody { return oddBody{oddHead, "1,call,", "", 3, noise(4 << 20), "\n", longest} },
	"longest JSON rows": func() oddBody {
		return oddBody{"[", `{"id":"1","note":"`, `{"id":"2"}]`, 3, noise(4 << 20), `"},`, longest}
	},
	"longest rows of quotes": func() oddBody {
		return oddBody{oddHead, `1,call,"`, "", 3, strings.Repeat(`""`, 1024), "\"\n", longest}
	},
	"millions of rejects":           func() oddBody { return oddBody{oddHead + oddRow, "a\n", oddRow, 1 << 20, "", "", 0} },
	"millions of rejects in JSON":   func() oddBody { return oddBody{`[{"id":"1"}`, ",1", `,{"id":"2"}]`, 1 << 20, "", "", 0} },
	"nothing but rejects":           func() oddBody { return oddBody{oddHead, "a\n", "", 1 << 30, "", "", 0} },
	"millions of columns":           func() oddBody { return oddBody{"id", ",", "\n", 16 << 20, "", "", 0} },
	"equal columns":                 func() oddBody { return oddBody{"id", ",a", "\n" + oddRow, 25_000, "", "", 0} },
	"a million members":             func() oddBody { return oddBody{`[{"id":"1"},{"id":"1"`, `,"m":1`, "}]", 1 << 20, "", "", 0} },
	"an endless row of cells":       func() oddBody { return oddBody{oddHead + oddRow, ",", "", 1 << 30, "", "", 0} },
	"an endless cell":               func() oddBody { return oddBody{oddHead + oddRow + "1,call,\"", "x", "", 1 << 30, "", "", 0} },
	"an endless string":             func() oddBody { return oddBody{`[{"id":"1"},{"id":"`, "x", "", 1 << 30, "", "", 0} },
	"long rows to be escaped":       func() oddBody { return oddBody{oddHead, "1,call,", "", 4, strings.Repeat("\x01", 1000), "\n", long} },
	"an endless document of blanks": func() oddBody { return oddBody{"", "\n", "", 1 << 30, "", "", 0} },
}

// oddSource answers each of its windows, which are extractions of their own, with the same body.
type oddSource struct {
	body   oddBody
	format pipeline.Format
	from   string
}

var oddKey = pipeline.StreamKey{Account: "default", Stream: "odd.rows"}

func (s oddSource) Streams() []pipeline.Stream {
	return []pipeline.Stream{{
		Key: oddKey, Table: pipeline.Events, Calendar: pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: time.UTC},
		Settle: time.Hour, Format: s.format, Settings: "odd", From: s.from,
	}}
}

func (s oddSource) Plan(_ pipeline.Stream, due []pipeline.Window) (plan []pipeline.Extraction) {
	for _, w := range due {
		plan = append(plan, pipeline.Extraction{Windows: []pipeline.Window{w}, Requests: []pipeline.Request{
			{Stream: oddKey.Stream, Windows: []pipeline.Window{w}, Zone: "UTC", Span: w.Span}}})
	}
	return plan
}

func (s oddSource) Fetch(_ context.Context, r pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	now := pipeline.InstantOf(time.Now())
	return yield(pipeline.Body{
		Meta: pipeline.Meta{Request: r, Span: r.Span, ExtractedAt: now, ReadAt: now},
		Open: func(context.Context) (io.ReadCloser, error) { return s.body.open(), nil },
	})
}

func (s oddSource) Check(context.Context) error { return nil }

func oddFormat(first string) pipeline.Format {
	m := transforms.Mapping{
		Table: pipeline.Events, Fields: []transforms.Field{{Source: "id", Column: "event_id"}, {Source: "kind", Column: "kind"}}, Keys: []string{"id"},
		Row: func(r *transforms.Row) {
			r.At(r.Meta().Span.Start)
			r.SetInstant(pipeline.Events.Index("started_at"), r.Meta().Span.Start)
			if r.Raw(1) == nil {
				r.SetString(pipeline.Events.Index("kind"), "call")
			}
		},
	}
	if strings.HasPrefix(first, "[") {
		return transforms.NewJSON(m, transforms.JSONOptions{}, pipeline.Policy{})
	}
	return transforms.NewCSV(m, pipeline.Policy{})
}

// odd is a program that syncs so many days of an odd body at the defaults, and writes its peak memory in KiB, its rows
// and what failed.
func odd() {
	bufferpool.ReplaceDefault()
	name, days, dir := os.Args[1], os.Args[2], os.Args[3]
	runtime.GOMAXPROCS(2)
	softMemory(8, containerMemory).Follow()
	n, _ := strconv.Atoi(days)
	store, err := parquet.Open(context.Background(), dir, parquet.Options{})
	if err != nil {
		panic(err)
	}
	body := oddBodies[name]()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	var failure error
	e := &engine.Engine{
		Store: store, Sources: []pipeline.Source{oddSource{body, oddFormat(body.first), today.AddDate(0, 0, -n).Format(time.DateOnly)}},
		Clock: time.Now, Now: time.Now, Concurrency: 8,
		MaxRejects: engine.RejectLimit{Share: 1, Setting: "MAX_REJECTS"}, MaxBody: engine.BodyLimit{Bytes: 8 << 30, Setting: "MAX_BODY"},
		Observe: func(ev engine.Event) {
			if ev.Kind == engine.EventFailed {
				failure = ev.Err
			}
		},
	}
	sum, err := e.Sync(context.Background())
	if err != nil {
		panic(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	fmt.Printf("%s %d %d %d|%v", bytes.Fields(after)[0], sum.Streams[0].Rows, sum.Streams[0].Rejected, sum.Streams[0].Failed, failure)
}

// oddSync is what came of a sync of an odd body: its peak in KiB, and its outcome.
type oddSync struct {
	peak, rows, rejected, failed int64
	failure                      string
}

func syncOdd(t *testing.T, name string, days int) (s oddSync) {
	t.Helper()
	out, err := process(t, "odd", t.TempDir(), nil, name, strconv.Itoa(days), t.TempDir()).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var failure string
	numbers, failure, _ := strings.Cut(string(out), "|")
	if _, err := fmt.Sscan(numbers, &s.peak, &s.rows, &s.rejected, &s.failed); err != nil {
		t.Fatalf("%s: %q", name, out)
	}
	s.failure = failure
	t.Logf("%s, %d times: %d MiB, %d rows, %d rejects, %d failed: %s", name, days, s.peak>>10, s.rows, s.rejected, s.failed, failure)
	return s
}

// The peaks are those of processes that sync at the defaults, on two cores, into Parquet.
func TestPromise12_PeakMemoryIsBoundedWhateverTheBody(t *testing.T) {
	const most = 256 << 10
	cases := []struct {
		name string
		days int
		like string // a well-formed body of that size; empty: it is one
		rows int64
		says string // of the failure; empty: there is none
	}{
		{"rows", 1, "", 8 << 20 / int64(len(oddRow)), ""},
		{"the shortest row", 1, "", 4 << 20 / 4, ""},
		{"short JSON rows", 1, "", 1<<20 + 1, ""},
		{"long rows", 1, "", 4, ""},
		{"long rows", 8, "", 32, ""},
		{"long JSON rows", 1, "", 5, ""},
		{"long JSON rows", 8, "", 40, ""},
		{"longest rows", 8, "", 24, ""},
		{"longest JSON rows", 8, "", 32, ""},
		{"longest rows of quotes", 8, "", 24, ""},
		{"millions of rejects", 1, "rows", 2, ""},
		{"millions of rejects in JSON", 1, "short JSON rows", 2, ""},
		{"nothing but rejects", 1, "rows", 0, "too many rejects"},
		{"millions of columns", 1, "rows", 0, "malformed: the header is longer than 256 KiB"},
		{"equal columns", 1, "rows", 0, "malformed: the header has 25001 columns, more than 4096"},
		{"a million members", 1, "short JSON rows", 0, "malformed: row 1: it has more than 4096 members"},
		{"an endless row of cells", 1, "long rows", 0, "malformed: the record at byte 25 is longer than 32 MiB"},
		{"an endless cell", 1, "long rows", 0, "malformed: the record at byte 25 is longer than 32 MiB"},
		{"an endless string", 1, "long JSON rows", 0, "malformed: a row is longer than 32 MiB"},
		{"long rows to be escaped", 1, "long rows", 0, "malformed: row 1 is longer than 32 MiB"},
		{"an endless document of blanks", 1, "long rows", 0, "malformed: the record at byte 0 is longer than 32 MiB"},
	}
	peaks := make(map[string]int64) // of well-formed bodies
	soak.Sweep(t, len(cases), []string{"peak"}, func(t *testing.T, point, _ int) {
		c := cases[point-1]
		got := syncOdd(t, c.name, c.days)
		if got.peak > most {
			t.Errorf("%s: the peak is %d MiB", c.name, got.peak>>10)
		}
		if c.like != "" && peaks[c.like] == 0 {
			peaks[c.like] = syncOdd(t, c.like, 1).peak
		}
		if c.like != "" && got.peak > peaks[c.like]*3/2 {
			t.Errorf("%s: the peak is %d MiB, that of %s %d MiB", c.name, got.peak>>10, c.like, peaks[c.like]>>10)
		}
		if got.rows != c.rows || (got.failed > 0) != (c.says != "") || !strings.Contains(got.failure, c.says) {
			t.Errorf("%s: %d rows instead of %d, or another failure", c.name, got.rows, c.rows)
		}
	})
}
