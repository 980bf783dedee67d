package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// answer writes a body, piece by piece; the writer's errors end it.
type answer func(w io.Writer) error

// text repeats a piece between a beginning and an end.
func text(first, piece string, times int, last string) answer {
	return func(w io.Writer) error {
		if _, err := io.WriteString(w, first); err != nil {
			return err
		}
		block := piece
		for len(block) < 32<<10 && len(block) > 0 {
			block += piece
		}
		each := max(len(block)/max(len(piece), 1), 1)
		left := times
		for ; left >= each; left -= each {
			if _, err := io.WriteString(w, block); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, strings.Repeat(piece, left)+last)
		return err
	}
}

// noise is letters that nothing compresses.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(random.Uint32()%26)
	}
	return string(b)
}

// emptyGzip is gzip without content and without end.
func emptyGzip(w io.Writer) error {
	var member bytes.Buffer
	if err := gzip.NewWriter(&member).Close(); err != nil {
		return err
	}
	return text("", member.String(), endless, "")(w)
}

const endless = 1 << 40

// vendorOfOne is a server that gives the same answer to every request for rows of one stream, by the vendor's protocol.
type vendorOfOne struct {
	*httptest.Server
	sent     atomic.Int64 // bytes of rows, on the wire
	asked    atomic.Int64 // requests for rows
	sendRows func(http.ResponseWriter)
}

func newVendorOfOne(t *testing.T, body answer, gzipped bool) *vendorOfOne {
	t.Helper()
	v := &vendorOfOne{}
	v.sendRows = func(w http.ResponseWriter) {
		v.asked.Add(1)
		counted := &countedWriter{w, &v.sent}
		if gzipped {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(counted)
			_ = body(z)
			_ = z.Close()
			return
		}
		buffered := bufio.NewWriterSize(counted, 64<<10)
		_ = body(buffered)
		_ = buffered.Flush()
	}
	rows := func(w http.ResponseWriter, _ *http.Request) { v.sendRows(w) }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/stats", rows)
	mux.HandleFunc("GET /api/v1/acme/stats/", rows)
	mux.HandleFunc("POST /api/v2/stats", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"request_id":"r1"}`)
	})
	mux.HandleFunc("GET /api/v2/stats/r1", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"status":"complete","download_url":%q}`, v.URL+"/file.csv")
	})
	mux.HandleFunc("GET /file.csv", rows)
	v.Server = httptest.NewServer(mux)
	t.Cleanup(v.Close)
	return v
}

type countedWriter struct {
	io.Writer
	n *atomic.Int64
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n.Add(int64(n))
	return n, err
}

// variables of a sync of one stream from v.
func (v *vendorOfOne) variables(stream string, more ...string) []string {
	env := []string{"WINDROW_STREAMS=" + stream, "WINDROW_FROM=2025-09-09", "WINDROW_RETRY_FOR=1s", "WINDROW_LOG_FORMAT=json", "WINDROW_LOG_LEVEL=warn"}
	switch source, _, _ := strings.Cut(stream, "."); source {
	case "ucontact":
		env = append(env, "WINDROW_UCONTACT_URL="+v.URL, "WINDROW_UCONTACT_TOKEN=key-of-the-test", "WINDROW_UCONTACT_TIMEZONE=UTC", "WINDROW_UCONTACT_CAMPAIGNS=Ventas", "WINDROW_UCONTACT_RATE=1000")
	case "chattonic":
		env = append(env, "WINDROW_CHATTONIC_URL="+v.URL, "WINDROW_CHATTONIC_TOKEN=key-of-the-test", "WINDROW_CHATTONIC_CODENAME=acme", "WINDROW_CHATTONIC_TIMEZONE=UTC", "WINDROW_CHATTONIC_RATE=1000")
	case "dialpad":
		env = append(env, "WINDROW_DIALPAD_URL="+v.URL+"/api/v2", "WINDROW_DIALPAD_TOKEN=key-of-the-test", "WINDROW_DIALPAD_TIMEZONE=UTC", "WINDROW_DIALPAD_POLL_FIRST=0s", "WINDROW_DIALPAD_POLL_EVERY=10ms", "WINDROW_DIALPAD_RATE=1000")
	}
	return append(env, more...)
}

