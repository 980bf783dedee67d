package calendar

import (
	"fmt"
	"math"
	"time"
)

// Instant is a point in time: microseconds since 1970-01-01T00:00:00Z, the
// resolution of every timestamp column. It compares with ==.
type Instant int64

// NoInstant stands for "no time"; it is before every real instant.
const NoInstant Instant = math.MinInt64

// InstantOf truncates t to microseconds.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time returns the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// In returns the instant on the clock of loc.
func (i Instant) In(loc *time.Location) time.Time { return time.UnixMicro(int64(i)).In(loc) }

// Add returns i moved by d, truncated to microseconds.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Microseconds()) }

// Sub returns i − j.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Microsecond }

// String formats the instant as RFC 3339 in UTC, with a fraction only where it has one.
func (i Instant) String() string {
	if i == NoInstant {
		return "never"
	}
	return i.Time().Format("2006-01-02T15:04:05.999999Z07:00")
}

// MarshalText writes RFC 3339 UTC; NoInstant is the empty string.
func (i Instant) MarshalText() ([]byte, error) {
	if i == NoInstant {
		return nil, nil
	}
	return []byte(i.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (i *Instant) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = NoInstant
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return fmt.Errorf("instant %q is not RFC 3339", b)
	}
	*i = InstantOf(t)
	return nil
}

// Clock tells the time that plans: days_ago, due windows and extracted_at follow it.
// Two clocks exist: time.Now, and the fixed one of --as-of.
type Clock func() time.Time
