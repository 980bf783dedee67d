package engine_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
)

var cellFields = []pipeline.MappedField{{Name: "talk", Measure: true}, {Name: "hold", Measure: true}}

func cellField(name string) int {
	return slices.IndexFunc(cellFields, func(f pipeline.MappedField) bool { return f.Name == name })
}

// cells is lines "time id field=value …" of the fields talk and hold; a value with ? cannot be read, one without text is
// blank. A line "header field …" begins what is a table.
type cells struct{ lines }

func (cells) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	into.SetFields(cellFields)
	number := int64(0)
	for line := range strings.Lines(string(c.Data)) {
		words := strings.Fields(line)
		if words[0] == "header" {
			var others []string
			header := pipeline.NewFieldSet(len(cellFields))
			for _, name := range words[1:] {
				if f := cellField(name); f >= 0 {
					header.Add(f)
				} else {
					others = append(others, name)
				}
			}
			into.SetHeader(header, others)
			continue
		}
		number++
		at, err := time.Parse(time.RFC3339, words[0])
		if err != nil {
			into.Reject(pipeline.Reject{Row: number, At: pipeline.NoInstant, Reason: "no time", Raw: line})
			continue
		}
		into.String(pipeline.Events.Index("kind"), "call")
		into.String(pipeline.Events.Index("event_id"), words[1])
		into.String(pipeline.Events.Index("timezone"), "UTC")
		into.Instant(pipeline.Events.Index("started_at"), pipeline.InstantOf(at))
		filled, there := pipeline.NewFieldSet(len(cellFields)), pipeline.NewFieldSet(len(cellFields))
		for _, word := range words[2:] {
			name, value, _ := strings.Cut(word, "=")
			f := cellField(name)
			if f >= 0 {
				there.Add(f)
			} else {
				into.Other(name)
			}
			if f >= 0 && value != "" {
				filled.Add(f)
			}
			switch unread := strings.Contains(value, "?"); {
			case unread && f < 0:
				into.UnreadOther(name)
			case unread:
				into.Unread(f, number, pipeline.Shape([]byte(value)))
			}
		}
		into.Filled(filled, there)
		into.EndRow(pipeline.InstantOf(at), pipeline.Hash{})
	}
	return nil
}

func (cells) Lenient() pipeline.Format { return cells{} }

func TestD_UnreadableValuesCountForTheWindowOfTheirRow(t *testing.T) {
	const one = "2025-09-08T01:00:00Z a talk=? hold=1\n2025-09-07T01:00:00Z b talk=? other=?\nno row talk=?\n" +
		"2025-09-08T02:00:00Z c talk=1 hold=?\n--\n2025-09-08T03:00:00Z d talk=?\n2025-09-20T01:00:00Z outside talk=?\n"
	const two = "2025-09-08T01:00:00Z a talk=? hold=1\n2025-09-08T04:00:00Z e hold=?\n2025-09-07T01:00:00Z b talk=? other=?\n2025-09-09T04:00:00Z f talk=1\n"
	s := newScripted(said(map[string]string{"one": one, "two": two}), "one", "two")
	s.format = cells{}
	e, store := newEngine(t, s)
	sum := mustSync(t, e)
	if want := (pipeline.FieldCounts{"talk": 3, "hold": 2, "other": 1}); sum.Duplicate != 2 || sum.Outside != 1 || !maps.Equal(sum.Unreadable, want) {
		t.Errorf("the summary is %+v, want %v", sum, want)
	}
	want := []pipeline.FieldCounts{{"talk": 1, "other": 1}, {"talk": 2, "hold": 2}, nil}
	for i, entry := range entries(t, store, s) {
		if !maps.Equal(entry.Unreadable, want[i]) {
			t.Errorf("the ledger has %v of %s, want %v", entry.Unreadable, entry.Window, want[i])
		}
	}
	e.Select.Refetch = true
	if again := mustSync(t, e); again.Unchanged != 3 || !maps.Equal(again.Unreadable, sum.Unreadable) {
		t.Errorf("read again, the summary is %+v", again)
	}
}

