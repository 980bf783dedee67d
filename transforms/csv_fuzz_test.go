package transforms

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// cellsOf splits records with a decoder's own tokeniser, without judging them.
func cellsOf(t *testing.T, doc []byte, columns int, lenient bool) (rows [][]string, err error) {
	t.Helper()
	d := &csvDecoder{data: doc, head: &csvHeader{columns: make([]csvColumn, columns)}, row: &Row{}, most: len(doc)}
	d.next = d.strictRecord
	if lenient {
		d.next = d.lenientRecord
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
		if rec.reason != "" {
			rows = append(rows, []string{rec.reason})
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

// The fuzz target would spend its time on cells of this size.
func TestACellMayBeLongerThanARange(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for _, body := range []string{
		"1,2025-09-08 10:00:00," + long + ",UTC\n2,2025-09-08 10:00:00,Call,UTC\n", "1,2025-09-08 10:00:00,\"" + long + "\"\"\r\n" + long + "\",UTC\r\n2,,,",
		"1,2025-09-08 10:00:00,\"" + strings.Repeat("\n", 70<<10), // never closed
	} {
		compareTokenisers(t, []byte(body))
		compareRanges(t, []byte(body))
	}
}

// FuzzCSV compares the tokenisers with each other and with encoding/csv: where
// the quoting is regular all three find the same cells. And whatever the
// document and the range, its rows are the same, also after a byte order mark, and also when a policy is asked that
// changes nothing. Every record is a row or a reject, and no message shows a value.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"1,2025-09-08 10:00:00,Call,UTC\r\n2,\"2025-09-08 10:00:00\",\"Ca\r\nll\",UTC\r\n", "1,2025-09-08 10:00:00,\xff\xfe\xc3,UTC\n\xed\xa0\x80,,,\n",
		"1,2025-09-08 10:00:00,\"a kind, longer than a range\",UTC\n",
		"\uFEFF1,2025-09-08 10:00:00,Call,UTC\n\uFEFF", "1,2025-09-08 10:00:00\n1,2025-09-08 10:00:00,Call,UTC,more\n\n,\n\"\"\n",
		"1,2025-09-08 10:00:00,Call,UTC\n", "1,\"a\nb\",\"c \"\"d\"\"\",\r\n2,,,\n", "a,b\"c,d,e\n", "\"a\" b,c,d,e\nx,y,z,w\n", "\"open,\nx,y,z,w\n",
		"N/A,2025-09-08 10:00:00,Call,UTC\nNone,8 sept 2025,Call,UTC\n", "Ana,12345,ana@shop.example\n", ",,,\n,,,", "1,2,3\n1,2,3,4,5\n", "\"\"\"\",\"\",,x", "1,2025-09-08,Call,UTC\r", "\"a\r\nb\",c,d,e\r\n", "\r\r\n", "\"a\"\r,b", " ,0000\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		compareTokenisers(t, body)
		compareRanges(t, body)
		checkFound(t, body)
		document := "id,started,kind,zone\n" + string(body)
		asCSV := func(p pipeline.Policy) pipeline.Format { return NewCSV(personalMapping(), p) }
		checkUnchanged(t, asCSV, document)
		checkStored(t, asCSV(pipeline.Policy{}), personalMapping().Table, document)
		checkStored(t, asCSV(pipeline.Policy{}).Lenient(), personalMapping().Table, document)
		checkUnchanged(t, func(p pipeline.Policy) pipeline.Format { return asCSV(p).Lenient() }, document)
	})
}

func compareTokenisers(t *testing.T, body []byte) {
	const columns = 4
	strict, err := cellsOf(t, body, columns, false)
	if !bytes.Contains(body, []byte("\r")) { // encoding/csv drops carriage returns inside cells
		compareEncodingCSV(t, body, strict, err)
	}
	if err != nil {
		return
	}
	for _, row := range strict {
		if len(row) != columns {
			return // the lenient reading distrusts such records
		}
	}
	tolerant, err := cellsOf(t, body, columns, true)
	if err != nil || fmt.Sprintf("%q", tolerant) != fmt.Sprintf("%q", strict) {
		t.Fatalf("%q\nlenient %q, %v\nstrict  %q", body, tolerant, err, strict)
	}
}

