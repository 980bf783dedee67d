package contacts

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/windrow-data/windrow/pipeline/push"
)

// column is a cell of a row, and its position among the columns.
type column struct {
	at int
	push.Cell
}

// reading makes contacts of rows, one after the other. Its memory is used again.
type reading struct {
	in    *Input
	cells []column
	ids   []string // of the row
	zone  *zone    // of the row; nil: it has none
	json  []byte
	data  []byte
}

// contact makes a contact of a row, or says why it is none.
func (r *reading) contact(row push.Row) (push.Contact, *fault) {
	if row.Problem != "" {
		return push.Contact{}, &fault{column: -1, problem: row.Problem, remedy: row.Remedy}
	}
	r.ids, r.zone, r.json = r.ids[:0], r.in.zone, append(r.json[:0], '{')
	for i := range properties {
		p := &properties[i]
		if !p.has(r.in.options.HubType, r.in.options.Delivery) {
			continue
		}
		r.cells = r.cells[:0]
		for _, at := range r.in.mapping.columns[i] {
			if at < len(row.Cells) && row.Cells[at].Kind != push.Blank {
				r.cells = append(r.cells, column{at, row.Cells[at]})
			}
		}
		value, f := p.read(r, r.cells)
		if f != nil {
			return push.Contact{}, f
		}
		if len(value) == 0 {
			if p.required {
				return push.Contact{}, &fault{r.in.mapping.columns[i][0], "is blank", "give it an address, or take the row out", 0}
			}
			continue
		}
		if len(r.json) > 1 {
			r.json = append(r.json, ',')
		}
		r.json = append(append(append(append(r.json, '"'), p.name...), `":`...), value...)
	}
	r.json = append(r.json, '}')
	data, f := r.dataOf(row)
	return push.Contact{Row: row.Number, IDs: r.ids, JSON: r.json, Data: data}, f
}

// dataOf makes the object data of its columns.
func (r *reading) dataOf(row push.Row) ([]byte, *fault) {
	m := &r.in.mapping
	r.data = append(r.data[:0], '{')
	if m.data >= 0 && m.data < len(row.Cells) {
		if f := r.wholeData(column{m.data, row.Cells[m.data]}); f != nil {
			return nil, f
		}
	}
	for _, member := range m.members {
		if member.column >= len(row.Cells) || row.Cells[member.column].Kind == push.Blank {
			continue
		}
		cell := column{member.column, row.Cells[member.column]}
		value, f := r.valueOf(cell)
		if f != nil {
			return nil, f
		}
		name, err := jsontext.AppendQuote(nil, member.name)
		if err != nil {
			return nil, cell.fault("has a name that is no UTF-8", "save the file in UTF-8")
		}
		if len(r.data) > 1 {
			r.data = append(r.data, ',')
		}
		r.data = append(append(append(r.data, name...), ':'), value...)
	}
	if len(r.data) == 1 {
		return nil, nil
	}
	r.data = append(r.data, '}')
	canonical, err := push.Canonical(r.data)
	if err != nil {
		return nil, &fault{max(m.data, -1), "has a member of data that a column is too", "leave one of them", 0}
	}
	if len(canonical) == len("{}") {
		return nil, nil
	}
	return canonical, nil
}

// wholeData appends the members of an object.
func (r *reading) wholeData(c column) *fault {
	const remedy = `write it as one JSON object, like {"name":"John Smith"}`
	if c.Kind == push.Blank {
		return nil
	}
	object := jsontext.Value(c.Text)
	if c.Kind == push.Text {
		var err error
		if object, err = push.Canonical([]byte(c.Text)); err != nil {
			return c.fault("is no JSON object", remedy)
		}
	}
	if object.Kind() != '{' {
		return c.fault("is no JSON object", remedy)
	}
	if r.in.options.Delivery == push.Leads && hasMember(object, reserved) {
		return c.fault("has the member "+reserved+", which says of a lead which push it belongs to", "give it another name")
	}
	r.data = append(r.data, object[1:len(object)-1]...)
	return nil
}

