package transforms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// JSONOptions says where the rows stand in a JSON document.
type JSONOptions struct {
	// Rows names the member of the document's object that is the array of rows. The object's other members then go to
	// every row; where a row has a member of the same name, the object's member goes to its extras as
	// "_envelope.name". Such a document's rows are held compressed until its end, up to 64 MiB, and its other members are no
	// longer than 256 KiB; where they have more than 1 KiB, their copies are no longer than four such documents. Empty: the
	// document is the array itself, and is read as it arrives.
	Rows string
	// True names a member of that object which must be true, else the document is Malformed. Empty: no such member.
	True string
	// Hint is what to do about an answer that is another document.
	Hint string
}

// NewJSON returns the format of a JSON document whose rows are objects. p says what becomes of personal data. The
// format accepts exactly what RFC 8259 does, but for what spoils a value alone. Any other document is Malformed, and so is
// an object around the rows that says of itself that it is not all: by an error, by "truncated" or "hasMore": true, by a total above the
// number of rows. [pipeline.Batch] tells of the rows that condemn a document: one with a member error, one without any
// key, a last one that is no object. Of a row's members:
//   - null and blank strings are absent, as blank cells are;
//   - an array or object stays in extras as it was written, and fills no column;
//   - a member that comes twice makes the row a reject: nothing says which of the two counts;
//   - NUL bytes, escaped ones too, and bytes that are not UTF-8 become U+FFFD and are counted, in a key they reject the row; halves
//     of surrogate pairs become U+FFFD and are counted but in a key;
//   - NaN, Infinity and inf, which are no JSON, fill no column and stay in extras as strings.
func NewJSON(m Mapping, o JSONOptions, p pipeline.Policy) pipeline.Format {
	return &jsonFormat{mapping: compileMapping(m, p), options: o}
}

type jsonFormat struct {
	mapping *compiledMapping
	options JSONOptions
}

// Suffix implements [pipeline.SuffixFormat].
func (f *jsonFormat) Suffix() string { return "json" }

// Snapshot implements [pipeline.SnapshotFormat].
func (f *jsonFormat) Snapshot(name []byte) bool { return f.mapping.isSnapshot(name) }

// Names implements [pipeline.NamedFields].
func (f *jsonFormat) Names(field string) bool { return f.mapping.field(field) >= 0 }

// Lenient implements [pipeline.Format]. It returns the format itself: JSON has one reading.
func (f *jsonFormat) Lenient() pipeline.Format { return f }

// Split implements [pipeline.Format]: it cuts the document's array into ranges of whole elements.
func (f *jsonFormat) Split(r io.Reader, rangeBytes int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		var err error
		if f.options.Rows != "" {
			err = f.splitEnvelope(r, rangeBytes, yield)
		} else {
			s := arraySplitter{format: f, r: r, body: r, rangeBytes: rangeBytes, size: firstBuffer}
			err = s.split(yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(pipeline.Chunk{}, err)
		}
	}
}

// errStopped says that the consumer wants no more chunks.
var errStopped = errors.New("stopped")

// Decode implements [pipeline.Format]: it appends the rows of a range of elements, and checks that the range is valid
// JSON.
func (f *jsonFormat) Decode(m *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	d := newJSONDecoder(f, m, c, into)
	if problem := d.decode(c); problem != "" {
		return f.malformedRow(d.row.number, ": "+problem)
	}
	return d.failure
}

// brokenHint is the remedy for a document of the right kind that is damaged.
const brokenHint = "the answer may have broken off, or the vendor wrote it wrong; the next sync asks again"

func (f *jsonFormat) malformed(format string, args ...any) *pipeline.Error {
	return &pipeline.Error{Op: "read JSON", Kind: pipeline.Malformed, Hint: brokenHint, Err: fmt.Errorf(format, args...)}
}

// malformedRow is malformed because of a row.
func (f *jsonFormat) malformedRow(number int64, what string) *pipeline.Error {
	return &pipeline.Error{Op: "read JSON", Kind: pipeline.Malformed, Hint: brokenHint, Err: &pipeline.RowError{Row: number, What: what}}
}

// follows is the error of an answer that goes on behind the array or object that it should be.
func (f *jsonFormat) follows(what string, rest []byte) *pipeline.Error {
	said := ErrorText(rest)
	if said == "" {
		return f.malformed("something follows the end of the %s", what)
	}
	err := f.malformed("an error of the vendor follows the end of the %s: %s", what, f.mapping.policy.Say(said))
	err.Cause, err.Hint = pipeline.VendorError, sentErrorHint
	return err
}

// notTheDocument is the error of an answer that is another document; b is how the answer begins, without white space.
func (f *jsonFormat) notTheDocument(b []byte) error {
	wanted := "an array"
	if f.options.Rows != "" {
		wanted = "an object with " + f.options.Rows
	}
	what, said := f.nameDocument(b)
	strange := notJSON(b)
	err := &pipeline.Error{Op: "read JSON", Kind: pipeline.Malformed, Cause: pipeline.OtherDocument, Err: fmt.Errorf("the answer is %snot %s", what, wanted), Hint: f.options.Hint}
	switch {
	case len(b) == 0:
		err.Cause = pipeline.NoDocument
	case strange.cause != pipeline.NoCause:
		err.Cause, err.Hint = strange.cause, strange.hint()
	case isNothing(b):
		err.Cause, err.Hint = pipeline.NoDocument, sentErrorHint
	case wrapsRows(b):
		err.Hint = wrappedHint
	case aroundJSON(b) != "":
		err.Hint = aroundHint
	case said == what && said != "": // a row
		err.Hint = sentErrorHint
	case said != "":
		err.Cause, err.Hint = pipeline.VendorError, sentErrorHint
	}
	return err
}

