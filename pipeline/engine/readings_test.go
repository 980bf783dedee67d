package engine_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
)

// dated is a scripted source whose test says when the document of a scope was read.
type dated struct {
	*scripted
	read map[string]time.Time // by scope
}

func (d dated) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	return d.scripted.Fetch(ctx, r, env, func(b pipeline.Body) error {
		at := pipeline.InstantOf(d.read[r.Scope])
		b.Meta.ExtractedAt, b.Meta.ReadAt = at, at.Add(time.Minute) // clocks that differ
		return yield(b)
	})
}

func TestPromise07_AReadingIsAsOldAsItsOldestDocument(t *testing.T) {
	for _, c := range []struct {
		says     string
		one, two time.Duration
	}{
		{"the first target's is older", -time.Second, 0},
		{"the second target's is older", 0, -time.Second},
		{"both are of an age", 0, 0},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScripted(said(map[string]string{"one": "2025-09-07T10:00:00Z a\n", "two": "2025-09-08T10:00:00Z b\n"}), "one", "two")
			e, store := newEngine(t, s)
			e.Sources = []pipeline.Source{dated{s, map[string]time.Time{"one": noon.Add(c.one), "two": noon.Add(c.two)}}}
			mustSync(t, e)
			want := pipeline.InstantOf(noon.Add(min(c.one, c.two)))
			list := entries(t, store, s)
			for _, entry := range list {
				if entry.ExtractedAt != want || entry.ReadAt != want.Add(time.Minute) {
					t.Errorf("%s was extracted at %s and read at %s, want %s and a minute later", entry.Window.Span, entry.ExtractedAt, entry.ReadAt, want)
				}
			}
			if len(list) != 3 {
				t.Errorf("%d windows", len(list))
			}
		})
	}
}

func TestPromise03_AWindowIsSettledFromTheMomentItsSettleTimeIsOver(t *testing.T) {
	end := time.Date(2025, 9, 10, 0, 0, 0, 0, time.UTC) // of the last window; the streams settle within an hour
	for _, c := range []struct {
		says     string
		one, two time.Time
		want     bool
	}{
		{"to the microsecond", end.Add(time.Hour), end.Add(time.Hour), true},
		{"a microsecond before", end.Add(time.Hour - time.Microsecond), end.Add(time.Hour - time.Microsecond), false},
		{"one document a microsecond before", end.Add(2 * time.Hour), end.Add(time.Hour - time.Microsecond), false},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScripted(said(map[string]string{"one": "2025-09-09T10:00:00Z a\n"}), "one", "two")
			e, store := newEngine(t, s)
			e.Sources = []pipeline.Source{dated{s, map[string]time.Time{"one": c.one, "two": c.two}}}
			mustSync(t, e)
			list := entries(t, store, s)
			if len(list) != 3 || !list[0].Settled || !list[1].Settled || list[2].Settled != c.want {
				t.Errorf("%+v", list)
			}
		})
	}
}

// forgetful is a store that commits, and then answers as if it had not.
type forgetful struct{ *memory.Store }

func (f forgetful) Commit(ctx context.Context, sealed []pipeline.Sealed) []pipeline.Result {
	results := f.Store.Commit(ctx, sealed)
	for i := range results {
		results[i] = pipeline.Result{Outcome: pipeline.Failed, Err: &pipeline.Error{Op: "commit", Kind: pipeline.Unavailable, Err: errors.New("the answer was lost")}}
	}
	return results
}

func TestPromise07_ARunsOwnCommitDoesNotExcuseItsFailures(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-08T10:00:00Z a\n"}))
	e, store := newEngine(t, s)
	e.Store = forgetful{store}
	sum, err := e.Sync(t.Context())
	if err != nil || len(entries(t, store, s)) != 3 {
		t.Fatalf("%v, %d windows are committed", err, len(entries(t, store, s)))
	}
	if st := sum.Streams[0]; sum.Exit != pipeline.ExitFailed || st.Failed != 3 || st.Unchanged != 0 || len(st.Errors) != 3 {
		t.Errorf("exit %d: %+v", sum.Exit, st)
	}
}

func TestPromise05_TheThresholdOfAWindowHoldsOverAllItsTargets(t *testing.T) {
	s := newScripted(said(map[string]string{
		"one": "2025-09-09T10:00:00Z a\nat 2025-09-09T10:00:00Z\nat 2025-09-09T10:00:00Z\n",
		"two": strings.Repeat("2025-09-09T10:00:00Z b\n", 50),
	}), "one", "two")
	s.apart = true
	e, _ := newEngine(t, s)
	e.Select.From, e.Select.To = "2025-09-09", "2025-09-09"
	if sum := mustSync(t, e); sum.Committed != 1 || sum.Rejected != 2 {
		t.Errorf("%+v", sum)
	}
}

// No row is read here: the workers that do so share memory with other tests, whose clock is another.
func TestPromise05_ADocumentIsAskedForThreeTimesAtMost(t *testing.T) {
	passing := &pipeline.Error{Op: "read", Kind: pipeline.Unavailable, Err: io.ErrUnexpectedEOF}
	lasting := &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New("not a document")}
	for _, c := range []struct {
		says   string
		errs   []error // of one document after the other
		asked  int
		reason string
	}{
		{"the third document breaks off", []error{passing, passing, passing, lasting}, 3, "unavailable"},
		{"the third document is none", []error{passing, passing, lasting, passing}, 3, "malformed"},
		{"what cannot pass is not asked for again", []error{lasting, passing}, 1, "malformed"},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // between them there are pauses
				asked := 0
				s := newScripted(func(_ context.Context, _ pipeline.Request, yield func(string) error) error { return yield("") })
				s.open = func() io.ReadCloser {
					asked++
					return io.NopCloser(iotest.ErrReader(c.errs[asked-1]))
				}
				e, _ := newEngine(t, s)
				sum, err := e.Sync(t.Context())
				if err != nil || sum.Exit != pipeline.ExitFailed || asked != c.asked || sum.Streams[0].Errors[0].ErrorKind != c.reason {
					t.Errorf("asked %d times, exit %d, %v: %+v", asked, sum.Exit, err, sum.Streams)
				}
			})
		})
	}
}

func TestPromise05_WhatFailsBeforeItsDocumentIsNotAskedForAgain(t *testing.T) {
	asked := 0
	s := newScripted(func(context.Context, pipeline.Request, func(string) error) error {
		asked++ // the connector has retried it
		return &pipeline.Error{Op: "ask", Kind: pipeline.Unavailable, Err: errors.New("no answer")}
	})
	e, _ := newEngine(t, s)
	if sum, err := e.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed || asked != 1 {
		t.Errorf("exit %d, %v, asked %d times", sum.Exit, err, asked)
	}
}

func TestPromise04_AnAnswerWithoutAByteIsNoEmptyDocument(t *testing.T) {
	s := newScripted(said(map[string]string{}))
	s.format = streamed{}
	e, store := newEngine(t, s)
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 3 || len(entries(t, store, s)) != 0 {
		t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}
