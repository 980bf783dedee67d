package transforms

import (
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/windrow-data/windrow/pipeline"
)

// copyOf is the redacted copy of a document.
func copyOf(t *testing.T, f pipeline.Format, document string) string {
	t.Helper()
	var out strings.Builder
	if err := f.(pipeline.Redactor).Redact(&testMeta, iotest.HalfReader(strings.NewReader(document)), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// again is a policy whose copies are read as those of the program are.
func again(p pipeline.Policy, drops bool) pipeline.Policy {
	p.Digest = "of the test"
	p.Again = func(dst, text []byte, _ pipeline.Personal, required bool) ([]byte, bool) {
		return append(dst, text...), required || !drops
	}
	return p
}

func TestACopyHasNothingPersonalAndGivesTheSameRows(t *testing.T) {
	csv := func(p pipeline.Policy) pipeline.Format { return NewCSV(personalMapping(), p) }
	array := func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p) }
	envelope := func(p pipeline.Policy) pipeline.Format {
		return NewJSON(personalMapping(), JSONOptions{Rows: "rows", True: "fine"}, p)
	}
	named := "id,started,kind,zone," + plantedNumber + "," + plantedAddress + ",2025-09-08,note\n1,2025-09-08 10:00:00,call,UTC,3,4,5,x\n2,2025-09-08 10:00:01,call,UTC,3,4,5,x\n"
	byPerson := `[{"id":"1","started":"2025-09-08 10:00:00","kind":"call","zone":"UTC","` + plantedNumber + `":3,"+\u0035491155501234":{"x":1},"by":{"` + plantedAddress + `":{"n":3},"` +
		plantedNumber + `":[{"5491155501234":"` + plantedName + `","2025-09-08":1}],"2025-09-08":4},"calls":4},{"id":"2","started":"2025-09-08 10:00:01","kind":"call","zone":"UTC","` + plantedNumber + `":3}]`
	for _, tt := range []struct {
		name     string
		format   func(pipeline.Policy) pipeline.Format
		document string
	}{
		{"CSV", csv, personalCSV("")},
		{"CSV that ends lines in CRLF, with blank ones", csv, strings.ReplaceAll(personalCSV("\n"), "\n", "\r\n")},
		{"rows of too few cells and of too many", csv, strings.Replace(personalCSV(""), "\n", "\n6,"+plantedName+","+plantedNumber+"\n"+strings.Repeat(plantedName+",", 40)+"\n"+plantedName+"\n", 1)},
		{"a list that cannot be read", csv, strings.Replace(personalCSV(""), `"a,b"`, `"{`+plantedName+`"`, 1)},
		{"a list that cannot be read, in JSON", array, strings.Replace(personalJSON(t, flat), `"a,b"`, `"{`+plantedName+`"`, 1)},
		{"stray quotes", csv, strings.Replace(personalCSV(""), "\n", "\n7,"+plantedName+`,"`+plantedAddress+`" stray`+"\n"+`"`+plantedName+"\n", 1)},
		{"a key that is no text", csv, strings.Replace(personalCSV(""), "\n", "\n"+strings.Replace(strings.SplitN(personalCSV(""), "\n", 3)[1], `"1"`, "\"1\xff\"", 1)+"\n", 1)},
		{"JSON", array, personalJSON(t, flat)},
		{"JSON with nested values", array, personalJSON(t, nested)},
		{"members around the rows", envelope,
			`{"fine":true,"rows":` + personalJSON(t, flat) + `,"error":"","mail":"` + plantedAddress + `","asked by":"` + plantedName + `","all":{"of":["` + plantedNumber + `"]}}`},
		{"elements that are no rows", array, strings.Replace(personalJSON(t, flat), "[", `["`+plantedName+`",5491155501234,["`+plantedNumber+`",5],`, 1)},
		{"a member twice", array, strings.Replace(personalJSON(t, flat), "[", `[{"id":"8","x":"`+plantedName+`","x":"`+plantedNumber+`"},`, 1)},
		{"a nested key, and one that is no text", array, strings.Replace(personalJSON(t, flat), "[", `[{"id":{"x":"`+plantedName+`"},"kind":"call"},{"id":"`+plantedName+"\xff"+`","started":"2025-09-08 10:00:00"},`, 1)},
		{"names that are numbers and addresses", csv, named},
		{"names that are numbers and addresses, of CRLF and with quotes", csv, strings.ReplaceAll(strings.Replace(named, plantedNumber, `"`+plantedNumber+`"`, 1), "\n", "\r\n")},
		{"members whose names are numbers and addresses", array, byPerson},
		{"such members around the rows", envelope, `{"fine":true,"` + plantedNumber + `":5,"` + plantedAddress + `":{"` + plantedNumber + `":["x"]},"rows":` + byPerson + `}`},
		{"such a member twice", array, strings.Replace(byPerson, "{", `{"`+plantedNumber+`":7,"`+plantedNumber+`":8,`, 1)},
		{"such members of rows that are rejected", array, strings.Replace(byPerson, `"started":"2025-09-08 10:00:00"`, `"started":"`+plantedName+`"`, 1)},
		{"no rows", array, `[ ]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for mode, p := range map[string]pipeline.Policy{"replaced": again(replacing, false), "dropped": again(dropping, true)} {
				f := tt.format(p)
				stored := copyOf(t, f, tt.document)
				for _, v := range append(planted, "5491155501234", "Pérez", `P\u00e9rez`) {
					if strings.Contains(stored, v) {
						t.Errorf("%s: the copy has %q:\n%s", mode, v, stored)
					}
				}
				want, _ := load(t, f.Lenient(), &testMeta, strings.NewReader(tt.document), 1<<20)
				m := testMeta
				m.Redacted = p.Digest
				got, err := load(t, f.Lenient(), &m, strings.NewReader(stored), 1<<20)
				if err != nil {
					t.Fatalf("%s: %v: the copy is\n%s", mode, err, stored)
				}
				for _, l := range []*loaded{&want, &got} {
					for i := range l.rejects { // of what is dropped nobody can tell what was wrong
						l.rejects[i] = pipeline.Reject{Row: l.rejects[i].Row, At: l.rejects[i].At}
					}
				}
				if fmt.Sprint(got.rows, got.hashes, got.times, got.rejects) != fmt.Sprint(want.rows, want.hashes, want.times, want.rejects) {
					t.Errorf("%s: the copy gives\n%v %v\nwant\n%v %v\nof\n%s", mode, got.rows, got.rejects, want.rows, want.rejects, stored)
				}
				if twice := strings.Count(stored, "\n") != strings.Count(tt.document, "\n"); twice && strings.HasPrefix(tt.name, "CSV") {
					t.Errorf("%s: the copy has other lines:\n%s", mode, stored)
				}
			}
		})
	}
}

func TestWhatCannotBeSplitHasNoCopy(t *testing.T) {
	csv, array := NewCSV(personalMapping(), replacing), NewJSON(personalMapping(), JSONOptions{}, replacing)
	for name, tt := range map[string]struct {
		f        pipeline.Format
		document string
	}{
		"a page":          {csv, "<html>" + plantedName + "</html>"},
		"a row alone":     {csv, plantedName + "," + plantedNumber + "\n"},
		"values, no keys": {NewCSV(Mapping{Table: pipeline.Events}, replacing), plantedName + "," + plantedNumber + "\n"},
		"open quotes":     {csv, personalCSV(`"` + plantedName)},
		"a message":       {array, `"` + plantedName + `"`},
		"a row cut short": {array, `[{"id":"1","who":"` + plantedName},
		"no JSON":         {array, `[{"id":"1","who":` + plantedName + `}]`},
	} {
		if err := tt.f.(pipeline.Redactor).Redact(&testMeta, strings.NewReader(tt.document), io.Discard); pipeline.KindOf(err) != pipeline.Malformed || strings.Contains(err.Error(), plantedName) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cut := &pipeline.Error{Op: "read", Kind: pipeline.Unavailable, Err: io.ErrUnexpectedEOF}
	if err := csv.(pipeline.Redactor).Redact(&testMeta, io.MultiReader(strings.NewReader(personalCSV("")), iotest.ErrReader(cut)), io.Discard); err != cut {
		t.Errorf("the reader's error became %v", err)
	}
}

func TestACopyIsMadeInBoundedMemory(t *testing.T) {
	row := strings.SplitAfterN(personalCSV(""), "\n", 3)
	most := uint64(0)
	rows := &manyRows{head: row[0], row: row[1], left: 40_000}
	err := NewCSV(personalMapping(), replacing).(pipeline.Redactor).Redact(&testMeta, rows, writerFunc(func(b []byte) (int, error) {
		var m runtime.MemStats
		if runtime.ReadMemStats(&m); m.HeapAlloc > most {
			most = m.HeapAlloc
		}
		return len(b), nil
	}))
	if err != nil || rows.left > 0 {
		t.Fatalf("%d rows are left, %v", rows.left, err)
	}
	if most > 64<<20 {
		t.Errorf("%d MiB are on the heap, of %d of rows", most>>20, 40_000*len(row[1])>>20)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// manyRows reads a header and as many times one row.
type manyRows struct {
	head, row string
	left      int
}

func (r *manyRows) Read(b []byte) (int, error) {
	if r.head == "" {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.head = r.row
	}
	n := copy(b, r.head)
	r.head = r.head[n:]
	return n, nil
}

func TestNamesOfARequestAreAsPersonalAsTheirField(t *testing.T) {
	m := personalMapping()
	m.Asked = "who"
	if got := NewCSV(m, replacing).(pipeline.Redactor).Asked([]string{plantedName}); len(got) != 1 || got[0] != standIn(pipeline.PersonalName, plantedName) {
		t.Errorf("the request asks for %q", got)
	}
	m.Asked = "kind"
	if got := NewCSV(m, replacing).(pipeline.Redactor).Asked([]string{"call"}); len(got) != 1 || got[0] != "call" {
		t.Errorf("the request asks for %q", got)
	}
}

// FuzzCopy compares what documents and their copies become.
func FuzzCopy(f *testing.F) {
	for _, document := range []string{personalCSV(""), strings.Replace(personalCSV(""), "\n", "\n7,"+plantedName+`,"x" stray`+"\n\"9\n", 1), "id,started,zone\r\n1,2025-09-08 10:00:00,\r\n\r\n2,,",
		"id,\"+54 911 5550\",a@b.c,started\n1,2,3,2025-09-08 10:00:00\n"} {
		f.Add(false, document)
	}
	for _, document := range []string{`[{"id":"1","started":"2025-09-08 10:00:00","who":"x","tags":"a;b","talk":NaN},{"id":0},5]`, `[{"id":"` + "\xff" + `","new":{"a":[1,"b"]},"error":0}]`,
		`[{"id":"1","started":"2025-09-08 10:00:00","+5491155501234":1,"a@b.c":{"5491155501234":[2,{"":3}]},"":4}]`} {
		f.Add(true, document)
	}
	f.Fuzz(func(t *testing.T, isJSON bool, document string) {
		for drops, p := range map[bool]pipeline.Policy{false: again(hashing, false), true: again(dropping, true)} {
			var format pipeline.Format = NewCSV(personalMapping(), p).Lenient()
			if isJSON {
				format = NewJSON(personalMapping(), JSONOptions{}, p)
			}
			want, err := load(t, format, &testMeta, wholeReader{strings.NewReader(document)}, 1<<20)
			if err != nil {
				continue
			}
			var stored strings.Builder
			if err := format.(pipeline.Redactor).Redact(&testMeta, strings.NewReader(document), &stored); pipeline.KindOf(err) == pipeline.Malformed {
				continue // of a header that may be a row
			} else if err != nil {
				t.Fatal(err)
			}
			m := testMeta
			m.Redacted = p.Digest
			got, err := load(t, format, &m, wholeReader{strings.NewReader(stored.String())}, 1<<20)
			if err != nil || fmt.Sprint(got.rows, got.hashes, got.times, len(got.rejects)) != fmt.Sprint(want.rows, want.hashes, want.times, len(want.rejects)) {
				t.Errorf("drops %t: the copy gives\n%q %v, %v\nwant\n%q %v\nof\n%q\nfrom\n%q", drops, got.rows, got.rejects, err, want.rows, want.rejects, stored.String(), document)
			}
		}
	})
}

// hashing puts words in the place of values, as hashes are.
var hashing = pipeline.Policy{Replace: func(dst, text []byte, kind pipeline.Personal, _ bool) ([]byte, bool) {
	return fmt.Appendf(dst, "h%x", crc32.ChecksumIEEE(text)), true
}}
