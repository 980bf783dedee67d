package transforms

import (
	"bytes"
)

// The lenient reading is for documents whose quoting is not RFC 4180. It reads
// regular records exactly as the strict one does, and others by these rules:
//
//   - A cell is quoted if it begins with a quote. It ends at the first quote
//     that a comma, a line end or the end of the document follows; two quotes
//     stand for one; any other quote inside is text.
//   - In a cell that does not begin with a quote, quotes are text.
//   - A record that spans lines but does not have as many cells as the header is
//     taken to have a stray quote: its first line alone is rejected, and reading
//     goes on with the next line.
//   - A quote that is still open at the end of the document means that the
//     document was cut short.

// tolerant splits the record at a position into cells by the lenient rules.
func (d *csvDecoder) tolerant(at int) (record, error) {
	end, ok := d.looseCells(at)
	if ok {
		rec := d.looseRecord(at, end)
		if len(d.cells) == len(d.head.columns) || !bytes.ContainsRune(rec.raw, '\n') {
			return rec, nil
		}
	}
	line := bytes.IndexByte(d.data[at:], '\n')
	if line < 0 {
		return record{end: len(d.data), raw: d.data[at:], fault: strayQuote}, nil
	}
	raw := bytes.TrimSuffix(d.data[at:at+line], []byte{'\r'})
	return record{end: at + line + 1, raw: raw, whole: true, fault: strayQuote}, nil
}

const strayQuote = "has a stray quote"

// looseRecord makes the record of the cells that end at a position.
func (d *csvDecoder) looseRecord(at, end int) record {
	if n := lineEnd(d.data[end:]); n > 0 {
		return record{end: end + n, raw: d.data[at:end], whole: true}
	}
	return d.unended(at)
}

// looseCells finds the cells of the record at a position and returns the end
// of the last one; false when a quote is still open at the end of the data.
func (d *csvDecoder) looseCells(at int) (end int, closed bool) {
	d.cells = d.cells[:0]
	for i := at; ; {
		c := cell{lo: i}
		if i < len(d.data) && d.data[i] == '"' {
			var next int
			if c, next = looseQuotedCell(d.data, i); next < 0 {
				return len(d.data), false
			}
			i = next
		} else {
			i = looseCellEnd(d.data, i)
			c.hi = i
		}
		d.cells = append(d.cells, c)
		if i < len(d.data) && d.data[i] == ',' {
			i++
			continue
		}
		return i, true
	}
}

// looseCellEnd returns where the unquoted cell that begins at i ends: at a
// comma, before the line end, or at the end of the data.
func looseCellEnd(data []byte, i int) int {
	n := bytes.IndexAny(data[i:], ",\n")
	if n < 0 {
		return len(data)
	}
	end := i + n
	if data[end] == '\n' && end > i && data[end-1] == '\r' {
		end--
	}
	return end
}

// looseQuotedCell reads the cell whose opening quote stands at i and returns
// the position behind its closing quote, -1 when there is none.
func looseQuotedCell(data []byte, i int) (c cell, next int) {
	c = cell{lo: i + 1, quoted: true}
	for i++; ; {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			return c, -1
		}
		i += n
		rest := data[i+1:]
		switch {
		case len(rest) == 0 || rest[0] == ',' || lineEnd(rest) > 0 || len(rest) == 1 && rest[0] == '\r':
			c.hi = i
			return c, i + 1
		case rest[0] == '"':
			c.doubled = true
			i += 2
		default:
			i++
		}
	}
}

// splitLine splits the bytes from at to end at commas: the lenient reading of a header.
func (d *csvDecoder) splitLine(at, end int) {
	for {
		n := bytes.IndexByte(d.data[at:end], ',')
		if n < 0 {
			d.cells = append(d.cells, cell{lo: at, hi: end})
			return
		}
		d.cells = append(d.cells, cell{lo: at, hi: at + n})
		at += n + 1
	}
}

// lenientCut finds the end of the last whole record by reading all of them.
type lenientCut struct {
	width int
	done  int // end of the whole records found so far
}

func (l *lenientCut) cut(b []byte, eof bool) (int, error) {
	d := &csvDecoder{data: b, head: &csvHeader{columns: make([]csvColumn, l.width)}}
	for l.done < len(b) {
		end, closed := d.looseCells(l.done)
		if !closed || lineEnd(b[end:]) == 0 {
			switch {
			case !eof:
				return l.done, nil
			case !closed:
				return 0, malformed("the download may have broken off; read it again", "the document ends inside quotes")
			}
		}
		rec, err := d.tolerant(l.done)
		if err != nil {
			return 0, err
		}
		l.done = rec.end
	}
	return l.done, nil
}
