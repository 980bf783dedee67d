package transforms

import (
	"regexp"
	"testing"
	"time"
)

// wallForm is the form that parseWallTime documents: a date, a clock, its seconds
// with their fraction, and the zone's name or offset.
var wallForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?)?$`)

// oracleWall reads a wall time with package time, which knows calendar and clock.
func oracleWall(s string) (time.Time, bool) {
	form := wallForm.FindStringSubmatch(s)
	if form == nil {
		return time.Time{}, false
	}
	date, clock, seconds, zone := form[1], form[2], form[3], form[4]
	if clock == "" {
		clock = "00:00"
	}
	if seconds == "" {
		seconds = ":00"
	}
	layout := "2006-01-02T15:04:05"
	switch len(zone) {
	case len("+02"):
		if zone == "UTC" {
			zone = "Z"
		}
		layout += "Z07"
	case len("+0200"):
		layout += "Z0700"
	case len("Z"), len("+02:00"):
		layout += "Z07:00"
	}
	at, err := time.Parse(layout, date+"T"+clock+seconds+zone)
	if err != nil || date < "0001" {
		return time.Time{}, false
	}
	// Package time takes hours up to 24 and 60 minutes.
	if len(zone) > 2 && (zone[1:3] > "15" || len(zone) > 3 && zone[len(zone)-2:] > "59") {
		return time.Time{}, false
	}
	return at, true
}

// FuzzWallTime compares with package time: the same texts are times, and the
// same ones, and all others are refused.
func FuzzWallTime(f *testing.F) {
	for _, s := range []string{
		"2025-09-08", "2025-09-08 10:11", "2025-09-08 10:11:12.5", "2025-09-08T10:11:12Z", "2025-09-08 10:11:12 UTC", "2025-09-08 10:11 +02", "2025-09-08T10:11:12-0530",
		"2024-02-29 10:11:12+02:00", "2025-02-29 10:11:12+02:00", "0001-01-01 00:00:00", "0001-01-01 00:00:00+15:59", "0000-12-31 23:00:00-02:00", "9999-12-31 23:59:59.9999999",
		"2025-09-08 10:11:12,5", "2025-09-08 1:11:12", "2025-09-08 24:00:00", "2025-09-08 10:11:60", "2025-09-08 10:11:12.", "2025-09-08 10:11:12+16:00", "2025-09-08 10:11:12+02:60",
		"2025-09-08 10:11:12  UTC", "2025-09-08 10:11:12 CET", "2025-09-08 ", "2025-09-08T", "2025-09-08 10:11:", "2025-9-8", "2025-09-08x10:11", "2025-09-08 10:11:12Z ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, ok := parseWallTime([]byte(s))
		want, wantOK := oracleWall(s)
		if ok != wantOK {
			t.Fatalf("%q is a time: %v, want %v", s, ok, wantOK)
		}
		if !ok {
			return
		}
		got := time.Date(w.Year, time.Month(w.Month), w.Day, w.Hour, w.Min, w.Sec, w.Micro*1000, time.UTC).Add(-w.offset)
		if !got.Equal(want.Truncate(time.Microsecond)) {
			t.Fatalf("%q is %v, want %v", s, got, want)
		}
	})
}