// measured is a program that runs windrow as a process and writes what that took to the file of the first argument.
// Of a child of the test itself, wait(2) would tell what the test takes.
//
// The memory that a process takes counts the pages of its program too, and those around a page that is used where the machine
// has them in its cache: a third of what the test's program takes. So the program is read before.
func measured() {
	exe, err := os.Executable()
	if err == nil {
		err = readWhole(exe)
	}
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe, os.Args[2:]...)
	cmd.Args[0] = "windrow"
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	_ = cmd.Run() // the code tells
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d %d", use.Maxrss<<10, cpu), 0o600); err != nil {
		panic(err)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

func readWhole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, struct{ io.Reader }{f})
	return errors.Join(err, f.Close())
}

// taken is what a sync took, and what it says.
type taken struct {
	peak int64 // bytes
	cpu  time.Duration
	exit int
	rows, rejected,
	failed int64
	says string
}

// syncMeasured syncs with these variables into an empty warehouse.
func syncMeasured(t *testing.T, env []string, args ...string) (got taken) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "took")
	if len(args) == 0 {
		args = []string{"--from", "2025-09-09", "--to", "2025-09-09"}
	}
	cmd := process(t, "measured", t.TempDir(), env, append([]string{file, "sync", "--json", "--as-of", noon}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	got.exit, got.says = exitCodeOf(t, err), said.String()
	took, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(took), &got.peak, (*int64)(&got.cpu)); err != nil {
		t.Fatal(err)
	}
	var sum struct {
		Streams []struct {
			Rows, Rejected, Failed int64
		}
	}
	if err := json.Unmarshal(out, &sum); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, got.says)
	}
	for _, s := range sum.Streams {
		got.rows, got.rejected, got.failed = got.rows+s.Rows, got.rejected+s.Rejected, got.failed+s.Failed
	}
	return got
}

const (
	callsHead  = "date_started,call_id,entry_point_call_id,category,timezone,name,is_internal\n"
	callsRow   = "2025-09-09 10:00:00,7,7,incoming,UTC,Ana Pérez,\"0\"\n"
	statsRow   = `{"date":"Sep 9, 2025, 10:00:00 AM","resource":"Ventas","channel":"telephony","inInteractions":1500,"outInteractions":350},`
	statsLast  = `{"date":"Sep 9, 2025, 11:00:00 AM","resource":"Ventas","channel":"telephony","inInteractions":1500,"outInteractions":350}]`
	staffHead  = `{"status":true,"operators":[`
	staffRow   = `{"_id":"1","displayName":"Ana Pérez","onlineTime":480,"nps":0,"queriesResolved":3},`
	staffLast  = `{"_id":"2"}],"queryPending":0}`
	calls      = "dialpad.calls"
	stats      = "ucontact.campaigns"
	staff      = "chattonic.operators"
	mostMemory = 256 << 20
)

// oddAnswer is a body of a vendor.
type oddAnswer struct {
	name, stream string
	body         answer
	like         string   // a well-formed body of no more bytes and rows
	env          []string // beside what the vendor needs
	args         []string
	rows         int64
	says         string // why it fails; empty: it does not
	gzip         bool
}

var eightDays = []string{"--from", "2025-09-02", "--to", "2025-09-09"}

// manyStaff are so many rows of an answer, no two alike.
func manyStaff(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, `{"_id":"%08x","displayName":"Ana %x","onlineTime":%d,"nps":%d,"queriesResolved":%d},`,
			random.Uint32(), random.Uint32(), random.IntN(86400), random.IntN(11), random.IntN(500))
	}
	return b.String()
}

