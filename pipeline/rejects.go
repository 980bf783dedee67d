package pipeline

import (
	"encoding/binary"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rejects is a list of rejected rows in little more memory than their text: a document may be nothing but rejects of
// two bytes each. It keeps all of a [Reject] but its Scope. The zero Rejects is empty. A Rejects belongs to one goroutine.
type Rejects struct {
	n       int
	text    []byte // of each reject: row, reason, field and shape, time, raw
	last    int64  // the row of the last one
	reasons words
	fields  words
}

// words are texts that many rejects have, and that are kept once.
type words struct {
	all     []string
	numbers map[string]int // from 1 on
}

// sharedWords bounds them; others stand in the text.
const sharedWords = 256

// ShownRejects is how many rejects of a document, or of a failed window, are shown.
const ShownRejects = 20

// Len is the number of rejects.
func (l *Rejects) Len() int { return l.n }

// Add appends a reject.
func (l *Rejects) Add(r Reject) {
	l.text = binary.AppendVarint(l.text, r.Row-l.last)
	l.text = l.reasons.append(l.text, r.Reason)
	if l.text = l.fields.append(l.text, r.Field); r.Field != "" {
		l.text = appendText(l.text, r.Shape)
	}
	timed := r.At != NoInstant
	if l.text = append(l.text, 0); timed {
		l.text[len(l.text)-1] = 1
		l.text = binary.AppendVarint(l.text, int64(r.At))
	}
	l.text = appendText(l.text, r.Raw)
	l.last = r.Row
	l.n++
}

// append appends the number of a word, or 0 and the word.
func (w *words) append(text []byte, word string) []byte {
	n := w.numbers[word]
	if n == 0 && len(w.all) < sharedWords {
		if w.numbers == nil {
			w.numbers = make(map[string]int)
		}
		w.all = append(w.all, word)
		n = len(w.all)
		w.numbers[word] = n
	}
	text = binary.AppendUvarint(text, uint64(n))
	if n == 0 {
		text = appendText(text, word)
	}
	return text
}

// read reads what append has written.
func (w *words) read(r *textReader) string {
	if n := r.uvarint(); n > 0 {
		return w.all[n-1]
	}
	return r.string()
}

// All returns the rejects in the order in which they were added.
func (l *Rejects) All() iter.Seq[Reject] {
	return func(yield func(Reject) bool) {
		r, at := textReader{l.text}, int64(0)
		for len(r.text) > 0 {
			at += r.varint()
			one := Reject{Row: at, At: NoInstant, Reason: l.reasons.read(&r), Field: l.fields.read(&r)}
			if one.Field != "" {
				one.Shape = r.string()
			}
			if r.uvarint() > 0 {
				one.At = Instant(r.varint())
			}
			one.Raw = r.string()
			if !yield(one) {
				return
			}
		}
	}
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// textReader reads what Add has written.
type textReader struct{ text []byte }

func (r *textReader) varint() int64 {
	v, n := binary.Varint(r.text)
	r.text = r.text[n:]
	return v
}

func (r *textReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.text)
	r.text = r.text[n:]
	return v
}

func (r *textReader) string() string {
	n := r.uvarint()
	s := string(r.text[:n])
	r.text = r.text[n:]
	return s
}

// ShownName is a source field's name for people. A name that may be a value, as one with an @ or many digits, or that shows
// badly, is shown by its shape.
func ShownName(name string) string {
	const most = 4
	digits := 0
	for _, c := range name {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	if digits > most || strings.Contains(name, "@") || strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return Shape([]byte(name))
	}
	if letters := []rune(name); len(letters) > maxShape {
		return string(letters[:maxShape]) + "…"
	}
	return name
}

// maxShape bounds the characters of a shape.
const maxShape = 40

// Shape is what a value looks like, without the value: digits as 9, letters as a, all else as it is, the first 40
// characters. Characters that end a line or show nothing are blanks.
func Shape(value []byte) string {
	var b strings.Builder
	for n := 0; n < maxShape && len(value) > 0; n++ {
		c, size := utf8.DecodeRune(value)
		value = value[size:]
		switch {
		case unicode.IsNumber(c):
			c = '9'
		case unicode.IsLetter(c) || unicode.IsMark(c):
			c = 'a'
		case !unicode.IsPrint(c) && c != utf8.RuneError:
			c = ' '
		}
		b.WriteRune(c)
	}
	return b.String()
}
