package httpclient

import (
	"errors"
	"sync"
	"time"
)

// A body must bring paceBytes in each paceSpan that somebody waits for it: 1 KiB/s over two minutes. An error page, of
// which little is read, must have come by then.
const (
	paceSpan  = 2 * time.Minute
	paceBytes = 120 << 10
)

// errTrickles ends a body that is slower than the pace.
var errTrickles = errors.New("less than 1 KiB/s over two minutes")

// pace watches how fast a body arrives. Time counts only while somebody waits for the body, so that a busy reader makes
// no vendor slow.
type pace struct {
	stall time.Duration // the longest wait for the next bytes; 0 is unlimited
	late  func(error)   // ends the attempt

	mu    sync.Mutex
	timer *time.Timer
	begun time.Time     // when the present wait began; zero between two
	spent time.Duration // of the span, before the present wait; negative where that began in an earlier span
	got   int64         // in the span
}

func newPace(stall time.Duration, late func(error)) *pace {
	p := &pace{stall: stall, late: late}
	p.timer = time.AfterFunc(paceSpan, p.fire)
	p.timer.Stop()
	return p
}

// begin is called when somebody begins to wait for bytes.
func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = time.Now()
	p.timer.Reset(p.patience(0))
}

// end is called when n bytes have arrived. Its error says that the body is too slow.
func (p *pace) end(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	waited := time.Since(p.begun)
	p.begun = time.Time{}
	p.got += int64(n)
	err := p.judge(waited)
	p.spent += waited
	return err
}

// judge ends a span that is over after a wait, and begins the next one. mu is held.
func (p *pace) judge(waited time.Duration) error {
	if p.spent+waited < paceSpan {
		return nil
	}
	if p.got < paceBytes {
		return errTrickles
	}
	p.spent, p.got = -waited, 0 // what has been waited is of the span before
	return nil
}

// patience is how long the present wait may still take, of which waited is over. mu is held.
func (p *pace) patience(waited time.Duration) time.Duration {
	left := paceSpan - p.spent - waited
	if p.stall > 0 {
		left = min(left, p.stall-waited)
	}
	return max(left, 0)
}

// fire looks at a wait that takes long.
func (p *pace) fire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun.IsZero() {
		return // it ended just now
	}
	waited := time.Since(p.begun)
	if p.stall > 0 && waited >= p.stall {
		p.late(errSlow)
		return
	}
	if err := p.judge(waited); err != nil {
		p.late(err)
		return
	}
	p.timer.Reset(p.patience(waited))
}

func (p *pace) stop() { p.timer.Stop() }
