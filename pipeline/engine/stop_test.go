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

func (s *endless) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	if entries[0].Kind != pipeline.EntryFail {
		return s.Store.Record(ctx, k, entries...)
	}
	return s.wait(ctx, "Record")
}

func (s *endless) AppendRun(ctx context.Context, sum pipeline.Summary) error {
	if sum.Finished() {
		if err := s.wait(ctx, "AppendRun"); err != nil {
			return err
		}
	}
	return s.Store.AppendRun(ctx, sum)
}

// No run here reads a row: the workers that do so share memory with other tests, whose clock is another.
func TestPromise14_WhatASinkHasBegunToNoteMayGoOnForFiveSecondsAfterASignal(t *testing.T) {
	for _, c := range []struct {
		method string
		exit   int
		told   bool // the run's error is what kept the sink
	}{
		{"Record", pipeline.ExitStopped, false}, // the note of a failure
		{"AppendRun", pipeline.ExitFailed, true},
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
				s := newScripted(func(context.Context, pipeline.Request, func(string) error) error { return errRefused })
				sum, err := engineOn(store, s).Sync(ctx)
				if signalled.IsZero() || time.Since(signalled) != 5*time.Second {
					t.Fatalf("the run ended %s after the signal", time.Since(signalled))
				}
				if (err != nil) != c.told || sum.Exit != c.exit {
					t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
				}
			})
		})
	}
}
