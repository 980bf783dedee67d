package transforms

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// cellsOf splits records with a decoder's own tokeniser, without judging them.
func cellsOf(t *testing.T, doc []byte, columns int, lenient bool) (rows [][]string, err error) {
	t.Helper()
	d := &csvDecoder{data: doc, head: &csvHeader{columns: make([]csvColumn, columns)}, row: &Row{}}
	d.next = d.strict
	if lenient {
		d.next = d.tolerant
	}
	for at := 0; at < len(doc); {
		if n := lineEnd(doc[at:]); n > 0 {
			at += n
			continue
		}
		rec, err := d.next(at)
		if err != nil {
			return rows, err
		}
		if rec.end <= at || rec.end > len(doc) {
			t.Fatalf("the record at %d ends at %d of %d", at, rec.end, len(doc))
		}
		if rec.fault != "" {
			rows = append(rows, []string{rec.fault})
		} else {
			var row []string
			for i := range d.cells {
				row = append(row, string(d.text(&d.cells[i])))
			}
			rows = append(rows, row)
		}
		at = rec.end
	}
	return rows, nil
}

// FuzzCSV compares the tokenisers with each other and with encoding/csv: where
// the quoting is regular all three find the same cells. And whatever the
// document and the range, its rows are the same.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"1,2025-09-08 10:00:00,Call,UTC\n", "1,\"a\nb\",\"c \"\"d\"\"\",\r\n2,,,\n", "a,b\"c,d,e\n", "\"a\" b,c,d,e\nx,y,z,w\n", "\"open,\nx,y,z,w\n",
		",,,\n,,,", "1,2,3\n1,2,3,4,5\n", "\"\"\"\",\"\",,x", "1,2025-09-08,Call,UTC\r", "\"a\r\nb\",c,d,e\r\n", "\r\r\n", "\"a\"\r,b", " ,0000\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		compareTokenisers(t, body)
		compareRanges(t, body)
	})
}

func compareTokenisers(t *testing.T, body []byte) {
	const columns = 4
	strict, err := cellsOf(t, body, columns, false)
	tolerant, _ := cellsOf(t, body, columns, true)
	r := csv.NewReader(bytes.NewReader(body))
	r.FieldsPerRecord = -1
	oracle, oracleErr := r.ReadAll()
	if bytes.Contains(body, []byte("\r")) {
		return // encoding/csv drops carriage returns inside cells
	}
	if (err == nil) != (oracleErr == nil) {
		t.Fatalf("%q: %v, encoding/csv: %v", body, err, oracleErr)
	}
	if err != nil {
		return
	}
	if fmt.Sprintf("%q", strict) != fmt.Sprintf("%q", oracle) {
		t.Fatalf("%q\nstrict  %q\noracle  %q", body, strict, oracle)
	}
	for _, row := range strict {
		if len(row) != columns {
			return // the lenient reading distrusts such records
		}
	}
	if fmt.Sprintf("%q", tolerant) != fmt.Sprintf("%q", strict) {
		t.Fatalf("%q\nlenient %q\nstrict  %q", body, tolerant, strict)
	}
}

func compareRanges(t *testing.T, body []byte) {
	doc := append([]byte("id,started,kind,zone\n"), body...)
	for _, format := range []pipeline.Format{NewCSV(testMapping()), NewCSV(testMapping()).Lenient()} {
		want, wantErr := load(t, format, &testMeta, bytes.NewReader(doc), 1<<20)
		if wantErr != nil && !errors.Is(wantErr, pipeline.ErrIrregular) && pipeline.KindOf(wantErr) != pipeline.Malformed {
			t.Fatalf("%q: %v", doc, wantErr)
		}
		if errors.Is(wantErr, pipeline.ErrIrregular) && format.(*csvFormat).lenient {
			t.Fatalf("%q is irregular even to the lenient reading", doc)
		}
		for _, size := range []int{1, 16} {
			got, err := load(t, format, &testMeta, bytes.NewReader(doc), size)
			if (err == nil) != (wantErr == nil) { // which of several faults is met first depends on the range
				t.Fatalf("%q in ranges of %d: %v, whole: %v", doc, size, err, wantErr)
			}
			if err == nil && (fmt.Sprint(got.rows) != fmt.Sprint(want.rows) || fmt.Sprint(got.rejects) != fmt.Sprint(want.rejects) || fmt.Sprint(got.hashes) != fmt.Sprint(want.hashes)) {
				t.Fatalf("%q in ranges of %d:\n%v %v\nwhole:\n%v %v", doc, size, got.rows, got.rejects, want.rows, want.rejects)
			}
		}
	}
}

// FuzzExtras checks that quoted text is JSON and reads back as it was.
func FuzzExtras(f *testing.F) {
	f.Add([]byte("a \"b\" \\ \x01\n\xff\u2028"))
	f.Fuzz(func(t *testing.T, s []byte) {
		quoted := appendQuoted(nil, s, false)
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if want := strings.ToValidUTF8(string(s), "\uFFFD"); back != want {
			t.Fatalf("%q came back as %q", want, back)
		}
	})
}
