package pipeline

import (
	"testing"
	"time"
)

func day(n int) Instant { return InstantOf(time.Date(2025, 9, n, 6, 0, 0, 0, time.UTC)) }

// askedDays are 8, 9 and 10 September.
func askedDays(mustHaveRows bool) *AskedDays {
	return &AskedDays{
		Span: Span{day(8), day(11)}, First: Span{day(8), day(9)}, Last: Span{day(10), day(11)},
		EdgesMustHaveRows: mustHaveRows,
	}
}

func TestPromise10_StaleReportsAreCaught(t *testing.T) {
	hours := func(n, count int) []Instant {
		out := make([]Instant, count)
		for i := range out {
			out[i] = day(n).Add(time.Duration(i) * time.Minute)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		edges bool
		rows  [][]Instant
		stale bool
	}{
		{"rows of the asked days pass", false, [][]Instant{hours(8, 5), hours(9, 5), hours(10, 5)}, false},
		{"no rows at all pass: an empty report is an empty report", false, nil, false},
		{"a few rows over the edge pass while the other end has rows", false, [][]Instant{hours(8, 5), hours(10, 5), hours(11, 2)}, false},
		{"a quiet day at one end passes while nothing lies outside", false, [][]Instant{hours(9, 5), hours(10, 5)}, false},
		{"more than half outside is another question's answer", false, [][]Instant{hours(8, 2), hours(10, 2), hours(12, 5)}, true},
		{"exactly half outside, with rows at both ends, passes", false, [][]Instant{hours(8, 2), hours(10, 3), hours(12, 5)}, false},
		{"shifted a day back: rows before, none on the last day", false, [][]Instant{hours(7, 2), hours(8, 5), hours(9, 5)}, true},
		{"shifted a day on: rows after, none on the first day", false, [][]Instant{hours(9, 5), hours(10, 5), hours(11, 2)}, true},
		{"a cached answer near midnight needs rows on the first day", true, [][]Instant{hours(9, 5), hours(10, 5)}, true},
		{"a cached answer near midnight needs rows on the last day", true, [][]Instant{hours(8, 5), hours(9, 5)}, true},
		{"a cached answer near midnight with rows at both ends passes", true, [][]Instant{hours(8, 1), hours(10, 1)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := tally{days: askedDays(c.edges)}
			for _, run := range c.rows {
				seen.count(run)
			}
			err := seen.verify()
			if (err != nil) != c.stale {
				t.Fatalf("verify = %v, want stale = %v", err, c.stale)
			}
			if err != nil && KindOf(err) != Mismatch {
				t.Fatalf("kind = %v, want mismatch", KindOf(err))
			}
		})
	}
}

func TestReportsWithoutAskedDaysAreNotJudged(t *testing.T) {
	var seen tally
	seen.count([]Instant{day(1), NoInstant})
	if err := seen.verify(); err != nil {
		t.Fatal(err)
	}
}
