package transforms

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// NewCSV returns the format of a CSV document (RFC 4180) whose first record names its columns. Columns are found by
// name. Those that the mapping does not list go to extras: a second column of the same name as name_2, a column
// without a name as column_N, counted from 1. Lines end in LF or CRLF. Blank lines are no rows. NUL bytes and bytes that
// are not UTF-8 become U+FFFD; in a key they reject the row. p says what becomes of personal data.
//
// A row with more or fewer cells than the header is rejected. A document is Malformed when it is blank, is HTML or
// JSON, has NUL bytes in its header, or lacks a key column. [pipeline.Batch] tells of the rows that condemn it: a last
// one with more or fewer cells, the header again, one that is mostly NUL bytes. A last record without a line end counts as whole
// only if the document is proven or its last cell shows so.
//
// Quoting that is not RFC 4180 ends Split or Decode with [pipeline.ErrIrregular]. The Lenient format reads such a
// document.
func NewCSV(m Mapping, p pipeline.Policy) pipeline.Format {
	return &csvFormat{mapping: compileMapping(m, p)}
}

type csvFormat struct {
	mapping *compiledMapping
	lenient bool
}

// Snapshot implements [pipeline.SnapshotFormat].
func (f *csvFormat) Snapshot(name []byte) bool { return f.mapping.isSnapshot(name) }

// Suffix implements [pipeline.SuffixFormat].
func (f *csvFormat) Suffix() string { return "csv" }

// Lenient implements [pipeline.Format].
func (f *csvFormat) Lenient() pipeline.Format { return &csvFormat{mapping: f.mapping, lenient: true} }

// Decode implements [pipeline.Format].
func (f *csvFormat) Decode(m *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	d, err := f.decoder(m, c, into)
	if err != nil {
		return err
	}
	for at := 0; at < len(d.data); {
		if n := lineEnd(d.data[at:]); n > 0 {
			at += n
			continue
		}
		at, err = d.record(at)
		if err != nil {
			return err
		}
	}
	d.tellTail()
	return nil
}

// decoder makes the decoder of a range.
func (f *csvFormat) decoder(m *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) (*csvDecoder, error) {
	head, err := f.header(c.Head)
	if err != nil {
		return nil, err
	}
	d := &csvDecoder{
		head:  head,
		meta:  m,
		data:  c.Data,
		row:   head.mapping.newRow(m, into, isText(c.Data)),
		cells: make([]cell, 0, len(head.columns)+1),
		most:  len(head.columns),

		proven: c.Proven,
	}
	into.SetHeader(head.fields, head.others)
	d.next = d.strictRecord
	if f.lenient {
		d.next = d.lenientRecord
	}
	return d, nil
}

// csvDecoder is the state of one Decode.
type csvDecoder struct {
	head  *csvHeader
	meta  *pipeline.Meta
	data  []byte
	row   *Row
	cells []cell // of the current record
	// A record of more cells than most is not read: those that find no room in cells are only counted.
	most, beyond int
	// next splits the record at a position into cells.
	next func(at int) (record, error)

	told   int    // the number of cells that reason tells
	reason string // the last one of a miscounted row

	tail csvTail

	proven bool            // the data ends where the document does, and that is known to be whole
	names  map[string]bool // of the columns; nil until a record looks like the header
}

// record says where one record lies in the data. Positions are bytes from its beginning.
type record struct {
	end    int    // behind the record and its line end
	raw    []byte // the record without its line end
	whole  bool   // it has a line end
	reason string // why the record cannot be read; empty when it can
}

// record appends the row that begins at a position to the batch and returns the position of the next row.
func (d *csvDecoder) record(at int) (int, error) {
	rec, err := d.next(at)
	if err != nil {
		return 0, err
	}
	d.row.begin()
	if reason := d.misshapen(&rec); reason != "" {
		d.row.rejectRaw(rec.raw, reason)
		d.tail.add(d.row.number, rec.raw, reason)
		d.checkHeader(rec.raw)
		return rec.end, nil
	}
	d.tail.reason = ""
	if !d.row.isText && isBinary(rec.raw) {
		d.row.condemn(rec.raw, spoiltRecord(rec.raw))
		return rec.end, nil
	}
	for _, i := range d.head.listed {
		d.row.put(d.head.columns[i].field, value{text: d.present(&d.cells[i])})
	}
	ok, err := d.row.accept(rec.raw)
	if !ok {
		d.checkHeader(rec.raw)
		return rec.end, err
	}
	if d.endsAsHeader() {
		d.checkHeader(rec.raw)
	}
	if d.head.unit >= 0 {
		d.row.tellUnit(d.present(&d.cells[d.head.unit]))
	}
	d.row.write()
	for _, i := range d.head.unlisted {
		if text := d.present(&d.cells[i]); text != nil {
			d.row.writeUnlisted(&d.head.columns[i].name, value{text: text})
		}
	}
	d.row.close()
	return rec.end, d.row.failure
}

// endHint is the remedy for a document whose end is not shaped like a row.
const endHint = "the download may have broken off, or the vendor wrote a message behind the rows; the next sync reads it again"

// csvTail is what ends a range without the shape of rows: its last record, and the page that it may be of.
type csvTail struct {
	reason  string // why the last record is no row; empty where it is one
	row     int64
	raw     []byte
	pageRow int64 // where a page of HTML or XML begins behind the last row; 0: none does
	page    string
}

