package httpclient

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// clockLimit is from where on nothing may be read or written by the machine's clock.
const clockLimit = time.Hour

// ClockGuard compares the machine's clock with the times that vendors write into their answers. Every answer of a [Client]
// passes one; whoever makes an exchange of its own has its own.
type ClockGuard struct {
	now  func() time.Time
	warn func(string)

	mu    sync.Mutex
	heard bool
	told  bool
	wrong error // the first answer that said so; it stands for all requests behind it
}

// NewClockGuard returns a guard of the real clock now. warn is told once of a clock that is a little wrong; nil: nobody listens.
func NewClockGuard(now func() time.Time, warn func(string)) *ClockGuard {
	if warn == nil {
		warn = func(string) {}
	}
	return &ClockGuard{now: now, warn: warn}
}

// Hear takes in an answer to a request of sent, which host gave just now. The error is of kind ClockWrong. A difference
// below clockLimit is told once.
func (g *ClockGuard) Hear(op, host string, h http.Header, sent time.Time) error {
	got := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heard = true
	if g.wrong != nil {
		return g.wrong
	}
	there, ok := timeOf(h)
	if !ok {
		return nil
	}
	off := apart(there, sent, got)
	switch size := off.Abs(); {
	case size > clockLimit:
		g.wrong = &pipeline.Error{
			Op: op, Kind: pipeline.ClockWrong, Err: fmt.Errorf("%s", differ(got, there, host, off)),
			Hint: "set this machine's clock, by NTP best, and run it again",
		}
		return g.wrong
	case size > pipeline.ClockTolerance && !g.told:
		g.told = true
		g.warn(differ(got, there, host, off) + ": set this machine's clock, by NTP best")
	}
	return nil
}

// hasHeard tells whether an answer has come, and that of one which proved the clock wrong.
func (g *ClockGuard) hasHeard() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.heard, g.wrong
}

// differ words two clocks; off is positive where this machine's is ahead.
func differ(here, there time.Time, host string, off time.Duration) string {
	side := "ahead of"
	if off < 0 {
		side = "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s that of %s: here it is %s, there %s",
		off.Abs().Round(time.Second), side, host, here.UTC().Format(time.RFC3339), there.UTC().Format(time.RFC3339))
}

// apart is how far the machine's clock is ahead of a time that was written between sent and got, behind where it is
// negative: as little as both can mean, so that an answer which takes long is no wrong clock.
func apart(there, sent, got time.Time) time.Duration {
	const second = time.Second // a Date has whole seconds
	switch {
	case sent.After(there.Add(second)):
		return sent.Sub(there.Add(second))
	case there.After(got):
		return got.Sub(there)
	}
	return 0
}

// timeOf is the time at which an answer says that it was sent: its Date, and the time that it spent in caches since.
func timeOf(h http.Header) (time.Time, bool) {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}, false
	}
	const century = 100 * 365 * 24 * 60 * 60
	if age, err := strconv.ParseInt(strings.TrimSpace(h.Get("Age")), 10, 64); err == nil && age > 0 && age < century {
		at = at.Add(time.Duration(age) * time.Second)
	}
	return at, true
}
