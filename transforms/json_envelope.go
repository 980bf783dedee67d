package transforms

import (
	"bytes"
	"io"

	"github.com/windrow-data/windrow/pipeline"
)

// maxEnvelope bounds the bytes of a document that is held in memory whole. It has to be held: the member that makes
// it an answer may stand behind the rows.
const maxEnvelope = 64 << 20

// splitEnvelope cuts the array inside a document that is an object. The head of each chunk is the object without the
// array.
func (f *jsonFormat) splitEnvelope(r io.Reader, rangeBytes int, yield func(pipeline.Chunk, error) bool) error {
	body, err := io.ReadAll(io.LimitReader(r, maxEnvelope+1))
	if err != nil {
		return err
	}
	if len(body) > maxEnvelope {
		return f.malformed("the answer is longer than %d MiB", maxEnvelope>>20)
	}
	e := envelope{format: f, rangeBytes: rangeBytes, scan: scanner{b: bytes.TrimPrefix(body, byteOrderMark)}, names: make(map[string]bool)}
	if err := e.read(); err != nil {
		return err
	}
	for data := range e.ranges() {
		if !yield(pipeline.Chunk{Head: e.head, Data: data}, nil) {
			return errStopped
		}
	}
	return nil
}

// envelope is a document that is an object with the rows in one of its members.
type envelope struct {
	format     *jsonFormat
	rangeBytes int
	scan       scanner
	head       []byte // the other members, as an object
	array      cutRows
	names      map[string]bool
	isTrue     bool
}

func (e *envelope) read() error {
	s := &e.scan
	i := s.space(0)
	if i >= len(s.b) || s.b[i] != '{' {
		return e.format.notTheDocument(s.b[i:])
	}
	e.head = []byte{'{'}
	i, err := e.members(i)
	if err != nil {
		return err
	}
	e.head = append(e.head, '}')
	o := &e.format.options
	switch {
	case i < 0:
		return e.format.malformed("%s", s.problem)
	case s.space(i) < len(s.b):
		return e.format.malformed("something follows the end of the object")
	case o.True != "" && !e.isTrue:
		return e.format.malformed("the answer does not say that %q is true", o.True)
	case !e.array.found:
		return e.format.notTheDocument(s.b[s.space(0):])
	}
	return e.checkGrowth()
}

// members walks over the object at i.
func (e *envelope) members(i int) (int, error) {
	s := &e.scan
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == '}' {
		return i + 1, nil
	}
	for {
		at, _ := s.name(i)
		if at < 0 {
			return -1, nil
		}
		end, err := e.member(i, at)
		if end < 0 || err != nil {
			return end, err
		}
		if i = s.space(end); i < len(s.b) && s.b[i] == '}' {
			return i + 1, nil
		}
		if i = s.expect(i, ',', "the answer ends too early, or a comma is missing"); i < 0 {
			return -1, nil
		}
		i = s.space(i)
	}
}

// member walks over the member whose name stands at i and whose value stands at position at.
func (e *envelope) member(i, at int) (end int, err error) {
	s, o := &e.scan, &e.format.options
	after, _ := s.string(i)
	name := string(unescape(nil, s.b[i+1:after-1]))
	if e.names[name] {
		return -1, e.format.malformed("the answer has the member %s twice", name)
	}
	if e.names[name] = true; len(e.names) > maxColumns {
		return -1, e.format.malformed("the answer has more than %d members around its rows", maxColumns)
	}
	if name == o.Rows && at < len(s.b) && s.b[at] == '[' {
		return e.array.read(s, at, e.rangeBytes), nil
	}
	if end, _ = s.value(at); end < 0 {
		return -1, nil
	}
	switch value := s.b[at:end]; name {
	case o.Rows:
		return -1, e.format.malformed("%s is no array", name)
	case o.True:
		e.isTrue = string(value) == "true"
	default:
		if len(e.head) > 1 {
			e.head = append(e.head, ',')
		}
		e.head = append(e.head, s.b[i:end]...)
	}
	return end, nil
}
