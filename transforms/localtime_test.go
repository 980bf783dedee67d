package transforms

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestWallTimesAsVendorsWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"2025-09-08":                    "2025-09-08T00:00:00Z",
		"2025-09-08 10:11":              "2025-09-08T10:11:00Z",
		"2025-09-08 10:11:12":           "2025-09-08T10:11:12Z",
		"2025-09-08T10:11:12.5":         "2025-09-08T10:11:12.5Z",
		"2025-09-08 10:11:12.123456":    "2025-09-08T10:11:12.123456Z",
		"2025-09-08 10:11:12.123456789": "2025-09-08T10:11:12.123456Z",
		"2025-09-08T10:11:12Z":          "2025-09-08T10:11:12Z",
		"2025-09-08 10:11:12 UTC":       "2025-09-08T10:11:12Z",
		"2025-09-08 10:11:12+02:00":     "2025-09-08T08:11:12Z",
		"2025-09-08 10:11:12.5 -0530":   "2025-09-08T15:41:12.5Z",
		"2025-09-08T10:11+02":           "2025-09-08T08:11:00Z",
		" 2025-09-08 10:11:12 ":         "2025-09-08T10:11:12Z",
		"2024-02-29 00:00:00":           "2024-02-29T00:00:00Z",
		"1969-12-31 23:59:59.999999":    "1969-12-31T23:59:59.999999Z",
		"":                              "",
		"2025-09":                       "",
		"2025-9-8":                      "",
		"08.09.2025 10:11":              "",
		"2025-02-29":                    "",
		"2025-00-01":                    "",
		"2025-13-01":                    "",
		"2025-04-31":                    "",
		"0000-01-01":                    "",
		"2025-09-08x10:11:12":           "",
		"2025-09-08 24:00:00":           "",
		"2025-09-08 10:60:00":           "",
		"2025-09-08 10:11:60":           "",
		"2025-09-08 10:11:":             "",
		"2025-09-08 10:11:12.":          "",
		"2025-09-08 10:11:12 CET":       "",
		"2025-09-08 10:11:12+2":         "",
		"2025-09-08 10:11:12+02:0":      "",
		"2025-09-08 10:11:12+16:00":     "",
		"2025-09-08 1:11:12":            "",
		"20250908 10:11:12":             "",
		"2025-09-0८ 10:11:12":           "",
	} {
		z := (&zones{}).find([]byte("UTC"), nil)
		m, ok := z.resolve([]byte(text))
		if got := m.first.String(); ok != (want != "") || ok && (got != want || m.second != m.first) {
			t.Errorf("%q is %s, %v; want %q", text, got, ok, want)
		}
	}
}

