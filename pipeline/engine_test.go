package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
)

// scripted is a source of one stream of events whose answers a test writes. By
// default one report serves all windows and each scope is asked once.
type scripted struct {
	key    pipeline.StreamKey
	zone   string
	scopes []string
	apart  bool // every window is an extraction of its own
	daily  bool // it can be asked for whole days of its zone alone
	days   bool // its reports are asked for by days ago
	digest string
	answer func(ctx context.Context, r pipeline.Request, yield func(text string) error) error
}

// said answers each scope with a text.
func said(texts map[string]string) func(context.Context, pipeline.Request, func(string) error) error {
	return func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		return yield(texts[r.Scope])
	}
}

var errRefused = &pipeline.Error{Op: "ask", Kind: pipeline.Refused, Err: errors.New("no")}

func (s *scripted) Streams() []pipeline.Stream {
	zone, err := time.LoadLocation(s.zone)
	if err != nil {
		panic(err)
	}
	grain := pipeline.Calendar{}
	if s.daily {
		grain = pipeline.Calendar{Unit: pipeline.Days, Every: 1, Zone: zone}
	}
	return []pipeline.Stream{{
		Key: s.key, Grain: grain, Table: pipeline.Events, Calendar: pipeline.Calendar{Unit: pipeline.Days, Every: 1, Zone: zone},
		Settle: time.Hour, Overlap: true, Format: lines{}, Settings: s.digest, From: "2025-09-07",
	}}
}

func (s *scripted) Plan(_ pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	groups := [][]pipeline.Window{due}
	if s.apart {
		groups = nil
		for i := range due {
			groups = append(groups, due[i:i+1])
		}
	}
	var plan []pipeline.Extraction
	for _, windows := range groups {
		x := pipeline.Extraction{Windows: windows}
		for _, scope := range s.scopes {
			x.Requests = append(x.Requests, pipeline.Request{
				Stream: s.key.Stream, Windows: windows, Zone: windows[0].Zone, Scope: scope,
				Span: pipeline.Span{Start: windows[0].Start, End: windows[len(windows)-1].End},
			})
		}
		plan = append(plan, x)
	}
	return plan
}

func (s *scripted) Fetch(ctx context.Context, r pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	return s.answer(ctx, r, func(text string) error {
		m := pipeline.Meta{Request: r, Span: r.Span, ExtractedAt: pipeline.InstantOf(noon), ReadAt: pipeline.InstantOf(time.Now())}
		if s.days {
			m.Days = &pipeline.AskedDays{Span: r.Span, First: r.Windows[0].Span, Last: r.Windows[len(r.Windows)-1].Span}
		}
		return yield(pipeline.Body{
			Meta: m,
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		})
	})
}

func (s *scripted) Check(context.Context) error { return nil }

// lines is a format of lines "time id"; one without a time that can be read is a
// reject, and "--" ends a chunk. "at TIME" makes the rest a reject with a time.
type lines struct{}

func (lines) Split(r io.Reader, _ int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		text, err := io.ReadAll(r)
		if err != nil {
			yield(pipeline.Chunk{}, err)
			return
		}
		for part := range bytes.SplitSeq(text, []byte("--\n")) {
			if !yield(pipeline.Chunk{Data: part}, nil) {
				return
			}
		}
	}
}

func (lines) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	n := int64(0)
	for line := range strings.Lines(string(c.Data)) {
		n++
		line = strings.TrimSpace(line)
		first, rest, _ := strings.Cut(line, " ")
		if first == "at" {
			at, _, _ := strings.Cut(rest, " ")
			t, err := time.Parse(time.RFC3339, at)
			if err != nil {
				return err
			}
			into.Reject(pipeline.Reject{Row: n, At: pipeline.InstantOf(t), Reason: "unreadable", Raw: line})
			continue
		}
		t, err := time.Parse(time.RFC3339, first)
		if err != nil {
			into.Reject(pipeline.Reject{Row: n, At: pipeline.NoInstant, Reason: "no time", Raw: line})
			continue
		}
		into.String(pipeline.Events.Index("kind"), "call")
		into.String(pipeline.Events.Index("event_id"), rest)
		into.Instant(pipeline.Events.Index("started_at"), pipeline.InstantOf(t))
		into.EndRow(pipeline.InstantOf(t), pipeline.Hash{})
	}
	return nil
}