func TestD_AFieldOfWhichTooMuchCannotBeReadFailsItsWindowAlone(t *testing.T) {
	tests := []struct {
		name             string
		unread, read     int
		share            float64
		wantRow, wantAll int // of the failure; 0: there is none
	}{
		{"four values tell nothing", 4, 0, 0.2, 0, 0},
		{"all of five", 5, 0, 0.2, 1, 5},
		{"exactly the share", 2, 8, 0.2, 0, 0},
		{"more than the share", 3, 9, 0.2, 10, 12},
		{"the share allows all", 9, 0, 1, 0, 0},
		{"the share allows none", 1, 9, 0, 10, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var text strings.Builder
			for i := range tt.read {
				fmt.Fprintf(&text, "2025-09-08T01:00:00Z r%d talk=1 hold=1\n", i)
			}
			for i := range tt.unread { // in two pieces, with a row of another window between
				fmt.Fprintf(&text, "2025-09-08T01:00:00Z u%d talk=?34s hold=1\n", i)
				if i == tt.unread/2 {
					text.WriteString("--\n2025-09-07T01:00:00Z other talk=?\n")
				}
			}
			s := newScripted(said(map[string]string{"company": text.String()}))
			s.format = cells{}
			e, store := newEngine(t, s)
			e.Health.MaxUnreadable = engine.RejectLimit{Share: tt.share, Setting: "THE_SHARE"}
			sum, err := e.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := sum.Streams[0]
			if tt.wantRow == 0 {
				if sum.Exit != pipeline.ExitDone || got.Unreadable["talk"] != int64(tt.unread+1) {
					t.Errorf("exit %d, %+v", sum.Exit, got)
				}
				return
			}
			if sum.Exit != pipeline.ExitFailed || got.Failed != 1 || got.Committed != 2 || len(entries(t, store, s)) != 2 || got.Unreadable["talk"] != 1 {
				t.Fatalf("exit %d, %+v", sum.Exit, got)
			}
			f := got.Errors[0]
			want := fmt.Sprintf("talk cannot be read in %d of the %d rows that have it, more than the share of %g that THE_SHARE allows; the first is row %d, a value of the shape ?99a (",
				tt.unread, tt.wantAll, tt.share, tt.wantRow)
			if f.ErrorKind != "unreadable_field" || !strings.Contains(f.Message, want) || f.Remedy != pipeline.GiveUp || f.WindowStart.String() != "2025-09-08T00:00:00Z" {
				t.Errorf("the failure is %+v, want %q", f, want)
			}
		})
	}
}

// cellRows are n rows of a day, and what stands in each of them.
func cellRows(day, n int, cells string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "2025-09-%02dT01:00:00Z r%d %s\n", day, i, cells)
	}
	return text.String()
}

// syncDay reads one day that is answered with a text.
func syncDay(t *testing.T, e *engine.Engine, s *scripted, day int, text string) (pipeline.Summary, []engine.Event) {
	t.Helper()
	s.answer = said(map[string]string{"company": text})
	date := fmt.Sprintf("2025-09-%02d", day)
	e.Select.From, e.Select.To, e.Select.Refetch = date, date, true
	var events []engine.Event
	var mu sync.Mutex
	e.Observe = func(ev engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, ev)
	}
	sum, err := e.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum, events
}

