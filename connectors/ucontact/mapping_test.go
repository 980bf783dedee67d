package ucontact

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
func readRows(t *testing.T, f pipeline.Format, m pipeline.Meta, doc string) (rows []map[string]string, times []pipeline.Instant, rejects []pipeline.Reject, err error) {
	t.Helper()
	d, err := connectortest.Decode(t, f, pipeline.Activity, &m, doc)
	return d.Rows, d.Times, d.Rejects, err
}

// answerFor describes an answer for [from, to) on the clock of zone.
func answerFor(t *testing.T, from, to, zone, group string) pipeline.Meta {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) pipeline.Instant {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
		if err != nil {
			t.Fatal(err)
		}
		return pipeline.InstantOf(v)
	}
	span := pipeline.Span{Start: at(from), End: at(to)}
	return pipeline.Meta{Request: pipeline.Request{Span: span, Zone: zone}, Span: span, Group: group, ResponseZone: zone}
}

// formatOf is the format of the API's type of that name.
func formatOf(name string) pipeline.Format {
	for _, t := range statsTypes {
		if t.name == name {
			return t.format(&Settings{prefix: Prefix}, pipeline.Policy{})
		}
	}
	panic("no type " + name)
}

func TestTheVendorsAgentSampleBecomesRows(t *testing.T) {
	m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "America/Mexico_City", "60")
	rows, times, rejects, err := readRows(t, formatOf("agent"), m, string(testdata.Read("ucontact/agents/vendor.json")))
	if err != nil || len(rejects) > 0 {
		t.Fatal(err, rejects)
	}
	want := []map[string]string{
		{"resource_type": "agent", "resource_id": "Agent1", "resource_name": "Agent1", "channel": "all", "timezone": "America/Mexico_City",
			"interval_start": "2025-09-08T15:00:00Z", "interval_end": "2025-09-08T16:00:00Z", "interactions_in": "10", "interactions_out": "5", "login_seconds": "3540"},
		{"resource_type": "agent", "resource_id": "Agent2", "resource_name": "Agent2", "channel": "all", "timezone": "America/Mexico_City",
			"interval_start": "2025-09-08T16:00:00Z", "interval_end": "2025-09-08T17:00:00Z", "interactions_in": "15", "interactions_out": "2", "login_seconds": "3550"},
	}
	if got := []map[string]string{rows[0], rows[4]}; len(rows) != 6 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d rows, of them %v\nwant %v", len(rows), got, want)
	}
	if times[0].String() != "2025-09-08T15:00:00Z" {
		t.Errorf("the first row's time is %s", times[0])
	}
}

func TestTheVendorsCampaignSampleBecomesRows(t *testing.T) {
	m := answerFor(t, "2025-09-01 00:00", "2025-10-01 00:00", "UTC", "mth")
	rows, _, rejects, err := readRows(t, formatOf("campaign"), m, string(testdata.Read("ucontact/campaigns/vendor.json")))
	if err != nil || len(rejects) > 0 {
		t.Fatal(err, rejects)
	}
	common := map[string]string{"resource_type": "campaign", "resource_id": "Ventas", "resource_name": "Ventas", "timezone": "UTC",
		"interval_start": "2025-09-01T00:00:00Z", "interval_end": "2025-10-01T00:00:00Z"}
	for i, w := range []map[string]string{
		{"channel": "voice", "interactions_in": "1500", "interactions_out": "350"},
		{"channel": "whatsapp", "interactions_in": "2200", "interactions_out": "150"},
	} {
		for k, v := range common {
			w[k] = v
		}
		if !reflect.DeepEqual(rows[i], w) {
			t.Errorf("row %d is %v\nwant %v", i, rows[i], w)
		}
	}
}

