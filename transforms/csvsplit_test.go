package transforms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/windrow-data/windrow/pipeline"
)

func TestSplitCutsAtRecordEndsWhateverTheRange(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteString("id,started,kind,text,zone\n")
	for i := range 300 {
		fmt.Fprintf(&doc, "%d,2025-09-08 10:00:00,Call,\"line %d\n,\"\"%s\"\n\",UTC\r\n", i, i, strings.Repeat("x", i%40))
	}
	want, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &testMeta, bytes.NewReader(doc.Bytes()), 1<<20)
	if err == nil {
		t.Fatal("the document is meant to be irregular")
	}
	regular := bytes.ReplaceAll(doc.Bytes(), []byte("\"\n\",UTC"), []byte("\"\"\n\",UTC"))
	for _, f := range []pipeline.Format{NewCSV(testMapping(), pipeline.Policy{}), NewCSV(testMapping(), pipeline.Policy{}).Lenient()} {
		want, err = load(t, f, &testMeta, bytes.NewReader(regular), 1<<20)
		if err != nil || len(want.rows) != 300 || want.chunks != 1 {
			t.Fatalf("%d rows, %d chunks, %v", len(want.rows), want.chunks, err)
		}
		for _, size := range []int{1, 7, 64, 100, 4096} {
			for name, r := range map[string]io.Reader{
				"whole":        bytes.NewReader(regular),
				"byte by byte": iotest.OneByteReader(bytes.NewReader(regular)),
				"data and EOF": iotest.DataErrReader(bytes.NewReader(regular)),
			} {
				got, err := load(t, f, &testMeta, r, size)
				if err != nil {
					t.Fatalf("range %d, %s: %v", size, name, err)
				}
				if fmt.Sprint(got.rows) != fmt.Sprint(want.rows) || size < 4096 && got.chunks < 10 {
					t.Errorf("range %d, %s: other rows, or %d chunks", size, name, got.chunks)
				}
			}
		}
	}
}

func TestSplitPassesReadErrorsOn(t *testing.T) {
	broken := &pipeline.Error{Op: "GET", Kind: pipeline.Unavailable}
	_, err := load(t, NewCSV(testMapping(), pipeline.Policy{}), &testMeta, io.MultiReader(strings.NewReader(minimal+row1), iotest.ErrReader(broken)), 1<<20)
	wantKind(t, err, pipeline.Unavailable, "")
}

func TestARecordWithoutEndIsMalformed(t *testing.T) {
	endless := strings.Repeat("x", maxRow+2)
	_, err := read(t, minimal+row1+endless)
	wantKind(t, err, pipeline.Malformed, fmt.Sprintf("the record at byte %d is longer than 32 MiB", len(minimal+row1)))
	_, err = read(t, endless)
	wantKind(t, err, pipeline.Malformed, "the header is longer than 256 KiB")
	_, err = read(t, minimal+"\""+endless+"\n")
	if !errors.Is(err, pipeline.ErrIrregular) {
		t.Errorf("got %v; quotes may be to blame, so the lenient reading decides", err)
	}
	_, err = load(t, NewCSV(testMapping(), pipeline.Policy{}).Lenient(), &testMeta, strings.NewReader(minimal+"\""+endless+"\n"), 1<<20)
	wantKind(t, err, pipeline.Malformed, "longer than 32 MiB")
}

