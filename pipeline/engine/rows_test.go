package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

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

func TestPromise04_ADocumentThatBreaksBehindItsRowsCommitsNone(t *testing.T) {
	const good = "2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z a\n--\n2025-09-09T10:00:00Z a\n--\n"
	s := newScripted(said(map[string]string{"one": good, "two": good + "cut\n"}), "one", "two")
	e, store := newEngine(t, s)
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 || len(entries(t, store, s)) != 0 || ids(store, s) != "" {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestPromise05_ADocumentThatBreaksOffIsReadAgainFromTheStart(t *testing.T) {
	const text = "2025-09-07T10:00:00Z a\n--\n2025-09-20T10:00:00Z outside\n--\n2025-09-08T10:00:00Z c\n2025-09-09T10:00:00Z b\n--\nnever\n"
	opened := 0
	s := newScripted(func(_ context.Context, _ pipeline.Request, yield func(string) error) error { return yield("") })
	s.format = streamed{}
	s.open = func() io.ReadCloser {
		if opened++; opened > 1 {
			return io.NopCloser(strings.NewReader(text))
		}
		broken := iotest.ErrReader(&pipeline.Error{Op: "read", Kind: pipeline.Unavailable, Err: io.ErrUnexpectedEOF})
		return io.NopCloser(io.MultiReader(strings.NewReader(text[:len(text)-6]), broken))
	}
	e, store := newEngine(t, s)
	e.MaxRejects.Share = 0.5
	if sum := mustSync(t, e); opened != 2 || sum.Read != 5 || sum.Rows != 3 || sum.Outside != 1 || sum.Rejected != 1 {
		t.Errorf("opened %d times, %+v", opened, sum)
	}
	if got := ids(store, s); got != "company/a company/b company/c" {
		t.Errorf("the table holds %q", got)
	}
}

// streamed is lines, each handed on as soon as it is read.
type streamed struct{ lines }

func (streamed) Split(r io.Reader, _ int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		scan := bufio.NewScanner(r)
		for scan.Scan() {
			if line := scan.Text(); line != "--" && !yield(pipeline.Chunk{Data: []byte(line + "\n")}, nil) {
				return
			}
		}
		if err := scan.Err(); err != nil {
			yield(pipeline.Chunk{}, err)
		}
	}
}

func TestPromise04_ATargetThatYieldsNoDocumentIsNoEmptyOne(t *testing.T) {
	s := newScripted(nil, "one", "two")
	s.answer = func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		if r.Scope == "two" {
			return nil
		}
		return yield("2025-09-08T10:00:00Z a\n")
	}
	e, store := newEngine(t, s)
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 || len(entries(t, store, s)) != 0 {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}

func TestPromise03_AWindowThatNobodyStoppedIsAFailureWhateverItsErrorSays(t *testing.T) {
	for _, cause := range []error{context.Canceled, &pipeline.Error{Op: "ask", Kind: pipeline.Stopped, Err: context.Canceled}} {
		s := newScripted(func(context.Context, pipeline.Request, func(string) error) error { return cause })
		e, _ := newEngine(t, s)
		sum, err := e.Sync(t.Context())
		if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 || len(sum.Streams[0].Errors) != 3 {
			t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
		}
	}
}

func TestPromise03_AHoleIsWaivedByAnOperatorsWordAlone(t *testing.T) {
	s := newScripted(func(context.Context, pipeline.Request, func(string) error) error { return errRefused })
	e, store := newEngine(t, s)
	if sum, err := e.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed {
		t.Fatalf("exit %d, %v", sum.Exit, err)
	}
	// Years later the hole is still one.
	e.Clock = func() time.Time { return noon.AddDate(5, 0, 0) }
	e.Select.From, e.Select.To = "2025-09-07", "2025-09-09"
	if sum, err := e.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 {
		t.Fatalf("exit %d, %v", sum.Exit, err)
	}
	// A word is a reason and the span that it is about.
	s.answer = func(context.Context, pipeline.Request, func(string) error) error {
		t.Error("a waiver asked the vendor")
		return errRefused
	}
	waived := func() (reasons []string) {
		l, err := store.Ledger(t.Context(), s.key)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range l.Entries() {
			if entry.Kind == pipeline.EntryWaive {
				reasons = append(reasons, entry.Window.Span.String()+" "+entry.Note)
			}
		}
		return reasons
	}
	for _, c := range []struct{ reason, from, to string }{
		{"", "2025-09-07", "2025-09-09"}, {" ", "2025-09-07", "2025-09-09"}, {"deleted", "", "2025-09-09"}, {"deleted", "2025-09-07", ""},
	} {
		e.Select.From, e.Select.To = c.from, c.to
		if _, err := e.Waive(t.Context(), c.reason); pipeline.KindOf(err) != pipeline.Invalid || len(waived()) > 0 {
			t.Errorf("%q: %v, waived %q", c, err, waived())
		}
	}
	e.Select.From, e.Select.To = "2025-09-07", "2025-09-09"
	sum, err := e.Waive(t.Context(), "deleted by the vendor")
	if want := []string{"2025-09-07T00:00:00Z/2025-09-10T00:00:00Z deleted by the vendor"}; err != nil || sum.Exit != 0 || !slices.Equal(waived(), want) {
		t.Errorf("exit %d, %v, waived %q, want %q", sum.Exit, err, waived(), want)
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
	rows := strings.Repeat("2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z a\n2025-09-09T10:00:00Z a\n", 3)
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
	s := newScripted(nil, "one", "two")
	second := make(chan struct{}) // closed when the first document is read, which is to be the first target's
	var once sync.Once
	s.answer = func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		if r.Scope == "two" {
			return yield("2025-09-08T10:00:00Z a\n2025-09-08T10:00:00Z b\n")
		}
		select {
		case <-second:
			t.Error("the second target was read before the first")
		case <-time.After(50 * time.Millisecond): // ample for one that does not wait its turn
		}
		return yield("2025-09-08T10:00:00Z a\n")
	}
	e, store := newEngine(t, s)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventReading {
			once.Do(func() { close(second) })
		}
	}
	if sum := mustSync(t, e); sum.Duplicate != 1 {
		t.Errorf("%d duplicates", sum.Duplicate)
	}
	if got := ids(store, s); got != "one/a two/b" {
		t.Errorf("the table holds %q", got)
	}
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
				if w.ErrorKind != "too_many_rejects" {
					t.Errorf("%+v", w)
				}
			}
		})
	}
}

