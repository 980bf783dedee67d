package dialpad

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

// Headers as the vendor's files have them.
var (
	callsHeader      = testdata.Header("dialpad/calls/vendor.csv")
	textsHeader      = testdata.Header("dialpad/texts/vendor.csv")
	voicemailsHeader = testdata.Header("dialpad/voicemails/vendor.csv")
	dutyHeader       = testdata.Header("dialpad/onduty/vendor.csv")
)

// document writes a CSV document: a header and rows that give some columns.
func document(header string, rows ...map[string]string) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for _, row := range rows {
		left := len(row)
		for i, name := range strings.Split(header, ",") {
			if i > 0 {
				b.WriteByte(',')
			}
			if v, ok := row[name]; ok {
				left--
				b.WriteString(`"` + strings.ReplaceAll(v, `"`, `""`) + `"`)
			}
		}
		if left > 0 {
			panic("a row names a column that the header lacks")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// decode reads a document; each row maps columns to their text.
func decode(t *testing.T, f pipeline.Format, table *pipeline.Table, m *pipeline.Meta, doc string) ([]map[string]string, connectortest.Decoded, error) {
	t.Helper()
	d, err := connectortest.Decode(t, f, table, m, doc)
	return d.Rows, d, err
}

// formatOf is the format of dialpad.<name>.
func formatOf(name, groupBy string) pipeline.Format {
	e, ok := exportOf(pipeline.StreamID("dialpad." + name))
	if !ok {
		panic("no mapping for " + name)
	}
	return e.format(&Settings{asked: asked{groupBy: groupBy}}, pipeline.Policy{})
}

func meta(scope string) *pipeline.Meta {
	span := pipeline.Span{Start: instant("2025-09-08T05:00:00Z"), End: instant("2025-09-10T05:00:00Z")}
	return &pipeline.Meta{
		Request: pipeline.Request{Stream: "dialpad.calls", Scope: scope, Zone: "America/Chicago", Span: span},
		Span:    span, ResponseZone: "America/Chicago",
	}
}

func instant(s string) pipeline.Instant {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return pipeline.InstantOf(t)
}

// wantRow compares a row with the columns that it must have, no others.
func wantRow(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %q, want %q", name, got[name], v)
		}
	}
	for name, v := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is %q, want null", name, v)
		}
	}
}

