package transforms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
)

// jsonMapping has a field of each kind that a row can have. Its rows' only
// key is the resource.
var jsonMapping = Mapping{
	Table: pipeline.Activity,
	Fields: []Field{
		{Source: "resource", Column: "resource_id", Conv: Text},
		{Source: "label", Column: "resource_name", Conv: Text},
		{Source: "n", Column: "answered", Conv: Count},
		{Source: "x", Column: "login_seconds", Conv: Number},
		{Source: "min", Column: "hold_seconds", Conv: Minutes},
		{Source: "pending", Snapshot: true},
		{Source: "secret", Conv: Custom},
	},
	Keys: []string{"resource"},
	Row: func(r *Row) {
		t := r.Meta().Span.Start
		r.At(t)
		r.SetString(pipeline.Activity.Index("resource_type"), "agent")
		r.SetString(pipeline.Activity.Index("channel"), "all")
		r.SetInstant(pipeline.Activity.Index("interval_start"), t)
		r.SetInstant(pipeline.Activity.Index("interval_end"), t.Add(1))
	},
}

// decoded is what became of a document.
type decoded struct {
	rows    []map[string]string // the columns that have a value, by name
	hashes  []pipeline.Hash
	rejects []pipeline.Reject
	chunks  int
	verdict
	unreadable pipeline.FieldCounts
}

// decodeDocument runs a format over a document as the engine does. The zone, which no test of it is about, is left out.
func decodeDocument(f pipeline.Format, r io.Reader, rangeBytes int) (decoded, error) {
	d, err := decodeAs(&pipeline.Meta{Span: pipeline.Span{Start: 0, End: 1e6}}, f, r, rangeBytes)
	for _, row := range d.rows {
		delete(row, "timezone")
	}
	return d, err
}

// decodeAs decodes a document that was asked for as meta says.
func decodeAs(meta *pipeline.Meta, f pipeline.Format, r io.Reader, rangeBytes int) (decoded, error) {
	var d decoded
	for c, err := range f.Split(r, rangeBytes) {
		if err != nil {
			return d, err
		}
		d.chunks++
		b := pipeline.NewBatch(pipeline.Activity)
		if err := f.Decode(meta, c, b); err != nil {
			return d, err
		}
		if err := d.judge(b, int64(len(d.rows)+len(d.rejects))); err != nil {
			return d, err
		}
		d.unreadable.AddAll(b.Tally([]pipeline.RowRange{{From: 0, To: b.Rows()}}).Unreadable())
		if c.Free != nil {
			c.Free()
		}
		d.rejects = slices.AppendSeq(d.rejects, b.Rejects.All())
		d.hashes = append(d.hashes, b.ExtrasHash...)
		n := b.Rows()
		cols, err := b.Columns()
		if err != nil {
			return d, err
		}
		d.rows = append(d.rows, rowsOf(cols, n)...)
	}
	return d, d.end()
}

func rowsOf(cols []arrow.Array, n int) []map[string]string {
	rows := make([]map[string]string, n)
	for i := range rows {
		rows[i] = map[string]string{}
		for c, col := range cols {
			if col != nil && col.IsValid(i) {
				v := strings.Clone(col.ValueStr(i))
				if s, ok := col.(*array.String); ok {
					v = strings.Clone(s.Value(i))
				}
				rows[i][pipeline.Activity.Columns[c].Name] = v
			}
		}
		for _, fixed := range []string{"resource_type", "channel", "interval_start", "interval_end"} {
			delete(rows[i], fixed)
		}
	}
	return rows
}