func (lines) Lenient() pipeline.Format { return lines{} }

// noon is on a Wednesday; the days from the 7th to the 9th are over.
var noon = time.Date(2025, 9, 10, 12, 0, 0, 0, time.UTC)

func newScripted(answer func(context.Context, pipeline.Request, func(string) error) error, scopes ...string) *scripted {
	if len(scopes) == 0 {
		scopes = []string{"company"}
	}
	return &scripted{
		key:  pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"},
		zone: "UTC", scopes: scopes, digest: "settings", answer: answer,
	}
}

func newEngine(t *testing.T, s *scripted) (*pipeline.Engine, *memory.Store) {
	t.Helper()
	store := memory.New(memory.Options{})
	t.Cleanup(func() { _ = store.Close() })
	return engineOn(store, s), store
}

func engineOn(store pipeline.Store, s *scripted) *pipeline.Engine {
	return &pipeline.Engine{
		Store: store, Sources: []pipeline.Source{s}, Clock: func() time.Time { return noon }, Now: time.Now,
		MaxRejects: 0.2, Concurrency: 4,
	}
}

func mustSync(t *testing.T, e *pipeline.Engine) pipeline.StreamSummary {
	t.Helper()
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitDone {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
	return sum.Streams[0]
}

// entries are the committed windows, as the ledger has them.
func entries(t *testing.T, store pipeline.Store, s *scripted) []pipeline.Entry {
	t.Helper()
	l, err := store.Ledger(t.Context(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	var list []pipeline.Entry
	for _, e := range l.Entries() {
		if e.Kind == pipeline.EntryCommit {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b pipeline.Entry) int { return int(a.Window.Start - b.Window.Start) })
	return list
}

func ids(store *memory.Store, s *scripted) string {
	var list []string
	for _, row := range store.Rows(s.key) {
		list = append(list, row["scope"]+"/"+row["event_id"])
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestPromise04_ASourceThatYieldsNoDocumentCommitsNothing(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, s)
	mustSync(t, e)
	s.answer = func(context.Context, pipeline.Request, func(string) error) error { return nil }
	e.Select.Refetch = true
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
	if got := ids(store, s); got != "company/a" {
		t.Fatalf("the table holds %q", got)
	}
}

func TestPromise05_TheLedgerHasTheFiveNumbersOfEachWindow(t *testing.T) {
	s := newScripted(said(map[string]string{
		"one": "2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z b\n2025-09-08T11:00:00Z c\n2025-09-09T09:00:00Z d\n" +
			"2025-09-09T10:00:00Z e\n2025-09-09T11:00:00Z f\n2025-09-09T12:00:00Z g\n2025-09-09T13:00:00Z h\n" +
			"2025-09-01T10:00:00Z before\n2025-09-20T10:00:00Z after\nnever x\nat 2025-09-09T10:00:00Z y\n",
		"two": "2025-09-08T10:00:00Z b\n" + strings.Repeat("2025-09-08T12:00:00Z z\n", 9) + "at 2025-09-20T10:00:00Z outside\n",
	}), "one", "two")
	e, store := newEngine(t, s)
	sum := mustSync(t, e)
	want := []pipeline.Counts{
		{Read: 5, Rows: 1, Rejected: 1, Outside: 3}, // what has no place counts for the first
		{Read: 12, Rows: 11, Duplicate: 1},
		{Read: 6, Rows: 5, Rejected: 1},
	}
	var total pipeline.Counts
	for i, entry := range entries(t, store, s) {
		if entry.Counts != want[i] {
			t.Errorf("%s: %+v, want %+v", entry.Window.Span, entry.Counts, want[i])
		}
		total = total.Add(entry.Counts)
	}
	if got := (pipeline.Counts{Read: sum.Read, Rows: sum.Rows, Rejected: sum.Rejected, Outside: sum.Outside, Duplicate: sum.Duplicate}); got != total ||
		total.Read != total.Rows+total.Rejected+total.Outside+total.Duplicate {
		t.Errorf("the summary says %+v, the ledger %+v", got, total)
	}
}

func TestPromise05_ARejectsPositionCountsFromTheDocumentsFirstRow(t *testing.T) {
	rows := strings.Repeat("2025-09-08T10:00:00Z a\n", 9)
	s := newScripted(said(map[string]string{"company": rows + "--\n" + rows + "broken\n--\n" + rows + "at 2025-09-09T10:00:00Z\n"}))
	e, store := newEngine(t, s)
	mustSync(t, e)
	var got []string
	for _, r := range store.Rejects(s.key) {
		got = append(got, fmt.Sprint(r.Row, " ", r.Raw))
	}
	if want := "19 broken, 29 at 2025-09-09T10:00:00Z"; strings.Join(got, ", ") != want {
		t.Errorf("rejects %q, want %q", got, want)
	}
}

func TestPromise05_RepeatsInsideOneReportStay(t *testing.T) {
	twice := "2025-09-08T10:00:00Z a\n2025-09-08T10:00:00Z a\n"
	s := newScripted(said(map[string]string{"one": twice + "--\n" + twice, "two": twice + "2025-09-08T10:00:00Z b\n2025-09-08T10:00:00Z b\n"}), "one", "two")
	e, store := newEngine(t, s)
	if sum := mustSync(t, e); sum.Duplicate != 2 {
		t.Errorf("%d duplicates, want the two rows of the first target", sum.Duplicate)
	}
	if got := ids(store, s); got != "one/a one/a one/a one/a two/b two/b" {
		t.Errorf("the table holds %q", got)
	}
}

func TestPromise05_TheFirstTargetKeepsARowThoughItAnswersLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(nil, "one", "two")
		s.answer = func(_ context.Context, r pipeline.Request, yield func(string) error) error {
			if r.Scope == "two" {
				return yield("2025-09-08T10:00:00Z a\n2025-09-08T10:00:00Z b\n")
			}
			synctest.Wait() // the second has come as far as it may
			return yield("2025-09-08T10:00:00Z a\n")
		}
		e, store := newEngine(t, s)
		if sum := mustSync(t, e); sum.Duplicate != 1 {
			t.Errorf("%d duplicates", sum.Duplicate)
		}
		if got := ids(store, s); got != "one/a two/b" {
			t.Errorf("the table holds %q", got)
		}
	})
}

func TestPromise05_AWindowIsCommittedOnlyWhenAllItsTargetsHaveAnswered(t *testing.T) {
	for _, silent := range []string{"one", "two", "three"} {
		s := newScripted(nil, "one", "two", "three")
		s.answer = func(_ context.Context, r pipeline.Request, yield func(string) error) error {
			if r.Scope == silent {
				return errRefused
			}
			return yield("2025-09-08T10:00:00Z " + r.Scope + "\n")
		}
		e, store := newEngine(t, s)
		sum, err := e.Sync(t.Context())
		if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 || len(entries(t, store, s)) > 0 || ids(store, s) != "" {
			t.Errorf("without %s: exit %d, %v, %+v", silent, sum.Exit, err, sum.Streams)
		}
	}
}

func TestPromise05_TheThresholdOfAReportHoldsOverAllItsWindows(t *testing.T) {
	good := func(day, n int) string { return strings.Repeat(fmt.Sprintf("2025-09-%02dT10:00:00Z a\n", day), n) }
	bad := func(day, n int) string { return strings.Repeat(fmt.Sprintf("at 2025-09-%02dT10:00:00Z\n", day), n) }
	for _, c := range []struct {
		name      string
		one, two  string
		committed int
	}{
		{"a few rejects, all of one day", good(7, 9) + bad(9, 1), "", 3},
		{"a few in each report", good(7, 9) + bad(9, 1), good(8, 9) + bad(9, 1), 3},
		{"too many, all of one day", good(7, 9) + bad(9, 5), "", 0},
		{"too many in one report, few in both", good(7, 1) + bad(9, 2), good(8, 50), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScripted(said(map[string]string{"one": c.one, "two": c.two}), "one", "two")
			e, store := newEngine(t, s)
			sum, err := e.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if st := sum.Streams[0]; st.Committed != c.committed || st.Failed != 3-c.committed || len(entries(t, store, s)) != c.committed {
				t.Fatalf("%+v", st)
			}
			for _, w := range sum.Streams[0].Errors {
				if w.Kind != "too many rejects" {
					t.Errorf("%+v", w)
				}
			}
		})
	}
}

