package dialpad

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// windowsOf cuts local days [first, first+n) of zone into windows of a calendar.
func windowsOf(t *testing.T, length, zoneName, first string, n int) []pipeline.Window {
	t.Helper()
	loc := zone(t, zoneName)
	c, err := calendar.ParseCalendar(length, loc)
	if err != nil {
		t.Fatal(err)
	}
	d := dayOf(at(t, first+" 12:00:00", loc), loc)
	var all []pipeline.Window
	for _, s := range c.Cut(dayRange{d, d + day(n-1)}.span(loc)) {
		all = append(all, pipeline.Window{Span: s, Zone: zoneName})
	}
	return all
}

func TestPlanMakesReportsOfWholeLocalDays(t *testing.T) {
	const ny = "America/New_York"
	cases := []struct {
		says    string
		stream  pipeline.StreamID
		change  func(*Config)
		due     func(t *testing.T) []pipeline.Window
		reports []string // scope and days of each request
		cuts    []int    // windows of each extraction
	}{
		{
			says: "four days side by side are one report", stream: "dialpad.calls",
			due:     func(t *testing.T) []pipeline.Window { return windowsOf(t, "1d", ny, "2025-10-31", 4) },
			reports: []string{"company 2025-10-31..2025-11-03"}, cuts: []int{4},
		},
		{
			says: "each target gets its report, in configured order", stream: "dialpad.texts",
			change:  func(c *Config) { c.Targets = "department:5,callcenter:3" },
			due:     func(t *testing.T) []pipeline.Window { return windowsOf(t, "1d", ny, "2026-01-01", 2) },
			reports: []string{"department:5 2026-01-01..2026-01-02", "callcenter:3 2026-01-01..2026-01-02"}, cuts: []int{2},
		},
		{
			says: "a gap ends a report", stream: "dialpad.calls",
			due: func(t *testing.T) []pipeline.Window {
				return slices.Concat(windowsOf(t, "1d", ny, "2026-01-01", 2), windowsOf(t, "1d", ny, "2026-01-04", 1))
			},
			reports: []string{"company 2026-01-01..2026-01-02", "company 2026-01-04..2026-01-04"}, cuts: []int{2, 1},
		},
		{
			says: "a report has at most 31 days", stream: "dialpad.calls",
			due:     func(t *testing.T) []pipeline.Window { return windowsOf(t, "1d", ny, "2026-01-01", 40) },
			reports: []string{"company 2026-01-01..2026-01-31", "company 2026-02-01..2026-02-09"}, cuts: []int{31, 9},
		},
		{
			says: "hours share the report of their day", stream: "dialpad.calls",
			due: func(t *testing.T) []pipeline.Window {
				all := windowsOf(t, "6h", ny, "2026-01-01", 2)
				return slices.Concat(all[1:2], all[3:6])
			},
			reports: []string{"company 2026-01-01..2026-01-02"}, cuts: []int{4},
		},
		{
			says: "a window longer than a report takes several, and all of them answer before it is committed", stream: "dialpad.calls",
			change:  func(c *Config) { c.Targets = "user:1,user:2" },
			due:     func(t *testing.T) []pipeline.Window { return windowsOf(t, "2mo", ny, "2026-01-01", 59) },
			reports: []string{"user:1 2026-01-01..2026-01-31", "user:1 2026-02-01..2026-02-28", "user:2 2026-01-01..2026-01-31", "user:2 2026-02-01..2026-02-28"}, cuts: []int{1},
		},
		{
			says: "a window keeps the zone that it was cut in", stream: "dialpad.calls_stats",
			due: func(t *testing.T) []pipeline.Window {
				return slices.Concat(windowsOf(t, "1d", "Europe/Madrid", "2026-01-01", 2), windowsOf(t, "1d", ny, "2026-01-03", 1))
			},
			reports: []string{"company 2026-01-01..2026-01-02 Europe/Madrid", "company 2026-01-03..2026-01-03"}, cuts: []int{2, 1},
		},
		{
			says: "hours of another zone are covered by the account's days", stream: "dialpad.calls",
			due: func(t *testing.T) []pipeline.Window { // 18:00 to 24:00 in New York
				return windowsOf(t, "6h", "Europe/Madrid", "2026-01-02", 1)[:1]
			},
			reports: []string{"company 2026-01-01..2026-01-01"}, cuts: []int{1},
		},
		{
			says: "the piece at a seam is covered by its day", stream: "dialpad.calls",
			due: func(t *testing.T) []pipeline.Window { // from Madrid's midnight to New York's
				w := windowsOf(t, "1d", ny, "2026-01-01", 1)[0]
				w.Start = w.End.Add(-6 * time.Hour)
				return []pipeline.Window{w}
			},
			reports: []string{"company 2026-01-01..2026-01-01"}, cuts: []int{1},
		},
		{
			says: "rows without a time are asked one window at a time", stream: "dialpad.calls_stats",
			change:  func(c *Config) { c.GroupBy, c.OfficeID = "group", "7" },
			due:     func(t *testing.T) []pipeline.Window { return windowsOf(t, "1d", ny, "2026-01-01", 2) },
			reports: []string{"office:7 2026-01-01..2026-01-01", "office:7 2026-01-02..2026-01-02"}, cuts: []int{1, 1},
		},
		{
			says: "rows without a time are not split over two reports either", stream: "dialpad.calls_stats",
			change:  func(c *Config) { c.GroupBy, c.OfficeID = "group", "7" },
			due:     func(t *testing.T) []pipeline.Window { return windowsOf(t, "2mo", ny, "2026-01-01", 59) },
			reports: []string{"office:7 2026-01-01..2026-02-28"}, cuts: []int{1},
		},
		{says: "nothing due, nothing asked", stream: "dialpad.calls", due: func(*testing.T) []pipeline.Window { return nil }},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			s := newTestSource(t, newVendor(t), Options{}, c.change)
			due := c.due(t)
			var reports []string
			var cuts []int
			for _, x := range s.Plan(streamOf(t, s, c.stream), due) {
				cuts = append(cuts, len(x.Windows))
				for _, r := range x.Requests {
					a, err := s.queryOf(r)
					if err != nil {
						t.Fatal(err)
					}
					text := fmt.Sprintf("%s %s", r.Scope, a.days)
					if r.Zone != ny {
						text += " " + r.Zone
					}
					reports = append(reports, text)
				}
			}
			if !slices.Equal(reports, c.reports) || !slices.Equal(cuts, c.cuts) {
				t.Errorf("reports %q, windows %v; want %q, %v", reports, cuts, c.reports, c.cuts)
			}
		})
	}
}

