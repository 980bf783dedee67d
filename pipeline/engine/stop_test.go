package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
)

// endless is a store of which one method ends only with its context.
type endless struct {
	pipeline.Store
	method string
	begun  func()
}

func (s *endless) wait(ctx context.Context, method string) error {
	if s.method != method {
		return nil
	}
	s.begun()
	<-ctx.Done()
	return ctx.Err()
}

func (s *endless) Commit(ctx context.Context, sealed []pipeline.Sealed) []pipeline.Result {
	err := s.wait(ctx, "Commit")
	if err == nil {
		return s.Store.Commit(ctx, sealed)
	}
	results := make([]pipeline.Result, len(sealed))
	for i, w := range sealed {
		_ = w.Stage.Abort() // never fails
		results[i] = pipeline.Result{Outcome: pipeline.Failed, Err: err}
	}
	return results
}

func (s *endless) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	if entries[0].Kind != pipeline.EntryFail {
		return s.Store.Record(ctx, k, entries...)
	}
	return s.wait(ctx, "Record")
}

func (s *endless) AppendRun(ctx context.Context, sum pipeline.Summary) error {
	if err := s.wait(ctx, "AppendRun"); err != nil {
		return err
	}
	return s.Store.AppendRun(ctx, sum)
}

func TestPromise14_WhatASinkHasBegunMayGoOnForFiveSecondsAfterASignal(t *testing.T) {
	texts := map[string]string{"good": "2025-09-08T10:00:00Z a\n", "broken": "cut\n"}
	for _, c := range []struct{ method, scope string }{
		{"Commit", "good"},
		{"Record", "broken"}, // the note of a failure
		{"AppendRun", "good"},
	} {
		t.Run(c.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, signal := context.WithCancel(t.Context())
				defer signal()
				var signalled time.Time
				store := &endless{Store: memory.New(memory.Options{}), method: c.method, begun: func() {
					time.Sleep(time.Hour) // nothing bounds it before the signal
					signalled = time.Now()
					signal()
				}}
				defer store.Close() //nolint:errcheck // it is memory
				sum, err := engineOn(store, newScripted(said(texts), c.scope)).Sync(ctx)
				if signalled.IsZero() || time.Since(signalled) != 5*time.Second {
					t.Fatalf("the run ended %s after the signal", time.Since(signalled))
				}
				if want := c.method == "AppendRun"; (err != nil) != want || sum.Exit != pipeline.ExitStopped && !want || sum.Streams[0].Failed != 0 {
					t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
				}
			})
		})
	}
}