func TestPromise06_TheOrderInWhichRowsComeIsNoChange(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n2025-09-08T11:00:00Z b\n--\n2025-09-08T12:00:00Z c\n"}))
	e, store := newEngine(t, s)
	mustSync(t, e)
	writes := store.Writes()
	s.answer = said(map[string]string{"company": "2025-09-08T12:00:00Z c\n2025-09-08T11:00:00Z b\n--\n2025-09-08T10:00:00Z a\n"})
	e.Select.Refetch = true
	if sum := mustSync(t, e); sum.Unchanged != 3 || store.Writes() != writes {
		t.Errorf("%+v, %d windows written", sum, store.Writes()-writes)
	}
}

func TestPromise07_AWindowThatAnotherRunCommittedMeanwhileIsNoFailure(t *testing.T) {
	good := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, good)
	late := newScripted(nil)
	late.answer = func(context.Context, pipeline.Request, func(string) error) error {
		mustSync(t, e)
		return errRefused
	}
	if sum := mustSync(t, engineOn(store, late)); sum.Failed != 0 || sum.Unchanged != 3 || len(sum.Errors) != 0 {
		t.Fatalf("%+v", sum)
	}
	// What was committed before this run began excuses nothing.
	late.answer = func(context.Context, pipeline.Request, func(string) error) error { return errRefused }
	again := engineOn(store, late)
	again.Select.Refetch = true
	if sum, err := again.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestPromise08_ACommittedWindowKeepsItsZoneAndIsToldItsSettings(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-08T16:00:00Z a\n"}))
	s.zone = "Asia/Tokyo" // there it is the 9th
	e, store := newEngine(t, s)
	mustSync(t, e)
	check := func(settings string) {
		t.Helper()
		for _, row := range store.Rows(s.key) {
			if row["local_date"] != "2025-09-09" {
				t.Errorf("local_date is %s", row["local_date"])
			}
		}
		for _, entry := range entries(t, store, s)[:2] {
			if entry.Window.Zone != "Asia/Tokyo" || entry.Settings != settings {
				t.Errorf("the ledger says %+v", entry)
			}
		}
	}
	check("settings")
	// Read again under another zone and other settings, with another row.
	s.zone, s.digest = "America/New_York", "others"
	s.answer = said(map[string]string{"company": "2025-09-08T16:00:00Z a\n2025-09-08T17:00:00Z b\n"})
	e = engineOn(store, s)
	e.Select.Refetch = true
	mustSync(t, e)
	if n := len(store.Rows(s.key)); n != 2 {
		t.Fatalf("%d rows", n)
	}
	check("others")
}

