package transforms

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/windrow-data/windrow/pipeline"
)

var envelopeOptions = JSONOptions{Rows: "operators", True: "status", Hint: "look there"}

func TestPromise04_AnEnvelopeIsAnAnswerOnlyWhenItSaysSo(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"no operator", `{"status":true,"operators":[]}`, ""},
		{"the rows first", "\uFEFF{ \"operators\" : [ ] , \"status\" : true }\n", ""},
		{"nothing", ``, "the answer is blank"},
		{"white space", "  \n", "the answer is blank"},
		{"a page", `<html>secret</html>`, "a page of HTML"},
		{"an array", `[]`, "the answer is an array"},
		{"status false", `{"status":false,"operators":[]}`, `"status" is true`},
		{"status as a text", `{"status":"true","operators":[]}`, `"status" is true`},
		{"no status", `{"operators":[{"resource":"A"}]}`, `"status" is true`},
		{"no operators", `{"status":true,"mail":"secret"}`, "the members status, mail"},
		{"operators that are null", `{"status":true,"operators":null}`, "operators is no array, but begins with the shape aaaa"},
		{"operators that are an object", `{"status":true,"operators":{}}`, "operators is no array"},
		{"operators twice", `{"status":true,"operators":[],"operators":[]}`, "operators twice"},
		{"status twice", `{"status":false,"operators":[],"status":true}`, "status twice"},
		{"cut inside the rows", `{"status":true,"operators":[{"resource":"A"}`, "row 1 is the last one, and behind it the answer ends too early"},
		{"cut behind a row's comma", `{"status":true,"operators":[{"resource":"A"},`, "ends too early"},
		{"cut behind the rows", `{"status":true,"operators":[{"resource":"A"}]`, "ends too early, or a comma is missing, behind the rows, of which row 1 is the last (the answer may have broken off"},
		{"cut inside a row", `{"status":true,"operators":[{"resource":"A`, "ends too early"},
		{"cut behind the name", `{"status":true,"operators":`, "ends too early"},
		{"cut at the beginning", `{`, "no name"},
		{"text behind it", `{"status":true,"operators":[]}]`, "something follows"},
		{"a comma too many", `{"status":true,"operators":[],}`, "no name"},
		{"a comma too many in the rows", `{"status":true,"operators":[{"resource":"A"},]}`, "a row is missing"},
		{"damage inside a row", `{"status":true,"operators":[{"resource" "A"}]}`, "a colon is missing"},
		{"damage in another member", `{"status":true,"operators":[],"x":{"y":}}`, "cannot be read"},
	}
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, rangeBytes := range []int{1, 1 << 20} {
				d, err := decodeDocument(f, iotest.HalfReader(strings.NewReader(tt.doc)), rangeBytes)
				if tt.want == "" {
					if err != nil || len(d.rows) != 0 || d.chunks == 0 {
						t.Errorf("ranges of %d: %v, %d rows in %d chunks", rangeBytes, err, len(d.rows), d.chunks)
					}
					continue
				}
				if pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("ranges of %d: got %v, want Malformed: %q", rangeBytes, err, tt.want)
				}
				var e *pipeline.Error
				if errors.As(err, &e) && (strings.Contains(err.Error(), "secret") || e.Hint == "") {
					t.Errorf("the error tells a value, or lacks a hint: %v", err)
				}
			}
		})
	}
}

// An answer with the rows comes from the right address.
func TestG_AnAnswerWithRowsIsNoMatterOfTheAddress(t *testing.T) {
	for doc, hint := range map[string]string{
		`{"status":"true","operators":[]}`: sentErrorHint, `{"operators":[{"resource":"A"}],"status":null}`: sentErrorHint, `{"status":false}`: "look there", `{"status":true}`: "look there",
	} {
		_, err := decodeDocument(NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{}), strings.NewReader(doc), 1)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Hint != hint {
			t.Errorf("%s: %v, want the hint %s", doc, err, hint)
		}
	}
}

func TestTheEnvelopesMembersGoToEveryRow(t *testing.T) {
	doc := `{"pending": 4, "unit":"m\u00edn", "nothing":null, "status":true,
		"operators":[{"resource":"A"},"no row",{"resource":"B","unit":"own","n":1}], "label":"L", "more":{"a" : 1}}`
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	for _, rangeBytes := range []int{1, 1 << 20} {
		d, err := decodeDocument(f, strings.NewReader(doc), rangeBytes)
		if err != nil {
			t.Fatal(err)
		}
		want := []map[string]string{
			{"resource_id": "A", "resource_name": "L", "extras": `{"pending":4,"unit":"m\u00edn","more":{"a" : 1}}`},
			{"resource_id": "B", "resource_name": "L", "answered": "1", "extras": `{"pending":4,"unit":"own","_envelope.unit":"m\u00edn","more":{"a" : 1}}`},
		}
		if !reflect.DeepEqual(d.rows, want) {
			t.Errorf("ranges of %d: rows %q\nwant %q", rangeBytes, d.rows, want)
		}
		if len(d.rejects) != 1 || d.rejects[0].Raw != `"no row"` {
			t.Errorf("ranges of %d: rejects %v", rangeBytes, d.rejects)
		}
	}
}

