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
	"strings"

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

// addressColumns are the names of columns that hold addresses, the first of them first.
var addressColumns = []string{"clientids", "clientid", "phone", "email", "address"}

// Add reads a file of addresses of any kind: one a line, or a CSV with a column of a known name, else its first one. country
// is that of numbers without one, as in [Options]. A line that holds no address ends the reading with an error that names
// the line, of kind Invalid: somebody who must not be called stands there, and nobody knows who. name is the file's.
func (s *Suppressed) Add(ctx context.Context, name string, r io.Reader, country string) error {
	fail := func(line int, hint string, err error) error {
		if line > 0 {
			err = fmt.Errorf("line %d %w", line, err)
		}
		return &pipeline.Error{Op: "read " + name, Kind: pipeline.Invalid, Hint: hint, Err: err}
	}
	text := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := text.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) { // an error comes again with the rows
		_, _ = text.Discard(3)
	}
	in := csv.NewReader(text)
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord, in.Comma = -1, true, true, commaOf(text)
	if s.ids == nil {
		s.ids = make(map[idHash]struct{})
	}
	for first, at := true, 0; ; first = false {
		record, err := in.Read()
		if err == io.EOF {
			return ctx.Err()
		}
		if err != nil {
			var where *csv.ParseError
			if errors.As(err, &where) {
				return fail(where.Line, "correct its quotes", errors.New("cannot be read"))
			}
			return fail(0, "", err)
		}
		line, _ := in.FieldPos(0)
		if first {
			var header bool
			if at, header = addressColumn(record, country); header {
				continue
			}
		}
		if at >= len(record) {
			continue // blank
		}
		if err := s.cell(record[at], country); err != nil {
			return fail(line, "correct the line or take it out: a number with +, its country and its digits, or an e-mail address", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
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

// addressColumn finds the column of addresses. header says that the first record names columns.
func addressColumn(record []string, country string) (at int, header bool) {
	for _, name := range addressColumns {
		if i := slices.IndexFunc(record, func(cell string) bool { return plain(cell) == name }); i >= 0 {
			return i, true
		}
	}
	_, err := idsOf(record[0], country)
	return 0, err != nil
}

func (s *Suppressed) cell(text, country string) error {
	ids, err := idsOf(text, country)
	for _, id := range ids {
		s.ids[hashOf(id)] = struct{}{}
	}
	return err
}

var errNoAddress = errors.New("holds no address")

// idsOf are the normalised addresses of a cell.
func idsOf(text, country string) (ids []string, err error) {
	for one := range strings.SplitSeq(text, ";") {
		one = strings.TrimSpace(one)
		switch _, id, ok := number(one, country); {
		case one == "":
		case isEmail(one):
			ids = append(ids, strings.ToLower(one))
		case ok:
			ids = append(ids, id)
		default:
			// A number of another form than the country's is a number all the same.
			digits, ok := phone.Digits(one)
			if !ok {
				return nil, errNoAddress
			}
			ids = append(ids, digits)
		}
	}
	return ids, nil
}
