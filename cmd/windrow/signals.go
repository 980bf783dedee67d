package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// stopWithin is how long a run may take to put down what it holds. Promise 14
// gives it eight seconds in all, and Cloud Run ten.
const stopWithin = 7500 * time.Millisecond

// untilSignal returns a context that the first SIGTERM or SIGINT cancels. A
// second signal, or the end of stopWithin, ends the process at once: what is
// committed stays in any case, and the next run repairs the rest.
func untilSignal(parent context.Context, stderr io.Writer) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			fmt.Fprintf(stderr, "windrow: %s: stopping; what is committed stays\n", s)
		case <-over:
			return
		}
		cancel()
		select {
		case <-signals:
		case <-time.After(stopWithin):
		case <-over:
			return
		}
		os.Exit(pipeline.ExitStopped)
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		cancel()
	}
}
