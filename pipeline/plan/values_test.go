package plan

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func mustInstant(t testing.TB, text string) calendar.Instant {
	t.Helper()
	if len(text) == len(time.DateOnly) {
		text += "T00:00:00Z"
	}
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return calendar.InstantOf(v)
}

func mustCalendar(t testing.TB, length, in string) calendar.Calendar {
	t.Helper()
	loc, err := time.LoadLocation(in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.ParseCalendar(length, loc)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustSpan(t testing.TB, from, to string) calendar.Span {
	t.Helper()
	return calendar.Span{Start: mustInstant(t, from), End: mustInstant(t, to)}
}

var oddZones = []string{
	"UTC", "America/Chicago", "America/Mexico_City", "America/Havana", "Asia/Beirut", "America/Asuncion",
	"Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca",
	"Europe/Dublin", "Pacific/Chatham", "Antarctica/Troll", "Asia/Gaza", "America/Caracas", "Asia/Tokyo",
}

func fold(entries ...pipeline.Entry) *pipeline.Ledger {
	l := pipeline.NewLedger()
	for _, e := range entries {
		l.Apply(e)
	}
	return l
}
