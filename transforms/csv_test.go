package transforms

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestCSVFormsOfTheSameDocument(t *testing.T) {
	want := mustRead(t, minimal+row1)
	for name, doc := range map[string]string{
		"CRLF":                         "id,started,kind,zone\r\n1,2025-09-08 10:00:00,Call,UTC\r\n",
		"CRLF cut to CR at the end":    "id,started,kind,zone\r\n1,2025-09-08 10:00:00,Call,UTC\r",
		"no line end at the end":       "id,started,kind,zone\n1,2025-09-08 10:00:00,Call,UTC",
		"byte order mark":              "\uFEFF" + minimal + row1,
		"byte order mark and quotes":   "\uFEFF\"id\",\"started\",\"kind\",\"zone\"\n" + row1,
		"blank lines":                  "\n\r\n" + minimal + "\n" + row1 + "\r\n\n",
		"everything quoted":            "\"id\",\"started\",\"kind\",\"zone\"\n\"1\",\"2025-09-08 10:00:00\",\"Call\",\"UTC\"\n",
		"everything quoted, no end":    "\"id\",\"started\",\"kind\",\"zone\"\r\n\"1\",\"2025-09-08 10:00:00\",\"Call\",\"UTC\"",
		"blanks around header names":   " id , started,kind ,zone \n" + row1,
		"stray quotes in the header":   "'id',\"\"\"started\"\"\",kind,zone\n" + row1,
		"a name quoted with a newline": "id,started,kind,\"zone\n\"\n" + row1,
		"an added blank column":        "id,started,kind,zone,new\n1,2025-09-08 10:00:00,Call,UTC,\n",
		"other order":                  "zone,kind,started,id\nUTC,Call,2025-09-08 10:00:00,1\n",
		"time with T":                  minimal + "1,2025-09-08T10:00:00,Call,UTC\n",
		"time with a fraction":         minimal + "1,2025-09-08 10:00:00.000000,Call,UTC\n",
		"time with an offset":          minimal + "1,2025-09-08 12:00:00+02:00,Call,UTC\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := mustRead(t, doc)
			if fmt.Sprint(got.rows) != fmt.Sprint(want.rows) || fmt.Sprint(got.times) != fmt.Sprint(want.times) ||
				fmt.Sprint(got.hashes) != fmt.Sprint(want.hashes) || len(got.rejects) != 0 {
				t.Errorf("got  %v\nwant %v\nrejects %v", got.rows, want.rows, got.rejects)
			}
		})
	}
	if len(want.rows) != 1 || want.rows[0]["event_id"] != "1" || want.rows[0]["started_at"] != "2025-09-08T10:00:00Z" {
		t.Errorf("got %v", want.rows)
	}
}

