package transforms

import (
	"github.com/windrow-data/windrow/pipeline"
)

// compiledMapping is a Mapping made ready for the decoders: names resolved once. It does not change after
// compileMapping, so that concurrent decoders share it.
type compiledMapping struct {
	Mapping
	cols   []int          // by field: its column, -1 without one
	must   []int          // the fields whose column must not be null
	names  []extraName    // by field
	index  map[string]int // a field by its source name
	extras int            // the column of that name
}

// compileMapping resolves the names of m. It panics on a column that the table lacks: mappings are constants of the
// program.
func compileMapping(m Mapping) *compiledMapping {
	c := &compiledMapping{
		Mapping: m,
		cols:    make([]int, len(m.Fields)),
		names:   make([]extraName, len(m.Fields)),
		index:   make(map[string]int, len(m.Fields)),
		extras:  m.Table.Index("extras"),
	}
	for f, d := range m.Fields {
		c.cols[f] = -1
		c.names[f] = *newExtraName(d.Source)
		c.index[d.Source] = f
		if d.Column == "" || d.Conv == Custom {
			continue
		}
		c.cols[f] = m.Table.Index(d.Column)
		if !m.Table.Columns[c.cols[f]].Nullable {
			c.must = append(c.must, f)
		}
	}
	return c
}

// field returns the index of the field called source, or -1.
func (c *compiledMapping) field(source string) int {
	if f, ok := c.index[source]; ok {
		return f
	}
	return -1
}

// newRow returns the Row that one Decode uses for all its records. utf8OK says that every text that the row will be
// given is valid UTF-8.
//
// A decoder calls, per record: begin; put for each listed field that the record has; putUnlisted for each other; end.
// Or rejectRaw instead of end. Or, where the other fields can be told later: accept, write, writeExtra for each, close.
func (c *compiledMapping) newRow(m *pipeline.Meta, into *pipeline.Batch, utf8OK bool) *Row {
	return &Row{
		mapping: c,
		meta:    m,
		into:    into,
		utf8OK:  utf8OK,
		source:  source{fields: make([]value, len(c.Fields))},
		told: told{
			flags: make([]fieldFlags, len(c.Fields)),
			set:   make([]bool, len(c.Table.Columns)),
		},
	}
}
