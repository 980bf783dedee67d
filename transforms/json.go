package transforms

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// JSONOptions says where the rows stand in a JSON document.
type JSONOptions struct {
	// Rows names the member of the document's object that is the array of rows. The object's other members then go to
	// every row; where a row has a member of the same name, the object's member goes to its extras as
	// "_envelope.name". Such a document is held in memory whole, up to 64 MiB, and its other members are no longer than
	// 256 KiB; where they have more than 1 KiB, their copies are no longer than twelve such documents. Empty: the document
	// is the array itself, and is read as it arrives.
	Rows string
	// True names a member of that object which must be true, else the document is Malformed. Empty: no such member.
	True string
	// Hint is what to do about a document that is not what it should be.
	Hint string
}

// NewJSON returns the format of a JSON document whose rows are objects. p says what becomes of personal data. The
// format accepts exactly what RFC 8259 does. Any other document is Malformed. Of a row's members:
//   - null and blank strings are absent, as blank cells are;
//   - an array or object stays in extras as it was written, and fills no column;
//   - a member that comes twice makes the row a reject: nothing says which of the two counts;
//   - bytes that are not UTF-8 become U+FFFD, and so do halves of surrogate pairs.
func NewJSON(m Mapping, o JSONOptions, p pipeline.Policy) pipeline.Format {
	return &jsonFormat{mapping: compileMapping(m, p), options: o}
}

type jsonFormat struct {
	mapping *compiledMapping
	options JSONOptions
}

// Lenient implements [pipeline.Format]. It returns the format itself: JSON has one reading.
func (f *jsonFormat) Lenient() pipeline.Format { return f }

// Split implements [pipeline.Format]: it cuts the document's array into ranges of whole elements.
func (f *jsonFormat) Split(r io.Reader, rangeBytes int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		var err error
		if f.options.Rows != "" {
			err = f.splitEnvelope(r, rangeBytes, yield)
		} else {
			s := arraySplitter{format: f, r: r, rangeBytes: rangeBytes, size: firstBuffer}
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
		return f.malformed("row %d of a part: %s", d.row.number, problem)
	}
	return d.failure
}

func (f *jsonFormat) malformed(format string, args ...any) error {
	return &pipeline.Error{Op: "read JSON", Kind: pipeline.Malformed, Hint: f.options.Hint, Err: fmt.Errorf(format, args...)}
}

// notTheDocument is the error of an answer that is another document; b is how the answer begins, without white space.
func (f *jsonFormat) notTheDocument(b []byte) error {
	wanted := "an array"
	if f.options.Rows != "" {
		wanted = "an object with " + f.options.Rows
	}
	switch {
	case len(b) == 0:
		return f.malformed("the answer is blank, not %s", wanted)
	case b[0] == '<':
		return f.malformed("the answer is a page of HTML or XML, not %s", wanted)
	case b[0] == '{':
		keys := memberNames(b)
		if len(keys) == 0 {
			return f.malformed("the answer is an object without members, not %s", wanted)
		}
		return f.malformed("the answer is an object with the members %s, not %s", strings.Join(keys, ", "), wanted)
	case b[0] == '[':
		return f.malformed("the answer is an array, not %s", wanted)
	}
	return f.malformed("the answer is not %s", wanted)
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
