package contacts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms/phone"
)

// Suppressed is a set of addresses that nothing is sent to. The zero Suppressed is empty.
type Suppressed struct{ ids map[idHash]struct{} }

// Has reports whether the set has one of the normalised addresses of a contact.
func (s *Suppressed) Has(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		_, has := s.ids[hashOf(id)]
		return has
	})
}

// Len is the number of addresses.
func (s *Suppressed) Len() int { return len(s.ids) }

// addressColumns are the names of columns that hold addresses.
var addressColumns = []string{"clientids", "clientid", "phone", "email", "address"}

const (
	correctLine = "nothing is sent: who stands there must be left alone, and nobody knows who it is; write a number with +, its country and its digits, or an e-mail address, or take the line out"
	shownLines  = 20
)

// Add reads a file of addresses of any kind: one a line, or a CSV of which every column of a known name counts, else its
// first one. country is that of numbers without one, as in [Options]. Where lines hold no address it ends with an error that
// names the first of them all, of kind Invalid: somebody who must not be called stands there, and nobody knows who. name is
// the file's.
func (s *Suppressed) Add(ctx context.Context, name string, r io.Reader, country string) error {
	fail := func(hint string, err error) error {
		return &pipeline.Error{Op: "read " + name, Kind: pipeline.Invalid, Hint: hint, Err: err}
	}
	text := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := text.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) { // an error comes again with the rows
		_, _ = text.Discard(3)
	}
	// Quotes are read strictly: one that is never closed would swallow the lines behind it.
	in := csv.NewReader(text)
	in.FieldsPerRecord, in.ReuseRecord, in.Comma = -1, true, commaOf(text)
	if s.ids == nil {
		s.ids = make(map[idHash]struct{})
	}
	var t suppressedTable
	var lost lostLines
	for first := true; ; first = false {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			var where *csv.ParseError
			if errors.As(err, &where) {
				return fail("nothing is sent; correct its quotes", fmt.Errorf("line %d cannot be read", where.StartLine))
			}
			return fail("", err)
		}
		line, _ := in.FieldPos(0)
		if first {
			if t = tableOfSuppressed(record, country); t.header {
				continue
			}
		}
		if first && t.odd || !s.row(t, record, country) {
			lost.add(line)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	switch {
	case lost.n == 0:
		return ctx.Err()
	case t.odd:
		return fail(correctLine+"; a header names its column phone, email or address", lost)
	}
	return fail(correctLine, lost)
}

// lostLines are the lines of a file that hold no address, as an error that names the first of them.
type lostLines struct {
	shown []string
	n     int
}

func (l *lostLines) add(line int) {
	if l.n++; l.n <= shownLines {
		l.shown = append(l.shown, strconv.Itoa(line))
	}
}

func (l lostLines) Error() string {
	switch last := len(l.shown) - 1; {
	case l.n == 1:
		return "line " + l.shown[0] + " holds no address"
	case l.n > len(l.shown):
		return fmt.Sprintf("lines %s and %d more hold no address", strings.Join(l.shown, ", "), l.n-len(l.shown))
	default:
		return fmt.Sprintf("lines %s and %s hold no address", strings.Join(l.shown[:last], ", "), l.shown[last])
	}
}

// commaOf is what separates the cells of the first line.
func commaOf(text *bufio.Reader) rune {
	head, _ := text.Peek(4 << 10) // an error comes again with the rows
	head, _, _ = bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(head, ',') < 0 {
		for _, other := range ";\t" {
			if bytes.ContainsRune(head, other) {
				return other
			}
		}
	}
	return ','
}

// suppressedTable is where the addresses of a file stand.
type suppressedTable struct {
	header bool  // the first record names columns
	named  bool  // one of them by a known name
	at     []int // the columns of addresses
	odd    bool  // the first record is neither a header nor addresses
}

// tableOfSuppressed reads the first record of a file. One that looks like an address that is mistyped is no header: somebody
// stands there.
func tableOfSuppressed(first []string, country string) suppressedTable {
	t := suppressedTable{at: []int{0}}
	var named []int
	for i, cell := range first {
		if slices.Contains(addressColumns, plain(cell)) {
			named = append(named, i)
		}
	}
	if len(named) > 0 {
		return suppressedTable{header: true, named: true, at: named}
	}
	if _, ok := idsOf(first[0], country); ok {
		return t
	}
	t.header = !slices.ContainsFunc(first, likeAddress) && strings.ContainsFunc(first[0], unicode.IsLetter)
	t.odd = !t.header
	return t
}

// likeAddress reports whether a cell may be meant as an address, rather than as the name of a column.
func likeAddress(cell string) bool {
	const fewest = 3 // digits of a number
	digits := 0
	for _, c := range cell {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	return digits >= fewest || strings.ContainsAny(cell, "@+")
}

// row takes the addresses of a record, and reports whether it holds what it must: an address, unless it is blank or a column
// that the file names is. Without a header whatever else may be an address counts too.
func (s *Suppressed) row(t suppressedTable, record []string, country string) bool {
	held := 0
	for i, cell := range record {
		named := slices.Contains(t.at, i)
		if !named && t.header {
			continue
		}
		n, ok := s.cell(cell, country)
		if !ok && named {
			return false
		}
		held += n
	}
	return held > 0 || t.named || strings.TrimSpace(strings.Join(record, "")) == ""
}

// cell takes the addresses of a cell, and counts them; not ok: something else stands there.
func (s *Suppressed) cell(text, country string) (n int, ok bool) {
	ids, ok := idsOf(text, country)
	for _, id := range ids {
		s.ids[hashOf(id)] = struct{}{}
	}
	return len(ids), ok
}

// idsOf are the normalised addresses of a cell; not ok: something else stands there.
func idsOf(text, country string) (ids []string, ok bool) {
	for one := range strings.SplitSeq(text, ";") {
		one = strings.TrimSpace(one)
		switch _, id, ok := number(one, country); {
		case one == "":
		case isEmail(one):
			ids = append(ids, mailID(one))
		case ok:
			ids = append(ids, id)
		default:
			// A number of another form than the country's is a number all the same.
			digits, ok := phone.Digits(one)
			if !ok {
				return nil, false
			}
			ids = append(ids, withoutPrefix(digits))
		}
	}
	return ids, true
}
