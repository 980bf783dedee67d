package transforms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// compiledMapping is a Mapping made ready for the decoders: names resolved once. It does not change after
// compileMapping, so that concurrent decoders share it.
type compiledMapping struct {
	Mapping
	policy         pipeline.Policy
	mapped         []pipeline.MappedField
	cols           []int               // by field: its column, -1 without one
	must           []int               // the fields whose column must not be null
	keys           []int               // those, and the fields among Keys
	names          []extraName         // by field
	checks         []fieldChecks       // by field
	tidied         []int               // the fields whose values may stand for nothing, or must be digits
	index          map[string]int      // a field by its source name
	prefixes       []int               // the fields that are found by what their name begins with
	anyCase        []int               // the fields whose name may come in any case
	limited        []int               // the fields that have limits
	extras         int                 // the column of that name
	timezone       int                 // and that one
	columnPersonal []pipeline.Personal // by column: of what the mapping sets itself; all Impersonal where the policy keeps
	rejectPersonal pipeline.Personal   // of a reject's text
}

// compileMapping resolves the names of m. It panics on a column that the table lacks, and on a personal field that
// fills a column without text: mappings are constants of the program.
func compileMapping(m Mapping, p pipeline.Policy) *compiledMapping {
	c := &compiledMapping{
		Mapping:        m,
		policy:         p,
		mapped:         make([]pipeline.MappedField, len(m.Fields)),
		cols:           make([]int, len(m.Fields)),
		names:          make([]extraName, len(m.Fields)),
		checks:         make([]fieldChecks, len(m.Fields)),
		index:          make(map[string]int, len(m.Fields)),
		extras:         m.Table.Index("extras"),
		timezone:       m.Table.Index("timezone"),
		columnPersonal: make([]pipeline.Personal, len(m.Table.Columns)),
	}
	if c.redacts() {
		c.rejectPersonal = pipeline.PersonalRow
		for i, col := range m.Table.Columns {
			c.columnPersonal[i] = col.Personal
		}
	}
	for f, d := range m.Fields {
		c.mapped[f].Name, c.mapped[f].Hint, c.mapped[f].Limits, c.cols[f] = d.Source, d.Hint, d.Limits, -1
		if len(d.Limits) > 0 {
			c.limited = append(c.limited, f)
		}
		if d.Column != "" && d.Conv != Custom {
			c.cols[f] = m.Table.Index(d.Column)
			c.mapped[f].Measure = m.Table.Columns[c.cols[f]].IsMeasure()
			c.checkPersonal(f)
			if !m.Table.Columns[c.cols[f]].Nullable {
				c.must = append(c.must, f)
			}
		}
		if slices.Contains(c.must, f) || slices.Contains(m.Keys, d.Source) {
			c.keys = append(c.keys, f)
		}
		if d.AnyCase {
			c.anyCase = append(c.anyCase, f)
		}
		if d.Prefix {
			c.mapped[f].Stem = d.Source
			c.prefixes = append(c.prefixes, f)
		} else {
			c.index[d.Source] = f
		}
		c.check(f)
		c.names[f] = *newExtraName(d.Source)
		if c.redacts() {
			c.names[f].personal = c.declaredPersonal(f)
		}
	}
	return c
}

// isSnapshot reports whether the member of extras called name is true only at the moment of reading.
func (c *compiledMapping) isSnapshot(name []byte) bool {
	return slices.ContainsFunc(c.Fields, func(f Field) bool {
		return f.Snapshot && (f.Source == string(name) || f.AnyCase && strings.EqualFold(f.Source, string(name)))
	})
}

// check notes what is checked of a field's values.
func (c *compiledMapping) check(f int) {
	var col *pipeline.Column
	if c.cols[f] >= 0 {
		col = &c.Table.Columns[c.cols[f]]
	}
	c.checks[f] = checksOf(&c.Fields[f], col, c.declaredPersonal(f))
	if c.checks[f]&(placeholders|zeroIsBlank|digitsOnly) != 0 {
		c.tidied = append(c.tidied, f)
	}
}

// redacts reports whether the policy replaces anything.
func (c *compiledMapping) redacts() bool { return !c.policy.Keeps() }

// declaredPersonal is the kind of personal data of a field: its own, or else its column's.
func (c *compiledMapping) declaredPersonal(f int) pipeline.Personal {
	personal := c.Personal[c.Fields[f].Source]
	if personal == pipeline.Impersonal && c.cols[f] >= 0 {
		personal = c.Table.Columns[c.cols[f]].Personal
	}
	return personal
}

// checkPersonal panics on a personal field whose column cannot hold what stands for its values.
func (c *compiledMapping) checkPersonal(f int) {
	d := &c.Fields[f]
	if d.Conv != Text && d.Conv != Lower && d.Conv != Tags && c.declaredPersonal(f) != pipeline.Impersonal {
		panic(fmt.Sprintf("transforms: the personal field %s fills the column %s, which holds no text", d.Source, d.Column))
	}
}

// unlistedName is the name in extras of a source field that Fields does not list.
func (c *compiledMapping) unlistedName(source string) *extraName {
	told, kept := ToldName(c.policy, source)
	n := newExtraName(told)
	if !c.redacts() {
		return n
	}
	n.hidden, n.left = told != source, !kept
	personal, declared := c.Personal[source]
	if !declared && !slices.Contains(c.Harmless, source) {
		personal = pipeline.PersonalUnlisted
	}
	n.personal = personal
	return n
}

// field returns the index of the field called source, or -1.
func (c *compiledMapping) field(source string) int {
	if f, ok := c.index[source]; ok {
		return f
	}
	for _, f := range c.anyCase {
		if strings.EqualFold(c.Fields[f].Source, source) {
			return f
		}
	}
	return -1
}

// renamed is the mapping for a document in which field f is called source.
func (c *compiledMapping) renamed(f int, source string) *compiledMapping {
	own := *c
	own.Fields, own.names, own.mapped = slices.Clone(c.Fields), slices.Clone(c.names), slices.Clone(c.mapped)
	own.Fields[f].Source, own.mapped[f].Name = source, source
	own.names[f] = *newExtraName(source)
	own.names[f].personal = c.names[f].personal
	return &own
}

// newRow returns the Row that one Decode uses for all its records. isText says that every text that the row will be
// given is UTF-8 without NUL bytes.
//
// A decoder calls, per record: begin; put for each listed field that the record has; putUnlisted for each other; end.
// Or rejectRaw instead of end. Or, where the other fields can be told later: accept, write, writeExtra for each, close.
func (c *compiledMapping) newRow(m *pipeline.Meta, into *pipeline.Batch, isText bool) *Row {
	into.SetFields(c.mapped)
	return &Row{
		mapping: c,
		meta:    m,
		into:    into,
		isText:  isText,
		redacts: c.redacts(),
		source:  source{fields: make([]value, len(c.Fields))},
		noted:   noted{filled: pipeline.NewFieldSet(len(c.Fields)), there: pipeline.NewFieldSet(len(c.Fields))},
		told: told{
			flags: make([]fieldFlags, len(c.Fields)),
			set:   make([]bool, len(c.Table.Columns)),
		},
	}
}
