package contactquery

import (
	"context"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gcp "cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// kinds say what a cell is, where it is no text.
var kinds = []string{push.Blank: "", push.Text: "", push.Number: "number:", push.Bool: "bool:", push.WallTime: "time:", push.Nested: "json:"}

func start(t *testing.T) (*bigquerytest.Server, bigquery.Options) {
	t.Helper()
	server, err := bigquerytest.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, bigquery.Options{MaxBytesBilled: 100 << 30, Emulator: server.URL(), Pace: time.Millisecond}
}

func read(t *testing.T, from string, o bigquery.Options) (string, error) {
	t.Helper()
	q, err := Open(t.Context(), from, o)
	if err != nil {
		return "", err
	}
	defer q.Close()
	lines := []string{strings.Join(q.Columns(), "|")}
	err = q.Read(t.Context(), func(r push.Row) error {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, kinds[c.Kind]+c.Text)
		}
		lines = append(lines, fmt.Sprintf("%d %s%s", r.Number, strings.Join(cells, "|"), r.Problem))
		return nil
	})
	return strings.Join(lines, "\n"), err
}

func TestTheRowsOfAQueryAreReadAsTheyAreTyped(t *testing.T) {
	server, o := start(t)
	file := filepath.Join(t.TempDir(), "june.sql")
	query := `SELECT '+14256715523' AS clientIds, 5 AS priority, 1.5 AS score, TRUE AS vip, TIMESTAMP '2026-12-25 09:30:00+00' AS scheduleDate, DATE '2026-12-25' AS day, ['a', 'b'] AS tags, ' ' AS note
UNION ALL SELECT 'x', NULL, NULL, NULL, NULL, NULL, [], NULL`
	if err := os.WriteFile(file, []byte(query), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, "bigquery://my-project?location=EU&query=@"+file, o)
	want := `clientIds|priority|score|vip|scheduleDate|day|tags|note
1 +14256715523|number:5|number:1.5|bool:true|time:2026-12-25 09:30:00|2026-12-25|json:["a","b"]|
2 x||||||json:[]|`
	if err != nil || got != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
	billed := false
	for _, j := range server.Jobs() {
		billed = true
		if j.MaxBytesBilled != o.MaxBytesBilled || j.Location != "EU" {
			t.Errorf("a job in %s with a cap of %d", j.Location, j.MaxBytesBilled)
		}
	}
	if !billed {
		t.Error("no job")
	}
}

func TestAQueryWithoutRowsHasColumns(t *testing.T) {
	_, o := start(t)
	got, err := read(t, "bigquery://my-project?query="+url.QueryEscape("SELECT 'x' AS clientIds LIMIT 0"), o)
	if err != nil || got != "clientIds" {
		t.Error(got, err)
	}
}

