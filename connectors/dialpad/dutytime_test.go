package dialpad

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

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
