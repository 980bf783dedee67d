package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// daily is a stream of days in a zone that can be asked for any instant.
func daily(t testing.TB, length, in string) pipeline.Stream {
	return pipeline.Stream{
		Key:      pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: "ucontact.agents"},
		Table:    pipeline.Activity,
		Calendar: mustCalendar(t, length, in),
		Settle:   2 * time.Hour,
		Settings: "now",
	}
}

// read is the commit of a settled window read at t, an RFC 3339 instant.
func read(t testing.TB, from, to, zoneName, readAt string) pipeline.Entry {
	i := mustInstant(t, readAt)
	return pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: calendar.Window{Span: mustSpan(t, from, to), Zone: zoneName},
		ExtractedAt: i, ReadAt: i, CommittedAt: i, Settled: true, Settings: "now", Counts: pipeline.Counts{Read: 10, Rows: 10},
	}
}

// planned tells a plan as lines: "start/end zone reason < superseded".
func planned(p pipeline.StreamPlan) []string {
	list := []string{}
	for _, w := range p.Windows {
		line := fmt.Sprintf("%s %s %s", w.Window.Span, w.Window.Zone, w.Reason)
		for _, old := range w.Supersedes {
			line += " < " + old.String()
		}
		list = append(list, brief(line))
	}
	return list
}

// brief shortens midnights and full hours.
func brief(text string) string {
	return strings.NewReplacer("T00:00:00Z", "", ":00:00Z", "").Replace(text)
}

func briefSpans(spans []calendar.Span) []string {
	list := []string{}
	for _, s := range spans {
		list = append(list, brief(s.String()))
	}
	return list
}

