package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// What is awkward in answers, each in one row of so many.
const (
	rowsReordered = 1000 // members in another order: serialisers keep to one
	rowsLacking   = 40   // without some of the metrics
	rowsWithNotes = 200  // with a member that no mapping knows
	rowsSpaced    = 60   // white space after commas and colons, and before the row
	rowsOfText    = 80   // some numbers are strings
	rowsEscaped   = 30   // letters outside ASCII are \u escapes
	// cellsTiny of the fractions, one has an exponent.
	cellsTiny = 64
)

// statsNotes is that member. Blank ones are no value.
const statsNotes = "notes"

// notesTokens are its values as they stand in the answer.
var notesTokens = []string{
	`""`, `"  "`, `"cola [3], {MX}, turno 2"`, `"},{"`, `"dijo \"sí\" y colgó"`, `"C:\\colas\\norte\\"`,
	`"Atenci\u00f3n \ud83d\ude00"`, `"Atención 😀"`, `"línea 1\nlínea 2\t\/fin"`,
}

// campaigns are n names, most of which end as the vendor's do. Few are awkward:
// the fourth, with brackets and braces, is in every input of 50 MB and more.
// None has a comma, which is what parts names when they are asked for.
func campaigns(n int) []string {
	awkward := map[int]string{2: `Retención "Oro" %02d <-`, 4: "Ventas [MX] {norte} %02d <-", 9: `Cobranza\Sur %02d`, 14: "Übersee № %02d <-"}
	names := make([]string, n)
	for i := range names {
		form, ok := awkward[(i+1)%20]
		if !ok {
			form = "Campaña %02d <-"
		}
		names[i] = fmt.Sprintf(form, i+1)
	}
	return names
}

// statsWriter writes rows of an answer.
type statsWriter struct {
	random  *rand.Rand
	buf     []byte // rows, as they stand in the answer
	values  []byte // of the row, one behind the other
	members []statsMember
}

// statsMember is a name and where its value lies in values.
type statsMember struct {
	name     string
	from, to int
}

// row appends one row to buf.
func (s *statsWriter) row(date, resource, channel string) error {
	r := s.random
	s.values, s.members = s.values[:0], s.members[:0]
	s.values = append(append(append(s.values, '"'), date...), '"')
	s.name("date")
	spelled, err := json.Marshal(resource) // escapes < as the vendor's Gson does
	if err != nil {
		return err
	}
	if s.oneIn(rowsEscaped) {
		spelled = strconv.AppendQuoteToASCII(nil, resource) // no name has what Go escapes otherwise than JSON
	}
	s.values = append(s.values, spelled...)
	s.name("resource")
	s.values = append(append(append(s.values, '"'), channel...), '"')
	s.name("channel")
	named := len(s.members)
	s.metrics()
	if s.oneIn(rowsOfText) {
		for range 3 {
			s.asText(named + r.IntN(len(s.members)-named))
		}
	}
	if s.oneIn(rowsLacking) {
		for range 1 + r.IntN(3) {
			i := named + r.IntN(len(s.members)-named)
			s.members = append(s.members[:i], s.members[i+1:]...)
		}
	}
	if s.oneIn(rowsWithNotes) {
		from := len(s.values)
		s.values = append(s.values, notesTokens[r.IntN(len(notesTokens))]...)
		s.members = append(s.members, statsMember{statsNotes, from, len(s.values)})
	}
	if s.oneIn(rowsReordered) {
		r.Shuffle(len(s.members), func(i, j int) { s.members[i], s.members[j] = s.members[j], s.members[i] })
	}
	s.render(s.oneIn(rowsSpaced))
	return nil
}

func (s *statsWriter) oneIn(n int) bool { return s.random.IntN(n) == 0 }

// name names what was appended to values since the member before.
func (s *statsWriter) name(name string) {
	from := 0
	if n := len(s.members); n > 0 {
		from = s.members[n-1].to
	}
	s.members = append(s.members, statsMember{name, from, len(s.values)})
}

// metrics adds the metrics, in the vendor's order.
func (s *statsWriter) metrics() {
	r := s.random
	whole := func(name string, n int) {
		s.values = strconv.AppendInt(s.values, int64(n), 10)
		s.name(name)
	}
	in := r.IntN(60)
	whole("inInteractions", in)
	whole("outInteractions", r.IntN(20))
	whole("inboundAnswered", in-r.IntN(in/3+1))
	for i, name := range wholeMetrics {
		whole(name, r.IntN(8<<i)/(1+3*r.IntN(2)))
	}
	for _, name := range fractions {
		switch kind := r.IntN(8); {
		case s.oneIn(cellsTiny):
			s.values = strconv.AppendFloat(s.values, float64(1+r.IntN(999))/1e6, 'E', -1, 64)
		case kind == 0:
			s.values = append(s.values, "null"...)
		case kind == 1:
			s.values = append(s.values, '0')
		default:
			s.values = strconv.AppendFloat(s.values, float64(r.IntN(100_000))/float64(1+r.IntN(60)), 'f', -1, 64)
		}
		s.name(name)
	}
}

// asText makes the number of member i a string. Null stays null.
func (s *statsWriter) asText(i int) {
	m := &s.members[i]
	value := s.values[m.from:m.to]
	if value[0] == '"' || value[0] == 'n' {
		return
	}
	from := len(s.values)
	s.values = append(append(append(s.values, '"'), value...), '"')
	m.from, m.to = from, len(s.values)
}

// render appends the members as an object to buf.
func (s *statsWriter) render(spaced bool) {
	colon, comma := ":", ","
	if spaced {
		colon, comma = ": ", ",\n  "
		s.buf = append(s.buf, "\n "...)
	}
	s.buf = append(s.buf, '{')
	for i, m := range s.members {
		if i > 0 {
			s.buf = append(s.buf, comma...)
		}
		s.buf = append(append(append(append(s.buf, '"'), m.name...), '"'), colon...)
		s.buf = append(s.buf, s.values[m.from:m.to]...)
	}
	s.buf = append(s.buf, '}')
}
