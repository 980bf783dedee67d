package transforms

import (
	"bytes"

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
