package transforms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/windrow-data/windrow/pipeline"
)

// wantedRow is a row as jsontext reads it; nil members are absent.
type wantedRow struct {
	reject  bool
	members map[string]jsontext.Value // null and blank strings left out
	names   []string                  // of members, in order
}

// oracle reads a document with jsontext.
func oracle(doc []byte) ([]wantedRow, error) {
	doc = bytes.TrimPrefix(doc, byteOrderMark)
	d := jsontext.NewDecoder(bytes.NewReader(doc), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return nil, fmt.Errorf("no array: %v", err)
	}
	var rows []wantedRow
	last := jsontext.Kind('{')
	for d.PeekKind() != ']' {
		if last = d.PeekKind(); last != '{' {
			if err := d.SkipValue(); err != nil {
				return nil, err
			}
			rows = append(rows, wantedRow{reject: true})
			continue
		}
		row, err := oracleRow(d)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows: %v", err)
	}
	if last != '{' {
		return nil, errors.New("the last row is not shaped like one")
	}
	return rows, nil
}

func oracleRow(d *jsontext.Decoder) (wantedRow, error) {
	row := wantedRow{members: map[string]jsontext.Value{}}
	seen := map[string]bool{}
	var condemned error
	hasKey := false
	if _, err := d.ReadToken(); err != nil {
		return row, err
	}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return row, err
		}
		name := mangled(noNULs(t.String()))
		v, err := d.ReadValue()
		if err != nil {
			return row, err
		}
		row.reject = row.reject || seen[name]
		seen[name] = true
		hasKey = hasKey || name == "resource" && v.Kind() != 'n'
		if name == "error" && errorText(v) != "" {
			condemned = errors.New("an error of the vendor")
		}
		if v.Kind() == 'n' || v.Kind() == '"' && isBlank([]byte(unquoted(v))) {
			continue
		}
		row.members[name] = v.Clone()
		row.names = append(row.names, name)
	}
	_, err := d.ReadToken()
	if !hasKey {
		condemned = errors.New("no key")
	}
	if r := row.members["resource"]; r == nil || r.Kind() == '{' || r.Kind() == '[' || !isText(r) || strings.Contains(unquoted(r), "\x00") {
		row.reject = true
	}
	return row, errors.Join(err, condemned)
}

// noNULs has a replacement character for each NUL byte.
func noNULs(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// mangled makes one replacement character of a run of them, since parsers
// count those of damaged text differently.
func mangled(s string) string {
	for strings.Contains(s, "\uFFFD\uFFFD") {
		s = strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD")
	}
	return s
}

// unquoted is the text of a value: a string without its quotes and escapes,
// anything else as it was written.
func unquoted(v jsontext.Value) string {
	if v.Kind() != '"' {
		return string(bytes.ToValidUTF8(v, replacement))
	}
	d := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowInvalidUTF8(true))
	t, err := d.ReadToken()
	if err != nil {
		panic(err)
	}
	return t.String()
}