func TestWhatIsWrongWithAQueryIsSaid(t *testing.T) {
	server, o := start(t)
	client, err := bigquery.NewClient(t.Context(), "test", "my-project", o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Dataset("contact_centre").Create(t.Context(), &gcp.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	if err := client.Dataset("contact_centre").Table("x").Create(t.Context(), &gcp.TableMetadata{Schema: gcp.Schema{{Name: "a", Type: gcp.IntegerFieldType}}}); err != nil {
		t.Fatal(err)
	}
	capped := o
	capped.MaxBytesBilled = 0
	of := func(sql string) string { return "bigquery://my-project?query=" + url.QueryEscape(sql) }
	for _, c := range []struct {
		name, from string
		o          bigquery.Options
		kind       pipeline.Kind
		want       string
	}{
		{"no project", "bigquery://?query=x", o, pipeline.Invalid, `"" is no project id (for example bigquery://my-project?query=@contacts.sql)`},
		{"a dataset", "bigquery://my-project/x?query=x", o, pipeline.Invalid, `"my-project/x" is no project id`},
		{"no query", "bigquery://my-project", o, pipeline.Invalid, "it names no query"},
		{"no file", "bigquery://my-project?query=@no.sql", o, pipeline.Invalid, "the query: open no.sql: no such file"},
		{"another parameter", "bigquery://my-project?query=x&cap=1", o, pipeline.Invalid, `unknown parameter "cap"`},
		{"no place", "bigquery://my-project?query=x&location=%20", o, pipeline.Invalid, `" " is no location`},
		{"no cap", of("SELECT 1"), capped, pipeline.Internal, "no cap"},
		{"what changes data", of("DELETE FROM contact_centre.x WHERE a = 1"), o, pipeline.Invalid, "it is no SELECT but DELETE"},
		{"a table that is not there", of("SELECT * FROM nowhere.contacts"), o, pipeline.Invalid, "correct the query"},
	} {
		_, err := read(t, c.from, c.o)
		if pipeline.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, j := range server.Jobs() {
		t.Errorf("%s was run", j.SQL)
	}
}

func TestAReadingEndsWithItsContext(t *testing.T) {
	_, o := start(t)
	q, err := Open(t.Context(), "bigquery://my-project?query="+url.QueryEscape("SELECT 'x' AS a UNION ALL SELECT 'y'"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	if err := q.Read(ctx, func(push.Row) error { n++; cancel(); return nil }); err == nil || n != 1 {
		t.Error(err, n)
	}
}

func TestValuesThatTheSimulationLacksAreReadToo(t *testing.T) {
	text := &gcp.FieldSchema{Name: "z", Type: gcp.StringFieldType}
	record := &gcp.FieldSchema{Name: "data", Type: gcp.RecordFieldType, Schema: gcp.Schema{{Name: "b", Type: gcp.StringFieldType, Repeated: true}, {Name: "a", Type: gcp.RecordFieldType, Schema: gcp.Schema{text}}, {Name: "n", Type: gcp.NumericFieldType}}}
	half := big.NewRat(1, 2)
	for _, c := range []struct {
		name  string
		field *gcp.FieldSchema
		value gcp.Value
		want  string
	}{
		{"a struct", record, []gcp.Value{[]gcp.Value{"x", " "}, []gcp.Value{"q\"q"}, half}, `json:{"a":{"z":"q\"q"},"b":["x"," "],"n":0.5}`},
		{"a struct of nulls", record, []gcp.Value{[]gcp.Value{}, nil, nil}, `json:{"b":[]}`},
		{"a list of structs", &gcp.FieldSchema{Name: "r", Type: gcp.RecordFieldType, Repeated: true, Schema: gcp.Schema{text}}, []gcp.Value{[]gcp.Value{"x"}, []gcp.Value{nil}}, `json:[{"z":"x"},{}]`},
		{"a number", &gcp.FieldSchema{Type: gcp.NumericFieldType}, big.NewRat(-5, 100), "number:-0.05"},
		{"a whole number", &gcp.FieldSchema{Type: gcp.BigNumericFieldType}, big.NewRat(500, 1), "number:500"},
		{"a wall time", &gcp.FieldSchema{Type: gcp.DateTimeFieldType}, civil.DateTime{Date: civil.Date{Year: 2026, Month: 12, Day: 25}, Time: civil.Time{Hour: 9, Minute: 30}}, "time:2026-12-25 09:30:00"},
		{"an instant of another zone", &gcp.FieldSchema{Type: gcp.TimestampFieldType}, time.Date(2026, 12, 25, 9, 30, 0, 0, time.FixedZone("", 3600)), "time:2026-12-25 08:30:00"},
		{"JSON", &gcp.FieldSchema{Type: gcp.JSONFieldType}, `{"b":1, "a":null}`, `json:{"b":1}`},
		{"a text of JSON", &gcp.FieldSchema{Type: gcp.JSONFieldType}, `"x"`, "x"},
		{"bytes", &gcp.FieldSchema{Type: gcp.BytesFieldType}, []byte("x"), "x"},
		{"null", text, nil, ""},
	} {
		cell, err := cellOf(c.value, c.field)
		if got := kinds[cell.Kind] + cell.Text; err != nil || got != c.want {
			t.Errorf("%s: %s, %v\nwant %s", c.name, got, err, c.want)
		}
	}
}
