package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// outputPatience is how long a sync waits for a reader that takes nothing, before it goes on without.
const outputPatience = 5 * time.Second

// oneWrite is how much a reader must take in that time.
const oneWrite = 4096

// patientOutput is an output whose reader may stop reading and stay. A write waits for it, but not for ever: then the
// rest is dropped, and so is all that comes before the reader goes on. It is safe for concurrent use.
type patientOutput struct {
	out io.Writer
	// missed is what the reader is told before anything else when it goes on, and may be nil; stalled, which may be nil as
	// well, hears that it has stopped.
	missed  func(dropped int) []byte
	stalled func()
	hurry   <-chan struct{} // closed when the process must end soon

	mu      sync.Mutex
	pending chan struct{} // the write that the reader does not take; closed when it has
	dropped int           // writes since
}

// Fd is for who asks whether this is a terminal.
func (o *patientOutput) Fd() uintptr {
	if f, ok := o.out.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

func (o *patientOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pending != nil {
		select {
		case <-o.pending:
			o.pending = nil
		default:
			o.dropped++
			return len(p), nil
		}
	}
	if n := o.dropped; n > 0 && o.missed != nil {
		o.dropped = 0
		if err := o.pass(o.missed(n)); err != nil {
			return 0, err
		}
	}
	return len(p), o.pass(p)
}

// pass writes p piece by piece, for as long as the reader takes them.
func (o *patientOutput) pass(p []byte) error {
	for p = bytes.Clone(p); len(p) > 0; { // the caller's may change before it is taken
		piece := p[:min(oneWrite, len(p))]
		p = p[len(piece):]
		taken := make(chan struct{})
		var err error
		var torn any
		go func() { // where nobody takes it, it ends with the process
			defer close(taken)
			defer func() { torn = recover() }()
			_, err = o.out.Write(piece)
		}()
		if o.waitFor(taken) {
			if torn != nil { // for who began to write
				panic(torn)
			}
			if err != nil {
				return err
			}
			continue
		}
		o.pending = taken
		if len(p) > 0 {
			o.dropped++
		}
		if o.stalled != nil {
			o.stalled()
		}
		return nil
	}
	return nil
}

// waitFor tells whether the reader took what was written, in the time that there is.
func (o *patientOutput) waitFor(taken <-chan struct{}) bool {
	patience, hurry := time.NewTimer(outputPatience), o.hurry
	defer patience.Stop()
	for {
		select {
		case <-taken:
			return true
		case <-patience.C:
			return false
		case <-hurry:
			hurry = nil
			patience.Reset(lastLineWithin)
		}
	}
}

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
