package dialpad

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestCallStatsByUser(t *testing.T) {
	const header = "date,user_id,name,email,type,all_calls,inbound_calls,outbound_calls,answered,missed,abandoned,short_abandoned,handled,voicemails,service_level,talk_duration,hold_duration,ringing_duration,queued_duration,wrapup_duration,aht,asa,rejected,timezone"
	day := map[string]string{
		"date": "2025-09-08", "user_id": "6529997769220096", "name": "Ana", "email": "ana@example.com", "type": "user", "all_calls": "10.0", "inbound_calls": "7",
		"outbound_calls": "3", "answered": "6", "missed": "1", "abandoned": "3", "short_abandoned": "1", "handled": "9", "voicemails": "2", "service_level": "5", "talk_duration": "2.86", "hold_duration": "1",
		"ringing_duration": "0.5", "queued_duration": "0.25", "wrapup_duration": "3", "aht": "1.5", "asa": "0.7", "rejected": "4",
	}
	short := map[string]string{"date": "2025-11-02", "user_id": "8", "type": "CallCenter", "timezone": "UTC", "missed": "many"}
	rows, read, err := decode(t, formatOf("calls_stats", "user"), pipeline.Activity, meta("company"), document(header, day, short,
		map[string]string{"date": "2025-09-08", "name": "nobody"}, map[string]string{"user_id": "8"}))
	if err != nil || len(rows) != 2 {
		t.Fatalf("got %v, %v, %v", rows, read.Rejects, err)
	}
	wantRow(t, rows[0], map[string]string{
		"resource_type": "user", "resource_id": "6529997769220096", "resource_name": "Ana", "resource_email": "ana@example.com", "channel": "voice", "timezone": "America/Chicago",
		"interval_start": "2025-09-08T05:00:00Z", "interval_end": "2025-09-09T05:00:00Z",
		"interactions_total": "10", "interactions_in": "7", "interactions_out": "3", "answered": "6", "missed": "1", "abandoned": "3", "short_abandoned": "1", "handled": "9", "voicemails": "2", "in_service_level": "5",
		"talk_seconds": "171.6", "hold_seconds": "60", "ring_seconds": "30", "queue_seconds": "15", "wrapup_seconds": "180", "avg_handle_seconds": "90", "avg_answer_seconds": "42",
		"extras": `{"rejected":"4"}`,
	})
	wantRow(t, rows[1], map[string]string{
		"resource_type": "call_center", "resource_id": "8", "channel": "voice", "timezone": "America/Chicago",
		"interval_start": "2025-11-02T00:00:00Z", "interval_end": "2025-11-03T00:00:00Z", "extras": `{"timezone":"UTC","missed":"many"}`,
	})
	if len(read.Rejects) != 2 || read.Rejects[0].Reason != "user_id is blank" || read.Rejects[0].At != instant("2025-09-08T05:00:00Z") || read.Rejects[1].Reason != "date is blank" {
		t.Errorf("got %+v", read.Rejects)
	}
}

func TestC_AUserIsOneByEachNameOfTheKind(t *testing.T) {
	for kind, null := range map[string]bool{"user": true, "UserProfile": true, "": true, "Agent": true, "operator": true, "department": false, "CallCenter": false} {
		rows, _, err := decode(t, formatOf("calls_stats", "user"), pipeline.Activity, meta("company"), document("date,user_id,type,talk_duration", map[string]string{"date": "2025-09-08", "user_id": "8", "type": kind, "talk_duration": "1500"}))
		if err != nil || len(rows) != 1 || (rows[0]["talk_seconds"] == "") != null {
			t.Errorf("%q: %v, %v", kind, rows, err)
		}
	}
}

// A day of UTC has other hours than the asked day of Chicago, so that its sums are not what was asked for.
func TestC_DaysOfAnotherZoneAreTold(t *testing.T) {
	for _, tt := range []struct{ zone, date, told string }{
		{"UTC", "2025-09-08", "UTC"}, {"America/New_York", "2025-09-08", "America/New_York"}, {"Europe/Madrid", "2025-09-08", "Europe/Madrid"},
		{"UTC", "2025-09-09", ""}, // begins within the asked days
		{"America/Chicago", "2025-09-08", ""}, {"CDT", "2025-09-08", ""}, {"US/Central", "2025-09-08", ""}, {"America/Los_Angeles", "2025-09-08", ""},
		{"UTC", "2025-09-06", ""}, {"America/Chicago", "2025-09-07", ""}, // of another day, whatever the zone
	} {
		b := pipeline.NewBatch(pipeline.Activity)
		for chunk, err := range formatOf("calls_stats", "user").Split(strings.NewReader("date,user_id,all_calls,timezone\n"+tt.date+",8,3,"+tt.zone+"\n"), 1<<20) {
			if err == nil {
				err = formatOf("calls_stats", "user").Decode(meta("company"), chunk, b)
			}
			if err != nil || b.OtherZone != tt.told {
				t.Errorf("%s of %s: %q is told, want %q; %v", tt.date, tt.zone, b.OtherZone, tt.told, err)
			}
		}
		b.Release()
	}
}