func TestCallsEntryRowLegAndDirectCall(t *testing.T) {
	doc := document(callsHeader,
		map[string]string{
			"date_started": "2025-09-08 09:00:00.123456", "call_id": "6529997769220096", "master_call_id": "6529997769220000", "category": "incoming", "direction": "inbound",
			"external_number": "+15551234567", "internal_number": "+15557654321", "date_queued": "2025-09-08 09:00:05", "date_first_rang": "2025-09-08 09:00:03", "target_id": "5000000000000001",
			"target_kind": "CallCenter", "target_type": "call_center", "name": "Sales", "timezone": "America/Chicago", "categories": "answered,inbound,human_agent",
			"queued_duration": "0.5", "time_to_answer": "0.7", "was_recorded": "True", "is_internal": "false", "office_id": "7",
		},
		map[string]string{
			"date_started": "2025-09-08 09:00:05", "call_id": "6529997769220097", "entry_point_call_id": "6529997769220096", "direction": "inbound",
			"date_rang": "2025-09-08 09:00:30", "date_connected": "2025-09-08 09:00:42", "date_ended": "2025-09-08 09:03:34",
			"target_id": "6000000000000001", "target_kind": "UserProfile", "target_type": "user", "name": "Ana", "email": "ana@example.com", "timezone": "America/Chicago",
			"talk_duration": "2.86", "hold_duration": "0", "ringing_duration": "0.2", "wrapup_duration": "1.5",
		},
		map[string]string{
			"date_started": "2025-09-08 10:00:00", "call_id": "1", "entry_point_call_id": "1", "direction": "Outbound",
			"target_id": "6000000000000001", "target_kind": "UserProfile", "name": "Ana", "email": "ana@example.com",
		},
	)
	rows, read, err := decode(t, formatOf("calls", ""), pipeline.Events, meta("company"), doc)
	if err != nil || len(rows) != 3 || len(read.Rejects) != 0 {
		t.Fatalf("got %d rows, %v, %v", len(rows), read.Rejects, err)
	}
	wantRow(t, rows[0], map[string]string{
		"kind": "call", "channel": "voice", "event_id": "6529997769220096", "parent_id": "6529997769220000", "entry_id": "6529997769220096", "is_entry": "true",
		"direction": "inbound", "status": "incoming", "tags": "answered|inbound|human_agent",
		"started_at": "2025-09-08T14:00:00.123456Z", "queued_at": "2025-09-08T14:00:05Z", "first_rang_at": "2025-09-08T14:00:03Z", "timezone": "America/Chicago",
		"resource_type": "call_center", "resource_id": "5000000000000001", "resource_name": "Sales",
		"customer_address": "+15551234567", "internal_address": "+15557654321", "queue_seconds": "30", "answer_seconds": "42",
		"extras": `{"target_kind":"CallCenter","is_internal":"false","was_recorded":"True","office_id":"7"}`,
	})
	wantRow(t, rows[1], map[string]string{
		"kind": "call", "channel": "voice", "event_id": "6529997769220097", "entry_id": "6529997769220096", "is_entry": "false", "direction": "inbound",
		"started_at": "2025-09-08T14:00:05Z", "rang_at": "2025-09-08T14:00:30Z", "connected_at": "2025-09-08T14:00:42Z", "ended_at": "2025-09-08T14:03:34Z",
		"timezone": "America/Chicago", "resource_type": "user", "resource_id": "6000000000000001", "resource_name": "Ana", "resource_email": "ana@example.com",
		"agent_id": "6000000000000001", "agent_name": "Ana", "agent_email": "ana@example.com",
		"talk_seconds": "171.6", "hold_seconds": "0", "ring_seconds": "12", "wrapup_seconds": "90", "extras": `{"target_kind":"UserProfile"}`,
	})
	wantRow(t, rows[2], map[string]string{
		"kind": "call", "channel": "voice", "event_id": "1", "entry_id": "1", "is_entry": "true", "direction": "outbound", "started_at": "2025-09-08T15:00:00Z", "timezone": "America/Chicago",
		"resource_type": "user", "resource_id": "6000000000000001", "resource_name": "Ana", "resource_email": "ana@example.com",
		"agent_id": "6000000000000001", "agent_name": "Ana", "agent_email": "ana@example.com", "extras": `{"target_kind":"UserProfile"}`,
	})
	if read.Times[2] != instant("2025-09-08T15:00:00Z") {
		t.Errorf("the row's time is %v", read.Times[2])
	}
}

func TestPromise05_EveryColumnOfACallIsKeptSomewhere(t *testing.T) {
	row := map[string]string{}
	for i, name := range strings.Split(callsHeader+",new_column", ",") {
		row[name] = fmt.Sprintf("value %d", i)
		switch {
		case strings.HasPrefix(name, "date_"):
			row[name] = fmt.Sprintf("2025-09-08 10:00:%02d", i)
		case strings.HasSuffix(name, "_duration") || name == "time_to_answer":
			row[name] = fmt.Sprintf("0.%02d", i)
		case name == "timezone":
			row[name] = "UTC"
		case strings.HasSuffix(name, "_id"):
			row[name] = fmt.Sprint(1000 + i)
		}
	}
	rows, _, err := decode(t, formatOf("calls", ""), pipeline.Events, meta("company"), document(callsHeader+",new_column", row))
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %v, %v", rows, err)
	}
	var extras map[string]string
	if err := json.Unmarshal([]byte(rows[0]["extras"]), &extras); err != nil {
		t.Fatal(err)
	}
	columns := fmt.Sprint(rows[0])
	for name, v := range row {
		inColumn := strings.Contains(columns, v+" ") || strings.Contains(columns, v+"]")
		switch {
		case strings.HasSuffix(name, "_duration") || name == "time_to_answer" || strings.HasPrefix(name, "date_") || name == "target_type":
			continue // converted: looked at elsewhere
		case extras[name] != v && !inColumn:
			t.Errorf("%s is lost", name)
		}
	}
	for _, name := range []string{"timezone", "date_callback_connected", "date_anonymized", "time_in_system", "is_internal", "new_column", "callback_id"} {
		if extras[name] != row[name] {
			t.Errorf("extras lack %s: %v", name, extras)
		}
	}
	if len(extras) != 31 {
		t.Errorf("extras have %d members", len(extras))
	}
}

