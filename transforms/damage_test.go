package transforms

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// provenReader is a body that is known to be whole.
type provenReader struct{ io.Reader }

func (provenReader) Proven() bool { return true }

// ranges are sizes of ranges: a row each, some rows, a sync's.
var ranges = []int{1, 100, rangeOf}

// readAnyCSV reads a document as the engine does: strictly, then leniently if need be.
func readAnyCSV(t *testing.T, doc string, proven bool, rangeBytes int) (loaded, error) {
	t.Helper()
	open := func() io.Reader {
		if proven {
			return provenReader{strings.NewReader(doc)}
		}
		return strings.NewReader(doc)
	}
	f := NewCSV(testMapping(), pipeline.Policy{})
	got, err := load(t, f, &testMeta, open(), rangeBytes)
	if errors.Is(err, pipeline.ErrIrregular) {
		got, err = load(t, f.Lenient(), &testMeta, open(), rangeBytes)
	}
	return got, err
}

func TestA_ALastRowThatIsNotShapedLikeOneCondemnsACSVDocument(t *testing.T) {
	good := row1 + strings.Repeat("2,2025-09-08 10:00:00,Call,UTC\n", 30)
	for name, end := range map[string]struct{ text, says string }{
		"an error":               {"ERROR: the export ran too long", "row 32 has 1 of 4 cells: ERROR: the export ran too long"},
		"an error as JSON":       {`{"error":{"message":"ran too long","code":5}}`, "ran too long"},
		"a page":                 {"<html><title>504 Gateway Time-out</title></html>", "row 32 has 1 of 4 cells: titled 504 Gateway Time-out"},
		"a row cut short":        {"3,2025-09-08 10:00:00,Ca", "row 32 has 3 of 4 cells; its text has the shape 9,9999-99-99 99:99:99,aa"},
		"a word":                 {"Timeout", "row 32 has 1 of 4 cells; its text has the shape aaaaaaa"},
		"half a cell":            {"3,2025-09", "row 32 has 2 of 4 cells"},
		"a row of too many":      {"3,2025-09-08 10:00:00,Call,UTC,,", "row 32 has 6 cells, the header has 4"},
		"a cut row with quotes":  {`3,"2025-09-08 10:00:00","Ca""ll"`, "row 32 has 3 of 4 cells"},
		"a stray quote":          {`3,2025-09-08 10:00:00,"Call" x`, "row 32 has a stray quote"},
		"one quoted cell":        {`"the end"`, "row 32 has 1 of 4 cells"},
		"a single comma":         {`,`, "row 32 has 2 of 4 cells"},
		"a line of NUL bytes":    {strings.Repeat("\x00", 20), "row 32 has 1 of 4 cells"},
		"an error of two fields": {"Error,ran too long", "row 32 has 2 of 4 cells: Error,ran too long"},
	} {
		for _, lineEnd := range []string{"\n", "\r\n"} {
			for ending, behind := range map[string]string{"none": "", "a line end": lineEnd, "blank lines": lineEnd + lineEnd + lineEnd} {
				doc := strings.ReplaceAll(minimal+good, "\n", lineEnd) + end.text + behind
				t.Run(fmt.Sprintf("%s, behind lines that end in %q, %s behind it", name, lineEnd, ending), func(t *testing.T) {
					for _, size := range ranges {
						for _, proven := range []bool{false, true} {
							_, err := readAnyCSV(t, doc, proven, size)
							wantKind(t, err, pipeline.Malformed, end.says)
						}
						if name == "a line of NUL bytes" {
							continue
						}
						// In the middle it is a reject, which counts by its share.
						middle := strings.ReplaceAll(minimal+row1, "\n", lineEnd) + end.text + lineEnd + strings.ReplaceAll(good, "\n", lineEnd)
						if got, err := readAnyCSV(t, middle, false, size); err != nil || len(got.rejects) != 1 || len(got.rows) != 32 {
							t.Errorf("in the middle: %d rows, %d rejects, %v", len(got.rows), len(got.rejects), err)
						}
					}
				})
			}
		}
	}
}

