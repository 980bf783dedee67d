package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func day(n int) calendar.Instant {
	return calendar.InstantOf(time.Date(2025, 9, n, 6, 0, 0, 0, time.UTC))
}

// askedDays are 8, 9 and 10 September.
func askedDays(mustHaveRows bool) *pipeline.AskedDays {
	return &pipeline.AskedDays{
		Span: calendar.Span{Start: day(8), End: day(11)}, First: calendar.Span{Start: day(8), End: day(9)}, Last: calendar.Span{Start: day(10), End: day(11)},
		EdgesMustHaveRows: mustHaveRows,
	}
}

// hours are so many moments of a day.
func hours(n, count int) []calendar.Instant {
	out := make([]calendar.Instant, count)
	for i := range out {
		out[i] = day(n).Add(time.Duration(i) * time.Minute)
	}
	return out
}

func TestPromise10_StaleReportsAreCaught(t *testing.T) {
	for _, c := range []struct {
		name  string
		edges bool
		rows  [][]calendar.Instant
		stale bool
	}{
		{"rows of the asked days pass", false, [][]calendar.Instant{hours(8, 5), hours(9, 5), hours(10, 5)}, false},
		{"no rows at all pass: an empty report is an empty report", false, nil, false},
		{"a few rows over the edge pass while the other end has rows", false, [][]calendar.Instant{hours(8, 5), hours(10, 5), hours(11, 2)}, false},
		{"a quiet day at one end passes while nothing lies outside", false, [][]calendar.Instant{hours(9, 5), hours(10, 5)}, false},
		{"more than half outside is another question's answer", false, [][]calendar.Instant{hours(8, 2), hours(10, 2), hours(12, 5)}, true},
		{"exactly half outside, with rows at both ends, passes", false, [][]calendar.Instant{hours(8, 2), hours(10, 3), hours(12, 5)}, false},
		{"shifted a day back: rows before, none on the last day", false, [][]calendar.Instant{hours(7, 2), hours(8, 5), hours(9, 5)}, true},
		{"shifted a day on: rows after, none on the first day", false, [][]calendar.Instant{hours(9, 5), hours(10, 5), hours(11, 2)}, true},
		{"the end of the last asked day is outside", false, [][]calendar.Instant{hours(9, 5), hours(10, 5), {day(11)}}, true},
		{"a moment before it is not", false, [][]calendar.Instant{hours(9, 5), hours(10, 5), {day(11) - 1}}, false},
		{"the start of the first asked day is inside", false, [][]calendar.Instant{{day(8)}, hours(9, 5)}, false},
		{"a moment before it is outside", false, [][]calendar.Instant{{day(8) - 1}, hours(9, 5)}, true},
		{"ten rows outside are late rows, whatever their share", false, [][]calendar.Instant{hours(8, 8), hours(10, 8), hours(11, 10)}, false},
		{"eleven of many are not more than one in twenty", false, [][]calendar.Instant{hours(8, 109), hours(10, 100), hours(11, 11)}, false},
		{"more than ten and more than one in twenty are shifted", false, [][]calendar.Instant{hours(8, 108), hours(10, 100), hours(11, 11)}, true},
		{"shifted to both sides", false, [][]calendar.Instant{hours(7, 6), hours(8, 20), hours(10, 20), hours(11, 5)}, true},
		{"a cached answer near midnight needs rows on the first day", true, [][]calendar.Instant{hours(9, 5), hours(10, 5)}, true},
		{"a cached answer near midnight needs rows on the last day", true, [][]calendar.Instant{hours(8, 5), hours(9, 5)}, true},
		{"a cached answer near midnight with rows at both ends passes", true, [][]calendar.Instant{hours(8, 1), hours(10, 1)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := dayCounts{asked: askedDays(c.edges)}
			for _, run := range c.rows {
				seen.count(run)
			}
			err := seen.verify("ask later", "set the zone")
			if (err != nil) != c.stale {
				t.Fatalf("verify = %v, want stale = %v", err, c.stale)
			}
			if err != nil && pipeline.KindOf(err) != pipeline.Mismatch {
				t.Fatalf("kind = %v, want mismatch", pipeline.KindOf(err))
			}
			if err != nil && !strings.HasSuffix(err.Error(), "ask later)") {
				t.Errorf("the vendor's hint is lost: %v", err)
			}
		})
	}
}

