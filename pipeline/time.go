package pipeline

import (
	"context"
	"time"

	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Time as values, under the names that every other package knows; package calendar defines them.
type (
	Instant   = calendar.Instant
	Span      = calendar.Span
	Window    = calendar.Window
	Calendar  = calendar.Calendar
	Clock     = calendar.Clock
	ZoneClock = calendar.ZoneClock
	LocalTime = calendar.LocalTime
)

// ClockTolerance is how far two clocks may differ without any of them being wrong: what lies further in the future was
// written by a wrong clock.
const ClockTolerance = 5 * time.Minute

// NoInstant stands for "no time"; it is before every real instant.
const NoInstant = calendar.NoInstant

// InstantOf truncates t to microseconds.
func InstantOf(t time.Time) Instant { return calendar.InstantOf(t) }

// Sleep waits for d, or until ctx ends, whose error it returns then.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stretch is a part of the time that a window took, for whoever follows a run. It holds no secret, no query of a URL and
// no word of a vendor.
type Stretch struct {
	Kind         StretchKind
	Began, Ended time.Time
	// Failed is the kind of the error that it ended with, as [ErrorKind] tells it; empty: none.
	Failed string
	Reason WaitReason // of a wait
	// Method, Host and Template are of a request: Template is the path with names for what varies, or empty.
	Method, Host, Template string
}

// StretchKind says what a [Stretch] went by with.
type StretchKind string

const (
	StretchRequest StretchKind = "request" // a vendor was asked; its headers, or an error, came
	StretchWait    StretchKind = "wait"
	StretchRead    StretchKind = "read"   // a body was read
	StretchCommit  StretchKind = "commit" // from a sealed window to the sink's answer
)

// WaitReason says what a window waited for.
type WaitReason string

const (
	WaitThrottled   WaitReason = "throttled"   // the vendor answers 429
	WaitUnavailable WaitReason = "unavailable" // the vendor fails, and is asked again
	WaitBroken      WaitReason = "broken"      // an answer broke off, and is asked for again
	WaitRate        WaitReason = "rate"        // the rate that is kept
	WaitQuota       WaitReason = "quota"       // the quota of reports
	WaitTurn        WaitReason = "turn"        // others that order reports
	WaitMidnight    WaitReason = "midnight"    // local midnight, when the vendor's today may be another than ours
	WaitReport      WaitReason = "report"      // the vendor makes the report
)

type stretchesKey struct{}

// WithStretches returns a context in which [Tell] calls told, from any goroutine.
func WithStretches(ctx context.Context, told func(Stretch)) context.Context {
	return context.WithValue(ctx, stretchesKey{}, told)
}

// Tell tells of a stretch that is over. Where nobody follows the run it costs nothing.
func Tell(ctx context.Context, s Stretch) {
	if told, ok := ctx.Value(stretchesKey{}).(func(Stretch)); ok {
		told(s)
	}
}

// shortWait is the longest wait of which nobody is told.
const shortWait = time.Millisecond

// TellWait tells of a wait that is over, if it was one.
func TellWait(ctx context.Context, reason WaitReason, began, ended time.Time) {
	if ended.Sub(began) > shortWait {
		Tell(ctx, Stretch{Kind: StretchWait, Reason: reason, Began: began, Ended: ended})
	}
}
