package transforms

import (
	"bytes"
	"io"

	"github.com/windrow-data/windrow/pipeline"
)

// cell says where one cell's text lies in the data, without its quotes.
type cell struct {
	lo, hi  int
	quoted  bool
	doubled bool // it holds quotes written twice
}

// quoting says whether a record is quoted as RFC 4180 says.
type quoting uint8

const (
	regularQuoting   quoting = iota
	irregularQuoting         // a quote where RFC 4180 allows none, or text behind a closing one
	openQuoting              // a quoted cell reaches the end of the data
)

// strictRecord splits the record at a position into cells. A record that is not quoted as RFC 4180 says is
// ErrIrregular.
func (d *csvDecoder) strictRecord(at int) (record, error) {
	rec, s := d.splitRecord(at)
	if s != regularQuoting {
		return rec, pipeline.ErrIrregular
	}
	return rec, nil
}

// splitRecord splits the record at a position into cells: each cell is quoted from end to end or holds no quote at all.
func (d *csvDecoder) splitRecord(at int) (record, quoting) {
	data, cells := d.data, d.cells[:0]
	d.beyond = 0
	for i := at; ; {
		c := cell{lo: i}
		if i < len(data) && data[i] == '"' {
			c = quotedCell(data, i)
			if c.hi < 0 {
				return record{}, openQuoting
			}
			i = c.hi + 1
		} else {
			i = nextStop(data, i)
			c.hi = i
			if i < len(data) && data[i] == '\n' && i > c.lo && data[i-1] == '\r' {
				c.hi--
			}
		}
		if len(cells) < cap(cells) || len(cells) <= d.most {
			cells = append(cells, c)
		} else {
			d.beyond++
		}
		if i < len(data) && data[i] == ',' {
			i++
			continue
		}
		d.cells = cells
		return d.ending(at, i)
	}
}

// quotedCell reads the cell whose opening quote stands at i; hi is -1 when no quote closes the cell.
func quotedCell(data []byte, i int) cell {
	c := cell{lo: i + 1, quoted: true}
	for i++; ; i += 2 {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			c.hi = -1
			return c
		}
		i += n
		if i+1 == len(data) || data[i+1] != '"' {
			c.hi = i
			return c
		}
		c.doubled = true
	}
}

// ending makes the record that begins at a position and whose last cell ends at i. A line end must follow, or the end
// of the data.
func (d *csvDecoder) ending(at, i int) (record, quoting) {
	rest := d.data[i:]
	if n := lineEnd(rest); n > 0 {
		end := i
		if end > at && n == 1 && d.data[end-1] == '\r' {
			end--
		}
		return record{end: i + n, raw: d.data[at:end], whole: true}, regularQuoting
	}
	if len(rest) == 0 || d.crAtEnd(i) {
		return d.unended(at), regularQuoting
	}
	return record{}, irregularQuoting
}

// crAtEnd reports whether nothing but a carriage return follows i.
func (d *csvDecoder) crAtEnd(i int) bool { return i+1 == len(d.data) && d.data[i] == '\r' }

// unended makes the record that reaches from a position to the end of the data without LF. In a document whose lines
// end in CRLF, a CR at the end shows that the record is whole.
func (d *csvDecoder) unended(at int) record {
	rec := record{end: len(d.data), raw: d.data[at:]}
	if n := len(rec.raw); d.head.crlf && n > 0 && rec.raw[n-1] == '\r' {
		rec.raw, rec.whole = rec.raw[:n-1], true
		if c := &d.cells[len(d.cells)-1]; c.hi == len(d.data) {
			c.hi--
		}
	}
	return rec
}

// lineEnd is the length of the line end that b begins with, else 0.
func lineEnd(b []byte) int {
	switch {
	case len(b) > 0 && b[0] == '\n':
		return 1
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	}
	return 0
}

