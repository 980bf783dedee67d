package dialpad

import (
	"maps"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

const (
	anaMail    = "ana@example.com"
	anaNumber  = "+5491155501234"
	lineNumber = "+15557654321"
)

func formatWith(mapping func(*Settings) transforms.Mapping, groupBy string) func(pipeline.Policy) pipeline.Format {
	return func(p pipeline.Policy) pipeline.Format {
		return transforms.NewCSV(mapping(&Settings{asked: asked{groupBy: groupBy}}), p)
	}
}

func TestPeopleOfACallArePersonalAndGroupsAreNot(t *testing.T) {
	row := map[string]string{
		"date_started": "2025-09-08 09:00:00", "call_id": "1", "external_number": anaNumber, "internal_number": lineNumber, "timezone": "UTC",
		"target_id": "5", "target_type": "user", "name": "Ana Pérez", "email": anaMail, "category": "incoming", "direction": "inbound",
		"transferred_to": "Luz Soto", "talk_duration": "ask Eva", "date_rang": "when Leo came", "new_column": "for Ada", "device": "web_app",
		"was_recorded": "True", "company_id": "9",
	}
	group := map[string]string{"date_started": "2025-09-08 09:00:00", "call_id": "2", "target_type": "call_center", "name": "Sales", "email": "sales@example.com"}
	unknown := map[string]string{"date_started": "2025-09-08 09:00:00", "call_id": "3", "target_type": "contact", "name": "Eda Rey"}
	rejected := map[string]string{"date_started": "never", "name": "Max Rey", "call_id": "4"}
	document := document(callsHeader+",new_column", row, group, unknown, rejected)
	got := connectortest.CheckPersonal(t, formatWith(callsMapping, ""), pipeline.Events, meta("company"), document,
		anaNumber, lineNumber, "Ana Pérez", anaMail, "Luz Soto", "ask Eva", "when Leo came", "for Ada", "sales@example.com", "Eda Rey", "Max Rey")
	name := connectortest.StandIn(pipeline.PersonalName, "Ana Pérez")
	for column, want := range map[string]string{
		"resource_name": name, "agent_name": name, "agent_id": "5", "status": "incoming", "direction": "inbound", "timezone": "America/Chicago",
		"resource_email": connectortest.StandIn(pipeline.PersonalEmail, anaMail), "agent_email": connectortest.StandIn(pipeline.PersonalEmail, anaMail),
		"customer_address": connectortest.StandIn(pipeline.PersonalPhone, anaNumber), "internal_address": connectortest.StandIn(pipeline.PersonalPhone, lineNumber),
	} {
		if got.Rows[0][column] != want {
			t.Errorf("%s is %q, want %q", column, got.Rows[0][column], want)
		}
	}
	for _, member := range []string{`"device":"web_app"`, `"was_recorded":"True"`, `"company_id":"9"`} {
		if !strings.Contains(got.Rows[0]["extras"], member) {
			t.Errorf("extras %s lack %s", got.Rows[0]["extras"], member)
		}
	}
	if got.Rows[1]["resource_name"] != "Sales" {
		t.Errorf("the call center is called %q", got.Rows[1]["resource_name"])
	}
}

func TestWhatPeopleWroteAndSaidIsPersonal(t *testing.T) {
	texts := document(textsHeader,
		map[string]string{"date": "2025-09-08 09:00:00", "message_id": "1", "name": "Ana Pérez", "email": anaMail, "target_type": "user", "target_id": "5",
			"direction": "internal", "to_phone": anaNumber, "from_phone": lineNumber, "encrypted_text": "see you", "mms": "https://example.com/image"},
		map[string]string{"date": "2025-09-08 09:00:00", "message_id": "2", "direction": "sideways", "to_phone": "+15550000001", "from_phone": "+15550000002", "encrypted_aes_text": "too late"},
	)
	got := connectortest.CheckPersonal(t, formatWith(textsMapping, ""), pipeline.Events, meta("company"), texts,
		"Ana Pérez", anaMail, anaNumber, lineNumber, "see you", "https://example.com/image", "+15550000001", "+15550000002", "too late")
	if r := got.Rows[1]; r["text"] != connectortest.StandIn(pipeline.PersonalText, "too late") || r["direction"] != "sideways" {
		t.Errorf("got %v", r)
	}

	const header = "call_id,target_id,target_type,name,email,external_number,internal_number,date,date_listened,listened_by_target_id,listened_by_name,listened_by_email,recording_url,transcription_text,timezone"
	voicemails := document(header, map[string]string{"call_id": "1", "name": "Ana Pérez", "email": anaMail, "external_number": anaNumber, "internal_number": lineNumber,
		"date": "2025-09-08 09:00:00", "date_listened": "2025-09-08 10:00:00", "listened_by_target_id": "7", "listened_by_name": "Luz Soto",
		"listened_by_email": "luz@example.com", "recording_url": "https://example.com/voice", "transcription_text": "call me"})
	got = connectortest.CheckPersonal(t, formatWith(voicemailsMapping, ""), pipeline.Events, meta("company"), voicemails,
		"Ana Pérez", anaMail, anaNumber, lineNumber, "Luz Soto", "luz@example.com", "https://example.com/voice", "call me")
	for _, member := range []string{
		`"date_listened":"2025-09-08 10:00:00"`, `"listened_by_target_id":"7"`, `"listened_by_name":"` + connectortest.StandIn(pipeline.PersonalName, "Luz Soto") + `"`,
	} {
		if !strings.Contains(got.Rows[0]["extras"], member) {
			t.Errorf("extras %s lack %s", got.Rows[0]["extras"], member)
		}
	}
}

func TestUsersOfStatisticsArePersonalAndGroupsAreNot(t *testing.T) {
	const header = "date,user_id,name,email,type,all_calls,rejected,timezone"
	user := map[string]string{"date": "2025-09-08", "user_id": "5", "name": "Ana Pérez", "email": anaMail, "all_calls": "4", "rejected": "2"}
	line := map[string]string{"date": "2025-09-08", "user_id": "6", "name": "Sales", "type": "call_center", "all_calls": "4"}
	got := connectortest.CheckPersonal(t, formatWith(callStatsMapping, "user"), pipeline.Activity, meta("company"), document(header, user, line), "Ana Pérez", anaMail)
	if r := got.Rows[0]; r["resource_name"] != connectortest.StandIn(pipeline.PersonalName, "Ana Pérez") || r["interactions_total"] != "4" || r["extras"] != `{"rejected":"2"}` {
		t.Errorf("the user's row is %v", r)
	}
	if r := got.Rows[1]; r["resource_name"] != "Sales" {
		t.Errorf("the call center's row is %v", r)
	}
	groups := document("name,type,all_calls,new", map[string]string{"name": "Sales", "all_calls": "4", "new": "for Ada"})
	got = connectortest.CheckPersonal(t, formatWith(callStatsMapping, "group"), pipeline.Activity, meta("company"), groups, "for Ada")
	if r := got.Rows[0]; r["resource_name"] != "Sales" || r["resource_id"] != "Sales" {
		t.Errorf("the group's row is %v", r)
	}
}

func TestWhatIsLeftOfACallIsPersonal(t *testing.T) {
	people := map[string]string{
		"call_id": "1", "target_id": "5", "name": "Ana Pérez", "email": anaMail, "operator_id": "6", "operator_name": "Luz Soto", "operator_email": "luz@example.com",
		"external_number": anaNumber, "internal_number": lineNumber, "recording_url": "https://example.com/voice", "timezone": "UTC",
	}
	with := func(more map[string]string) map[string]string {
		row := maps.Clone(people)
		maps.Copy(row, more)
		return row
	}
	const common = "call_id,target_id,name,email,operator_id,operator_name,operator_email,external_number,internal_number,recording_url,timezone,new_column"
	planted := []string{"Ana Pérez", anaMail, "Luz Soto", "luz@example.com", anaNumber, lineNumber, "https://example.com/voice", "for Ada"}
	for _, c := range []struct {
		says    string
		mapping func(*Settings) transforms.Mapping
		header  string
		row     map[string]string
		planted []string
		want    map[string]string
		extras  string
	}{
		{"recordings", recordingsMapping, "date,duration,recording_id", map[string]string{"date": "2025-09-08 09:00:00", "duration": "2.5", "recording_id": "77"}, nil,
			map[string]string{"agent_id": "6", "resource_id": "5"}, `"duration":"2.5"`},
		{"dispositions", dispositionsMapping, "date_started,disposition,note,office_id", map[string]string{"date_started": "2025-09-08 09:00:00", "disposition": "Sale~New", "note": "call Leo", "office_id": "9"},
			[]string{"call Leo"}, map[string]string{"status": "Sale~New"}, `"office_id":"9"`},
		{"csat in words", csatMapping, "response,date_sent", map[string]string{"response": "thank you, Ana", "date_sent": "2025-09-08 09:00:00"}, []string{"thank you, Ana"},
			map[string]string{"text": connectortest.StandIn(pipeline.PersonalText, "thank you, Ana"), "started_at": "2025-09-08T09:00:00Z"}, ""},
		{"csat in numbers", csatMapping, "response", map[string]string{"response": "4.5"}, nil, map[string]string{"score": "4.5", "text": ""}, ""},
		{"screenshare", screenshareMapping, "date,who", map[string]string{"date": "2025-09-08 09:00:00", "who": "Eda Rey"}, []string{"Eda Rey"}, map[string]string{"event_id": "1"}, ""},
	} {
		row := with(c.row)
		row["new_column"] = "for Ada"
		got := connectortest.CheckPersonal(t, formatWith(c.mapping, ""), pipeline.Events, meta("company"), document(common+","+c.header, row), append(c.planted, planted...)...)
		for column, want := range c.want {
			if got.Rows[0][column] != want {
				t.Errorf("%s: %s is %q, want %q", c.says, column, got.Rows[0][column], want)
			}
		}
		if !strings.Contains(got.Rows[0]["extras"], c.extras) {
			t.Errorf("%s: extras %s lack %s", c.says, got.Rows[0]["extras"], c.extras)
		}
	}
}

func TestAgentsOnDutyArePersonalAndTheirReasonsAreNot(t *testing.T) {
	doc := document(dutyHeader, map[string]string{
		"date": "2025-09-08 09:00:00", "record_id": "1", "target_id": "5", "on_duty_status": "unavailable", "reason": "Lunch, long", "name": "Ana Pérez", "email": anaMail,
		"target_type": "user", "call_center_id": "9", "setter_name": "Luz Soto", "setter_email": "luz@example.com", "setter_role": "supervisor",
	})
	got := connectortest.CheckPersonal(t, formatWith(onDutyMapping, ""), pipeline.Events, meta("company"), doc, "Ana Pérez", anaMail, "Luz Soto", "luz@example.com")
	if r := got.Rows[0]; r["tags"] != "Lunch, long" || r["agent_id"] != "5" || !strings.Contains(r["extras"], `"setter_role":"supervisor"`) || !strings.Contains(r["extras"], `"call_center_id":"9"`) {
		t.Errorf("got %v", r)
	}
}

func TestUsersOfUnpublishedStatisticsArePersonal(t *testing.T) {
	for _, row := range []map[string]string{
		{"date": "2025-09-08", "user_id": "5", "name": "Ana Pérez", "email": anaMail, "note": "for Ada"},
		{"name": "Ana Pérez", "email": anaMail, "note": "for Ada"}, // her address is her id
	} {
		doc := document("date,user_id,name,email,note", row)
		got := connectortest.CheckPersonal(t, formatWith(otherStatsMapping("sms"), ""), pipeline.Activity, meta("company"), doc, "Ana Pérez", anaMail, "for Ada")
		if r := got.Rows[0]; r["resource_type"] != "user" || r["channel"] != "sms" || r["resource_id"] == "" {
			t.Errorf("got %v", r)
		}
	}
}