func TestC_AReportOfDaysOfAnotherZoneIsNotCalledStale(t *testing.T) {
	seen := dayCounts{asked: askedDays(false)}
	seen.add(dayCounts{before: 40, zone: "UTC"}, 0)
	seen.add(dayCounts{before: 1}, 40)
	err := seen.verify("ask later", "set the zone")
	if pipeline.ErrorKind(err) != "other_zone" || !strings.Contains(err.Error(), "41 of 41 rows lie outside the asked days: the rows name days of UTC") || !strings.HasSuffix(err.Error(), "(set the zone)") {
		t.Error(err)
	}
	seen = dayCounts{asked: askedDays(false), zone: "UTC"} // some rows of a colleague elsewhere
	seen.count(slices.Concat(hours(8, 20), hours(10, 20), hours(7, 1)))
	if err := seen.verify("", ""); err != nil {
		t.Error(err)
	}
}

// Its number is that in the document, whichever part of it has the row.
func TestG_AReportOfOtherDaysShowsItsFirstRowOfThem(t *testing.T) {
	seen := dayCounts{asked: askedDays(false)}
	seen.add(dayCounts{inside: 20, first: 10, last: 10}, 0)
	seen.add(dayCounts{after: 6, stray: pipeline.Stray{Row: 3, Field: "date_started", Shape: "9999-99-99 99:99:99"}}, 22)
	seen.add(dayCounts{after: 5, stray: pipeline.Stray{Row: 1, Field: "date_started", Shape: "99/99/99"}}, 28)
	const shows = "; the first is row 25, whose date_started has the shape 9999-99-99 99:99:99"
	if err := seen.verify("ask later", "set the zone"); pipeline.ErrorKind(err) != "shifted" || !strings.Contains(err.Error(), shows) {
		t.Errorf("shifted: %v", err)
	}
	seen.after += 30
	if err := seen.verify("ask later", "set the zone"); pipeline.ErrorKind(err) != "stale" || !strings.Contains(err.Error(), shows) {
		t.Errorf("stale: %v", err)
	}
	seen.zone = "UTC"
	if err := seen.verify("ask later", "set the zone"); pipeline.ErrorKind(err) != "other_zone" || !strings.Contains(err.Error(), shows) {
		t.Errorf("of another zone: %v", err)
	}
}

func TestReportsWithoutAskedDaysAreNotJudged(t *testing.T) {
	var seen dayCounts
	seen.count([]calendar.Instant{day(1), calendar.NoInstant})
	if err := seen.verify("ask later", "set the zone"); err != nil {
		t.Fatal(err)
	}
}

// More than 10 rows and more than a twentieth of them outside the asked days are a shift, on whichever side they lie.
func TestC_MoreThanTenRowsAndATwentiethOutsideAreAShift(t *testing.T) {
	for _, c := range []struct {
		before, inside, after int64
		says                  string // empty: it is taken
	}{
		{0, 20, 10, ""}, {10, 20, 0, ""}, {0, 209, 11, ""},
		{0, 20, 11, "11 of 31 rows lie outside the asked days, 0 before them and 11 after them"},
		{11, 208, 0, "11 of 219 rows lie outside the asked days, 11 before them and 0 after them"},
		{5, 208, 6, "11 of 219 rows lie outside the asked days, 5 before them and 6 after them"},
	} {
		d := dayCounts{asked: &pipeline.AskedDays{}, before: c.before, inside: c.inside, after: c.after, first: 1, last: 1}
		err := d.verify("the vendor's hint", "")
		if (err == nil) != (c.says == "") || err != nil && (pipeline.ErrorKind(err) != "shifted" || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%d, %d, %d: %v", c.before, c.inside, c.after, err)
		}
	}
}