func TestD_AWindowThatLacksAFieldOfTheLastOneFails(t *testing.T) {
	const whole = "talk=1 hold=2"
	tests := []struct {
		name, first, second string
		says                string // of the failure; empty: there is none
	}{
		{"a table whose header lacks one", "header talk hold\n" + cellRows(7, 3, whole), "header hold talked\n" + cellRows(8, 1, "hold=2 talked=1"), "the header lacks talk, which the stream's last window with rows had; new in it: talked"},
		{"a table with a blank column", "header talk hold\n" + cellRows(7, 3, whole), "header talk hold\n" + cellRows(8, 30, "hold=2"), ""},
		{"a table that never had it", "header hold\n" + cellRows(7, 3, "hold=2"), "header hold\n" + cellRows(8, 30, "hold=2"), ""},
		{"a table without rows", "header talk hold\n" + cellRows(7, 3, whole), "header hold\n", ""},
		{"none of twenty rows has it", cellRows(7, 3, whole), cellRows(8, 20, "hold=2"), "none of 20 rows has talk, which the stream's last window with rows had"},
		{"none of nineteen rows has it", cellRows(7, 3, whole), cellRows(8, 19, "hold=2"), ""},
		{"one of twenty rows has it", cellRows(7, 3, whole), cellRows(8, 19, "hold=2") + "--\n" + cellRows(8, 1, whole), ""},
		{"twenty rows have it blank", cellRows(7, 3, whole), cellRows(8, 20, "talk= hold=2"), ""},
		{"the days in one report", "", cellRows(7, 3, whole) + cellRows(8, 20, "hold=2"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScripted(nil)
			s.format = cells{}
			e, store := newEngine(t, s)
			e.Health.DriftSetting = "THE_DRIFT=warn"
			if sum, _ := syncDay(t, e, s, 7, tt.first); sum.Exit != pipeline.ExitDone {
				t.Fatalf("the first day: %+v", sum)
			}
			sum, _ := syncDay(t, e, s, 8, tt.second)
			if tt.says == "" {
				if sum.Exit != pipeline.ExitDone || len(sum.Streams[0].Warnings) > 0 {
					t.Errorf("%+v", sum)
				}
				return
			}
			failed := sum.Streams[0].Errors
			if sum.Exit != pipeline.ExitFailed || len(failed) != 1 || failed[0].ErrorKind != "drift" ||
				!strings.Contains(failed[0].Message, tt.says) || !strings.Contains(failed[0].Message, "THE_DRIFT=warn") {
				t.Fatalf("%+v, want %q", sum, tt.says)
			}
			if got := entries(t, store, s); len(got) != 1 {
				t.Errorf("%d windows are committed", len(got))
			}
			// A word takes it in, and from then on nobody speaks of it.
			e.Health.DriftWarns = true
			sum, events := syncDay(t, e, s, 8, tt.second)
			if w := sum.Streams[0].Warnings; sum.Exit != pipeline.ExitDone || len(w) != 1 || w[0].Kind != pipeline.WarnDrift || !strings.Contains(w[0].Message, tt.says) ||
				!slices.ContainsFunc(events, func(ev engine.Event) bool { return ev.Kind == engine.EventUnusual && ev.Warning == w[0] }) {
				t.Errorf("with a word: %+v", sum)
			}
			syncDay(t, e, s, 8, tt.second) // what brings nothing new is told once
			if told := driftsTold(t, store); len(told) != 1 || told[0].Window.Start.String() != "2025-09-08T00:00:00Z" || !strings.Contains(told[0].Hint, tt.says) {
				t.Errorf("the history tells %+v", told)
			}
			e.Health.DriftWarns = false
			if sum, _ := syncDay(t, e, s, 9, strings.ReplaceAll(tt.second, "-08T", "-09T")); sum.Exit != pipeline.ExitDone || len(sum.Streams[0].Warnings) > 0 {
				t.Errorf("the day after: %+v", sum)
			}
		})
	}
}

// What came under names that nobody knows may be what is missed, under its new name.
func TestG_WhatCameInsteadOfAMissedFieldIsNamed(t *testing.T) {
	s := newScripted(said(map[string]string{"company": cellRows(7, 3, "talk=1 tempo=2")}))
	s.format = cells{}
	s.asked = pipeline.AskedFields{Names: []string{"pace"}, Setting: "THE_METRICS"}
	e, _ := newEngine(t, s)
	sum := syncDays(t, e, 7, 7)
	if errs := sum.Streams[0].Errors; len(errs) != 1 || !strings.Contains(errs[0].Message, "has pace, which was asked for by name; found instead: tempo (") {
		t.Errorf("%+v", errs)
	}
}