func mustPlan(t testing.TB, s pipeline.Stream, l *pipeline.Ledger, sel Selection, now calendar.Instant) pipeline.StreamPlan {
	t.Helper()
	p, err := Of(s, l, sel, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlan(t *testing.T) {
	const utc = "UTC"
	// Three settled days from 1 September on, read long ago.
	three := []pipeline.Entry{
		read(t, "2025-09-01", "2025-09-02", utc, "2025-09-02T03:00:00Z"),
		read(t, "2025-09-02", "2025-09-03", utc, "2025-09-03T03:00:00Z"),
		read(t, "2025-09-03", "2025-09-04", utc, "2025-09-04T03:00:00Z"),
	}
	with := func(log []pipeline.Entry, more ...pipeline.Entry) []pipeline.Entry {
		return append(slices.Clone(log), more...)
	}
	mark := func(kind pipeline.EntryKind, from, to, readAt string, supersedes ...calendar.Window) pipeline.Entry {
		e := pipeline.Entry{Kind: kind, Window: calendar.Window{Span: mustSpan(t, from, to), Zone: utc}, Supersedes: supersedes}
		if readAt != "" {
			e.ReadAt = mustInstant(t, readAt)
		}
		return e
	}
	provisional := func(e pipeline.Entry) pipeline.Entry { e.Settled = false; return e }
	other := func(e pipeline.Entry) pipeline.Entry { e.Settings = "before"; return e }

	tests := []struct {
		name   string
		change func(s *pipeline.Stream)
		log    []pipeline.Entry
		sel    Selection
		now    string
		want   []string
		holes  []string
	}{
		{"the days since FROM are due when they have ended", nil, nil, Selection{}, "2025-09-03T06:00:00Z",
			[]string{"2025-09-01/2025-09-02 UTC new", "2025-09-02/2025-09-03 UTC new"}, nil},
		{"a day is due at its very end", nil, nil, Selection{}, "2025-09-02",
			[]string{"2025-09-01/2025-09-02 UTC new"}, nil},
		{"and not a microsecond before", nil, nil, Selection{}, "2025-09-01T23:59:59.999999Z", nil, nil},
		{"a day that is due only when settled waits for settle", func(s *pipeline.Stream) { s.DueSettled = true }, nil, Selection{}, "2025-09-03T01:59:59Z",
			[]string{"2025-09-01/2025-09-02 UTC new"}, nil},
		{"and not longer", func(s *pipeline.Stream) { s.DueSettled = true }, nil, Selection{}, "2025-09-03T02:00:00Z",
			[]string{"2025-09-01/2025-09-02 UTC new", "2025-09-02/2025-09-03 UTC new"}, nil},
		{"the hours of a day that the vendor answers by whole days wait for the day", func(s *pipeline.Stream) {
			s.DueSettled, s.Calendar = true, mustCalendar(t, "6h", "America/Mexico_City")
		}, nil, Selection{}, "2025-09-03T07:59:59Z",
			[]string{
				"2025-09-01T06/2025-09-01T12 America/Mexico_City new", "2025-09-01T12/2025-09-01T18 America/Mexico_City new",
				"2025-09-01T18/2025-09-02 America/Mexico_City new", "2025-09-02/2025-09-02T06 America/Mexico_City new",
			}, nil},
		{"and come due together with it", func(s *pipeline.Stream) {
			s.DueSettled, s.Calendar = true, mustCalendar(t, "6h", "America/Mexico_City")
		}, nil, Selection{From: "2025-09-02"}, "2025-09-03T08:00:00Z",
			[]string{
				"2025-09-02T06/2025-09-02T12 America/Mexico_City new", "2025-09-02T12/2025-09-02T18 America/Mexico_City new",
				"2025-09-02T18/2025-09-03 America/Mexico_City new", "2025-09-03/2025-09-03T06 America/Mexico_City new",
			}, nil},
		{"what is covered is not planned", nil, three, Selection{}, "2025-09-04T12:00:00Z", nil, nil},
		{"a gap is planned", nil, with(three[:1], three[2]), Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC new"}, nil},
		{"a failed day is planned as failed", nil, with(three, mark(pipeline.EntryFail, "2025-09-04", "2025-09-05", "")), Selection{}, "2025-09-06",
			[]string{"2025-09-04/2025-09-05 UTC failed", "2025-09-05/2025-09-06 UTC new"}, nil},
		{"a failed re-read of a settled day stays due", nil, with(three, mark(pipeline.EntryFail, "2025-09-02", "2025-09-03", "")), Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC failed"}, nil},
		{"a day whose commit began and never ended is failed", nil, with(three, mark(pipeline.EntryBegin, "2025-09-04", "2025-09-05", "2025-09-05")), Selection{}, "2025-09-05",
			[]string{"2025-09-04/2025-09-05 UTC failed"}, nil},
		{"also when it was committed before", nil, with(three, mark(pipeline.EntryBegin, "2025-09-02", "2025-09-03", "2025-09-05")), Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC failed"}, nil},
		{"a reopened day is read again, beyond the lookback too", nil, with(three, mark(pipeline.EntryReopen, "2025-09-02", "2025-09-03", "")), Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC reopened"}, nil},
		{"provisional days are read on every run", nil, with(three[:1], provisional(three[1]), three[2]), Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC provisional"}, nil},
		{"waived days are not", nil, with(three[:1], three[2], mark(pipeline.EntryWaive, "2025-09-02", "2025-09-03", "")), Selection{}, "2025-09-04T12:00:00Z", nil, nil},

		{"the lookback reads settled days again", func(s *pipeline.Stream) { s.Lookback = 48 * time.Hour }, three, Selection{}, "2025-09-04T23:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC lookback", "2025-09-03/2025-09-04 UTC lookback"}, nil},
		{"a day that ends where the lookback begins is not in it", func(s *pipeline.Stream) { s.Lookback = 48 * time.Hour }, three, Selection{}, "2025-09-05",
			[]string{"2025-09-03/2025-09-04 UTC lookback", "2025-09-04/2025-09-05 UTC new"}, nil},
		{"not within the vendor's cache", func(s *pipeline.Stream) { s.Lookback, s.Cache = 48*time.Hour, 3*time.Hour }, three, Selection{}, "2025-09-04T05:59:59Z",
			[]string{"2025-09-02/2025-09-03 UTC lookback"}, nil},
		{"but when the cache is over", func(s *pipeline.Stream) { s.Lookback, s.Cache = 48*time.Hour, 3*time.Hour }, three, Selection{}, "2025-09-04T06:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC lookback", "2025-09-03/2025-09-04 UTC lookback"}, nil},
		{"a reading of a later clock is not the cache's", func(s *pipeline.Stream) { s.Lookback, s.Cache = 48*time.Hour, 3*time.Hour }, three, Selection{}, "2025-09-04T02:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC lookback", "2025-09-03/2025-09-04 UTC lookback"}, nil},
		{"committed days after now are left alone", func(s *pipeline.Stream) { s.Lookback = 48 * time.Hour }, three, Selection{Refetch: true}, "2025-09-02T12:00:00Z",
			[]string{"2025-09-01/2025-09-02 UTC refetch"}, nil},

		{"a selection by dates includes both days", nil, nil, Selection{From: "2025-09-02", To: "2025-09-03"}, "2025-09-06",
			[]string{"2025-09-02/2025-09-03 UTC new", "2025-09-03/2025-09-04 UTC new"}, nil},
		{"a selection by instants is half-open", nil, nil, Selection{From: "2025-09-02T00:00:00Z", To: "2025-09-03T00:00:00Z"}, "2025-09-06",
			[]string{"2025-09-02/2025-09-03 UTC new"}, nil},
		{"a selection inside a day selects the day", nil, nil, Selection{From: "2025-09-02T10:00:00+02:00", To: "2025-09-02T12:00:00Z"}, "2025-09-06",
			[]string{"2025-09-02/2025-09-03 UTC new"}, nil},
		{"a selection may begin before FROM", nil, nil, Selection{From: "2025-08-30", To: "2025-09-01"}, "2025-09-06",
			[]string{"2025-08-30/2025-08-31 UTC new", "2025-08-31/2025-09-01 UTC new", "2025-09-01/2025-09-02 UTC new"}, nil},
		{"an open end goes on to now", nil, nil, Selection{From: "2025-09-04"}, "2025-09-06",
			[]string{"2025-09-04/2025-09-05 UTC new", "2025-09-05/2025-09-06 UTC new"}, nil},
		{"an open start begins with FROM", nil, nil, Selection{To: "2025-09-01"}, "2025-09-06",
			[]string{"2025-09-01/2025-09-02 UTC new"}, nil},
		{"the lookback is read within the selection only", func(s *pipeline.Stream) { s.Lookback = 96 * time.Hour }, three, Selection{From: "2025-09-02", To: "2025-09-02"}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC lookback"}, nil},
		{"refetch reads settled days of the selection", nil, three, Selection{From: "2025-09-02", To: "2025-09-02", Refetch: true}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-02/2025-09-03 UTC refetch"}, nil},
		{"refetch asks also within the vendor's cache", func(s *pipeline.Stream) { s.Cache = 3 * time.Hour }, three[2:], Selection{From: "2025-09-03", Refetch: true}, "2025-09-04T04:00:00Z",
			[]string{"2025-09-03/2025-09-04 UTC refetch"}, nil},
		{"refetch alone reads every settled day, waived ones not", nil, with(three[:2], mark(pipeline.EntryWaive, "2025-09-03", "2025-09-04", "")), Selection{Refetch: true}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-01/2025-09-02 UTC refetch", "2025-09-02/2025-09-03 UTC refetch"}, nil},
		{"refetch of a selection reads waived days", nil, with(three[:2], mark(pipeline.EntryWaive, "2025-09-03", "2025-09-04", "")), Selection{From: "2025-09-03", To: "2025-09-03", Refetch: true}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-03/2025-09-04 UTC refetch"}, nil},
		{"a selection alone does not", nil, with(three[:2], mark(pipeline.EntryWaive, "2025-09-03", "2025-09-04", "")), Selection{From: "2025-09-03", To: "2025-09-03"}, "2025-09-04T12:00:00Z", nil, nil},
		{"a waived day in doubt is not planned", nil, with(three, mark(pipeline.EntryBegin, "2025-09-02", "2025-09-03", "2025-09-05"), mark(pipeline.EntryWaive, "2025-09-02", "2025-09-03", "")), Selection{}, "2025-09-04T12:00:00Z", nil, nil},

		{"longer windows cut only what is uncovered", func(s *pipeline.Stream) { s.Calendar = mustCalendar(t, "7d", utc) }, three, Selection{}, "2025-09-15",
			[]string{"2025-09-04/2025-09-08 UTC new", "2025-09-08/2025-09-15 UTC new"}, nil},
		{"shorter windows too", func(s *pipeline.Stream) { s.Calendar = mustCalendar(t, "6h", utc) }, three, Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-04/2025-09-04T06 UTC new", "2025-09-04T06/2025-09-04T12 UTC new"}, nil},
		{"a new zone begins with the piece at the seam, where any instant can be asked", func(s *pipeline.Stream) { s.Calendar = mustCalendar(t, "1d", "Asia/Tokyo") },
			with([]pipeline.Entry{read(t, "2025-08-31T15:00:00Z", "2025-09-01", utc, "2025-09-02")}, three...), Selection{}, "2025-09-05T15:00:00Z",
			[]string{"2025-09-04/2025-09-04T15 Asia/Tokyo new", "2025-09-04T15/2025-09-05T15 Asia/Tokyo new"}, nil},
		{"a committed window keeps its bounds and its zone when it is read again", func(s *pipeline.Stream) {
			s.Calendar, s.Lookback = mustCalendar(t, "1h", "America/Mexico_City"), 24*time.Hour
		}, three, Selection{}, "2025-09-04T00:30:00Z",
			[]string{"2025-09-03/2025-09-04 UTC lookback"}, nil},

		{"days that must be whole: the old day at the seam is replaced, and the hours lost are named", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, three, Selection{}, "2025-09-05T06:00:00Z",
			[]string{
				"2025-09-03T06/2025-09-04T06 America/Mexico_City new < 2025-09-03/2025-09-04",
				"2025-09-04T06/2025-09-05T06 America/Mexico_City new",
			}, []string{"2025-09-03/2025-09-03T06"}},
		{"the day at the seam waits until its successor has ended", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, three, Selection{}, "2025-09-04T05:59:59Z", nil, nil},
		{"the hours lost before are a hole, and are not asked for", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, with(three, func() pipeline.Entry {
			e := read(t, "2025-09-03T06:00:00Z", "2025-09-04T06:00:00Z", "America/Mexico_City", "2025-09-05")
			e.Supersedes = []calendar.Window{three[2].Window}
			return e
		}()), Selection{}, "2025-09-04T12:00:00Z", nil, []string{"2025-09-03/2025-09-03T06"}},
		{"a hole within a day that can be asked is not asked for either", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, with(three, func() pipeline.Entry {
			e := read(t, "2025-09-03T05:00:00Z", "2025-09-04T05:00:00Z", "America/Chicago", "2025-09-05")
			e.Supersedes = []calendar.Window{three[2].Window}
			return e
		}()), Selection{}, "2025-09-04T05:30:00Z", nil, []string{"2025-09-03/2025-09-03T05"}},
		{"a waiver closes such a hole", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, with(three, func() pipeline.Entry {
			e := read(t, "2025-09-03T06:00:00Z", "2025-09-04T06:00:00Z", "America/Mexico_City", "2025-09-05")
			e.Supersedes = []calendar.Window{three[2].Window}
			return e
		}(), mark(pipeline.EntryWaive, "2025-09-03", "2025-09-03T06:00:00Z", "")), Selection{}, "2025-09-04T12:00:00Z", nil, nil},
		{"a gap between two old days is replaced with both", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, with(three[:1], three[2]), Selection{From: "2025-09-01", To: "2025-09-02"}, "2025-09-04T05:00:00Z",
			[]string{
				"2025-09-01T06/2025-09-02T06 America/Mexico_City new < 2025-09-01/2025-09-02",
				"2025-09-02T06/2025-09-03T06 America/Mexico_City new < 2025-09-03/2025-09-04",
			}, []string{"2025-09-01/2025-09-01T06", "2025-09-03T06/2025-09-04"}},
		{"a whole day between two seams is read with them", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain, s.From = s.Calendar, "2025-08-31"
		}, three[:2], Selection{}, "2025-09-03T12:00:00Z",
			[]string{
				"2025-08-31T06/2025-09-01T06 America/Mexico_City new < 2025-09-01/2025-09-02",
				"2025-09-01T06/2025-09-02T06 America/Mexico_City new < 2025-09-01/2025-09-02 < 2025-09-02/2025-09-03",
				"2025-09-02T06/2025-09-03T06 America/Mexico_City new < 2025-09-02/2025-09-03",
			}, nil},
		{"a week at the seam is replaced but for the hours that cannot be asked", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "7d", "America/Mexico_City")
			s.Grain = mustCalendar(t, "1d", "America/Mexico_City")
		}, []pipeline.Entry{read(t, "2025-09-01", "2025-09-08", utc, "2025-09-09")}, Selection{From: "2025-09-08T12:00:00Z"}, "2025-09-15T06:00:00Z",
			[]string{"2025-09-08T06/2025-09-15T06 America/Mexico_City new"}, nil},
		{"and so with the whole selection", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "7d", "America/Mexico_City")
			s.Grain = mustCalendar(t, "1d", "America/Mexico_City")
		}, []pipeline.Entry{read(t, "2025-09-01", "2025-09-08", utc, "2025-09-09")}, Selection{}, "2025-09-15T06:00:00Z",
			[]string{
				"2025-09-01T06/2025-09-08T06 America/Mexico_City new < 2025-09-01/2025-09-08",
				"2025-09-08T06/2025-09-15T06 America/Mexico_City new",
			}, []string{"2025-09-01/2025-09-01T06"}},
		{"a first day in mid-month begins with the month, where only months can be asked", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1mo", utc)
			s.Grain, s.From = s.Calendar, "2025-08-15"
		}, nil, Selection{}, "2025-10-02",
			[]string{"2025-08-01/2025-09-01 UTC new", "2025-09-01/2025-10-01 UTC new"}, nil},
		{"a begun window of other bounds is named, so that its rows go", func(s *pipeline.Stream) { s.Calendar = mustCalendar(t, "6h", utc) },
			with(three, mark(pipeline.EntryBegin, "2025-09-04", "2025-09-05", "2025-09-05")), Selection{}, "2025-09-04T12:00:00Z",
			[]string{"2025-09-04/2025-09-04T06 UTC failed < 2025-09-04/2025-09-05", "2025-09-04T06/2025-09-04T12 UTC failed < 2025-09-04/2025-09-05"}, nil},
		{"an old day in doubt because its successor began is replaced by it", func(s *pipeline.Stream) {
			s.Calendar = mustCalendar(t, "1d", "America/Mexico_City")
			s.Grain = s.Calendar
		}, with(three, mark(pipeline.EntryBegin, "2025-09-03T06:00:00Z", "2025-09-04T06:00:00Z", "2025-09-05", three[2].Window)), Selection{}, "2025-09-04T06:00:00Z",
			[]string{"2025-09-03T06/2025-09-04T06 America/Mexico_City failed < 2025-09-03/2025-09-04"}, []string{"2025-09-03/2025-09-03T06"}},
		{"changed settings alone plan nothing", nil, with(three[:2], other(three[2])), Selection{}, "2025-09-04T12:00:00Z", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := daily(t, "1d", utc)
			s.From = "2025-09-01"
			if tt.change != nil {
				tt.change(&s)
			}
			p := mustPlan(t, s, fold(tt.log...), tt.sel, mustInstant(t, tt.now))
			if got := planned(p); !slices.Equal(got, append([]string{}, tt.want...)) {
				t.Errorf("planned\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if got := briefSpans(p.Holes); !slices.Equal(got, append([]string{}, tt.holes...)) {
				t.Errorf("holes %v, want %v", got, tt.holes)
			}
		})
	}
}

func TestTheStatusOfAStreamThatNoRunReadsIsTheLedgersAlone(t *testing.T) {
	k, now := pipeline.StreamKey{Account: "us", Stream: "dialpad.calls"}, mustInstant(t, "2025-09-10T12:00:00Z")
	first := mustInstant(t, "2025-09-02")
	log := []pipeline.Entry{
		{Kind: pipeline.EntryFirst, Window: calendar.Window{Span: calendar.Span{Start: first, End: first}}},
		read(t, "2025-09-02", "2025-09-03", "UTC", "2025-09-03T03:00:00Z"),
		{Kind: pipeline.EntryWaive, Window: calendar.Window{Span: mustSpan(t, "2025-09-03", "2025-09-05"), Zone: "UTC"}},
		{Kind: pipeline.EntryBegin, Window: calendar.Window{Span: mustSpan(t, "2025-09-05", "2025-09-06"), Zone: "UTC"}, ReadAt: now},
		{Kind: pipeline.EntryFail, Window: calendar.Window{Span: mustSpan(t, "2025-09-05", "2025-09-06"), Zone: "UTC"}, ReadAt: now},
		{Kind: pipeline.EntryFail, Window: calendar.Window{Span: mustSpan(t, "2025-09-06", "2025-09-07"), Zone: "UTC"}, ReadAt: now},
	}
	st := UnreadStatus(k, fold(log...), now)
	if st.Configured || st.Stream != k.Stream || st.Account != k.Account || st.Settled != 1 || st.Waived != 1 || st.Open != 2 || st.Rows == 0 || st.LastCommit == nil {
		t.Errorf("%+v", st)
	}
	if st.Watermark == nil || *st.Watermark != mustInstant(t, "2025-09-05") || *st.LagSeconds != 5*86400+12*3600 {
		t.Errorf("watermark %v, lag %v", st.Watermark, st.LagSeconds)
	}
	if st = UnreadStatus(k, fold(log[1:]...), now); st.Watermark != nil {
		t.Errorf("a watermark without a first day: %v", st.Watermark)
	}
}

func TestTheFirstDay(t *testing.T) {
	now := mustInstant(t, "2025-09-15T12:00:00Z")
	s := daily(t, "1d", "America/Mexico_City")

	p := mustPlan(t, s, pipeline.NewLedger(), Selection{}, now)
	if p.First != mustInstant(t, "2025-08-16T06:00:00Z") || p.Origin != p.First || len(p.Windows) != 30 {
		t.Errorf("a first sync begins %v (record: %v) with %d windows", p.First, p.Origin, len(p.Windows))
	}
	recorded := fold(pipeline.Entry{Kind: pipeline.EntryOrigin, Window: calendar.Window{Span: calendar.Span{Start: p.First, End: p.First}}})
	if p = mustPlan(t, s, recorded, Selection{}, now.Add(240*time.Hour)); p.First != mustInstant(t, "2025-08-16T06:00:00Z") || p.Origin != calendar.NoInstant {
		t.Errorf("ten days later it begins %v (record: %v)", p.First, p.Origin)
	}
	if p = mustPlan(t, s, pipeline.NewLedger(), Selection{From: "2025-01-01", To: "2025-01-02"}, now); p.First != mustInstant(t, "2025-08-16T06:00:00Z") || p.Origin != p.First {
		t.Errorf("a backfill moves the first day to %v", p.First)
	}
	s.From = "2025-09-01"
	if p = mustPlan(t, s, recorded, Selection{}, now); p.First != mustInstant(t, "2025-09-01T06:00:00Z") || p.Origin != calendar.NoInstant {
		t.Errorf("with FROM it begins %v (record: %v)", p.First, p.Origin)
	}
	if p = mustPlan(t, s, pipeline.NewLedger(), Selection{}, now); p.First != mustInstant(t, "2025-09-01T06:00:00Z") || p.Origin != mustInstant(t, "2025-08-16T06:00:00Z") {
		t.Errorf("a first sync with FROM begins %v and records %v; who removes FROM later wants 30 days before it", p.First, p.Origin)
	}
	moved := func(from string, l *pipeline.Ledger) bool {
		s.From = from
		return mustPlan(t, s, l, Selection{}, now).Moved
	}
	if moved("", pipeline.NewLedger()) || moved("2025-08-16", pipeline.NewLedger()) || !moved("2025-09-01", pipeline.NewLedger()) || moved("", recorded) || !moved("2025-08-01", recorded) {
		t.Error("a first day is to be recorded where it is not the origin's, and only there")
	}
	first := mustInstant(t, "2025-09-01T06:00:00Z")
	recorded.Apply(pipeline.Entry{Kind: pipeline.EntryFirst, Window: calendar.Window{Span: calendar.Span{Start: first, End: first}}})
	if moved("2025-09-01", recorded) || !moved("2025-09-02", recorded) || !moved("", recorded) {
		t.Error("a first day is to be recorded where it is not the last sync's, and only there")
	}
	if p = mustPlan(t, s, recorded, Selection{}, now); p.First != mustInstant(t, "2025-08-16T06:00:00Z") {
		t.Errorf("without FROM a sync goes by what an earlier one had: %v", p.First)
	}
	s.From = "1 September"
	if _, err := Of(s, recorded, Selection{}, now); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "first day") {
		t.Errorf("a bad FROM gives %v", err)
	}
}

func TestSelectionsThatMakeNoSense(t *testing.T) {
	s := daily(t, "1d", "America/Mexico_City")
	for _, tt := range []struct {
		sel  Selection
		says []string
	}{
		{Selection{From: "yesterday"}, []string{"--from", `"yesterday"`, "--from 2025-09-01 or --from 2025-09-01T06:00:00Z"}},
		{Selection{From: "2025-02-30"}, []string{"--from", "2025-02-30"}},
		{Selection{From: "2025-09-01T06:00:00"}, []string{"--from", "RFC 3339"}},
		{Selection{From: "2025-09-01T06:00:00.5Z"}, []string{"--from", "fraction"}},
		{Selection{To: "2025-9-1"}, []string{"--to", `"2025-9-1"`, "--to 2025-09-01"}},
		{Selection{From: "2025-09-03", To: "2025-09-02"}, []string{"--from 2025-09-03 --to 2025-09-02", "before"}},
		{Selection{From: "2025-09-03T00:00:00Z", To: "2025-09-03T00:00:00Z"}, []string{"--from", "--to", "before"}},
	} {
		tt.sel.FromName, tt.sel.ToName = "--from", "--to"
		_, err := Of(s, pipeline.NewLedger(), tt.sel, mustInstant(t, "2025-09-15"))
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Kind != pipeline.Invalid {
			t.Errorf("%v gives %v", tt.sel, err)
			continue
		}
		for _, word := range tt.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v: %q does not say %q", tt.sel, err, word)
			}
		}
	}
}

