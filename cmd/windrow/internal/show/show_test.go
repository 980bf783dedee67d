package show

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
)

func at(t *testing.T, s string) pipeline.Instant {
	t.Helper()
	var i pipeline.Instant
	if err := i.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return i
}

func day(t *testing.T, date string) pipeline.Window {
	start := at(t, date+"T00:00:00Z")
	return pipeline.Window{Span: pipeline.Span{Start: start, End: start.Add(24 * time.Hour)}, Zone: "UTC"}
}

func calls(table *pipeline.Table) pipeline.Stream {
	return pipeline.Stream{Key: pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: "dialpad.calls"}, Table: table}
}

func TestTableAlignsTextLeftAndNumbersRight(t *testing.T) {
	table := NewTable("name", ">n", "note")
	table.Row("a", "1,000", "ä")
	table.Row("long name", "7", "")
	var out bytes.Buffer
	if err := table.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := "name           n  note\na          1,000  ä\nlong name      7\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestRejectsNeverSpoilATerminal(t *testing.T) {
	var out bytes.Buffer
	v := NewRejects(&out, false)
	r := engine.ListedReject{Key: calls(pipeline.Events).Key}
	r.Window, r.Failed = day(t, "2025-09-08"), true
	r.Reject = pipeline.Reject{Row: 1234567, Scope: "callcenter:123", Reason: strings.Repeat("ü", 100), Raw: "a\x1b[31m\r\n" + strings.Repeat("日", 100)}
	hashed := r
	hashed.Raw, hashed.Reason = "", "date is not a time"
	for _, one := range []engine.ListedReject{r, hashed} {
		if err := v.Tell(one); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.End(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for _, line := range lines[:4] {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\r") || !strings.HasSuffix(lines[1], "ü…") || !strings.Contains(lines[2], "a [31m  日") || !strings.HasSuffix(lines[3], ": date is not a time") {
		t.Errorf("%q", lines)
	}
	var document bytes.Buffer
	v = NewRejects(&document, true)
	if err := errors.Join(v.Tell(r), v.Tell(hashed), v.End()); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(document.Bytes(), &list); err != nil || len(list) != 2 || list[0]["raw"] != r.Raw || list[1]["raw"] != nil || list[0]["scope"] != "callcenter:123" {
		t.Errorf("%v, %s", err, document.String())
	}
}

func TestOfAnAddressHalfIsHiddenAtLeast(t *testing.T) {
	for id, want := range map[string]string{
		"5255512345": "52******45", "12345678": "12****78", "1234567": "1*****7", "123456": "1****6", "12345": "1***5", "1234": "1**4", "123": "***", "7": "***", "": "***",
		"ana@correo.example": "a***@***", "a@correo.example": "***@***", "ñandú@correo.example": "ñ***@***", "@": "***@***",
	} {
		if got := MaskedAddress(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestWhatToTypeNamesTheWindowsThatMayBeGivenUp(t *testing.T) {
	day8, day9, day10 := day(t, "2025-09-08"), day(t, "2025-09-09"), day(t, "2025-09-10")
	failed := func(r pipeline.Remedy, w pipeline.Window) pipeline.WindowError {
		return pipeline.WindowError{WindowStart: w.Start, WindowEnd: w.End, Remedy: r}
	}
	stream := func(name pipeline.StreamID, account pipeline.AccountID, list ...pipeline.WindowError) pipeline.StreamSummary {
		return pipeline.StreamSummary{Stream: name, Account: account, Failed: len(list), Errors: list}
	}
	const template = "--from DAY --to DAY --streams NAME"
	for _, tt := range []struct {
		name    string
		streams []pipeline.StreamSummary
		want    string
	}{
		{"one window", []pipeline.StreamSummary{stream("dialpad.calls", "default"), stream("dialpad.texts", "default", failed(pipeline.GiveUp, day8))},
			"give it up with `windrow sync --streams dialpad.texts --from " + day8.Start.String() + " --to " + day8.End.String() + " --waive REASON`"},
		{"neighbours", []pipeline.StreamSummary{stream("dialpad.texts", "default", failed(pipeline.GiveUp, day8), failed(pipeline.GiveUp, day9))},
			"--from " + day8.Start.String() + " --to " + day9.End.String() + " --waive REASON`"},
		{"a day between them", []pipeline.StreamSummary{stream("dialpad.texts", "default", failed(pipeline.GiveUp, day8), failed(pipeline.GiveUp, day10))}, template},
		{"one that passes by itself", []pipeline.StreamSummary{stream("dialpad.texts", "default", failed(pipeline.GiveUp, day8), failed(pipeline.Wait, day9))}, template},
		{"two streams", []pipeline.StreamSummary{stream("dialpad.texts", "default", failed(pipeline.GiveUp, day8)), stream("dialpad.calls", "default", failed(pipeline.GiveUp, day8))}, template},
		{"another account", []pipeline.StreamSummary{stream("dialpad.texts", "mx", failed(pipeline.GiveUp, day8)), stream("dialpad.texts", "us")}, template},
	} {
		if got := next(pipeline.Summary{Exit: pipeline.ExitFailed, Streams: tt.streams}, Asked{}); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestSummaryTellsFailedWindowsAndWhy(t *testing.T) {
	w := day(t, "2025-09-08")
	s := pipeline.Summary{Exit: pipeline.ExitFailed, Streams: []pipeline.StreamSummary{
		{Stream: "dialpad.calls", Account: "default", Committed: 2, Failed: 1, Read: 1200, Rows: 1200,
			Errors: []pipeline.WindowError{{WindowStart: w.Start, WindowEnd: w.End, Zone: w.Zone, ErrorKind: "unavailable", Message: "it broke (try later)"}}},
		{Stream: "ucontact.agents", Account: "mx", Unchanged: 3, Read: 34, Rows: 30, Rejected: 1, Outside: 1, Duplicate: 2},
	}}
	var out bytes.Buffer
	if err := Summary(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"dialpad.calls               2          0       1      1,200   1,200         0\n",
		"ucontact.agents@mx          0          3       0         34      30         1\n",
		"total                       2          3       1      1,234   1,230         1\n\n",
		"stream              outside  duplicate\n",
		"ucontact.agents@mx        1          2\n",
		"dialpad.calls: 1 failed window\n  2025-09-08  it broke (try later)\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, out.String())
		}
	}
}

func TestNextSaysWhatToDoForEveryExitCode(t *testing.T) {
	for exit, want := range map[int]string{
		pipeline.ExitDone:         "Nothing was due",
		pipeline.ExitInternal:     "No window failed",
		pipeline.ExitUnauthorized: "windrow check",
		pipeline.ExitStopped:      "Stopped by a signal",
	} {
		var out bytes.Buffer
		if err := Next(&out, pipeline.Summary{Exit: exit}, Asked{}); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("exit %d: %v, lacks %q:\n%s", exit, err, want, out.String())
		}
	}
}

func TestWhereNothingWasReadTheRemedyFitsWhatWasAskedFor(t *testing.T) {
	for asked, want := range map[Asked]string{
		{}:                          "Nothing was due.",
		{Span: true}:                "--refetch reads again what is settled",
		{Refetch: true}:             "There is no window yet that could be read again",
		{Refetch: true, Span: true}: "No window that has ended lies between --from and --to",
	} {
		if got := next(pipeline.Summary{}, asked); !strings.Contains(got, want) || strings.Contains(got, "Nothing was due") != (asked == Asked{}) {
			t.Errorf("%+v: %s", asked, got)
		}
	}
}

func TestRowsOfUnchangedWindowsAreKeptAndNotLoaded(t *testing.T) {
	var out bytes.Buffer
	s := pipeline.Summary{Streams: []pipeline.StreamSummary{{Stream: "dialpad.calls", Unchanged: 2, Committed: 1, Read: 14, Rows: 12, Kept: 9, Rejected: 2}}}
	if err := Summary(&out, s); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^dialpad.calls +1 +2 +0 +14 +3 +2$`).MatchString(out.String()) || !regexp.MustCompile(`(?m)^stream +outside +duplicate +kept\ndialpad.calls +0 +0 +9$`).MatchString(out.String()) {
		t.Errorf("got\n%s", out.String())
	}
}

func TestATerminalShowsInColoursWhatIsGoodAndWhatIsNot(t *testing.T) {
	states := []plan.StreamStatus{
		{Stream: "dialpad.calls", Account: "default", Configured: true}, {Stream: "dialpad.texts", Account: "default", Configured: true, Late: true},
		{Stream: "dialpad.csat", Account: "default", Configured: true, FailedWindows: 1},
	}
	run := pipeline.Summary{Streams: []pipeline.StreamSummary{{Stream: "dialpad.calls", Failed: 3}}}
	print := func(w io.Writer) {
		t.Helper()
		if err := errors.Join(Status(w, states, "1 of 3 streams is late."), Summary(w, run)); err != nil {
			t.Fatal(err)
		}
	}
	var shown, piped bytes.Buffer
	print(Coloured{&shown})
	print(&piped)
	for _, want := range []string{"  \x1b[32mwhole\x1b[0m   ", "  \x1b[33mlate\x1b[0m    ", "  \x1b[31mfailed\x1b[0m  ", " \x1b[31m3\x1b[0m "} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("it lacks %q:\n%q", want, shown.String())
		}
	}
	if strings.Contains(piped.String(), "\x1b") || regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(shown.String(), "") != piped.String() {
		t.Errorf("without colours it is another table:\n%s", piped.String())
	}
}

func TestNextSuggestsAWaiverWhereAVendorIsTheReasonAlone(t *testing.T) {
	vendor := pipeline.WindowError{ErrorKind: "refused", Message: "the vendor lost the day", Remedy: pipeline.GiveUp}
	sink := pipeline.WindowError{ErrorKind: "invalid", Message: "a table vanished (restore it)"}
	vendor.Rejects = []pipeline.Reject{{Row: 1}}
	network := pipeline.WindowError{ErrorKind: "broken_off", Message: "the connection broke off", Remedy: pipeline.Wait}
	busy := pipeline.WindowError{ErrorKind: "throttled", Message: "asked too often", Remedy: pipeline.Wait}
	for _, tt := range []struct {
		errors       []pipeline.WindowError
		waive, above bool
	}{
		{[]pipeline.WindowError{vendor}, true, false},
		{[]pipeline.WindowError{sink}, false, true},
		{[]pipeline.WindowError{sink, vendor}, true, true},
		{[]pipeline.WindowError{network, busy}, false, false},
		{[]pipeline.WindowError{network, sink}, false, true},
		{[]pipeline.WindowError{network, vendor}, true, false},
	} {
		var out bytes.Buffer
		err := Next(&out, pipeline.Summary{Exit: pipeline.ExitFailed, Streams: []pipeline.StreamSummary{{Failed: len(tt.errors), Errors: tt.errors}}}, Asked{})
		text := out.String()
		if err != nil || !strings.Contains(text, "stayed open") || !strings.Contains(text, "`windrow sync` again") ||
			strings.Contains(text, "--waive") != tt.waive || strings.Contains(text, "messages above name the remedy") != tt.above || strings.Contains(text, "`windrow rejects`") != tt.waive {
			t.Errorf("%v of %v: %s", err, tt.errors, text)
		}
	}
}

func TestSummarySpellsOutAFewFailures(t *testing.T) {
	r := pipeline.StreamSummary{Stream: "dialpad.calls", Failed: 9, Errors: []pipeline.WindowError{
		{Message: "one"}, {Message: "one"}, {Message: "two"}, {Message: "three"}, {Message: "four"}, {Message: "five"},
		{Message: "six"}, {Message: "six"}, {Message: "seven"},
	}}
	var out bytes.Buffer
	if err := Summary(&out, pipeline.Summary{Exit: 3, Streams: []pipeline.StreamSummary{r}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "… and 3 failed windows more") || strings.Count(out.String(), "  one\n") != 1 {
		t.Errorf("got\n%s", out.String())
	}
}

func TestPlanSharesALineBetweenNeighboursOfOneReason(t *testing.T) {
	p := pipeline.PlannedStream{Requests: 4, StreamPlan: pipeline.StreamPlan{
		Stream: calls(pipeline.Events),
		Windows: []pipeline.PlannedWindow{
			{Window: day(t, "2025-09-01"), Reason: pipeline.ReasonNew},
			{Window: day(t, "2025-09-02"), Reason: pipeline.ReasonNew},
			{Window: day(t, "2025-09-04"), Reason: pipeline.ReasonNew, Supersedes: []pipeline.Window{day(t, "2025-09-03")}},
			{Window: day(t, "2025-09-05"), Reason: pipeline.ReasonLookback},
		},
		Holes:   []pipeline.Span{day(t, "2025-08-30").Span},
		Changed: []pipeline.Window{day(t, "2025-08-01"), day(t, "2025-08-02")},
	}}
	var out bytes.Buffer
	if err := Plan(&out, []pipeline.PlannedStream{p}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"dialpad.calls  new             2  2025-09-01 to 2025-09-02\n",
		"dialpad.calls  new             1  2025-09-04\n",
		"dialpad.calls  lookback        1  2025-09-05\n",
		"2025-09-04 will replace the committed window 2025-09-03, which",
		"no window covers 2025-08-30T00:00:00Z/2025-08-31T00:00:00Z",
		"2 windows changed", "windrow sync --streams dialpad.calls --from 2025-08-01T00:00:00Z --to 2025-08-03T00:00:00Z --refetch",
		"4 windows, at most 4 requests, repetitions aside.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the plan lacks %q:\n%s", want, out.String())
		}
	}
}

func TestAReceiptStandsUnderTheTableOfASinkThatBillsAlone(t *testing.T) {
	s := pipeline.Summary{Streams: []pipeline.StreamSummary{{Stream: "dialpad.calls", Committed: 1}}}
	for _, print := range []func(io.Writer, pipeline.Summary) error{Summary, Waived} {
		var free, billed bytes.Buffer
		if err := print(&free, s); err != nil || strings.Contains(free.String(), "Used") {
			t.Errorf("%v; a receipt of nothing:\n%s", err, free.String())
		}
		s := s
		s.Receipt = &pipeline.Receipt{LoadJobs: 1, QueryJobs: 1200, BytesStaged: 3 << 20, BytesBilled: 20 << 30, SlotMillis: 92_500}
		want := "\nUsed: 1 load job, 1,200 query jobs, 3.0 MiB staged, 20 GiB billed, 1m32.5s of slot time.\n"
		if err := print(&billed, s); err != nil || !strings.Contains(billed.String(), want) {
			t.Errorf("%v; want %q in\n%s", err, want, billed.String())
		}
	}
}

func TestSummaryJSONOfASinkThatDoesNotBillNamesNoReceipt(t *testing.T) {
	for _, r := range []*pipeline.Receipt{nil, {LoadJobs: 2}} {
		var out bytes.Buffer
		if err := Document(&out, pipeline.Summary{Receipt: r}); err != nil || strings.Contains(out.String(), `"receipt"`) != (r != nil) {
			t.Errorf("%v; receipt %v:\n%s", err, r, out.String())
		}
	}
}

func TestAnEstimateNamesEveryQuotaThatComesNear(t *testing.T) {
	e := pipeline.Estimate{LoadJobs: 4, QueryJobs: 1, BytesBilled: 40 << 20, Warnings: []string{"1,600 load jobs into events", "another"}}
	var out, logged bytes.Buffer
	want := "If every window has changed, committing them takes about 4 load jobs and 1 query job, and bills about 40 MiB.\nWarning: 1,600 load jobs into events\nWarning: another\n"
	if err := Estimate(&out, e); err != nil || out.String() != want {
		t.Errorf("%v; got %q", err, out.String())
	}
	LogEstimate(NewLog(&logged, true, slog.LevelWarn), e)
	if n := strings.Count(logged.String(), `"level":"WARN"`); n != 2 {
		t.Errorf("%d warnings:\n%s", n, logged.String())
	}
}

func TestPlanJSONHasEmptyArraysAndNoNulls(t *testing.T) {
	p := pipeline.PlannedStream{StreamPlan: pipeline.StreamPlan{Stream: calls(pipeline.Events), Watermark: pipeline.NoInstant}}
	for name, plan := range map[string][]pipeline.PlannedStream{"[]": nil, `"windows": [],`: {p}, `"holes": [],`: {p}, `"watermark": null`: {p}} {
		var out bytes.Buffer
		if err := PlanJSON(&out, plan); err != nil || !strings.Contains(out.String(), name) {
			t.Errorf("%v; lacks %s:\n%s", err, name, out.String())
		}
	}
}

func TestStatusJSONOfNothingIsAnEmptyArray(t *testing.T) {
	var out bytes.Buffer
	if err := StatusJSON(&out, nil); err != nil || out.String() != "[]\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestStatusShowsLagInPeoplesUnits(t *testing.T) {
	lag, mark := int64(98_000), at(t, "2025-09-08T05:00:00Z")
	var out bytes.Buffer
	err := Status(&out, []plan.StreamStatus{
		{Stream: "dialpad.calls", Account: "default", Configured: true, Watermark: &mark, LagSeconds: &lag, Open: 2, Rows: 5, Zone: "America/Chicago"},
		{Stream: "dialpad.texts", Account: "default", Configured: true, Late: true},
		{Stream: "dialpad.csat", Account: "default", Configured: true, Watermark: &mark, LagSeconds: &lag, Zone: "UTC", Open: 1, FailedWindows: 1},
	}, "1 of 3 streams is late; 1 window failed.")
	if err != nil || !strings.HasPrefix(out.String(), "1 of 3 streams is late; 1 window failed.\n\nstream ") || !strings.Contains(out.String(), "\ndialpad.calls  due     2025-09-07   2025-09-08T05:00:00Z  1d 3h") ||
		!strings.Contains(out.String(), "\ndialpad.texts  late    -            -                         -") || !strings.Contains(out.String(), "\ndialpad.csat   failed  09-08 05:00  2025-09-08T05:00:00Z  1d 3h") {
		t.Errorf("%v:\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "3 windows due and not covered") {
		t.Errorf("it does not tell what is open:\n%s", out.String())
	}
}

func TestWithTheSinksVariablesAloneTheRowsTellWhatTheVerdictTells(t *testing.T) {
	var out bytes.Buffer
	if err := Status(&out, []plan.StreamStatus{
		{Stream: "dialpad.calls", Account: "default"}, {Stream: "dialpad.texts", Account: "default", Late: true}, {Stream: "dialpad.csat", Account: "default", Open: 2},
	}, "1 of 3 streams is late."); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ndialpad.calls  whole, not configured ", "\ndialpad.texts  late, not configured ", "\ndialpad.csat   due, not configured ", "\n2 windows due and not covered"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, out.String())
		}
	}
}

func TestStatusTellsWhatHoldsAWatermarkBackWithItsCommandAndWhatNoRunReads(t *testing.T) {
	hole := pipeline.Span{Start: at(t, "2025-03-09T06:00:00Z"), End: at(t, "2025-03-09T07:00:00Z")}
	var out bytes.Buffer
	if err := Status(&out, []plan.StreamStatus{
		{Stream: "ucontact.agents", Account: "mx", Configured: true, Holes: []pipeline.Span{hole}},
		{Stream: "ucontact.campaigns", Account: "default", Configured: true, Failed: &pipeline.Window{Span: hole, Zone: "America/Mexico_City"}},
		{Stream: "dialpad.calls", Account: "default", Open: 7},
		{Stream: "dialpad.texts", Account: "default", LeftOut: true},
	}, "All."); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nucontact.agents@mx: no window covers " + hole.String() + "\n(1h0m0s), and the vendor cannot be asked for it alone. To let the watermark\npass:\n  " +
			"windrow sync --streams ucontact.agents --from 2025-03-09T06:00:00Z --to 2025-03-09T07:00:00Z --waive REASON\n",
		"\nucontact.campaigns: the window 2025-03-09 00:00 to 01:00 -06:00 failed and holds\nthe watermark back. `windrow sync` reads it again; to give it up:\n  " +
			"windrow sync --streams ucontact.campaigns --from 2025-03-09T06:00:00Z --to 2025-03-09T07:00:00Z --waive REASON\n",
		"\ndialpad.calls       not configured  -", "\ndialpad.texts       left out        -",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "due and not covered") {
		t.Errorf("it promises that a sync reads what no run reads:\n%s", out.String())
	}
}

func TestSchemaJSONHasAUnitAndAnAggregationForEveryMeasure(t *testing.T) {
	var out bytes.Buffer
	if err := SchemaJSON(&out, pipeline.Tables()); err != nil {
		t.Fatal(err)
	}
	var columns []dictionaryColumn
	if err := json.Unmarshal(out.Bytes(), &columns); err != nil {
		t.Fatal(err)
	}
	if want := len(pipeline.Activity.Columns) + len(pipeline.Events.Columns); len(columns) != want {
		t.Errorf("%d columns, want %d", len(columns), want)
	}
	for _, c := range columns {
		measure := c.Aggregation != pipeline.Key && c.Aggregation != pipeline.Label && c.Aggregation != pipeline.Lineage
		if c.Meaning == "" || c.Aggregation == "" || measure && c.Unit == "" {
			t.Errorf("%s.%s lacks a meaning, an aggregation or a unit", c.Table, c.Column)
		}
	}
}

func TestProgressIsJSONLinesWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	tell := Progress(NewLog(&out, true, slog.LevelInfo), nil, false)
	key := pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}
	tell(engine.Event{Kind: engine.EventPlanned, Stream: key, Total: 2})
	tell(engine.Event{Kind: engine.EventWaiting, Stream: key, Text: "waiting for report", Until: time.Unix(0, 0)})
	tell(engine.Event{Kind: engine.EventReading, Stream: key})
	tell(engine.Event{Kind: engine.EventCommitted, Stream: key, Window: day(t, "2025-09-08"), Counts: pipeline.Counts{Read: 3, Rows: 3}})
	tell(engine.Event{Kind: engine.EventFailed, Stream: key, Window: day(t, "2025-09-09"), Err: errors.New("broke")})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 { // reading is told at level debug
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for _, l := range lines {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil || v["stream"] != "dialpad.calls" {
			t.Errorf("%v: %s", err, l)
		}
	}
	if !strings.Contains(lines[2], `"window_start":"2025-09-08T00:00:00Z"`) || !strings.Contains(lines[2], `"rows":3`) {
		t.Errorf("the committed line lacks its window or rows: %s", lines[2])
	}
}

// screen keeps what is written and hands every frame to a test that waits for one.
type screen struct {
	mu     sync.Mutex
	all    bytes.Buffer
	frames chan string
}

func (s *screen) Write(p []byte) (int, error) {
	select {
	case s.frames <- string(p):
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func TestProgressTellsWhatToTypeAboutWhatARunLeavesAlone(t *testing.T) {
	first, second := day(t, "2025-09-08"), day(t, "2025-09-09")
	key := pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}
	for _, c := range []struct {
		event engine.Event
		want  string
	}{
		{
			engine.Event{Kind: engine.EventChanged, Stream: key, Changed: []pipeline.Window{first, second}},
			"2 settled windows were read under other settings; to read them again: windrow sync --streams dialpad.calls --from 2025-09-08T00:00:00Z --to 2025-09-10T00:00:00Z --refetch",
		},
		{
			engine.Event{Kind: engine.EventChanged, Stream: key, Changed: []pipeline.Window{first}},
			"1 settled window was read under other settings; to read them again: windrow sync --streams dialpad.calls --from 2025-09-08T00:00:00Z --to 2025-09-09T00:00:00Z --refetch",
		},
		{
			engine.Event{Kind: engine.EventSwept, Stream: key, Total: 1, Text: "a.parquet"},
			"1 file named as a window's and belonging to none was removed: a.parquet",
		},
		{
			engine.Event{Kind: engine.EventHole, Stream: key, Hole: first.Span},
			"2025-09-08T00:00:00Z/2025-09-09T00:00:00Z is covered by no window and cannot be asked for; to let the watermark pass: " +
				"windrow sync --streams dialpad.calls --from 2025-09-08T00:00:00Z --to 2025-09-09T00:00:00Z --waive REASON",
		},
	} {
		var out bytes.Buffer
		Progress(NewLog(&out, true, slog.LevelInfo), nil, false)(c.event)
		want := fmt.Sprintf(`"level":"WARN","msg":%q,"stream":"dialpad.calls","account":"default"}`, c.want)
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s", out.String(), want)
		}
	}
	var out bytes.Buffer
	Progress(NewLog(&out, true, slog.LevelInfo), nil, true)(engine.Event{Kind: engine.EventChanged, Stream: key, Changed: []pipeline.Window{first, second}})
	if got := out.String(); !strings.Contains(got, "--refetch") || !strings.Contains(got, "windrow replay") {
		t.Errorf("with an archive: %s", got)
	}
}

func TestBarsShowWindowsAndWhatIsWaitedFor(t *testing.T) {
	now := time.Date(2025, 9, 8, 12, 0, 0, 0, time.UTC)
	out := &screen{frames: make(chan string)}
	bars := NewBars(out, func() time.Time { return now }, Screen{Columns: 120, Lines: 24}, mpb.WithRefreshRate(5*time.Millisecond))
	tell := Progress(NewLog(bars, false, slog.LevelInfo), bars, false)
	key := pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}
	tell(engine.Event{Kind: engine.EventPlanned, Stream: key, Total: 3})
	now = now.Add(75 * time.Second)
	tell(engine.Event{Kind: engine.EventCommitted, Stream: key, Window: day(t, "2025-09-08"), Counts: pipeline.Counts{Rows: 2750}})
	tell(engine.Event{Kind: engine.EventWaiting, Stream: key, Text: "waiting for report", Until: now.Add(5 * time.Second)})
	for frame := range out.frames { // until one shows it all; the test's time limit ends it otherwise
		if strings.Contains(frame, "dialpad.calls  1/3 windows") && strings.Contains(frame, " 1m15s, 2,750 rows; waiting for report, next look in 5 s") {
			break
		}
	}
	tell(engine.Event{Kind: engine.EventFailed, Stream: key, Window: day(t, "2025-09-09"), Err: errors.New("broke")})
	bars.Close()
	for _, want := range []string{"2/3 windows", "1 failed", "level=ERROR msg=failed"} {
		if !strings.Contains(out.text(), want) {
			t.Errorf("the bars lack %q:\n%q", want, out.text())
		}
	}
	if strings.Contains(out.text(), "msg=committed") {
		t.Error("a bar says that windows are committed; a log line need not")
	}
	if _, err := bars.Write([]byte("after\n")); err != nil || !strings.HasSuffix(out.text(), "after\n") {
		t.Errorf("a line after the bars is lost: %v", err)
	}
}

// A table has its rows and cells whatever their widths, in lines of 80 columns.
func TestEveryTableFitsEightyColumns(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	cell := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString("word"[:1+random.IntN(4)])
			if random.IntN(3) == 0 {
				b.WriteByte(' ')
			}
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	for range 2000 {
		heads := []string{"name"}
		for range 1 + random.IntN(9) {
			heads = append(heads, []string{"", ">"}[random.IntN(2)]+cell(random.IntN(14)+1))
		}
		table, letters := NewTable(heads...), 0
		for range 1 + random.IntN(4) {
			row := make([]string, len(heads))
			for i := range row {
				row[i] = cell(random.IntN([]int{8, 20, 40}[random.IntN(3)]) + 1)
				if i == len(row)-1 && random.IntN(2) == 0 {
					row[i] = cell(200)
				}
				if i > 0 {
					letters += len(strings.ReplaceAll(row[i], " ", ""))
				}
			}
			table.Row(row...)
		}
		var out bytes.Buffer
		if err := table.Print(&out); err != nil {
			t.Fatal(err)
		}
		shown := 0
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 || strings.HasSuffix(line, " \n") {
				t.Fatalf("a line of %d columns:\n%s", n, &out)
			}
			shown += len(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
		}
		if shown < letters {
			t.Fatalf("%d letters of %d are shown:\n%s", shown, letters, &out)
		}
	}
}