func TestIrregularQuoting(t *testing.T) {
	const header = "id,started,kind,text,zone\n"
	const good = "1,2025-09-08 10:00:00,Call,fine,UTC\n"
	const last = "9,2025-09-08 10:00:00,Call,\"also\nfine\",UTC\n"
	for name, c := range map[string]struct{ row, text, reject string }{
		"a quote inside an unquoted cell":    {row: "2,2025-09-08 10:00:00,Call,5\" pipe,UTC\n", text: `5" pipe`},
		"two quotes inside an unquoted cell": {row: "2,2025-09-08 10:00:00,Call,a \"b\" c,UTC\n", text: `a "b" c`},
		"text behind a closing quote":        {row: "2,2025-09-08 10:00:00,Call,\"a\" b,UTC\n", reject: strayQuote},
		"a quote inside a quoted cell":       {row: "2,2025-09-08 10:00:00,Call,\"a \"b\" c\",UTC\n", text: `a "b" c`},
		"an opening quote alone":             {row: "2,2025-09-08 10:00:00,Call,\"a,UTC\n", reject: strayQuote},
	} {
		t.Run(name, func(t *testing.T) {
			doc := header + good + c.row + good + last
			_, err := read(t, doc)
			if !errors.Is(err, pipeline.ErrIrregular) {
				t.Fatalf("the strict reading says %v", err)
			}
			for _, size := range []int{1, 1 << 20} {
				got, err := load(t, NewCSV(testMapping(), pipeline.Policy{}).Lenient(), &testMeta, strings.NewReader(doc), size)
				if err != nil {
					t.Fatal(err)
				}
				if c.reject != "" {
					if len(got.rows) != 3 || len(got.rejects) != 1 || got.rejects[0].Reason != c.reject ||
						got.rejects[0].Raw+"\n" != c.row || got.rejects[0].Row != 2 {
						t.Errorf("got %d rows and %+v", len(got.rows), got.rejects)
					}
					continue
				}
				if len(got.rows) != 4 || len(got.rejects) != 0 || got.rows[1]["text"] != c.text || got.rows[3]["text"] != "also\nfine" {
					t.Errorf("got %v and %+v", got.rows, got.rejects)
				}
			}
		})
	}
	t.Run("a quote that is open at the end means a document cut short", func(t *testing.T) {
		doc := header + good + "2,2025-09-08 10:00:00,Call,\"a,UTC\n"
		if _, err := read(t, doc); !errors.Is(err, pipeline.ErrIrregular) {
			t.Errorf("the strict reading says %v", err)
		}
		for _, size := range []int{1, 1 << 20} {
			_, err := load(t, NewCSV(testMapping(), pipeline.Policy{}).Lenient(), &testMeta, strings.NewReader(header+strings.Repeat(good, 40)+doc[len(header):]), size)
			wantKind(t, err, pipeline.Malformed, "ends inside quotes, which row 42 opens")
		}
	})
	t.Run("stray quotes in the header", func(t *testing.T) {
		doc := "id\",\"started,kind,te\"xt,zone\n" + good
		if _, err := read(t, doc); !errors.Is(err, pipeline.ErrIrregular) {
			t.Errorf("the strict reading says %v", err)
		}
		got, err := load(t, NewCSV(testMapping(), pipeline.Policy{}).Lenient(), &testMeta, strings.NewReader(doc), 1<<20)
		if err != nil || len(got.rows) != 1 || got.rows[0]["extras"] != `{"te\"xt":"fine"}` {
			t.Errorf("got %v, %v", got.rows, err)
		}
	})
}

func TestAnErrorThatWrapsTheEndIsNotTheEnd(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		format    pipeline.Format
	}{
		{"CSV", minimal + row1, NewCSV(testMapping(), pipeline.Policy{})},
		{"lenient CSV", minimal + row1, NewCSV(testMapping(), pipeline.Policy{}).Lenient()},
		{"an array", `[{"resource":"A"}]`, NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})},
		{"an object", `{"status":true,"operators":[{"resource":"A"}]}`, NewJSON(jsonMapping, envelopeOptions, pipeline.Policy{})},
	} {
		for _, cut := range []error{fmt.Errorf("the connection was cut: %w", io.EOF), io.ErrUnexpectedEOF} {
			var got error
			for _, err := range c.format.Split(io.MultiReader(strings.NewReader(c.doc), iotest.ErrReader(cut)), rangeOf) {
				got = err
			}
			if !errors.Is(got, cut) {
				t.Errorf("%s, cut with %v: %v", c.name, cut, got)
			}
		}
	}
}
