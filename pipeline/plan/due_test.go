package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestTheOpenWindowIsDueWhereTheStreamReadsIntraday(t *testing.T) {
	const now = "2025-09-03T15:20:00Z"
	settled := read(t, "2025-09-01", "2025-09-02", "UTC", "2025-09-02T03:00:00Z")
	yesterday := read(t, "2025-09-02", "2025-09-03", "UTC", "2025-09-03T03:00:00Z")
	open := read(t, "2025-09-03", "2025-09-04", "UTC", "2025-09-03T09:00:00Z")
	open.Settled = false
	vendorByDays := func(s *pipeline.Stream) { s.DueSettled, s.Settle = true, 20*time.Hour }
	withCache := func(s *pipeline.Stream) { vendorByDays(s); s.IntradayCache = 30 * time.Minute }
	halfDays := func(s *pipeline.Stream) {
		vendorByDays(s)
		s.Calendar, s.From = mustCalendar(t, "6h", "UTC"), "2025-09-03"
	}
	weeks := func(s *pipeline.Stream) {
		vendorByDays(s)
		s.Calendar, s.From = mustCalendar(t, "7d", "UTC"), "2025-09-01"
	}

	for _, c := range []struct {
		says     string
		intraday bool
		change   func(*pipeline.Stream)
		log      []pipeline.Entry
		now      string
		want     []string
	}{
		{"without it the open day is not planned", false, nil, []pipeline.Entry{settled, yesterday}, now, []string{}},
		{"a first reading", true, nil, []pipeline.Entry{settled, yesterday}, now, []string{"2025-09-03/2025-09-04 UTC new"}},
		{"every run reads it again", true, nil, []pipeline.Entry{settled, yesterday, open}, now, []string{"2025-09-03/2025-09-04 UTC provisional"}},
		{"once it has ended it is read as any other", true, nil, []pipeline.Entry{settled, yesterday, open}, "2025-09-04T03:00:00Z",
			[]string{"2025-09-03/2025-09-04 UTC provisional", "2025-09-04/2025-09-05 UTC new"}},
		{"a day that has ended and is not due yet is not asked for, the open one is", true, vendorByDays, []pipeline.Entry{settled}, now,
			[]string{"2025-09-03/2025-09-04 UTC new"}},
		{"its intraday rows stay until it is due", true, vendorByDays, []pipeline.Entry{settled, yesterday, open}, "2025-09-04T03:00:00Z",
			[]string{"2025-09-04/2025-09-05 UTC new"}},
		{"not within the vendor's cache of the last such reading", true, withCache, []pipeline.Entry{settled, yesterday, open}, "2025-09-03T09:29:59Z", []string{}},
		{"but after it", true, withCache, []pipeline.Entry{settled, yesterday, open}, "2025-09-03T09:30:00Z", []string{"2025-09-03/2025-09-04 UTC provisional"}},
		{"a reading by a clock that was ahead holds none back", true, withCache, []pipeline.Entry{settled, yesterday, open}, "2025-09-03T08:00:00Z", []string{"2025-09-03/2025-09-04 UTC provisional"}},
		{"of a day that is cut, all that has begun", true, halfDays, nil, now,
			[]string{"2025-09-03/2025-09-03T06 UTC new", "2025-09-03T06/2025-09-03T12 UTC new", "2025-09-03T12/2025-09-03T18 UTC new"}},
		{"a week is not to be had by days", true, weeks, nil, now, []string{}},
	} {
		s := daily(t, "1d", "UTC")
		s.From, s.Intraday = "2025-09-01", c.intraday
		if c.change != nil {
			c.change(&s)
		}
		p := mustPlan(t, s, fold(c.log...), Selection{}, mustInstant(t, c.now))
		if got := planned(p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.says, got, c.want)
		}
		if want := fold(c.log...).Watermark(mustInstant(t, "2025-09-01")); p.Watermark != want {
			t.Errorf("%s: the watermark is %v, want %v", c.says, p.Watermark, want)
		}
	}
}