// An error page has many lines, of which the last tells nothing.
func TestG_APageBehindTheRowsIsToldByWhatItIs(t *testing.T) {
	page := "<!DOCTYPE html>\n<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\nplease, wait\n</body></html>\n"
	for doc, want := range map[string][2]string{
		minimal + row1 + page:                                {"other_document", "row 2 has 1 of 4 cells: titled 502 Bad Gateway: a page of HTML or XML begins with it (the vendor's server"},
		minimal + row1 + "\n" + `"` + page[:16] + `"` + "\n": {"other_document", "row 2 has 1 of 4 cells: a page of HTML or XML begins with it"},
		minimal + row1 + page + row1 + "the end\n":           {"cut_short", "row 9 has 1 of 4 cells; its text has the shape aaa aaa"}, // rows stand behind it
		minimal + row1 + "the end\n" + page:                  {"other_document", "row 3 has 1 of 4 cells: titled 502 Bad Gateway"},
	} {
		_, err := readAnyCSV(t, doc, true, rangeOf)
		if pipeline.ErrorKind(err) != want[0] || !strings.Contains(err.Error(), want[1]) {
			t.Errorf("%q: %v, want %s: %s", doc, err, want[0], want[1])
		}
	}
}

func TestA_TheHeaderInsideTheDocumentCondemnsIt(t *testing.T) {
	const header = "id,started,kind,zone"
	good := strings.Repeat("2,2025-09-08 10:00:00,Call,UTC\n", 5)
	for name, again := range map[string]string{
		"as it is": header, "quoted": `"id","started","kind","zone"`, "behind a byte order mark": "\uFEFF" + header,
		"quoted behind a byte order mark": "\uFEFF" + `"id","started","kind","zone"`, "with blanks": "id , started, kind ,zone ",
		"in capitals": strings.ToUpper(header), "in capitals, quoted behind a byte order mark": "\uFEFF" + `"ID","Started","Kind","Zone"`, "in capitals and another order": "Started,ID,Zone,Kind",
		"in another order": "started,id,zone,kind", "with a column more": header + ",new", "with a column less": "id,started,kind",
		"half of it, beside values": "id,started,Call,UTC", "cut short": "id,started,ki", "behind half a row": "3,2025-09-08 1" + header, "behind a row without a line end": "3,2025-09-08 10:00:00,Call,UTC" + header,
	} {
		for _, lineEnd := range []string{"\n", "\r\n"} {
			t.Run(name+fmt.Sprintf(", lines end in %q", lineEnd), func(t *testing.T) {
				for where, doc := range map[string]string{
					"middle": minimal + good + again + "\n" + good, "begin": minimal + again + "\n" + good, "end": minimal + good + again + "\n",
					"end without a line end": minimal + good + again,
				} {
					row := 6
					if where == "begin" {
						row = 1
					}
					for _, size := range ranges {
						_, err := readAnyCSV(t, strings.ReplaceAll(doc, "\n", lineEnd), true, size)
						wantKind(t, err, pipeline.Malformed, fmt.Sprintf("row %d is the header again", row))
					}
				}
			})
		}
	}
	for name, row := range map[string]string{
		"a name of a column in a cell": "2,2025-09-08 10:00:00,kind,UTC\n", "the last name in the last cell": "2,2025-09-08 10:00:00,Call,zone\n",
	} {
		if _, err := readAnyCSV(t, minimal+good+row+good, false, rangeOf); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestB_AProvenDocumentNeedsNoLineEnd(t *testing.T) {
	for name, doc := range map[string]string{
		"an unknown last column": "id,started,kind,new\n1,2025-09-08 10:00:00,Call,x", "a last cell that can be cut": "id,started,kind\n1,2025-09-08 10:00:00,Call",
		"a blank last cell": minimal + "1,2025-09-08 10:00:00,Call,", "the zone asked for": minimal + "1,2025-09-08 10:00:00,Call,America/Chicago",
		"CRLF": "id,started,kind,new\r\n1,2025-09-08 10:00:00,Call,x", "a stray quote before": "id,started,kind,new\n1,2025-09-08 10:00:00,Ca\"ll,x",
	} {
		for _, size := range ranges {
			if got, err := readAnyCSV(t, doc, true, size); err != nil || len(got.rows) != 1 {
				t.Errorf("%s: %+v, %v", name, got.rejects, err)
			}
		}
	}
	if got, err := readAnyCSV(t, "id,started,kind", true, rangeOf); err != nil || len(got.rows) != 0 {
		t.Errorf("a header alone: %v", err)
	}
	if _, err := readAnyCSV(t, "id,started,kind", false, rangeOf); err == nil {
		t.Error("a header alone that nothing proves was taken")
	}
}

func TestB_SpoiltBytesSpoilTheirValuesAndAreCounted(t *testing.T) {
	header := "id,started,ended,kind,talk,text,new,zone\n"
	row := func(cells string) string { return "1,2025-09-08 10:00:00," + cells + "\n" }
	sound := row(",Call,1,hello,x,UTC")
	for name, c := range map[string]struct {
		row, field string
		want       map[string]string
	}{
		"Windows-1252 in a text":   {row(",Call,1,Pe\xf1a,x,UTC"), "text", map[string]string{"text": "Pe\uFFFDa"}},
		"NUL in a text":            {row(",Call,1,a\x00b,x,UTC"), "text", map[string]string{"text": "a\uFFFDb"}},
		"NUL in a quoted text":     {row(",Call,1,\"a,\x00\",x,UTC"), "text", map[string]string{"text": "a,\uFFFD"}},
		"NUL in a number":          {row(",Call,1\x00,hello,x,UTC"), "talk", map[string]string{"talk_seconds": "", "extras": `{"talk":"1` + "\uFFFD" + `","new":"x"}`}},
		"bytes in a number":        {row(",Call,\xff1,hello,x,UTC"), "talk", map[string]string{"talk_seconds": "", "extras": `{"talk":"` + "\uFFFD" + `1","new":"x"}`}},
		"a word in a number":       {row(",Call,many,hello,x,UTC"), "talk", map[string]string{"talk_seconds": "", "extras": `{"talk":"many","new":"x"}`}},
		"NUL in a second time":     {row("2025-09-08 10:00:00\x00,Call,1,hello,x,UTC"), "ended", map[string]string{"ended_at": ""}},
		"a second time unread":     {row("soon,Call,1,hello,x,UTC"), "ended", map[string]string{"ended_at": "", "extras": `{"ended":"soon","new":"x"}`}},
		"NUL in an unknown column": {row(",Call,1,hello,\x00,UTC"), "new", map[string]string{"extras": `{"new":"` + "\uFFFD" + `"}`}},
		"bytes in an unknown one":  {row(",Call,1,hello,\xe9,UTC"), "new", map[string]string{"extras": `{"new":"` + "\uFFFD" + `"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range ranges {
				got, err := readAnyCSV(t, header+sound+c.row+sound, false, size)
				if err != nil || len(got.rows) != 3 || len(got.rejects) != 0 {
					t.Fatalf("%d rows, rejects %v, %v", len(got.rows), got.rejects, err)
				}
				for column, want := range c.want {
					if got.rows[1][column] != want {
						t.Errorf("%s is %q, want %q", column, got.rows[1][column], want)
					}
				}
				if want := (pipeline.FieldCounts{c.field: 1}); fmt.Sprint(got.unreadable) != fmt.Sprint(want) {
					t.Errorf("unreadable %v, want %v", got.unreadable, want)
				}
			}
		})
	}
	for name, bad := range map[string]string{
		"NUL in the key": "1\x00,2025-09-08 10:00:00,,Call,1,hello,x,UTC\n", "bytes in the key": "\xf1,2025-09-08 10:00:00,,Call,1,hello,x,UTC\n",
		"NUL in the time": "1,2025-09-08\x00 10:00:00,,Call,1,hello,x,UTC\n", "bytes in a column that must not be null": "1,2025-09-08 10:00:00,,\xff,1,hello,x,UTC\n",
	} {
		got, err := readAnyCSV(t, header+sound+bad+sound, false, rangeOf)
		if err != nil || len(got.rows) != 2 || len(got.rejects) != 1 || len(got.unreadable) != 0 {
			t.Errorf("%s: %d rows, rejects %v, unreadable %v, %v", name, len(got.rows), got.rejects, got.unreadable, err)
		}
	}
	for name, doc := range map[string]string{
		"UTF-16, little end": "\xff\xfe" + wide(header+sound, 0), "UTF-16, big end": "\xfe\xff" + wide(header+sound, 1), "UTF-16 without a mark": wide(header+sound, 0),
		"UTF-16 behind the header": header + wide(sound+sound, 0), "a block of NUL bytes": header + sound + strings.Repeat("\x00", 4096) + sound,
		"an archive": "PK\x03\x04\x14\x00\x00\x00\x08\x00" + header + sound,
	} {
		for _, size := range ranges {
			_, err := readAnyCSV(t, doc, true, size)
			if pipeline.KindOf(err) != pipeline.Malformed || err == nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// What is no text is told by what it is: each has a remedy of its own.
func TestG_WhatIsNoTextIsToldByWhatItIs(t *testing.T) {
	const header, row = "id,started,rang,kind,n,text,extra,zone\n", "1,2025-09-08 10:00:00,,Call,1,hello,x,UTC\n"
	list, around := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}), NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	var hints []string
	for _, c := range []struct{ kind, begins string }{
		{"compressed", "\x1f\x8b\x08\x00\x00"}, {"compressed", "PK\x03\x04\x14\x00\x00"}, {"compressed", "\x28\xb5\x2f\xfd\x04"},
		{"compressed", "BZh91AY&SY"}, {"compressed", "\xfd7zXZ\x00"}, {"compressed", "\x78\x9c\x4b"},
		{"other_charset", "\xff\xfe" + wide(header+row, 0)}, {"other_charset", "\xfe\xff" + wide(header+row, 1)},
		{"other_charset", wide(header+row, 0)}, {"other_charset", wide(header+row, 1)}, {"other_charset", wide("[{},{}]", 0)},
		{"binary", "%PDF-1.7\n"}, {"binary", "\xd0\xcf\x11\xe0\xa1\xb1"}, {"binary", "\x07\x01\x12\x9e\xe1,\x02"}, {"binary", "\x0b\x05\x80\x03\xe2\x1a\x00\n"},
	} {
		document := c.begins
		if c.kind != "other_charset" {
			document += "\n" + strings.Repeat("x", 40) + "\n"
		}
		_, ofCSV := readAnyCSV(t, document, true, 1<<20)
		_, ofList := decodeAs(&pipeline.Meta{}, list, strings.NewReader(document), 1<<20)
		_, ofRows := decodeAs(&pipeline.Meta{}, around, strings.NewReader(document), 1<<20)
		for format, err := range map[string]error{"CSV": ofCSV, "JSON": ofList, "an envelope": ofRows} {
			var e *pipeline.Error
			if pipeline.ErrorKind(err) != c.kind || !errors.As(err, &e) || e.Hint == "" {
				t.Errorf("%q as %s: %v", c.begins, format, err)
				continue
			}
			if !slices.Contains(hints, e.Hint) {
				hints = append(hints, e.Hint)
			}
		}
	}
	if len(hints) != 3 {
		t.Errorf("three causes have the remedies %q", hints)
	}
	for spoilt, want := range map[string]pipeline.Damage{
		wide(row, 0): {Cause: pipeline.OtherCharset, What: "is UTF-16"}, strings.Repeat("\x00", 4096): {Cause: pipeline.Binary, What: "is mostly NUL bytes"},
	} {
		if got := spoiltRecord([]byte(spoilt)); got.Cause != want.Cause || got.What != want.What || got.Hint == "" {
			t.Errorf("a record that begins with %q: %+v", spoilt[:8], got)
		}
	}
}

func TestB_AnErrorOfTheVendorBehindTheRowsIsShown(t *testing.T) {
	m := Mapping{Table: pipeline.Activity, Keys: []string{"a"}}
	for doc, f := range map[string]pipeline.Format{
		`[{"a":1}] {"error":"it ran too long"}`:                     NewJSON(m, JSONOptions{}, pipeline.Policy{}),
		`{"rows":[{"a":1}]}` + "\n" + `{"error":"it ran too long"}`: NewJSON(m, JSONOptions{Rows: "rows"}, pipeline.Policy{}),
	} {
		_, err := decodeAs(&pipeline.Meta{}, f, strings.NewReader(doc), 1<<20)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Cause != pipeline.VendorError || !strings.Contains(err.Error(), "it ran too long") {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestG_AJSONAnswerInUTF16IsToldSo(t *testing.T) {
	for _, rows := range []string{"", "a"} {
		text := map[string]string{"": `[{"a":1}]`, "a": `{"a":[{"a":1}]}`}[rows]
		for _, doc := range []string{"\xff\xfe" + wide(text, 0), "\xfe\xff" + wide(text, 1), wide(text, 0), wide(text, 1)} {
			_, err := decodeAs(&pipeline.Meta{}, NewJSON(Mapping{Table: pipeline.Activity, Keys: []string{"a"}}, JSONOptions{Rows: rows, Hint: "check the address"}, pipeline.Policy{}), strings.NewReader(doc), 1<<20)
			if err == nil || !strings.Contains(err.Error(), "UTF-16") || strings.Contains(err.Error(), "address") {
				t.Errorf("%q: %v", doc, err)
			}
		}
	}
}

// wide writes ASCII as UTF-16; low is the place of the NUL byte.
func wide(s string, low int) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.Write(slices.Concat(make([]byte, low), []byte{c}, make([]byte, 1-low)))
	}
	return b.String()
}

func TestA_ARowThatIsNoneCondemnsAJSONDocument(t *testing.T) {
	list := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	around := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	good := `{"resource":"A","n":1}`
	const end, anywhere = true, false
	for name, c := range map[string]struct {
		row, says string
		last      bool // only the last one
	}{
		"a text":                {`"the query ran too long"`, "is not an object: the query ran too long", end},
		"a number":              {`17`, "is not an object, but has the shape 99", end},
		"null":                  {`null`, "is not an object", end},
		"an array":              {`[{"resource":"A"}]`, "is not an object", end},
		"NaN":                   {`NaN`, "is not an object", end},
		"an error":              {`{"error":"ran too long"}`, "holds an error of the vendor: ran too long", anywhere},
		"an error with a key":   {`{"resource":"A","n":1,"error":"ran too long"}`, "holds an error of the vendor: ran too long", anywhere},
		"an error as an object": {`{"error":{"code":504,"message":"ran too long"},"resource":"A"}`, "holds an error of the vendor: ran too long", anywhere},
		"an error as a list":    {`{"resource":"A","error":[{"detail":"ran too long"}]}`, "holds an error of the vendor: ran too long", anywhere},
		"an error as a flag":    {`{"resource":"A","error":true}`, "holds an error of the vendor: true", anywhere},
		"an error as a number":  {`{"resource":"A","error":504}`, "holds an error of the vendor: 504", anywhere},
		"an error, name spelt":  {`{"resource":"A","err\u006fr":"no"}`, "holds an error of the vendor: no", anywhere},
		"an Error":              {`{"resource":"A","Error":"ran too long"}`, "holds an error of the vendor: ran too long", anywhere},
		"errors":                {`{"resource":"A","n":1,"errors":["ran too long"]}`, "holds an error of the vendor: ran too long", anywhere},
		"no key":                {`{"n":20}`, "has nothing in resource; its members are n", anywhere},
		"nothing":               {`{}`, "has nothing in resource", anywhere},
		"a key that is null":    {`{"resource":null,"n":20}`, "has nothing in resource; its members are resource, n", anywhere},
		"a key in capitals":     {`{"Resource":"A","n":20}`, "has nothing in resource; its members are Resource, n", anywhere},
	} {
		for _, place := range []struct {
			at   string
			row  int
			rows []string
		}{
			{"first", 1, []string{c.row, good, good}}, {"middle", 4, []string{good, good, good, c.row, good}}, {"last", 4, []string{good, good, good, c.row}}, {"only", 1, []string{c.row}},
		} {
			t.Run(name+", "+place.at, func(t *testing.T) {
				rows := strings.Join(place.rows, ", ")
				for _, size := range ranges {
					for shape, err := range map[string]error{
						"list":                          errorOf(decodeDocument(list, strings.NewReader("["+rows+"]\n"), size)),
						"an object with the rows first": errorOf(decodeDocument(around, strings.NewReader(`{"operators":[`+rows+`],"status":true}`), size)),
						"an object with the rows last":  errorOf(decodeDocument(around, strings.NewReader(`{"status":true,"operators":[`+rows+`]}`), size)),
					} {
						if c.last && place.at != "last" && place.at != "only" {
							if err != nil {
								t.Errorf("%s: %v", shape, err)
							}
							continue
						}
						wantKind(t, err, pipeline.Malformed, fmt.Sprintf("row %d %s", place.row, c.says))
					}
				}
			})
		}
	}
	for _, row := range []string{
		`{"resource":"A","error":null}`, `{"resource":"A","error":false}`, `{"resource":"A","error":""}`, `{"resource":"A","error":0}`, `{"resource":"A","error":[]}`,
		`{"resource":"A","error":{}}`, `{"resource":"A","errors":3}`, `{"resource":"A","Error":4}`, `{"resource":"A","errors":[]}`, `{"resource":"A","Errors":null}`, `{"resource":"","n":1}`,
	} {
		if _, err := decodeDocument(list, strings.NewReader("["+row+"]"), rangeOf); err != nil {
			t.Errorf("%s: %v", row, err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestA_AnEnvelopeThatSaysThatItIsNotAllIsNoAnswer(t *testing.T) {
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	rows := `"operators":[{"resource":"A"},{"resource":"B"}]`
	for says, members := range map[string][]string{
		"holds an error of the vendor: ran too long": {`"error":"ran too long"`, `"Error":{"Message":"ran too long"}`, `"error":{"message":"ran too long"}`, `"errors":[{"message":"ran too long"}]`},
		"holds an error of the vendor: true":         {`"error":true`},
		"it is truncated":                            {`"truncated":true`, `"truncated":"true"`, `"Truncated":1`},
		"it is one page of several":                  {`"hasMore":true`, `"has_more":"true"`, `"truncated":false,"hasMore":true`, `"next":"/page/2"`, `"nextPageToken":"b"`, `"pagination":{"page":1,"next":2}`, `"links":{"next":"/page/2"}`, `"meta":{"hasNext":true}`},
		"it is truncated: too many":                  {`"truncated":true,"truncation_reason":"too many"`},
		"total is 3, but it has 2 rows":              {`"total":3`, `"TOTAL":3`, `"total":3.0`, `"total":"3"`, `"totalCount":3`, `"total_rows":3,"total":2`, `"pagination":{"page":1,"total":3}`, `"meta":{"total_count":3}`},
		`"status" is true: not now`:                  {`"message":"not now"`},
	} {
		for _, member := range members {
			status := `"status":true`
			if strings.Contains(member, "message\":\"not now") {
				status = `"status":false`
			}
			for _, doc := range []string{`{` + status + `,` + member + `,` + rows + `}`, `{` + rows + `,` + member + `,` + status + `}`, `{` + rows + `,` + status + `, ` + member + ` }`} {
				_, err := decodeDocument(f, strings.NewReader(doc), 1)
				wantKind(t, err, pipeline.Malformed, says)
			}
		}
	}
	for _, member := range []string{
		`"error":null`, `"error":false`, `"error":""`, `"error":[]`, `"errors":[]`, `"errors":0`, `"truncated":false`, `"truncated":null`, `"total":2`, `"total":1`, `"total":0`, `"total":"2"`, `"hasMore":false`, `"has_more":null`, `"next":null`, `"next":""`, `"next_page":false`, `"pagination":{"page":1,"total":2,"next":null}`, `"pagination":[3]`, `"meta":{"page":{"total":3}}`, `"links":{"self":"/page/1"}`, `"meta":{}`, `"total_count":2`,
		`"total":null`, `"total":"many"`, `"total":NaN`, `"message":"ok"`, `"limit":10,"skip":0`,
	} {
		d, err := decodeDocument(f, strings.NewReader(`{"status":true,`+member+`,`+rows+`}`), rangeOf)
		if err != nil || len(d.rows) != 2 {
			t.Errorf("%s: %d rows, %v", member, len(d.rows), err)
		}
	}
	if _, err := decodeDocument(f, strings.NewReader(`{"status":true,"operators":[],"total":5}`), rangeOf); err == nil {
		t.Error("an empty answer with a total was taken")
	}
}

func TestB_AnElementWithoutAKeyShowsItsMessage(t *testing.T) {
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	for element, want := range map[string]string{
		`{"errorMessage":"it ran too long","code":7}`: "row 2 has no key, and a message of the vendor: it ran too long", `{"message":"it ran too long"}`: "a message of the vendor: it ran too long",
		`{"title":"Total","n":3}`: "row 2 has nothing in resource; its members are title, n", `{"message":""}`: "row 2 has nothing in resource; its members are message",
	} {
		_, err := decodeDocument(f, strings.NewReader(`[{"resource":"A"},`+element+`,{"resource":"B"}]`), rangeOf)
		wantKind(t, err, pipeline.Malformed, want)
	}
}

// The address is as good as ever where the answer says that there is nothing, or wraps its rows: the remedy is another one.
func TestG_AnAnswerWithoutAnArrayDoesNotBlameTheAddress(t *testing.T) {
	f := NewJSON(jsonMapping, JSONOptions{Hint: "check the address"}, pipeline.Policy{})
	for doc, want := range map[string]struct{ kind, says string }{
		"null": {"no_document", "nothing but null"}, `""`: {"no_document", `nothing but ""`}, " false\n": {"no_document", "nothing but false"},
		`{"data":[{"resource":"A"}],"total":1}`: {"other_document", "put its rows into an object"}, `{"Results":[]}`: {"other_document", "put its rows into an object"},
	} {
		_, err := decodeDocument(f, strings.NewReader(doc), rangeOf)
		if pipeline.ErrorKind(err) != want.kind || !strings.Contains(err.Error(), want.says) || strings.Contains(err.Error(), "address") {
			t.Errorf("%s: %v", doc, err)
		}
	}
	for _, doc := range []string{"", "{}", `{"user":1}`, "<html>"} {
		if _, err := decodeDocument(f, strings.NewReader(doc), rangeOf); err == nil || !strings.Contains(err.Error(), "check the address") {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

func TestB_SpoiltJSONValuesAreCounted(t *testing.T) {
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	for name, c := range map[string]struct {
		row  string
		want pipeline.FieldCounts
	}{
		"NaN in a column":          {`{"resource":"A","n":NaN}`, pipeline.FieldCounts{"n": 1}},
		"NaN in an unknown member": {`{"resource":"A","mean":NaN,"u":1}`, pipeline.FieldCounts{"mean": 1}},
		"Infinity within a value":  {`{"resource":"A","u":{"a":[1,-Infinity]}}`, pipeline.FieldCounts{"u": 1}},
		"NUL in a text":            {"{\"resource\":\"A\",\"label\":\"a\x00b\"}", pipeline.FieldCounts{"label": 1}},
		"NUL in an unknown member": {"{\"resource\":\"A\",\"u\":\"\x00\"}", pipeline.FieldCounts{"u": 1}},
		"an escaped NUL in a text": {`{"resource":"A","label":"a\u0000b"}`, pipeline.FieldCounts{"label": 1}},
		"one in a number":          {`{"resource":"A","n":"7\u0000"}`, pipeline.FieldCounts{"n": 1}},
		"one in an unknown member": {`{"resource":"A","u":"\u0000"}`, pipeline.FieldCounts{"u": 1}},
		"one within a value":       {`{"resource":"A","u":{"a":["\u0000"]}}`, pipeline.FieldCounts{"u": 1}},
		"half a pair in a text":    {`{"resource":"A\ud83d","label":"a\ud83d"}`, pipeline.FieldCounts{"label": 1}},
		"bytes in a text":          {"{\"resource\":\"A\",\"label\":\"Pe\xf1a\"}", pipeline.FieldCounts{"label": 1}},
		"bytes in an unknown one":  {"{\"resource\":\"A\",\"u\":[\"Pe\xf1a\"]}", pipeline.FieldCounts{"u": 1}},
		"a word for a count":       {`{"resource":"A","n":"many"}`, pipeline.FieldCounts{"n": 1}},
		"a fraction for a count":   {`{"resource":"A","n":1.5}`, pipeline.FieldCounts{"n": 1}},
		"nothing":                  {`{"resource":"A","n":1,"label":"Peña","u":null}`, nil},
	} {
		d, err := decodeDocument(f, strings.NewReader("["+c.row+","+c.row+"]"), rangeOf)
		for field := range c.want {
			c.want[field] *= 2
		}
		if err != nil || len(d.rows) != 2 || fmt.Sprint(d.unreadable) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, rejects %v, unreadable %v, want %v", name, err, d.rejects, d.unreadable, c.want)
		}
	}
}

func TestErrorTextIsShortAndHoldsNoAddress(t *testing.T) {
	for answer, want := range map[string]string{
		`{"error":"no"}`: "no", `{"message":"no"}`: "no", `{"error":{"code":400,"message":"no","errors":[]}}`: "no", `{"errors":["no","x"]}`: "no",
		`{"error":{"errors":[{"reason":"quota","message":"no"}]}}`: "no", `{"Error":{"Message":"no"}}`: "no", `{"data":{"x":{"error":"no"}}}`: "",
		`{"error":true,"message":"no"}`: "no", `{"error":400,"detail":"no"}`: "no", `{"error":"invalid_grant","error_description":"no"}`: "invalid_grant",
		`[{"error":"no"}]`: "no", `{"status":"complete"}`: "", `{"error":null}`: "", `{}`: "", `[]`: "", ``: "", `no`: "", `{"error":"no","x":"cut`: "no", `{"error":"cut`: "",
		"\uFEFF {\"error\":\"a\\n b\"}": "a b", `{"error":"call +15550100029 of ana@example.com failed"}`: "call … of … failed",
	} {
		if got := ErrorText([]byte(answer)); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
	if got := ErrorText([]byte(`{"error":"` + strings.Repeat("é ", 300) + `"}`)); len(got) > mostSaid || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func TestC_AListIsReadInEachNotationThatProgramsWrite(t *testing.T) {
	for text, want := range map[string]string{
		"inbound,answered": "inbound answered", " inbound , ,answered,": "inbound answered", "inbound;answered": "inbound answered", "inbound; answered;": "inbound answered",
		"inbound|answered": "inbound answered", "['inbound', 'answered']": "inbound answered", `["inbound","answered"]`: "inbound answered", "{inbound,answered}": "inbound answered",
		"('inbound',)": "inbound", `"inbound"`: "inbound", "[]": "", "[ ]": "", "human agent": "human agent",
	} {
		var got []string
		for tag := range tags([]byte(text)) {
			got = append(got, string(tag))
		}
		if n, ok := readTags([]byte(text)); !ok || n != len(got) || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %d, %v", text, got, n, ok)
		}
	}
	for _, text := range []string{",", " , ;", "[['inbound'], 'answered']", `{"inbound": 1}`, "['inbound', 'answered'", "inbound'answered", "'", "[inbound, 'ans,wered']", `[{"name":"inbound"}]`} {
		if n, ok := readTags([]byte(text)); ok {
			t.Errorf("%s: %d items", text, n)
		}
	}
}
