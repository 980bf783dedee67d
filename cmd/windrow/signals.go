package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// stopWithin is how long a run may take to put down what it holds. Promise 14
// gives it eight seconds in all, and Cloud Run ten.
const stopWithin = 7250 * time.Millisecond

// sameSignal is how soon a signal that comes again is still the same one:
// timeout(1) sends it to the process and to its group.
const sameSignal = 500 * time.Millisecond

// lastLineWithin is how long a process waits for whoever reads stderr to take a line about its end.
const lastLineWithin = 250 * time.Millisecond

// untilSignal returns a context that the first SIGTERM or SIGINT cancels. A
// second signal, or the end of stopWithin, ends the process at once: what is
// committed stays in any case, and the next run repairs the rest.
func (a *app) untilSignal(parent context.Context) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		var first os.Signal
		var began time.Time
		var late <-chan time.Time
		select {
		case first = <-signals:
			began, late = time.Now(), time.After(stopWithin)
			close(a.stopping)
			within(lastLineWithin, func() { a.tell(slog.LevelWarn, first.String()+": stopping; what is committed stays") })
		case <-over:
			return
		}
		cancel()
		for end := false; !end; {
			select {
			case s := <-signals:
				end = s != first || time.Since(began) > sameSignal
			case <-late:
				end = true
			case <-over:
				return
			}
		}
		code := pipeline.ExitStopped
		if a.unknown.Load() {
			code = pipeline.ExitUnknown
		}
		within(lastLineWithin, func() { a.end(code) })
		os.Exit(code)
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		cancel()
	}
}

// surviveClosedOutput makes a write to a stdout or stderr that nobody reads any more an error, which the writer
// handles. The runtime would end the process there, in the middle of a sync, and the exit code would tell nothing of
// the windows.
func surviveClosedOutput() { signal.Ignore(syscall.SIGPIPE) }