// Whatever is due, every window stands in one extraction, in order, and the
// requests of each scope cover it with whole days.
func TestPlanCoversEveryWindowOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	zones := []string{"America/New_York", "Europe/Madrid", "Asia/Kathmandu"}
	s := newTestSource(t, newVendor(t), Options{}, func(c *Config) { c.Targets = "user:1,user:2,room:3" })
	st := streamOf(t, s, "dialpad.calls")
	for range 100 {
		length := []string{"1h", "6h", "1d", "7d", "1mo", "3mo"}[rng.IntN(6)]
		all := windowsOf(t, length, zones[rng.IntN(len(zones))], "2025-02-20", 30+rng.IntN(150))
		due := slices.DeleteFunc(all, func(pipeline.Window) bool { return rng.IntN(4) == 0 })
		var seen []pipeline.Window
		for _, x := range s.Plan(st, due) {
			seen = append(seen, x.Windows...)
			covered := map[string][]pipeline.Span{}
			for _, r := range x.Requests {
				loc := zone(t, r.Zone)
				if days := daysOf(r.Span, loc); days.len() > daysPerReport || days.span(loc) != r.Span {
					t.Fatalf("%s asks %s of %s", length, r.Span, r.Zone)
				}
				covered[r.Scope] = append(covered[r.Scope], r.Span)
				for _, w := range r.Windows {
					if !w.Overlaps(r.Span) {
						t.Fatalf("%s: a request for %s serves %s", length, r.Span, w)
					}
				}
			}
			if len(covered) != 3 {
				t.Fatalf("scopes %v", covered)
			}
			for scope, spans := range covered {
				for i := 1; i < len(spans); i++ {
					if spans[i].Start != spans[i-1].End {
						t.Fatalf("%s: the reports of %s have a seam: %v", length, scope, spans)
					}
				}
				whole := pipeline.Span{Start: spans[0].Start, End: spans[len(spans)-1].End}
				for _, w := range x.Windows {
					if !whole.Contains(w.Span) {
						t.Fatalf("%s: %s is not covered by %v", length, w, spans)
					}
				}
			}
		}
		if !slices.Equal(seen, due) {
			t.Fatalf("%s: %d windows are due and %d planned", length, len(due), len(seen))
		}
	}
}

func TestPlanAsksAYearOfHoursInTwelveReports(t *testing.T) {
	s := newTestSource(t, newVendor(t), Options{}, nil)
	due := windowsOf(t, "1h", "America/New_York", "2024-01-01", 365)
	plan := s.Plan(streamOf(t, s, "dialpad.calls"), due)
	if len(plan) != 12 {
		t.Errorf("%d reports for a year", len(plan))
	}
	for _, x := range plan {
		if len(x.Windows) > 31*25 || x.Windows[0].Length() != time.Hour {
			t.Errorf("%d windows", len(x.Windows))
		}
	}
}
