package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// The headers of Dialpad's files, and ten sound rows of each of its streams whose damage is tried here: %d is a row's number.
const (
	csatHead   = "call_id,date_answered,date_sent,response,operator_id,operator_name,external_number,question,timezone\n"
	csatRow    = "65299977692204%02d,2025-09-09 09:05:00,2025-09-09 09:04:00,5,6000000000000001,Ana,+15550100001,How?,UTC\n"
	calledHead = "date_started,call_id,operator_id,operator_name,operator_email,disposition,direction,external_number,date_connected,date_ended,target_id,target_kind,note,timezone\n"
	calledRow  = "2025-09-09 09:%02d:00,6529997769220400,600,Ana,a@example.com,Sale,inbound,+15550100001,2025-09-09 10:00:00,2025-09-09 10:01:00,500,CallCenter,fine,UTC\n"
	dutyHead   = "date,record_id,target_id,availability_status,on_duty_status,reason,name,email,target_type,timezone\n"
	dutyRow    = "2025-09-09 09:%02d:00,200,600,available,available,Lunch,Ana,a@example.com,user,UTC\n"
	screenHead = "date,record_id,call_id,name,email,target_type,target_id,seconds,timezone\n"
	screenRow  = "2025-09-09 09:%02d:00,200,6529997769220400,Ana,a@example.com,user,600,5,UTC\n"
	sumsHead   = "date,user_id,name,email,type,inbound_calls,voicemails,talk_duration,timezone\n"
	sumsRow    = "2025-09-09,60000000000000%02d,Ana,a@example.com,user,7,3,1.5,UTC\n"
	sentHead   = "date,user_id,name,email,type,sms_sent,voicemails,timezone\n"
	sentRow    = "2025-09-09,60000000000000%02d,Ana,a@example.com,user,7,,UTC\n"
	whoHead    = "date,user_id,name,email,type,voicemails,timezone\n"
	whoRow     = "2025-09-09,60000000000000%02d,Ana,a@example.com,user,,UTC\n"
)

// ten are ten rows, of which that of the number, from 1 on, is edited.
func ten(row string, number int, edit func(string) string) string {
	var b strings.Builder
	for n := 1; n <= 10; n++ {
		one := fmt.Sprintf(row, n)
		if n == number {
			one = edit(one)
		}
		b.WriteString(one)
	}
	return b.String()
}

func instead(old, new string) func(string) string {
	return func(row string) string { return strings.Replace(row, old, new, 1) }
}

func before(text string) func(string) string { return func(row string) string { return text + row } }

func after(text string) func(string) string { return func(row string) string { return row + text } }

// staffOf is an answer of Chat-Tonic's with an operator, whose members are edited, and members around.
func staffOf(around, operator string) string {
	return `{"status":true` + around + `,"operators":[{"_id":"5e1","displayName":"Ana","onlineTime":480,"queriesAssigned":7}` + operator + `]}`
}

