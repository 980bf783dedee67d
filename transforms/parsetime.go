package transforms

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// wallTime is a time as a clock shows it.
type wallTime struct {
	pipeline.LocalTime
	offset time.Duration // of the clock from UTC; only where zoned
	zoned  bool          // the text says the offset
}

// parseWallTime reads YYYY-MM-DD, optionally followed by a space or T and HH:MM[:SS[.fraction]], optionally followed
// by Z, " UTC" or ±HH[[:]MM]. Digits beyond microseconds are cut off. It allocates nothing.
func parseWallTime(b []byte) (w wallTime, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return w, false
	}
	century, ok1 := two(b)
	rest, ok2 := two(b[2:])
	month, ok3 := two(b[5:])
	day, ok4 := two(b[8:])
	w.Year, w.Month, w.Day = century*100+rest, month, day
	if !ok1 || !ok2 || !ok3 || !ok4 || w.Year == 0 || month < 1 || month > 12 || day < 1 || day > monthDays(w.Year, month) {
		return w, false
	}
	if len(b) == 10 {
		return w, true
	}
	if b[10] != ' ' && b[10] != 'T' {
		return w, false
	}
	tail, ok := w.parseClock(b[11:])
	if !ok || len(tail) == 0 {
		return w, ok
	}
	w.offset, ok = parseOffset(tail)
	w.zoned = true
	return w, ok
}

// parseClock reads HH:MM[:SS[.fraction]] and returns what follows it.
func (w *wallTime) parseClock(b []byte) (tail []byte, ok bool) {
	if len(b) < 5 || b[2] != ':' {
		return nil, false
	}
	var ok1, ok2 bool
	w.Hour, ok1 = two(b)
	w.Min, ok2 = two(b[3:])
	if !ok1 || !ok2 || w.Hour > 23 || w.Min > 59 {
		return nil, false
	}
	b = b[5:]
	if len(b) == 0 || b[0] != ':' {
		return b, true
	}
	if len(b) < 3 {
		return nil, false
	}
	if w.Sec, ok = two(b[1:]); !ok || w.Sec > 59 {
		return nil, false
	}
	b = b[3:]
	if len(b) == 0 || b[0] != '.' {
		return b, true
	}
	i := 1
	for unit := 100_000; i < len(b) && isDigit(b[i]); i++ {
		w.Micro += unit * int(b[i]-'0')
		unit /= 10
	}
	return b[i:], i > 1
}

// parseOffset reads Z, UTC, or ±HH[[:]MM], after an optional space.
func parseOffset(b []byte) (offset time.Duration, ok bool) {
	if b[0] == ' ' {
		b = b[1:]
	}
	if string(b) == "Z" || string(b) == "UTC" {
		return 0, true
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hours, ok := two(b[1:])
	if !ok || hours > 15 {
		return 0, false
	}
	minutes := 0
	if tail := b[3:]; len(tail) > 0 {
		if tail[0] == ':' {
			tail = tail[1:]
		}
		if len(tail) != 2 {
			return 0, false
		}
		if minutes, ok = two(tail); !ok || minutes > 59 {
			return 0, false
		}
	}
	offset = time.Duration(hours*60+minutes) * time.Minute
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// two reads the two digits that b begins with.
func two(b []byte) (int, bool) {
	hi, lo := b[0]-'0', b[1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}

// monthDays is the number of days of a month.
func monthDays(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}