func TestADateOfASelectionIsTheAccountsLocalDate(t *testing.T) {
	s := daily(t, "1d", "America/Mexico_City")
	p := mustPlan(t, s, pipeline.NewLedger(), Selection{From: "2025-09-01", To: "2025-09-01"}, mustInstant(t, "2025-09-15"))
	if got := planned(p); !slices.Equal(got, []string{"2025-09-01T06/2025-09-02T06 America/Mexico_City new"}) {
		t.Errorf("planned %v", got)
	}
}

func TestPromise08_ChangedSettingsAreNamedAndNotReadAgain(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From, s.Lookback = "2025-09-01", 12*time.Hour
	old := func(from, to string) pipeline.Entry {
		e := read(t, from, to, "UTC", "2025-09-04T05:00:00Z")
		e.Settings = "before"
		return e
	}
	provisional := old("2025-09-02", "2025-09-03")
	provisional.Settled = false
	l := fold(old("2025-09-01", "2025-09-02"), provisional, old("2025-09-03", "2025-09-04"))
	p := mustPlan(t, s, l, Selection{}, mustInstant(t, "2025-09-04T06:00:00Z"))
	if got := planned(p); !slices.Equal(got, []string{"2025-09-02/2025-09-03 UTC provisional", "2025-09-03/2025-09-04 UTC lookback"}) {
		t.Errorf("planned %v", got)
	}
	if len(p.Changed) != 1 || p.Changed[0].Span != mustSpan(t, "2025-09-01", "2025-09-02") {
		t.Errorf("changed %v, want the settled day that is not read", p.Changed)
	}
	p = mustPlan(t, s, l, Selection{Refetch: true}, mustInstant(t, "2025-09-04T06:00:00Z"))
	if len(p.Changed) != 0 || len(p.Windows) != 3 {
		t.Errorf("refetch plans %v and leaves %v", planned(p), p.Changed)
	}
}

