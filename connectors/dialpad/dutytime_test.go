package dialpad

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
)

// dutyRow is a change of status as the vendor's file has it, in UTC.
type dutyRow struct {
	at                    string
	record, agent, status string
}

func dutyDocument(rows ...dutyRow) string {
	var list []map[string]string
	for _, r := range rows {
		list = append(list, map[string]string{"date": r.at, "record_id": r.record, "target_id": r.agent, "on_duty_status": r.status, "name": "Agent " + r.agent, "timezone": "UTC"})
	}
	return document("date,record_id,target_id,on_duty_status,name,timezone", list...)
}

// dutyTimes reduces documents, and returns the seconds by agent, day and status, and how many rows were read.
func dutyTimes(t *testing.T, w pipeline.Window, documents ...string) (lines []string, read int64) {
	t.Helper()
	reducer := dutyTime.New([]pipeline.Window{w})
	f := formatOf("onduty_time", "")
	for _, doc := range documents {
		b := pipeline.NewBatch(pipeline.Events)
		for chunk, err := range f.Split(strings.NewReader(doc), 200) { // rows come in several batches
			if err == nil {
				err = f.Decode(meta("company"), chunk, b)
			}
			if err == nil {
				err = b.Finish()
			}
			if err == nil {
				err = reducer.Add(meta("company"), b)
			}
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
			b = pipeline.NewBatch(pipeline.Events)
		}
		b.Release()
	}
	into := pipeline.NewBatch(pipeline.Activity)
	defer into.Release()
	read, err := reducer.Reduce(w, into)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range connectortest.Rows(t, into) {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", row["resource_id"], row["interval_start"][:10], row["status"], row["status_seconds"]))
	}
	return lines, read
}

func utcDays(first string, n int) pipeline.Window {
	start := instant(first + "T00:00:00Z")
	return pipeline.Window{Span: pipeline.Span{Start: start, End: start + pipeline.Instant(n)*24*3600*1e6}, Zone: "UTC"}
}

func TestTheTimeInAStatus(t *testing.T) {
	for _, c := range []struct {
		says string
		rows []dutyRow
		want []string
		read int64
	}{
		{"before the first known status nothing is counted", []dutyRow{{"2025-09-08 18:00:00", "1", "7", "available"}}, []string{"7 2025-09-08 available 21600"}, 1},
		{"the day before says how the day begins", []dutyRow{{"2025-09-07 23:59:59", "1", "7", "busy"}, {"2025-09-08 01:00:00", "2", "7", "wrapup"}},
			[]string{"7 2025-09-08 busy 3600", "7 2025-09-08 wrapup 82800"}, 1},
		{"an earlier day does not", []dutyRow{{"2025-09-06 23:59:59", "1", "7", "busy"}}, nil, 0},
		{"a later day says nothing", []dutyRow{{"2025-09-09 00:00:00", "1", "7", "busy"}}, nil, 0},
		{"a status that begins with the day leaves none of the day before", []dutyRow{{"2025-09-07 23:00:00", "1", "7", "busy"}, {"2025-09-08 00:00:00", "2", "7", "available"}},
			[]string{"7 2025-09-08 available 86400"}, 1},
		{"what follows an end is unknown, and so is what has no name", []dutyRow{
			{"2025-09-08 00:00:00", "1", "7", "occupied"}, {"2025-09-08 06:00:00", "2", "7", "occupied-end"}, {"2025-09-08 12:00:00", "3", "7", "Wrapup"},
			{"2025-09-08 13:00:00", "4", "7", "wrapup-end"}, {"2025-09-08 14:00:00", "5", "7", ""},
		}, []string{"7 2025-09-08 occupied 21600", "7 2025-09-08 unknown 61200", "7 2025-09-08 wrapup 3600"}, 5},
		{"after unavailable it is unavailable", []dutyRow{{"2025-09-07 12:00:00", "1", "7", "unavailable"}}, []string{"7 2025-09-08 unavailable 86400"}, 0},
		{"of changes at one instant the greatest record is the last", []dutyRow{
			{"2025-09-08 12:00:00", "100", "7", "busy"}, {"2025-09-08 12:00:00", "99", "7", "available"}, {"2025-09-08 12:00:00", "0098", "7", "wrapup"},
		}, []string{"7 2025-09-08 busy 43200"}, 3},
		{"two centres tell one change", []dutyRow{{"2025-09-08 12:00:00", "1", "7", "busy"}, {"2025-09-08 12:00:00", "2", "7", "busy"}, {"2025-09-08 12:00:00", "2", "7", "busy"}},
			[]string{"7 2025-09-08 busy 43200"}, 1},
		{"agents do not mix", []dutyRow{{"2025-09-08 12:00:00", "1", "7", "busy"}, {"2025-09-08 18:00:00", "2", "77", "available"}},
			[]string{"7 2025-09-08 busy 43200", "77 2025-09-08 available 21600"}, 2},
	} {
		got, read := dutyTimes(t, utcDays("2025-09-08", 1), dutyDocument(c.rows...))
		slices.Sort(got)
		if !slices.Equal(got, c.want) || read != c.read {
			t.Errorf("%s: %q of %d rows, want %q of %d", c.says, got, read, c.want, c.read)
		}
	}
}