// A run tells of windows that lack alike in one warning, the history of each.
func TestD_TheHistoryTellsOfEachWindowThatWasTakenInWithoutAField(t *testing.T) {
	s := newScripted(nil)
	s.format = cells{}
	s.asked = pipeline.AskedFields{Names: []string{"pace"}, Setting: "THE_METRICS"}
	e, store := newEngine(t, s)
	e.Health.DriftWarns = true
	s.answer = said(map[string]string{"company": cellRows(7, 3, "talk=1") + cellRows(8, 3, "talk=1")})
	if w := syncDays(t, e, 7, 8).Streams[0].Warnings; len(w) != 1 {
		t.Errorf("%d warnings", len(w))
	}
	var days []string
	for _, row := range driftsTold(t, store) {
		days = append(days, row.Window.Start.String()+": "+row.Hint)
	}
	want := []string{"2025-09-07T00:00:00Z: no row of 3 has pace, which was asked for by name", "2025-09-08T00:00:00Z: no row of 3 has pace, which was asked for by name"}
	if !slices.Equal(days, want) {
		t.Errorf("the history tells %q", days)
	}
}

// driftsTold are the rows of the history that tell of a drift.
func driftsTold(t *testing.T, store pipeline.Store) (told []pipeline.HistoryRow) {
	t.Helper()
	for row, err := range store.(pipeline.HistoryReader).History(t.Context(), nil, calendar.Span{Start: math.MinInt64, End: math.MaxInt64}) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Kind == pipeline.HistoryWarned && row.Warning == pipeline.WarnDrift {
			told = append(told, row)
		}
	}
	return told
}

// Whichever answer comes first: each waits for the answer of the other day.
func TestD_TheWindowsOfARunAreHeldAgainstEachOtherInTheOrderOfTime(t *testing.T) {
	const all, some = "talk=1 hold=2", "hold=2"
	for _, tt := range []struct {
		name   string
		ledger map[int]string // by day: what earlier runs have read
		run    map[int]string // and what this one reads
		fails  string         // the days that do
	}{
		{"a new stream", nil, map[int]string{7: all, 8: some, 9: some}, "8 9"},
		{"the day before had less", map[int]string{6: some}, map[int]string{7: all, 8: some}, "8"},
		{"the day before had it", map[int]string{6: all}, map[int]string{7: some, 8: all, 9: some}, "7 9"},
		{"it comes", map[int]string{6: some}, map[int]string{7: some, 8: all}, ""},
		{"a day of the ledger stands between", map[int]string{8: all}, map[int]string{7: some, 9: some}, "9"},
		{"days read again", map[int]string{7: all, 8: all}, map[int]string{7: some, 8: some, 9: some}, "7 8 9"},
		{"an earlier day, older than the field", map[int]string{8: all}, map[int]string{6: some, 7: some}, ""},
		{"an earlier day, not older than it", map[int]string{5: all, 8: all}, map[int]string{6: some, 7: some}, "6 7"},
		{"an earlier day that itself had it", map[int]string{6: all, 8: all}, map[int]string{6: some}, "6"},
		{"the last one lacks it", map[int]string{5: all, 7: all}, map[int]string{6: all}, ""},
		{"drift among earlier days", map[int]string{9: some}, map[int]string{6: all, 7: some}, "7"},
		{"a header of an earlier day is of today", map[int]string{8: "header " + all}, map[int]string{6: "header " + some, 7: "header " + some}, "6 7"},
	} {
		for _, reverse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the last answer first: %v", tt.name, reverse), func(t *testing.T) {
				t.Parallel()
				s := newScripted(nil)
				s.format, s.apart = cells{}, true
				e, _ := newEngine(t, s)
				for _, day := range slices.Sorted(maps.Keys(tt.ledger)) {
					if sum, _ := syncDay(t, e, s, day, dayOfCells(day, tt.ledger[day])); sum.Exit != pipeline.ExitDone {
						t.Fatalf("before: %+v", sum)
					}
				}
				days := slices.Sorted(maps.Keys(tt.run))
				if reverse {
					slices.Reverse(days)
				}
				answered := make(map[int]chan struct{})
				for _, day := range days {
					answered[day] = make(chan struct{})
				}
				s.answer = func(ctx context.Context, r pipeline.Request, yield func(string) error) error {
					day := r.Span.Start.Time().Day()
					at := slices.Index(days, day)
					if at < 0 {
						return yield("")
					}
					if at > 0 {
						select {
						case <-answered[days[at-1]]:
						case <-ctx.Done():
						}
					}
					defer close(answered[day])
					return yield(dayOfCells(day, tt.run[day]))
				}
				var failed []string
				for _, f := range syncDays(t, e, slices.Min(days), slices.Max(days)).Streams[0].Errors {
					if f.ErrorKind != "drift" {
						t.Errorf("%+v", f)
					}
					failed = append(failed, fmt.Sprint(f.WindowStart.Time().Day()))
				}
				if got := strings.Join(failed, " "); got != tt.fails {
					t.Errorf("the days %s fail, want %s", got, tt.fails)
				}
			})
		}
	}
}

