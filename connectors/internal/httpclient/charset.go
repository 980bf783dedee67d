package httpclient

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charset maps a byte to its character in UTF-8. A byte that stands for none stays as it is: alone it is no UTF-8, so that
// whoever reads the text sees that it cannot be read.
type charset [256][]byte

var (
	latin1  = newCharset(charmap.ISO8859_1)
	windows = newCharset(charmap.Windows1252)
	// charsets are those that an answer may be declared in, beside UTF-8, under the names that are in use. The text of an answer
	// in another one is taken for UTF-8.
	charsets = map[string]*charset{
		"iso-8859-1": latin1, "iso8859-1": latin1, "iso_8859-1": latin1, "iso88591": latin1, "8859-1": latin1, "latin1": latin1, "latin-1": latin1, "l1": latin1, "cp819": latin1,
		"windows-1252": windows, "windows1252": windows, "win-1252": windows, "cp1252": windows, "cp-1252": windows, "x-cp1252": windows, "1252": windows,
	}
)

func newCharset(m *charmap.Charmap) *charset {
	var c charset
	for i := range c {
		b := byte(i)
		if r := m.DecodeByte(b); r != utf8.RuneError {
			c[i] = utf8.AppendRune(nil, r)
		} else {
			c[i] = []byte{b}
		}
	}
	return &c
}

// charsetOf is the charset that an answer is declared in; nil for UTF-8, for one that is not declared, and for an unknown one.
func charsetOf(h http.Header) *charset {
	declared := h.Get("Content-Type")
	_, params, err := mime.ParseMediaType(declared)
	name := params["charset"]
	if err != nil || name == "" { // not every server writes the header as it should be
		_, rest, found := strings.Cut(strings.ToLower(declared), "charset=")
		if !found {
			return nil
		}
		name, _, _ = strings.Cut(rest, ";")
	}
	return charsets[strings.ToLower(strings.Trim(name, " \t\"'"))]
}

// inUTF8 reads a text of a charset as UTF-8. A byte order mark of UTF-8 says more than the declaration.
func inUTF8(r io.Reader, c *charset) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) { // an error comes again with Read
		return b
	}
	return &recoder{from: b, charset: c}
}

// recoder translates what it reads.
type recoder struct {
	from    io.Reader
	charset *charset
	in      [16 << 10]byte
	out     []byte // not given yet
	memory  []byte // of out
	err     error  // behind out
}

func (r *recoder) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		var n int
		n, r.err = r.from.Read(r.in[:])
		r.memory = r.memory[:0]
		for _, b := range r.in[:n] {
			r.memory = append(r.memory, r.charset[b]...)
		}
		r.out = r.memory
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}