func TestA_AWindowThatRejectsWithoutATimeMayBelongToStaysOpen(t *testing.T) {
	s := newScripted(said(map[string]string{"company": strings.Repeat("2025-09-07T10:00:00Z a\n2025-09-09T10:00:00Z b\n", 100) + "never\n"}))
	e, store := newEngine(t, s)
	sum, err := e.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st := sum.Streams[0]
	if sum.Exit != 3 || st.Committed != 2 || st.Failed != 1 || len(st.Errors) != 1 || st.Errors[0].WindowStart.String() != "2025-09-08T00:00:00Z" ||
		!strings.Contains(st.Errors[0].Message, "no time that can be read") {
		t.Fatalf("exit %d, %+v", sum.Exit, st)
	}
	l, err := store.Ledger(t.Context(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	if at := l.Watermark(pipeline.InstantOf(noon.Truncate(24*time.Hour).AddDate(0, 0, -3))); at.String() != "2025-09-08T00:00:00Z" {
		t.Errorf("the watermark is at %s", at)
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

// counted counts the stages that are begun and not yet dropped.
type counted struct {
	pipeline.Store
	open atomic.Int64
}

type countedStage struct {
	pipeline.Stage
	drop func()
}

func (c *counted) Stage(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	c.open.Add(1)
	s, err := c.Store.Stage(ctx, k, t, w)
	return countedStage{s, sync.OnceFunc(func() { c.open.Add(-1) })}, err
}

func (s countedStage) Abort() error {
	s.drop()
	return s.Stage.Abort()
}

func TestPromise04_WhatFailsLeavesNoStageBehind(t *testing.T) {
	s := newScripted(said(map[string]string{"one": "2025-09-07T10:00:00Z a\n", "two": "cut\n"}), "one", "two")
	_, store := newEngine(t, s)
	c := &counted{Store: store}
	if sum, err := engineOn(c, s).Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed {
		t.Fatalf("exit %d, %v", sum.Exit, err)
	}
	if n := c.open.Load(); n != 0 {
		t.Errorf("%d stages were left", n)
	}
}
