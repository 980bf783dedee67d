package pipeline

import (
	"encoding/binary"
	"iter"
)

// Rejects is a list of rejected rows in little more memory than their text: a document may be nothing but rejects of
// two bytes each. It keeps all of a [Reject] but its Scope. The zero Rejects is empty. A Rejects belongs to one
// goroutine.
type Rejects struct {
	n       int
	text    []byte // of each reject: row, reason, time, raw
	last    int64  // the row of the last one
	reasons []string
	numbers map[string]int // of the reasons, from 1 on
}

// sharedReasons bounds the reasons that are kept once for all rejects that have them; others stand in the text.
const sharedReasons = 256

// Len is the number of rejects.
func (l *Rejects) Len() int { return l.n }

// Add appends a reject.
func (l *Rejects) Add(r Reject) {
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
		for len(r.text) > 0 {
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
