package ucontact

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/windrow-data/windrow/connectors/internal/setting"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// metric is what is known of a metric: the column that it fills, or the class under which it stays in extras.
type metric struct {
	name   string
	column string // empty: it stays in extras
	unit   string // of a metric with a column
	class  pipeline.Aggregation
}

// catalogue are the metrics that the vendor's Stats page names, and what they seem to mean. An account can say more, or
// something else.
func (t statsType) catalogue() []metric {
	known := []metric{
		{"inInteractions", "interactions_in", "count", pipeline.Sum},
		{"outInteractions", "interactions_out", "count", pipeline.Sum},
		{"inboundAnswered", "answered", "count", pipeline.Sum},
	}
	if t.stream == Agents { // of campaigns the vendor does not say what it means
		known = append(known, metric{"connected", "login_seconds", "seconds", pipeline.Sum})
	}
	return known
}

// metricsOf is the catalogue as the account has it: its own word is the last.
func (s *Settings) metricsOf(t statsType) []metric {
	known := slices.DeleteFunc(t.catalogue(), func(m metric) bool { return named(s.metrics, m.name) })
	return append(known, s.metrics...)
}

// named reports whether one of the metrics has the name, in any case: the vendor's answers differ in it.
func named(metrics []metric, name string) bool {
	return slices.ContainsFunc(metrics, func(m metric) bool { return strings.EqualFold(m.name, name) })
}

// fields are the metrics as fields of a mapping.
func (s *Settings) fields(t statsType) []transforms.Field {
	var fields []transforms.Field
	for _, m := range s.metricsOf(t) {
		fields = append(fields, transforms.Field{Source: m.name, AnyCase: true, Column: m.column, Conv: metricUnits[m.unit].conv, Snapshot: m.class == pipeline.Snapshot})
	}
	return fields
}

const (
	exampleMetrics = "attendedInInteractions=handled:count,averageHoldTime=extras:mean"
	metricForm     = "name=column:unit or name=extras:class"
	inExtras       = "extras"
)

// metricUnits are the units in which a metric may be told, with the unit of the columns that it may then fill.
var metricUnits = map[string]struct {
	column string
	conv   transforms.Conv
}{
	"count":        {"count", transforms.Count},
	"seconds":      {"s", transforms.Number},
	"minutes":      {"s", transforms.Minutes},
	"milliseconds": {"s", transforms.Milliseconds},
}

// extrasClasses are what may be told of a metric without a column.
var extrasClasses = []pipeline.Aggregation{pipeline.Sum, pipeline.Mean, pipeline.Distinct, pipeline.Snapshot}

// readMetrics reads METRICS; every entry that is wrong is a fault.
func (s *Settings) readMetrics(r *setting.Reader) {
	for _, entry := range r.List("METRICS", exampleMetrics) {
		m, problem := readMetric(entry)
		if problem == "" {
			problem = s.unfitMetric(m)
		}
		if problem != "" {
			r.Fault("METRICS", problem, exampleMetrics)
			continue
		}
		s.metrics = append(s.metrics, m)
	}
	if clash := s.clash(); clash != "" {
		r.Fault("METRICS", clash, exampleMetrics)
	}
	slices.SortFunc(s.metrics, func(a, b metric) int { return strings.Compare(a.name, b.name) }) // their order shapes no row
}

// readMetric reads one entry. The problem continues the variable's name.
func readMetric(entry string) (m metric, problem string) {
	name, rest, ok := strings.Cut(entry, "=")
	column, last, ok2 := strings.Cut(rest, ":")
	name, column, last = strings.TrimSpace(name), strings.TrimSpace(column), strings.TrimSpace(last)
	switch {
	case !ok || !ok2 || name == "" || column == "" || last == "":
		return m, fmt.Sprintf("has %q, which is not %s", entry, metricForm)
	case strings.ContainsFunc(name, func(c rune) bool {
		return c != '_' && c != '-' && c != '.' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	}):
		return m, fmt.Sprintf("names the metric %q, which is not a word", name)
	case slices.ContainsFunc([]string{"date", "resource", "channel"}, func(key string) bool { return strings.EqualFold(key, name) }):
		return m, fmt.Sprintf("names %q, which says what a row is about and is no metric", name)
	case column == inExtras:
		m = metric{name: name, class: pipeline.Aggregation(last)}
		if !slices.Contains(extrasClasses, m.class) {
			return m, fmt.Sprintf("gives %s the class %q, which is none of %s", name, last, list(extrasClasses))
		}
		return m, ""
	}
	return fill(name, column, last)
}

