package engine_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func TestPromise07_AWindowThatAnotherRunCommittedMeanwhileIsNoFailure(t *testing.T) {
	good := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, good)
	late := newScripted(nil)
	late.answer = func(context.Context, pipeline.Request, func(string) error) error {
		mustSync(t, e)
		return errRefused
	}
	if sum := mustSync(t, engineOn(store, late)); sum.Failed != 0 || sum.Yielded != 3 || len(sum.Errors) != 0 {
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
	var warned [][]calendar.Window
	e.Observe = func(ev engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Kind == engine.EventChanged {
			warned = append(warned, ev.Changed)
		}
	}
	writes := store.Writes()
	sum := mustSync(t, e)
	if sum.Committed+sum.Unchanged != 0 || store.Writes() != writes {
		t.Errorf("changed settings were acted on: %+v", sum)
	}
	if len(warned) != 1 || len(warned[0]) != 3 || warned[0][0].Start.String() != "2025-09-07T00:00:00Z" || warned[0][2].End.String() != "2025-09-10T00:00:00Z" {
		t.Errorf("warnings %v", warned)
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
	e.Observe = func(ev engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Kind == engine.EventHole {
			warned = append(warned, ev.Hole.String())
		}
	}
	mustSync(t, e)
	// The day that began at 15:00 UTC is asked for as a whole and replaces the UTC day.
	if !slices.Equal(warned, []string{"2025-09-07T15:00:00Z/2025-09-08T00:00:00Z", "2025-09-09T00:00:00Z/2025-09-09T15:00:00Z"}) {
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
		{"rejects of no day tell nothing", rows(row, 7, 7, 7, 8, 8, 8, 8, 8, 9) + "never\n", false},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScripted(said(map[string]string{"company": c.text}))
			s.days = true
			e, store := newEngine(t, s)
			e.MaxRejects.Share = 1
			sum, err := e.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			st := sum.Streams[0]
			if stale := st.Failed == 3 && st.Errors[0].ErrorKind == "stale" && len(entries(t, store, s)) == 0; stale != c.stale || !stale && st.Committed != 3 {
				t.Fatalf("%+v", st)
			}
			if c.stale && !strings.HasSuffix(st.Errors[0].Message, "("+staleHint+")") {
				t.Errorf("the stream's hint is lost: %s", st.Errors[0].Message)
			}
		})
	}
}

// pieces is a format of chunks of 4 MiB that hold ten thousand rows each.
type pieces struct {
	lines
	decoded    atomic.Bool
	held, most atomic.Int64
}

const (
	pieceBytes = 4 << 20
	pieceRows  = 10_000
	pieceCount = 20
)

func (p *pieces) Split(r io.Reader, _ int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		for {
			data := make([]byte, pieceBytes)
			if _, err := io.ReadFull(r, data); err != nil {
				return
			}
			p.most.Store(max(p.most.Load(), p.held.Add(pieceBytes)))
			if !yield(pipeline.Chunk{Data: data, Free: func() { p.held.Add(-pieceBytes) }}, nil) {
				return
			}
		}
	}
}

func (p *pieces) Decode(_ *pipeline.Meta, _ pipeline.Chunk, into *pipeline.Batch) error {
	p.decoded.Store(true)
	at := pipeline.InstantOf(noon.AddDate(0, 0, -2))
	for range pieceRows {
		into.String(pipeline.Events.Index("kind"), "call")
		into.String(pipeline.Events.Index("timezone"), "UTC")
		into.String(pipeline.Events.Index("event_id"), "x")
		into.EndRow(at, pipeline.Hash{})
	}
	return nil
}

// zeros is a document of n bytes that is told when its end is read.
type zeros struct {
	left int
	end  func()
}

func (z *zeros) Read(b []byte) (int, error) {
	if z.left == 0 {
		z.end()
		return 0, io.EOF
	}
	n := min(len(b), z.left)
	z.left -= n
	return n, nil
}

func (z *zeros) Close() error { return nil }

func TestPromise12_AReportIsReadInPieces(t *testing.T) {
	p := &pieces{}
	s := newScripted(nil)
	s.format = p
	s.open = func() io.ReadCloser {
		return &zeros{pieceCount * pieceBytes, func() {
			if !p.decoded.Load() {
				t.Error("all of the report was read before its first row")
			}
		}}
	}
	s.answer = func(_ context.Context, _ pipeline.Request, yield func(string) error) error { return yield("") }
	e, store := newEngine(t, s)
	if sum := mustSync(t, e); sum.Rows != pieceRows*pieceCount {
		t.Fatalf("%+v", sum)
	}
	if most := p.most.Load(); most > 60<<20 {
		t.Errorf("%d MiB of the report lay in memory at once", most>>20)
	}
	for _, rec := range store.Records(s.key) {
		if rec.NumRows() > 150_000 {
			t.Errorf("%d rows waited in memory", rec.NumRows())
		}
		rec.Release()
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
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventCommitted || ev.Kind == engine.EventFailed {
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