func TestPromise08_SyncWarnsOfChangedSettingsAndReadsNothing(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-08T16:00:00Z a\n"}))
	e, store := newEngine(t, s)
	mustSync(t, e)
	s.digest = "others"
	e = engineOn(store, s)
	var mu sync.Mutex
	var warned []string
	e.Observe = func(ev pipeline.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Kind == pipeline.EventWarning {
			warned = append(warned, ev.Text)
		}
	}
	writes := store.Writes()
	sum := mustSync(t, e)
	if sum.Committed+sum.Unchanged != 0 || store.Writes() != writes {
		t.Errorf("changed settings were acted on: %+v", sum)
	}
	command := "windrow sync --streams dialpad.calls --from 2025-09-07T00:00:00Z --to 2025-09-10T00:00:00Z --refetch"
	if len(warned) != 1 || !strings.Contains(warned[0], "3 settled windows") || !strings.Contains(warned[0], command) {
		t.Errorf("warnings %q", warned)
	}
}

func TestPromise08_SyncNamesTheHoursThatNoWindowCovers(t *testing.T) {
	s := newScripted(said(map[string]string{"company": ""}))
	s.daily = true
	e, store := newEngine(t, s)
	mustSync(t, e)
	s.zone = "Asia/Tokyo"
	e = engineOn(store, s)
	e.Clock = func() time.Time { return noon.AddDate(0, 0, 1) }
	var warned []string
	var mu sync.Mutex
	e.Observe = func(ev pipeline.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Kind == pipeline.EventWarning {
			warned = append(warned, ev.Text)
		}
	}
	mustSync(t, e)
	// The day that began at 15:00 UTC is asked for as a whole and replaces the UTC day.
	if all := strings.Join(warned, "\n"); !strings.Contains(all, "2025-09-09T00:00:00Z/2025-09-09T15:00:00Z") || !strings.Contains(all, "--waive") {
		t.Errorf("warnings %q", warned)
	}
}

