package transforms

import (
	"bytes"

	"github.com/windrow-data/windrow/pipeline"
)

// cell is where one cell's text lies in the data, without its quotes.
type cell struct {
	lo, hi  int
	quoted  bool
	doubled bool // it holds quotes written twice
}

// quoting says how the quoting of a record was found.
type quoting uint8

const (
	regularQuoting   quoting = iota
	irregularQuoting         // a quote where RFC 4180 allows none, or text behind a closing one
	openQuoting              // a quoted cell reaches the end of the data
)

// strictRecord splits the record at a position into cells, as RFC 4180 says.
func (d *csvDecoder) strictRecord(at int) (record, error) {
	rec, s := d.splitRecord(at)
	if s != regularQuoting {
		return rec, pipeline.ErrIrregular
	}
	return rec, nil
}

// splitRecord splits the record at a position into cells: each is quoted from end
// to end or holds no quote at all.
func (d *csvDecoder) splitRecord(at int) (record, quoting) {
	data, cells := d.data, d.cells[:0]
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
		cells = append(cells, c)
		if i < len(data) && data[i] == ',' {
			i++
			continue
		}
		d.cells = cells
		return d.ending(at, i)
	}
}

// quotedCell reads the cell whose opening quote stands at i; hi is -1 when it
// is never closed.
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

// ending makes the record that began at a position and whose last cell ended
// at i: a line end must follow, or the end of the data.
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

// unended makes the record that reaches from a position to the end of the data
// without LF. In a document with CRLF a last CR shows that the row was whole.
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
