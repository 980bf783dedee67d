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