func compareEncodingCSV(t *testing.T, body []byte, strict [][]string, err error) {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(body))
	r.FieldsPerRecord = -1
	oracle, oracleErr := r.ReadAll()
	if (err == nil) != (oracleErr == nil) {
		t.Fatalf("%q: %v, encoding/csv: %v", body, err, oracleErr)
	}
	if err == nil && fmt.Sprintf("%q", strict) != fmt.Sprintf("%q", oracle) {
		t.Fatalf("%q\nstrict  %q\noracle  %q", body, strict, oracle)
	}
}

// values are texts that no message may show: numbers as long as an id's or a phone's, and e-mail addresses.
var values = regexp.MustCompile(`[0-9]{5,}|[0-9A-Za-z.]+@[0-9A-Za-z.]+`)

// checkFound reads a document whose header may be anything: a message that tells what was found shows no value.
func checkFound(t *testing.T, doc []byte) {
	t.Helper()
	_, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &testMeta, bytes.NewReader(doc), 1<<20)
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Cause != pipeline.MissingField {
		return
	}
	for _, value := range values.FindAll(doc, -1) {
		if shape := pipeline.Shape(value); shape != string(value) && bytes.Contains([]byte(err.Error()), value) {
			t.Fatalf("%q: the message shows %q: %v", doc, value, err)
		}
	}
}

// checkRejectTexts checks that what is told of rejects holds no value.
func checkRejectTexts(t *testing.T, rejects []pipeline.Reject) {
	t.Helper()
	for _, r := range rejects {
		if r.Row < 1 || r.Reason == "" || utf8.RuneCountInString(r.Shape) > 40 || pipeline.Shape([]byte(r.Shape)) != r.Shape || r.Field == "" && r.Shape != "" {
			t.Fatalf("the reject is %+v", r)
		}
		for _, value := range values.FindAllString(r.Raw, -1) {
			if pipeline.Shape([]byte(value)) != value && strings.Contains(r.Reason+" "+r.Shape, value) {
				t.Fatalf("the reject %+v shows %q", r, value)
			}
		}
	}
}

func compareRanges(t *testing.T, body []byte) {
	const whole = 1 << 20
	doc := append([]byte("id,started,kind,zone\n"), body...)
	marked := append([]byte("\uFEFF\"id\",started,kind,zone\n"), body...) // left there, the mark would make the quotes irregular
	for _, format := range []pipeline.Format{NewCSV(testMapping(), pipeline.Policy{}), NewCSV(testMapping(), pipeline.Policy{}).Lenient()} {
		want, wantErr := load(t, format, &testMeta, bytes.NewReader(doc), whole)
		if wantErr != nil && !errors.Is(wantErr, pipeline.ErrIrregular) && pipeline.KindOf(wantErr) != pipeline.Malformed {
			t.Fatalf("%q: %v", doc, wantErr)
		}
		if errors.Is(wantErr, pipeline.ErrIrregular) && format.(*csvFormat).lenient {
			t.Fatalf("%q is irregular even to the lenient reading", doc)
		}
		if wantErr == nil {
			records, err := cellsOf(t, body, 4, format.(*csvFormat).lenient)
			if err != nil || len(want.rows)+len(want.rejects) != len(records) {
				t.Fatalf("%q has %d records, %d rows and %d rejects, %v", doc, len(records), len(want.rows), len(want.rejects), err)
			}
			checkRejectTexts(t, want.rejects)
		}
		for _, c := range []struct {
			doc  []byte
			size int
		}{{doc, 1}, {doc, 16}, {marked, 1}, {marked, whole}} {
			got, err := load(t, format, &testMeta, bytes.NewReader(c.doc), c.size)
			if (err == nil) != (wantErr == nil) { // which of several faults is met first depends on the range
				t.Fatalf("%q in ranges of %d: %v, whole: %v", c.doc, c.size, err, wantErr)
			}
			if err == nil && (fmt.Sprint(got.rows) != fmt.Sprint(want.rows) || fmt.Sprint(got.rejects) != fmt.Sprint(want.rejects) || fmt.Sprint(got.hashes) != fmt.Sprint(want.hashes)) {
				t.Fatalf("%q in ranges of %d:\n%v %v\nwhole:\n%v %v", c.doc, c.size, got.rows, got.rejects, want.rows, want.rejects)
			}
		}
	}
}