func TestWaivable(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From = "2025-09-01"
	l := fold(
		read(t, "2025-09-01", "2025-09-02", "UTC", "2025-09-02T03:00:00Z"),
		read(t, "2025-09-03", "2025-09-04", "UTC", "2025-09-04T03:00:00Z"),
		read(t, "2025-09-04", "2025-09-05", "UTC", "2025-09-05T03:00:00Z"),
		pipeline.Entry{Kind: pipeline.EntryBegin, Window: calendar.Window{Span: mustSpan(t, "2025-09-04", "2025-09-05"), Zone: "UTC"}, ReadAt: mustInstant(t, "2025-09-06")},
	)
	now := mustInstant(t, "2025-09-07T12:00:00Z")
	got, err := Waivable(s, l, Selection{From: "2025-08-31", To: "2025-09-30"}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2025-08-31/2025-09-01", "2025-09-02/2025-09-03", "2025-09-04/2025-09-07"}
	if !slices.Equal(briefSpans(got), want) {
		t.Errorf("waives %v, want %v", briefSpans(got), want)
	}
	for _, w := range got {
		l.Apply(pipeline.Entry{Kind: pipeline.EntryWaive, Window: calendar.Window{Span: w, Zone: "UTC"}, Note: "deleted by the vendor"})
	}
	if again, err := Waivable(s, l, Selection{From: "2025-08-31", To: "2025-09-30"}, now); err != nil || len(again) != 0 {
		t.Errorf("waives again %v, %v", again, err)
	}
	p := mustPlan(t, s, l, Selection{}, now)
	if len(p.Windows) != 0 || p.Watermark != mustInstant(t, "2025-09-07") {
		t.Errorf("after the waiver: watermark %v, planned %v", p.Watermark, planned(p))
	}
	s.DueSettled = true
	if got, err = Waivable(s, pipeline.NewLedger(), Selection{From: "2025-09-06", To: "2025-09-06"}, mustInstant(t, "2025-09-07T01:00:00Z")); err != nil || len(got) != 0 {
		t.Errorf("waives %v, %v of a day that is not due yet", got, err)
	}
	for _, sel := range []Selection{{}, {From: "2025-09-01"}, {To: "2025-09-01"}, {From: "2025-09-01", To: "soon"}} {
		if _, err := Waivable(s, l, sel, now); pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%v gives %v", sel, err)
		}
	}
}