// Whatever the order of rows, the number of reports and the length of windows, each day has the same rows, and no
// agent more time than the day.
func TestTheTimeInAStatusDoesNotDependOnHowItIsRead(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	statuses := []string{"available", "busy", "occupied", "occupied-end", "unavailable", "wrapup", "wrapup-end", ""}
	for range 50 {
		rows := make([]dutyRow, rng.IntN(60))
		for i := range rows {
			rows[i] = dutyRow{
				fmt.Sprintf("2025-09-%02d %02d:00:00", 6+rng.IntN(6), rng.IntN(24)), fmt.Sprint(1 + rng.IntN(200)), fmt.Sprint(1 + rng.IntN(3)), statuses[rng.IntN(len(statuses))],
			}
		}
		whole, read := dutyTimes(t, utcDays("2025-09-08", 3), dutyDocument(rows...))
		var days []string
		var sum int64
		for _, day := range []string{"2025-09-08", "2025-09-09", "2025-09-10"} {
			rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			half := len(rows) / 2
			lines, n := dutyTimes(t, utcDays(day, 1), dutyDocument(rows[:half]...), dutyDocument(rows...))
			days, sum = append(days, lines...), sum+n
			most := map[string]float64{}
			for _, line := range lines {
				var agent, date, status string
				var seconds float64
				if _, err := fmt.Sscan(line, &agent, &date, &status, &seconds); err != nil || seconds <= 0 {
					t.Fatalf("%q: %v", line, err)
				}
				if most[agent] += seconds; most[agent] > 86400 {
					t.Errorf("%s has %v seconds", agent, most[agent])
				}
			}
		}
		slices.Sort(whole)
		slices.Sort(days)
		if !slices.Equal(whole, days) || read != sum {
			t.Fatalf("of %v: day by day %q of %d rows, at once %q of %d", rows, days, sum, whole, read)
		}
	}
}

