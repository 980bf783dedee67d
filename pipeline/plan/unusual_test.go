package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

var chicago = func() *time.Location {
	loc, err := time.LoadLocation("America/Chicago")
	if err != nil {
		panic(err)
	}
	return loc
}()

// dayWindow is the nth day from 1 August 2025 on, in Chicago.
func dayWindow(n int) calendar.Window {
	return calendar.Window{Zone: "America/Chicago", Span: calendar.Span{
		Start: calendar.DayStart(2025, time.August, n, chicago), End: calendar.DayStart(2025, time.August, n+1, chicago),
	}}
}

func dayReading(n int, rows int64) Reading {
	return Reading{Window: dayWindow(n), Rows: rows, Settled: true, Ended: true}
}

// historyOf is what a ledger with those readings remembers for the windows that a run then commits.
func historyOf(before, committed []Reading) *History {
	l := pipeline.NewLedger()
	for _, r := range before {
		e := pipeline.Entry{Kind: pipeline.EntryCommit, Window: r.Window, Settled: r.Settled, Counts: pipeline.Counts{Rows: r.Rows}}
		if r.Ended {
			e.ExtractedAt = r.Window.End
		}
		l.Apply(e)
	}
	var due []pipeline.PlannedWindow
	for _, r := range committed {
		due = append(due, pipeline.PlannedWindow{Window: r.Window})
	}
	return HistoryOf(l, due)
}

// runOfDays are readings of days in a row, from day n on.
func runOfDays(n int, rows ...int64) (list []Reading) {
	for i, r := range rows {
		list = append(list, dayReading(n+i, r))
	}
	return list
}

func TestE_ASyncRemembersYesterday(t *testing.T) {
	provisional := dayReading(20, 30)
	provisional.Settled = false
	same := dayReading(20, 0)
	same.Same = true
	open := dayReading(20, 0)
	open.Ended = false
	mondays := func(rows ...int64) (list []Reading) { // before Monday, 1 September
		for i, r := range rows {
			list = append(list, dayReading(32-7*(i+1), r))
		}
		return list
	}
	for _, tt := range []struct {
		name              string
		before, committed []Reading
		want              []string // kind, and what the message has
	}{
		{"less than half of a settled reading", runOfDays(20, 30), runOfDays(20, 14), []string{"shrunk 14 rows 30"}},
		{"half of it", runOfDays(20, 30), runOfDays(20, 15), nil},
		{"none of it", runOfDays(20, 1), runOfDays(20, 0), []string{"shrunk 0 rows"}},
		{"more than it", runOfDays(20, 30), runOfDays(20, 300), nil},
		{"less than half of a provisional reading", []Reading{provisional}, runOfDays(20, 3), nil},
		{"nothing before", nil, runOfDays(20, 0), nil},

		{"no row after seven days with some", runOfDays(13, 1, 1, 1, 1, 1, 1, 1), runOfDays(20, 0), []string{"silent no row at all"}},
		{"after six", runOfDays(14, 1, 1, 1, 1, 1, 1), runOfDays(20, 0), nil},
		{"after seven of which one had none", runOfDays(13, 1, 1, 0, 1, 1, 1, 1), runOfDays(20, 0), nil},
		{"the second silent day", runOfDays(13, 1, 1, 1, 1, 1, 1, 1, 0), runOfDays(21, 0), nil},
		{"of the same run", nil, runOfDays(13, 1, 1, 1, 1, 1, 1, 1, 0), []string{"silent"}},
		{"a day that has not ended", runOfDays(13, 1, 1, 1, 1, 1, 1, 1), []Reading{open}, nil},
		{"told before", runOfDays(13, 1, 1, 1, 1, 1, 1, 1, 0), []Reading{same}, nil},

		{"less than a tenth of three Mondays", mondays(12, 12, 12), runOfDays(32, 1), []string{"few 1 row, 12 Monday"}},
		{"of two Mondays", mondays(12, 12), runOfDays(32, 1), nil},
		{"a tenth", mondays(10, 10, 10), runOfDays(32, 1), nil},
		{"the median, not the mean", mondays(10, 10, 5000), runOfDays(32, 1), nil},
		{"the middle of four", mondays(10, 20, 30, 40), runOfDays(32, 2), []string{"few 2 rows 25"}},
		{"nine weeks ago does not count", append(mondays(12, 12), dayReading(32-63, 12)), runOfDays(32, 1), nil},
		{"eight weeks ago does", append(mondays(12, 12), dayReading(32-56, 12)), runOfDays(32, 1), []string{"few"}},
		{"other weekdays", runOfDays(25, 12, 0, 12, 12), runOfDays(32, 1), nil},

		{"no row in the first seven windows", nil, runOfDays(1, 0, 0, 0, 0, 0, 0, 0), []string{"unheard check the names"}},
		{"the seventh of them", runOfDays(1, 0, 0, 0, 0, 0, 0), runOfDays(7, 0), []string{"unheard"}},
		{"the sixth", runOfDays(1, 0, 0, 0, 0, 0), runOfDays(6, 0), nil},
		{"the eighth was told of before", runOfDays(1, 0, 0, 0, 0, 0, 0, 0), runOfDays(8, 0), nil},
		{"one of them has rows", nil, runOfDays(1, 0, 0, 0, 0, 0, 1, 0), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := historyOf(tt.before, tt.committed).Unusual(tt.committed)
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				all := string(got[i].Kind) + " " + got[i].Message
				for _, word := range strings.Fields(want) {
					if !strings.Contains(all, word) {
						t.Errorf("got %q, which lacks %q", all, word)
					}
				}
			}
		})
	}
}

