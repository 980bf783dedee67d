package chattonic

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

// readRows decodes an answer; rows are the columns that have a value.
func readRows(t *testing.T, f pipeline.Format, m pipeline.Meta, doc string) (rows []map[string]string, hashes []pipeline.Hash, rejects []pipeline.Reject, err error) {
	t.Helper()
	d, err := connectortest.Decode(t, f, pipeline.Activity, &m, doc)
	for i, r := range d.Rows {
		if at := d.Times[i].String(); r["interval_start"] != at {
			t.Errorf("the row of %s begins at %s", at, r["interval_start"])
		}
	}
	return d.Rows, d.Extras, d.Rejects, err
}

func instant(t *testing.T, s string) pipeline.Instant {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.InstantOf(v)
}

// dayOf describes an answer for a day of Buenos Aires, read an hour after its end.
func dayOf(t *testing.T) pipeline.Meta {
	t.Helper()
	m := pipeline.Meta{
		Span:         pipeline.Span{Start: instant(t, "2025-09-08T03:00:00Z"), End: instant(t, "2025-09-09T03:00:00Z")},
		ExtractedAt:  instant(t, "2025-09-09T04:00:00Z"),
		Group:        "%Y-%m-%d %H",
		ResponseZone: "UTC",
	}
	m.Request = pipeline.Request{Span: m.Span, Zone: "UTC", Resources: []string{"acme"}}
	return m
}

func late(t *testing.T, m pipeline.Meta) pipeline.Meta {
	t.Helper()
	m.ExtractedAt = instant(t, "2025-09-10T03:00:01Z")
	return m
}

func TestTheVendorsOperatorsSampleBecomesRows(t *testing.T) {
	rows, _, rejects, err := readRows(t, operatorsFormat(&Settings{prefix: Prefix, unit: "minutes"}, pipeline.Policy{}), dayOf(t), string(testdata.Read("chattonic/operators/vendor.json")))
	if err != nil || len(rejects) > 0 {
		t.Fatal(err, rejects)
	}
	common := map[string]string{
		"resource_type": "operator", "channel": "all", "timezone": "UTC", "interval_start": "2025-09-08T03:00:00Z", "interval_end": "2025-09-09T03:00:00Z",
		"assigned": "0", "resolved": "0", "away_seconds": "0", "free_seconds": "0", "handle_seconds": "0", "avg_resolution_seconds": "0",
		"nps_responses": "0", "in_progress": "0",
	}
	for i, w := range []map[string]string{
		{"resource_id": "5ed96d95aef725fdfb", "resource_name": "Chamo Sac2", "login_seconds": "0",
			"extras": "{\"name\":{\n\"givenName\": \"Chamo\",\n\"familyName\": \"Sac2\"\n},\"nps\":0,\"queryPending\":0,\"origins\":[\n\"5ed94dd1fdda89cee4cb61\"\n],\"profile\":500,\"originsName\":\"Tengo otro tipo de consultas\"}"},
		{"resource_id": "5f286ede4dbdcf209af", "resource_name": "Chamo Operator", "login_seconds": "28800",
			"extras": "{\"name\":{\n\"givenName\": \"Chamo\",\n\"familyName\": \"Operator\"\n},\"nps\":0,\"queryPending\":0,\"status\":\"online\",\"origins\":[],\"profile\":500,\"originsName\":\"all\"}"},
	} {
		for k, v := range common {
			w[k] = v
		}
		if !reflect.DeepEqual(rows[i], w) {
			t.Errorf("row %d is %q\nwant %q", i, rows[i], w)
		}
	}
}

func operators(rows string) string {
	return `{"status":true,"operators":[` + rows + `],"queryPending":3}`
}