func TestAnEnvelopesRowsAreCutIntoRanges(t *testing.T) {
	var rows []string
	for i := range 1000 {
		rows = append(rows, fmt.Sprintf(`{"resource":"A%d","n":%d}`, i, i))
	}
	doc := `{"status":true,"operators":[` + strings.Join(rows, " , ") + `]}`
	d, err := decodeDocument(NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{}), strings.NewReader(doc), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.rows) != 1000 || d.chunks < 20 || d.rows[999]["answered"] != "999" {
		t.Errorf("%d rows in %d chunks, the last %v", len(d.rows), d.chunks, d.rows[len(d.rows)-1])
	}
}

// inEnvelope is a document with so many copies of rows between a beginning and an end. It is made while it is read.
func inEnvelope(rows string, times int, last string) io.Reader {
	all := []io.Reader{strings.NewReader(`{"status":true,"operators":[`)}
	for range times {
		all = append(all, strings.NewReader(rows))
	}
	return io.MultiReader(append(all, strings.NewReader(`{"resource":"last","n":7}],`+last+`}`))...)
}

func TestTheRowsOfALongEnvelopeAreHeldCompressedUntilItsEnd(t *testing.T) {
	const rowsOf, times = 20_000, 40 // 30 MiB
	var rows strings.Builder
	for i := range rowsOf {
		fmt.Fprintf(&rows, `{"resource":"A%d","n":%d,"x":1.5},`+"\n", i, i)
	}
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	for last, says := range map[string]string{`"label":"L"`: "", `"error":"no"`: "an error of the vendor", `"label":`: "cannot be read", `"total":800002`: "has 800001 rows"} {
		var before, during runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		ranges, read := 0, 0
		var failure error
		for chunk, err := range f.Split(inEnvelope(rows.String(), times, last), rangeOf) {
			if failure = err; err != nil {
				break
			}
			if ranges++; ranges == 1 {
				runtime.GC()
				runtime.ReadMemStats(&during)
				if held := int64(during.HeapAlloc) - int64(before.HeapAlloc); held > 16<<20 {
					t.Errorf("%d MiB are held", held>>20)
				}
			}
			batch := pipeline.NewBatch(pipeline.Activity)
			if err := f.Decode(&testMeta, chunk, batch); err != nil {
				t.Fatal(err)
			}
			for name := range batch.Texts(pipeline.Activity.Index("resource_name"), pipeline.RowRange{To: batch.Rows()}) {
				if string(name) != "L" {
					t.Fatalf("a row got the label %q", name)
				}
			}
			read += batch.Rows()
			batch.Release()
			if chunk.Free != nil {
				chunk.Free()
			}
		}
		if (failure != nil) != (says != "") || failure != nil && !strings.Contains(failure.Error(), says) || says != "" && ranges > 0 {
			t.Errorf("%s: %d ranges, %v", last, ranges, failure)
		}
		if says == "" && read != rowsOf*times+1 {
			t.Errorf("%d rows in %d ranges", read, ranges)
		}
	}
}

func TestAnEnvelopeTooLongForMemoryIsAnError(t *testing.T) {
	noise := make([]byte, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = '#' + byte(random.Uint32()%56)
	}
	row := `{"resource":"` + string(noise) + `"},`
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	_, err := decodeDocument(f, inEnvelope(row, 2*maxHeld>>20, `"label":"L"`), rangeOf)
	if pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), "more than 64 MiB even compressed") {
		t.Errorf("got %v", err)
	}
}

func TestARowInsideAnObjectIsNoLongerThanRowsMayBe(t *testing.T) {
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	for _, c := range []struct {
		size int
		says string
	}{{maxRow - 100, ""}, {maxRow, "a row is longer than 32 MiB"}} {
		doc := `{"status":true,"operators":[{"resource":"A"},{"resource":"` + strings.Repeat("x", c.size) + `"}]}`
		for _, err := range f.Split(strings.NewReader(doc), rangeOf) {
			if err != nil && c.says == "" || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%d bytes: %v", c.size, err)
			}
		}
	}
}

func TestWhatEveryRowGetsOfTheMembersAroundIsBounded(t *testing.T) {
	doc := func(size, rows int) string {
		return `{"status":true,"a":"` + strings.Repeat("x", size) + `","operators":[` + strings.TrimSuffix(strings.Repeat(`{"resource":"A","n":1},`, rows), ",") + `]}`
	}
	f := NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})
	for _, c := range []struct {
		name       string
		size, rows int
		says       string // empty: the document is read
	}{
		{"a page around two rows", 200 << 10, 2, ""},
		{"more than rows may have", 257 << 10, 1, "the members around its rows are longer than 256 KiB"},
		{"a little around many rows", 1000, 100_000, ""},
		{"much around many rows", 100 << 10, 100_000, "too many for each of 100000 rows to get them"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := 0
			for chunk, err := range f.Split(strings.NewReader(doc(c.size, c.rows)), rangeOf) {
				if err != nil {
					if pipeline.KindOf(err) != pipeline.Malformed || c.says == "" || !strings.Contains(err.Error(), c.says) {
						t.Errorf("got %v", err)
					}
					return
				}
				batch := pipeline.NewBatch(pipeline.Activity)
				if err := f.Decode(&testMeta, chunk, batch); err != nil {
					t.Fatal(err)
				}
				if n := batch.Rows() * c.size; n > 2*maxCopies*rangeOf {
					t.Errorf("the rows of a range get %d MiB of the members around", n>>20)
				}
				rows += batch.Rows()
				batch.Release()
			}
			if rows != c.rows || c.says != "" {
				t.Errorf("%d of %d rows", rows, c.rows)
			}
		})
	}
}