// fill is a metric that fills a column, and is told in that unit.
func fill(name, column, unit string) (m metric, problem string) {
	i, ok := pipeline.Activity.Find(column)
	if !ok || !isMeasure(pipeline.Activity.Columns[i]) {
		return m, fmt.Sprintf("gives %s to %q, which is no measure of the table activity; what is told in %s may fill %s", name, column, unit, list(measuresIn(unit)))
	}
	c := pipeline.Activity.Columns[i]
	units := unitsOf(c)
	switch {
	case len(units) == 0:
		return m, fmt.Sprintf("gives %s to %s, which holds a %s: that is no unit of a metric; keep it in extras, as %s=extras:mean", name, column, c.Unit, name)
	case !slices.Contains(units, unit):
		return m, fmt.Sprintf("gives %s to %s in %q; the column takes %s", name, column, unit, list(units))
	}
	return metric{name: name, column: column, unit: unit, class: c.Aggregation}, ""
}

// unitsOf are the units in which the column takes a metric.
func unitsOf(c pipeline.Column) (units []string) {
	for _, unit := range sortedKeys(metricUnits) {
		if metricUnits[unit].column == c.Unit {
			units = append(units, unit)
		}
	}
	return units
}

// isMeasure reports whether a column counts something that a source may tell.
func isMeasure(c pipeline.Column) bool {
	return !c.Engine && c.Unit != "" && slices.Contains(extrasClasses, c.Aggregation)
}

// measuresIn names the columns that take a metric in the unit; of an unknown one, all that take any.
func measuresIn(unit string) (names []string) {
	_, known := metricUnits[unit]
	for _, c := range pipeline.Activity.Columns {
		units := unitsOf(c)
		if isMeasure(c) && len(units) > 0 && (!known || slices.Contains(units, unit)) {
			names = append(names, c.Name)
		}
	}
	return names
}

// unfitMetric says why m does not fit the other settings; empty where it does.
func (s *Settings) unfitMetric(m metric) string {
	if named(s.metrics, m.name) {
		return fmt.Sprintf("names %s twice", m.name)
	}
	if len(s.agents.metrics) == 0 || len(s.campaigns.metrics) == 0 {
		return ""
	}
	asked := slices.Concat(s.agents.metrics, s.campaigns.metrics)
	if slices.ContainsFunc(asked, func(name string) bool { return strings.EqualFold(name, m.name) }) {
		return ""
	}
	return fmt.Sprintf("names %s, for which neither %sAGENT_METRICS nor %sCAMPAIGN_METRICS asks", m.name, s.prefix, s.prefix)
}

// clash says which two metrics would fill one column; empty where none do.
func (s *Settings) clash() string {
	for _, t := range statsTypes {
		filled := map[string]string{}
		for _, m := range s.metricsOf(t) {
			other, taken := filled[m.column]
			if m.column == "" || !taken {
				filled[m.column] = m.name
				continue
			}
			problem := fmt.Sprintf("gives %s to %s, which %s fills already", m.name, m.column, other)
			if !named(s.metrics, other) {
				problem += fmt.Sprintf("; say %s=extras:sum as well to free it", other)
			}
			return problem
		}
	}
	return ""
}

// uncatalogued tells of metrics that were seen, and of which neither the catalogue nor the account says what they are.
func (s *Settings) uncatalogued(t statsType, seen map[string]bool) []string {
	var unknown []string
	known := s.metricsOf(t)
	for _, name := range sortedKeys(seen) {
		if !named(known, name) {
			unknown = append(unknown, name+guess(name))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("not catalogued, so that nothing adds them up, but kept in extras: %s; %sMETRICS says what they are, as %s",
		strings.Join(unknown, ", "), s.prefix, metricForm)}
}

// guess is what a metric's name suggests. It is for people to judge, never applied.
func guess(name string) string {
	lower := strings.ToLower(name)
	begins := func(with ...string) bool {
		return slices.ContainsFunc(with, func(p string) bool { return strings.HasPrefix(lower, p) })
	}
	ends := func(with ...string) bool {
		return slices.ContainsFunc(with, func(p string) bool { return strings.HasSuffix(lower, p) })
	}
	switch {
	case begins("average", "avg"), lower == "art", lower == "arts", ends("level", "rate", "percent"):
		return " (a mean?)"
	case begins("max", "min", "longest"):
		return " (an extreme?)"
	case ends("time", "duration"):
		return " (a duration?)"
	}
	return ""
}

func list[S ~string](names []S) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
