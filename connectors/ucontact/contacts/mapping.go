package contacts

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/windrow-data/windrow/pipeline/push"
)

// mapping says which columns fill which properties.
type mapping struct {
	columns [][]int      // by property: the columns that fill it, in the order in which they count
	data    int          // the column that is the whole of data; -1
	members []dataMember // the columns that are members of data
	ignored []string     // the names of those that map to nothing
	again   bool         // the table is a file of rejects
}

// dataMember is a column that is a member of data.
type dataMember struct {
	column int
	name   string
}

// Columns that files of rejects have beside those of the input.
const (
	rowColumn    = "_row"
	reasonColumn = "_reason"
	rawColumn    = "_raw"
)

// mapper resolves the names of columns.
type mapper struct {
	mapping
	options Options
	names   []string // of the table's columns
	bare    bool     // one of them is an address: a contact seems to stand where the names should
	faults  []string
}

// resolve finds the columns of the properties. faults are all that is wrong, each with its remedy.
func resolve(names []string, o Options) (mapping, []string) {
	m := &mapper{mapping: mapping{columns: make([][]int, len(properties)), data: -1}, options: o, names: names}
	m.bare = slices.ContainsFunc(names, isAddressLike)
	m.again = slices.Contains(names, rowColumn) && slices.Contains(names, reasonColumn)
	explicit := m.explicit()
	for i, name := range names {
		if mapped := slices.ContainsFunc(explicit, func(e mapped) bool { return e.column == i }); !mapped && !m.add(i, name, false) {
			m.ignored = append(m.ignored, m.shown(i))
		}
	}
	for _, e := range explicit {
		m.add(e.column, e.property, true)
	}
	m.complete()
	return m.mapping, m.faults
}

func (m *mapper) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

type mapped struct {
	column   int
	property string
}

// explicit reads what the command line says, in its order.
func (m *mapper) explicit() (all []mapped) {
	for _, text := range m.options.Maps {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 {
			m.fault("--map %s is not column=property", text)
			continue
		}
		column := slices.Index(m.names, text[:i])
		switch {
		case column < 0:
			m.fault("--map %s: there is no column %s; the columns are %s", text, text[:i], m.list())
		case slices.ContainsFunc(all, func(e mapped) bool { return e.column == column }):
			m.fault("--map %s: the column is mapped twice", text)
		default:
			all = append(all, mapped{column, strings.TrimSpace(text[i+1:])})
		}
	}
	return all
}

// list names the columns, for messages.
func (m *mapper) list() string {
	const most = 20
	shown := make([]string, min(len(m.names), most))
	for i := range shown {
		shown[i] = m.shown(i)
	}
	text := strings.Join(shown, ", ")
	if more := len(m.names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if m.bare {
		text += "; an address stands among their names: a table begins with a line that names its columns"
	}
	return text
}

// shown is the name of a column, for messages: its position where it may be a person's address or name instead.
func (m *mapper) shown(column int) string {
	name := m.names[column]
	if !m.bare || propertyNamed(name) >= 0 || plain(name) == dataName {
		return name
	}
	return fmt.Sprintf("column %d", column+1)
}

// isAddressLike reports whether what should be a column's name is an address or a number instead.
func isAddressLike(name string) bool {
	const fewest = 5 // digits of a number
	digits := 0
	for _, c := range name {
		if unicode.IsNumber(c) {
			digits++
		}
	}
	return strings.ContainsRune(name, '@') || digits >= fewest && !strings.ContainsFunc(name, unicode.IsLetter)
}

// add notes that a column fills the property of a name. It is false where there is no such property, or none is wanted.
func (m *mapper) add(column int, name string, explicit bool) bool {
	if !explicit && slices.Contains([]string{rowColumn, reasonColumn, rawColumn}, name) || explicit && name == "" {
		return true
	}
	if plain(name) == dataName {
		m.whole(column)
		return true
	}
	if len(name) > len(dataPrefix) && strings.EqualFold(name[:len(dataPrefix)], dataPrefix) {
		m.member(column, name[len(dataPrefix):])
		return true
	}
	p := propertyNamed(name)
	if p < 0 {
		if explicit {
			m.fault("--map %s=%s: there is no such property; a contact of a hub of type %s has %s", m.names[column], name, m.options.HubType, namesOf(m.options.HubType, m.options.Delivery))
		}
		return explicit
	}
	if is := &properties[p]; !is.has(m.options.HubType, m.options.Delivery) {
		m.fault("column %s is %s, which %s; %s", m.names[column], is.name, is.lacking(m.options), m.remedy(column, is.name))
	} else {
		m.columns[p] = append(m.columns[p], column)
	}
	return true
}

// lacking says why contacts have not the property.
func (p *property) lacking(o Options) string {
	if p.of != nil && !slices.Contains(p.of, o.HubType) {
		return fmt.Sprintf("contacts of a hub of type %s do not have", o.HubType)
	}
	return "leads alone have"
}

// remedy is what to do about a column that fills a property which contacts do not have.
func (m *mapper) remedy(column int, name string) string {
	name = strings.TrimSuffix(name, "s")
	if is := strings.TrimSuffix(properties[m.required()].name, "s"); name == is {
		return fmt.Sprintf("say --map %s=%s", m.names[column], properties[m.required()].name)
	}
	return fmt.Sprintf("leave it out by --map %s=", m.names[column])
}

// required is the position of the property that every contact has.
func (m *mapper) required() int {
	return slices.IndexFunc(properties, func(p property) bool {
		return p.required && p.has(m.options.HubType, m.options.Delivery)
	})
}

// whole notes the column that is data.
func (m *mapper) whole(column int) {
	if m.data >= 0 {
		m.fault("the columns %s and %s are both data; leave one out by --map %s=", m.names[m.data], m.names[column], m.names[column])
		return
	}
	m.data = column
}

// member notes a column that is a member of data.
func (m *mapper) member(column int, name string) {
	for _, other := range m.members {
		if other.name == name {
			m.fault("the columns %s and %s are both data.%s; leave one out by --map %s=", m.names[other.column], m.names[column], name, m.names[column])
			return
		}
	}
	if name == reserved && m.options.Delivery == push.Leads {
		m.fault("column %s is data.%s, which says of a lead which push it belongs to; give it another name", m.names[column], reserved)
		return
	}
	m.members = append(m.members, dataMember{column, name})
}

// complete says what is missing, and what is there more than once.
func (m *mapper) complete() {
	for p, columns := range m.columns {
		is := &properties[p]
		switch {
		case len(columns) > 1 && !is.many:
			m.fault("the columns %s and %s are both %s; leave one out by --map %s=", m.names[columns[0]], m.names[columns[1]], is.name, m.names[columns[1]])
		case len(columns) == 0 && p == m.required() && len(m.faults) == 0:
			m.fault("no column is %s; say which by --map column=%s; the columns are %s", is.name, is.name, m.list())
		}
	}
}