func TestPromise09_ACallInTheHourThatOccursTwice(t *testing.T) {
	doc := document(callsHeader, map[string]string{
		"call_id": "1", "timezone": "America/Chicago", "date_started": "2025-11-02 01:50:00", "date_queued": "2025-11-02 01:50:01",
		"date_rang": "2025-11-02 01:05:00", "date_connected": "2025-11-02 01:06:00", "date_ended": "2025-11-02 02:10:00",
	})
	rows, _, err := decode(t, formatOf("calls", ""), pipeline.Events, meta("company"), doc)
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %v, %v", rows, err)
	}
	wantRow(t, rows[0], map[string]string{
		"kind": "call", "channel": "voice", "event_id": "1", "entry_id": "1", "is_entry": "true", "timezone": "America/Chicago",
		"started_at": "2025-11-02T06:50:00Z", "queued_at": "2025-11-02T06:50:01Z", "rang_at": "2025-11-02T07:05:00Z",
		"connected_at": "2025-11-02T07:06:00Z", "ended_at": "2025-11-02T08:10:00Z",
		"extras": `{"_time_ambiguous":["date_started","date_queued","date_rang","date_connected"]}`,
	})
}

func TestTexts(t *testing.T) {
	base := map[string]string{
		"date": "2025-09-08 09:00:00", "message_id": "9", "name": "Ana", "email": "ana@example.com", "target_type": "user", "target_id": "6",
		"to_phone": "+1555,+1556", "from_phone": "+1444", "timezone": "America/Chicago",
	}
	want := map[string]string{
		"kind": "text", "channel": "sms", "event_id": "9", "started_at": "2025-09-08T14:00:00Z", "timezone": "America/Chicago",
		"resource_type": "user", "resource_id": "6", "resource_name": "Ana", "resource_email": "ana@example.com",
	}
	for name, c := range map[string]struct{ row, want map[string]string }{
		"internal is outbound, and the user sent it": {
			map[string]string{"direction": "internal", "encrypted_text": "hi, \"you\""},
			map[string]string{"direction": "outbound", "customer_address": "+1555,+1556", "internal_address": "+1444", "text": "hi, \"you\"", "agent_id": "6", "agent_name": "Ana", "agent_email": "ana@example.com"},
		},
		"external is inbound, and no agent sent it": {
			map[string]string{"direction": "external", "encrypted_aes_text": "hello", "sender_id": "77", "mms": "https://example.com/m"},
			map[string]string{"direction": "inbound", "customer_address": "+1444", "internal_address": "+1555,+1556", "text": "hello", "extras": `{"sender_id":"77","mms":"https://example.com/m"}`},
		},
		"another sender has an id and no name": {
			map[string]string{"direction": "internal", "sender_id": "8", "target_type": "department"},
			map[string]string{"direction": "outbound", "customer_address": "+1555,+1556", "internal_address": "+1444", "agent_id": "8", "resource_type": "department"},
		},
		"both texts are kept": {
			map[string]string{"direction": "internal", "sender_id": "6", "encrypted_text": "a", "encrypted_aes_text": "b"},
			map[string]string{"direction": "outbound", "customer_address": "+1555,+1556", "internal_address": "+1444", "agent_id": "6", "agent_name": "Ana", "agent_email": "ana@example.com", "text": "a", "extras": `{"encrypted_aes_text":"b"}`},
		},
		"an unknown direction leaves the numbers in extras": {
			map[string]string{"direction": "Sideways"},
			map[string]string{"direction": "sideways", "extras": `{"to_phone":"+1555,+1556","from_phone":"+1444"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			row, wanted := map[string]string{}, map[string]string{}
			for _, m := range []map[string]string{base, c.row} {
				for k, v := range m {
					row[k] = v
				}
			}
			for _, m := range []map[string]string{want, c.want} {
				for k, v := range m {
					wanted[k] = v
				}
			}
			rows, read, err := decode(t, formatOf("texts", ""), pipeline.Events, meta("company"), document(textsHeader, row))
			if err != nil || len(rows) != 1 {
				t.Fatalf("got %v, %v, %v", rows, read.Rejects, err)
			}
			wantRow(t, rows[0], wanted)
		})
	}
}

func TestVoicemails(t *testing.T) {
	rows, _, err := decode(t, formatOf("voicemails", ""), pipeline.Events, meta("company"), document(voicemailsHeader, map[string]string{
		"call_id": "5", "target_id": "6", "name": "Ana", "email": "ana@example.com", "external_number": "+1555", "internal_number": "+1444", "date": "2025-09-08 09:00:00.5",
		"date_listened": "2025-09-09 09:00:00", "listened_by_name": "Bo", "recording_url": "https://dialpad.com/blob/1.mp3", "transcription_text": "call\nme", "timezone": "America/Chicago",
	}))
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %v, %v", rows, err)
	}
	wantRow(t, rows[0], map[string]string{
		"kind": "voicemail", "channel": "voice", "event_id": "5", "started_at": "2025-09-08T14:00:00.5Z", "timezone": "America/Chicago",
		"resource_id": "6", "resource_name": "Ana", "resource_email": "ana@example.com", "customer_address": "+1555", "internal_address": "+1444",
		"text": "call\nme", "recording_url": "https://dialpad.com/blob/1.mp3", "extras": `{"date_listened":"2025-09-09 09:00:00","listened_by_name":"Bo"}`,
	})
}

func TestPromise04_EachExportNeedsItsKeyColumns(t *testing.T) {
	for _, c := range []struct{ name, group, header, says string }{
		{"calls", "", strings.Replace(callsHeader, ",call_id", "", 1), "call_id"},
		{"calls", "", strings.Replace(callsHeader, "date_started,", "", 1), "date_started"},
		{"calls", "", strings.Replace(callsHeader, ",entry_point_call_id", "", 1), "entry_point_call_id"},
		{"texts", "", "date,name,timezone", "message_id"},
		{"voicemails", "", "call_id,timezone", "date"},
		{"calls_stats", "user", "date,name", "user_id"},
		{"calls_stats", "date", "all_calls", "date"},
		{"calls_stats", "group", "type,all_calls", "name"},
	} {
		table := pipeline.Events
		if strings.HasSuffix(c.name, "_stats") {
			table = pipeline.Activity
		}
		_, _, err := decode(t, formatOf(c.name, c.group), table, meta("company"), c.header+"\n")
		if pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), "lacks "+c.says) {
			t.Errorf("%s without %s: %v", c.name, c.says, err)
		}
	}
}

func TestAnExportsMappingIsOfItsTable(t *testing.T) {
	for _, e := range exports {
		table := e.table
		if e.reduction != nil {
			table = e.reduction.Decoded
		}
		if m := e.mapping(testSettings(t, nil)); m.Table != table {
			t.Errorf("%s: rows for %s in table %s", e.name, m.Table.Name, table.Name)
		}
	}
}

func TestResourceTypes(t *testing.T) {
	for vendor, want := range map[string]string{
		"call_center": "call_center", "CallCenter": "call_center", "callcenter": "call_center", "UserProfile": "user", "user": "user",
		"Department": "department", "CallRouter": "call_router", "Call router": "call_router", "staffgroup": "staff_group", "room": "room", "Über": "über",
	} {
		if got := resourceType([]byte(vendor)); got != want {
			t.Errorf("%s is %s, want %s", vendor, got, want)
		}
	}
}

func TestC_TimeTalkedAndOnHoldIsWithinTheCall(t *testing.T) {
	for _, tt := range []struct {
		connected, talk, hold string
		spoilt                bool
	}{
		{"2025-09-08 10:00:00", "4", "2", false}, // a minute is the vendor's rounding
		{"2025-09-08 10:00:00", "4.01", "2", true},
		{"2025-09-08 10:00:00", "240", "", true},
		{"", "240", "2", false},
		{"2025-09-08 10:00:00", "0:04:00", "0:02:00", false},
		{"2025-09-08 10:00:00", "0:04:01", "0:02:00", true},
	} {
		rows, _, err := decode(t, formatOf("calls", ""), pipeline.Events, meta("company"), document(callsHeader, map[string]string{
			"call_id": "1", "timezone": "UTC", "date_started": "2025-09-08 09:59:00", "date_connected": tt.connected, "date_ended": "2025-09-08 10:05:00",
			"talk_duration": tt.talk, "hold_duration": tt.hold,
		}))
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		null := rows[0]["talk_seconds"] == "" && rows[0]["hold_seconds"] == ""
		kept := strings.Contains(rows[0]["extras"], fmt.Sprintf(`"talk_duration":%q`, tt.talk))
		if null != tt.spoilt || kept != tt.spoilt {
			t.Errorf("%+v: got %v", tt, rows[0])
		}
	}
}

func TestC_AnAbbreviationOfTheAskedZone(t *testing.T) {
	m := meta("company")
	m.Request.Zone = "America/New_York"
	rows, _, err := decode(t, formatOf("calls", ""), pipeline.Events, m, document(callsHeader, map[string]string{
		"call_id": "1", "timezone": "EST", "date_started": "2025-09-08 23:30:00",
	}))
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	wantRow(t, rows[0], map[string]string{
		"kind": "call", "channel": "voice", "event_id": "1", "entry_id": "1", "is_entry": "true", "started_at": "2025-09-09T03:30:00Z",
		"timezone": "America/New_York", "extras": `{"timezone":"EST"}`,
	})
}

func TestTheCompanyIsLearntFromRowsThatNameIt(t *testing.T) {
	name := func(rows ...string) string {
		text := "call_id,date_started,entry_point_call_id,timezone,company_id,is_internal\n"
		for i, company := range rows {
			text += fmt.Sprintf("%d,2025-09-08 10:00:00,,UTC,%s,false\n", i+1, company)
		}
		return text
	}
	for _, c := range []struct {
		name, document string
		want           []string
	}{
		{"one company", name("4611", "4611", "4611"), []string{"4611"}},
		{"as a float, with blanks", name("4611.0", " 4611 ", `"4611"`), []string{"4611"}},
		{"some rows name none", name("", "None", "4611", "0", "0.0", "n/a"), []string{"4611"}},
		{"nobody names one", name("", "-", "acme", strings.Repeat("9", 21)), nil},
		{"two companies", name("1", "2", "3", "1"), []string{"1", "2"}},
		{"no such column", "call_id,date_started,entry_point_call_id,timezone,is_internal\n1,2025-09-08 10:00:00,,UTC,false\n", nil},
	} {
		f := formatOf("calls", "user")
		for _, format := range []pipeline.Format{f, f.Lenient()} {
			for chunk, err := range format.Split(strings.NewReader(c.document), 1<<20) {
				if err != nil {
					t.Fatal(c.name, err)
				}
				b := pipeline.NewBatch(pipeline.Events)
				if err := format.Decode(&pipeline.Meta{Request: pipeline.Request{Zone: "UTC"}}, chunk, b); err != nil {
					t.Fatal(c.name, err)
				}
				if !slices.Equal(b.Units, c.want) {
					t.Errorf("%s: %q, want %q; rejects %d", c.name, b.Units, c.want, b.Rejects.Len())
				}
				b.Release()
			}
		}
	}
}

// What a column is filled from by way of another field stands for nothing where a column's own field would.
func TestC_APlaceholderIsBlankAlsoWhereAFieldFillsAColumnByAnother(t *testing.T) {
	for _, nothing := range []string{"None", "nan", "N/A", "-"} {
		texts, _, err := decode(t, formatOf("texts", ""), pipeline.Events, meta("company"), document(textsHeader, map[string]string{
			"date": "2025-09-08 09:00:00", "message_id": "9", "direction": "internal", "to_phone": nothing, "from_phone": nothing, "target_type": nothing}))
		if err != nil || len(texts) != 1 || texts[0]["customer_address"]+texts[0]["internal_address"]+texts[0]["resource_type"]+texts[0]["extras"] != "" {
			t.Errorf("a text: %v, %v", texts, err)
		}
		calls, _, err := decode(t, formatOf("calls", ""), pipeline.Events, meta("company"), document(callsHeader, map[string]string{
			"date_started": "2025-09-08 09:00:00", "call_id": "1", "target_type": nothing, "target_kind": nothing}))
		if err != nil || len(calls) != 1 || calls[0]["resource_type"]+calls[0]["extras"] != "" {
			t.Errorf("a call: %v, %v", calls, err)
		}
		stats, _, err := decode(t, formatOf("calls_stats", "user"), pipeline.Activity, meta("company"), document("date,user_id,type,target_type,target_kind,all_calls",
			map[string]string{"date": "2025-09-08", "user_id": "8", "type": nothing, "target_type": nothing, "target_kind": "department", "all_calls": "1"}))
		if err != nil || len(stats) != 1 || stats[0]["resource_type"] != "department" {
			t.Errorf("statistics: %v, %v", stats, err)
		}
	}
}