func FuzzJSON(f *testing.F) {
	for _, doc := range []string{
		`[]`, ``, `{}`, " [ { } , 1 ] ", "\uFEFF[]",
		`[{"resource":"A","label":"L","n":7,"x":1.5,"u":[{"a":null}]},{"resource":"B","n":1e3,"label":"\ud83d\ude00\ud83d"}]`,
		`[{"resource":"A","n":10.0,"n":11},"s,]",null,true,[1,[2]],-0.5e-7]`,
		`[{"re\u0073ource":"a\\\"]","\u006e":9007199254740993},{"n":"5","resource":12}]`,
		"[{\"resource\":\"\xff\xfe\",\"\xc3\":\"\xed\xa0\x80\"}]",
		`[{"resource":"A","o":{"k":"}]\\"}}` + "\n,\t" + `{"resource":""}]`,
		`[{"resource":{"a":1},"label":{"b":2}}]`,
		`[{"resource":"A","u":1,"v":2.5,"w":null,"n":1},{"resource":"B","u":1, "v":2.5,"w":"x","n":0.5},{"u":"","v":-1,"resource":"},{"}]`,
		`[{"u":12345678,"v":123456789.12345678e-12,"w":"\\\"","resource":"A"} , {"u":1,"\u0076":2,"w":"\ud800","v":3,"resource":"A"}]`,
		"[{\"u\":1,\"v\":\"\xff\",\"w\":2,\"resource\":\"A\"},{\"v\":\"a\",\"u\" :1,\"w\":2,\"resource\":\"A\"}]",
		`[{"resource":"A","n":NaN,"u":[-Infinity,"\"NaN"],"error":null},{"resource":NaN}]`, "[{\"resource\":\"A\",\"label\":\"\x00\"},{\"resource\":\"\x00\"}]",
		`[{"resource":"A","label":"\u0000","n":"\u0000","u\u0000":["\u0000"]},{"resource":"\u0000"}]`,
		`[{"resource":"A"},{"error":{"message":"no"}}]`, `[{"resource":"A","error":"no"},{"error":[]}]`, `[{"resource":null,"n":1},{"resource":"A"}]`, `[nan,{"resource":"A"}]`,
		"[{\"v\":\"\\u0041\xff\",\"w\":[\"\\/\xff\"],\"label\":\"\\u0041\xff\",\"resource\":\"A\"}]",
	} {
		f.Add([]byte(doc), 3)
	}
	format := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	f.Fuzz(func(t *testing.T, doc []byte, rangeBytes int) {
		if bytes.Count(doc, []byte("["))+bytes.Count(doc, []byte("{")) > maxDepth/2 {
			t.Skip("the limits of nesting differ by a level")
		}
		checkStored(t, format, jsonMapping.Table, string(doc))
		want, wantErr := oracle(doc)
		if wantErr != nil { // it knows nothing of what spoils a value alone
			mended := mendAnything(doc)
			if _, err := oracle(mended); !bytes.Equal(mended, doc) && err == nil {
				want, wantErr = nil, nil
			}
		}
		got, err := decodeDocument(format, bytes.NewReader(doc), 1<<20)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("we say %v, jsontext %v", err, wantErr)
		}
		cut, cutErr := decodeCut(format, doc, rangeBytes)
		if (cutErr == nil) != (err == nil) {
			t.Fatalf("whole: %v, in ranges: %v", err, cutErr)
		}
		if err != nil {
			if pipeline.KindOf(err) != pipeline.Malformed {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		checkUnchanged(t, func(p pipeline.Policy) pipeline.Format {
			m := jsonMapping
			m.Personal = map[string]pipeline.Personal{"label": pipeline.PersonalName, "u": pipeline.PersonalPhone}
			return NewJSON(m, JSONOptions{}, p)
		}, string(doc))
		if fmt.Sprint(got.rows, got.hashes) != fmt.Sprint(cut.rows, cut.hashes) || len(got.rejects) != len(cut.rejects) {
			t.Fatalf("whole: %v, in ranges: %v", got, cut)
		}
		checkRejectTexts(t, got.rejects)
		if want == nil {
			return
		}
		rows := got.rows
		for i, w := range want {
			if w.reject {
				continue
			}
			if len(rows) == 0 {
				t.Fatalf("row %d is lost", i)
			}
			compareRow(t, w, rows[0])
			if utf8.Valid(doc) && !bytes.Contains(doc, []byte(`\u`)) && !bytes.Contains(doc, []byte("\uFFFD\uFFFD")) {
				compareExtras(t, w, rows[0]["extras"], got.hashes[len(got.rows)-len(rows)])
			}
			rows = rows[1:]
		}
		if len(rows) != 0 || len(got.rows)+len(got.rejects) != len(want) {
			t.Fatalf("%d rows and %d rejects of %d", len(got.rows), len(got.rejects), len(want))
		}
	})
}

// mendAnything makes JSON of a document that is none because of NUL bytes in strings and of words for what is no number.
func mendAnything(doc []byte) []byte {
	var out []byte
	quoted := false
	for i := 0; i < len(doc); {
		end := noNumberEnd(doc, i)
		switch c := doc[i]; {
		case quoted && c == '\\' && i+1 < len(doc):
			end = i + 2
			out = append(out, doc[i:end]...)
		case quoted && c == 0:
			end = i + 1
			out = append(out, replacement...)
		case !quoted && end > 0:
			out = append(append(append(out, '"'), doc[i:end]...), '"')
		default:
			if end = i + 1; c == '"' {
				quoted = !quoted
			}
			out = append(out, c)
		}
		i = end
	}
	return out
}

// decodeCut decodes a document in ranges of some bytes, from small reads.
func decodeCut(f pipeline.Format, doc []byte, rangeBytes int) (decoded, error) {
	r := io.Reader(bytes.NewReader(doc))
	if rangeBytes%2 == 0 {
		r = iotest.OneByteReader(r)
	}
	return decodeDocument(smallBuffers{f.(*jsonFormat)}, r, max(1, rangeBytes%64))
}

// smallBuffers is a format that splits with buffers as small as its ranges.
type smallBuffers struct{ *jsonFormat }

func (f smallBuffers) Split(r io.Reader, rangeBytes int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		s := arraySplitter{format: f.jsonFormat, r: r, body: r, rangeBytes: rangeBytes, size: rangeBytes}
		if err := s.split(yield); err != nil && !errors.Is(err, errStopped) {
			yield(pipeline.Chunk{}, err)
		}
	}
}