// plainDutyTimes is the rule, minute by minute: in each minute of a day an agent has the status of the last change on that
// day or the day before, of changes at one instant that of the greatest record. Rows are of whole minutes, in UTC.
func plainDutyTimes(t *testing.T, loc *time.Location, w pipeline.Window, rows []dutyRow) (lines []string, read int64) {
	t.Helper()
	type change struct {
		at     time.Time
		record int
		status string
	}
	agents, seen := map[string][]change{}, map[string]bool{}
	for _, r := range rows {
		at, err := time.Parse(time.DateTime, r.at)
		if err != nil {
			t.Fatal(err)
		}
		record, err := strconv.Atoi(r.record)
		if err != nil {
			t.Fatal(err)
		}
		status := strings.ToLower(r.status)
		if status == "" || status == "occupied-end" || status == "wrapup-end" {
			status = "unknown"
		}
		agents[r.agent] = append(agents[r.agent], change{at, record, status})
		if key := r.agent + r.at + status; !seen[key] && w.Has(pipeline.InstantOf(at)) {
			seen[key] = true
			read++
		}
	}
	year, month, day := w.Start.In(loc).Date()
	start, end, before := w.Start.Time(), w.End.Time(), time.Date(year, month, day-1, 0, 0, 0, 0, loc)
	for agent, changes := range agents {
		seconds := map[string]int{}
		for minute := start; minute.Before(end); minute = minute.Add(time.Minute) {
			var last *change
			for i := range changes {
				c := &changes[i]
				if c.at.After(minute) || c.at.Before(before) {
					continue
				}
				if last == nil || c.at.After(last.at) || c.at.Equal(last.at) && c.record > last.record {
					last = c
				}
			}
			if last != nil {
				seconds[last.status] += 60
			}
		}
		for status, n := range seconds {
			lines = append(lines, fmt.Sprintf("%s %s %s %d", agent, start.UTC().Format(time.DateOnly), status, n))
		}
	}
	slices.Sort(lines)
	return lines, read
}

// Days of 23, 24 and 25 hours, changes around midnights, at equal instants, told by several centres, with the day before
// missing.
func TestTheTimeInAStatusIsThatOfThePlainRule(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	statuses := []string{"available", "busy", "Occupied", "occupied-end", "unavailable", "wrapup", "wrapup-end", "", "lunch"}
	for _, c := range []struct{ zone, first string }{
		{"America/New_York", "2025-11-01"}, {"America/New_York", "2025-03-08"}, {"Europe/Madrid", "2025-10-25"}, {"Asia/Kolkata", "2025-09-07"},
	} {
		loc := zone(t, c.zone)
		days := windowsOf(t, "1d", c.zone, c.first, 3)
		for range 12 {
			rows := make([]dutyRow, rng.IntN(40))
			for i := range rows {
				day := days[rng.IntN(len(days))]
				at := day.Start.Time().Add(time.Duration(rng.IntN(26*60)-30) * time.Minute)
				if rng.IntN(4) == 0 {
					at = day.Start.Time().Add(time.Duration(rng.IntN(3)-1) * time.Minute) // around midnight
				}
				rows[i] = dutyRow{at.UTC().Format(time.DateTime), strconv.Itoa(10 * (i + 1)), strconv.Itoa(1 + rng.IntN(2)), statuses[rng.IntN(len(statuses))]}
				if i > 0 && rng.IntN(4) == 0 {
					rows[i].at, rows[i].agent = rows[i-1].at, rows[i-1].agent // at one instant
				}
				if i > 0 && rng.IntN(5) == 0 {
					rows[i] = rows[i-1] // another centre's
				}
			}
			rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			for _, day := range days {
				got, read := dutyTimes(t, day, dutyDocument(rows...))
				slices.Sort(got)
				want, wantRead := plainDutyTimes(t, loc, day, rows)
				if !slices.Equal(got, want) || read != wantRead {
					t.Fatalf("%s of %v:\n got %q of %d rows\nwant %q of %d", day, rows, got, read, want, wantRead)
				}
			}
		}
	}
}

func TestTheReducerTellsWhatItKeeps(t *testing.T) {
	reducer := dutyTime.New(nil)
	b := pipeline.NewBatch(pipeline.Events)
	defer b.Release()
	for i := range 1000 {
		b.String(eventKind, "duty_status")
		b.String(eventID, fmt.Sprint(i))
		b.String(dutyAgent, "7")
		b.String(pipeline.Events.Index("timezone"), "UTC")
		b.EndRow(pipeline.Instant(i), pipeline.Hash{})
	}
	if err := b.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := reducer.Add(meta("company"), b); err != nil {
		t.Fatal(err)
	}
	if n := reducer.Bytes(); n < 50_000 || n > 500_000 {
		t.Errorf("%d bytes for 1000 changes", n)
	}
}
