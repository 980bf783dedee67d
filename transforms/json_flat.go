package transforms

import (
	"bytes"
)

// flatScan finds the end of a row without looking at every byte of the row.
//
// The scan begins at the first byte of a row and only counts quotes, many bytes at a time. As long as it meets no
// '[', the document's array is the only one, and a comma between a closing and an opening brace, outside strings,
// stands between two rows: in an object a comma is followed by a name. Once it meets a '[', be it in a string,
// arraySplitter walks through the rows instead.
//
// In a document that is not valid JSON the positions that it finds may be wrong. Decode refuses such a document
// wherever it is cut: the ranges, joined by what was left out between them, are the document.
type flatScan struct {
	on      bool
	pos     int  // the bytes before it have been looked at
	quoted  bool // pos is inside a string
	escaped bool // the byte at pos follows a backslash
}

// flatBlock is how much is looked at several times over while it is in the cache.
const flatBlock = 16 << 10

// scan goes on to the end of b; false when b holds a '['.
func (f *flatScan) scan(b []byte) bool {
	for f.on && f.pos < len(b) {
		block := b[f.pos:min(f.pos+flatBlock, len(b))]
		if bytes.IndexByte(block, '[') >= 0 {
			f.on = false
			break
		}
		var quotes int
		quotes, f.escaped = countQuotes(block, f.escaped)
		f.quoted = f.quoted != (quotes%2 != 0)
		f.pos += len(block)
	}
	return f.on
}

// lastRowEnd finds the end of the last row of b[from:] that another row follows; -1 when there is none. b has been
// scanned to its end.
func (f *flatScan) lastRowEnd(b []byte, from int) int {
	quoted, end := f.quoted, len(b)
	for {
		i := from + bytes.LastIndexByte(b[from:end], '{')
		if i < from {
			return -1
		}
		quotes, _ := countQuotes(b[i:end], false)
		quoted = quoted != (quotes%2 != 0)
		end = i
		if quoted {
			continue
		}
		before, found := bytes.CutSuffix(bytes.TrimRight(b[from:i], jsonSpace), comma)
		if before = bytes.TrimRight(before, jsonSpace); found && bytes.HasSuffix(before, closingBrace) {
			return from + len(before)
		}
	}
}

const jsonSpace = " \t\r\n"

var closingBrace = []byte("}")

// countQuotes counts the quotes of b that no backslash escapes. escaped says that a backslash before b escapes its
// first byte, open that one at the end of b escapes what follows.
func countQuotes(b []byte, escaped bool) (n int, open bool) {
	n = bytes.Count(b, quote)
	for i := 0; ; {
		if escaped {
			if i == len(b) {
				return n, true
			}
			if b[i] == '"' {
				n--
			}
			i++
		}
		next := bytes.IndexByte(b[i:], '\\')
		if next < 0 {
			return n, false
		}
		i += next + 1
		escaped = true
	}
}
