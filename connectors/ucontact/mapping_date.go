package ucontact

import (
	"unicode"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// parseDate reads a date of the Stats API: "Sep 8, 2025, 9:00:00 AM", the form
// in which the vendor's Java prints times in English. Java before 9 leaves out
// the comma after the year, and Java from 20 on puts U+202F before AM, so any
// blanks and both forms are read, and am and pm in any case. It allocates nothing.
func parseDate(b []byte) (w pipeline.LocalTime, ok bool) {
	p := dateParser{b: b}
	p.blanks()
	w.Month = p.month()
	p.need(p.blanks())
	w.Day = p.number(1, 2)
	comma := p.skip(',')
	p.need(p.blanks() || comma)
	w.Year = p.number(4, 4)
	comma = p.skip(',')
	p.need(p.blanks() || comma)
	w.Hour = p.number(1, 2)
	p.need(p.skip(':'))
	w.Min = p.number(2, 2)
	p.need(p.skip(':'))
	w.Sec = p.number(2, 2)
	p.blanks()
	afternoon := p.afternoon()
	p.blanks()
	if p.failed || len(p.b) > 0 || w.Year == 0 || w.Day < 1 || w.Day > daysIn(w.Year, w.Month) ||
		w.Hour < 1 || w.Hour > 12 || w.Min > 59 || w.Sec > 59 {
		return pipeline.LocalTime{}, false
	}
	w.Hour %= 12
	if afternoon {
		w.Hour += 12
	}
	return w, true
}

// dateParser eats a text from the front; after a failure its answers mean nothing.
type dateParser struct {
	b      []byte
	failed bool
}

func (p *dateParser) need(ok bool) { p.failed = p.failed || !ok }

// blanks skips white space, Unicode's too, and reports whether there was any.
func (p *dateParser) blanks() (found bool) {
	for len(p.b) > 0 {
		r, n := rune(p.b[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(p.b)
		}
		if !unicode.IsSpace(r) {
			break
		}
		p.b, found = p.b[n:], true
	}
	return found
}

func (p *dateParser) skip(c byte) bool {
	if len(p.b) == 0 || p.b[0] != c {
		return false
	}
	p.b = p.b[1:]
	return true
}

// number reads a number of least to most digits.
func (p *dateParser) number(least, most int) (n int) {
	i := 0
	for ; i < most && i < len(p.b) && '0' <= p.b[i] && p.b[i] <= '9'; i++ {
		n = n*10 + int(p.b[i]-'0')
	}
	p.need(i >= least)
	p.b = p.b[i:]
	return n
}

var months = [...]string{
	"january", "february", "march", "april", "may", "june",
	"july", "august", "september", "october", "november", "december",
}

// month reads the first three or more letters of an English month.
func (p *dateParser) month() int {
	word := p.word()
	if len(word) >= 3 {
		for i, name := range months {
			if len(word) <= len(name) && equalLetters(word, name[:len(word)]) {
				return i + 1
			}
		}
	}
	p.failed = true
	return 1
}

// afternoon reads AM or PM.
func (p *dateParser) afternoon() bool {
	word := p.word()
	pm := equalLetters(word, "pm")
	p.need(pm || equalLetters(word, "am"))
	return pm
}

// word takes the ASCII letters at the front.
func (p *dateParser) word() []byte {
	i := 0
	for i < len(p.b) && 'a' <= p.b[i]|0x20 && p.b[i]|0x20 <= 'z' {
		i++
	}
	word := p.b[:i]
	p.b = p.b[i:]
	return word
}

// equalLetters compares ASCII letters in any case with lower-case ones.
func equalLetters(word []byte, lower string) bool {
	if len(word) != len(lower) {
		return false
	}
	for i, c := range word {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