// hoursOf are rows of the dashboard, of these labels, each with these members.
func hoursOf(members string, labels ...string) string {
	var rows []string
	for _, label := range labels {
		rows = append(rows, `{"date":"`+label+`","newUsers":1,"messagesReceived":3`+members+`}`)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// TestSiblingsOfReportedDamage: what was reported of one stream is seen in others, and in other places.
func TestSiblingsOfReportedDamage(t *testing.T) {
	const lax = "WINDROW_MAX_REJECTS=0.2"
	for _, c := range []struct {
		name, stream, body string
		env                string
		exit               int
		says               string // a pattern, of what is told of a failed window, or of the summary
	}{
		// A. Damage to the document.
		{"csat: an error behind the rows", "dialpad.csat", csatHead + ten(csatRow, 10, after("Internal Server Error\n")), lax, 3, `row 11, has 1 of 9 cells`},
		{"csat: the header again", "dialpad.csat", csatHead + ten(csatRow, 5, before(csatHead)), lax, 3, `row 5 .*header`},
		{"csat: a page behind the rows", "dialpad.csat", csatHead + ten(csatRow, 10, after("<html><body>502</body></html>\n")), lax, 3, `row 11`},
		{"dispositions: a last row cut, with a line end", "dialpad.dispositions", calledHead + ten(calledRow, 10, func(r string) string { return r[:60] + "\n" }), lax, 3, `row 10`},
		{"onduty: a line before the header", "dialpad.onduty", "Report of Tuesday\n" + dutyHead + ten(dutyRow, 0, nil), "", 3, `Report of Tuesday`},
		{"screenshare: an error behind the rows", "dialpad.screenshare", screenHead + ten(screenRow, 10, after("error: timeout\n")), lax, 3, `row 11`},
		{"screenshare: a page", "dialpad.screenshare", "<!DOCTYPE html><title>Sign in</title>", "", 3, `page.*Sign in|HTML`},
		{"texts_stats: the header again, as the first row", "dialpad.texts_stats", sumsHead + sumsHead + ten(sumsRow, 0, nil), lax, 3, `row 1 .*header`},
		{"voicemails_stats: a last row cut", "dialpad.voicemails_stats", sumsHead + ten(sumsRow, 10, func(r string) string { return r[:20] + "\n" }), lax, 3, `row 10`},
		{"operators: a row with an error", "chattonic.operators", staffOf("", `,{"_id":"5e2","error":{"code":500,"message":"shard failed"}}`), lax, 3, `shard failed`},
		{"operators: truncated", "chattonic.operators", staffOf(`,"truncated":"true"`, ""), "", 3, `truncated`},
		{"operators: a total as a text", "chattonic.operators", staffOf(`,"total":"40"`, ""), "", 3, `total is 40`},
		{"operators: an error of the vendor's, with status true", "chattonic.operators", staffOf(`,"errors":["backend unavailable"]`, ""), "", 3, `backend unavailable`},
		{"dashboard: a row without a date", "chattonic.dashboard", "[" + strings.Trim(hoursOf("", "2025-09-09 03"), "[]") + `,{"date":null,"newUsers":9}]`, lax, 3, `row 2 .*date`},
		{"dashboard: an object in the place of the list", "chattonic.dashboard", `{"data":` + hoursOf("", "2025-09-09 03") + `}`, "", 3, `members data.*put its rows into an object`},
		{"dashboard: nothing at all", "chattonic.dashboard", "null", "", 3, `"error_kind": "no_document"`},
		{"operators: a page of several", "chattonic.operators", staffOf(`,"hasMore":true`, ""), "", 3, `"error_kind": "incomplete"`},

		// B. The vendor's own signs.
		{"csat: a NUL byte in an answer", "dialpad.csat", csatHead + ten(csatRow, 3, instead("How?", "Ho\x00w?")), "", 0, `"question": 1`},
		{"operators: an escaped NUL byte in a name", "chattonic.operators", staffOf("", `,{"_id":"5e2","displayName":"An\u0000a","onlineTime":1}`), "WINDROW_MAX_UNREADABLE=0.6", 0, `"displayName": 1`},
		{"operators: an escaped NUL byte in an id", "chattonic.operators", staffOf("", `,{"_id":"5e\u0000","onlineTime":1}`), "", 3, `_id cannot be read`},
		{"dashboard: NaN", "chattonic.dashboard", hoursOf(`,"csat":NaN`, "2025-09-09 03"), "WINDROW_MAX_UNREADABLE=1", 0, `"csat": 1`},

		// What is no text is told by what it is.
		{"csat: a workbook", "dialpad.csat", "PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00xl/workbook.xml", "", 3, `"error_kind": "compressed",\n.*compressed \(zip`},
		{"onduty: a page as PDF", "dialpad.onduty", "%PDF-1.7\n1 0 obj\n", "", 3, `"error_kind": "binary",\n.*the document is a PDF`},
		{"operators: UTF-16", "chattonic.operators", "\xff\xfe{\x00}\x00", "", 3, `"error_kind": "other_charset",\n.*send UTF-8`},
		{"dashboard: compressed twice", "chattonic.dashboard", "\x78\x9c\x8b\x8e\x05\x00", "", 3, `"error_kind": "compressed",\n.*deflate`},

		// C. Rows held against what was asked, and against themselves.
		{"dispositions: an id of a spreadsheet", "dialpad.dispositions", calledHead + ten(calledRow, 4, instead("6529997769220400", "6.53E+15")), "", 3, `call_id.*9\.99E\+99|call_id.*9\.99a\+99`},
		{"onduty: an id that is a name", "dialpad.onduty", dutyHead + ten(dutyRow, 4, instead(",200,", ",two,")), "", 3, `record_id.*aaa`},
		{"onduty: rows of the day before", "dialpad.onduty", dutyHead + strings.ReplaceAll(ten(dutyRow, 0, nil), "2025-09-09", "2025-09-08"), "", 3, `(?i)stale|other days|outside`},
		{"dispositions: a blank row of totals", "dialpad.dispositions", calledHead + ten(calledRow, 10, after("Total,,,,,,,,,,,,,\n")), lax, 0, `"rejected": 1`},
		{"dispositions: None in times", "dialpad.dispositions", calledHead + ten(calledRow, 2, instead("2025-09-09 10:00:00", "None")), "", 0, `"rows": 10`},
		{"texts_stats: dots for thousands", "dialpad.texts_stats", sumsHead + strings.ReplaceAll(ten(sumsRow, 0, nil), ",7,3,", ",1.234,3,"), "", 3, `inbound_calls.*9\.999`},
		{"texts_stats: negative counts", "dialpad.texts_stats", sumsHead + strings.ReplaceAll(ten(sumsRow, 0, nil), ",7,3,", ",-7,3,"), "", 3, `inbound_calls.*-9`},
		{"voicemails_stats: durations of no known unit stay as they are", "dialpad.voicemails_stats", sumsHead + ten(sumsRow, 2, instead(",1.5,", ",1500,")), "", 0, `"rows": 10`},
		{"voicemails_stats: nan is blank", "dialpad.voicemails_stats", sumsHead + ten(sumsRow, 2, instead(",1.5,", ",nan,")), "", 0, `"rows": 10`},
		{"operators: more than a day online", "chattonic.operators", staffOf("", `,{"_id":"5e2","onlineTime":90000}`), "WINDROW_CHATTONIC_DURATION_UNIT=seconds WINDROW_MAX_UNREADABLE=0.6", 0, `"onlineTime": 1`},

		// D. Columns have health.
		{"csat: times of another order", "dialpad.csat", csatHead + strings.ReplaceAll(ten(csatRow, 0, nil), "2025-09-09 09:05:00", "09/09/25 9h05"), "", 3, `99/99/99 9a99`},
		{"dashboard: days in the place of hours", "chattonic.dashboard", hoursOf("", "2025-09-09"), "", 3, `date.*9999-99-99`},
		{"dashboard: months in the place of hours", "chattonic.dashboard", hoursOf("", "2025-09"), "", 3, `date.*9999-99`},
		{"dashboard: hours in the place of days", "chattonic.dashboard", hoursOf("", "2025-09-09 03", "2025-09-09 04"), "WINDROW_CHATTONIC_DATE_FORMAT_GROUP=%Y-%m-%d", 3, `date.*9999-99-99 99`},
		{"texts_stats: measures that nobody has published", "dialpad.texts_stats", sentHead + ten(sentRow, 0, nil), "", 0,
			`"kind": "drift",\n(.*\n)*.*"message": "no row of 10 has any measure: none of the names that Windrow knows is filled; what may measure is in extras alone, as sms_sent"`},
		{"texts_stats: rows that may measure nothing", "dialpad.texts_stats", whoHead + ten(whoRow, 0, nil), "", 3, `no row of 10 has any measure: inbound_calls, .*WINDROW_ON_DRIFT=warn`},
		{"dashboard: no measure", "chattonic.dashboard", `[{"date":"2025-09-09 03","usersNew":1}]`, "", 3, `no row of 1 has any measure: .*newUsers.*WINDROW_ON_DRIFT=warn`},
		{"dashboard: no measure, with a word", "chattonic.dashboard", `[{"date":"2025-09-09 03","usersNew":1}]`, "WINDROW_ON_DRIFT=warn", 0, `"kind": "drift",\n(.*\n)*.*"message": "no row of 1 has any measure`},
		{"dashboard: one row for the day, as asked", "chattonic.dashboard", hoursOf("", "2025-09-09"), "WINDROW_CHATTONIC_DATE_FORMAT_GROUP=%Y-%m-%d", 0, `"rows": 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVendorOfOne(t, text(c.body, "", 0, ""), false)
			v.sendRows = func(w http.ResponseWriter) { _, _ = io.WriteString(w, c.body) } // its length says that it is whole
			for _, pair := range append(v.variables(c.stream, strings.Fields(c.env)...), "WINDROW_SINK="+t.TempDir(), "WINDROW_ARCHIVE=off", "WINDROW_DIALPAD_TARGETS=callcenter:500") {
				name, value, _ := strings.Cut(pair, "=")
				if name != "WINDROW_DIALPAD_TARGETS" || strings.HasPrefix(c.stream, "dialpad.") {
					t.Setenv(name, value)
				}
			}
			var stdout, stderr strings.Builder
			code := newApp(&stdout, &stderr, time.Now).run(t.Context(), []string{"sync", "--from", "2025-09-09", "--to", "2025-09-09", "--as-of", "2025-09-10T12:00:00Z", "--json"})
			var told pipeline.Summary
			if err := json.Unmarshal([]byte(stdout.String()), &told); err != nil {
				t.Fatalf("%v: %s%s", err, stdout.String(), stderr.String())
			}
			if code != c.exit || !regexp.MustCompile(c.says).MatchString(stdout.String()) {
				t.Errorf("exit code %d, without %s:\n%s", code, c.says, stdout.String())
			}
			for _, planted := range []string{"5550100001", "a@example.com"} {
				if strings.Contains(stdout.String()+stderr.String(), planted) {
					t.Errorf("%s is told", planted)
				}
			}
		})
	}
}
