package transforms

import (
	"bytes"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// notText says why a document, or a part of one, is no text that is read. The zero notText is nothing of the kind.
type notText struct {
	cause pipeline.Cause
	what  string // behind "is"
}

// packed are the first bytes of what is compressed, and what it is called.
var packed = [...]struct{ magic, name string }{
	{"\x1f\x8b", "gzip"}, {"PK\x03\x04", "zip, as workbooks are too"}, {"PK\x05\x06", "zip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"BZh91AY&SY", "bzip2"},
	{"\xfd7zXZ", "xz"}, {"7z\xbc\xaf", "7z"}, {"\x78\x9c", "deflate"}, {"\x78\x01", "deflate"}, {"\x78\xda", "deflate"},
}

// longestMagic is how many bytes tell what is no text.
const longestMagic = len("BZh91AY&SY")

// others are the first bytes of other files, and what they are called.
var others = [...]struct{ magic, name string }{
	{"%PDF-", "a PDF"}, {"\xd0\xcf\x11\xe0", "a workbook of an old Excel"}, {"\x89PNG", "an image"}, {"\xff\xd8\xff", "an image"}, {"SQLite format", "a database"},
}

// notTextBy tells what no text begins with such bytes.
func notTextBy(b []byte) notText {
	text := string(b[:min(len(b), 16)])
	for _, p := range packed {
		if strings.HasPrefix(text, p.magic) {
			return notText{pipeline.Compressed, "compressed (" + p.name + ")"}
		}
	}
	for _, o := range others {
		if strings.HasPrefix(text, o.magic) {
			return notText{pipeline.Binary, o.name}
		}
	}
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || isWide(b) {
		return notText{pipeline.OtherCharset, "UTF-16"}
	}
	return notText{}
}

// isWide reports whether bytes are a text of which each character takes two, whose other byte is nearly always NUL.
func isWide(b []byte) bool {
	b = b[:min(len(b), 4096)&^1]
	var nuls [2]int
	for i, c := range b {
		if c == 0 {
			nuls[i%2]++
		}
	}
	few, many, half := min(nuls[0], nuls[1]), max(nuls[0], nuls[1]), len(b)/2
	return half > 1 && 5*many >= 4*half && 10*few <= half
}

// hint is the remedy.
func (n notText) hint() string {
	switch n.cause {
	case pipeline.Compressed:
		return "gzip alone is undone, and once: let the vendor, or a proxy in between, send the text itself"
	case pipeline.OtherCharset:
		return "nothing is guessed: let the vendor, or a proxy in between, send UTF-8"
	default:
		return "it is no text: another file, or a damaged one; look at what the vendor's own page gives for this day"
	}
}

// NotText says what a document is that begins so, where it is no text: compressed, UTF-16, another kind of file. It is empty of
// one that may be text.
func NotText(begins []byte) string {
	n := notTextBy(begins)
	if n.cause == pipeline.NoCause && bytes.IndexByte(begins, 0) >= 0 {
		n = notText{pipeline.Binary, "binary"}
	}
	return n.what
}

// err is the error of a document that is no text; nil of one that may be.
func (n notText) err() error {
	if n.cause == pipeline.NoCause {
		return nil
	}
	return malformed(n.cause, n.hint(), "the document is %s", n.what)
}

// nulInHeader is the error of a document whose header has a NUL byte at an offset.
func nulInHeader(head []byte, offset int64) error {
	if isWide(head) {
		return notTextBy(head).err()
	}
	n := notText{cause: pipeline.Binary}
	return malformed(n.cause, n.hint(), "there is a NUL byte at byte %d", offset)
}

// spoiltRecord is what condemns a document of which a record is no text; row is not set.
func spoiltRecord(raw []byte) pipeline.Damage {
	n := notText{pipeline.OtherCharset, "is UTF-16"}
	if isWide(raw) {
		return pipeline.Damage{Kind: pipeline.Malformed, What: n.what, Hint: n.hint(), Cause: n.cause}
	}
	return pipeline.Damage{
		Kind: pipeline.Malformed, What: "is mostly NUL bytes", Cause: pipeline.Binary,
		Hint: "a part of the document was never written, or is of another file; the next sync reads it again",
	}
}

// isGibberish reports whether bytes have control characters, as no name of a column has.
func isGibberish(b []byte) bool {
	return bytes.ContainsFunc(b, func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\r\n", c) })
}

// notJSON says what an answer is that begins so, where it is no text.
func notJSON(b []byte) notText {
	if n := notTextBy(b); n.cause != pipeline.NoCause {
		return n
	}
	if isGibberish(b[:min(len(b), 64)]) {
		return notText{pipeline.Binary, "binary"}
	}
	return notText{}
}