func TestJSONValuesLandInColumnsOrInExtras(t *testing.T) {
	tests := []struct {
		name, row string
		want      map[string]string
	}{
		{"plain values", `{"resource":"A","label":"L","n":7,"x":1.5,"min":2}`,
			map[string]string{"resource_id": "A", "resource_name": "L", "answered": "7", "login_seconds": "1.5", "hold_seconds": "120"}},
		{"counts written as fractions and powers", `{"resource":"A","n":10.0}`, map[string]string{"resource_id": "A", "answered": "10"}},
		{"a count with an exponent", `{"resource":"A","n":1e3}`, map[string]string{"resource_id": "A", "answered": "1000"}},
		{"a count beyond float64's integers", `{"resource":"A","n":9007199254740993}`, map[string]string{"resource_id": "A", "answered": "9007199254740993"}},
		{"a count in a string", `{"resource":"A","n":"12"}`, map[string]string{"resource_id": "A", "answered": "12"}},
		{"a fraction is no count and stays verbatim", `{"resource":"A","n":1.50}`, map[string]string{"resource_id": "A", "extras": `{"n":1.50}`}},
		{"a count too large stays verbatim", `{"resource":"A","n":9223372036854775808}`, map[string]string{"resource_id": "A", "extras": `{"n":9223372036854775808}`}},
		{"true is no number", `{"resource":"A","x":true}`, map[string]string{"resource_id": "A", "extras": `{"x":true}`}},
		{"unknown fields stay verbatim", `{"resource":"A","id":90071992547409931234,"d":0.10,"e":-1E+2,"s":"a\/b\u00e9","f":false}`,
			map[string]string{"resource_id": "A", "extras": `{"id":90071992547409931234,"d":0.10,"e":-1E+2,"s":"a\/b\u00e9","f":false}`}},
		{"nested values stay verbatim", `{"resource":"A","o":{"a": [1, {"b":"}]"}]},"l":[]}`,
			map[string]string{"resource_id": "A", "extras": `{"o":{"a": [1, {"b":"}]"}]},"l":[]}`}},
		{"a nested value is kept out of columns", `{"resource":"A","label":{"a":1},"n":[3]}`,
			map[string]string{"resource_id": "A", "extras": `{"label":{"a":1},"n":[3]}`}},
		{"null and blank strings are absent", `{"resource":"A","label":"","n":null,"u":null,"v":"","w":" \t"}`, map[string]string{"resource_id": "A"}},
		{"escapes are undone in columns", `{"resource":"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00"}`, map[string]string{"resource_id": "\"\\/\b\f\n\r\tAé😀"}},
		{"half a surrogate pair becomes U+FFFD", `{"resource":"\ud83dx","u":"\ude00\u0041\ud83d\ude00"}`,
			map[string]string{"resource_id": "\uFFFDx", "extras": `{"u":"\ufffd\u0041\ud83d\ude00"}`}},
		{"bytes that are not UTF-8 become U+FFFD", "{\"resource\":\"A\",\"label\":\"a\xffb\",\"u\":\"\xc3\",\"\xf0k\":1}",
			map[string]string{"resource_id": "A", "resource_name": "a\uFFFDb", "extras": "{\"u\":\"\uFFFD\",\"\uFFFDk\":1}"}},
		{"NUL bytes become U+FFFD", "{\"resource\":\"A\",\"label\":\"\x00b\",\"n\":\"1\x00\",\"u\":[\"\x00\"]}",
			map[string]string{"resource_id": "A", "resource_name": "\uFFFDb", "extras": "{\"n\":\"1\uFFFD\",\"u\":[\"\uFFFD\"]}"}},
		{"escaped NUL bytes become U+FFFD", `{"resource":"A","label":"\u0000b","n":"1\u0000","u":["\u0000"],"v\u0000":"\\u0000\u0000"}`,
			map[string]string{"resource_id": "A", "resource_name": "\uFFFDb", "extras": `{"n":"1\ufffd","u":["\ufffd"],"` + "v\uFFFD" + `":"\\u0000\ufffd"}`}},
		{"words for what is no number are texts of extras", `{"resource":"A","n":NaN,"x":-Infinity,"u":[NaN,{"a":inf}],"w":nan,"label":Infinity}`,
			map[string]string{"resource_id": "A", "extras": `{"label":"Infinity","n":"NaN","x":"-Infinity","u":["NaN",{"a":"inf"}],"w":"nan"}`}},
		{"an escaped name is the same name", `{"r\u0065source":"A","\u006e":3,"ne\nw":1}`, map[string]string{"resource_id": "A", "answered": "3", "extras": `{"ne\nw":1}`}},
		{"a number as a text stays as written", `{"resource":12345678901234567890}`, map[string]string{"resource_id": "12345678901234567890"}},
		{"a field for the mapping alone is not kept", `{"resource":"A","secret":"x"}`, map[string]string{"resource_id": "A"}},
		{"white space everywhere", " {\n\t\"resource\" :\r\n \"A\" , \"n\" : 1 } ", map[string]string{"resource_id": "A", "answered": "1"}},
	}
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The second row finds the names that the first has taught.
			d, err := decodeDocument(f, strings.NewReader("["+tt.row+","+tt.row+"]"), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.rows) != 2 || len(d.rejects) != 0 {
				t.Fatalf("%d rows, rejects %v", len(d.rows), d.rejects)
			}
			for i, row := range d.rows {
				if !reflect.DeepEqual(row, tt.want) {
					t.Errorf("row %d is %q\nwant %q", i, row, tt.want)
				}
			}
		})
	}
}

