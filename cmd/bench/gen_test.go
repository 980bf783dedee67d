package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTheCallsExportHasTheAwkwardRowsOfRealFiles(t *testing.T) {
	for _, w := range []want{{"calls", 3, false}, {"calls", 3, true}} {
		in, err := generate(t.TempDir(), w)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(in.Path)
		if err != nil {
			t.Fatal(err)
		}
		if perRow := in.Bytes / int64(in.Rows); perRow < 480 || perRow > 560 {
			t.Errorf("%s: %d bytes a row", w.name(), perRow)
		}
		if got := bytes.Contains(text, []byte(callsHeader+"\r\n")); got != w.Shuffled {
			t.Errorf("%s: lines end in CRLF: %v", w.name(), got)
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll() // refuses ragged rows
		if err != nil {
			t.Fatal(err)
		}
		column := map[string]int{}
		for i, name := range rows[0] {
			column[name] = i
		}
		start, end, err := in.span()
		if err != nil {
			t.Fatal(err)
		}
		breaks, ordered := 0, true
		days, ids := map[string]bool{}, map[string]bool{}
		var before time.Time
		for _, row := range rows[1:] {
			zone, err := time.LoadLocation(row[column["timezone"]])
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04:05.999999", row[column["date_started"]], zone)
			if err != nil || at.Add(time.Hour).Before(start) || !at.Before(end) {
				t.Fatalf("%s: row begins at %q: %v", w.name(), row[column["date_started"]], err)
			}
			ordered = ordered && !at.Add(time.Hour).Before(before) // an hour repeats
			before = at
			days[at.In(start.Location()).Format(time.DateOnly)] = true
			ids[row[column["call_id"]]] = true
			if strings.Contains(strings.Join(row, ""), "\n") {
				breaks++
			}
		}
		if share := float64(breaks) / float64(in.Rows); share < 0.10 || share > 0.14 {
			t.Errorf("%s: %.3f of the rows have line breaks", w.name(), share)
		}
		if len(rows)-1 != in.Rows || len(ids) != in.Rows || len(days) != 30 || ordered == w.Shuffled {
			t.Errorf("%s: %d rows of %d with %d ids on %d days, in order %v", w.name(), len(rows)-1, in.Rows, len(ids), len(days), ordered)
		}
	}
}

// statsAnswer generates an answer of 5 MB.
func statsAnswer(t *testing.T) (input, []byte) {
	t.Helper()
	in, err := generate(t.TempDir(), want{"stats", 5, false})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(in.Path)
	if err != nil {
		t.Fatal(err)
	}
	return in, text
}

func TestTheStatsAnswerHasTheAwkwardRowsOfRealOnes(t *testing.T) {
	in, text := statsAnswer(t)
	var rows []map[string]any
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	whole, lacking, noted, texts := 0, 0, 0, 0
	for _, row := range rows {
		for _, name := range []string{"date", "resource", "channel"} {
			if _, ok := row[name].(string); !ok {
				t.Fatalf("a row lacks its %s: %v", name, row)
			}
		}
		metrics := len(row) - 3
		if _, ok := row[statsNotes]; ok {
			noted++
			metrics--
		}
		if metrics == 25 {
			whole++
		} else {
			lacking++
		}
		for name, v := range row {
			if s, ok := v.(string); ok && strings.Trim(s, "0123456789.E-") == "" && s != "" && name != "date" {
				texts++
				break
			}
		}
	}
	if len(rows) != in.Rows || whole < 10*lacking || lacking < 20 || noted < 5 || texts < 10 {
		t.Errorf("%d rows of %d: %d with all metrics, %d without some, %d with notes, %d with numbers in strings", len(rows), in.Rows, whole, lacking, noted, texts)
	}
	for _, form := range []string{`,"resource":"Campa\u00f1a `, `,"resource":"Campaña `, `\u003c-"`, "E-0", `"date": "`, `"},{"`, `[3], {MX},`} {
		if !bytes.Contains(text, []byte(form)) {
			t.Errorf("no row has %s", form)
		}
	}
}

func TestSomeStatsRowsHaveTheirMembersInAnotherOrder(t *testing.T) {
	in, text := statsAnswer(t)
	if n := len(regexp.MustCompile(`\{\s*"[^d]`).FindAll(text, -1)); n == 0 || n > in.Rows/100 {
		t.Errorf("%d rows of %d begin with another member than the date", n, in.Rows)
	}
}

func TestLargeStatsAnswersHaveAwkwardNames(t *testing.T) {
	names := strings.Join(campaigns(mostCampaigns), ",")
	if n := strings.Count(names, ",") + 1; n != mostCampaigns {
		t.Errorf("%d names between commas", n)
	}
	for _, part := range []string{`"`, `\`, "[", "]", "{", "}", "ñ", "№"} {
		if !strings.Contains(names, part) {
			t.Errorf("no name has %s", part)
		}
	}
	if !strings.Contains(strings.Join(campaigns(4), ","), "[") {
		t.Error("an input of 50 MB has no brackets in its names")
	}
}

func TestInputsAreTheSameForEveryone(t *testing.T) {
	for _, w := range []want{{"calls", 1, false}, {"stats", 1, false}} {
		var texts [2][]byte
		for i := range texts {
			in, err := generate(t.TempDir(), w)
			if err != nil {
				t.Fatal(err)
			}
			again, err := generate(filepath.Dir(in.Path), w)
			if err != nil || again.Rows != in.Rows || again.Bytes != in.Bytes {
				t.Errorf("%s: found again as %+v, not %+v: %v", w.name(), again, in, err)
			}
			if texts[i], err = os.ReadFile(in.Path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(texts[0], texts[1]) {
			t.Errorf("%s differs from time to time", w.name())
		}
	}
}