// Nobody has published the header of these, but an id is digits in every file of the vendor.
func TestC_AnUnpublishedExportsIdsAreDigits(t *testing.T) {
	for id, reason := range map[string]string{"7": "", "7.0": "", "0": "", "None": "", "7E+15": "record_id is not a number of digits alone", "a": "record_id is not a number of digits alone"} {
		rows, read, err := decode(t, formatOf("screenshare", ""), pipeline.Events, meta("company"), "date,record_id,timezone\n2025-09-08 10:00:00,"+id+",America/Chicago\n")
		if err != nil || len(rows)+len(read.Rejects) != 1 || (reason == "") != (len(rows) == 1) || reason != "" && read.Rejects[0].Reason != reason {
			t.Errorf("%q: %v, %v, %v", id, rows, read.Rejects, err)
		}
	}
}

func TestPromise09_AStatisticsDayHasAsManyHoursAsTheLocalDay(t *testing.T) {
	for date, hours := range map[string]float64{"2025-03-09": 23, "2025-09-08": 24, "2025-11-02": 25} {
		rows, read, err := decode(t, formatOf("calls_stats", "date"), pipeline.Activity, meta("callcenter:123"), document("date,all_calls", map[string]string{"date": date, "all_calls": "1"}))
		if err != nil || len(rows) != 1 {
			t.Fatalf("got %v, %v, %v", rows, read.Rejects, err)
		}
		from, to := instant(rows[0]["interval_start"]), instant(rows[0]["interval_end"])
		if to.Sub(from).Hours() != hours || rows[0]["extras"] != "" {
			t.Errorf("%s: from %v to %v, extras %s", date, from, to, rows[0]["extras"])
		}
	}
}

func TestCallStatsByDateAreTheScopes(t *testing.T) {
	for scope, want := range map[string][2]string{
		"company": {"company", "company"}, "office:789": {"office", "789"}, "callcenter:123": {"call_center", "123"},
		"department:4": {"department", "4"}, "coachinggroup:5": {"coaching_group", "5"}, "user:6": {"user", "6"},
	} {
		rows, _, err := decode(t, formatOf("calls_stats", "date"), pipeline.Activity, meta(scope), document("date,all_calls", map[string]string{"date": "2025-09-08", "all_calls": "1"}))
		if err != nil || len(rows) != 1 || rows[0]["resource_type"] != want[0] || rows[0]["resource_id"] != want[1] {
			t.Errorf("%s: got %v, %v", scope, rows, err)
		}
	}
}

func TestCallStatsByGroupBelongToTheWindowAsked(t *testing.T) {
	m := meta("office:789")
	rows, read, err := decode(t, formatOf("calls_stats", "group"), pipeline.Activity, m, document("name,type,all_calls", map[string]string{"name": "Sales", "type": "Call Center", "all_calls": "4"}, map[string]string{"type": "department"}))
	if err != nil || len(rows) != 1 || len(read.Rejects) != 1 {
		t.Fatalf("got %v, %v, %v", rows, read.Rejects, err)
	}
	wantRow(t, rows[0], map[string]string{
		"resource_type": "call_center", "resource_id": "Sales", "resource_name": "Sales", "channel": "voice", "timezone": "America/Chicago", "interactions_total": "4",
		"interval_start": m.Span.Start.String(), "interval_end": m.Span.End.String(),
	})
	if read.Times[0] != pipeline.NoInstant {
		t.Errorf("the row has the time %v; its window is the one asked", read.Times[0])
	}
}

// A row without a date is of the window that was asked for, and of none where the report serves several.
func TestARowWithoutADateBelongsToOneWindow(t *testing.T) {
	one, two := meta("callcenter:1"), meta("callcenter:1")
	two.Request.Windows = utcWindows(2)
	for _, c := range []struct {
		stream string
		table  *pipeline.Table
		doc    string
	}{
		{"csat", pipeline.Events, "call_id,response,date_sent\n1,5,\n"}, {"csat", pipeline.Events, "call_id,response\n1,5\n"},
		{"screenshare", pipeline.Events, "who\nAna\n"}, {"texts_stats", pipeline.Activity, "sent\n3\n"},
	} {
		rows, read, err := decode(t, formatOf(c.stream, ""), c.table, one, c.doc)
		if err != nil || len(rows) != 1 || len(read.Rejects) != 0 || read.Times[0] != pipeline.NoInstant {
			t.Errorf("%s of one window: %v, %v, %v", c.stream, rows, read.Rejects, err)
		}
		rows, read, err = decode(t, formatOf(c.stream, ""), c.table, two, c.doc)
		if err != nil || len(rows) != 0 || len(read.Rejects) != 1 || !strings.HasPrefix(read.Rejects[0].Reason, "date") || !strings.HasSuffix(read.Rejects[0].Reason, " is blank in a report of several windows; WINDROW_ON_DRIFT=warn asks for each by itself") {
			t.Errorf("%s of two windows: %v, %v, %v", c.stream, rows, read.Rejects, err)
		}
	}
}

func utcWindows(n int) (all []pipeline.Window) {
	for i := range n {
		all = append(all, utcDays(fmt.Sprintf("2025-09-%02d", 8+i), 1))
	}
	return all
}
