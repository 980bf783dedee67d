package pipeline

import (
	"encoding/binary"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rejects is a list of rejected rows in little more memory than their text: a document may be nothing but rejects of
// two bytes each. It keeps all of a [Reject] but its Scope, and of the
// first [ShownRejects] the field and its shape. The zero Rejects is empty. A Rejects belongs to one
// goroutine.
type Rejects struct {
	n       int
	text    []byte // of each reject: row, reason, time, raw
	last    int64  // the row of the last one
	reasons []string
	numbers map[string]int // of the reasons, from 1 on
	shown   [][2]string    // field and shape of the first ones
}

// sharedReasons bounds the reasons that are kept once for all rejects that have them; others stand in the text.
const sharedReasons = 256

// ShownRejects is how many rejects of a document, or of a failed window, are shown.
const ShownRejects = 20

// Len is the number of rejects.
func (l *Rejects) Len() int { return l.n }

// Add appends a reject.
func (l *Rejects) Add(r Reject) {
	if len(l.shown) < ShownRejects {
		l.shown = append(l.shown, [2]string{r.Field, r.Shape})
	}
	n := l.number(r.Reason)
	l.text = binary.AppendVarint(l.text, r.Row-l.last)
	l.text = binary.AppendUvarint(l.text, uint64(n))
	if n == 0 {
		l.text = appendText(l.text, r.Reason)
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

// number is that of a reason, 0 where it stands in the text.
func (l *Rejects) number(reason string) int {
	n := l.numbers[reason]
	if n == 0 && len(l.reasons) < sharedReasons {
		if l.numbers == nil {
			l.numbers = make(map[string]int)
		}
		l.reasons = append(l.reasons, reason)
		n = len(l.reasons)
		l.numbers[reason] = n
	}
	return n
}

// All returns the rejects in the order in which they were added.
func (l *Rejects) All() iter.Seq[Reject] {
	return func(yield func(Reject) bool) {
		r, at := textReader{l.text}, int64(0)
		for i := 0; len(r.text) > 0; i++ {
			at += r.varint()
			one := Reject{Row: at, At: NoInstant}
			if n := r.uvarint(); n == 0 {
				one.Reason = r.string()
			} else {
				one.Reason = l.reasons[n-1]
			}
			if r.uvarint() > 0 {
				one.At = Instant(r.varint())
			}
			one.Raw = r.string()
			if i < len(l.shown) {
				one.Field, one.Shape = l.shown[i][0], l.shown[i][1]
			}
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
