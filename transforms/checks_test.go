package transforms

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// day is 24 hours, as instants count them.
const day = pipeline.Instant(24 * 3600 * 1e6)

// checkedFormats read the same rows of the activity table from both kinds of document, as a day of New York.
func checkedFormats() (csv, json pipeline.Format) {
	table := pipeline.Activity
	m := Mapping{
		Table: table,
		Fields: []Field{
			{Source: "id", Column: "resource_id", Conv: Digits},
			{Source: "name", Column: "resource_name"},
			{Source: "kind", Column: "resource_type"},
			{Source: "n", Column: "answered", Conv: Count},
			{Source: "s", Column: "talk_seconds", Conv: Number},
			{Source: "m", Column: "hold_seconds", Conv: Minutes},
			{Source: "mean", Column: "avg_handle_seconds", Conv: Number},
			{Source: "nps", Column: "nps", Conv: Number},
			{Source: "tz", Conv: Zone},
			{Source: "other", Conv: Digits},
			{Source: "waiting", Column: "backlog", Conv: Count, Snapshot: true},
		},
		Keys: []string{"id"},
		Row: func(r *Row) {
			if r.zone(8) == nil {
				return
			}
			span := r.Meta().Span
			r.At(span.Start)
			r.SetString(table.Index("channel"), "all")
			r.SetInstant(table.Index("interval_start"), span.Start)
			r.SetInstant(table.Index("interval_end"), span.End)
			if string(r.Raw(2)) == "agent" {
				r.Within(span)
			}
		},
	}
	return NewCSV(m, pipeline.Policy{}), NewJSON(m, JSONOptions{}, pipeline.Policy{})
}

// readChecked reads one row, of cells by name, from both kinds of document and returns it, or the reason of its reject.
func readChecked(t *testing.T, cells map[string]string) (row map[string]string, reason string) {
	t.Helper()
	names := []string{"id", "name", "kind", "n", "s", "m", "mean", "nps", "tz", "other", "waiting"}
	all := map[string]string{"id": "1", "kind": "agent", "tz": "America/New_York"}
	maps.Copy(all, cells)
	var csv, json strings.Builder
	csv.WriteString(strings.Join(names, ",") + "\n")
	json.WriteString("[{")
	for i, name := range names {
		if i > 0 {
			csv.WriteByte(',')
			json.WriteByte(',')
		}
		csv.WriteString(all[name])
		json.WriteString(`"` + name + `":"` + all[name] + `"`)
	}
	csv.WriteByte('\n')
	json.WriteString("}]")
	asCSV, asJSON := checkedFormats()
	read := func(f pipeline.Format, document string) (map[string]string, string) {
		d, err := decodeAs(&pipeline.Meta{Request: pipeline.Request{Zone: "America/New_York"}, Span: pipeline.Span{Start: 0, End: day}}, f, strings.NewReader(document), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.rejects) > 0 {
			return nil, d.rejects[0].Reason
		}
		row := d.rows[0]
		for _, name := range []string{"channel", "interval_start", "interval_end", "resource_type"} {
			delete(row, name)
		}
		return row, ""
	}
	row, reason = read(asCSV, csv.String())
	other, otherReason := read(asJSON, json.String())
	if !maps.Equal(row, other) || reason != otherReason {
		t.Errorf("of %v CSV gives %v, %q; JSON gives %v, %q", cells, row, reason, other, otherReason)
	}
	return row, reason
}

func TestC_APlaceholderIsBlankInEveryMappedColumnButNamesAndTexts(t *testing.T) {
	for _, p := range []string{"None", "NONE", "nan", "NaN", "null", "Null", "N/A", "n/a", "-", " n/a ", " - "} {
		row, reason := readChecked(t, map[string]string{"name": p, "n": p, "s": p, "m": p, "mean": p, "nps": p, "other": p, "waiting": p})
		if want := (map[string]string{"resource_id": "1", "resource_name": p, "timezone": "America/New_York"}); reason != "" || !maps.Equal(row, want) {
			t.Errorf("%q: got %v, %q", p, row, reason)
		}
		if _, reason := readChecked(t, map[string]string{"id": p}); reason != "id is blank" {
			t.Errorf("%q as a key: %q", p, reason)
		}
	}
	for _, p := range []string{"none of it", "nano", "--", "n-a", "nul", "N"} {
		row, _ := readChecked(t, map[string]string{"n": p})
		if row["extras"] != `{"n":"`+p+`"}` {
			t.Errorf("%q is no placeholder: %v", p, row)
		}
	}
}