func TestPromise05_FieldsOfAnAnswerAreLoadedKeptOrRejected(t *testing.T) {
	date := `"date":"Sep 8, 2025, 9:00:00 AM"`
	nine, err := time.Parse(time.RFC3339, "2025-09-08T09:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, kind, row string
		want            map[string]string // some of the columns
		reason          string
		at              pipeline.Instant
	}{
		{"unknown metrics stay in extras verbatim", "agent", `{` + date + `,"resource":"A","averageHoldTime":0.835,"id":12345678901234567890,"connected":null,"x":""}`,
			map[string]string{"extras": `{"averageHoldTime":0.835,"id":12345678901234567890}`, "login_seconds": ""}, "", 0},
		{"connected of a campaign stays in extras", "campaign", `{` + date + `,"resource":"A","channel":"sms","connected":5}`,
			map[string]string{"extras": `{"connected":5}`, "channel": "sms", "login_seconds": ""}, "", 0},
		{"a count that is none stays in extras", "agent", `{` + date + `,"resource":"A","inInteractions":1.5,"inboundAnswered":"3"}`,
			map[string]string{"extras": `{"inInteractions":1.5}`, "interactions_in": "", "answered": "3"}, "", 0},
		{"zero is zero", "agent", `{` + date + `,"resource":"A","inInteractions":0,"connected":0.0}`,
			map[string]string{"interactions_in": "0", "login_seconds": "0"}, "", 0},
		{"a new channel passes through in lower case", "campaign", `{` + date + `,"resource":"A","channel":" WebChat2 "}`, map[string]string{"channel": "webchat2"}, "", 0},
		{"telephony in any case is voice", "campaign", `{` + date + `,"resource":"A","channel":"Telephony"}`, map[string]string{"channel": "voice"}, "", 0},
		{"a campaign without a channel is not split", "campaign", `{` + date + `,"resource":"A"}`, map[string]string{"channel": "all"}, "", 0},
		{"names are opaque", "campaign", `{` + date + `,"resource":"POWER<- Ñ, \"x\"","channel":"sms"}`, map[string]string{"resource_id": `POWER<- Ñ, "x"`, "resource_name": `POWER<- Ñ, "x"`}, "", 0},
		{"no resource", "agent", `{` + date + `,"inInteractions":1}`, nil, "resource is missing", pipeline.InstantOf(nine)},
		{"a blank resource", "agent", `{` + date + `,"resource":" "}`, nil, "resource is missing", pipeline.InstantOf(nine)},
		{"a nested resource", "agent", `{` + date + `,"resource":["A"]}`, nil, "resource cannot be read", pipeline.NoInstant},
		{"a nested channel", "campaign", `{` + date + `,"resource":"A","channel":["sms"]}`, nil, "channel cannot be read", pipeline.InstantOf(nine)},
		{"no date", "agent", `{"resource":"A"}`, nil, "date is missing", pipeline.NoInstant},
		{"a date that is none", "agent", `{"date":"yesterday","resource":"A"}`, nil, "date cannot be read", pipeline.NoInstant},
		{"a date of another form", "agent", `{"date":"2025-09-08 09:00","resource":"A"}`, nil, "date cannot be read", pipeline.NoInstant},
		{"a date that is a number", "agent", `{"date":1757322000,"resource":"A"}`, nil, "date cannot be read", pipeline.NoInstant},
	}
	shapes := map[string]string{ // of the values that are no blanks
		"a nested resource": `["a"]`, "a nested channel": `["aaa"]`, "a date that is none": "aaaaaaaaa",
		"a date of another form": "9999-99-99 99:99", "a date that is a number": "9999999999",
	}
	m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, _, rejects, err := readRows(t, formatOf(tt.kind), m, "["+tt.row+"]")
			if err != nil {
				t.Fatal(err)
			}
			if tt.reason != "" {
				field, _, _ := strings.Cut(tt.reason, " ")
				want := []pipeline.Reject{{Row: 1, At: tt.at, Reason: tt.reason, Raw: tt.row, Field: field, Shape: shapes[tt.name]}}
				if !reflect.DeepEqual(rejects, want) || len(rows) > 0 {
					t.Errorf("rejects %v and rows %v\nwant %v and none", rejects, rows, want)
				}
				return
			}
			if len(rows) != 1 {
				t.Fatalf("%d rows, rejects %v", len(rows), rejects)
			}
			for col, v := range tt.want {
				if rows[0][col] != v {
					t.Errorf("%s is %q, want %q", col, rows[0][col], v)
				}
			}
		})
	}
}

