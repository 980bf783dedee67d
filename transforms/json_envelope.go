package transforms

import (
	"bytes"
	"io"
	"iter"

	"github.com/windrow-data/windrow/pipeline"
)

// maxEnvelope bounds the bytes of a document that is held in memory whole. It has to be held: the member that makes
// it an answer may stand behind the rows.
const maxEnvelope = 64 << 20

// splitEnvelope cuts the array inside a document that is an object. The head of each chunk is the object without the
// array.
func (f *jsonFormat) splitEnvelope(r io.Reader, rangeBytes int, yield func(pipeline.Chunk, error) bool) error {
	body, err := f.readWhole(r)
	if err != nil {
		return err
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

// readWhole reads a document into one piece of memory. A long one is moved there once: two of them side by side would be
// more than the rest of a sync.
func (f *jsonFormat) readWhole(r io.Reader) ([]byte, error) {
	for body := make([]byte, 0, firstBuffer); ; {
		if len(body) > maxEnvelope {
			return nil, f.malformed("the answer is longer than %d MiB", maxEnvelope>>20)
		}
		if len(body) == cap(body) {
			room := 4 * cap(body)
			if room >= maxEnvelope {
				room = maxEnvelope + 1
			}
			body = append(make([]byte, 0, room), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
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
	said       string  // by a member error
	truncated  bool    // it says so
	total      float64 // of rows, as it says
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
	case e.said != "":
		return e.vendors("the answer holds an error of the vendor: %s", e.said)
	case e.truncated:
		return e.vendors("the answer says that it is truncated%s", behindColon(ErrorText(s.b)))
	case o.True != "" && !e.isTrue:
		err := e.format.malformed("the answer does not say that %q is true%s", o.True, behindColon(ErrorText(s.b)))
		err.Hint = o.Hint
		return err
	case !e.array.found:
		return e.format.notTheDocument(s.b[s.space(0):])
	case e.total > float64(e.array.rows):
		return e.vendors("the answer's total is %g, but it has %d rows", e.total, e.array.rows)
	}
	return e.checkGrowth()
}

// vendors is the error of an answer that says of itself that it is not whole.
func (e *envelope) vendors(format string, args ...any) error {
	err := e.format.malformed(format, args...)
	err.Hint = sentErrorHint
	return err
}

func behindColon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// note takes in what a member around the rows says about them.
func (e *envelope) note(name string, value []byte) {
	switch name {
	case errorMember, "errors":
		if e.said == "" {
			e.said = errorText(value)
		}
	case "truncated":
		e.truncated, _ = parseBool(bytes.Trim(value, `"`))
	case "total":
		if total, ok := parseNumber(bytes.Trim(value, `"`)); ok {
			e.total = total
		}
	}
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
		e.note(name, value)
		if len(e.head) > 1 {
			e.head = append(e.head, ',')
		}
		e.head = append(e.head, s.b[i:end]...)
	}
	return end, nil
}

// cutRows is an array of rows within a document, cut finely: how long a range may be depends on the members that
// stand around the rows, which may come later.
type cutRows struct {
	found  bool
	pieces []rowPiece
	rows   int
}

// rowPiece says where rows that stand together lie in the document.
type rowPiece struct{ from, to, rows int }

// pieceRows bounds the rows of a piece.
const pieceRows = 64

// read walks over the array at i and returns the position behind it, -1 after a problem.
func (a *cutRows) read(s *scanner, i, rangeBytes int) int {
	a.found = true
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == ']' {
		return i + 1
	}
	piece := rowPiece{from: i}
	for {
		end, _ := s.value(i)
		if end < 0 {
			return -1
		}
		if end-i > maxRow {
			return s.fail(longRow)
		}
		piece.to, piece.rows = end, piece.rows+1
		i = s.space(end)
		closed := i < len(s.b) && s.b[i] == ']'
		full := piece.rows == pieceRows || end-piece.from >= rangeBytes
		if closed || full {
			a.pieces, a.rows = append(a.pieces, piece), a.rows+piece.rows
		}
		if closed {
			return i + 1
		}
		if i = s.expect(i, ',', "the answer ends too early, or a comma is missing"); i < 0 {
			return -1
		}
		if i = s.space(i); full {
			piece = rowPiece{from: i}
		}
	}
}

// ranges joins the rows to ranges; a document without rows is one empty range.
func (e *envelope) ranges() iter.Seq[[]byte] {
	most := max(min(maxRangeRows, maxCopies*e.rangeBytes/len(e.head)), 1)
	return func(yield func([]byte) bool) {
		if len(e.array.pieces) == 0 {
			yield(nil)
			return
		}
		all := e.array.pieces[0]
		for _, next := range e.array.pieces[1:] {
			if all.to-all.from >= e.rangeBytes || all.rows+next.rows > most {
				if !yield(e.scan.b[all.from:all.to]) {
					return
				}
				all = next
				continue
			}
			all.to, all.rows = next.to, all.rows+next.rows
		}
		yield(e.scan.b[all.from:all.to])
	}
}

// checkGrowth condemns a document whose members around the rows would be copied too often: work and memory are to
// stay in proportion to the document.
func (e *envelope) checkGrowth() error {
	size := len(e.head)
	if size > maxAround {
		return e.format.malformed("the members around its rows are longer than %d KiB", maxAround>>10)
	}
	if size > maxName && e.array.rows*size > maxCopies*len(e.scan.b) {
		return e.format.malformed("the members around its rows have %d bytes, too many for each of %d rows to get them", size, e.array.rows)
	}
	return nil
}
