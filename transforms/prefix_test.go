package transforms

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// datedMapping finds its time by what the name begins with.
func datedMapping() Mapping {
	return Mapping{
		Table: pipeline.Events,
		Fields: []Field{
			{Source: "id", Column: "event_id"},
			{Source: "date", Prefix: true, Conv: Custom},
			{Source: "date_of_birth", Column: "status"},
			{Source: "reason", Column: "tags", Conv: Tag},
			{Source: "took", Column: "talk_seconds", Conv: Milliseconds},
			{Source: "answer", Conv: Custom},
		},
		Personal: map[string]pipeline.Personal{"answer": pipeline.PersonalText},
		Row: func(r *Row) {
			r.SetString(pipeline.Events.Index("kind"), "call")
			if times := r.Times(-1, 1); times != nil {
				r.At(times[0])
			}
			r.SetNumber(pipeline.Events.Index("score"), 5)
		},
	}
}

func TestAFieldIsFoundByWhatItsNameBeginsWith(t *testing.T) {
	for _, c := range []struct{ says, zone, document, want string }{
		{"under another name, before a listed one", "UTC", "id,date_of_birth,date_sent,date\n1,x,2025-09-08 10:00:00,soon\n", `2025-09-08T10:00:00Z {"date":"soon"}`},
		{"under the name itself", "UTC", "id,date\n1,2025-09-08 10:00:00\n", "2025-09-08T10:00:00Z "},
		{"a reason names the column that is there", "UTC", "id,date_sent\n1,soon\n", "date_sent is not a time"},
		{"none begins so", "UTC", "id,sent\n1,2025-09-08 10:00:00\n", "date is blank"},
		{"an ambiguous time is listed by its own name", "America/New_York", "id,date_sent\n1,2025-11-02T01:30:00\n", `2025-11-02T05:30:00Z {"_time_ambiguous":["date_sent"]}`},
	} {
		got, err := load(t, NewCSV(datedMapping(), pipeline.Policy{}), &pipeline.Meta{ResponseZone: c.zone}, strings.NewReader(c.document), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for i, row := range got.rows {
			found = append(found, got.times[i].String()+" "+row["extras"])
		}
		for _, r := range got.rejects {
			found = append(found, r.Reason)
		}
		if strings.Join(found, "\n") != c.want {
			t.Errorf("%s: %q", c.says, found)
		}
	}
}

func TestConversionsOfOneValue(t *testing.T) {
	hidden := pipeline.Policy{Replace: func(dst, _ []byte, _ pipeline.Personal, _ bool) ([]byte, bool) { return append(dst, "hidden"...), true }}
	for _, c := range []struct{ says, cell, field, column, want string }{
		{"a label with a comma is one tag", "Lunch, long", "reason", "tags", `["Lunch, long"]`},
		{"a blank one is none", "", "reason", "tags", ""},
		{"milliseconds", "1500", "took", "talk_seconds", "1.5"},
		{"negative milliseconds", "-1", "took", "talk_seconds", ""},
		{"a number of a field that is personal where it is text", "4.5", "answer", "score", "4.5"},
		{"no number", "NaN", "answer", "score", ""},
		{"a text", "good", "answer", "score", ""},
		{"nothing", "", "answer", "score", ""},
	} {
		for _, policy := range []pipeline.Policy{{}, hidden} {
			got := mustLoad(t, NewCSV(datedMapping(), policy), "id,date,"+c.field+"\n1,2025-09-08,\""+c.cell+"\"\n")
			if len(got.rows) != 1 || got.rows[0][c.column] != c.want {
				t.Errorf("%s: %v, %v", c.says, got.rows, got.rejects)
			}
		}
	}
}
