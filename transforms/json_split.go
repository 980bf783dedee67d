package transforms

import (
	"bytes"
	"io"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

// firstBuffer is the size in bytes of the first buffer: small answers are the rule.
const firstBuffer = 64 << 10

// splitState is what the splitter expects next.
type splitState uint8

const (
	wantArray   splitState = iota
	wantFirst              // an element, or the end of the array
	wantElement            // after a comma
	inElement              // the rest of an element
	wantComma              // or the end of the array
	wantNothing            // the array is closed
)

// arraySplitter cuts a top-level array at the ends of its elements while the array arrives.
//
// The splitter minds strings and depth only. Decode checks that each range of elements is valid. Together they accept
// exactly the valid documents: in a valid document the splitter counts the true depth, and ranges of valid elements
// between brackets, joined by commas, are a valid array.
type arraySplitter struct {
	format     *jsonFormat
	r          io.Reader
	body       io.Reader // that [pipeline.Reserve] asks: r, or what r begins with was read from it
	rangeBytes int
	size       int  // of the first buffer, in bytes
	inner      bool // something may stand behind the array

	buf      []byte
	stop     int    // the length of buf at which its elements are looked at
	pos      int    // the bytes of buf before it have been looked at
	first    int    // where the first element begins that no chunk has yet; -1: none
	end      int    // the end of the last whole element; 0: none
	afterCut bool   // buf holds what the last cut left, in memory of exactly that size
	yielded  bool   // there was a chunk
	elements int    // that were walked over
	rest     []byte // behind the inner array
	elementWalk
}

// elementWalk says where the splitter stands in the array's elements.
type elementWalk struct {
	state   splitState
	element int  // where the element at pos begins
	depth   int  // of arrays and objects in the element
	quoted  bool // pos is inside a string
	quoteAt int  // where that string begins
	flat    flatScan
	walking bool // the flat scan is off until the next cut
	// tooLongOne says that an element is longer than a row may be.
	tooLongOne bool
}

// split reads the whole document and yields its chunks.
func (s *arraySplitter) split(yield func(pipeline.Chunk, error) bool) error {
	s.buf, s.stop, s.first, s.walking = newBuffer(s.size), s.size, -1, s.inner
	for {
		if err := s.makeRoom(yield); err != nil {
			return err
		}
		n, err := s.r.Read(s.buf[len(s.buf):s.stop])
		s.buf = s.buf[:len(s.buf)+n]
		if problem := s.scan(); problem != nil {
			return problem
		}
		if s.tooLongOne {
			return s.format.malformed("%s", longRow)
		}
		if s.inner && s.state == wantNothing {
			s.rest = bytes.Clone(s.buf[s.pos:])
			return s.finish(yield)
		}
		if err == io.EOF {
			if problem := s.endFlatScan(); problem != nil {
				return problem
			}
			return s.finish(yield)
		}
		if err != nil {
			return err
		}
	}
}

// makeRoom makes sure that the buffer can take more bytes: it yields the elements that are whole, or else lets the
// buffer grow.
func (s *arraySplitter) makeRoom(yield func(pipeline.Chunk, error) bool) error {
	if len(s.buf) < s.stop {
		return nil
	}
	if s.afterCut {
		n := max(s.size, s.rangeBytes)
		for n <= len(s.buf) {
			n *= 2
		}
		s.afterCut = false
		return s.grow(n)
	}
	full := len(s.buf) >= s.rangeBytes
	if full || s.tooLong() {
		if err := s.endFlatScan(); err != nil {
			return err
		}
	}
	if full && s.end > 0 && !s.tooLongOne {
		if err := s.yieldWhole(yield); err != nil {
			return err
		}
		return s.makeRoom(yield) // for the next range
	}
	if s.tooLong() {
		return s.format.malformed("%s", longRow)
	}
	if s.first < 0 { // the buffer holds nothing but white space and punctuation
		s.buf, s.pos, s.end = s.buf[:0], 0, 0
		return nil
	}
	if len(s.buf) < cap(s.buf) {
		return s.grow(cap(s.buf))
	}
	n := 2 * cap(s.buf)
	if cap(s.buf) < s.rangeBytes && (n >= leastKept || n > s.rangeBytes) {
		n = s.rangeBytes // the size that is kept
	}
	if most := maxRow + s.rangeBytes; n > most && most > len(s.buf) {
		n = most
	}
	return s.grow(n)
}

// grow makes sure that the buffer has room for n bytes, and says how many of them are read before its elements are looked
// at: what is read behind the end of a long one stands in memory beside it.
func (s *arraySplitter) grow(n int) error {
	if n > s.rangeBytes {
		if err := pipeline.Reserve(s.body); err != nil {
			return err
		}
	}
	if small := s.buf; cap(small) < n {
		s.buf = append(newBuffer(n), small...)
		if cap(small) == s.rangeBytes {
			freeBuffer(small)
		}
	}
	s.stop = cap(s.buf)
	if s.stop > s.rangeBytes {
		s.stop = min(s.stop, len(s.buf)+max(s.rangeBytes, leastStep))
	}
	return nil
}

// tooLong reports whether an element is longer than a row may be, or the one that is being read already is.
func (s *arraySplitter) tooLong() bool {
	return s.tooLongOne || s.state == inElement && len(s.buf)-s.element > maxRow
}

// yieldWhole yields the whole elements and keeps the rest. The next range gets memory only when it is read.
func (s *arraySplitter) yieldWhole(yield func(pipeline.Chunk, error) bool) error {
	chunk, rest := s.wholeElements(), s.buf[s.end:]
	s.buf, s.stop, s.afterCut = append(make([]byte, 0, len(rest)), rest...), len(rest), true
	if s.state == inElement { // begin it anew
		s.pos, s.state = s.element, wantElement
	}
	s.pos -= s.end
	s.first, s.end, s.walking = -1, 0, s.inner
	s.yielded = true
	return yieldRows(chunk, maxRangeRows, yield)
}

// yieldRows yields a chunk, in pieces where it has more objects than a range may have rows. Elements that are no
// objects become rejects, which take little memory.
func yieldRows(c pipeline.Chunk, most int, yield func(pipeline.Chunk, error) bool) error {
	for len(c.Data) > most && bytes.Count(c.Data, closingBrace) > most {
		end, next := firstElements(c.Data, most)
		if end < 0 {
			break // the last ones, or no valid JSON, as Decode will tell
		}
		if !yield(pipeline.Chunk{Head: c.Head, Data: bytes.Clone(c.Data[:end])}, nil) {
			c.Free()
			return errStopped
		}
		c.Data = c.Data[next:]
	}
	if !yield(c, nil) {
		return errStopped
	}
	return nil
}

// firstElements finds where the first n elements end, and where the next one begins; -1 where there is none.
func firstElements(b []byte, n int) (end, next int) {
	s := scanner{b: b}
	i := s.space(0)
	for range n {
		if end, _ = s.value(i); end < 0 {
			return -1, -1
		}
		if i = s.expect(end, ',', ""); i < 0 {
			return -1, -1
		}
		if i = s.space(i); i == len(b) {
			return -1, -1
		}
	}
	return end, i
}

// wholeElements is the chunk of the whole elements in the buffer. Its Free gives the buffer back.
func (s *arraySplitter) wholeElements() pipeline.Chunk {
	b := s.buf
	return pipeline.Chunk{
		Data: b[s.first:s.end],
		Free: sync.OnceFunc(func() { freeBuffer(b) }),
	}
}

// finish yields the last elements of a document that has ended. A document without elements is one empty chunk.
func (s *arraySplitter) finish(yield func(pipeline.Chunk, error) bool) error {
	var last pipeline.Chunk
	switch {
	case s.state == wantArray:
		return s.format.notTheDocument(nil)
	case s.state != wantNothing:
		return s.endsEarly()
	case s.end > 0:
		return yieldRows(s.wholeElements(), maxRangeRows, yield)
	case s.yielded:
		return nil
	}
	if !yield(last, nil) {
		return errStopped
	}
	return nil
}

// endsEarly is the error of a document that ends before its array does.
func (s *arraySplitter) endsEarly() error {
	n, what := s.held(), ": the answer ends too early, within this row"
	if s.state == inElement {
		n++
	} else {
		what = " is the last one, and behind it the answer ends too early"
	}
	err := s.format.malformedRow(n, what)
	if n == 0 {
		err = s.format.malformed("the answer ends too early, before its first row")
	}
	err.Cause, err.Hint = pipeline.CutShort, cutHint
	return err
}

// cutHint is the remedy for an answer that was cut off.
const cutHint = "the answer may have broken off, at the vendor or on the way; the next sync asks again"

// held is how many whole elements there are that no chunk has yet.
func (s *arraySplitter) held() (n int64) {
	if s.inner { // all of them
		return int64(s.elements)
	}
	if s.first < 0 || s.end <= s.first {
		return 0
	}
	walk := scanner{b: s.buf[s.first:s.end]}
	for i := 0; i >= 0 && i < len(walk.b); n++ {
		end, _ := walk.value(i)
		if end < 0 {
			return n
		}
		if i = walk.space(end); i < len(walk.b) {
			i = walk.space(i + 1) // the comma
		}
	}
	return n
}

// scan looks at the bytes that are new in the buffer.
func (s *arraySplitter) scan() error {
	for s.pos < len(s.buf) && (s.state != wantNothing || !s.inner) {
		if s.state == inElement {
			if s.flat.scan(s.buf) {
				return nil // until endFlatScan
			}
			s.walking = true
			s.scanElement()
			continue
		}
		c := s.buf[s.pos]
		if isSpace(c) {
			s.pos++
			continue
		}
		if err := s.between(c); err != nil {
			return err
		}
	}
	return nil
}

// endFlatScan moves on from the row where the flat scan began, past the rows that are known to be whole.
func (s *arraySplitter) endFlatScan() error {
	if !s.flat.on {
		return nil
	}
	s.flat.on, s.walking = false, true
	if end := s.flat.lastRowEnd(s.buf, s.element); end >= 0 {
		s.closeElement(end)
	}
	return s.scan()
}

// between handles the byte c between elements.
func (s *arraySplitter) between(c byte) error {
	if c == 0 && s.state != wantArray {
		return s.format.notTheDocument(s.buf[s.pos:])
	}
	switch s.state {
	case wantArray:
		if c == byteOrderMark[0] && s.pos == 0 {
			return s.skipMark()
		}
		if c != '[' {
			return s.explain()
		}
		s.state = wantFirst
	case wantFirst, wantElement:
		if c == ']' && s.state == wantFirst {
			s.state = wantNothing
			break
		}
		if c == ',' || c == ']' {
			return s.besideComma()
		}
		s.state, s.depth, s.quoted, s.element = inElement, 0, false, s.pos
		s.flat = flatScan{on: !s.walking, pos: s.pos}
		if s.first < 0 {
			s.first = s.pos
		}
		return nil
	case wantComma:
		switch c {
		case ',':
			s.state = wantElement
		case ']':
			s.state = wantNothing
		default:
			return s.format.malformedRow(s.held(), ": a comma is missing behind it, or the end of the array")
		}
	case wantNothing:
		return s.format.follows("array", s.buf[s.pos:])
	case inElement:
	}
	s.pos++
	return nil
}

// besideComma is the error of an array with a comma and no row beside it.
func (s *arraySplitter) besideComma() error {
	if n := s.held(); n > 0 {
		return s.format.malformedRow(n, ": a row is missing beside the comma behind it")
	}
	return s.format.malformed("a row is missing beside a comma")
}

// skipMark steps over a byte order mark at the beginning.
func (s *arraySplitter) skipMark() error {
	if err := s.fill(len(byteOrderMark)); err != nil {
		return err
	}
	if !bytes.HasPrefix(s.buf, byteOrderMark) {
		return s.format.notTheDocument(s.buf)
	}
	s.pos = len(byteOrderMark)
	return nil
}

// explain says what the document is instead of an array.
func (s *arraySplitter) explain() error {
	const enough = 4 << 10
	begin := s.pos
	if err := s.fill(begin + enough); err != nil {
		return err
	}
	return s.format.notTheDocument(s.buf[begin:])
}

// fill reads until the buffer holds n bytes or the document ends.
func (s *arraySplitter) fill(n int) error {
	if cap(s.buf) < n {
		s.buf = append(newBuffer(n), s.buf...)
	}
	for len(s.buf) < n {
		m, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+m]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scanElement goes on in an element to the end of the element or of the buffer.
func (s *arraySplitter) scanElement() {
	b, i := s.buf, s.pos
	for i < len(b) {
		switch {
		case s.quoted:
			if i = closingQuote(b, s.quoteAt, i); i < 0 {
				s.pos = len(b)
				return
			}
			i++
			if s.quoted = false; s.depth == 0 {
				s.closeWalked(i)
				return
			}
			continue
		case s.depth > 0:
			if i = structural(b, i); i == len(b) {
				s.pos = i
				return
			}
		case i > s.element: // a scalar ends before what follows it
			if c := b[i]; isSpace(c) || c == ',' || c == ']' {
				s.closeWalked(i)
				return
			}
			i++
			continue
		}
		switch b[i] {
		case '"':
			s.quoted, s.quoteAt = true, i
		case '{', '[':
			s.depth++
		case '}', ']':
			if s.depth--; s.depth <= 0 {
				s.closeWalked(i + 1)
				return
			}
		}
		i++
	}
	s.pos = i
}

// closeWalked notes that the element that was walked through ends at i.
func (s *arraySplitter) closeWalked(i int) {
	s.tooLongOne = s.tooLongOne || i-s.element > maxRow
	s.elements++
	s.closeElement(i)
}

// closeElement notes that an element ends at i.
func (s *arraySplitter) closeElement(i int) {
	s.pos, s.end, s.state = i, i, wantComma
}