func TestPromise04_EmptyIsNotBroken(t *testing.T) {
	for name, doc := range map[string]string{
		"header and line end":    minimal,
		"header with CRLF":       "id,started,kind,zone\r\n",
		"header alone":           "id,started,kind,zone",
		"quoted header alone":    `"id","started","kind","zone"`,
		"header and blank lines": minimal + "\r\n\n",
	} {
		t.Run(name+" is a confirmed empty document", func(t *testing.T) {
			got, err := read(t, doc)
			if err != nil || got.chunks != 1 || len(got.rows)+len(got.rejects) != 0 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	whole := minimal + row1
	for name, c := range map[string]struct{ doc, says string }{
		"a blank body":                         {"", "blank"},
		"blank lines only":                     {"\r\n \n", "blank"},
		"a byte order mark only":               {"\uFEFF", "blank"},
		"an HTML page":                         {"\n  <!doctype html>\n<html>", "HTML"},
		"an HTML page after a mark":            {"\uFEFF<html>", "HTML"},
		"a JSON error":                         {`{"error":{"code":404}}`, "JSON"},
		"a missing key column":                 {"id,kind,zone\n1,Call,UTC\n", "lacks started"},
		"two missing key columns":              {"a,b\n1,2\n", "lacks id, started"},
		"a header cut short":                   {"id,started,kin", "header is cut short"},
		"a NUL byte in the header":             {"id,sta\x00rted,kind\n", "NUL byte at byte 6"},
		"a row of NUL bytes":                   {whole + strings.Repeat("\x00", 100) + ",,,\n" + row1, "row 2 is mostly NUL bytes"},
		"lines that end in CR alone":           {"id,started,kind,zone\r1,2025-09-08 10:00:00,Call,UTC\r", "CR alone"},
		"a last row with too few cells":        {whole + "2,2025-09-08 10:00:00", "row 2 has 2 of 4 cells"},
		"a last row of one character":          {whole + "2", "row 2 has 1 of 4 cells"},
		"a last row with a blank end":          {whole + "2,2025-09-08 10:00:00,Call,", "cut short"},
		"a last row with half a zone":          {whole + "2,2025-09-08 10:00:00,Call,America/Chi", "cut short"},
		"a zone that begins the one asked for": {whole + "2,2025-09-08 10:00:00,Call,America", "cut short"},
		"a last column that can be cut":        {"id,started,kind\n1,2025-09-08 10:00:00,Call", "cut short"},
		"a last row with too many cells":       {whole + "2,2025-09-08 10:00:00,Call,UTC,more", "row 2 has 5 cells, the header has 4"},
		"an unknown last column":               {"id,started,kind,new\n1,2025-09-08 10:00:00,Call,x", "cut short"},
		"half a boolean at the end":            {"id,started,kind,internal\n1,2025-09-08 10:00:00,Call,tru", "cut short"},
	} {
		t.Run(name+" is malformed", func(t *testing.T) {
			_, err := read(t, c.doc)
			wantKind(t, err, pipeline.Malformed, c.says)
			var e *pipeline.Error
			if errors.As(err, &e) && e.Hint == "" {
				t.Errorf("%v has no hint", err)
			}
		})
	}
	for name, doc := range map[string]string{
		"a boolean":     "id,started,kind,internal\n1,2025-09-08 10:00:00,Call,false",
		"a quoted text": "id,started,kind,new\n1,2025-09-08 10:00:00,Call,\"x\"",
		"a zone":        minimal + "1,2025-09-08 10:00:00,Call,America/Chicago",
	} {
		t.Run("a last row that ends in "+name+" is whole without a line end", func(t *testing.T) {
			if got := mustRead(t, doc); len(got.rows) != 1 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPromise04_EveryCutOfADocumentIsNoticed(t *testing.T) {
	doc := "id,started,kind,text,new,zone\r\n" +
		"1,2025-09-08 10:00:00,Call,\"one, \"\"two\"\"\r\nthree\",x,America/Chicago\r\n" +
		"2,2025-09-08 10:00:01,Call,plain,\"y\",America/Chicago\r\n"
	strict := NewCSV(testMapping(), pipeline.Policy{})
	for n := range len(doc) {
		cut := doc[:n]
		// At a row's end nothing in the bytes tells that there were more; a
		// broken connection is noticed below this package.
		whole := strings.TrimSuffix(strings.TrimSuffix(cut, "\n"), "\r")
		rowEnd := strings.HasSuffix(whole, "zone") || strings.HasSuffix(whole, "America/Chicago")
		_, err := load(t, strict, &testMeta, strings.NewReader(cut), 1<<20)
		if errors.Is(err, pipeline.ErrIrregular) {
			_, err = load(t, strict.Lenient(), &testMeta, strings.NewReader(cut), 1<<20)
		}
		if rowEnd != (err == nil) {
			t.Errorf("cut at %d, %q: %v", n, cut[max(0, n-20):], err)
		}
		if err != nil && pipeline.KindOf(err) != pipeline.Malformed {
			t.Errorf("cut at %d: %v is not malformed", n, err)
		}
	}
}

func TestPromise05_EveryRowIsLoadedOrRejected(t *testing.T) {
	got := mustRead(t, "id,started,kind,talk,zone\n"+
		"1,2025-09-08 10:00:00,Call,1,UTC\n"+
		"2,2025-09-08 10:00:00,Call\n"+
		",2025-09-08 10:00:00,Call,1,UTC\n"+
		"4,,Call,1,UTC\n"+
		"5,yesterday,Call,1,UTC\n"+
		"6,2025-02-30 10:00:00,Call,1,UTC\n"+
		"7,2025-09-08 10:00:00,Call,1,Nowhere/Else\n"+
		"8,2025-09-08 10:00:00,Call,1,UTC,more,\"and\nmore\"\n"+
		"9,2025-09-08 10:00:00,,1,UTC\n"+
		"10,2025-09-08 10:00:00,Call,much,UTC\n")
	want := []pipeline.Reject{
		{Row: 2, At: pipeline.NoInstant, Reason: "has 3 of 5 cells", Raw: "2,2025-09-08 10:00:00,Call"},
		{Row: 3, At: 1757325600000000, Reason: "id is blank", Raw: ",2025-09-08 10:00:00,Call,1,UTC"},
		{Row: 4, At: pipeline.NoInstant, Reason: "started is blank", Raw: "4,,Call,1,UTC"},
		{Row: 5, At: pipeline.NoInstant, Reason: "started is not a time", Raw: "5,yesterday,Call,1,UTC"},
		{Row: 6, At: pipeline.NoInstant, Reason: "started is not a time", Raw: "6,2025-02-30 10:00:00,Call,1,UTC"},
		{Row: 7, At: pipeline.NoInstant, Reason: "zone is not a known time zone", Raw: "7,2025-09-08 10:00:00,Call,1,Nowhere/Else"},
		{Row: 8, At: pipeline.NoInstant, Reason: "has 7 cells, the header has 5", Raw: "8,2025-09-08 10:00:00,Call,1,UTC,more,\"and\nmore\""},
		{Row: 9, At: 1757325600000000, Reason: "kind is blank", Raw: "9,2025-09-08 10:00:00,,1,UTC"},
	}
	if len(got.rows) != 2 || len(got.rejects) != len(want) {
		t.Fatalf("got %d rows and %d rejects: %v", len(got.rows), len(got.rejects), got.rejects)
	}
	for i := range want {
		if field, _, _ := strings.Cut(want[i].Reason, " "); field != "has" {
			want[i].Field = field
		}
		want[i].Shape = got.rejects[i].Shape // see TestG_
		if got.rejects[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got.rejects[i], want[i])
		}
	}
	if r := got.rows[1]; r["talk_seconds"] != "" || r["extras"] != `{"talk":"much"}` {
		t.Errorf("a value that cannot be read is null and stays in extras; got %v", r)
	}
}

func TestRejectsKeepAtMost64KiBOfText(t *testing.T) {
	long := "2," + strings.Repeat("é", maxRaw)
	got := mustRead(t, minimal+long+"\n"+row1)
	if raw := got.rejects[0].Raw; len(raw) > maxRaw || len(raw) < maxRaw-3 || !strings.HasPrefix(long, raw) {
		t.Errorf("kept %d bytes", len(raw))
	}
}

func TestPromise05_UnknownFieldsStayInExtras(t *testing.T) {
	cases := map[string]struct{ header, row, extras string }{
		"verbatim":                     {"new,other", "  a b ,0010.50", `{"new":"  a b ","other":"0010.50"}`},
		"blank cells are left out":     {"new,other", ",  ", ``},
		"escaped as JSON":              {"new,ot\"\"her", "\"a \"\"b\"\" \\ c\td\r\ne\x01\",é\u2028", ``},
		"the second of a name":         {"kind,new,new,new", "x,a,b,c", `{"kind_2":"x","new":"a","new_2":"b","new_3":"c"}`},
		"invented names give way":      {"new,new,new_2", "a,b,c", `{"new":"a","new_3":"b","new_2":"c"}`},
		"a column without a name":      {",  ,x", "a,b,c", `{"column_5":"a","column_6":"b","x":"c"}`},
		"bytes that are not UTF-8":     {"new", "a\xff\xfeb", `{"new":"a` + "\uFFFD" + `b"}`},
		"a field that no column holds": {"internal", "true", `{"internal":"true"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			doc := "id,started,kind,zone," + c.header + "\n1,2025-09-08 10:00:00,Call,UTC," + c.row + "\n"
			if strings.Contains(c.header, `""`) {
				doc = "id,started,kind,zone,new,\"ot\"\"her\"\n1,2025-09-08 10:00:00,Call,UTC," + c.row + "\n"
				c.extras = `{"new":"a \"b\" \\ c\td\r\ne\u0001","ot\"her":"é` + "\u2028" + `"}`
			}
			got := mustRead(t, doc)
			if got.rows[0]["extras"] != c.extras {
				t.Errorf("got %s, want %s", got.rows[0]["extras"], c.extras)
			}
		})
	}
}

func TestExtrasHashCoversWhatIsKept(t *testing.T) {
	hash := func(m Mapping, header, row string) pipeline.Hash {
		got, err := load(t, NewCSV(m, pipeline.Policy{}), &testMeta, strings.NewReader("id,started,kind,zone,"+header+"\n1,2025-09-08 10:00:00,Call,UTC,"+row+"\n"), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return got.hashes[0]
	}
	m := testMapping()
	m.Fields = append(m.Fields, Field{Source: "now", Snapshot: true})
	base := hash(m, "a,b", "1,2")
	if hash(m, "b,a", "2,1") != base || hash(m, "a,b,c", "1,2,") != base {
		t.Error("order of columns and blank cells must not count")
	}
	if hash(m, "a,b", "2,1") == base || hash(m, "a,b", "1,3") == base {
		t.Error("values must count under their names")
	}
	if hash(m, "a,b,now", "1,2,9") != base {
		t.Error("a snapshot field must not count")
	}
	if want := pipeline.FieldHash(pipeline.NameSeed("a"), []byte("1")).Add(pipeline.FieldHash(pipeline.NameSeed("b"), []byte("2"))); base != want {
		t.Errorf("got %v, want the sum of the fields' hashes %v", base, want)
	}
}

func TestConversions(t *testing.T) {
	got := mustRead(t, "id,started,kind,talk,tags,score,entry,text,zone\n"+
		"6529997769220096,2025-09-08 10:00:00,Call,2.86,\" answered, inbound,,unanswered \",9.5,True,\"a \"\"b\"\"\nc\",UTC\n"+
		"9007199254740993123,2025-09-08 10:00:00,CALL,x,\" , \",1e400,maybe,é,UTC\n")
	want := map[string]string{
		"event_id": "6529997769220096", "kind": "call", "talk_seconds": "171.6", "tags": `["answered" "inbound" "unanswered"]`,
		"score": "9.5", "is_entry": "true", "text": "a \"b\"\nc", "timezone": "UTC", "channel": "voice", "started_at": "2025-09-08T10:00:00Z",
	}
	if fmt.Sprint(got.rows[0]) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got.rows[0], want)
	}
	want = map[string]string{
		"event_id": "9007199254740993123", "kind": "call", "text": "é", "timezone": "UTC", "channel": "voice", "started_at": "2025-09-08T10:00:00Z",
		"extras": `{"talk":"x","tags":" , ","score":"1e400","entry":"maybe"}`,
	}
	if fmt.Sprint(got.rows[1]) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got.rows[1], want)
	}
}
