package main

import (
	"context"
	"errors"
	"io"
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
		within(lastLineWithin, func() { a.end(pipeline.ExitStopped) })
		os.Exit(pipeline.ExitStopped)
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

// readOutput is an output whose reader may leave: what comes after that is dropped, since nobody wants it, and no
// failure. So it does not depend on how fast the reader leaves what the program ends with.
type readOutput struct {
	out      io.Writer
	terminal bool // one that has hung up answers EIO
}

func newReadOutput(out io.Writer) readOutput {
	f, ok := out.(*os.File)
	if !ok {
		return readOutput{out: out}
	}
	info, err := f.Stat() // of a terminal that has hung up nothing else can be asked
	return readOutput{out, err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (o readOutput) Write(p []byte) (int, error) {
	n, err := o.out.Write(p)
	if errors.Is(err, syscall.EPIPE) || o.terminal && errors.Is(err, syscall.EIO) {
		return len(p), nil
	}
	return n, err
}

// within tells something, and returns at the latest after d: whoever should take it may have stopped reading.
func within(d time.Duration, tell func()) {
	told := make(chan struct{})
	go func() { // where nobody takes it, it ends with the process
		tell()
		close(told)
	}()
	select {
	case <-told:
	case <-time.After(d):
	}
}