// Record is a record of a CSV document as [EachRecord] reads it.
type Record struct {
	Number int64    // counted from 1 behind the header
	Cells  []string // as many as the header has, where there is no Reason; none where the record cannot be split
	Reason string   // why the record is no row; empty where it is one
	Raw    string   // the record as it was written, where there is a Reason
}

// recordRange is how many bytes EachRecord decodes at once.
const recordRange = 256 << 10

// EachRecord reads a CSV document for those who want its cells as they are, blank ones too, and no table. It calls head
// with the names of the columns, each of them once, then row for every record; the cells are row's own until it returns.
// Unlike a vendor's answer a document that comes so has ended where its reader says io.EOF, so that its last record needs
// no line end. What [NewCSV] says of broken documents ends the reading with an error, also where the last row is not
// shaped like one and where the header comes again; lenient is the reading of [pipeline.Format], for a document that the
// strict one ended with [pipeline.ErrIrregular]. An error of a callback comes back as it is.
func EachRecord(r io.Reader, lenient bool, head func(names []string) error, row func(Record) error) error {
	f := &csvFormat{mapping: compileMapping(Mapping{Table: pipeline.Events}, pipeline.Policy{}), lenient: lenient}
	var d *csvDecoder
	var tail pipeline.Damage
	n := int64(0)
	for chunk, err := range f.Split(wholeReader{r}, recordRange) {
		if err != nil {
			return err
		}
		if d == nil {
			if d, err = f.recordDecoder(chunk.Head, head); err != nil {
				return err
			}
		}
		d.data = chunk.Data
		tail, err = d.records(&n, tail, row)
		if chunk.Free != nil {
			chunk.Free()
		}
		if err != nil {
			return err
		}
	}
	if tail.What != "" {
		return damagedRecord(tail)
	}
	return nil
}

// wholeReader reads a document that ends where its reader ends.
type wholeReader struct{ io.Reader }

func (wholeReader) Proven() bool { return true }

// recordDecoder makes a decoder for cells alone.
func (f *csvFormat) recordDecoder(header []byte, head func([]string) error) (*csvDecoder, error) {
	h, err := f.header(header)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(h.columns))
	for i, c := range h.columns {
		names[i] = c.source
	}
	d := &csvDecoder{head: h, row: &Row{}, most: maxColumns, proven: true}
	if d.next = d.strictRecord; f.lenient {
		d.next = d.lenientRecord
	}
	return d, head(names)
}

// records hands over the records of a range. tail is the damage of a document that ends with the last one.
func (d *csvDecoder) records(n *int64, tail pipeline.Damage, row func(Record) error) (pipeline.Damage, error) {
	texts := make([]string, 0, len(d.head.columns))
	for at := 0; at < len(d.data); {
		if blank := lineEnd(d.data[at:]); blank > 0 {
			at += blank
			continue
		}
		rec, err := d.next(at)
		if err != nil {
			return tail, err
		}
		at = rec.end
		*n++
		reason := d.misshapen(&rec)
		switch tail = (pipeline.Damage{}); {
		case d.isHeader(rec.raw):
			return tail, damagedRecord(pipeline.Damage{Row: *n, What: "is the header again", Cause: pipeline.HeaderAgain})
		case isBinary(rec.raw):
			spoilt := spoiltRecord(rec.raw)
			spoilt.Row = *n
			return tail, damagedRecord(spoilt)
		case reason != "":
			tail = pipeline.Damage{Row: *n, What: reason, Cause: pipeline.CutShort}
		}
		d.row.scratch, texts = d.row.scratch[:0], texts[:0]
		if rec.reason == "" {
			for i := range d.cells {
				texts = append(texts, string(d.text(&d.cells[i])))
			}
		}
		out := Record{Number: *n, Cells: texts, Reason: reason}
		if reason != "" {
			out.Raw = string(rec.raw)
		}
		if err := row(out); err != nil {
			return tail, err
		}
	}
	return tail, nil
}

// damagedRecord is the error of a document that a record condemns.
func damagedRecord(d pipeline.Damage) error {
	return malformed(d.Cause, "", "row %d %s", d.Row, d.What)
}