// hasMember reports whether a canonical object has a member of a name that needs no escape.
func hasMember(object jsontext.Value, name string) bool {
	if !strings.Contains(string(object), `"`+name+`":`) {
		return false // nearly every object ends here
	}
	d := jsontext.NewDecoder(strings.NewReader(string(object)))
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for d.PeekKind() == '"' {
		member, err := d.ReadToken()
		if err != nil {
			return false
		}
		if member.String() == name {
			return true
		}
		if d.SkipValue() != nil {
			return false
		}
	}
	return false
}

// valueOf is a cell as a JSON value of data.
func (r *reading) valueOf(c column) ([]byte, *fault) {
	switch c.Kind {
	case push.Number, push.Bool, push.Nested:
		return []byte(c.Text), nil
	}
	// What was no text in the input stands as JSON in a file of its rejects.
	if r.in.mapping.again && (c.Text[0] == '[' || c.Text[0] == '{') {
		if nested, err := push.Canonical([]byte(c.Text)); err == nil {
			return nested, nil
		}
	}
	return quoted(c, c.Text)
}

func (c column) fault(problem, remedy string) *fault { return &fault{c.at, problem, remedy, 0} }

// quoted is a text as JSON.
func quoted(c column, text string) ([]byte, *fault) {
	if !utf8.ValidString(text) {
		return nil, c.fault("holds bytes that are no UTF-8", "save the file in UTF-8")
	}
	b, err := jsontext.AppendQuote(nil, text)
	if err != nil || strings.IndexByte(text, 0) >= 0 {
		return nil, c.fault("holds a NUL byte", "take it out")
	}
	return b, nil
}

// text is a cell as a text. A number stands as JSON's one form has it.
func (c column) text() (string, *fault) {
	switch c.Kind {
	case push.Nested:
		return "", c.fault("is a list or an object", "give it one text")
	case push.Number:
		return digitsOf(c.Text), nil
	}
	return c.Text, nil
}

// digitsOf is a JSON number as people write it: 5 for 5.0 and for 5e0.
func digitsOf(number string) string {
	if !strings.ContainsAny(number, ".eE") {
		return number
	}
	if f, err := strconv.ParseFloat(number, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return number
}

// items are the texts of cells that may hold several: a JSON array, or a text with ; between them.
func items(cells []column, each func(column, string) *fault) *fault {
	for _, c := range cells {
		var texts []string
		list := c.Kind == push.Nested
		if c.Kind == push.Text && strings.HasPrefix(strings.TrimSpace(c.Text), "[") {
			canonical, err := push.Canonical([]byte(c.Text))
			if list = err == nil; list {
				c.Text = string(canonical)
			}
		}
		if list {
			var ok bool
			if texts, ok = elements(c.Text); !ok {
				return c.fault("is no list of texts", `write it like ["one","two"], or with ; between them`)
			}
		} else {
			text, f := c.text()
			if f != nil {
				return f
			}
			texts = strings.Split(text, ";")
		}
		for _, text := range texts {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			if f := each(c, text); f != nil {
				return f
			}
		}
	}
	return nil
}

// elements are those of a JSON array of texts and numbers.
func elements(array string) (texts []string, ok bool) {
	d := jsontext.NewDecoder(strings.NewReader(array))
	for {
		t, err := d.ReadToken()
		switch {
		case err != nil || t.Kind() == '{' || t.Kind() == 't' || t.Kind() == 'f':
			return nil, false
		case t.Kind() == ']':
			return texts, true
		case t.Kind() == '"':
			texts = append(texts, t.String())
		case t.Kind() == '0':
			texts = append(texts, digitsOf(t.String()))
		case t.Kind() == '[' && d.StackDepth() > 1:
			return nil, false
		}
	}
}

// take notes an id of the row. It is false where the row has the id already.
func (r *reading) take(id string) bool {
	if slices.Contains(r.ids, id) {
		return false
	}
	r.ids = append(r.ids, id)
	return true
}