func TestPromise05_AJSONRowThatCannotBeReadIsRejectedWithItsText(t *testing.T) {
	const timed = pipeline.Instant(0) // the mapping has seen the row
	tests := []struct {
		name, row, reason string
		at                pipeline.Instant
	}{
		{"a number", `17`, "the row is not an object", pipeline.NoInstant},
		{"a string", `"a, ] } string"`, "the row is not an object", pipeline.NoInstant},
		{"null", `null`, "the row is not an object", pipeline.NoInstant},
		{"an array", `[{"resource":"A"}]`, "the row is not an object", pipeline.NoInstant},
		{"a blank key", `{"resource":""}`, "resource is blank", timed},
		{"a key that is no number", `{"resource":NaN}`, "resource cannot be read: it is no text", timed},
		{"a key that is not UTF-8", "{\"resource\":\"\xf1\"}", "resource cannot be read: it is no text", timed},
		{"a key with a NUL byte", "{\"resource\":\"A\x00\"}", "resource cannot be read: it is no text", timed},
		{"a key with an escaped NUL byte", `{"resource":"A\u0000"}`, "resource cannot be read: it is no text", timed},
		{"a key that is nested", `{"resource":{"id":1}}`, "resource cannot be read", pipeline.NoInstant},
		{"a field twice", `{"resource":"A","n":1,"n":2}`, "the row has the field n twice", pipeline.NoInstant},
		{"an unknown field twice", `{"resource":"A","u":1,"\u0075":1}`, "the row has the field u twice", pipeline.NoInstant},
	}
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := decodeDocument(f, strings.NewReader(`[{"resource":"A"}, `+tt.row+` ,{"resource":"B","n":1}]`), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			want := []pipeline.Reject{{Row: 2, At: tt.at, Reason: tt.reason, Raw: string(asText([]byte(tt.row)))}}
			if len(d.rejects) == 1 { // see TestG_
				want[0].Field, want[0].Shape = d.rejects[0].Field, d.rejects[0].Shape
			}
			if !reflect.DeepEqual(d.rejects, want) {
				t.Errorf("rejects %+v\nwant %+v", d.rejects, want)
			}
			if len(d.rows) != 2 || d.rows[1]["resource_id"] != "B" {
				t.Errorf("the rows beside it are %v", d.rows)
			}
		})
	}
}