func TestC_AnIDIsDigits(t *testing.T) {
	for text, want := range map[string]string{"12": "12", "12.0": "12", " 12 ": "12", "6529997769220096.0": "6529997769220096", "007": "007"} {
		if row, reason := readChecked(t, map[string]string{"id": text}); row["resource_id"] != want {
			t.Errorf("%q: got %v, %q", text, row, reason)
		}
	}
	for text, want := range map[string]string{
		"0": "id is blank", "0.0": "id is blank", "": "id is blank",
		"6.5E+15": "id is not a number of digits alone", "12.00": "id is not a number of digits alone", "=12": "id is not a number of digits alone",
		"-1": "id is not a number of digits alone", "Total": "id is not a number of digits alone", "1 2": "id is not a number of digits alone", ".0": "id is not a number of digits alone",
	} {
		if row, reason := readChecked(t, map[string]string{"id": text}); reason != want {
			t.Errorf("%q: got %v, %q; want %q", text, row, reason, want)
		}
	}
	if _, reason := readChecked(t, map[string]string{"other": "abc"}); reason != "other is not a number of digits alone" {
		t.Errorf("an id without a column: %q", reason)
	}
}

func TestC_CountsAndDurationsThatCannotBeTrueAreNullAndKept(t *testing.T) {
	for _, tt := range []struct {
		field, text, column, want string // want: the column's value; empty: null, and kept
		kind                      string
	}{
		{"n", "12", "answered", "12", ""},
		{"n", "12.0", "answered", "12", ""},
		{"n", "12.00", "answered", "12", ""},
		{"n", "1.000", "answered", "", ""},
		{"n", "0.000", "answered", "", ""},
		{"n", "-1", "answered", "", ""},
		{"n", "-0", "answered", "0", ""},
		{"s", "-0.5", "talk_seconds", "", ""},
		{"s", "86400", "talk_seconds", "86400", ""},
		{"s", "86401", "talk_seconds", "", ""},
		{"s", "86401", "talk_seconds", "86401", "campaign"},
		{"m", "1440", "hold_seconds", "86400", ""},
		{"m", "1440.1", "hold_seconds", "", ""},
		{"m", "1440.1", "hold_seconds", "86406", "department"},
		{"s", "24:00:01", "talk_seconds", "", ""},
		{"s", "0:02:51", "talk_seconds", "171", ""},
		{"m", "00:02:51.5", "hold_seconds", "171.5", ""},
		{"m", "1:00:00", "hold_seconds", "3600", ""},
		{"m", "99:99:99", "hold_seconds", "", ""},
		{"s", "1:60:00", "talk_seconds", "", ""},
		{"s", "1:00:60", "talk_seconds", "", ""},
		{"m", "-0:02:51", "hold_seconds", "", ""},
		{"m", "2:51", "hold_seconds", "", ""},
		{"mean", "90000", "avg_handle_seconds", "90000", ""}, // of a thing that may have begun before the interval
		{"mean", "-1", "avg_handle_seconds", "", ""},
		{"nps", "-100", "nps", "-100", ""},
		{"nps", "0:01:00", "nps", "", ""},
	} {
		cells := map[string]string{tt.field: tt.text}
		if tt.kind != "" {
			cells["kind"] = tt.kind
		}
		row, reason := readChecked(t, cells)
		kept := ""
		if tt.want == "" {
			kept = `{"` + tt.field + `":"` + tt.text + `"}`
		}
		if reason != "" || row[tt.column] != tt.want || row["extras"] != kept {
			t.Errorf("%s of %q, of a %q: got %v, %q", tt.field, tt.text, tt.kind, row, reason)
		}
	}
}

func TestC_AnAbbreviationOfTheAskedZoneIsTheAskedZone(t *testing.T) {
	start := pipeline.InstantOf(time.Date(2025, 9, 8, 4, 0, 0, 0, time.UTC))
	newYork := pipeline.Meta{Request: pipeline.Request{Zone: "America/New_York"}, Span: pipeline.Span{Start: start}}
	for name, want := range map[string]string{
		"EST": "America/New_York", "EDT": "America/New_York", "America/New_York": "America/New_York",
		"UTC": "UTC", "America/Chicago": "America/Chicago", "CST6CDT": "CST6CDT", "MST": "MST",
		"CST": "", "(GMT-05:00) Eastern Time": "", "Local": "", "Nowhere": "",
	} {
		z := (&zones{}).find([]byte(name), &newYork)
		switch {
		case z == nil && want != "":
			t.Errorf("%s is no zone, want %s", name, want)
		case z != nil && z.loc.String() != want:
			t.Errorf("%s is %s, want %q", name, z.loc, want)
		}
	}
	at, _ := (&zones{}).find([]byte("EST"), &newYork).resolve([]byte("2025-09-08 23:30:00"))
	if at.first.String() != "2025-09-09T03:30:00Z" || at.kind != calendar.LocalUnique {
		t.Errorf("EST in September: %v", at.first)
	}
}