func TestPromise04_AnAnswerThatIsNoListOfStatisticsIsAnError(t *testing.T) {
	m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60")
	for _, doc := range []string{"", " \n", "<html></html>", `{"message":"x"}`, `[{"date":"Sep 8, 2025, 9:00:00 AM"`, `[{"resource":"A"},]`} {
		if _, _, _, err := readRows(t, formatOf("agent"), m, doc); pipeline.KindOf(err) != pipeline.Malformed {
			t.Errorf("%q: %v, want Malformed", doc, err)
		}
	}
	if rows, _, rejects, err := readRows(t, formatOf("agent"), m, `[]`); err != nil || len(rows)+len(rejects) > 0 {
		t.Errorf("an empty list: %v, %v, %v", rows, rejects, err)
	}
}

func TestPromise09_ABucketIsReadInTheZoneOfTheAnswer(t *testing.T) {
	chicagoFall := func(m *pipeline.Meta) { m.ResponseZone = "America/Chicago" }
	tests := []struct {
		name           string
		from, to, zone string
		group          string
		change         func(*pipeline.Meta)
		date           string
		want           string // start/end
		extras         string
	}{
		{"an hour of UTC", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", nil, "Sep 8, 2025, 11:00:00 PM", "2025-09-08T23:00:00Z/2025-09-09T00:00:00Z", ""},
		{"a quarter of an hour", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "15", nil, "Sep 8, 2025, 12:45:00 PM", "2025-09-08T12:45:00Z/2025-09-08T13:00:00Z", ""},
		{"an hour of a half-hour zone", "2025-09-08 00:00", "2025-09-09 00:00", "Asia/Kolkata", "60", nil, "Sep 8, 2025, 9:00:00 AM", "2025-09-08T03:30:00Z/2025-09-08T04:30:00Z", ""},
		{"UTC's hours written in another zone", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", chicagoFall, "Sep 7, 2025, 7:00:00 PM", "2025-09-08T00:00:00Z/2025-09-08T01:00:00Z", ""},
		{"a month of the account's zone", "2025-03-01 00:00", "2025-04-01 00:00", "America/Chicago", "mth", nil, "Mar 1, 2025, 12:00:00 AM", "2025-03-01T06:00:00Z/2025-04-01T05:00:00Z", ""},
		{"two months", "2025-09-01 00:00", "2025-11-01 00:00", "UTC", "bim", nil, "Sep 1, 2025, 12:00:00 AM", "2025-09-01T00:00:00Z/2025-11-01T00:00:00Z", ""},
		{"three months", "2025-01-01 00:00", "2026-01-01 00:00", "UTC", "tri", nil, "Jul 1, 2025, 12:00:00 AM", "2025-07-01T00:00:00Z/2025-10-01T00:00:00Z", ""},
		{"half a year", "2025-01-01 00:00", "2026-01-01 00:00", "UTC", "sem", nil, "Jul 1, 2025, 12:00:00 AM", "2025-07-01T00:00:00Z/2026-01-01T00:00:00Z", ""},
		{"a year", "2025-01-01 00:00", "2026-01-01 00:00", "UTC", "yer", nil, "Jan 1, 2025, 12:00:00 AM", "2025-01-01T00:00:00Z/2026-01-01T00:00:00Z", ""},
		{"a day of minutes, 25 hours long", "2025-11-02 00:00", "2025-11-03 00:00", "America/Chicago", "1440", nil, "Nov 2, 2025, 12:00:00 AM", "2025-11-02T05:00:00Z/2025-11-03T06:00:00Z", ""},
		{"the hour that occurs twice is the earlier", "2025-11-02 00:00", "2025-11-03 00:00", "America/Chicago", "60", nil, "Nov 2, 2025, 1:00:00 AM", "2025-11-02T06:00:00Z/2025-11-02T07:00:00Z", `{"_time_ambiguous":["date"]}`},
		{"unless only the later was asked for", "2025-11-02 07:00", "2025-11-02 08:00", "UTC", "60", chicagoFall, "Nov 2, 2025, 1:00:00 AM", "2025-11-02T07:00:00Z/2025-11-02T08:00:00Z", `{"_time_ambiguous":["date"]}`},
		{"an hour that never occurs moves forward", "2025-03-09 00:00", "2025-03-10 00:00", "America/Chicago", "60", nil, "Mar 9, 2025, 2:00:00 AM", "2025-03-09T08:00:00Z/2025-03-09T09:00:00Z", `{"_time_ambiguous":["date"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := answerFor(t, tt.from, tt.to, tt.zone, tt.group)
			if tt.change != nil {
				tt.change(&m)
			}
			rows, times, rejects, err := readRows(t, formatOf("agent"), m, fmt.Sprintf(`[{"date":%q,"resource":"A"}]`, tt.date))
			if err != nil || len(rows) != 1 {
				t.Fatal(err, rejects)
			}
			r := rows[0]
			if got := r["interval_start"] + "/" + r["interval_end"]; got != tt.want || times[0].String() != r["interval_start"] {
				t.Errorf("the bucket is %s at %s, want %s", got, times[0], tt.want)
			}
			if r["extras"] != tt.extras || r["timezone"] != m.Request.Zone {
				t.Errorf("extras %q, timezone %q; want %q, %q", r["extras"], r["timezone"], tt.extras, m.Request.Zone)
			}
		})
	}
}

func TestPromise09_ABucketThatWasNotAskedForIsAZoneMismatch(t *testing.T) {
	tests := []struct{ name, from, to, zone, group, response, date string }{
		{"before the span", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", "UTC", "Sep 7, 2025, 11:00:00 PM"},
		{"after the span", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", "UTC", "Sep 9, 2025, 12:00:00 AM"},
		{"the right hour in a wrong zone", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", "America/Mexico_City", "Sep 8, 2025, 11:00:00 PM"},
		{"off the grid of minutes", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", "UTC", "Sep 8, 2025, 9:30:00 AM"},
		{"off the grid by a second", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "15", "UTC", "Sep 8, 2025, 9:15:01 AM"},
		{"half an hour off, by the zone", "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60", "Asia/Kolkata", "Sep 8, 2025, 9:00:00 AM"},
		{"a month that begins elsewhere", "2025-09-01 00:00", "2025-10-01 00:00", "America/Chicago", "mth", "UTC", "Sep 1, 2025, 12:00:00 AM"},
		{"a day inside a month", "2025-09-01 00:00", "2025-10-01 00:00", "UTC", "mth", "UTC", "Sep 2, 2025, 12:00:00 AM"},
		{"a period that leaves the span", "2025-09-08 00:00", "2025-09-08 01:00", "UTC", "120", "UTC", "Sep 8, 2025, 12:00:00 AM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := answerFor(t, tt.from, tt.to, tt.zone, tt.group)
			m.ResponseZone = tt.response
			d, err := connectortest.Decode(t, formatOf("campaign"), pipeline.Activity, &m, fmt.Sprintf(`[{"date":%q,"resource":"A","channel":"sms"}]`, tt.date))
			if got := d.Damage; err != nil || got.Kind != pipeline.Mismatch || got.Cause != pipeline.OtherZone || got.Row != 1 || !strings.Contains(got.Hint, "WINDROW_UCONTACT_RESPONSE_TIMEZONE") {
				t.Fatalf("got %+v, %v, want a mismatch that names the variable", got, err)
			}
			if got := d.Damage.What; strings.Contains(got, "2025,") || !strings.Contains(got, "9999, ") || !strings.Contains(got, tt.response) {
				t.Errorf("the words tell a value, or neither shape nor zone: %v", got)
			}
		})
	}
}

func TestAnAnswerOfAnUnknownZoneOrGroupIsAnError(t *testing.T) {
	for _, change := range []func(*pipeline.Meta){
		func(m *pipeline.Meta) { m.ResponseZone = "Mars/Base" },
		func(m *pipeline.Meta) { m.Request.Zone = "Mars/Base" },
		func(m *pipeline.Meta) { m.Group = "fortnight" },
	} {
		m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60")
		change(&m)
		if _, _, _, err := readRows(t, formatOf("agent"), m, `[{"date":"Sep 8, 2025, 9:00:00 AM","resource":"A"}]`); err == nil {
			t.Errorf("%+v was read", m)
		}
	}
}

func TestC_WhatNobodyAskedForIsRejected(t *testing.T) {
	m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60")
	m.Request.Resources = []string{"Ventas", "José"}
	settings := &Settings{prefix: Prefix, channels: []string{"telephony", "whatsapp"}}
	read := func(typ, row string) (map[string]string, string) {
		t.Helper()
		kind, _ := statsTypeOf(pipeline.StreamID("ucontact." + typ))
		rows, _, rejects, err := readRows(t, kind.format(settings, pipeline.Policy{}), m, `[{"date":"Sep 8, 2025, 9:00:00 AM",`+row+`}]`)
		if err != nil || len(rows)+len(rejects) != 1 {
			t.Fatal(err, rows, rejects)
		}
		if len(rejects) > 0 {
			return nil, rejects[0].Reason
		}
		return rows[0], ""
	}
	for row, want := range map[string]string{
		`"resource":"Ventas","channel":"telephony"`:   "",
		`"resource":" ventas","channel":"TELEPHONY "`: "",
		`"resource":"JOSÉ","channel":"whatsapp"`:      "",
		`"resource":"Total","channel":"telephony"`:    "resource is none that was asked for",
		`"resource":"Ventas","channel":"Total"`:       "channel is none that was asked for",
		`"resource":"Ventas","channel":"sms"`:         "channel is none that was asked for",
		`"resource":"Ventas","channel":"-"`:           "channel is missing",
		`"resource":"Ventas"`:                         "channel is missing",
	} {
		if got, reason := read("campaigns", row); reason != want {
			t.Errorf("campaigns, %s: %v, %q; want %q", row, got, reason, want)
		}
	}
	if got, reason := read("agents", `"resource":"Ventas"`); reason != "" || got["channel"] != "all" {
		t.Errorf("agents are not asked by channel: %v, %q", got, reason)
	}
	if _, reason := read("agents", `"resource":"Ventas, José"`); reason != "resource is none that was asked for" {
		t.Errorf("agents, a row of both: %q", reason)
	}
	if got, _ := read("agents", `"resource":"Ventas","connected":3600`); got["login_seconds"] != "3600" {
		t.Errorf("an hour in an hour: %v", got)
	}
	if got, _ := read("agents", `"resource":"Ventas","connected":3601`); got["login_seconds"] != "" || got["extras"] != `{"connected":3601}` {
		t.Errorf("more than an hour in an hour: %v", got)
	}
}

func TestMetricsAreMatchedInAnyCase(t *testing.T) {
	m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60")
	s := settings(t, func(c *Config) {
		c.Metrics = "averageattendedtime=avg_handle_seconds:seconds,CONNECTED=extras:sum"
	})
	format := statsTypes[0].format(s, pipeline.Policy{})
	row := func(members string) string {
		return `{"date":"Sep 8, 2025, 9:00:00 AM","resource":"Agent1",` + members + `}`
	}
	rows, _, rejects, err := readRows(t, format, m, "["+strings.Join([]string{
		row(`"averageAttendedTime":12.5,"connected":5,"ININTERACTIONS":7`),
		row(`"AverageAttendedTime":12.5,"Connected":5,"inInteractions":"many","other":1`),
		row(`"connected":5,"Connected":6`),
	}, ",")+"]")
	if err != nil || len(rows) != 2 || len(rejects) != 1 {
		t.Fatal(err, rows, rejects)
	}
	if r := rows[0]; r["avg_handle_seconds"] != "12.5" || r["interactions_in"] != "7" || r["login_seconds"] != "" || r["extras"] != `{"connected":5}` {
		t.Errorf("a metric is not matched in another case than the setting's: %v", r)
	}
	if r := rows[1]; r["avg_handle_seconds"] != "12.5" || r["interactions_in"] != "" || r["extras"] != `{"inInteractions":"many","Connected":5,"other":1}` {
		t.Errorf("what stays in extras does not stay as the vendor wrote it: %v", r)
	}
	if !strings.Contains(rejects[0].Reason, "twice") {
		t.Errorf("a metric that comes in two spellings: %v", rejects[0])
	}
	if named := format.(pipeline.NamedFields); !named.Names("averageAttendedTime") || named.Names("other") {
		t.Error("the format does not know a metric in another case")
	}
}
