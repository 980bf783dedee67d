package transforms

import (
	"bytes"

	"github.com/windrow-data/windrow/pipeline"
)

// The lenient reading is for documents whose quoting is not RFC 4180. It goes record by record:
//
//   - A record that is quoted as RFC 4180 says is read as the strict reading reads it. A record of several lines must
//     have as many cells as the header: otherwise a stray quote may have swallowed other rows.
//   - Of any other record the next line is read alone. In a cell that does not begin with a quote, quotes are text. A
//     cell that begins with a quote ends at the first quote before a comma or before the end of the line; two quotes
//     inside it stand for one, and a single quote is text. A line that then has more or fewer cells than the header,
//     or whose quotes do not close, is a reject. Reading goes on with the next line.
//   - A quoted cell that reaches the end of the document means that the document was cut short.
//
// So a stray quote costs the line that it stands in, and nothing is guessed.

// strayQuote is the reason of rejects that only their quoting explains.
const strayQuote = "has a stray quote"

// lenientRecord splits the record at a position into cells by the lenient rules.
func (d *csvDecoder) lenientRecord(at int) (record, error) {
	rec, s := d.splitRecord(at)
	if s == regularQuoting && (d.count() == len(d.head.columns) || bytes.IndexByte(rec.raw, '\n') < 0) {
		return rec, nil
	}
	end, whole := bytes.IndexByte(d.data[at:], '\n'), true
	if end < 0 {
		if !d.proven {
			return record{end: len(d.data), raw: d.data[at:], reason: strayQuote}, nil
		}
		end, whole = len(d.data)-at, false
	}
	line := bytes.TrimSuffix(d.data[at:at+end], []byte{'\r'})
	rec = record{end: min(at+end+1, len(d.data)), raw: line, whole: whole}
	if !d.lenientCells(at, at+len(line)) || d.count() != len(d.head.columns) {
		rec.reason = strayQuote
	}
	return rec, nil
}

// lenientCells splits the line from at to end into cells; false when a quote stays open.
func (d *csvDecoder) lenientCells(at, end int) bool {
	line := d.data[:end]
	d.cells, d.beyond = d.cells[:0], 0
	for {
		c := cell{lo: at, hi: end}
		if at < end && line[at] == '"' {
			c = lenientQuotedCell(line, at)
			if c.hi < 0 {
				return false
			}
			at = c.hi + 1
		} else {
			if n := bytes.IndexByte(line[at:], ','); n >= 0 {
				c.hi = at + n
			}
			at = c.hi
		}
		d.add(c)
		if at == end {
			return true
		}
		at++
	}
}

// add notes a cell of the current record.
func (d *csvDecoder) add(c cell) {
	if len(d.cells) < cap(d.cells) || len(d.cells) <= d.most {
		d.cells = append(d.cells, c)
	} else {
		d.beyond++
	}
}

// lenientQuotedCell reads the cell whose opening quote stands at i; hi is -1 when no quote closes the cell.
func lenientQuotedCell(line []byte, i int) cell {
	c := cell{lo: i + 1, quoted: true}
	for i++; ; i++ {
		n := bytes.IndexByte(line[i:], '"')
		if n < 0 {
			c.hi = -1
			return c
		}
		i += n
		switch {
		case i+1 == len(line) || line[i+1] == ',':
			c.hi = i
			return c
		case line[i+1] == '"':
			c.doubled = true
			i++
		}
	}
}

// splitLine splits the bytes before end at commas. The lenient reading takes a header so.
func (d *csvDecoder) splitLine(end int) {
	for at := 0; ; {
		n := bytes.IndexByte(d.data[at:end], ',')
		if n < 0 {
			d.add(cell{lo: at, hi: end})
			return
		}
		d.add(cell{lo: at, hi: at + n})
		at += n + 1
	}
}

// lenientCut finds the end of the last whole record by reading all records.
type lenientCut struct {
	width int
	done  int    // end of the whole records found so far
	rows  *int64 // their number, and that of the records before them
}

func (l *lenientCut) cut(b []byte, eof bool) (int, error) {
	d := &csvDecoder{data: b, head: &csvHeader{columns: make([]csvColumn, l.width)}, most: l.width}
	for l.done < len(b) {
		if n := lineEnd(b[l.done:]); n > 0 {
			l.done += n
			continue
		}
		rec, s := d.splitRecord(l.done)
		switch {
		case s == openQuoting && eof:
			return 0, malformed(pipeline.CutShort, "the download may have broken off; the next sync reads it again", "the document ends inside quotes, which row %d opens", *l.rows+1)
		case s == openQuoting || s == regularQuoting && !rec.whole:
			if !eof {
				return l.done, nil
			}
		case s == irregularQuoting && !eof && bytes.IndexByte(b[l.done:], '\n') < 0:
			return l.done, nil
		}
		rec, err := d.lenientRecord(l.done)
		if err != nil {
			return 0, err
		}
		l.done = rec.end
		*l.rows++
	}
	return l.done, nil
}