func TestPromise10_RejectedRowsTellToo(t *testing.T) {
	rows := func(format string, days ...int) string {
		var b strings.Builder
		for _, day := range days {
			fmt.Fprintf(&b, format, day)
		}
		return b.String()
	}
	const row, reject = "2025-09-%02dT10:00:00Z a\n", "at 2025-09-%02dT10:00:00Z\n"
	for _, c := range []struct {
		says, text string
		stale      bool
	}{
		{"rows of every day", rows(row, 7, 8, 9), false},
		{"some rows of the days around", rows(row, 6, 7, 8, 9, 10), false},
		{"more than half of other days", rows(row, 5, 6, 7, 8, 9, 10, 11), true},
		{"shifted by a day", rows(row, 6, 7, 7, 8, 8), true},
		{"shifted by a day, as the rejects tell", rows(reject, 6) + rows(row, 7, 7, 7, 8, 8, 8, 8, 8, 8), true},
		{"the last day's only row is a reject", rows(row, 6, 7, 7, 7, 8, 8, 8, 8, 8) + rows(reject, 9), false},
		{"rejects of no day tell nothing", rows(row, 7, 7, 7, 8, 8, 8, 8, 8, 8) + "never\n", false},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScripted(said(map[string]string{"company": c.text}))
			s.days = true
			e, store := newEngine(t, s)
			e.MaxRejects = 1
			sum, err := e.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			st := sum.Streams[0]
			if stale := st.Failed == 3 && st.Errors[0].Kind == "mismatch" && len(entries(t, store, s)) == 0; stale != c.stale || !stale && st.Committed != 3 {
				t.Fatalf("%+v", st)
			}
		})
	}
}

func TestPromise14_WhatIsSealedAfterASignalIsNotCommitted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, s)
	sum, err := e.Sync(pipeline.WithPoints(ctx, func(name string) {
		if name == "engine.sealed" {
			cancel()
		}
	}))
	if err != nil || sum.Exit != pipeline.ExitStopped || sum.Streams[0].Committed+sum.Streams[0].Failed != 0 || len(entries(t, store, s)) != 0 {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestPromise14_AfterASignalNothingMoreIsCommittedAndNothingIsAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newScripted(nil)
	s.apart = true
	first := make(chan struct{})
	var once sync.Once
	s.answer = func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		text := r.Span.Start.Add(10*time.Hour).String() + " a\n"
		if r.Span.Start.Time().Day() == 7 {
			return yield(text)
		}
		<-first // an answer that comes after the signal
		return yield(text)
	}
	e, store := newEngine(t, s)
	e.Observe = func(ev pipeline.Event) {
		if ev.Kind == pipeline.EventCommitted || ev.Kind == pipeline.EventFailed {
			cancel()
			once.Do(func() { close(first) })
		}
	}
	sum, err := e.Sync(ctx)
	if err != nil || sum.Exit != pipeline.ExitStopped || sum.Streams[0].Committed != 1 || sum.Streams[0].Failed != 0 {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
	if list := entries(t, store, s); len(list) != 1 || ids(store, s) != "company/a" {
		t.Fatalf("committed: %+v", list)
	}
	l, err := store.Ledger(t.Context(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	if _, failed := l.Failed(pipeline.Span{Start: 0, End: pipeline.InstantOf(noon)}); failed {
		t.Error("a window that was not read is noted as failed")
	}
}

func TestPromise14_ACommitThatHasBegunComesToItsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, s)
	// The signal comes while the sink holds its lock.
	sum, err := e.Sync(pipeline.WithPoints(ctx, func(name string) {
		if name == "memory.locked" {
			cancel()
		}
	}))
	if err != nil || sum.Exit != pipeline.ExitStopped || sum.Streams[0].Committed != 3 || len(entries(t, store, s)) != 3 {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}