// dayOfCells are twenty rows of a day. Of what begins with header each name is in the header.
func dayOfCells(day int, cells string) string {
	rows, table := strings.CutPrefix(cells, "header ")
	if !table {
		return cellRows(day, 20, cells)
	}
	var names []string
	for _, cell := range strings.Fields(rows) {
		name, _, _ := strings.Cut(cell, "=")
		names = append(names, name)
	}
	return "header " + strings.Join(names, " ") + "\n" + cellRows(day, 20, rows)
}

// syncDays reads days again.
func syncDays(t *testing.T, e *engine.Engine, from, to int) pipeline.Summary {
	t.Helper()
	e.Select.From, e.Select.To, e.Select.Refetch = fmt.Sprintf("2025-09-%02d", from), fmt.Sprintf("2025-09-%02d", to), true
	sum, err := e.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestD_TheWindowsOfAReportAreHeldAgainstEachOther(t *testing.T) {
	s := newScripted(nil)
	s.format = cells{}
	e, _ := newEngine(t, s)
	s.answer = said(map[string]string{"company": cellRows(9, 20, "hold=2") + cellRows(7, 20, "talk=1 hold=2") + cellRows(8, 19, "hold=2")})
	failed := syncDays(t, e, 7, 9).Streams[0].Errors
	if len(failed) != 1 || failed[0].ErrorKind != "drift" || failed[0].WindowStart.Time().Day() != 9 {
		t.Errorf("%+v", failed)
	}
}

func TestD_FewRowsDoNotMakeAFieldForgotten(t *testing.T) {
	s := newScripted(nil)
	s.format = cells{}
	e, _ := newEngine(t, s)
	syncDay(t, e, s, 7, cellRows(7, 30, "talk=1 hold=2"))
	if sum, _ := syncDay(t, e, s, 8, cellRows(8, 2, "hold=2")); sum.Exit != pipeline.ExitDone {
		t.Errorf("two rows: %+v", sum)
	}
	if sum, _ := syncDay(t, e, s, 9, cellRows(9, 30, "hold=2")); sum.Exit != pipeline.ExitFailed {
		t.Errorf("thirty rows after two: %+v", sum)
	}
	s.digest = "others" // under other settings nothing is expected
	if sum, _ := syncDay(t, e, s, 9, cellRows(9, 30, "hold=2")); sum.Exit != pipeline.ExitDone {
		t.Errorf("under other settings: %+v", sum)
	}
}

func TestD_NewFieldsAreToldOnce(t *testing.T) {
	for _, head := range []string{"", "header talk hold mood "} {
		s := newScripted(nil)
		s.format = cells{}
		e, _ := newEngine(t, s)
		told := func(day int, cells string) (list []string) {
			text := cellRows(day, 3, cells)
			if head != "" {
				header := head
				if strings.Contains(cells, "ana@example.com") {
					header += "pace ana@example.com"
				}
				text = header + "\n" + text
			}
			sum, events := syncDay(t, e, s, day, text)
			if sum.Exit != pipeline.ExitDone {
				t.Fatalf("%+v", sum)
			}
			for _, ev := range events {
				if ev.Kind == engine.EventNewFields {
					list = append(list, ev.Text)
				}
			}
			return list
		}
		const before, after = "talk=1 hold=1 mood=x", "talk=1 hold=1 mood=x pace=3 ana@example.com=1"
		if got := told(7, before); got != nil {
			t.Errorf("the first window tells %q", got)
		}
		if got := told(8, after); len(got) != 1 || got[0] != "aaa@aaaaaaa.aaa, pace" {
			t.Errorf("new fields are told as %q", got)
		}
		for day, cells := range map[int]string{9: after, 8: after, 7: before} {
			if got := told(day, cells); got != nil {
				t.Errorf("day %d tells again of %q", day, got)
			}
		}
	}
}