// compareRow checks a loaded row against jsontext's: what is not in a column
// must be in extras.
func compareRow(t *testing.T, want wantedRow, got map[string]string) {
	t.Helper()
	columns := map[string]string{"resource": "resource_id", "label": "resource_name", "n": "answered", "x": "login_seconds", "min": "hold_seconds"}
	extras := map[string]jsontext.Value{}
	if e, ok := got["extras"]; ok {
		d := jsontext.NewDecoder(strings.NewReader(e)) // strict: unique names, valid UTF-8
		if _, err := d.ReadToken(); err != nil {
			t.Fatalf("extras %q: %v", e, err)
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				t.Fatalf("extras %q: %v", e, err)
			}
			key := name.String()
			v, err := d.ReadValue()
			if err != nil && !strings.Contains(err.Error(), "duplicate") {
				t.Fatalf("extras %q: %v", e, err)
			}
			extras[mangled(key)] = v.Clone()
			if err != nil {
				return // a nested value is kept with its repeated names
			}
		}
	}
	for name, v := range want.members {
		col, held := got[columns[name]]
		switch kept, inExtras := extras[name]; {
		case name == "secret":
		case held && name == "n":
			checkCount(t, v, col)
		case held && (name == "resource" || name == "label"):
			if mangled(col) != mangled(noNULs(unquoted(v))) {
				t.Fatalf("%s is %q, want %q", name, col, unquoted(v))
			}
		case held:
			if _, ok := new(big.Float).SetString(strings.TrimSpace(unquoted(v))); !ok {
				t.Fatalf("%s was read as %s from %s", name, col, v)
			}
		case !inExtras:
			t.Fatalf("%s is lost: %v", name, got)
		case mangled(unquoted(kept)) != mangled(unquoted(v)) && !strings.Contains(string(v), `\u`):
			t.Fatalf("extras hold %s as %s, want %s", name, kept, v)
		}
	}
}

// compareExtras checks the letters and the hash of a row's extras: declared
// fields first, then the others in the order and form in which they were written.
func compareExtras(t *testing.T, want wantedRow, extras string, hash pipeline.Hash) {
	t.Helper()
	mapping := compileMapping(jsonMapping, pipeline.Policy{})
	var others []byte
	var sum pipeline.Hash
	for _, name := range want.names {
		if mapping.field(name) < 0 {
			others = append(append(appendQuoted(append(others, ','), []byte(name), true), ':'), want.members[name]...)
			sum = sum.Add(pipeline.FieldHash(pipeline.NameSeed(name), want.members[name]))
		}
	}
	declared := strings.TrimSuffix(strings.TrimSuffix(extras, "}"), string(bytes.TrimPrefix(others, comma)))
	if len(others) > 0 && declared == strings.TrimSuffix(extras, "}") {
		t.Fatalf("extras are %s, and should end with %s", extras, others)
	}
	for _, name := range []string{"resource", "label", "n", "x", "min"} {
		member := append(append(appendQuoted(nil, []byte(name), true), ':'), want.members[name]...)
		if want.members[name] != nil && strings.Contains(declared, string(member)) {
			sum = sum.Add(pipeline.FieldHash(pipeline.NameSeed(name), want.members[name]))
		}
	}
	if sum != hash && !strings.ContainsAny(strings.TrimPrefix(declared, "{"), `{[\`) { // where a member's text is a member
		t.Fatalf("the hash of extras %s is %v, want %v", extras, hash, sum)
	}
}

// checkCount proves that a count is exactly the number that was written.
func checkCount(t *testing.T, v jsontext.Value, col string) {
	t.Helper()
	written, ok := new(big.Rat).SetString(strings.TrimSpace(unquoted(v)))
	if !ok {
		t.Fatalf("a count of %s was read from %s", col, v)
	}
	if read, _ := new(big.Rat).SetString(col); read.Cmp(written) != 0 {
		t.Fatalf("a count of %s was read from %s", col, v)
	}
}