func TestE_HoursMakeADay(t *testing.T) {
	hours := func(day int, rows int64) (list []Reading) {
		for at := dayWindow(day).Start; at < dayWindow(day).End; at = at.Add(time.Hour) {
			list = append(list, Reading{Window: calendar.Window{Zone: "America/Chicago", Span: calendar.Span{Start: at, End: at.Add(time.Hour)}}, Rows: rows, Settled: true, Ended: true})
		}
		return list
	}
	before := runOfDays(13, 1, 1, 1, 1, 1, 1, 1)
	quiet := hours(20, 0)
	if got := historyOf(before, quiet).Unusual(quiet); len(got) != 1 || got[0].Kind != pipeline.WarnSilent || got[0].WindowStart != dayWindow(20).Start {
		t.Errorf("a day of empty hours: %v", got)
	}
	if got := historyOf(before, quiet[:23]).Unusual(quiet[:23]); len(got) != 0 {
		t.Errorf("a day of which an hour is not known: %v", got)
	}
}

func TestE_ANameThatTheFirstWindowsDoNotShow(t *testing.T) {
	committed := runOfDays(1, 2, 2, 2, 2, 2, 2, 2, 2)
	var due []pipeline.PlannedWindow
	for _, r := range committed {
		due = append(due, pipeline.PlannedWindow{Window: r.Window})
	}
	names := func(l *pipeline.Ledger, asked ...string) *Names { return NamesOf(l, due, asked, strings.TrimSpace) }
	see := func(n *Names, seen ...string) []pipeline.Warning {
		var all [][]byte
		for _, s := range seen {
			all = append(all, []byte(s))
		}
		n.See(slices.Values(all))
		return n.Unheard(committed)
	}
	n := names(pipeline.NewLedger(), "Ana", "Luis", "Luiz")
	if !n.Watches(dayWindow(7)) || n.Watches(dayWindow(8)) {
		t.Error("the first seven windows are watched, and no other")
	}
	if got := see(n, "ana ", "Luis"); len(got) != 1 || !strings.Contains(got[0].Message, "no row of Luiz in") || !strings.Contains(got[0].Message, "check the names") {
		t.Errorf("got %v", got)
	}
	if got := see(names(pipeline.NewLedger(), "Ana", "Luis"), "Ana", "Luis"); len(got) != 0 {
		t.Errorf("all are there: %v", got)
	}
	if got := see(names(pipeline.NewLedger(), "Ana", "Luis"), "8f3c", "99ab"); len(got) != 0 {
		t.Errorf("rows that call them otherwise: %v", got)
	}
	if got := names(pipeline.NewLedger(), "Ana", "Luis").Unheard(committed[:6]); len(got) != 0 {
		t.Errorf("six windows: %v", got)
	}
	known := pipeline.NewLedger()
	known.Apply(pipeline.Entry{Kind: pipeline.EntryCommit, Window: dayWindow(1)})
	if names(known, "Ana") != nil || (*Names)(nil).Watches(dayWindow(1)) || (*Names)(nil).Unheard(committed) != nil {
		t.Error("names of a stream that has had windows before are watched")
	}
}