// nameDocument says what an answer is, with a comma behind it. said is what it says of itself: then it comes from the
// vendor and from nobody else.
func (f *jsonFormat) nameDocument(b []byte) (what, said string) {
	strange := notJSON(b)
	switch {
	case len(b) == 0:
		return "blank, ", ""
	case strange.cause != pipeline.NoCause:
		return strange.what + ", ", ""
	case b[0] == '<':
		return "a page of HTML or XML" + behindColon(f.mapping.policy.Say(pageText(b))) + ", ", ""
	case b[0] == '{':
		if said = ErrorText(b); said != "" {
			return "an error of the vendor, " + f.mapping.policy.Say(said) + ", ", said
		}
		keys := memberNames(b)
		if len(keys) == 0 {
			return "an object without members, ", ""
		}
		what = "an object with the members " + strings.Join(keys, ", ") + ", "
		if slices.ContainsFunc(f.mapping.Keys, func(key string) bool { return slices.Contains(keys, key) }) {
			said = what // a row, but not in an array
		}
		return what, said
	case b[0] == '[':
		return "an array, ", ""
	case isNothing(b):
		return "nothing but " + string(bytes.TrimSpace(b)) + ", ", ""
	case aroundJSON(b) != "":
		return aroundJSON(b) + ", ", ""
	case b[0] == '"':
		said = errorText(b)
	case b[0] > ' ' && isText(b):
		said = shortened(string(b))
	}
	if strings.ContainsAny(said, "{[;|\t") || !strings.Contains(said, " ") {
		return "", "" // no sentence: it may be anything
	}
	return "a text, " + f.mapping.policy.Say(said) + ", ", said
}

// aroundHint is the remedy for JSON that something stands around.
const aroundHint = "the vendor, or a proxy in between, puts something around its JSON now: let it send the JSON alone"

// scripted is how JSON begins that a browser is to run as a script, and how JSON begins that it must not run.
var scripted = regexp.MustCompile(`^(?:/\*\*/)?\s*[A-Za-z_$][\w$.]*\s*\(\s*[\[{]`)

// aroundJSON says what an answer is that has JSON within something else; empty where it is none.
func aroundJSON(b []byte) string {
	head := b[:min(len(b), 256)]
	switch {
	case len(head) > 1 && head[0] == '"' && isContainer(bytes.TrimLeft(bytes.ReplaceAll(head[1:], []byte(`\n`), nil), jsonSpace)):
		return "JSON as a text within JSON, encoded twice"
	case scripted.Match(head):
		return "JSON within a call of JavaScript (JSONP)"
	case slices.ContainsFunc([]string{")]}'", "while(1);", "while (1);", "for(;;);", "for (;;);", "{}&&", "//", "/*"}, func(guard string) bool { return bytes.HasPrefix(head, []byte(guard)) }):
		return "JSON behind a guard or a comment, if at all"
	}
	return ""
}

// isNothing reports whether an answer says no more than that there is nothing.
func isNothing(b []byte) bool {
	switch string(bytes.TrimSpace(b[:min(len(b), 16)])) {
	case "null", "false", `""`:
		return true
	}
	return false
}

// wrappedHint is the remedy for rows that stand in an object instead of in an array of their own.
const wrappedHint = "the vendor may put its rows into an object now, or cut them into pages; tell the vendor: nothing says that these are all"

// wrapsRows reports whether an answer is an object with rows in it, under a name that programs give them.
func wrapsRows(b []byte) bool {
	return b[0] == '{' && ErrorText(b) == "" && slices.ContainsFunc(memberNames(b), func(name string) bool {
		return slices.Contains([]string{"data", "rows", "results", "items", "records", "content"}, strings.ToLower(name))
	})
}

// memberNames lists the names of the first members of an object, for people. The object may be cut off. Values are not
// shown: they may be anything.
func memberNames(b []byte) []string {
	const most, longest = 8, 40
	s := scanner{b: b}
	var names []string
	i := s.space(1)
	for len(names) < most && i < len(b) && b[i] == '"' {
		end, _ := s.string(i)
		if end < 0 {
			break
		}
		name := strings.Map(func(r rune) rune {
			if r == utf8.RuneError || !unicode.IsPrint(r) {
				return '?'
			}
			return r
		}, string(unescape(nil, b[i+1:end-1])))
		if r := []rune(name); len(r) > longest {
			name = string(r[:longest]) + "…"
		}
		if mayBeValue(name) { // an object whose keys are people
			name = pipeline.Shape([]byte(name))
		}
		names = append(names, name)
		if i = s.expect(end, ':', ""); i < 0 {
			break
		}
		if i, _ = s.value(s.space(i)); i < 0 {
			break
		}
		if i = s.space(i); i >= len(b) || b[i] != ',' {
			break
		}
		i = s.space(i + 1)
	}
	return names
}
