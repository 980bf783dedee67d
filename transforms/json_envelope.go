package transforms

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
)

// splitEnvelope cuts the array inside a document that is an object. The head of each chunk is the object without the
// array. The rows are held until the document has ended: the member that makes it an answer, and those of which each row
// gets a copy, may stand behind them.
func (f *jsonFormat) splitEnvelope(r io.Reader, rangeBytes int, yield func(pipeline.Chunk, error) bool) error {
	e := envelope{format: f, rangeBytes: rangeBytes, names: make(map[string]bool), rows: heldRows{format: f, rangeBytes: rangeBytes}}
	if err := e.receive(r); err != nil {
		return err
	}
	if err := e.read(); err != nil {
		return err
	}
	return e.rows.yield(e.head, yield)
}

// envelope is a document that is an object with the rows in one of its members.
type envelope struct {
	format     *jsonFormat
	rangeBytes int
	scan       scanner // of the document, with an empty array for the rows
	rows       heldRows
	head       []byte // the other members, as an object
	found      bool   // the array
	names      map[string]bool
	isTrue     bool
	said       string  // by a member error
	incomplete string  // what it says that it is instead of whole
	total      float64 // of rows, as it says
}

// receive reads the document: the rows are held, the rest is for read.
func (e *envelope) receive(r io.Reader) error {
	around, at, err := e.beforeRows(r)
	if err != nil || at < 0 {
		e.scan.b = around
		return err
	}
	body := io.MultiReader(bytes.NewReader(bytes.Clone(around[at:])), r)
	s := arraySplitter{format: e.format, r: body, body: r, rangeBytes: e.rangeBytes, size: min(firstBuffer, max(e.rangeBytes, 1)), inner: true}
	var failure error
	err = s.split(func(c pipeline.Chunk, _ error) bool {
		if s.state == wantNothing { // the last ones, which few documents have others before
			failure = e.rows.keep(c)
		} else {
			failure = e.rows.hold(c)
		}
		return failure == nil
	})
	if failure != nil || err != nil {
		return cmp.Or(failure, err)
	}
	e.rows.elements, e.rows.size = s.elements, e.rows.size+int64(at)
	around = append(append(around[:at], "[]"...), s.rest...)
	for more := body; ; {
		if len(around) > maxAround {
			return e.tooMuchAround(around)
		}
		if len(around) == cap(around) {
			around = slices.Grow(around, len(around))
		}
		n, err := more.Read(around[len(around):cap(around)])
		around = around[:len(around)+n]
		if err == io.EOF {
			e.scan.b = around
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// beforeRows reads to the array of the rows, and some way into it. at is where it begins; -1 where the document ends
// before.
func (e *envelope) beforeRows(r io.Reader) (b []byte, at int, err error) {
	b = make([]byte, 0, firstBuffer)
	for look := 1; ; { // again when there is twice as much
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil && err != io.EOF {
			return nil, 0, err
		}
		if len(b) >= look || err == io.EOF {
			b = bytes.TrimPrefix(b, byteOrderMark)
			if at = e.findRows(b); at >= 0 {
				return b, at, nil
			}
			look = 2 * len(b)
		}
		switch {
		case err == io.EOF:
			return b, -1, nil
		case len(b) > maxAround:
			return nil, 0, e.tooMuchAround(b)
		case len(b) == cap(b):
			b = slices.Grow(b, len(b))
		}
	}
}

// findRows finds where the array of the rows begins; -1 where b does not hold it.
func (e *envelope) findRows(b []byte) int {
	s := scanner{b: b}
	i := s.space(0)
	if i >= len(b) || b[i] != '{' {
		return -1
	}
	for {
		i = s.space(i + 1)
		at, _ := s.name(i)
		if at < 0 {
			return -1
		}
		after, _ := s.string(i)
		if at < len(b) && b[at] == '[' && string(unescape(nil, b[i+1:after-1])) == e.format.options.Rows {
			return at
		}
		if i, _ = s.value(at); i < 0 {
			return -1
		}
		if i = s.space(i); i >= len(b) || b[i] != ',' {
			return -1
		}
	}
}

// tooMuchAround says what is wrong with a document of which more stands around its rows than may.
func (e *envelope) tooMuchAround(b []byte) error {
	e.scan.b = b
	if i := e.scan.space(0); i < len(b) && b[i] != '{' {
		return e.format.notTheDocument(b[i:])
	} else if i < len(b) {
		if _, err := e.members(i); err != nil {
			return err
		}
	}
	return e.format.malformed("the members around its rows are longer than %d KiB", maxAround>>10)
}

func (e *envelope) read() error {
	s := &e.scan
	i := s.space(0)
	if i >= len(s.b) || s.b[i] != '{' || notTextBy(s.b[i:]).cause != pipeline.NoCause {
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
		err := e.format.malformed("%s%s", s.problem, e.behindRows())
		if !bytes.HasSuffix(bytes.TrimRight(s.b, jsonSpace), []byte("}")) {
			err.Cause, err.Hint = pipeline.CutShort, cutHint
		}
		return err
	case s.space(i) < len(s.b):
		return e.format.follows("object", s.b[s.space(i):])
	case e.said != "":
		return e.vendors(pipeline.VendorError, "the answer holds an error of the vendor: %s", e.format.mapping.policy.Say(e.said))
	case e.incomplete != "":
		return e.vendors(pipeline.Incomplete, "the answer says that it is %s%s", e.incomplete, behindColon(e.format.mapping.policy.Say(ErrorText(s.b))))
	case o.True != "" && !e.isTrue:
		if said := ErrorText(s.b); said != "" {
			return e.vendors(pipeline.VendorError, "the answer does not say that %q is true: %s", o.True, e.format.mapping.policy.Say(said))
		}
		err := e.format.malformed("the answer does not say that %q is true", o.True)
		if err.Hint = sentErrorHint; !e.found { // it may be anybody's
			err.Hint = o.Hint
		}
		return err
	case !e.found:
		return e.format.notTheDocument(s.b[s.space(0):])
	case e.total > float64(e.rows.elements):
		return e.vendors(pipeline.Incomplete, "the answer's total is %g, but it has %s", e.total, pipeline.Counted(e.rows.elements, "row"))
	}
	return e.checkGrowth()
}

// behindRows says behind which row a problem is, where it is behind the rows.
func (e *envelope) behindRows() string {
	if !e.found {
		return ""
	}
	return fmt.Sprintf(", behind the rows, of which row %d is the last", e.rows.elements)
}

// vendors is the error of an answer that says of itself that it is not whole.
func (e *envelope) vendors(cause pipeline.Cause, format string, args ...any) error {
	err := e.format.malformed(format, args...)
	err.Cause, err.Hint = cause, sentErrorHint
	if cause == pipeline.Incomplete {
		err.Hint = incompleteHint
	}
	return err
}

func behindColon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// incompleteHint is the remedy for an answer that says that rows are missing.
const incompleteHint = "the next sync asks again; where it stays so, the vendor cuts long answers: ask for shorter windows, or tell the vendor"

const onePage = "one page of several"

// note takes in what a member around the rows says about them.
func (e *envelope) note(name string, value []byte) {
	switch name = strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name)); name {
	case errorMember, "errors":
		if e.said == "" {
			e.said = errorText(value)
		}
	case "truncated", "istruncated":
		if is, _ := parseBool(bytes.Trim(value, `"`)); is {
			e.incomplete = "truncated"
		}
	case "hasmore", "hasnext", "hasnextpage":
		if is, _ := parseBool(bytes.Trim(value, `"`)); is {
			e.incomplete = cmp.Or(e.incomplete, onePage)
		}
	case "total", "totalcount", "totalrows", "totalrecords", "totalelements", "totalitems":
		if total, ok := parseNumber(bytes.Trim(value, `"`)); ok {
			e.total = max(e.total, total)
		}
	case "next", "nextpage", "nextlink", "nextpagetoken", "nexttoken", "nextcursor":
		if wordsOf(value, deepestSaid) != "" {
			e.incomplete = cmp.Or(e.incomplete, onePage)
		}
	case "pagination", "paging", "page", "pageinfo", "meta", "metadata", "links":
		e.noteInside(value)
	}
}

// noteInside takes in what an object around the rows says about them, such as a page's.
func (e *envelope) noteInside(object []byte) {
	if len(object) == 0 || object[0] != '{' {
		return
	}
	s := scanner{b: object}
	for i, n := s.space(1), 0; i < len(object) && object[i] == '"' && n < maxColumns; n++ {
		at, _ := s.name(i)
		end, _ := s.value(at)
		after, _ := s.string(i)
		if name := string(unescape(nil, object[i+1:after-1])); !isContainer(object[at:end]) {
			e.note(name, object[at:end])
		}
		if i = s.space(end); i < len(object) && object[i] == ',' {
			i = s.space(i + 1)
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
		e.found = true
		end, _ = s.value(at)
		return end, nil
	}
	if end, _ = s.value(at); end < 0 {
		return -1, nil
	}
	switch value := s.b[at:end]; name {
	case o.Rows:
		return -1, e.format.malformed("%s is no array, but begins with the shape %s", name, pipeline.Shape(value))
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

// checkGrowth condemns a document whose members around the rows would be copied too often: work and memory are to
// stay in proportion to the document.
func (e *envelope) checkGrowth() error {
	size := len(e.head)
	if size > maxName && int64(e.rows.elements)*int64(size) > maxCopies*(e.rows.size+int64(len(e.scan.b))) {
		return e.format.malformed("the members around its rows have %d bytes, too many for each of %d rows to get them", size, e.rows.elements)
	}
	return nil
}

// heldRows are the rows of a document that are held until it has ended. A short document's stay as they are. Those of a
// longer one are compressed range by range, so that what is held is a fraction of the document, and never more than
// maxHeld.
type heldRows struct {
	format     *jsonFormat
	rangeBytes int
	ranges     []heldRange
	elements   int
	size       int64 // bytes of the rows
	held       int   // bytes of them when they are compressed
}

// heldRange is a range of rows, as a chunk or compressed.
type heldRange struct {
	chunk  pipeline.Chunk
	frames [][]byte
	size   int // bytes without compression
}

const (
	// maxHeld bounds the bytes of rows that are held compressed.
	maxHeld = 64 << 20
	// heldFrame is how many bytes of a range are compressed at once.
	heldFrame = 1 << 20
)

// heldFrames packs and opens frames, for all documents.
var heldFrames = sync.OnceValue(func() (z struct {
	*zstd.Encoder
	*zstd.Decoder
}) {
	var err error
	if z.Encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(heldFrame), zstd.WithLowerEncoderMem(true)); err != nil {
		panic(err) // the options are constants
	}
	if z.Decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true)); err != nil {
		panic(err)
	}
	return z
})

// keep holds a chunk as it is.
func (h *heldRows) keep(c pipeline.Chunk) error {
	h.size += int64(len(c.Data))
	h.ranges = append(h.ranges, heldRange{chunk: c})
	return nil
}

// hold compresses a chunk and frees it.
func (h *heldRows) hold(c pipeline.Chunk) error {
	if c.Free != nil {
		defer c.Free()
	}
	r := heldRange{size: len(c.Data)}
	var scratch []byte
	for part := range slices.Chunk(c.Data, heldFrame) {
		scratch = heldFrames().EncodeAll(part, slices.Grow(scratch[:0], heldFrame+heldFrame/64))
		r.frames = append(r.frames, slices.Clone(scratch))
		if h.held += len(scratch); h.held > maxHeld {
			err := h.format.malformed("the answer's rows take more than %d MiB even compressed, and they are held until it has ended", maxHeld>>20)
			err.Hint = "ask for shorter windows"
			return err
		}
	}
	h.size += int64(r.size)
	h.ranges = append(h.ranges, r)
	return nil
}

// yield yields the rows with the head of each, range by range. What was yielded is held no longer.
func (h *heldRows) yield(head []byte, yield func(pipeline.Chunk, error) bool) error {
	most := max(min(maxRangeRows, maxCopies*h.rangeBytes/len(head)), 1)
	for i := range h.ranges {
		chunk, err := h.ranges[i].open(h.rangeBytes)
		if err != nil {
			return err
		}
		h.ranges[i] = heldRange{}
		chunk.Head = head
		if err := yieldRows(chunk, most, yield); err != nil {
			return err
		}
	}
	return nil
}

// open is the range as a chunk.
func (r *heldRange) open(rangeBytes int) (pipeline.Chunk, error) {
	if r.frames == nil {
		return r.chunk, nil
	}
	b := newBuffer(max(r.size, rangeBytes))
	for i, frame := range r.frames {
		var err error
		if b, err = heldFrames().DecodeAll(frame, b); err != nil {
			return pipeline.Chunk{}, fmt.Errorf("read JSON: what was held: %w", err)
		}
		r.frames[i] = nil
	}
	return pipeline.Chunk{Data: b, Free: sync.OnceFunc(func() { freeBuffer(b) })}, nil
}
