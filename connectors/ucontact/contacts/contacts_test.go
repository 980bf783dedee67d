package contacts

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests name zones that a bare machine may not have

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// table is rows of texts; a cell that begins with = is of another kind.
type table struct {
	columns []string
	rows    [][]push.Cell
}

func (t *table) Columns() []string { return t.columns }
func (t *table) Close() error      { return nil }
func (t *table) Read(_ context.Context, each func(push.Row) error) error {
	for i, cells := range t.rows {
		if err := each(push.Row{Number: i + 1, Cells: cells}); err != nil {
			return err
		}
	}
	return nil
}

// tableOf makes a table of lines, the first of which names the columns. Cells are separated by |; a blank one is blank, and
// one like number:5 is of that kind.
func tableOf(lines ...string) *table {
	t := &table{columns: strings.Split(lines[0], "|")}
	kinds := map[string]push.CellKind{"number": push.Number, "bool": push.Bool, "time": push.WallTime, "json": push.Nested}
	for _, line := range lines[1:] {
		var cells []push.Cell
		for text := range strings.SplitSeq(line, "|") {
			cell := push.Cell{Kind: push.Text, Text: text}
			if kind, rest, found := strings.Cut(text, ":"); found && kinds[kind] != push.Blank {
				cell = push.Cell{Kind: kinds[kind], Text: rest}
			}
			if cell.Text == "" {
				cell.Kind = push.Blank
			}
			cells = append(cells, cell)
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

// today is when the tests run: noon in Montevideo.
func today() time.Time { return time.Date(2026, 11, 26, 15, 0, 0, 0, time.UTC) }

// read makes contacts of rows: each as JSON, or as the refusal in words.
func read(t *testing.T, o Options, rows push.Rows) []string {
	t.Helper()
	o.Now = today
	in, err := New(rows, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = in.Read(t.Context(), func(c push.Contact) error {
		text := string(c.JSON)
		if c.Data != nil {
			text += " data " + string(c.Data)
		}
		out = append(out, text)
		return nil
	}, func(r push.Refusal) error {
		out = append(out, fmt.Sprintf("row %d %s: %s: %s", r.Row, r.Column, r.Problem, r.Remedy))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func leads(t HubType) Options { return Options{HubType: t, Delivery: push.Leads} }
func lists(t HubType) Options { return Options{HubType: t, Delivery: push.Lists} }

func TestEachPropertyIsSentAsTheVendorWantsIt(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		columns string
		row     string
		want    string
	}{
		{"several numbers", lists(Telephony), "clientIds", "+1 (425) 671-5523; +1 (312) 548-7701", `{"clientIds":["+14256715523","+13125487701"]}`},
		{"a number twice", lists(Telephony), "clientIds", "+14256715523;+1 425 671 5523", `{"clientIds":["+14256715523"]}`},
		{"a list of numbers and texts", lists(Telephony), "clientIds", `json:["+14256715523",1567890]`, `{"clientIds":["+14256715523","1567890"]}`},
		{"a list as text", lists(Telephony), "clientIds", `["+14256715523"]`, `{"clientIds":["+14256715523"]}`},
		{"a number without a country", lists(Telephony), "clientIds", " 091 234-567 ", `{"clientIds":["091 234-567"]}`},
		{"a number with its country", Options{HubType: Telephony, Delivery: push.Lists, Country: "UY"}, "clientIds", "091 234 567", `{"clientIds":["+59891234567"]}`},
		{"a number of a column of numbers", lists(SMS), "clientId", "number:5.9891234567e10", `{"clientId":"59891234567"}`},
		{"snake case", lists(Telephony), "client_ids|contact_id", "+14256715523|1365", `{"clientIds":["+14256715523"],"contactId":"1365"}`},
		{"any case", lists(WhatsApp), "CLIENTID|PRIORITY", "+14256715523|67", `{"clientId":"+14256715523","priority":67}`},
		{"an agent", lists(Preview), "clientIds|agent", "1567890|my_best_agent", `{"clientIds":["1567890"],"agent":"my_best_agent"}`},
		{"an e-mail address as given", lists(Email), "clientId", " John.Smith@MyCompany.net ", `{"clientId":"John.Smith@MyCompany.net"}`},
		{"all of an e-mail", lists(Email), "clientId|subject|content|template|attachments", "a@b.co|Very important| Hi, you |awesome|20251103/a.png; 20251103/b.png",
			`{"clientId":"a@b.co","subject":"Very important","content":" Hi, you ","template":"awesome","attachments":["20251103/a.png","20251103/b.png"]}`},
		{"a priority of a column with gaps", lists(SMS), "clientId|priority", "1567890|number:5.0", `{"clientId":"1567890","priority":5}`},
		{"a negative priority", lists(SMS), "clientId|priority", "1567890|-1", `{"clientId":"1567890","priority":-1}`},
		{"a zone that is a link", lists(SMS), "clientId|timezone", "1567890|America/Buenos_Aires", `{"clientId":"1567890","timezone":"America/Buenos_Aires"}`},
		{"the zone of the command line", Options{HubType: SMS, Delivery: push.Lists, Timezone: "America/Montevideo"}, "clientId", "1567890", `{"clientId":"1567890","timezone":"America/Montevideo"}`},
		{"the row's zone before it", Options{HubType: SMS, Delivery: push.Lists, Timezone: "America/Montevideo"}, "clientId|timezone", "1567890|UTC", `{"clientId":"1567890","timezone":"UTC"}`},
		{"a date", leads(SMS), "clientId|timezone|scheduleDate", "1567890|America/Montevideo|2026-11-26 12:00:00", `{"clientId":"1567890","timezone":"America/Montevideo","scheduleDate":"2026-11-26 12:00:00"}`},
		{"a date of a timestamp", leads(SMS), "clientId|timezone|scheduleDate", "1567890|America/Montevideo|time:2026-12-25 09:30:00.5", `{"clientId":"1567890","timezone":"America/Montevideo","scheduleDate":"2026-12-25 09:30:00"}`},
		{"a date that comes twice", leads(SMS), "clientId|timezone|scheduleDate", "1567890|Europe/Madrid|2027-10-31 02:30:00", `{"clientId":"1567890","timezone":"Europe/Madrid","scheduleDate":"2027-10-31 02:30:00"}`},
		{"data of columns, sorted", lists(SMS), "clientId|data.name|data.birthday|data.empty", "1567890|John Smith|2003-06-08|", `{"clientId":"1567890"} data {"birthday":"2003-06-08","name":"John Smith"}`},
		{"data of typed columns", lists(SMS), "clientId|data.n|data.yes|data.of|data.tags", `1567890|number:5.0|bool:true|time:2026-12-25 09:30:00|json:["a"]`, `{"clientId":"1567890"} data {"n":5,"of":"2026-12-25 09:30:00","tags":["a"],"yes":true}`},
		{"data as an object", lists(SMS), "clientId|data", `1567890|json:{"b":{"x":1},"a":12345678901234567890}`, `{"clientId":"1567890"} data {"a":12345678901234567890,"b":{"x":1}}`},
		{"data as text", lists(SMS), "clientId|data", `1567890|{"b":1, "a":null}`, `{"clientId":"1567890"} data {"b":1}`},
		{"data as an object, and of columns", lists(SMS), "clientId|data|data.b", `1567890|json:{"a":"x"}|y`, `{"clientId":"1567890"} data {"a":"x","b":"y"}`},
		{"data without members", lists(SMS), "clientId|data", `1567890|json:{}`, `{"clientId":"1567890"}`},
		{"JSON in a column of data stays a text", lists(SMS), "clientId|data.x", `1567890|["a"]`, `{"clientId":"1567890"} data {"x":"[\"a\"]"}`},
		{"but not in a file of rejects", lists(SMS), "clientId|data.x|_row|_reason", `1567890|["a"]|5|is past`, `{"clientId":"1567890"} data {"x":["a"]}`},
	} {
		got := read(t, c.options, tableOf(c.columns, c.row))
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s:\n%s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestABadValueRefusesItsRow(t *testing.T) {
	hours, err := ParseHours("09:00-20:00")
	if err != nil {
		t.Fatal(err)
	}
	day := leads(SMS)
	day.Timezone, day.Hours = "America/Montevideo", hours
	for _, c := range []struct {
		name    string
		options Options
		columns string
		row     string
		want    string // what the refusal begins with
	}{
		{"one bad number of two", lists(Telephony), "clientIds", "+14256715523;nobody", "row 1 clientIds: is no phone number: write the number with +"},
		{"no number", lists(Telephony), "clientIds|priority", " ; |5", "row 1 clientIds: is blank"},
		{"a spreadsheet's number", lists(Telephony), "clientIds", "5.98912E+10", "row 1 clientIds: is no phone number: write the number with + and its country, like +59891234567; a spreadsheet"},
		{"a list within a list", lists(Telephony), "clientIds", `json:[["+14256715523"]]`, "row 1 clientIds: is no list of texts"},
		{"an object for numbers", lists(Telephony), "clientIds", `json:{"a":1}`, "row 1 clientIds: is no list of texts"},
		{"two addresses", lists(Email), "clientId", "a@b.co; c@d.co", "row 1 clientId: holds several addresses"},
		{"no e-mail address", lists(Email), "clientId", "John <a@b.co>", "row 1 clientId: is no e-mail address"},
		{"a number for an e-mail", lists(Email), "clientId", "+14256715523", "row 1 clientId: is no e-mail address"},
		{"an e-mail for a number", lists(SMS), "clientId", "a@b.co", "row 1 clientId: is no phone number"},
		{"no integer", lists(SMS), "clientId|priority", "1567890|5.5", "row 1 priority: is no integer"},
		{"an integer too large", lists(SMS), "clientId|priority", "1567890|2147483648", "row 1 priority: is no integer"},
		{"a zone in the wrong part of the world", lists(SMS), "clientId|timezone", "1567890|Uruguay/Montevideo", "row 1 timezone: is no time zone: write America/Montevideo, if that is meant"},
		{"a zone in lower case", lists(SMS), "clientId|timezone", "1567890|america/sao paulo", "row 1 timezone: is no time zone: write America/Sao_Paulo, if"},
		{"nothing like a zone", lists(SMS), "clientId|timezone", "1567890|home", "row 1 timezone: is no time zone: write a name"},
		{"the machine's own zone", lists(SMS), "clientId|timezone", "1567890|Local", "row 1 timezone: is no time zone"},
		{"a date without a zone", leads(SMS), "clientId|scheduleDate", "1567890|2026-12-25 09:30:00", "row 1 scheduleDate: has no time zone: give the row a timezone, or say --timezone"},
		{"a date with a zone inside", day, "clientId|scheduleDate", "1567890|2026-12-25T09:30:00Z", "row 1 scheduleDate: is no date and time"},
		{"a day alone", day, "clientId|scheduleDate", "1567890|2026-12-25", "row 1 scheduleDate: is no date and time"},
		{"a day that does not exist", day, "clientId|scheduleDate", "1567890|2027-02-29 10:00:00", "row 1 scheduleDate: is no date and time"},
		{"an hour of one digit", day, "clientId|scheduleDate", "1567890|2026-12-25 9:30:00", "row 1 scheduleDate: is no date and time"},
		{"a time in the gap", leads(SMS), "clientId|timezone|scheduleDate", "1567890|Europe/Madrid|2027-03-28 02:30:00", "row 1 scheduleDate: does not exist in its time zone"},
		{"a time that is past", day, "clientId|scheduleDate", "1567890|2026-11-26 11:59:59", "row 1 scheduleDate: is past: choose a later time, or say --allow-past"},
		{"a second before the hours", day, "clientId|scheduleDate", "1567890|2026-12-25 08:59:59", "row 1 scheduleDate: is outside of the hours 09:00-20:00"},
		{"the end of the hours", day, "clientId|scheduleDate", "1567890|2026-12-25 20:00:00", "row 1 scheduleDate: is outside of the hours 09:00-20:00"},
		{"a list for a text", lists(SMS), "clientId|content", `1567890|json:["a"]`, "row 1 content: is a list or an object"},
		{"bytes of another charset", lists(SMS), "clientId|content", "1567890|Jos\xe9", "row 1 content: holds bytes that are no UTF-8"},
		{"the same in data", lists(SMS), "clientId|data.name", "1567890|Jos\xe9", "row 1 data.name: holds bytes that are no UTF-8"},
		{"data that is a list", lists(SMS), "clientId|data", `1567890|json:["a"]`, "row 1 data: is no JSON object"},
		{"data that is no JSON", lists(SMS), "clientId|data", `1567890|{"a":`, "row 1 data: is no JSON object"},
		{"a member of data twice", lists(SMS), "clientId|data|data.a", `1567890|json:{"a":"x"}|y`, "row 1 data: has a member of data that a column is too"},
		{"the mark of a push", leads(SMS), "clientId|data", `1567890|json:{"a":"windrow_push","windrow_push":{}}`, "row 1 data: has the member windrow_push"},
	} {
		got := read(t, c.options, tableOf(c.columns, c.row))
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s:\n%s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestWithinTheHoursTheFirstMomentCounts(t *testing.T) {
	for hours, want := range map[string]bool{"09:00-20:00": true, "08:00-09:00": false, "20:00-09:01": true, "20:00-09:00": false, "00:00-24:00": true} {
		h, err := ParseHours(hours)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.hold(time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)); got != want || h.String() != hours {
			t.Errorf("%s (%s): %v", hours, h, got)
		}
	}
	for _, bad := range []string{"", "9-20", "09:00", "09:00-09:00", "24:00-09:00", "09:00-25:00", "09:00-20:00:00", "9:00-20:00"} {
		if _, err := ParseHours(bad); pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWithAllowPastATimeMayBePast(t *testing.T) {
	o := leads(SMS)
	o.Timezone, o.AllowPast = "America/Montevideo", true
	if got := read(t, o, tableOf("clientId|scheduleDate", "1567890|2020-01-01 10:00:00")); !strings.HasPrefix(got[0], "{") {
		t.Error(got)
	}
}

func TestOfRowsThatShareAnAddressTheFirstWins(t *testing.T) {
	got := read(t, lists(Telephony), tableOf("clientIds|priority",
		"+14256715523;+13125487701|1", // 1
		"+598 91 234 567|x",           // 2: refused, so that its number is free
		"+59891234567|3",              // 3
		"1 312 548 7701|4",            // 4: as 1
		"+14256715524;+598 91234567|", // 5: as 3
		"+14256715524|"))              // 6: 5 is no contact
	want := []string{
		`{"clientIds":["+14256715523","+13125487701"],"priority":1}`,
		"row 2 priority: is no integer",
		`{"clientIds":["+59891234567"],"priority":3}`,
		"row 4 : is a duplicate of row 1: leave one of the two",
		"row 5 : is a duplicate of row 3: leave one of the two",
		`{"clientIds":["+14256715524"]}`,
	}
	for i := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("%q\nwant %q", got, want)
		}
	}
	for _, same := range [][2]string{{"A@b.co", "a@B.CO"}, {"jos\u00e9@b.co", "jose\u0301@b.co"}} {
		if got := read(t, lists(Email), tableOf("clientId", same[0], same[1])); !strings.HasPrefix(got[1], "row 2 : is a duplicate of row 1") {
			t.Error(got)
		}
	}
}

func TestAMappingThatCannotBeIsRefusedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		columns string
		maps    []string
		want    string
	}{
		{"the address of another type", lists(Telephony), "clientId", nil, "column clientId is clientId, which contacts of a hub of type telephony do not have; say --map clientId=clientIds"},
		{"the addresses of another type", lists(Email), "client_ids", nil, "column client_ids is clientIds, which contacts of a hub of type email do not have; say --map client_ids=clientId"},
		{"an agent of no preview", lists(Telephony), "clientIds|agent", nil, "column agent is agent, which contacts of a hub of type telephony do not have; leave it out by --map agent="},
		{"a message by telephone", lists(VoiceBroadcast), "clientIds|texto", []string{"texto=content"}, "column texto is content, which contacts of a hub of type voicebroadcast do not have"},
		{"a date in a list", lists(SMS), "clientId|scheduleDate", nil, "column scheduleDate is scheduleDate, which leads alone have"},
		{"no address", lists(Telephony), "phone|name", nil, "no column is clientIds; say which by --map column=clientIds; the columns are phone, name"},
		{"a first line that is a contact", lists(Telephony), "+52 55 1234 5678|Ana|data.x", []string{"phone=clientIds"}, "there is no column phone; the columns are column 1, column 2, column 3; an address stands among their names: a table begins with a line that names its columns"},
		{"a column that is not there", lists(SMS), "clientId", []string{"Name=data.name"}, "there is no column Name; the columns are clientId"},
		{"a property that is not there", lists(SMS), "clientId|x", []string{"x=phone"}, "--map x=phone: there is no such property; a contact of a hub of type sms has clientId, contactId,"},
		{"no mapping", lists(SMS), "clientId", []string{"clientId"}, "--map clientId is not column=property"},
		{"a column twice", lists(SMS), "clientId|x", []string{"x=content", "x=template"}, "--map x=template: the column is mapped twice"},
		{"a property twice", lists(SMS), "clientId|phone", []string{"phone=clientId"}, "the columns clientId and phone are both clientId; leave one out by --map phone="},
		{"a member of data twice", lists(SMS), "clientId|data.a|b", []string{"b=data.a"}, "the columns data.a and b are both data.a"},
		{"the mark of a push", leads(SMS), "clientId|data.windrow_push", nil, "column data.windrow_push is data.windrow_push, which says"},
		{"a type that is not there", lists("voice"), "clientIds", nil, "--hub-type voice is none of telephony, preview, voicebroadcast, email, sms, whatsapp"},
		{"a country that is not there", Options{HubType: SMS, Delivery: push.Lists, Country: "XX"}, "clientId", nil, "--country is no country's code"},
		{"a zone that is not there", Options{HubType: SMS, Delivery: push.Lists, Timezone: "Montevideo"}, "clientId", nil, "--timezone is no time zone; write America/Montevideo, if that is meant"},
	} {
		c.options.Maps = c.maps
		_, err := New(tableOf(c.columns), c.options)
		if err == nil || pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestAColumnsNameThatMayBeAPersonIsNotShown(t *testing.T) {
	for columns, want := range map[string]string{
		"clientIds|Ana|+14256715523|age": "column 2,column 3,column 4", "clientIds|Ana|ana@b.co": "column 2,column 3", "clientIds|Ana|1 425 671": "column 2,column 3",
		"clientIds|score 2025|calls20250901|1234|data.": "score 2025,calls20250901,1234,data.",
	} {
		in, err := New(tableOf(columns), lists(Telephony))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(in.Ignored(), ","); got != want {
			t.Errorf("%s: ignored are %s, want %s", columns, got, want)
		}
	}
}

func TestColumnsThatMapToNothingAreNamedOnce(t *testing.T) {
	o := lists(Telephony)
	o.Maps = []string{"home=clientIds", "mobile=clientIds", "agent=", "name=data.name"}
	rows := tableOf("_row|name|mobile|home|age|agent|_reason|_raw|data.|clientId_s", "7|Ana|+14256715523|+13125487701|5|x|is past||y|1567890")
	in, err := New(rows, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(in.Ignored(), ","); got != "age,data." {
		t.Errorf("ignored %s", got)
	}
	// A column of the property's own name is first, then the others in the order of the command line.
	if got := read(t, o, rows); got[0] != `{"clientIds":["1567890","+13125487701","+14256715523"]} data {"name":"Ana"}` {
		t.Error(got)
	}
}

func TestAnAddressHasTheFormThatMailServersAccept(t *testing.T) {
	for text, want := range map[string]bool{
		"john.smith@mycompany.net": true, "a+b_c-d@x.co.uk": true, "o'brien@x.ie": true, "josé@correo.es": true, "a@xn--bcher-kva.example": true, "a@bücher.example": true, "1@2.co": true,
		"": false, "a": false, "a@": false, "@b.co": false, "a@b": false, "a@localhost": false, "a@b..co": false, "a@.b.co": false, "a@b.co.": false, ".a@b.co": false, "a.@b.co": false,
		"a..b@b.co": false, "a b@b.co": false, "a@b c.co": false, "a@b@c.co": false, "John <a@b.co>": false, `"a b"@b.co`: false, "a@[127.0.0.1]": false, "a@127.0.0.1": false,
		"a@-b.co": false, "a@b-.co": false, "a@b.c": false, "a@b_c.co": false, "mailto:a@b.co": false, "a@b.co,c@d.co": false, "a(comment)@b.co": false, "a\u200b@b.co": false,
		strings.Repeat("a", 65) + "@b.co": false, strings.Repeat("a", 64) + "@b.co": true, "a@" + strings.Repeat("b", 64) + ".co": false,
	} {
		if got := isEmail(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestWhoeverIsSuppressedIsSoHoweverItIsWritten(t *testing.T) {
	for _, c := range []struct {
		name, file, country string
		has, hasNot         []string
	}{
		{"lines", "+1 (425) 671-5523\n\nA@B.co\r\n1567890", "", []string{"14256715523", "a@b.co", "1567890"}, []string{"13125487701"}},
		{"an accent as a sign of its own", "jose\u0301@b.co\n", "", []string{"jos\u00e9@b.co"}, nil},
		{"an address twice", "a@b.co\nc@d.co\na@b.co\n", "", []string{"a@b.co", "c@d.co"}, nil},
		{"a byte order mark", "\uFEFFa@b.co\n", "", []string{"a@b.co"}, nil},
		{"numbers of a country", "091 234 567\n", "UY", []string{"59891234567"}, []string{"091234567"}},
		{"a column by its name", "name,Email,why\nAna,a@b.co,\"no, thanks\"\nPia,,x\n", "", []string{"a@b.co"}, nil},
		{"several in a cell", "id,clientIds\n7,+14256715523;1567890\n", "", []string{"14256715523", "1567890"}, []string{"7"}},
		{"the first column of an unknown header", "numero;motivo\n+59891234567;no\n", "", []string{"59891234567"}, nil},
		{"a table without a header", "+59891234567,no\n+14256715523,no\n", "", []string{"59891234567", "14256715523"}, nil},
		{"several columns of known names", "name,phone,why,Email\nAna,+14256715523,x,a@b.co\nPia,,y,c@d.co\nEva,1567890\n", "", []string{"14256715523", "a@b.co", "c@d.co", "1567890"}, nil},
		{"a name twice", "phone,phone\n+14256715523,1567890\n", "", []string{"14256715523", "1567890"}, nil},
		{"several a line without a header", "+14256715523;1567890\n;a@b.co\n", "", []string{"14256715523", "1567890", "a@b.co"}, nil},
		{"a number with a prefix that is not the country's", "00 598 91 234 567\n", "US", []string{"59891234567"}, nil},
		{"a header alone", "phone\n", "", nil, []string{"14256715523"}},
		{"nothing", "", "", nil, []string{"14256715523"}},
	} {
		var s Suppressed
		if err := s.Add(t.Context(), "no.txt", strings.NewReader(c.file), c.country); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, id := range c.has {
			if !s.Has([]string{"x", id}) {
				t.Errorf("%s: %s is missing", c.name, id)
			}
		}
		if s.Has(c.hasNot) {
			t.Errorf("%s: one of %s is there", c.name, c.hasNot)
		}
	}
}

func TestEveryLineThatHoldsNoAddressIsNamed(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"a line", "phone\n+14256715523\nAna said no\n", "line 3 holds no address"},
		{"in one of several columns", "phone,email\n+14256715523,a@b.co\n+14256715523,Ana\n", "line 3 holds no address"},
		{"a first line that is mistyped", "+1 425 671 55x3\na@b.co\n", "line 1 holds no address"},
		{"a first line without its plus", "12x99\n", "line 1 holds no address (nothing is sent: who stands there must be left alone, and nobody knows who it is; write a number with +, its country and its digits, or an e-mail address, or take the line out; a header names its column phone, email or address)"},
		{"a first line that is no e-mail address", "ana@correo\n", "line 1 holds no address"},
		{"a table without a header", "Ana,+14256715523\n", "line 1 holds no address"},
		{"a first line of signs", "--\n+14256715523\n", "line 1 holds no address"},
		{"a first column that is blank", ",numero\n,+14256715523\n", "line 1 holds no address"},
		{"a first column that is not the one", "nombre,celular\n,+14256715523\n", "line 2 holds no address"},
		{"three lines", "+14256715523\nAna\n\na@b.co\nAna\nAna\n", "lines 2, 5 and 6 hold no address (nothing is sent: "},
		{"a first line and another one", "12x99\na@b.co\nAna\n", "lines 1 and 3 hold no address (nothing is sent: "},
		{"very many lines", "phone\n" + strings.Repeat("Ana\n", 22), "lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 and 2 more hold no address"},
		{"a quote that is not closed", "phone,why\n+14256715523,\"no\n1567890,x\n", "line 2 cannot be read"},
		{"a quote in a cell", "phone,why\n+14256715523,says \"no\"\n", "line 2 cannot be read"},
	} {
		var s Suppressed
		err := s.Add(t.Context(), "no.txt", strings.NewReader(c.file), "")
		if pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(fmt.Sprint(err), "read no.txt: invalid: "+c.want) || strings.Contains(fmt.Sprint(err), "Ana") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