func TestPromise09_LocalTimesAreResolvedByTheOrderOfTheirRow(t *testing.T) {
	const header = "id,kind,zone,started,queued,rang,connected,ended\n"
	const amb = `{"_time_ambiguous":[%s]}`
	for name, c := range map[string]struct {
		zone, times string // local times, of one day
		want        string // instants, blank where null
		extras      string
	}{
		"ordinary times":                           {"America/Chicago", "2025-09-08 10:00:00,,,2025-09-08 10:01:00.5,2025-09-08 10:02:00", "2025-09-08T15:00:00Z,,,2025-09-08T15:01:00.5Z,2025-09-08T15:02:00Z", ""},
		"one that occurs twice is the earlier":     {"America/Chicago", "2025-11-02 01:30:00,,,,", "2025-11-02T06:30:00Z,,,,", fmt.Sprintf(amb, `"started"`)},
		"the earlier unless the order forbids":     {"America/Chicago", "2025-11-02 01:30:00,2025-11-02 01:10:00,,,2025-11-02 01:20:00", "2025-11-02T06:30:00Z,2025-11-02T07:10:00Z,,,2025-11-02T07:20:00Z", fmt.Sprintf(amb, `"started","queued","ended"`)},
		"after one that occurs once":               {"America/Chicago", "2025-11-02 00:59:00,,2025-11-02 01:10:00,,2025-11-02 02:00:00", "2025-11-02T05:59:00Z,,2025-11-02T06:10:00Z,,2025-11-02T08:00:00Z", fmt.Sprintf(amb, `"rang"`)},
		"a row out of order keeps the earlier":     {"America/Chicago", "2025-11-02 00:30:00,2025-11-02 02:10:00,2025-11-02 01:10:00,,", "2025-11-02T05:30:00Z,2025-11-02T08:10:00Z,2025-11-02T06:10:00Z,,", fmt.Sprintf(amb, `"rang"`)},
		"a second before the first is rounding":    {"UTC", "2025-09-08 10:00:01,2025-09-08 10:00:00,,,2025-09-08 09:59:59.999", "2025-09-08T10:00:01Z,2025-09-08T10:00:00Z,,,", `{"ended":"2025-09-08 09:59:59.999"}`},
		"before the first, in the repeated hour":   {"America/Chicago", "2025-11-02 02:30:00,2025-11-02 01:10:00,,,", "2025-11-02T08:30:00Z,,,,", `{"queued":"2025-11-02 01:10:00"}`},
		"dates that stand for none":                {"UTC", "2025-09-08 10:00:00,0000-00-00 00:00:00,1970-01-01 00:00:00,1970-01-01,0000-00-00", "2025-09-08T10:00:00Z,,,,", ""},
		"one that never occurs moves forward":      {"America/Chicago", "2025-03-09 02:30:00,,,,2025-03-09 03:31:00", "2025-03-09T08:30:00Z,,,,2025-03-09T08:31:00Z", fmt.Sprintf(amb, `"started"`)},
		"half an hour put back":                    {"Australia/Lord_Howe", "2025-04-06 01:45:00,2025-04-06 01:40:00,,,", "2025-04-05T14:45:00Z,2025-04-05T15:10:00Z,,,", fmt.Sprintf(amb, `"started","queued"`)},
		"midnight put forward":                     {"America/Santiago", "2025-09-07 00:10:00,,,,", "2025-09-07T04:10:00Z,,,,", fmt.Sprintf(amb, `"started"`)},
		"an offset settles it":                     {"America/Chicago", "2025-11-02 01:30:00-06:00,,,,", "2025-11-02T07:30:00Z,,,,", ""},
		"another time that cannot be read is null": {"UTC", "2025-09-08 10:00:00,soon,,,", "2025-09-08T10:00:00Z,,,,", `{"queued":"soon"}`},
		"no zone of its own":                       {"", "2025-09-08 10:00:00,,,,", "2025-09-08T15:00:00Z,,,,", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := pipeline.Meta{Request: pipeline.Request{Zone: c.zone}, ResponseZone: "America/Chicago"}
			got, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &m, strings.NewReader(header+"1,call,"+c.zone+","+c.times+"\n"), 1<<20)
			if err != nil || len(got.rows) != 1 {
				t.Fatalf("got %+v, %v", got.rejects, err)
			}
			var times []string
			for _, col := range []string{"started_at", "queued_at", "rang_at", "connected_at", "ended_at"} {
				times = append(times, got.rows[0][col])
			}
			if s := strings.Join(times, ","); s != c.want || got.rows[0]["extras"] != c.extras {
				t.Errorf("got  %s %s\nwant %s %s", s, got.rows[0]["extras"], c.want, c.extras)
			}
			if got.times[0].String() != times[0] {
				t.Errorf("the row's time is %v", got.times[0])
			}
		})
	}
}