func TestPromise05_OperatorFieldsAreLoadedKeptOrRejected(t *testing.T) {
	tests := []struct {
		name, unit string
		late       bool
		row        string
		want       map[string]string // some of the columns
	}{
		{"seconds as they are", "seconds", false, `{"_id":"1","onlineTime":480,"avgDurationResolved":1.5,"sumDuration":3}`,
			map[string]string{"login_seconds": "480", "avg_resolution_seconds": "1.5", "handle_seconds": "3", "extras": `{"queryPending":3}`}},
		{"minutes times 60", "minutes", false, `{"_id":"1","onlineTime":480,"awayTime":0.5,"freeTime":1}`,
			map[string]string{"login_seconds": "28800", "away_seconds": "30", "free_seconds": "60"}},
		{"no unit: no seconds, but the raw values", "", false, `{"_id":"1","onlineTime":480.0,"awayTime":1,"freeTime":2,"sumDuration":3,"avgDurationResolved":4}`,
			map[string]string{"login_seconds": "", "handle_seconds": "", "avg_resolution_seconds": "",
				"extras": `{"queryPending":3,"onlineTime":480.0,"awayTime":1,"freeTime":2,"sumDuration":3,"avgDurationResolved":4}`}},
		{"a score with its weight", "", false, `{"_id":"1","nps":-33.3,"numberOfResponsesNps":3}`, map[string]string{"nps": "-33.3", "nps_responses": "3", "extras": `{"queryPending":3}`}},
		{"the score of no answers is none", "", false, `{"_id":"1","nps":0.0,"numberOfResponsesNps":0.0}`, map[string]string{"nps": "", "nps_responses": "0", "extras": `{"nps":0.0,"queryPending":3}`}},
		{"queries in progress, read in time", "", false, `{"_id":"1","queryInProgress":4}`, map[string]string{"in_progress": "4", "extras": `{"queryPending":3}`}},
		{"queries in progress, read too late", "", true, `{"_id":"1","queryInProgress":4}`, map[string]string{"in_progress": "", "extras": `{"queryInProgress":4,"queryPending":3}`}},
		{"a name in parts", "", false, `{"_id":"1","name":{"familyName":"Pérez","givenName":"Ana"}}`, map[string]string{"resource_name": "Ana Pérez"}},
		{"a blank display name", "", false, `{"_id":"1","displayName":"","name":{"givenName":"Ana"}}`, map[string]string{"resource_name": "Ana"}},
		{"no name at all", "", false, `{"_id":"1","name":{}}`, map[string]string{"resource_name": ""}},
		{"a name that is a text", "", false, `{"_id":"1","name":"Ana"}`, map[string]string{"resource_name": "", "extras": `{"name":"Ana","queryPending":3}`}},
		{"a new key", "", false, `{"_id":"1","skills":["a"]}`, map[string]string{"extras": `{"queryPending":3,"skills":["a"]}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := dayOf(t)
			if tt.late {
				m = late(t, m)
			}
			rows, _, rejects, err := readRows(t, operatorsFormat(&Settings{prefix: Prefix, unit: tt.unit}, pipeline.Policy{}), m, operators(tt.row))
			if err != nil || len(rows) != 1 {
				t.Fatal(err, rejects)
			}
			for col, v := range tt.want {
				if rows[0][col] != v {
					t.Errorf("%s is %q, want %q", col, rows[0][col], v)
				}
			}
		})
	}
}

func TestPromise05_AnOperatorWithoutAnIdIsRejected(t *testing.T) {
	m := dayOf(t)
	for _, bad := range []string{`{"_id":" "}`, `{"_id":"","displayName":"A"}`} {
		_, _, rejects, err := readRows(t, operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{}), m, operators(bad+`,{"_id":"1"}`))
		want := []pipeline.Reject{{Row: 1, At: m.Span.Start, Reason: "_id is missing", Raw: bad, Field: "_id"}}
		if err != nil || !reflect.DeepEqual(rejects, want) {
			t.Errorf("%s: %v, %v", bad, rejects, err)
		}
	}
}

func TestPromise04_AnOperatorsAnswerIsEmptyOnlyWhenItSaysSo(t *testing.T) {
	f := operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{})
	if rows, _, _, err := readRows(t, f, dayOf(t), `{"status":true,"operators":[],"queryPending":0}`); err != nil || len(rows) > 0 {
		t.Errorf("an empty answer: %v, %v", rows, err)
	}
	for _, doc := range []string{``, `[]`, `{}`, `{"status":false,"operators":[]}`, `{"operators":[]}`, `{"status":true}`, `{"status":true,"operators":null}`,
		`{"status":true,"operators":[`, `<html>`, `{"status":false,"mail":"secret"}`} {
		_, _, _, err := readRows(t, f, dayOf(t), doc)
		if pipeline.KindOf(err) != pipeline.Malformed || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want Malformed", doc, err)
		}
	}
	if _, _, _, err := readRows(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dayOf(t), `{"status":true,"operators":[]}`); pipeline.KindOf(err) != pipeline.Malformed {
		t.Errorf("operators for a dashboard: %v", err)
	}
}

func TestPromise06_WhatIsTrueOnlyAtTheMomentOfReadingIsNoChange(t *testing.T) {
	f := operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{})
	read := func(row, pending string) pipeline.Hash {
		_, hashes, _, err := readRows(t, f, late(t, dayOf(t)), `{"status":true,"operators":[`+row+`],"queryPending":`+pending+`}`)
		if err != nil {
			t.Fatal(err)
		}
		return hashes[0]
	}
	first := read(`{"_id":"1","profile":500,"queryInProgress":1,"status":"online","lastConnection":5}`, "3")
	if again := read(`{"_id":"1","profile":500,"queryInProgress":2,"lastConnection":"x"}`, "4"); again != first {
		t.Error("a snapshot changed the fingerprint")
	}
	if other := read(`{"_id":"1","profile":501,"queryInProgress":1,"status":"online","lastConnection":5}`, "3"); other == first {
		t.Error("another profile did not change the fingerprint")
	}
}

// dashboardSample has the members of the vendor's sample, each with another value.
var dashboardSample = string(testdata.Read("chattonic/dashboard/all_fields.json"))

func TestTheVendorsDashboardSampleBecomesARow(t *testing.T) {
	want := map[string]string{
		"resource_type": "team", "resource_id": "acme", "channel": "all", "timezone": "UTC",
		"interval_start": "2025-09-08T03:00:00Z", "interval_end": "2025-09-09T03:00:00Z",
		"users_total": "35756", "users_new": "1211", "users_active": "1564", "messages_in": "17099", "messages_out": "22424",
		"backlog": "1", "in_progress": "2", "resolved": "3", "expired": "4", "avg_answer_seconds": "90", "avg_resolution_seconds": "120",
		"nps": "-5", "csat": "4.25",
		"extras": `{"totalMessagesReceived":436368,"totalMessagesSent":576358,"userEfficiency":0,"attentionAndResolution":3.5}`,
	}
	rows, inTime, rejects, err := readRows(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dayOf(t), dashboardSample)
	if err != nil || len(rows) != 1 {
		t.Fatal(err, rejects)
	}
	if !reflect.DeepEqual(rows[0], want) {
		t.Errorf("row %q\nwant %q", rows[0], want)
	}

	delete(want, "users_total")
	delete(want, "backlog")
	delete(want, "in_progress")
	want["extras"] = `{"totalUsers":35756,"pending":1,"progress":2,"totalMessagesReceived":436368,"totalMessagesSent":576358,"userEfficiency":0,"attentionAndResolution":3.5}`
	rows, tooLate, _, err := readRows(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), late(t, dayOf(t)), dashboardSample)
	if err != nil || !reflect.DeepEqual(rows[0], want) {
		t.Errorf("read too late, row %q\nwant %q", rows[0], want)
	}
	if inTime[0] != tooLate[0] {
		t.Error("reading it later changed the fingerprint")
	}
}

func TestPromise06_NoSnapshotKeyIsAChange(t *testing.T) {
	operators := func(field string) string {
		return `{"status":true,"operators":[{"_id":"1","queriesResolved":3,` + field + `}]}`
	}
	envelope := func(field string) string {
		return `{"status":true,"operators":[{"_id":"1","queriesResolved":3}],` + field + `}`
	}
	dashboard := func(field string) string { return `[{"date":"0","resolved":3,` + field + `}]` }
	for _, c := range []struct {
		key    string
		format pipeline.Format
		answer func(field string) string
		counts bool // the key is no snapshot: a change of it is one
	}{
		{"queryInProgress", operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{}), operators, false},
		{"status", operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{}), operators, false},
		{"lastConnection", operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{}), operators, false},
		{"queryPending", operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{}), envelope, false},
		{"totalUsers", dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dashboard, false},
		{"totalMessagesReceived", dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dashboard, false},
		{"totalMessagesSent", dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dashboard, false},
		{"pending", dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dashboard, false},
		{"progress", dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dashboard, false},
		{"userEfficiency", dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dashboard, true},
		{"onlineTime", operatorsFormat(&Settings{prefix: Prefix, unit: ""}, pipeline.Policy{}), operators, true},
	} {
		for says, m := range map[string]pipeline.Meta{"in time": dayOf(t), "late": late(t, dayOf(t))} {
			var hash [2]pipeline.Hash
			for i := range hash {
				rows, hashes, _, err := readRows(t, c.format, m, c.answer(fmt.Sprintf("%q:%d", c.key, 7+i)))
				if err != nil || len(rows) != 1 {
					t.Fatalf("%s, read %s: %v, %d rows", c.key, says, err, len(rows))
				}
				hash[i] = hashes[0]
			}
			if changed := hash[0] != hash[1]; changed != c.counts {
				t.Errorf("%s, read %s: another value changes the fingerprint: %v, want %v", c.key, says, changed, c.counts)
			}
		}
	}
}

func TestPromise09_DashboardLabelsAreReadInTheirZone(t *testing.T) {
	tests := []struct{ name, start, end, format, zone, label, want, extras string }{
		{"an hour of UTC", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%Y-%m-%d %H", "UTC", `"2025-09-08 23"`, "2025-09-08T23:00:00Z/2025-09-09T00:00:00Z", ""},
		{"an hour of another zone", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%Y-%m-%d %H", "America/Argentina/Buenos_Aires", `"2025-09-08 00"`, "2025-09-08T03:00:00Z/2025-09-08T04:00:00Z", ""},
		{"a minute", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%d/%m/%Y %H:%M", "UTC", `"08/09/2025 12:34"`, "2025-09-08T12:34:00Z/2025-09-08T12:35:00Z", ""},
		{"a day", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%Y%m%d", "America/Argentina/Buenos_Aires", `"20250908"`, "2025-09-08T03:00:00Z/2025-09-09T03:00:00Z", ""},
		{"a day as a number", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%Y%m%d", "America/Argentina/Buenos_Aires", `20250908`, "2025-09-08T03:00:00Z/2025-09-09T03:00:00Z", ""},
		{"a month", "2025-09-01T00:00:00Z", "2025-10-01T00:00:00Z", "%Y-%m", "UTC", `"2025-09"`, "2025-09-01T00:00:00Z/2025-10-01T00:00:00Z", ""},
		{"a year", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "%Y", "UTC", `"2025"`, "2025-01-01T00:00:00Z/2026-01-01T00:00:00Z", ""},
		{"the whole window", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%Y-%m-%d %H", "UTC", `"0"`, "2025-09-08T03:00:00Z/2025-09-09T03:00:00Z", ""},
		{"the whole window as a number", "2025-09-08T03:00:00Z", "2025-09-09T03:00:00Z", "%Y-%m-%d %H", "UTC", `0`, "2025-09-08T03:00:00Z/2025-09-09T03:00:00Z", ""},
		{"the hour that occurs twice is the earlier", "2025-11-02T05:00:00Z", "2025-11-03T06:00:00Z", "%Y-%m-%d %H", "America/Chicago", `"2025-11-02 01"`, "2025-11-02T06:00:00Z/2025-11-02T07:00:00Z", `{"_time_ambiguous":["date"]}`},
		{"unless only the later was asked for", "2025-11-02T07:00:00Z", "2025-11-02T08:00:00Z", "%Y-%m-%d %H", "America/Chicago", `"2025-11-02 01"`, "2025-11-02T07:00:00Z/2025-11-02T08:00:00Z", `{"_time_ambiguous":["date"]}`},
		{"an hour that never occurs moves forward", "2025-03-09T06:00:00Z", "2025-03-10T05:00:00Z", "%Y-%m-%d %H", "America/Chicago", `"2025-03-09 02"`, "2025-03-09T08:00:00Z/2025-03-09T09:00:00Z", `{"_time_ambiguous":["date"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := dayOf(t)
			m.Span = pipeline.Span{Start: instant(t, tt.start), End: instant(t, tt.end)}
			m.Group, m.ResponseZone, m.ExtractedAt = tt.format, tt.zone, m.Span.End.Add(time.Hour) // no interval was open
			rows, _, rejects, err := readRows(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), m, `[{"date":`+tt.label+`}]`)
			if err != nil || len(rows) != 1 {
				t.Fatal(err, rejects)
			}
			if got := rows[0]["interval_start"] + "/" + rows[0]["interval_end"]; got != tt.want || rows[0]["extras"] != tt.extras {
				t.Errorf("%s with extras %q, want %s, %q", got, rows[0]["extras"], tt.want, tt.extras)
			}
		})
	}
}

func TestPromise09_ADashboardDateThatWasNotAskedForIsAZoneMismatch(t *testing.T) {
	tests := []struct{ name, format, zone, label string }{
		{"before the window", "%Y-%m-%d %H", "UTC", "2025-09-08 02"},
		{"after the window", "%Y-%m-%d %H", "UTC", "2025-09-09 03"},
		{"read in a wrong zone", "%Y-%m-%d %H", "America/Argentina/Buenos_Aires", "2025-09-09 02"},
		{"an interval that leaves the window", "%Y-%m-%d", "UTC", "2025-09-09"},
		{"an interval that begins before the window", "%Y-%m-%d", "UTC", "2025-09-08"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := dayOf(t)
			m.Group, m.ResponseZone, m.ExtractedAt = tt.format, tt.zone, m.Span.End.Add(time.Hour) // no interval was open
			if tt.name == "read in a wrong zone" {
				m.Span = pipeline.Span{Start: instant(t, "2025-09-08T00:00:00Z"), End: instant(t, "2025-09-09T00:00:00Z")}
			}
			d, err := connectortest.Decode(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), pipeline.Activity, &m, fmt.Sprintf(`[{"date":%q}]`, tt.label))
			if got := d.Damage; err != nil || got.Kind != pipeline.Mismatch || got.Row != 1 || !strings.Contains(got.Hint, "WINDROW_CHATTONIC_RESPONSE_TIMEZONE") ||
				!strings.Contains(got.What, "9999-99-99") {
				t.Fatalf("got %+v, %v, want a mismatch that names the variable and shows the shape", got, err)
			}
		})
	}
}

func TestPromise05_ADashboardRowWhoseDateCannotBeReadIsRejected(t *testing.T) {
	tests := []struct{ label, reason string }{
		{`"date":"",`, "date is missing"},
		{`"date":"00",`, "date cannot be read"},
		{`"date":"2025-09-08",`, "date cannot be read"},
		{`"date":"2025-09-08 4",`, "date cannot be read"},
		{`"date":"2025-09-08 04:00",`, "date cannot be read"},
		{`"date":"2025-09-08 24",`, "date cannot be read"},
		{`"date":"2025-02-29 04",`, "date cannot be read"},
		{`"date":"2025-13-08 04",`, "date cannot be read"},
		{`"date":"0000-01-01 04",`, "date cannot be read"},
		{`"date":"2025/09/08 04",`, "date cannot be read"},
		{`"date":"+025-09-08 04",`, "date cannot be read"},
		{`"date":{"value":"2025-09-08 04"},`, "date cannot be read"},
		{`"date":true,`, "date cannot be read"},
	}
	for _, tt := range tests {
		raw := `{` + tt.label + `"nps":1}`
		_, _, rejects, err := readRows(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), dayOf(t), `[`+raw+`]`)
		want := []pipeline.Reject{{Row: 1, At: pipeline.NoInstant, Reason: tt.reason, Raw: raw, Field: "date"}}
		if len(rejects) == 1 {
			want[0].Shape = rejects[0].Shape
		}
		if err != nil || !reflect.DeepEqual(rejects, want) {
			t.Errorf("%s: %v, %v", raw, rejects, err)
		}
	}
}

