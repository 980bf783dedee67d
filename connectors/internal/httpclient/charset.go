package httpclient

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charset maps a byte to its character in UTF-8. A byte that stands for none stays as it is: alone it is no UTF-8, so that
// whoever reads the text sees that it cannot be read.
type charset struct {
	name    string      // of one that is not read, as it is declared: nothing but ASCII is certain in it
	letters [256][]byte // nil where it is ASCII or cannot be told
}

var (
	latin1  = newCharset(charmap.ISO8859_1)
	windows = newCharset(charmap.Windows1252)
	// charsets are those that an answer may be declared in, under the names that are in use; nil is UTF-8.
	charsets = map[string]*charset{
		"": nil, "utf-8": nil, "utf8": nil, "utf_8": nil, "unicode-1-1-utf-8": nil, "utf-8-sig": nil, "cp65001": nil, "65001": nil,
		"iso-8859-1": latin1, "iso8859-1": latin1, "iso_8859-1": latin1, "iso88591": latin1, "8859-1": latin1, "latin1": latin1, "latin-1": latin1, "l1": latin1, "cp819": latin1,
		"windows-1252": windows, "windows1252": windows, "win-1252": windows, "cp1252": windows, "cp-1252": windows, "x-cp1252": windows, "1252": windows,
	}
)

func newCharset(m *charmap.Charmap) *charset {
	var c charset
	for i := range c.letters {
		b := byte(i)
		if r := m.DecodeByte(b); r != utf8.RuneError {
			c.letters[i] = utf8.AppendRune(nil, r)
		} else {
			c.letters[i] = []byte{b}
		}
	}
	return &c
}

// charsetOf is the charset that an answer is declared in; nil for UTF-8 and for one that is not declared.
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
	return charsetNamed(name)
}

// charsetNamed is the charset of a declared name.
func charsetNamed(name string) *charset {
	name = strings.Trim(name, " \t\"'")
	c, known := charsets[strings.ToLower(name)]
	if !known {
		c = &charset{name: shownName(name)}
	}
	return c
}

// shownName is a declared name for people.
func shownName(name string) string {
	const longest = 40
	name = strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' {
			return '?'
		}
		return c
	}, name)
	return name[:min(len(name), longest)]
}

// errCharset is a text in a charset that is not read, at a byte that is no ASCII.
type errCharset struct {
	name string
	at   int64
}

func (e *errCharset) Error() string {
	return fmt.Sprintf("the answer is declared in the charset %s, which is not read, and its byte %d is no ASCII", e.name, e.at)
}

// charsetHint is the remedy.
const charsetHint = "nothing is guessed: let the vendor, or a proxy in between, send UTF-8, ISO-8859-1 or Windows-1252 and say so in Content-Type"

// InUTF8 reads a text of a declared charset as UTF-8; nil where it is to be taken as it is. Of an unknown charset ASCII
// alone is read.
func InUTF8(r io.Reader, declared string) io.Reader {
	c := charsetNamed(declared)
	if c == nil {
		return nil
	}
	return inUTF8(r, c)
}

// inUTF8 reads a text of a charset as UTF-8. A byte order mark of UTF-8 says more than the declaration.
func inUTF8(r io.Reader, c *charset) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) { // an error comes again with Read
		return b
	}
	if c.name != "" {
		return &asciiReader{from: b, charset: c.name}
	}
	return &recoder{from: b, charset: c}
}

// asciiReader reads ASCII, and fails behind it.
type asciiReader struct {
	from    io.Reader
	charset string
	read    int64
}

func (r *asciiReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if i := bytes.IndexFunc(p[:n], func(c rune) bool { return c >= utf8.RuneSelf }); i >= 0 {
		return i, &errCharset{r.charset, r.read + int64(i) + 1}
	}
	r.read += int64(n)
	return n, err
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
			r.memory = append(r.memory, r.charset.letters[b]...)
		}
		r.out = r.memory
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}
