package transforms

import (
	"bytes"
	"io"
	"iter"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

// firstRead is the size in bytes of the first buffer of a document.
const firstRead = 256 << 10

// Split implements [pipeline.Format].
//
// A chunk ends where a line ends outside quotes. Every chunk begins at the start of a record, so a line end lies
// outside quotes if the number of quotes between the two is even. Quotes are counted many bytes at a time.
func (f *csvFormat) Split(r io.Reader, rangeBytes int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		s := &splitter{format: f, r: r, body: r, target: max(rangeBytes, 1), room: max(rangeBytes, 1)}
		head, err := s.header()
		if err != nil {
			s.release()
			yield(pipeline.Chunk{}, err)
			return
		}
		for first := true; ; first = false {
			data, err := s.next()
			if err != nil {
				s.release()
				yield(pipeline.Chunk{}, err)
				return
			}
			if len(data) == 0 && !first {
				s.release()
				return
			}
			chunk := chunkOf(head, data)
			chunk.Proven = s.proven()
			if !yield(chunk, nil) || len(data) == 0 {
				s.release()
				return
			}
		}
	}
}

// chunkOf makes a chunk of a header and of data. Free gives the memory of the data to later ranges.
func chunkOf(head, data []byte) pipeline.Chunk {
	if cap(data) == 0 {
		return pipeline.Chunk{Head: head}
	}
	return pipeline.Chunk{Head: head, Data: data, Free: sync.OnceFunc(func() {
		freeBuffer(data)
	})}
}

// splitter cuts a stream at record ends.
type splitter struct {
	format *csvFormat
	r      io.Reader
	body   io.Reader // what r was at first
	target int
	room   int    // what a range may take without a word
	buf    []byte // bytes that were read and are not yet part of a chunk
	offset int64  // of buf in the document
	eof    bool   // buf ends where the document ends
	large  bool   // the document has more than one range
	width  int    // number of columns
	rows   int64  // cut so far by the lenient reading
}

// proven reports whether the document ends behind the last chunk and is known to be whole.
func (s *splitter) proven() bool { return s.eof && len(s.buf) == 0 && pipeline.IsProven(s.body) }

// fill reads until n bytes lie in buf, or the stream ends. The error is the reader's.
func (s *splitter) fill(n int) error {
	if n > s.room && !s.eof {
		if err := pipeline.Reserve(s.body); err != nil {
			return err
		}
	}
	for idle := 0; len(s.buf) < n && !s.eof; {
		if len(s.buf) == cap(s.buf) {
			small := s.buf
			s.buf = append(newBuffer(s.capacity(n)), small...)
			if cap(small) == s.room {
				freeBuffer(small)
			}
		}
		from := len(s.buf)
		got, err := s.r.Read(s.buf[from:min(cap(s.buf), n)])
		s.buf = s.buf[:from+got]
		switch {
		case err == io.EOF: // itself: an error that wraps it tells of a cut connection
			s.eof = true
		case err != nil:
			return err
		case got > 0:
			idle = 0
		default:
			if idle++; idle > 100 {
				return &pipeline.Error{Op: "read CSV", Kind: pipeline.Unavailable, Err: io.ErrNoProgress}
			}
		}
	}
	return nil
}

// capacity is that of the next buffer when n bytes are to be read: at first as little as a short document takes, and of a
// long range so much that it is not copied with each step.
func (s *splitter) capacity(n int) int {
	twice := 2 * cap(s.buf)
	switch {
	case n > s.room:
		return max(n, min(twice, maxRow+1))
	case !s.large:
		return min(n, max(firstRead, twice))
	}
	return n
}

// longer is the number of bytes to read when buf holds no whole record. What is read behind the record's end stands in
// memory beside it.
func (s *splitter) longer() int {
	n := len(s.buf)
	return max(n+1, min(2*n, n+max(s.room, leastStep), maxRow+1))
}

// release gives the splitter's own memory back.
func (s *splitter) release() {
	freeBuffer(s.buf)
	s.buf = nil
}

// discard forgets the first n bytes of buf.
func (s *splitter) discard(n int) {
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	s.offset += int64(n)
}