// add takes in the next record that has not the shape of a row.
func (t *csvTail) add(row int64, raw []byte, reason string) {
	if t.reason == "" {
		t.pageRow, t.page = 0, ""
	}
	t.row, t.raw, t.reason = row, raw, reason
	if markup := bytes.TrimLeft(raw, " \t\""); t.pageRow == 0 && bytes.HasPrefix(markup, []byte("<")) {
		t.pageRow = row
	}
	if t.pageRow > 0 && t.page == "" {
		t.page = pageText(raw)
	}
}

// tellTail tells the batch of an end that has not the shape of a row.
func (d *csvDecoder) tellTail() {
	t := &d.tail
	if t.reason == "" {
		d.row.into.Tail = pipeline.Damage{}
		return
	}
	say := d.row.mapping.policy.Say
	if t.pageRow > 0 {
		d.row.into.Tail = pipeline.Damage{
			Kind: pipeline.Malformed, Row: t.pageRow, Cause: pipeline.OtherDocument, Hint: pageHint,
			What: t.reason + behindColon(say(t.page)) + ": a page of HTML or XML begins with it",
		}
		return
	}
	said := say(messageIn(t.raw))
	damage := pipeline.Damage{Kind: pipeline.Malformed, Row: t.row, What: t.reason + behindColon(said), Hint: endHint, Cause: pipeline.CutShort}
	if said != "" {
		damage.Cause = pipeline.VendorError
	} else if shape := pipeline.Shape(t.raw); strings.TrimSpace(shape) == "" {
		damage.What += "; its text shows nothing"
	} else {
		damage.What += "; its text has the shape " + shape
	}
	d.row.into.Tail = damage
}

// pageHint is the remedy for a page behind rows.
const pageHint = "the vendor's server, or a proxy in between, wrote a page of an error behind the rows; the next sync reads it again"

// misshapen says why a record has not the shape of a row; empty when it has.
func (d *csvDecoder) misshapen(rec *record) string {
	got, want := d.count(), len(d.head.columns)
	switch {
	case rec.reason != "":
		return rec.reason
	case got != want:
		return d.miscounted(got, want)
	case !rec.whole && !d.proven && !d.lastCellWhole():
		return "is cut short"
	}
	return ""
}

// isBinary reports whether the bytes of a record are no text with a stray NUL byte in it. Half of the bytes of UTF-16 are
// NUL, and all those of a block that was never written.
func isBinary(raw []byte) bool {
	const stray = 8
	n := bytes.Count(raw, nul)
	return n > stray && 4*n > len(raw)
}

// count is the number of cells of the current record.
func (d *csvDecoder) count() int { return len(d.cells) + d.beyond }

// miscounted is the reason of a row with another number of cells than the header has. Such rows come in crowds, which
// share one text.
func (d *csvDecoder) miscounted(got, want int) string {
	if d.told != got || d.reason == "" {
		d.told, d.reason = got, fmt.Sprintf("has %d of %d cells", got, want)
		if got > want {
			d.reason = fmt.Sprintf("has %d cells, the header has %d", got, want)
		}
	}
	return d.reason
}

// present is the cell's text, nil for a blank one.
func (d *csvDecoder) present(c *cell) []byte {
	if c.lo == c.hi || d.data[c.lo] <= ' ' && isBlank(d.data[c.lo:c.hi]) {
		return nil
	}
	return d.text(c)
}

// text returns the cell's text, valid until the next record.
func (d *csvDecoder) text(c *cell) []byte {
	b := d.data[c.lo:c.hi]
	if !c.doubled {
		return b
	}
	s := d.row.scratch
	from := len(s)
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			break
		}
		s = append(s, b[:i+1]...)
		b = b[i+1:]
		if len(b) > 0 && b[0] == '"' {
			b = b[1:]
		}
	}
	s = append(s, b...)
	d.row.scratch = s
	return s[from:len(s):len(s)]
}

// lastCellWhole reports whether the last cell of a record without a line end is certainly whole: the cell is quoted
// and the quote is closed, or the cell holds one of the few values of its column: true, false, or the name of a time
// zone. The beginning of the zone that was asked for may be cut short: Etc/GMT+1 of Etc/GMT+12.
func (d *csvDecoder) lastCellWhole() bool {
	c := &d.cells[len(d.cells)-1]
	if c.quoted {
		return true
	}
	field := d.head.columns[len(d.cells)-1].field
	if field < 0 {
		return false
	}
	text := d.data[c.lo:c.hi]
	l := d.row.mapping
	if l.Fields[field].Conv == Zone {
		for _, asked := range []string{d.meta.ResponseZone, d.meta.Request.Zone} {
			if len(text) < len(asked) && asked[:len(text)] == string(text) {
				return false
			}
		}
		return d.row.zones.find(text, d.meta) != nil
	}
	if l.Fields[field].Conv == Bool {
		_, ok := parseBool(text)
		return ok
	}
	return false
}

// malformed is the error of a document that is not what it should be.
func malformed(cause pipeline.Cause, hint, format string, args ...any) error {
	err := errors.New(format)
	if len(args) > 0 {
		err = fmt.Errorf(format, args...)
	}
	return &pipeline.Error{Op: "read CSV", Kind: pipeline.Malformed, Cause: cause, Hint: hint, Err: err}
}