func TestATimeBesideTheOthersOnlyFollowsTheFirst(t *testing.T) {
	mapping := testMapping()
	mapping.Row = func(r *Row) {
		times := r.TimesBeside(tZone, 1, tStarted, tQueued, tEnded, tRang)
		r.At(times[0])
		for i, name := range []string{"started_at", "queued_at", "ended_at", "first_rang_at"} {
			r.SetInstant(pipeline.Events.Index(name), times[i])
		}
		r.SetString(pipeline.Events.Index("channel"), "voice")
	}
	for rang, want := range map[string]string{
		"2025-11-02 01:30:00": "2025-11-02T06:30:00Z", // before it was queued, and still in the first of the two hours
		"2025-11-02 01:10:00": "2025-11-02T07:10:00Z",
		"2025-11-02 01:50:00": "2025-11-02T06:50:00Z",
		"2025-11-02 00:50:00": "",
	} {
		got, err := load(t, NewCSV(mapping, pipeline.Policy{}), &testMeta, strings.NewReader("id,kind,zone,started,queued,ended,rang\n1,call,America/Chicago,2025-11-02 01:20:00,2025-11-02 01:40:00,2025-11-02 01:10:00,"+rang+"\n"), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		row := got.rows[0]
		if row["first_rang_at"] != want || row["queued_at"] != "2025-11-02T06:40:00Z" || row["ended_at"] != "2025-11-02T07:10:00Z" {
			t.Errorf("rang at %s: %v, want it at %s", rang, row, want)
		}
	}
}

// Rejects count as rows, and a row of an asked day is none.
func TestG_ABatchShowsItsFirstRowOutsideTheAskedDays(t *testing.T) {
	mapping := testMapping()
	asked := pipeline.Span{
		Start: pipeline.InstantOf(time.Date(2025, 9, 8, 0, 0, 0, 0, time.UTC)), End: pipeline.InstantOf(time.Date(2025, 9, 9, 0, 0, 0, 0, time.UTC)),
	}
	meta := testMeta
	meta.Days = &pipeline.AskedDays{Span: asked}
	for name, row := range map[string]func(r *Row){
		"Times": func(r *Row) {
			if times := r.Times(tZone, tStarted); times != nil {
				r.At(times[0])
			}
			r.SetString(pipeline.Events.Index("channel"), "voice")
		},
		"LocalDay": func(r *Row) {
			if day, ok := r.LocalDay(tZone, tStarted); ok {
				r.At(day.Start)
			}
			r.SetString(pipeline.Events.Index("channel"), "voice")
		},
	} {
		mapping.Row = row
		b := pipeline.NewBatch(pipeline.Events)
		text := "id,kind,zone,started\n1,call,UTC,2025-09-08 10:00:00\n2,call,UTC,never\n3,call,UTC,2025-09-10 00:10:00\n4,call,UTC,2025-09-07\n"
		for c, err := range NewCSV(mapping, pipeline.Policy{}).Split(strings.NewReader(text), 1<<20) {
			if err != nil {
				t.Fatal(err)
			}
			if err := NewCSV(mapping, pipeline.Policy{}).Decode(&meta, c, b); err != nil {
				t.Fatal(err)
			}
		}
		if want := (pipeline.Stray{Row: 3, Field: "started", Shape: "9999-99-99 99:99:99"}); b.Stray != want {
			t.Errorf("%s: %+v, want %+v", name, b.Stray, want)
		}
		b.Release()
		if again := pipeline.NewBatch(pipeline.Events); again.Stray.Row != 0 {
			t.Errorf("%s: a new batch shows %+v", name, again.Stray)
		}
	}
}

func TestEveryRowHasTheZoneOfItsWindow(t *testing.T) {
	day := func(from, zone string) pipeline.Window {
		start, err := time.Parse(time.RFC3339, from)
		if err != nil {
			t.Fatal(err)
		}
		at := pipeline.InstantOf(start)
		return pipeline.Window{Span: pipeline.Span{Start: at, End: at.Add(24 * time.Hour)}, Zone: zone}
	}
	// The first window was cut before the account's zone was changed.
	m := pipeline.Meta{Request: pipeline.Request{Zone: "America/Chicago", Windows: []pipeline.Window{
		day("2025-09-08T04:00:00Z", "America/New_York"), day("2025-09-09T05:00:00Z", "America/Chicago")}}}
	doc := "id,kind,zone,started\n" +
		"1,call,America/Chicago,2025-09-08 10:00:00\n2,call,America/Chicago,2025-09-09 10:00:00\n" +
		"3,call,CST,2025-09-09 10:00:00\n4,call,,2025-09-08 10:00:00\n5,call,UTC,2025-09-01 10:00:00\n"
	got, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &m, strings.NewReader(doc), 1<<20)
	if err != nil || len(got.rows) != 5 {
		t.Fatal(err, got.rejects)
	}
	for i, want := range [][2]string{
		{"America/New_York", `{"zone":"America/Chicago"}`},
		{"America/Chicago", ""},
		{"America/Chicago", `{"zone":"CST"}`},
		{"America/New_York", ""},
		{"America/New_York", `{"zone":"UTC"}`}, // outside of both
	} {
		if row := got.rows[i]; row["timezone"] != want[0] || row["extras"] != want[1] {
			t.Errorf("row %d is %v, want %v", i+1, row, want)
		}
	}
}

func TestADocumentNeedsAZone(t *testing.T) {
	for zone, kind := range map[string]pipeline.Kind{"": pipeline.Mismatch, "Local": pipeline.Mismatch, "Mars/Base": pipeline.Mismatch} {
		m := pipeline.Meta{ResponseZone: zone}
		_, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &m, strings.NewReader("id,started,kind\n1,2025-09-08,Call\n"), 1<<20)
		wantKind(t, err, kind, "zone")
	}
	m := pipeline.Meta{Request: pipeline.Request{Zone: "Europe/Berlin"}}
	got, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &m, strings.NewReader("id,started,kind\n1,2025-09-08,Call\n"), 1<<20)
	if err != nil || got.rows[0]["started_at"] != "2025-09-07T22:00:00Z" {
		t.Errorf("got %v, %v", got.rows, err)
	}
}