func TestStatus(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From = "2025-09-01"
	now := mustInstant(t, "2025-09-10T12:00:00Z")

	st := Status(s, pipeline.NewLedger(), now, Kept{})
	if st.Stream != "ucontact.agents" || st.Account != pipeline.DefaultAccount || st.Table != "activity" || st.Open != 9 ||
		st.Watermark != nil || st.LagSeconds != nil || st.LastCommit != nil || st.Rows != 0 {
		t.Errorf("a stream never synced: %+v", st)
	}

	provisional := read(t, "2025-09-07", "2025-09-08", "UTC", "2025-09-08T00:30:00Z")
	provisional.Settled = false
	st = Status(s, fold(
		read(t, "2025-09-01", "2025-09-02", "UTC", "2025-09-10T11:00:00Z"),
		read(t, "2025-09-02", "2025-09-03", "UTC", "2025-09-03T03:00:00Z"),
		pipeline.Entry{Kind: pipeline.EntryWaive, Window: calendar.Window{Span: mustSpan(t, "2025-09-03", "2025-09-05"), Zone: "UTC"}},
		read(t, "2025-09-06", "2025-09-07", "UTC", "2025-09-07T03:00:00Z"),
		provisional,
		read(t, "2025-09-08", "2025-09-09", "UTC", "2025-09-09T03:00:00Z"),
		pipeline.Entry{Kind: pipeline.EntryBegin, Window: calendar.Window{Span: mustSpan(t, "2025-09-08", "2025-09-09"), Zone: "UTC"}, ReadAt: now},
	), now, Kept{})
	if st.Settled != 3 || st.Provisional != 1 || st.Waived != 2 || st.Open != 3 || st.Rows != 50 {
		t.Errorf("counts: %+v", st)
	}
	if st.Watermark == nil || *st.Watermark != mustInstant(t, "2025-09-05") || *st.LagSeconds != 5*86400+12*3600 {
		t.Errorf("watermark %v, lag %v", st.Watermark, st.LagSeconds)
	}
	if st.LastCommit == nil || *st.LastCommit != mustInstant(t, "2025-09-10T11:00:00Z") {
		t.Errorf("last commit %v", st.LastCommit)
	}
	if !st.Configured || st.Failed != nil {
		t.Errorf("what failed behind the watermark does not hold it back: %+v", st)
	}
	failed := pipeline.Entry{Kind: pipeline.EntryFail, Window: calendar.Window{Span: mustSpan(t, "2025-09-02", "2025-09-03"), Zone: "UTC"}}
	if st = Status(s, fold(read(t, "2025-09-01", "2025-09-02", "UTC", "2025-09-02T03:00:00Z"), failed), now, Kept{}); st.Failed == nil || *st.Failed != failed.Window {
		t.Errorf("the watermark waits for a window that failed: %v", st.Failed)
	}
	s.From = "?"
	if st = Status(s, pipeline.NewLedger(), now, Kept{}); st.Watermark != nil || st.Open != 0 {
		t.Errorf("with a first day that cannot be read: %+v", st)
	}
}
