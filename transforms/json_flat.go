package transforms

import (
	"bytes"
)

// flatScan finds where rows end without looking at every byte between.
//
// It begins at the first byte of a row and only counts quotes, which the
// machine does 32 bytes at a time. While no '[' is met, a comma between a closing
// and an opening brace, outside strings, stands between two rows: the only array is
// the document's, and in an object a comma is followed by a name. With a '[',
// were it in a string, arraySplitter walks through the rows instead.
//
// In a document that is no valid JSON the places that it finds may be wrong.
// Decode refuses that document with any cut: the parts, joined by what was left
// out between them, are the document.
type flatScan struct {
	on      bool
	pos     int  // up to here the bytes have been looked at
	quoted  bool // pos is inside a string
	escaped bool // the byte at pos follows a backslash
}

// flatBlock is how much is looked at several times over while it is in the cache.
const flatBlock = 16 << 10

// scan goes on to the end of b; false: the rows are not flat.
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

// lastRowEnd finds the end of the last row of b[from:] that another row
// follows, where b has been looked at to its end; -1: there is none.
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

// countQuotes counts the quotes of b that no backslash escapes. escaped says
// that a backslash precedes b; the answer, that b ends with one.
func countQuotes(b []byte, escaped bool) (n int, open bool) {
	n = bytes.Count(b, quoteMark)
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

var quoteMark = []byte(`"`)
