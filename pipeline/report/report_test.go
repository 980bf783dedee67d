package report

import (
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// Windows whose rows a table has dropped by its own expiration are of no state: nobody reads or misses them, and status
// counts them apart.
func TestExpiredWindowsAreNotToldAsSettled(t *testing.T) {
	k := pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}
	first := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	l := pipeline.NewLedger()
	for n := range 10 {
		at := calendar.InstantOf(first.AddDate(0, 0, n))
		l.Apply(pipeline.Entry{Kind: pipeline.EntryCommit, Settled: true, Counts: pipeline.Counts{Read: 5, Rows: 5}, ReadAt: at.Add(30 * time.Hour),
			Window: calendar.Window{Span: calendar.Span{Start: at, End: at.Add(24 * time.Hour)}, Zone: "UTC"}})
	}
	now := first.AddDate(0, 0, 10).Add(2 * time.Hour)
	stream := pipeline.Stream{Key: k, Calendar: pipeline.Calendar{Unit: calendar.Days, Zone: time.UTC}, Table: pipeline.Events}
	kept := plan.Kept{Retention: pipeline.Retention(5 * 24 * time.Hour), Now: now}
	st := plan.Status(stream, l, calendar.InstantOf(now), kept)
	b := New(calendar.InstantOf(now), 0)
	b.Stream(Input{Status: st, Stream: stream, Ledger: l})
	m := b.Model([]pipeline.StreamKey{k})
	settled := 0
	for _, s := range m.Spans {
		if s.State == Settled {
			settled += s.Windows
		}
	}
	if of := m.Streams[0]; settled != of.Settled || settled != 4 || of.Expired < 6 {
		t.Errorf("%d settled in %+v, the stream has %+v", settled, m.Spans, of)
	}
}

// A night is missed where a run was to be expected, and only there.
func TestMissingNights(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		hour, minute int // on Chicago's clock, from 2025-10-06, a Monday, on
		days         int
		skip         func(day time.Time, n int) bool
		want         []string
	}{
		"every night":                                          {2, 0, 60, nil, nil},
		"one night, killed or not begun":                       {2, 0, 60, func(_ time.Time, n int) bool { return n == 40 }, []string{"2025-11-15"}},
		"two in the first week":                                {2, 0, 6, func(_ time.Time, n int) bool { return n == 2 || n == 3 }, []string{"2025-10-09", "2025-10-08"}},
		"about midnight in UTC, as clocks are put back":        {18, 30, 60, nil, nil},
		"the last night but one, and one that may still begin": {2, 0, 60, func(_ time.Time, n int) bool { return n > 57 }, []string{"2025-12-03"}},
		"not at weekends":                                      {2, 0, 60, func(d time.Time, _ int) bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }, nil},
		"a Tuesday of a team that rests at weekends": {2, 0, 60, func(d time.Time, n int) bool {
			return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday || n == 36
		}, []string{"2025-11-11"}},
		"once a week":     {2, 0, 60, func(d time.Time, _ int) bool { return d.Weekday() != time.Monday }, nil},
		"two weeks of it": {2, 0, 14, func(d time.Time, _ int) bool { return d.Weekday() != time.Monday }, nil},
	} {
		var runs []Run
		for n := range c.days {
			if day := time.Date(2025, 10, 6+n, c.hour, c.minute, 0, 0, chicago); c.skip == nil || !c.skip(day, n) {
				runs = append(runs, Run{StartedAt: calendar.InstantOf(day)})
			}
		}
		slices.Reverse(runs)
		now := time.Date(2025, 10, 6+c.days-1, c.hour+5, c.minute, 0, 0, chicago)
		if got := missing(runs, calendar.InstantOf(now)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

// What runs used is added up by the night, in UTC, and by the month: the newest nights first, and of the months all.
func TestCostsAddUpByNightAndMonth(t *testing.T) {
	b := New(calendar.InstantOf(time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)), 0)
	for n := range 50 { // every night from 2025-10-01, 23:30, on, and another run half an hour into the next day
		for _, minutes := range []int{0, 60} {
			b.Run(pipeline.Summary{
				StartedAt: calendar.InstantOf(time.Date(2025, 10, 1+n, 23, 30+minutes, 0, 0, time.UTC)),
				Receipt:   &pipeline.Receipt{LoadJobs: 3, QueryJobs: 2, BytesStaged: 7, BytesBilled: 10, SlotMillis: 100},
			})
		}
	}
	b.Run(pipeline.Summary{StartedAt: calendar.InstantOf(time.Date(2025, 11, 20, 10, 0, 0, 0, time.UTC))}) // of a sink that bills nothing
	costs := b.Model(nil).Costs
	if len(costs) != costNights+2 {
		t.Fatalf("%d periods: %+v", len(costs), costs)
	}
	for i, want := range map[int]Cost{
		0:              {"2025-11-20", 1, 5, 10, 100},
		1:              {"2025-11-19", 2, 10, 20, 200},
		costNights - 1: {"2025-10-21", 2, 10, 20, 200},
		costNights:     {"2025-11", 39, 195, 390, 3900}, // 19 at 23:30, and 20 at 00:30, of which the first is that of October's last night
		costNights + 1: {"2025-10", 61, 305, 610, 6100}, // 31 at 23:30, and 30 at 00:30
	} {
		if costs[i] != want {
			t.Errorf("%d: %+v, not %+v", i, costs[i], want)
		}
	}
}