// header reads and checks the header record and returns a copy of it.
func (s *splitter) header() ([]byte, error) {
	for want := s.target; ; want = s.longer() {
		if err := s.fill(want); err != nil {
			return nil, err
		}
		skip, known, err := checkOpening(s.buf, s.eof, s.format.mapping.policy.Say)
		if err != nil {
			return nil, err
		}
		if known {
			s.discard(skip)
			break
		}
		if len(s.buf) > maxRow {
			return nil, tooLong(s.offset, false, s.format.lenient)
		}
	}
	end, err := s.headerEnd()
	if err != nil {
		return nil, err
	}
	if end > maxHeader {
		return nil, headerTooLong()
	}
	head := bytes.Clone(s.buf[:end])
	if i := bytes.IndexByte(head, 0); i >= 0 {
		return nil, nulInHeader(head, s.offset+int64(i))
	}
	s.discard(end)
	h, err := s.format.header(head)
	if err != nil {
		return nil, err
	}
	if err := h.check(s.format.mapping, s.eof && len(s.buf) == 0 && !s.proven()); err != nil {
		return nil, err
	}
	s.width = len(h.columns)
	if h.growth > maxGrowth {
		s.shorten(max(s.target*maxGrowth/h.growth, 1))
	}
	return head, nil
}

// shorten makes the ranges shorter. What was read beyond the first of them is read again later.
func (s *splitter) shorten(target int) {
	s.target = target
	if len(s.buf) > target {
		s.r, s.eof = io.MultiReader(bytes.NewReader(bytes.Clone(s.buf[target:])), s.r), false
		s.buf = s.buf[:target]
	}
}

// headerEnd finds the end of the header record: the first line end outside quotes. For the lenient reading it is the
// first line end.
func (s *splitter) headerEnd() (int, error) {
	for from, quotes := 0, 0; ; {
		i := bytes.IndexByte(s.buf[from:], '\n')
		if i >= 0 {
			quotes += bytes.Count(s.buf[from:from+i], quote)
			from += i + 1
			if quotes%2 == 0 || s.format.lenient {
				return from, nil
			}
			continue
		}
		if s.eof {
			return len(s.buf), nil
		}
		if len(s.buf) > maxHeader {
			if quotes > 0 && !s.format.lenient {
				return 0, pipeline.ErrIrregular // for the lenient reading the header ends with its first line
			}
			return 0, headerTooLong()
		}
		if err := s.fill(s.longer()); err != nil {
			return 0, err
		}
	}
}

// next returns the next range of whole records, empty at the end of the document. The range owns its memory.
func (s *splitter) next() ([]byte, error) {
	cutter := new(parityCut).cut
	if s.format.lenient {
		cutter = (&lenientCut{width: s.width, rows: &s.rows}).cut
	}
	for want := s.target; ; want = s.longer() {
		if err := s.fill(want); err != nil {
			return nil, err
		}
		if len(s.buf) == 0 {
			return nil, nil
		}
		b, whole := firstRows(s.buf)
		end, err := cutter(b, s.eof && whole)
		if err == nil && end == 0 && !whole { // a record that holds many lines
			end, err = cutter(s.buf, s.eof)
		}
		if err != nil {
			return nil, err
		}
		if end > 0 {
			return s.takeFirst(end), nil
		}
		if len(s.buf) > maxRow {
			return nil, tooLong(s.offset, bytes.Contains(s.buf, quote), s.format.lenient)
		}
	}
}

// firstRows is b, or its beginning where b has more lines than a range may have rows.
func firstRows(b []byte) (first []byte, whole bool) {
	if len(b) <= maxRangeRows || bytes.Count(b, lineFeed) <= maxRangeRows {
		return b, true
	}
	end := 0
	for range maxRangeRows {
		end += bytes.IndexByte(b[end:], '\n') + 1
	}
	return b[:end], false
}

var lineFeed = []byte{'\n'}

// takeFirst returns the first n bytes of buf with their memory. buf keeps a copy of the rest. The next range gets
// memory only when it is read.
func (s *splitter) takeFirst(n int) []byte {
	data, rest := s.buf[:n], s.buf[n:]
	s.buf = append(make([]byte, 0, len(rest)), rest...)
	s.offset += int64(n)
	s.large = true
	return data
}

// parityCut finds the end of the last whole record by counting quotes.
type parityCut struct {
	// The bytes before looked hold no end of a record, and so many quotes: a long record is looked at once.
	looked, quotes int
}

// cut returns the end of the last whole record of b, where b begins with a record; 0 when b holds no whole record. At
// the end of the document all of b is whole.
func (p *parityCut) cut(b []byte, eof bool) (int, error) {
	if len(b) < p.looked { // the first rows of what was looked at
		return 0, nil
	}
	all := p.quotes + bytes.Count(b[p.looked:], quote)
	if eof {
		if all%2 != 0 {
			return 0, pipeline.ErrIrregular // or cut short: the lenient reading tells
		}
		return len(b), nil
	}
	for end, quotes := len(b), all; ; {
		i := bytes.LastIndexByte(b[p.looked:end], '\n')
		if i < 0 {
			p.looked, p.quotes = len(b), all
			return 0, nil
		}
		i += p.looked
		quotes -= bytes.Count(b[i:end], quote)
		if quotes%2 == 0 {
			return i + 1, nil
		}
		end = i
	}
}
