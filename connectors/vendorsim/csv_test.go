package vendorsim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFileStylesHoldTheSameRows(t *testing.T) {
	c := start(t, Options{Dialpad: DialpadOptions{Limits: DialpadLimits{Rate: -1}}})
	c.w.SetNow(noon)
	const body = `{"export_type":"records","stat_type":"calls","timezone":"America/Chicago","days_ago_start":1,"days_ago_end":4}`
	file := func(style CSVStyle) string {
		c.w.Set(func(o *Options) { o.Dialpad.CSV = style })
		c.w.DropCache()
		return c.stats(body)
	}
	plain := records(t, file(CSVStyle{}))
	key := func(rows [][]string) []string {
		ids := make([]string, 0, len(rows))
		for _, r := range rows[1:] {
			ids = append(ids, r[1])
		}
		slices.Sort(ids)
		return ids
	}
	for _, x := range []struct {
		says  string
		style CSVStyle
		looks func(text string) bool
	}{
		{"a byte order mark", CSVStyle{BOM: true}, func(s string) bool { return strings.HasPrefix(s, "\ufeffdate_started,") }},
		{"CRLF line ends", CSVStyle{CRLF: true}, func(s string) bool { return strings.Contains(s, "is_internal\r\n") }},
		{"every cell quoted", CSVStyle{QuoteAll: true}, func(s string) bool { return strings.HasPrefix(s, `"date_started","call_id"`) }},
		{"added columns", CSVStyle{ExtraColumns: []string{"mood"}}, func(s string) bool { return strings.Contains(s, "is_internal,mood\n") }},
		{"a missing column", CSVStyle{DropColumn: "name"}, func(s string) bool { return strings.Contains(s, "target_type,email") }},
		{"days mixed", CSVStyle{Shuffle: true}, func(s string) bool {
			return strings.Count(s[:len(s)/20], "\n2025-11-08 ")*2 < strings.Count(s[:len(s)/20], "\n2025-11")
		}},
	} {
		text := file(x.style)
		if !x.looks(text) {
			t.Errorf("%s: %.80q", x.says, text)
		}
		if !slices.Equal(key(records(t, text)), key(plain)) {
			t.Errorf("%s: other rows", x.says)
		}
	}
	if text := file(CSVStyle{Spill: time.Hour}); len(records(t, text)) <= len(plain) {
		t.Error("no rows of other days")
	}
	if text := file(CSVStyle{ShiftDays: -1}); !strings.Contains(text, "\n2025-11-07 ") || strings.Contains(text, "\n2025-11-11 ") {
		t.Error("the days are not shifted")
	}
	c.w.Edit(Edit{From: noon.AddDate(0, -2, 0), To: noon, Vanish: true})
	if text := file(CSVStyle{}); strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "date_started,") {
		t.Errorf("an empty report: %.80q", text)
	}
	if text := file(CSVStyle{BlankBody: true}); text != "" {
		t.Errorf("a blank report: %.80q", text)
	}
}

func TestNaiveTimesHideTheRepeatedHour(t *testing.T) {
	d := New(Options{CallsPerDay: 500}).Data()
	from, to := Day(2025, 11, 2, d.DialpadZone)
	seen := map[string]int{}
	for r := range d.Calls(Company(), from, to) {
		local := r.Started.In(d.DialpadZone)
		if local.Hour() == 1 {
			seen[local.Format("MST")]++
		}
	}
	if to.Sub(from) != 25*time.Hour || seen["CDT"] == 0 || seen["CST"] == 0 {
		t.Errorf("a day of %v with %v in its repeated hour", to.Sub(from), seen)
	}
}