func TestPromise04_AnAnswerThatIsNoJSONArrayIsAnErrorAndAnEmptyOneIsNot(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"no row", `[]`, ""},
		{"no row, with space and a byte order mark", "\uFEFF \n[ \t] \r\n", ""},
		{"one row", `[{"resource":"A"}]`, ""},
		{"nothing", ``, "the answer is blank"},
		{"white space", " \r\n\t ", "the answer is blank"},
		{"half a byte order mark", "\xef\xbb", "the answer is not an array"},
		{"a page", "\n <!DOCTYPE html><html>secret</html>", "a page of HTML"},
		{"an error object", `{"error":"no quota","message":{"x":1},"code":5}`, "an error of the vendor, no quota"},
		{"an error object cut short", `{"error":"no quota","mess`, "an error of the vendor, no quota"},
		{"another object", `{"page":"secret","size":{"x":1}}`, "the members page, size"},
		{"an object without members", `{}`, "an object without members"},
		{"a string", `"secret"`, "the answer is not an array"},
		{"null", `null`, "the answer is nothing but null, not an array"},
		{"JSON encoded twice", `"[{\"resource\":\"A\"}]"`, "JSON as a text within JSON, encoded twice, not an array (the vendor, or a proxy in between,"},
		{"JSONP", `/**/ready.now([{"resource":"A"}]);`, "JSON within a call of JavaScript (JSONP), not an array (the vendor, or a proxy in between,"},
		{"a guard against scripts", ")]}',\n[{}]", "JSON behind a guard or a comment, if at all, not an array (the vendor, or a proxy in between,"},
		{"an array cut after its bracket", `[`, "ends too early"},
		{"cut inside a row", `[{"resource":"A"`, "row 1: the answer ends too early, within this row (the answer may have broken off"},
		{"cut inside a string", `[{"resource":"A`, "ends too early"},
		{"cut inside an escape", `[{"resource":"A\"`, "ends too early"},
		{"cut after a row", `[{"resource":"A"}`, "row 1 is the last one, and behind it the answer ends too early"},
		{"cut after a comma", `[{"resource":"A"},`, "ends too early"},
		{"cut inside a scalar", `[12`, "ends too early"},
		{"text behind it", `[{"resource":"A"}] x`, "something follows"},
		{"a second array", `[][]`, "something follows"},
		{"a comma too many at the end", `[{"resource":"A"},]`, "a row is missing"},
		{"a comma too many at the beginning", `[,{"resource":"A"}]`, "a row is missing"},
		{"two commas", `[{"resource":"A"},,{"resource":"A"}]`, "a row is missing"},
		{"no comma between rows", `[{"resource":"A"}{"resource":"A"}]`, "a comma is missing"},
		{"brackets that do not match", `[{"resource":"A"]]`, "a comma is missing between members"},
		{"no colon", `[{"resource" "A"}]`, "a colon is missing"},
		{"a name without quotes", `[{resource:"A"}]`, "a member has no name"},
		{"a value missing", `[{"resource":}]`, "row 1: a value cannot be read in resource"},
		{"a comma before the brace", `[{"resource":"A",}]`, "a member has no name"},
		{"a leading zero", `[{"n":012}]`, "a comma is missing"},
		{"a bare fraction", `[{"n":.5}]`, "cannot be read"},
		{"a fraction cut short", `[{"n":1.}]`, "a number is cut short"},
		{"an exponent cut short", `[{"n":1e}]`, "a number is cut short"},
		{"a word", `[{"n":None}]`, "row 1: a value cannot be read in n, which begins with the shape aaaa ("},
		{"a sentence", `no quota`, "a text, no quota,"},
		{"a sentence in quotes", `"no quota"`, "a text, no quota,"},
		{"True", `[{"n":True}]`, "cannot be read"},
		{"a bad escape", `[{"n":"\x"}]`, "bad escape"},
		{"a short escape", `[{"n":"\u12g4"}]`, "bad escape"},
		{"a line break in a string", "[{\"n\":\"a\nb\"}]", "control character"},
		{"single quotes", `[{'n':1}]`, "row 1: a member has no name where the text has the shape 'a':9}"},
		{"a comment", `[{"n":1}/* */]`, "a comma is missing"},
		{"damage in a later part", `[{"resource":"A"},{"resource":"A"},{"resource":tru}]`, "cannot be read"},
		{"a bracket missing in a nested value", `[{"resource":"A","o":{"a":[1,2}}]`, "ends too early"},
		{"brackets that trade places in a nested value", `[{"resource":"A","o":{"a":[1,2}]}]`, "a comma is missing"},
		{"nesting without end", `[{"o":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}]`, "nested too deeply"},
	}
	f := NewJSON(jsonMapping, JSONOptions{Hint: "look there"}, pipeline.Policy{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, rangeBytes := range []int{1, 20, 1 << 20} {
				_, err := decodeDocument(f, iotest.HalfReader(strings.NewReader(tt.doc)), rangeBytes)
				if tt.want == "" {
					if err != nil {
						t.Errorf("ranges of %d: %v", rangeBytes, err)
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

func TestJSONIsCutIntoRangesAtRowEndsWhileItArrives(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteString("[\n")
	const n = 5000
	for i := range n {
		if i > 0 {
			doc.WriteString(" ,\n ")
		}
		fmt.Fprintf(&doc, `{ "resource" : "A%d \"]},{[", "n": %d, "o": {"k": ["\\", "}"]} }`, i, i)
	}
	doc.WriteString("\n]\n")
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	for _, rangeBytes := range []int{1, 100 << 10, 64 << 20} {
		d, err := decodeDocument(f, iotest.HalfReader(bytes.NewReader(doc.Bytes())), rangeBytes)
		if err != nil {
			t.Fatal(err)
		}
		if rangeBytes < doc.Len()/2 && d.chunks < 2 {
			t.Errorf("%d bytes in ranges of %d came as %d chunk", doc.Len(), rangeBytes, d.chunks)
		}
		if len(d.rows) != n || len(d.rejects) != 0 {
			t.Fatalf("ranges of %d: %d rows and %d rejects, want %d and none", rangeBytes, len(d.rows), len(d.rejects), n)
		}
		for i, row := range d.rows {
			want := map[string]string{"resource_id": fmt.Sprintf(`A%d "]},{[`, i), "answered": fmt.Sprint(i), "extras": `{"o":{"k": ["\\", "}"]}}`}
			if !reflect.DeepEqual(row, want) {
				t.Fatalf("ranges of %d: row %d is %v", rangeBytes, i, row)
			}
		}
	}
}

func TestAJSONReaderThatFailsPassesItsErrorOn(t *testing.T) {
	cut := &pipeline.Error{Op: "read", Kind: pipeline.Unavailable, Err: io.EOF} // not a document's end
	for _, o := range []JSONOptions{{}, {Rows: "operators"}} {
		f := NewJSON(jsonMapping, o, pipeline.Policy{})
		for _, doc := range []string{``, "\xef", `<h`, `[{"resource":"A"}`, `{"operators":[`} {
			_, err := decodeDocument(f, io.MultiReader(strings.NewReader(doc), iotest.ErrReader(cut)), 1<<20)
			if !errors.Is(err, cut) {
				t.Errorf("after %q: got %v, want the reader's error", doc, err)
			}
		}
	}
}

func TestARowWithoutEndIsAnErrorBeforeMemoryIs(t *testing.T) {
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	endless := io.MultiReader(strings.NewReader(`[{"resource":"`), &repeat{limit: 1 << 30})
	_, err := decodeDocument(f, endless, 4<<20)
	if pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), "longer than 32 MiB") {
		t.Errorf("got %v", err)
	}
}

// repeat reads as many x.
type repeat struct{ limit int }

func (r *repeat) Read(b []byte) (int, error) {
	if r.limit <= 0 {
		return 0, io.EOF
	}
	for i := range b {
		b[i] = 'x'
	}
	r.limit -= len(b)
	return len(b), nil
}

func TestAConsumerMayStopAfterAnyChunk(t *testing.T) {
	doc := "[" + strings.Repeat(`{"resource":"A"},`, 20_000) + `{"resource":"A"}]`
	for _, tt := range []struct {
		o   JSONOptions
		doc string
	}{{JSONOptions{}, doc}, {JSONOptions{Rows: "operators"}, `{"operators":` + doc + `}`}} {
		f := NewJSON(jsonMapping, tt.o, pipeline.Policy{})
		n := 0
		for range f.Split(strings.NewReader(tt.doc), 1000) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%d chunks, want at least 2", n)
		}
	}
}

func TestTheExtrasHashIgnoresOrderAndSnapshots(t *testing.T) {
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	d, err := decodeDocument(f, strings.NewReader(`[
		{"resource":"A","u":1,"v":"w","pending":1},
		{"v":"w","pending":2,"u":1,"resource":"A"},
		{"v":"w","u":1,"resource":"A"},
		{"v":"w","u":2,"resource":"A"},
		{"v":2,"u":"w","resource":"A"}]`), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if d.hashes[0] != d.hashes[1] || d.hashes[0] != d.hashes[2] {
		t.Errorf("order or a snapshot changed the hash: %v", d.hashes[:3])
	}
	if d.hashes[0] == d.hashes[3] || d.hashes[3] == d.hashes[4] {
		t.Errorf("other values have the same hash: %v", d.hashes)
	}
	if d.rows[0]["extras"] != `{"pending":1,"u":1,"v":"w"}` {
		t.Errorf("extras are %s", d.rows[0]["extras"])
	}
}

func TestDecodingTakesNoMemoryByTheRow(t *testing.T) {
	const rows = 4000
	row := `{"resource":"A \u003c-","label":"L","n":7,"x":1.25,"u":12,"v":0.5,"w":null,"o":{"k":[1]}}`
	chunk := pipeline.Chunk{Data: []byte(strings.Repeat(row+",", rows-1) + row)}
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	allocations := testing.AllocsPerRun(5, func() {
		b := pipeline.NewBatch(pipeline.Activity)
		defer b.Release()
		if err := f.Decode(&pipeline.Meta{}, chunk, b); err != nil || b.Rows() != rows {
			t.Fatalf("%d rows, %v", b.Rows(), err)
		}
	})
	if allocations > rows/10 {
		t.Errorf("%v allocations for %d rows", allocations, rows)
	}
}

func TestDigitsEndAtAnyOtherByte(t *testing.T) {
	for at := range 20 {
		for c := range 256 {
			b := []byte("01234567899876543210")
			b[at] = byte(c)
			want := at
			if isDigit(byte(c)) {
				want = len(b)
			}
			if got := digitsEnd(b, 0); got != want {
				t.Fatalf("the digits of %q end at %d, want %d", b, got, want)
			}
		}
	}
}