var aMonth = []string{"--from", "2025-08-10", "--to", "2025-09-09"}

// callsOfAMonth is a row for each hour of the days of a report, which has as many windows where they are hours.
func callsOfAMonth() string {
	var b strings.Builder
	first := time.Date(2025, 8, 10, 0, 30, 0, 0, time.UTC)
	for h := range 31 * 24 {
		id := strconv.Itoa(h + 1) // 0 is no id
		b.WriteString(strings.NewReplacer("2025-09-09 10:00:00", first.Add(time.Duration(h)*time.Hour).Format(time.DateTime), ",7,7,", ","+id+","+id+",").Replace(callsRow))
	}
	return b.String()
}

// oddAnswers are well-formed ones, and what no vendor should send.
func oddAnswers() []oddAnswer {
	return []oddAnswer{
		{name: "calls", stream: calls, body: text(callsHead, callsRow, 1<<20, ""), rows: 1 << 20},
		{name: "stats", stream: stats, body: text("[", statsRow, 1<<19, statsLast), rows: 1<<19 + 1},
		{name: "staff", stream: staff, body: text(staffHead, staffRow, 700_000, staffLast), rows: 700_001},

		{name: "long calls", stream: calls, body: text(callsHead, strings.Replace(callsRow, "Ana", noise(15_000_000), 1), 4, ""), rows: 4},
		{name: "long stats", stream: stats, body: text("[", strings.Replace(statsRow, `"in`, `"x":"`+noise(15_000_000)+`","in`, 1), 4, statsLast), rows: 5},
		{name: "long staff", stream: staff, body: text(staffHead, strings.Replace(staffRow, "Ana", noise(15_000_000), 1), 4, staffLast), rows: 5},
		{name: "longest calls", stream: calls, body: text(callsHead, strings.Replace(callsRow, "Ana", noise(32<<20-200), 1), 3, ""), rows: 3},
		{name: "longest stats", stream: stats, body: text("[", strings.Replace(statsRow, `"in`, `"x":"`+noise(32<<20-200)+`","in`, 1), 3, statsLast), rows: 4},
		{name: "longest staff", stream: staff, body: text(staffHead, strings.Replace(staffRow, "Ana", noise(31<<20), 1), 2, staffLast), rows: 3},
		{name: "long staff of eight days", stream: staff, body: text(staffHead, strings.Replace(staffRow, "Ana", noise(15_000_000), 1), 4, staffLast), args: eightDays, rows: 40},
		{name: "longest staff of eight days", stream: staff, body: text(staffHead, strings.Replace(staffRow, "Ana", noise(31<<20), 1), 2, staffLast), args: eightDays, rows: 24},
		{name: "staff of 240 MB", stream: staff, body: text(staffHead, manyStaff(10_000), 250, staffLast), rows: 2_500_001},

		{name: "calls of a month in windows of an hour", stream: calls, body: text(callsHead, callsOfAMonth(), 200, ""), env: []string{"WINDROW_DIALPAD_WINDOW=1h"}, args: aMonth, rows: 200 * 31 * 24},

		{name: "rejected calls", stream: calls, body: text(callsHead+callsRow, "a\n", 1<<20, callsRow), like: "calls", env: []string{"WINDROW_MAX_REJECTS=1"}, rows: 2},
		{name: "rejected stats", stream: stats, body: text("["+statsRow, "1,", 1<<20, statsLast), like: "stats", env: []string{"WINDROW_MAX_REJECTS=1"}, rows: 2},
		{name: "rejected staff", stream: staff, body: text(staffHead+staffRow, "1,", 1<<20, staffLast), like: "staff", env: []string{"WINDROW_MAX_REJECTS=1"}, rows: 2},
		{name: "rejected long calls", stream: calls, body: text(callsHead+callsRow, noise(15_000_000)+"\n", 4, callsRow), like: "long calls", env: []string{"WINDROW_MAX_REJECTS=1"}, rows: 2},

		{name: "columns", stream: calls, body: text(strings.TrimSpace(callsHead), ",c", 1<<20, "\n"), like: "calls", says: "header"},
		{name: "members", stream: stats, body: text("["+statsRow+`{"date":"x"`, `,"m":1`, 1<<20, "}]"), like: "stats", says: "4096"},
		{name: "members of staff", stream: staff, body: text(staffHead+`{"_id":"x"`, `,"m":1`, 1<<20, "}]}"), like: "staff", says: "4096"},
		{name: "members around staff", stream: staff, body: text(`{"status":true`, `,"m":1`, 1<<20, `,"operators":[]}`), like: "staff", says: "twice"},
		{name: "text around staff", stream: staff, body: text(`{"status":true,"x":"`+noise(4<<20)+`","operators":[`, staffRow, 400_000, staffLast), like: "staff", says: "256 KiB"},
		{name: "text behind staff", stream: staff, body: text(staffHead, staffRow, 400_000, `{"_id":"2"}],"queryPending":0,"x":"`+noise(4<<20)+`"}`), like: "staff", says: "256 KiB"},
		{name: "arrays around staff", stream: staff, body: text(`{"status":true,"x":[0`, ",[]", 8<<20, `],"operators":[]}`), like: "staff", says: "256 KiB"},
		{name: "a deep envelope around staff", stream: staff, body: text(`{"status":true,"x":`, `{"x":`, 8<<20, `0}`), like: "staff", says: "256 KiB"},
		{name: "a KiB around staff", stream: staff, body: text(`{"status":true,"x":"`+noise(900)+`","operators":[`, staffRow, 100_000, staffLast), rows: 100_001},
		{name: "endless cell", stream: calls, body: text(callsHead+callsRow+"2025-09-09 10:00:00,", "x", endless, ""), like: "longest calls", says: "32 MiB"},
		{name: "endless quoted cell", stream: calls, body: text(callsHead+callsRow+"2025-09-09 10:00:00,\"", "x", endless, ""), like: "longest calls", says: "32 MiB"},
		{name: "endless quoted cell of lines", stream: calls, body: text(callsHead+callsRow+"2025-09-09 10:00:00,\"", "x\n", endless, ""), like: "longest calls", says: "32 MiB"},
		{name: "endless cell of quotes", stream: calls, body: text(callsHead+callsRow+"2025-09-09 10:00:00,x", "\"", endless, ""), like: "longest calls", says: "32 MiB"},
		{name: "endless commas", stream: calls, body: text(callsHead+callsRow, ",", endless, ""), like: "longest calls", says: "32 MiB"},
		{name: "endless string", stream: stats, body: text("["+statsRow+`{"date":"`, "x", endless, ""), like: "longest stats", says: "32 MiB"},
		{name: "endless string of staff", stream: staff, body: text(staffHead+`{"_id":"`, "x", endless, ""), like: "longest staff", says: "32 MiB"},
		{name: "endless blank lines", stream: calls, body: text("", "\n", endless, ""), like: "longest calls", says: "32 MiB"},
		{name: "blank lines behind rows", stream: calls, body: text(callsHead+callsRow, "\n", 64<<20, callsRow), like: "calls", rows: 2},
		{name: "carriage returns behind rows", stream: calls, body: text(callsHead+callsRow, "\r\n", 32<<20, callsRow), like: "calls", rows: 2},
		{name: "bare carriage returns", stream: calls, body: text(callsHead+callsRow, "\r", 4<<20, "\n"+callsRow), like: "calls", env: []string{"WINDROW_MAX_REJECTS=1"}, rows: 2},
		{name: "bare carriage returns first", stream: calls, body: text("", "\r", 4<<20, "\n"+callsHead+callsRow), like: "calls", rows: 1},
		{name: "nested arrays", stream: stats, body: text("["+statsRow, "[", endless, ""), like: "longest stats", says: "32 MiB"},
		{name: "nested within rows", stream: stats, body: text("[", strings.Replace(statsRow, `"in`, `"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`,"in`, 1), 2000, statsLast), rows: 2001},
		{name: "nested too deeply", stream: stats, body: text("["+statsRow+`{"x":`, "[", 1<<20, strings.Repeat("]", 1<<20)+"}]"), like: "stats", says: "nested"},
		{name: "endless white space", stream: stats, body: text("", " ", endless, ""), like: "stats", env: []string{"WINDROW_MAX_BODY=64MiB"}, says: "64 MiB"},
		{name: "endless white space in staff", stream: staff, body: text("", " ", endless, ""), like: "staff", says: "256 KiB"},
		{name: "endless calls", stream: calls, body: text(callsHead, callsRow, endless, ""), like: "calls", env: []string{"WINDROW_MAX_BODY=64MiB"}, says: "64 MiB"},
		{name: "endless stats", stream: stats, body: text("[", statsRow, endless, ""), like: "stats", env: []string{"WINDROW_MAX_BODY=64MiB"}, says: "64 MiB"},
		{name: "rejects that cannot pass", stream: calls, body: text(callsHead+callsRow, "a\n", endless, ""), like: "calls", env: []string{"WINDROW_MAX_BODY=64MiB"}, says: "64 MiB"},
		{name: "a gzip bomb", stream: calls, body: text(callsHead, "\n", endless, ""), gzip: true, like: "longest calls", env: []string{"WINDROW_MAX_BODY=64MiB"}, says: "64 MiB"},
		{name: "gzip that holds nothing", stream: stats, body: emptyGzip, like: "stats", says: "brings no content"},
		{name: "nothing but rejects", stream: calls, body: text(callsHead, "a\n", endless, ""), like: "calls", says: "all of the first"},
		{name: "nothing but rejects in stats", stream: stats, body: text("[", "1,", endless, ""), like: "stats", says: "all of the first"},
	}
}

func TestPromise12_PeakMemoryOfAnOddBodyIsThatOfAWellFormedOne(t *testing.T) {
	answers := oddAnswers()
	peaks := make(map[string]int64) // of well-formed ones
	soak.Sweep(t, len(answers), []string{"peak"}, func(t *testing.T, point, _ int) {
		c := answers[point-1]
		v, got := measureOdd(t, c)
		t.Logf("%s: %d MiB, %.1f s of CPU, exit %d, %d rows, %d rejects, %d MiB sent, asked %d times", c.name, got.peak>>20, got.cpu.Seconds(), got.exit, got.rows, got.rejected, v.sent.Load()>>20, v.asked.Load())
		if got.says != "" {
			t.Logf("%.600s", got.says)
		}
		if got.peak > mostMemory {
			t.Errorf("the peak is %d MiB", got.peak>>20)
		}
		if c.says == "" && (got.exit != 0 || c.rows >= 0 && got.rows != c.rows) || c.says != "" && (got.exit != pipeline.ExitFailed || !strings.Contains(got.says, c.says)) {
			t.Errorf("exit %d, %d rows", got.exit, got.rows)
		}
		like := slices.IndexFunc(answers, func(o oddAnswer) bool { return o.name == c.like })
		if like < 0 {
			return
		}
		if peaks[c.like] == 0 {
			_, well := measureOdd(t, answers[like])
			peaks[c.like] = well.peak
		}
		if got.peak > peaks[c.like]*3/2 {
			t.Errorf("the peak is %d MiB, that of %s %d MiB", got.peak>>20, c.like, peaks[c.like]>>20)
		}
	})
}

// measureOdd syncs the answer in a process of its own.
func measureOdd(t *testing.T, c oddAnswer) (*vendorOfOne, taken) {
	t.Helper()
	v := newVendorOfOne(t, c.body, c.gzip)
	return v, syncMeasured(t, v.variables(c.stream, c.env...), c.args...)
}