func TestADashboardThatNamesNoBotIsAnError(t *testing.T) {
	for _, change := range []func(*pipeline.Meta){
		func(m *pipeline.Meta) { m.Request.Resources = nil },
		func(m *pipeline.Meta) { m.ResponseZone = "Mars/Base" },
		func(m *pipeline.Meta) { m.Group = "%j" },
	} {
		m := dayOf(t)
		change(&m)
		if _, _, _, err := readRows(t, dashboardFormat(&Settings{prefix: Prefix}, pipeline.Policy{}), m, dashboardSample); err == nil {
			t.Errorf("%+v was read", m)
		}
	}
}

// FuzzLabels: what is read is a time that exists, and the format writes it
// back as it was.
func FuzzLabels(f *testing.F) {
	for _, s := range [][2]string{
		{"%Y-%m-%d %H", "2025-09-08 23"}, {"%Y%m%d", "20250229"}, {"%d.%m.%Y at %H:%M", "01.02.2024 at 03:59"}, {"%Y", "0000"}, {"%", "0"}, {"", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, format, label string) {
		w, ok := parseLabel(format, []byte(label))
		if _, _, err := finest(format); err != nil || !ok {
			return
		}
		written := strings.NewReplacer("%Y", fmt.Sprintf("%04d", w.Year), "%m", fmt.Sprintf("%02d", w.Month), "%d", fmt.Sprintf("%02d", w.Day),
			"%H", fmt.Sprintf("%02d", w.Hour), "%M", fmt.Sprintf("%02d", w.Min)).Replace(format)
		if written != label || !exists(w) {
			t.Fatalf("%q in the format %q is %+v, which writes %q", label, format, w, written)
		}
	})
}
